/** Addresses of the lab, all private or from documentation ranges; the same as in the recorded incidents. */
import type { NodeSpec, TargetSpec } from '../support/simulator/scenario.ts';
import type { ClientPlan, RoutePlan } from './clients.ts';

export const nodes: readonly NodeSpec[] = [
  { zone: 'a', address: '10.0.0.37', publicAddress: '192.0.2.17' },
  { zone: 'b', address: '10.0.1.142', publicAddress: '192.0.2.88' },
  { zone: 'a', address: '10.0.0.201', publicAddress: '192.0.2.41' },
  { zone: 'b', address: '10.0.1.19', publicAddress: '192.0.2.103' },
  { zone: 'a', address: '10.0.0.96', publicAddress: '192.0.2.62' },
  { zone: 'b', address: '10.0.1.230', publicAddress: '192.0.2.119' },
];

export const targets: readonly TargetSpec[] = [
  { zone: 'a', address: '10.0.10.21' },
  { zone: 'b', address: '10.0.11.76' },
  { zone: 'a', address: '10.0.10.133' },
  { zone: 'b', address: '10.0.11.209' },
];

export const TARGET_PORT = 8080;
export const LISTENER_PORT = 80;
export const HOST = 'shop.example.com';

const USER_AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15',
  'okhttp/4.12.0',
  'python-requests/2.32.3',
];

export const clientAddresses = [
  ...Array.from({ length: 10 }, (_, i) => `203.0.113.${17 + 19 * i}`),
  ...Array.from({ length: 10 }, (_, i) => `198.51.100.${9 + 21 * i}`),
];

function client(i: number, node: NodeSpec, pace: ClientPlan['pace'], routes: readonly RoutePlan[]): ClientPlan {
  return {
    address: clientAddresses[i % clientAddresses.length] ?? '',
    node: node.publicAddress ?? node.address,
    port: LISTENER_PORT,
    host: HOST,
    userAgent: USER_AGENTS[i % USER_AGENTS.length] ?? '',
    pace,
    routes: [...routes],
  };
}

/** Requests at random from ten clients, evenly over these nodes. */
export function people(
  perSecond: number,
  routes: readonly RoutePlan[],
  on: readonly NodeSpec[] = nodes.slice(0, 2),
): ClientPlan[] {
  return Array.from({ length: 10 }, (_, i) =>
    client(i, on[i % on.length] as NodeSpec, { perSecond: perSecond / 10 }, routes),
  );
}

/**
 * One poller on each of these nodes, alone there, so that each connection idles as long as the poller pauses: with `share` targets in
 * turn, each is met after that many pauses.
 */
export function pollers(
  idleSeconds: [number, number],
  share: number,
  on: readonly NodeSpec[],
  routes: readonly RoutePlan[],
): ClientPlan[] {
  return on.map((node, i) =>
    client(10 + i, node, { everySeconds: [idleSeconds[0] / share, idleSeconds[1] / share] }, routes),
  );
}

/** What a shop's pages ask for. */
export const ordinary: RoutePlan[] = [
  { weight: 30, method: 'GET', path: '/api/products/{n}' },
  { weight: 20, method: 'GET', path: '/api/cart' },
  { weight: 10, method: 'GET', path: '/api/orders/{n}' },
  { weight: 6, method: 'POST', path: '/api/orders', body: { bytes: 900, pieces: 1, pauseSeconds: 0 } },
  { weight: 4, method: 'GET', path: '/reports', headers: { 'X-Lab-Work': '180' } },
];

export const polled: RoutePlan[] = [{ weight: 1, method: 'GET', path: '/api/notifications' }];
