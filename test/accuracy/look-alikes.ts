import { subnets } from '../support/simulator/network.ts';
import { people, shopRoutes } from '../support/simulator/recordings/shop.ts';
import { expectCause, expectUndecided, type Family, incident, web, withFaults } from './incident.ts';
import {
  deployment,
  fourTargets,
  httpsGroup,
  keepAliveRaceAt,
  quotes,
  refreshEvery,
  slowPropagation,
  slowReports,
  uploads,
  withReports,
} from './patterns.ts';

/** Workers leave after some requests, reading nothing more from the connections they hold. */
const recycling = (keepAliveSeconds: number) =>
  web({ server: { keepAliveSeconds, recycleAfterRequests: 120, recycleSeconds: 0.6 } });

export const lookAlikes: Family = {
  title: 'look-alike pairs',
  incidents: [
    incident(
      'worker recycling, not a race',
      { targetGroups: [recycling(75)], clients: [people(30), refreshEvery(1.3, { count: 12 })] },
      (simulation) => ({
        ...expectCause(
          'closed-mid-request',
          'Each row looks like a race: closed soon after being sent, on every target and route. But the idle times show no edge, and requests on a worker that leaves end together. The closes that took no longer than a success stay undecided.',
          { mustNotClaim: ['keep-alive-race', 'malformed-response', 'response-header-too-large'] },
        )(simulation),
        explains: { 'closed-mid-request': [0.6, 1] },
      }),
    ),
    incident(
      'worker recycling with pollers at 5 s',
      {
        targetGroups: [recycling(75)],
        clients: [people(20), { kind: 'pollers', count: 40, everySeconds: 5, jitterSeconds: 0.01, retry: 0.5 }],
      },
      (simulation) => ({
        ...expectCause(
          'closed-mid-request',
          'The pollers send every request 5 s after another, whether it fails or not.',
          {
            mustNotClaim: ['keep-alive-race'],
          },
        )(simulation),
        explains: { 'closed-mid-request': [0.6, 1] },
      }),
    ),
    incident(
      'everything sent at once, 60 s after everything',
      keepAliveRaceAt(60, { count: 400, spreadSeconds: 0.04, everySeconds: 60 }),
      expectUndecided(
        ['keep-alive-race', 'closed-mid-request'],
        'It is a race at 60 s, but all requests come at one interval, so failed and successful requests have the same idle times.',
      ),
    ),
    incident(
      'uploads over thin lines that are then scanned for too long',
      {
        routes: [...shopRoutes('web'), uploads],
        clients: [people(4), people(2, { routes: ['POST /uploads'], uplink: 90_000, retry: 0.2 })],
        faults: [{ kind: 'slow', route: 'POST /uploads', share: 0.3, seconds: [62, 90] }],
      },
      expectUndecided(
        ['slow-target', 'slow-upload'],
        'The body came slowly, then nothing for 60 s: the log does not show whether the client stopped or the target was slow.',
      ),
    ),
    incident(
      'TLS handshakes fail, but metrics were not recorded',
      {
        targetGroups: [httpsGroup()],
        clients: [people(4), refreshEvery(45, { count: 16, spreadSeconds: 8 })],
        faults: [{ kind: 'tls-failure', target: '10.0.11.40', outcome: 'handshake-error', from: 200, to: 700 }],
      },
      expectUndecided(
        ['connection-refused', 'tls-handshake-failure'],
        'A refused connection and a failed handshake leave the same row; only two metrics tell them apart.',
      ),
      { without: ['metrics'] },
    ),
    incident(
      'refused on an HTTPS group',
      {
        targetGroups: [httpsGroup({ healthCheck: { port: 8443, protocol: 'HTTPS', unhealthyThreshold: 6 } })],
        faults: [{ kind: 'crash', target: '10.0.11.40', at: 300, seconds: 200 }],
      },
      expectCause(
        'connection-refused',
        'TargetConnectionErrorCount counts them; TargetTLSNegotiationErrorCount is zero.',
        {
          mustNotClaim: ['tls-handshake-failure', 'protocol-mismatch'],
        },
      ),
    ),
    incident(
      'TLS handshake that never finishes',
      {
        targetGroups: [httpsGroup({ server: { keepAliveSeconds: 0 } })],
        faults: [{ kind: 'tls-failure', target: '10.0.11.41', outcome: 'handshake-timeout', from: 200, to: 600 }],
      },
      expectCause(
        'tls-handshake-failure',
        'They end at 10 s, as dropped packets do, but the TLS metric counts them and the connection metric does not.',
        {
          ruledOut: ['security-group-blocked', 'network-acl-blocked'],
          mustNotClaim: ['target-unreachable'],
        },
      ),
    ),
    incident(
      'crash that comes back, not a deployment',
      withFaults({ kind: 'crash', target: '10.0.11.40', at: 300, seconds: 25 }),
      expectCause('connection-refused', 'The same target serves requests again after 25 s.', {
        mustNotClaim: ['shutdown-before-drain'],
      }),
    ),
    incident(
      'scale-in that stops too early, nobody takes over',
      {
        loadBalancer: slowPropagation(),
        targetGroups: [web({}, fourTargets)],
        clients: [people(14)],
        faults: [deployment(300, { replace: [{ old: '10.0.10.41' }] })],
      },
      expectCause(
        'shutdown-before-drain',
        'The target left for good and was never unhealthy: its process stopped while it was deregistered.',
        {
          mustNotClaim: ['connection-refused', 'closed-mid-request'],
        },
      ),
    ),
    incident(
      'security group against the host: both silent, the rule says open',
      {
        targetGroups: [web({ server: { keepAliveSeconds: 0 }, healthCheck: { unhealthyThreshold: 10 } })],
        faults: [{ kind: 'silent-drop', target: '10.0.10.40', from: 100, to: 330 }],
      },
      expectCause('target-unreachable', 'Every rule allows both directions.', {
        ruledOut: ['security-group-blocked', 'network-acl-blocked'],
      }),
    ),
    incident(
      'security group without a rule for the group of the load balancer',
      {
        network: {
          securityGroups: [
            {
              id: 'sg-0e9d8c7b6a5f41302',
              name: 'old',
              ingress: [{ protocol: 'tcp', ports: [8080, 8080], group: 'sg-0aaaabbbbccccdddd' }],
              egress: [{ protocol: '-1', cidr: '0.0.0.0/0' }],
            },
          ],
          targetSecurityGroups: Object.fromEntries(
            ['10.0.10.40', '10.0.11.40', '10.0.11.41'].map((address) => [address, ['sg-0e9d8c7b6a5f41302']]),
          ),
        },
      },
      expectCause(
        'security-group-blocked',
        'All targets allow a security group that the load balancer no longer has; it fails open, and connections time out.',
        {
          mustNotClaim: ['slow-target', 'target-unreachable', 'no-registered-targets'],
        },
      ),
    ),
    incident(
      'network ACL that forgets ports below 32768',
      {
        targetGroups: [
          web({ server: { keepAliveSeconds: 0 }, healthCheck: { unhealthyThreshold: 8, healthyThreshold: 2 } }),
        ],
        network: {
          networkAcls: [
            {
              id: 'acl-01f2e3d4c5b6a7988',
              subnets: subnets.filter(({ zone, public: isPublic }) => zone === 'b' && !isPublic).map(({ id }) => id),
              ingress: [{ number: 100, action: 'allow', protocol: '-1', cidr: '0.0.0.0/0' }],
              egress: [{ number: 100, action: 'allow', protocol: 'tcp', ports: [32768, 65535], cidr: '0.0.0.0/0' }],
            },
          ],
        },
      },
      expectCause('network-acl-blocked', 'Half of the new connections to zone b time out.', {
        ruledOut: ['security-group-blocked'],
      }),
    ),
    incident(
      'slow answer to large uploads',
      {
        routes: [...shopRoutes('web'), { ...uploads, weight: 4 }],
        clients: [people(6, { uplink: 4_000_000 })],
        faults: [{ kind: 'slow', route: 'POST /uploads', share: 0.5, seconds: [70, 120] }],
      },
      expectUndecided(
        ['slow-target', 'slow-upload'],
        'A body of megabytes, cut off by the timer: the log does not show whether the client or the target was slow.',
      ),
    ),
    incident(
      'function fails at once, not by timeout',
      { ...quotes, faults: [{ kind: 'lambda-error', route: 'POST /quotes', share: 0.15, code: 'LambdaUnhandled' }] },
      expectCause('lambda-error', 'Durations far from the timeout of 3 s.', { mustNotClaim: ['lambda-timeout'] }),
    ),
    incident(
      'route that always breaks after the same time',
      {
        routes: withReports.map((route) =>
          route.path === '/reports' ? { ...route, medianMs: 12_000, sigma: 0.004 } : route,
        ),
        faults: [{ kind: 'unusable-response', route: 'POST /reports', share: 1, because: 'malformed-response' }],
      },
      expectUndecided(
        ['malformed-response', 'response-header-too-large'],
        'One duration and one route: with a timer, shorter reports would succeed, but none did.',
        { mustNotClaim: ['worker-timeout', 'closed-mid-request'] },
      ),
    ),
    incident(
      'worker timeout on one route that otherwise succeeds',
      {
        targetGroups: [
          web({ server: { keepAliveSeconds: 75, requestTimeoutSeconds: 10, requestTimeoutSpreadSeconds: 0.3 } }),
        ],
        routes: withReports,
        faults: [{ ...slowReports, seconds: [12, 40] }],
      },
      expectCause(
        'worker-timeout',
        'The errors end between 10.0 and 10.3 s; faster requests on the same route succeed.',
        {
          mustNotClaim: ['malformed-response', 'slow-target'],
        },
      ),
    ),
    incident(
      'worker timeout of 30 s on a route that has become slow for all',
      {
        targetGroups: [web({ server: { keepAliveSeconds: 75, requestTimeoutSeconds: 30 } })],
        routes: withReports,
        clients: [people(8)],
        faults: [{ ...slowReports, share: 1 }],
      },
      expectUndecided(
        ['worker-timeout', 'malformed-response', 'response-header-too-large'],
        'Every report ends at 30.0 s and none succeeds: a timer, or a response that always breaks after this work.',
        { ruledOut: ['keep-alive-race'] },
      ),
    ),
    incident(
      'route that ends its connection every time',
      {
        clients: [people(8)],
        faults: [{ kind: 'early-close', route: 'GET /orders/{uuid}', share: 1, afterSeconds: [0.2, 0.9] }],
      },
      expectUndecided(
        ['malformed-response', 'response-header-too-large'],
        'Every request on one route fails after some work, as if its response always breaks; the trace IDs would decide.',
        { mustNotClaim: ['closed-mid-request', 'malformed-response', 'response-header-too-large', 'worker-timeout'] },
      ),
    ),
    incident(
      'response broken for some users only',
      {
        routes: withReports.map((route) => (route.path === '/reports' ? { ...route, weight: 12 } : route)),
        clients: [people(6, { retry: 0 })],
        faults: [
          { kind: 'unusable-response', route: 'POST /reports', share: 0.35, because: 'response-header-too-large' },
        ],
      },
      expectUndecided(
        ['malformed-response', 'response-header-too-large', 'closed-mid-request'],
        'A third of the requests on one route fail after its usual time, and nobody retried: an early close would look the same.',
      ),
    ),
    incident(
      'every body over a thin line hits the body timeout of the server',
      {
        targetGroups: [web({ server: { keepAliveSeconds: 75, bodyTimeoutSeconds: 15 } })],
        routes: [...shopRoutes('web'), { ...uploads, weight: 10, requestBytes: 900_000 }],
        clients: [people(5), people(3, { routes: ['POST /uploads'], uplink: 30_000 })],
      },
      expectUndecided(
        ['worker-timeout'],
        'A 15 s timeout fires in the target; the log does not show whether it limits the work or a slow request body.',
        { mustNotClaim: ['worker-timeout', 'closed-mid-request', 'malformed-response'] },
      ),
    ),
  ],
};
