/** Building blocks for the incidents of several families. */
import { loadBalancer, shopRoutes, targets } from '../support/simulator/recordings/shop.ts';
import type {
  AudienceSpec,
  Fault,
  LoadBalancerSpec,
  RouteSpec,
  Scenario,
  TargetGroupSpec,
} from '../support/simulator/scenario.ts';
import { web } from './incident.ts';

/** Pages that refresh together about every so many seconds: many connections are then idle for just that long. */
export const refreshEvery = (everySeconds: number, more: Partial<AudienceSpec> = {}): AudienceSpec => ({
  kind: 'audience',
  count: 24,
  everySeconds,
  spreadSeconds: Math.max(0.05, 0.04 * everySeconds),
  withinSeconds: 0.03,
  retry: 0.9,
  routes: ['GET /cart', 'GET /products/{n}', 'GET /search', 'GET /orders/{uuid}'],
  ...more,
});

/** Targets that close idle connections after this. */
export const keepAliveAfter = (seconds: number, loopLagMs = 12): Partial<TargetGroupSpec> => ({
  server: { keepAliveSeconds: seconds, loopLagMs },
});

/** A keep-alive race at this many seconds. */
export const keepAliveRaceAt = (seconds: number, more: Partial<AudienceSpec> = {}): Partial<Scenario> => ({
  targetGroups: [web(keepAliveAfter(seconds))],
  clients: [
    { kind: 'sessions', perMinute: 4, requests: 7, thinkSeconds: 5, retry: 0.8 },
    refreshEvery(1.02 * seconds, more),
  ],
});

export const reports: RouteSpec = {
  method: 'POST',
  path: '/reports',
  weight: 3,
  group: 'web',
  medianMs: 700,
  sigma: 0.6,
  requestBytes: 400,
  responseBytes: 1500,
};

export const withReports: RouteSpec[] = [...shopRoutes('web'), reports];

/** Reports that take longer than a worker may work. */
export const slowReports: Extract<Fault, { kind: 'slow' }> = {
  kind: 'slow',
  route: 'POST /reports',
  share: 0.5,
  seconds: [45, 58],
};

/** Uploads over slow connections. */
export const uploads: RouteSpec = {
  method: 'POST',
  path: '/uploads',
  weight: 1,
  group: 'web',
  medianMs: 80,
  requestBytes: 2_000_000,
  responseBytes: 300,
};

/** One target after the other is replaced; the old ones exit at once. */
export const deployment = (at = 240, more: Partial<Extract<Fault, { kind: 'deployment' }>> = {}): Fault => ({
  kind: 'deployment',
  group: 'web',
  at,
  everySeconds: 75,
  stopAfterSeconds: 0.4,
  replace: [
    { old: '10.0.10.40', new: { address: '10.0.10.101', zone: 'a' } },
    { old: '10.0.11.40', new: { address: '10.0.11.102', zone: 'b' } },
    { old: '10.0.11.41', new: { address: '10.0.11.103', zone: 'b' } },
  ],
  ...more,
});

/** Nodes learn of changed registrations late, so many requests go to targets that have left. */
export const slowPropagation = (more: Partial<LoadBalancerSpec> = {}): LoadBalancerSpec =>
  loadBalancer('shop-prod', '4f2a9c1e7b3d5068', { propagationSeconds: [6, 14], ...more });

/** A function behind POST /quotes, beside the shop. */
export const quotes: Partial<Scenario> = {
  targetGroups: [
    web(),
    {
      name: 'quotes',
      id: '1122334455667788',
      targetType: 'lambda',
      protocol: 'HTTP',
      port: 0,
      targets: [],
      lambda: { functionName: 'quotes', timeoutSeconds: 3 },
    },
  ],
  routes: [
    ...shopRoutes('web'),
    {
      method: 'POST',
      path: '/quotes',
      weight: 22,
      group: 'quotes',
      medianMs: 240,
      requestBytes: 500,
      responseBytes: 900,
      priority: 40,
    },
  ],
};

/** A group that speaks HTTPS to port 8443, health-checked over plain HTTP on a port of its own. */
export const httpsGroup = (more: Partial<TargetGroupSpec> = {}): TargetGroupSpec =>
  web({ protocol: 'HTTPS', port: 8443, healthCheck: { port: 8081, protocol: 'HTTP' }, ...more });

export const fourTargets = targets('10.0.10.40', '10.0.10.41', '10.0.11.40', '10.0.11.41');
