/** Connections that the server closes while they are reused: each server at its own default, and at the edges of the setting. */

import type { RoutePlan } from '../clients.ts';
import { nodes, ordinary, people, polled, pollers } from '../places.ts';
import type { ExpectedVerdict, Situation } from '../situation.ts';

const why = 'Each failed request met a connection that the server was closing.';
const hidden: ExpectedVerdict = {
  between: ['keep-alive-race', 'closed-mid-request'],
  why: 'Most successes come after the same pauses as the errors, so the pauses show no edge.',
};
const quiet = nodes.slice(2, 6);
const TARGETS = 4;

/** Pollers on four quiet nodes come back around the keep-alive time; people use the other two. */
function race(
  name: string,
  server: string,
  what: string,
  [from, to]: [from: number, to: number],
  more: Partial<Situation> & { busy?: RoutePlan[] } = {},
): Situation {
  const { busy = [], ...rest } = more;
  return {
    name,
    server,
    what,
    seconds: 180,
    nodes: 6,
    targets: TARGETS,
    clients: [...people(4, [...ordinary, ...often, ...busy]), ...pollers([from, to], TARGETS, quiet, polled)],
    expected: { cause: 'keep-alive-race', why },
    ...rest,
  };
}

/** People ask for what is polled as well, after pauses of any length. */
const often = polled.map((route) => ({ ...route, weight: 30 }));
const blocking: RoutePlan = { weight: 40, method: 'GET', path: '/api/search', headers: { 'X-Lab-Block': '45' } };

export const races: readonly Situation[] = [
  race('race-node-18', 'node-18', 'Node.js 18 closes idle connections after 5 s.', [4.98, 5.03], {
    seconds: 150,
    isNightly: true,
  }),
  race('race-node-20', 'node-20', 'Node.js 20 closes idle connections after 6 s.', [5.98, 6.03]),
  race('race-node-24', 'node-24', 'Node.js 24 closes idle connections after 6 s.', [5.98, 6.03]),
  race(
    'race-node-24-busy',
    'node-24',
    'Node.js 24 closes after 6 s, its event loop is blocked for 45 ms at a time.',
    [5.97, 6.05],
    {
      busy: [blocking],
    },
  ),
  race('race-express', 'express', 'Express on Node.js 24 closes idle connections after 6 s.', [5.98, 6.03]),
  race('race-uvicorn', 'uvicorn', 'uvicorn closes idle connections after 5 s.', [4.98, 5.03]),
  race('race-hypercorn', 'hypercorn', 'hypercorn closes idle connections after 5 s.', [4.98, 5.03], {
    // Its timer also closes connections on which the application has just begun.
    truth: { 'closed-mid-request': 'keep-alive-race' },
  }),
  race('race-apache', 'apache', 'Apache closes idle connections after 5 s.', [4.97, 5.04]),
  race('race-go-idle-5', 'go', 'A Go server with an IdleTimeout of 5 s.', [4.98, 5.03], { env: { IDLE_TIMEOUT: '5' } }),
  race(
    'race-gunicorn-20.1-gthread',
    'gunicorn-20.1-gthread',
    'gunicorn 20.1 closes after 2 s, when its loop comes round.',
    [1.98, 2.3],
    { expected: hidden },
  ),
  race('race-gunicorn-gthread', 'gunicorn-gthread', 'gunicorn closes idle connections after 2 s.', [1.98, 2.3], {
    expected: hidden,
  }),
  race('race-puma', 'puma', 'Puma 5 closes idle connections after 20 s.', [20.18, 20.24], { seconds: 420 }),
  race('race-equal-timers', 'node-24', 'The server and the load balancer both close after 5 s.', [4.975, 5.02], {
    env: { KEEP_ALIVE_MS: '4000' },
    idleTimeoutSeconds: 5,
  }),
  race(
    'race-300',
    'node-18',
    'The server closes after 300 s of real time, the load balancer after 350 s, in quiet hours.',
    [299.98, 300.03],
    {
      seconds: 960,
      env: { KEEP_ALIVE_MS: '300000' },
      idleTimeoutSeconds: 350,
      clients: [...people(1, [...ordinary, ...often]), ...pollers([299.98, 300.03], TARGETS, quiet, polled)],
    },
  ),
  {
    name: 'race-hidden-by-pollers',
    server: 'gunicorn-20.1-gthread',
    what: 'gunicorn 20.1 closes after 2 s, and nobody but pollers asks for the route that fails.',
    seconds: 180,
    nodes: 6,
    targets: TARGETS,
    clients: [...people(3, ordinary), ...pollers([1.98, 2.3], TARGETS, quiet, polled)],
    expected: hidden,
  },
  {
    name: 'race-at-once',
    server: 'node-18',
    what: 'Node.js 18 with a keep-alive of 3 ms closes right after each response.',
    seconds: 120,
    targets: 2,
    env: { KEEP_ALIVE_MS: '3' },
    clients: people(25, ordinary),
    expected: { cause: 'keep-alive-race', why },
  },
  {
    name: 'healthy-announced-close',
    server: 'gunicorn-20.1-sync',
    what: 'gunicorn sync announces each close: no connection is used twice.',
    seconds: 100,
    clients: people(6, ordinary),
    expected: { nothingFailed: true, why: 'No request failed.' },
  },
  {
    name: 'healthy-request-limit',
    server: 'nginx',
    what: 'nginx announces the close after 20 requests.',
    seconds: 100,
    args: ['keepalive_requests 20;'],
    clients: people(15, ordinary),
    expected: { nothingFailed: true, why: 'No request failed.' },
  },
];
