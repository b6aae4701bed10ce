import { subnets } from '../support/simulator/network.ts';
import { internalNodes, loadBalancer, people, shopRoutes, targets } from '../support/simulator/recordings/shop.ts';
import { expectCause, expectUndecided, type Family, incident, web, withFaults } from './incident.ts';
import {
  deployment,
  fourTargets,
  httpsGroup,
  keepAliveAfter,
  keepAliveRaceAt,
  quotes,
  refreshEvery,
  reports,
  slowPropagation,
  slowReports,
  uploads,
  withReports,
} from './patterns.ts';

/** A quiet service is judged over a day. */
const aDay = {
  window: { from: '2026-11-17T00:00:00Z', to: '2026-11-18T00:00:00Z', now: '2026-11-18T01:00:00Z' },
  recorded: { from: '2026-11-16T23:58:00Z', to: '2026-11-18T00:00:00Z' },
};

const everything = '0.0.0.0/0';
const open = [{ number: 100, action: 'allow' as const, protocol: '-1' as const, cidr: everything }];

export const eachCause: Family = {
  title: 'each cause alone',
  incidents: [
    incident(
      'race at 5 s',
      keepAliveRaceAt(5),
      expectCause(
        'keep-alive-race',
        'Targets close idle connections after 5 s; the load balancer keeps them for 60 s.',
        {
          ruledOut: ['security-group-blocked', 'worker-timeout'],
        },
      ),
    ),
    incident('race at 2 s', keepAliveRaceAt(2), expectCause('keep-alive-race', 'gunicorn with threads closes at 2 s.')),
    incident(
      'race at 20 s',
      keepAliveRaceAt(20, { count: 60 }),
      expectCause('keep-alive-race', 'Tomcat closes idle connections after 20 s.'),
    ),
    incident(
      'race at 60 s, equal to the idle timeout',
      {
        ...aDay,
        loadBalancer: loadBalancer('cron', '4f2a9c1e7b3d5068', { nodes: internalNodes, scheme: 'internal' }),
        targetGroups: [web(keepAliveAfter(60), targets('10.0.10.40'))],
        clients: [{ kind: 'pollers', count: 2, everySeconds: 60, jitterSeconds: 0.06 }],
      },
      expectCause(
        'keep-alive-race',
        'Both idle timeouts are 60 s: a quiet service that gets one request a minute for a day.',
      ),
    ),
    incident(
      'process of a target down',
      withFaults({ kind: 'crash', target: '10.0.11.40', at: 300 }),
      expectCause(
        'connection-refused',
        'The target refused connections in milliseconds until health checks took it out.',
        {
          ruledOut: ['security-group-blocked', 'network-acl-blocked', 'target-unreachable'],
        },
      ),
    ),
    incident(
      'TLS handshakes fail on one target',
      {
        targetGroups: [httpsGroup()],
        clients: [people(4), refreshEvery(45, { count: 16, spreadSeconds: 8 })],
        faults: [{ kind: 'tls-failure', target: '10.0.11.40', outcome: 'handshake-error', from: 200, to: 700 }],
      },
      expectCause(
        'tls-handshake-failure',
        'Its open TLS connections still answer; the metric for TLS errors counts the failures.',
        {
          ruledOut: ['connection-refused'],
        },
      ),
    ),
    incident(
      'HTTPS group on a plaintext port',
      {
        targetGroups: [
          web({
            protocol: 'HTTPS',
            port: 8080,
            healthCheck: { protocol: 'HTTP' },
            server: { keepAliveSeconds: 75, tls: 'plaintext' },
          }),
        ],
      },
      expectCause('protocol-mismatch', 'A plain HTTP health check passes on the port to which the group speaks TLS.', {
        mustNotClaim: ['tls-handshake-failure', 'connection-refused'],
      }),
    ),
    incident(
      'HTTP group on a TLS port that closes',
      {
        targetGroups: [
          web({
            port: 8443,
            healthCheck: { protocol: 'HTTPS' },
            server: { keepAliveSeconds: 75, onPlaintext: 'closes' },
          }),
        ],
      },
      expectCause(
        'protocol-mismatch',
        'Every request is closed at once, and an HTTPS health check passes on the same port.',
        {
          mustNotClaim: ['keep-alive-race'],
        },
      ),
    ),
    incident(
      'a process dies with requests in flight and is back at once',
      {
        routes: shopRoutes('web').map((route) => ({ ...route, medianMs: 40 * route.medianMs })),
        clients: [people(24)],
        faults: [{ kind: 'crash', target: '10.0.11.40', at: 401.2, seconds: 0.15 }],
      },
      expectCause('closed-mid-request', 'Requests of many routes and ages ended together on one target.', {
        mustNotClaim: ['shutdown-before-drain', 'worker-timeout'],
      }),
    ),
    incident(
      'connections closed after some work, now and then',
      withFaults({ kind: 'early-close', share: 0.04, afterSeconds: [0.2, 6] }),
      expectCause(
        'closed-mid-request',
        'Durations and routes differ and retries succeed: neither a timer, nor one route, nor an idle time explains them.',
        {
          ruledOut: ['keep-alive-race', 'worker-timeout'],
        },
      ),
    ),
    incident(
      'worker timeout of 30 s',
      {
        targetGroups: [web({ server: { keepAliveSeconds: 75, requestTimeoutSeconds: 30 } })],
        routes: withReports,
        faults: [slowReports],
      },
      expectCause('worker-timeout', 'Every slow report ends at 30.0 s.', { ruledOut: ['keep-alive-race'] }),
    ),
    incident(
      'malformed response of one route',
      {
        routes: withReports,
        faults: [{ kind: 'unusable-response', route: 'POST /reports', share: 1, because: 'malformed-response' }],
      },
      expectUndecided(['malformed-response', 'response-header-too-large'], 'Both leave the same rows.', {
        ruledOut: ['keep-alive-race'],
        mustNotClaim: ['closed-mid-request', 'worker-timeout', 'malformed-response', 'response-header-too-large'],
      }),
    ),
    incident(
      'response headers over 32 K on one route',
      {
        faults: [
          { kind: 'unusable-response', route: 'GET /orders/{uuid}', share: 1, because: 'response-header-too-large' },
        ],
      },
      expectUndecided(['malformed-response', 'response-header-too-large'], 'Both leave the same rows.', {
        ruledOut: ['keep-alive-race'],
      }),
    ),
    incident(
      'deregistration delay shorter than the work',
      {
        targetGroups: [web({ deregistrationDelaySeconds: 20 }, fourTargets)],
        routes: [...shopRoutes('web'), { ...reports, weight: 40, medianMs: 32_000, sigma: 0.3 }],
        clients: [people(8)],
        faults: [
          { kind: 'deregister', target: '10.0.10.41', at: 250 },
          { kind: 'deregister', target: '10.0.11.41', at: 400 },
        ],
      },
      expectCause(
        'deregistration-delay-elapsed',
        'Every request still running on the target ends 20 s after it was deregistered.',
      ),
    ),
    incident(
      'deployment without draining',
      { loadBalancer: slowPropagation(), faults: [deployment()] },
      expectCause(
        'shutdown-before-drain',
        'Targets left one after another and refused the requests still sent to them; others took over.',
        {
          mustNotClaim: ['connection-refused', 'closed-mid-request'],
        },
      ),
    ),
    incident(
      'security group without the traffic port',
      {
        targetGroups: [web({ healthCheck: { port: 8081 } })],
        network: {
          securityGroups: [
            {
              id: 'sg-0e9d8c7b6a5f41302',
              name: 'legacy',
              ingress: [{ protocol: 'tcp', ports: [8081, 8081], cidr: '10.0.0.0/16' }],
              egress: [{ protocol: '-1', cidr: everything }],
            },
          ],
          targetSecurityGroups: { '10.0.11.41': ['sg-0e9d8c7b6a5f41302'] },
        },
      },
      expectCause('security-group-blocked', 'Healthy on 8081, unreachable on 8080.', {
        ruledOut: ['network-acl-blocked'],
        steps: { 5: 'fail' },
      }),
    ),
    incident(
      'network ACL denies the way in',
      {
        targetGroups: [web({ healthCheck: { port: 8081 } })],
        network: {
          networkAcls: [
            {
              id: 'acl-01f2e3d4c5b6a7988',
              subnets: subnets.filter(({ zone, public: isPublic }) => zone === 'b' && !isPublic).map(({ id }) => id),
              ingress: [
                { number: 90, action: 'deny', protocol: 'tcp', ports: [8080, 8080], cidr: '10.0.0.0/24' },
                ...open,
              ],
              egress: open,
            },
          ],
        },
      },
      expectCause('network-acl-blocked', 'The node in zone a cannot reach zone b; the other can.', {
        ruledOut: ['security-group-blocked'],
        steps: { 5: 'fail' },
      }),
    ),
    incident(
      'hosts gone right after deregistration',
      {
        loadBalancer: slowPropagation(),
        targetGroups: [web({ server: { keepAliveSeconds: 0 } }, fourTargets)],
        clients: [people(12)],
        faults: [
          { kind: 'deregister', target: '10.0.10.41', at: 300 },
          { kind: 'host-gone', target: '10.0.10.41', at: 300.5 },
          { kind: 'deregister', target: '10.0.11.41', at: 500 },
          { kind: 'host-gone', target: '10.0.11.41', at: 500.5 },
        ],
      },
      expectCause('target-gone', 'Deregistered, and nothing answers at its address while nodes still choose it.', {
        mustNotClaim: ['security-group-blocked', 'target-unreachable'],
      }),
    ),
    incident(
      'packets dropped inside a host',
      {
        targetGroups: [web({ healthCheck: { port: 8081 }, server: { keepAliveSeconds: 0 } })],
        faults: [{ kind: 'silent-drop', target: '10.0.11.41', from: 200, to: 600 }],
      },
      expectCause('target-unreachable', 'The configuration allows the path: look inside the host.', {
        ruledOut: ['security-group-blocked', 'network-acl-blocked'],
      }),
    ),
    incident(
      'searches wait for a lock',
      withFaults({ kind: 'slow', route: 'GET /search', share: 0.4, seconds: [40, 120] }),
      expectCause('slow-target', 'No response within 60 s, without a body to send.', {
        ruledOut: ['security-group-blocked'],
      }),
    ),
    incident(
      'uploads over thin lines',
      {
        routes: [...shopRoutes('web'), uploads],
        clients: [people(4), people(2, { routes: ['POST /uploads'], uplink: 400_000 })],
        faults: [{ kind: 'stalled-upload', route: 'POST /uploads', share: 0.4, afterSeconds: [3, 40] }],
      },
      expectUndecided(
        ['slow-target', 'slow-upload'],
        'The body stopped halfway; a target that answers a slow upload slowly leaves the same row.',
      ),
    ),
    incident(
      'function times out',
      { ...quotes, faults: [{ kind: 'slow', route: 'POST /quotes', share: 0.2, seconds: [3.2, 9] }] },
      expectCause('lambda-timeout', 'LambdaUnhandled at 3.00 s.'),
    ),
    ...(
      [
        ['LambdaUnhandled', 'lambda-error'],
        ['LambdaInvalidResponse', 'lambda-invalid-response'],
        ['LambdaResponseTooLarge', 'lambda-response-too-large'],
        ['LambdaThrottling', 'lambda-throttled'],
        ['LambdaConnectionTimeout', 'lambda-error'],
      ] as const
    ).map(([code, cause]) =>
      incident(
        `${code}`,
        { ...quotes, faults: [{ kind: 'lambda-error', route: 'POST /quotes', share: 0.3, code }] },
        expectCause(cause, 'The load balancer names it in error_reason.'),
      ),
    ),
    incident(
      'errors of the application',
      withFaults({ kind: 'application-error', route: 'POST /checkout', share: 0.5, status: 502 }),
      expectCause('target-generated', 'The target sent the 502 itself.', { mustNotClaim: ['closed-mid-request'] }),
    ),
    incident(
      'group scaled to zero',
      withFaults(
        { kind: 'deregister', target: '10.0.10.40', at: 300 },
        { kind: 'deregister', target: '10.0.11.40', at: 300 },
        { kind: 'deregister', target: '10.0.11.41', at: 301 },
      ),
      expectCause('no-registered-targets', '503 without a target.', {
        mustNotClaim: ['fixed-response', 'target-optimizer'],
      }),
    ),
    incident(
      'maintenance page',
      withFaults({ kind: 'fixed-response', status: 503, priority: 5, routes: ['GET /cart'], body: 'Back soon.' }),
      expectCause('fixed-response', 'A listener rule answers by itself.', { mustNotClaim: ['no-registered-targets'] }),
    ),
    incident(
      'web ACL cannot be evaluated',
      withFaults({ kind: 'waf-unreachable', share: 0.1 }),
      expectCause('waf-failure', 'error_reason names it.'),
    ),
    incident(
      'identity provider silent',
      {
        routes: shopRoutes('web').map((route) => ({ ...route, authenticate: route.path === '/orders/{uuid}' })),
        faults: [{ kind: 'identity-provider-silent', share: 0.7 }],
      },
      expectCause('authentication-failure', 'error_reason names it.'),
    ),
    incident(
      'unsupported transfer encoding',
      withFaults({ kind: 'unsupported-request', route: 'POST /cart/items', share: 0.3, status: 501 }),
      expectCause('unsupported-request', '501 is only made by the load balancer for this.'),
    ),
    incident(
      'subnets out of addresses',
      {
        loadBalancer: loadBalancer('shop-prod', '4f2a9c1e7b3d5068', {
          state: { Code: 'active_impaired', Reason: 'Not enough free IP addresses in the subnets.' },
          freeAddresses: 2,
        }),
        faults: [{ kind: 'load-balancer-failing', share: 0.04 }],
      },
      expectUndecided(
        ['load-balancer-impaired'],
        'State and subnets make it possible; no row shows that it caused the 500s.',
        { ruledOut: ['keep-alive-race', 'connection-refused'] },
      ),
    ),
    incident(
      'no target ready for one more request',
      {
        targetGroups: [web({ optimizer: { controlPort: 3000, concurrency: 1 } })],
        routes: shopRoutes('web').map((route) => ({ ...route, medianMs: 12 * route.medianMs })),
        clients: [people(30)],
      },
      expectCause(
        'target-optimizer',
        'The metric counts as many refusals as there are 503s, and the group has targets.',
        {
          mustNotClaim: ['no-registered-targets'],
        },
      ),
    ),
    incident(
      'clients give up',
      {
        clients: [people(4), people(4, { patienceSeconds: 5 })],
        faults: [{ kind: 'slow', route: 'GET /search', share: 0.5, seconds: [4, 20] }],
      },
      (simulation) => ({
        ...expectCause('client-closed', 'Clients closed after 5 s.', { statuses: ['460'] })(simulation),
        explains: { 'client-closed': [1, 1] },
      }),
    ),
  ],
};
