/** Requests and responses at fault, and more than one cause at once. */
import type { RoutePlan } from '../clients.ts';
import { nodes, ordinary, people, polled, pollers } from '../places.ts';
import type { Situation } from '../situation.ts';

const route = (path: string, headers: Record<string, string>, weight = 1): RoutePlan => ({
  weight,
  method: 'GET',
  path,
  headers,
});

export const requests: readonly Situation[] = [
  {
    name: 'healthy-nginx',
    server: 'nginx',
    what: 'nginx with its defaults serves people for two minutes.',
    seconds: 120,
    isNightly: true,
    clients: people(8, ordinary),
    expected: { nothingFailed: true, why: 'No request failed.' },
  },
  {
    name: 'healthy-puma',
    server: 'puma',
    what: 'Puma with its defaults serves people for two minutes.',
    seconds: 120,
    clients: people(8, ordinary),
    expected: { nothingFailed: true, why: 'No request failed.' },
  },
  {
    name: 'slow-route',
    server: 'uvicorn',
    what: 'Some reports take 12 s behind an idle timeout of 10 s.',
    seconds: 120,
    isNightly: true,
    idleTimeoutSeconds: 10,
    clients: people(8, [...ordinary, route('/reports', { 'X-Lab-Work': '12000' }, 3)]),
    expected: { cause: 'slow-target', why: 'GET requests end at the idle timeout.' },
  },
  {
    name: 'slow-route-tomcat',
    server: 'tomcat',
    what: 'Some reports of a Tomcat take 12 s behind an idle timeout of 10 s.',
    seconds: 110,
    idleTimeoutSeconds: 10,
    clients: people(8, [...ordinary, route('/api/exports/{n}', { 'X-Lab-Work': '12000' }, 3)]),
    expected: { cause: 'slow-target', why: 'GET requests end at the idle timeout.' },
  },
  {
    name: 'terminated-php',
    server: 'php-fpm',
    what: 'PHP-FPM ends requests after 3 s, and nginx in the target answers 502.',
    seconds: 110,
    args: ['request_terminate_timeout = 3'],
    clients: people(6, [...ordinary, route('/api/exports/{n}', { 'X-Lab-Work': '9000' }, 3)]),
    expected: { cause: 'target-generated', why: 'nginx sent each 502 itself.' },
  },
  {
    name: 'healthy-jetty',
    server: 'jetty',
    what: 'Jetty with its defaults serves people for 100 s.',
    seconds: 100,
    clients: people(8, ordinary),
    expected: { nothingFailed: true, why: 'No request failed.' },
  },
  {
    name: 'healthy-waitress',
    server: 'waitress',
    what: 'waitress with its defaults serves people for 100 s.',
    seconds: 100,
    clients: people(8, ordinary),
    expected: { nothingFailed: true, why: 'No request failed.' },
  },
  {
    name: 'stalled-upload',
    server: 'node-22',
    what: 'Some clients stall for 14 s between two pieces of a body, behind an idle timeout of 10 s.',
    seconds: 140,
    idleTimeoutSeconds: 10,
    clients: people(6, [
      ...ordinary,
      { weight: 3, method: 'POST', path: '/uploads', body: { bytes: 9000, pieces: 2, pauseSeconds: 14 } },
      { weight: 12, method: 'POST', path: '/uploads', body: { bytes: 9000, pieces: 1, pauseSeconds: 0 } },
    ]),
    truth: { 'slow-target': 'slow-upload' },
    expected: {
      between: ['slow-target', 'slow-upload'],
      why: 'What arrived is shorter than the successes of the route, if the log counts a part of a body.',
    },
  },
  {
    name: 'slow-upload-succeeds',
    server: 'node-22',
    what: 'Clients send a body in twenty pieces over 16 s, behind an idle timeout of 10 s.',
    seconds: 100,
    idleTimeoutSeconds: 10,
    clients: people(6, [
      ...ordinary,
      { weight: 6, method: 'POST', path: '/uploads', body: { bytes: 40_000, pieces: 20, pauseSeconds: 0.8 } },
    ]),
    expected: { nothingFailed: true, why: 'Each piece starts the idle timeout anew.' },
  },
  {
    name: 'malformed-route',
    server: 'node-24',
    what: 'One route answers with a header name that holds a space.',
    seconds: 90,
    clients: people(8, [...ordinary, route('/api/legacy/{n}', { 'X-Lab-Do': 'malformed' }, 4)]),
    expected: {
      between: ['malformed-response', 'response-header-too-large'],
      why: 'The entry does not tell what was wrong with the response.',
    },
  },
  {
    name: 'large-headers',
    server: 'node-24',
    what: 'One request in five of a route is answered with 42 KB of cookies.',
    seconds: 100,
    clients: people(8, [
      ...ordinary,
      route('/api/basket', { 'X-Lab-Do': 'big-headers' }, 3),
      route('/api/basket', {}, 12),
    ]),
    expected: {
      between: ['malformed-response', 'response-header-too-large'],
      why: 'The entry does not tell what was wrong with the response.',
    },
  },
  {
    name: 'application-errors',
    server: 'node-24',
    what: 'The application answers 500 on one route, one request in three.',
    seconds: 90,
    clients: people(8, [...ordinary, route('/api/basket', { 'X-Lab-Do': 'error' }, 6), route('/api/basket', {}, 12)]),
    expected: { cause: 'target-generated', why: 'The target sent the 500s itself.' },
  },
  {
    name: 'closes-at-work',
    server: 'node-24',
    what: 'The application closes the connection in the middle of one request in five of a route.',
    seconds: 120,
    clients: people(8, [
      ...ordinary,
      route('/api/basket', { 'X-Lab-Do': 'close', 'X-Lab-Work': '220' }, 3),
      route('/api/basket', { 'X-Lab-Work': '220' }, 12),
    ]),
    expected: {
      between: ['closed-mid-request', 'malformed-response'],
      why: 'A close as the response is due looks like a response that is refused.',
    },
  },
  {
    name: 'race-and-slow-route',
    server: 'node-18',
    what: 'Node.js 18 closes idle connections after 5 s, and some reports take 14 s behind an idle timeout of 12 s.',
    seconds: 200,
    nodes: 6,
    targets: 4,
    idleTimeoutSeconds: 12,
    clients: [
      ...people(6, [...ordinary, route('/reports', { 'X-Lab-Work': '14000' }, 1)]),
      ...pollers([4.98, 5.03], 4, nodes.slice(2, 6), polled),
    ],
    expected: { either: ['keep-alive-race', 'slow-target'], why: 'Two causes, each with its own signature.' },
  },
  {
    name: 'impatient-clients',
    server: 'uvicorn',
    what: 'Some reports take 8 s, and clients give up after 3 s.',
    seconds: 90,
    clients: people(8, [...ordinary, route('/reports', { 'X-Lab-Work': '8000' }, 4)]).map((client) => ({
      ...client,
      patienceSeconds: 3,
    })),
    expected: {
      nothingFailed: true,
      why: 'Clients that give up are told beside, they are no failure of the load balancer.',
    },
  },
];
