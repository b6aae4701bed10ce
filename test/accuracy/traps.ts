import { people, shopRoutes } from '../support/simulator/recordings/shop.ts';
import {
  expectCause,
  expectNothingFailed,
  expectUndecided,
  type Family,
  incident,
  web,
  withFaults,
} from './incident.ts';
import { fourTargets, keepAliveRaceAt, refreshEvery, reports, slowReports, uploads, withReports } from './patterns.ts';

const pollers = (everySeconds: number, count = 40) => ({
  kind: 'pollers' as const,
  count,
  everySeconds,
  jitterSeconds: 0.01,
  retry: 0.8,
});

export const traps: Family = {
  title: 'traps of the field',
  incidents: [
    incident(
      'pollers every 5 s and random instant closes',
      {
        clients: [people(4), pollers(5)],
        faults: [{ kind: 'early-close', share: 0.008, afterSeconds: [0.001, 0.02] }],
      },
      expectUndecided(
        ['closed-mid-request'],
        'The clients send a request every 5 s, so every close comes 5 s after another request; so do the successful requests.',
        {
          mustNotClaim: ['keep-alive-race'],
        },
      ),
    ),
    incident(
      'pollers every 5 s and random slow closes',
      { clients: [people(4), pollers(5)], faults: [{ kind: 'early-close', share: 0.01, afterSeconds: [0.3, 6] }] },
      expectCause(
        'closed-mid-request',
        'Scattered closes that succeeded when retried, without a fixed duration or an edge.',
        {
          ruledOut: ['keep-alive-race'],
        },
      ),
    ),
    incident(
      'race under pollers of 5 s that keep other connections busy',
      { ...keepAliveRaceAt(5), clients: [people(4), refreshEvery(5.1), pollers(4.2, 30)] },
      expectCause('keep-alive-race', 'The edge stands out against the successful requests.'),
    ),
    incident(
      'one polled route fails at once now and then',
      {
        targetGroups: [web({}, [{ address: '10.0.10.40', zone: 'a' }])],
        clients: [people(20), { ...pollers(5, 3), routes: ['GET /status'] }],
        routes: [
          ...shopRoutes('web'),
          { method: 'GET', path: '/status', weight: 0.01, group: 'web', medianMs: 5, responseBytes: 80 },
        ],
        faults: [{ kind: 'early-close', route: 'GET /status', share: 0.08, afterSeconds: [0.001, 0.004] }],
      },
      expectUndecided(
        ['keep-alive-race', 'closed-mid-request'],
        'Each failed request comes 5 s after another on its route, and other traffic does not: a regular client, or an edge.',
      ),
    ),
    incident(
      'headers over 32 K for one client in six',
      {
        routes: shopRoutes('web').map((route) => ({ ...route, medianMs: 6 * route.medianMs })),
        clients: [people(6), refreshEvery(20, { count: 30 })],
        faults: ['GET /cart', 'GET /search', 'GET /orders/{uuid}'].map((route) => ({
          kind: 'unusable-response' as const,
          route,
          share: 0.17,
          because: 'response-header-too-large' as const,
          ofClients: true as const,
        })),
      },
      expectUndecided(
        ['malformed-response', 'response-header-too-large'],
        'Some clients fail on three routes at every retry, several at once.',
        { mustNotClaim: ['closed-mid-request', 'malformed-response', 'response-header-too-large'] },
      ),
    ),
    incident(
      'a race behind which many other instant closes hide',
      { ...keepAliveRaceAt(6), faults: [{ kind: 'early-close', share: 0.06, afterSeconds: [0.001, 0.03] }] },
      expectUndecided(
        ['closed-mid-request'],
        'Few of the errors are at the edge: a race is neither shown nor excluded.',
        {
          mustNotClaim: ['closed-mid-request', 'malformed-response'],
        },
      ),
    ),
    incident(
      'healthy targets, traffic port blocked',
      {
        targetGroups: [web({ healthCheck: { port: 9000 } }, fourTargets)],
        network: {
          securityGroups: [
            {
              id: 'sg-0e9d8c7b6a5f41302',
              name: 'health-only',
              ingress: [{ protocol: 'tcp', ports: [9000, 9000], cidr: '10.0.0.0/16' }],
              egress: [{ protocol: '-1', cidr: '0.0.0.0/0' }],
            },
          ],
          targetSecurityGroups: { '10.0.10.41': ['sg-0e9d8c7b6a5f41302'], '10.0.11.41': ['sg-0e9d8c7b6a5f41302'] },
        },
      },
      expectCause('security-group-blocked', 'All targets are healthy, yet every second request gets a 504.', {
        mustNotClaim: ['slow-target'],
        steps: { 5: 'fail' },
      }),
    ),
    incident(
      'plaintext to a TLS port answered 400',
      {
        targetGroups: [
          web({
            port: 8443,
            healthCheck: { port: 8081 },
            server: { keepAliveSeconds: 75, onPlaintext: 'answers-400' },
          }),
        ],
      },
      expectNothingFailed('There is no 5xx, yet nothing works; step 2 reports it.', { steps: { 2: 'fail' } }),
    ),
    incident(
      'drop inside the pod network, rules clean',
      {
        targetGroups: [web({ server: { keepAliveSeconds: 0 }, healthCheck: { port: 8081 } })],
        faults: [{ kind: 'silent-drop', target: '10.0.11.40', zone: 'a', from: 100, to: 700 }],
      },
      expectCause('target-unreachable', 'Every rule allows the path, and connections fail from one zone only.', {
        ruledOut: ['security-group-blocked', 'network-acl-blocked'],
      }),
    ),
    incident(
      'proxy in the target with its own 502',
      withFaults(
        { kind: 'application-error', share: 0.06, status: 502 },
        { kind: 'application-error', share: 0.03, status: 504 },
      ),
      expectCause('target-generated', 'The target sent these errors: they belong to the application.', {
        mustNotClaim: ['slow-target', 'closed-mid-request'],
      }),
    ),
    incident(
      'race with an idle timeout of 3600 s',
      {
        ...keepAliveRaceAt(10),
        loadBalancer: { ...incident('', {}, expectNothingFailed('')).scenario.loadBalancer, idleTimeoutSeconds: 3600 },
      },
      expectCause('keep-alive-race', "The edge is at 10 s, whatever the load balancer's idle timeout is."),
    ),
    incident(
      'a saturated target: slow for all, some time out',
      {
        targetGroups: [web({ server: { keepAliveSeconds: 75, workers: 2 } })],
        routes: shopRoutes('web').map((route) => ({ ...route, medianMs: 32 * route.medianMs })),
        clients: [people(60)],
      },
      expectCause('slow-target', 'Requests wait for a worker until the idle timeout.', {
        mustNotClaim: ['worker-timeout', 'target-unreachable'],
      }),
    ),
    incident(
      'upload that nginx gives up on',
      {
        targetGroups: [web({ server: { keepAliveSeconds: 75, bodyTimeoutSeconds: 60 } })],
        loadBalancer: { ...incident('', {}, expectNothingFailed('')).scenario.loadBalancer, idleTimeoutSeconds: 120 },
        routes: [...shopRoutes('web'), { ...uploads, requestBytes: 3_000_000 }],
        clients: [people(4), people(1.5, { routes: ['POST /uploads'], uplink: 30_000 })],
      },
      expectUndecided(
        ['worker-timeout'],
        'A 60 s timeout in the target: the log does not show whether it limits the work or the body.',
        {
          mustNotClaim: ['worker-timeout', 'closed-mid-request'],
        },
      ),
    ),
    incident(
      'two clocks: 30 s in one group, 10 s in the other',
      {
        targetGroups: [
          web({ server: { keepAliveSeconds: 75, requestTimeoutSeconds: 30 } }),
          {
            ...web({ server: { keepAliveSeconds: 75, requestTimeoutSeconds: 10 } }),
            name: 'api',
            id: 'c3d1f09a5b7e2468',
            targets: [{ address: '10.0.10.21', zone: 'a' }],
          },
        ],
        routes: [...withReports, { ...reports, path: '/api/reports', group: 'api', priority: 10 }],
        clients: [people(14)],
        faults: [slowReports, { ...slowReports, route: 'POST /api/reports', seconds: [12, 50] }],
      },
      expectCause('worker-timeout', 'Two fixed durations, each on its own route.'),
    ),
    incident(
      'race that only shows at night',
      { ...keepAliveRaceAt(5), clients: [people(2), refreshEvery(5.1, { count: 30 }), people(60, { from: 500 })] },
      expectCause('keep-alive-race', 'The rate falls as traffic rises.'),
    ),
  ],
};
