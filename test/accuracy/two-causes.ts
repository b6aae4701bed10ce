import { share } from '../support/simulator/recording.ts';
import { people, shopRoutes } from '../support/simulator/recordings/shop.ts';
import { expectBothCauses, expectCause, expectUndecided, type Family, incident, web } from './incident.ts';
import {
  deployment,
  keepAliveAfter,
  keepAliveRaceAt,
  quotes,
  refreshEvery,
  slowPropagation,
  slowReports,
  withReports,
} from './patterns.ts';

export const twoCauses: Family = {
  title: 'two causes at once',
  incidents: [
    incident(
      'race beside a worker timeout',
      {
        ...keepAliveRaceAt(6),
        targetGroups: [web({ server: { keepAliveSeconds: 6, loopLagMs: 12, requestTimeoutSeconds: 30 } })],
        routes: withReports,
        clients: [people(4), refreshEvery(6.12), people(4, { routes: ['POST /reports'] })],
        faults: [slowReports],
      },
      expectBothCauses(
        'keep-alive-race',
        'worker-timeout',
        'Some requests are closed at once after 6 s of idle time, others after 30 s of work.',
      ),
    ),
    incident(
      'deployment on top of a race',
      { ...keepAliveRaceAt(5), loadBalancer: slowPropagation(), faults: [deployment(500)] },
      expectBothCauses(
        'keep-alive-race',
        'shutdown-before-drain',
        'The race never stops; the deployment takes minutes.',
      ),
    ),
    incident(
      'a crash beside slow searches',
      {
        clients: [people(8)],
        faults: [
          { kind: 'crash', target: '10.0.11.40', at: 300 },
          { kind: 'slow', route: 'GET /search', share: 0.15, seconds: [62, 120] },
        ],
      },
      expectBothCauses(
        'connection-refused',
        'slow-target',
        'Refused connections and idle timeouts leave different rows.',
      ),
    ),
    incident(
      'errors of the application beside a race',
      {
        ...keepAliveRaceAt(5),
        faults: [{ kind: 'application-error', route: 'GET /search', share: 0.04, status: 503 }],
      },
      expectBothCauses('keep-alive-race', 'target-generated', 'The 503s carry a target status, the 502s do not.'),
    ),
    incident(
      'function times out while the shop has a maintenance page',
      {
        ...quotes,
        faults: [
          { kind: 'slow', route: 'POST /quotes', share: 0.6, seconds: [3.2, 9] },
          { kind: 'fixed-response', status: 503, priority: 5, routes: ['POST /checkout'], body: 'Back soon.' },
        ],
      },
      expectBothCauses('lambda-timeout', 'fixed-response', 'Two services, two causes.'),
    ),
    incident(
      'half of the closes are a race, half are scattered early closes',
      {
        ...keepAliveRaceAt(5),
        faults: [{ kind: 'early-close', share: 0.02, afterSeconds: [0.4, 6] }],
      },
      expectBothCauses(
        'keep-alive-race',
        'closed-mid-request',
        'The instant errors have an edge at 5 s; the slow ones share neither a duration nor a route.',
      ),
    ),
    incident(
      'security group on one target, host trouble on another',
      {
        targetGroups: [web({ healthCheck: { port: 8081 }, server: { keepAliveSeconds: 0 } })],
        network: {
          securityGroups: [
            {
              id: 'sg-0e9d8c7b6a5f41302',
              name: 'legacy',
              ingress: [{ protocol: 'tcp', ports: [8081, 8081], cidr: '10.0.0.0/16' }],
              egress: [{ protocol: '-1', cidr: '0.0.0.0/0' }],
            },
          ],
          targetSecurityGroups: { '10.0.11.41': ['sg-0e9d8c7b6a5f41302'] },
        },
        faults: [{ kind: 'silent-drop', target: '10.0.10.40', from: 300, to: 600 }],
      },
      expectBothCauses(
        'security-group-blocked',
        'target-unreachable',
        'The rules explain the errors of one target and not those of the other.',
      ),
    ),
    incident(
      'one malformed route beside refused connections',
      {
        routes: withReports,
        clients: [people(8)],
        faults: [
          { kind: 'unusable-response', route: 'POST /reports', share: 1, because: 'malformed-response' },
          { kind: 'crash', target: '10.0.11.40', at: 300, seconds: 120 },
        ],
      },
      (simulation) => ({
        ...expectUndecided(
          ['malformed-response', 'response-header-too-large'],
          'The route has most errors and leads, undecided; the refused connections are listed beside it.',
        )(simulation),
        explains: { 'connection-refused': share(simulation, 'connection-refused', 0.1, 0.06) },
      }),
    ),
    incident(
      'two of four targets close after 5 s, two after 6 s',
      {
        targetGroups: [
          web({}, [
            { address: '10.0.10.40', zone: 'a', server: { keepAliveSeconds: 5, loopLagMs: 12 } },
            { address: '10.0.11.40', zone: 'b', server: { keepAliveSeconds: 5, loopLagMs: 12 } },
            { address: '10.0.10.41', zone: 'a', server: { keepAliveSeconds: 6, loopLagMs: 12 } },
            { address: '10.0.11.41', zone: 'b', server: { keepAliveSeconds: 6, loopLagMs: 12 } },
          ]),
        ],
        clients: [people(8), refreshEvery(5.1), refreshEvery(6.12, { count: 40 })],
      },
      (simulation) => ({
        ...expectCause('keep-alive-race', 'Half of the targets run the next version of Node.js.')(simulation),
        names: ['after 5 s', 'after 6 s'],
      }),
      {
        shortfall:
          'Three errors closed later than at both edges, where nearly every request follows a response of that age.',
      },
    ),
    incident(
      'races at 5 s and 20 s in two groups',
      {
        targetGroups: [
          web(keepAliveAfter(5)),
          {
            ...web(keepAliveAfter(20)),
            name: 'api',
            id: 'c3d1f09a5b7e2468',
            targets: [
              { address: '10.0.10.21', zone: 'a' },
              { address: '10.0.11.18', zone: 'b' },
            ],
          },
        ],
        routes: [
          ...shopRoutes('web'),
          ...shopRoutes('api')
            .slice(1, 4)
            .map((route) => ({ ...route, path: `/api${route.path}`, priority: 10 })),
        ],
        clients: [
          people(3),
          refreshEvery(5.1),
          refreshEvery(20.4, { count: 40, routes: ['GET /api/search', 'GET /api/cart'] }),
        ],
      },
      expectCause('keep-alive-race', 'Each group has its own edge; both are races.'),
      { shortfall: 'All errors at 20 s fell on two moments, which chance puts at one idle time twice in a thousand.' },
    ),
  ],
};
