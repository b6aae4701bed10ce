import { internalNodes, loadBalancer, people, shopRoutes, targets } from '../support/simulator/recordings/shop.ts';
import type { Fault } from '../support/simulator/scenario.ts';
import { expectCause, expectUndecided, type Family, incident, web } from './incident.ts';
import { httpsGroup, keepAliveAfter } from './patterns.ts';

/** Everything of one route in a few seconds. */
const during = (from: number, seconds: number) => ({ from, to: from + seconds });
const routes = [
  ...shopRoutes('web'),
  { method: 'GET', path: '/status', weight: 0, group: 'web', medianMs: 40, responseBytes: 200 },
];
/** A program that asks for one route every half minute, once during the fault. */
const clients = [people(4), { kind: 'pollers' as const, count: 1, everySeconds: 30, routes: ['GET /status'] }];
const once = (fault: Fault, more = {}) => ({ routes, clients, faults: [fault], ...more });

/** A service that is asked twice a minute, at the very timeout its target closes at; two of the errors of a day are in the window. */
const quietRace = {
  seed: 2_411,
  loadBalancer: loadBalancer('cron', '4f2a9c1e7b3d5068', { nodes: internalNodes, scheme: 'internal' as const }),
  window: { from: '2026-11-17T21:00:00Z', to: '2026-11-17T21:30:00Z', now: '2026-11-18T01:00:00Z' },
  recorded: { from: '2026-11-16T23:58:00Z', to: '2026-11-18T00:00:00Z' },
  targetGroups: [web(keepAliveAfter(60), targets('10.0.10.40'))],
  clients: [{ kind: 'pollers' as const, count: 2, everySeconds: 60, jitterSeconds: 0.06 }],
};

export const tooLittle: Family = {
  title: 'too little data',
  incidents: [
    incident(
      'two errors of a quiet race',
      quietRace,
      expectUndecided(['keep-alive-race', 'closed-mid-request'], 'Two rows neither show nor exclude an edge.'),
    ),
    incident(
      'two errors of a quiet race, and a look back over the day',
      quietRace,
      expectCause(
        'keep-alive-race',
        'The errors of the day share one idle time, and those of the window are among them.',
      ),
      { lookBackSeconds: 21 * 3600 },
    ),
    incident(
      'one close after two seconds',
      once({ kind: 'early-close', route: 'GET /status', share: 1, afterSeconds: [2, 2.1], ...during(300, 31) }),
      expectUndecided(
        ['closed-mid-request', 'malformed-response', 'response-header-too-large'],
        'One row does not decide.',
      ),
    ),
    incident(
      'one close at once',
      once({ kind: 'early-close', route: 'GET /status', share: 1, afterSeconds: [0.001, 0.002], ...during(300, 31) }),
      expectUndecided(
        ['keep-alive-race', 'closed-mid-request'],
        'One row does not decide; its connection may have been idle or not.',
      ),
    ),
    incident(
      'three closes at once',
      once({ kind: 'early-close', route: 'GET /status', share: 1, afterSeconds: [0.001, 0.004], ...during(300, 90) }),
      expectUndecided(['keep-alive-race', 'closed-mid-request'], 'Three rows neither show nor exclude an edge.'),
    ),
    incident(
      'two closes at 30 s',
      once({ kind: 'early-close', route: 'GET /status', share: 1, afterSeconds: [30, 30.02], ...during(300, 61) }),
      expectUndecided(['closed-mid-request'], 'Two equal durations may be a coincidence.', {
        mustNotClaim: ['worker-timeout', 'closed-mid-request', 'malformed-response'],
      }),
    ),
    incident(
      'one broken answer',
      once({
        kind: 'unusable-response',
        route: 'GET /status',
        share: 1,
        because: 'malformed-response',
        ...during(300, 31),
      }),
      expectUndecided(
        ['malformed-response', 'response-header-too-large', 'closed-mid-request'],
        'One row does not decide.',
      ),
    ),
    incident(
      'one connection failure on an HTTPS group, no metrics',
      {
        targetGroups: [httpsGroup({ server: { keepAliveSeconds: 0 } })],
        clients: [people(4)],
        faults: [{ kind: 'tls-failure', target: '10.0.11.40', outcome: 'handshake-error', ...during(300, 6) }],
      },
      expectUndecided(['connection-refused', 'tls-handshake-failure'], 'TCP or TLS: only metrics would decide.'),
      { without: ['metrics'] },
    ),
    incident(
      'a few connect timeouts, no configuration',
      {
        targetGroups: [web({ server: { keepAliveSeconds: 0 } })],
        faults: [{ kind: 'silent-drop', target: '10.0.11.41', ...during(300, 8) }],
      },
      expectUndecided(
        ['target-unreachable', 'security-group-blocked', 'network-acl-blocked'],
        'Anything may have dropped the packets.',
      ),
      { without: ['aws', 'metrics'] },
    ),
    incident(
      'one slow search',
      once({ kind: 'slow', route: 'GET /status', share: 1, seconds: [61, 80], ...during(300, 31) }),
      expectCause(
        'slow-target',
        'One row is enough here: the request was sent without a body and ended by the 60 s timeout.',
      ),
    ),
    incident(
      'one error of the application',
      once({ kind: 'application-error', route: 'GET /status', share: 1, status: 503, ...during(300, 31) }),
      expectCause('target-generated', 'One row is enough here: the target sent the status.'),
    ),
  ],
};
