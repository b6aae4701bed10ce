/** The shop that most recordings are about: hosts, routes and people that are the same everywhere. */
import type {
  LoadBalancerSpec,
  NodeSpec,
  RouteSpec,
  Scenario,
  SessionsSpec,
  TargetGroupSpec,
  TargetSpec,
} from '../scenario.ts';

export const nodesInTwoZones: NodeSpec[] = [
  { zone: 'a', address: '10.0.0.37', publicAddress: '192.0.2.17' },
  { zone: 'b', address: '10.0.1.142', publicAddress: '192.0.2.88' },
];

export function loadBalancer(name: string, id: string, more: Partial<LoadBalancerSpec> = {}): LoadBalancerSpec {
  return {
    name,
    id,
    scheme: 'internet-facing',
    listener: { protocol: 'HTTPS', port: 443 },
    host: 'shop.example.com',
    idleTimeoutSeconds: 60,
    nodes: nodesInTwoZones,
    ...more,
  };
}

export const internalNodes: NodeSpec[] = [
  { zone: 'a', address: '10.0.0.37' },
  { zone: 'b', address: '10.0.1.142' },
];

export function targets(...addresses: string[]): TargetSpec[] {
  return addresses.map((address) => ({ address, zone: address.startsWith('10.0.10.') ? 'a' : 'b' }));
}

/** A group of ip targets whose server keeps idle connections longer than any load balancer here. */
export function group(
  name: string,
  id: string,
  members: TargetSpec[],
  more: Partial<TargetGroupSpec> = {},
): TargetGroupSpec {
  return {
    name,
    id,
    targetType: 'ip',
    protocol: 'HTTP',
    port: 8080,
    server: { keepAliveSeconds: 75 },
    targets: members,
    ...more,
  };
}

export function shopRoutes(groupName: string): RouteSpec[] {
  return [
    { method: 'GET', path: '/', weight: 10, group: groupName, medianMs: 18, responseBytes: 8400, notModified: 0.1 },
    {
      method: 'GET',
      path: '/products/{n}',
      weight: 24,
      group: groupName,
      medianMs: 26,
      responseBytes: 5200,
      notFound: 0.02,
    },
    {
      method: 'GET',
      path: '/search',
      query: ['q', 'page'],
      weight: 14,
      group: groupName,
      medianMs: 85,
      responseBytes: 9600,
    },
    {
      method: 'GET',
      path: '/cart',
      query: ['session'],
      weight: 9,
      group: groupName,
      medianMs: 22,
      responseBytes: 1900,
    },
    {
      method: 'POST',
      path: '/cart/items',
      weight: 6,
      group: groupName,
      medianMs: 35,
      requestBytes: 210,
      responseBytes: 640,
    },
    {
      method: 'POST',
      path: '/checkout',
      query: ['token'],
      weight: 3,
      group: groupName,
      medianMs: 140,
      requestBytes: 900,
      responseBytes: 1200,
    },
    { method: 'GET', path: '/orders/{uuid}', weight: 4, group: groupName, medianMs: 30, responseBytes: 2300 },
    {
      method: 'GET',
      path: '/assets/{hex}.js',
      weight: 8,
      group: groupName,
      medianMs: 4,
      responseBytes: 31000,
      notModified: 0.5,
    },
  ];
}

export function people(perMinute: number, more: Partial<SessionsSpec> = {}): SessionsSpec {
  return {
    kind: 'sessions',
    perMinute,
    requests: 7,
    thinkSeconds: 5,
    retry: 0.8,
    retryAfterSeconds: [0.4, 3],
    ...more,
  };
}

/** A quarter of an hour, with logs from `lead` seconds before it, asked about an hour later. */
export function quarterHour(
  from: string,
  lead = 60,
): { window: Scenario['window']; recorded: { from: string; to: string } } {
  const start = Date.parse(from);
  const iso = (time: number) => new Date(time).toISOString().replace('.000Z', 'Z');
  return {
    window: { from: iso(start), to: iso(start + 900_000), now: iso(start + 4_500_000) },
    recorded: { from: iso(start - lead * 1000), to: iso(start + 900_000) },
  };
}
