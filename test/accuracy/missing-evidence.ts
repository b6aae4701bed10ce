import type { LogFile } from '../support/simulator/log-files.ts';
import { people, shopRoutes } from '../support/simulator/recordings/shop.ts';
import { expectCause, expectUndecided, type Family, incident, web, withFaults } from './incident.ts';
import { httpsGroup, keepAliveRaceAt, slowPropagation, slowReports, withReports } from './patterns.ts';

/** The files of one of the two nodes. */
const oneNode = (files: LogFile[]) => files.filter(({ path }) => path.includes('192.0.2.17'));
const nobody = () => [];

const refusedPort = {
  network: {
    securityGroups: [
      {
        id: 'sg-0e9d8c7b6a5f41302',
        name: 'legacy',
        ingress: [{ protocol: 'tcp' as const, ports: [8081, 8081] as [number, number], cidr: '10.0.0.0/16' }],
        egress: [{ protocol: '-1' as const, cidr: '0.0.0.0/0' }],
      },
    ],
    targetSecurityGroups: { '10.0.11.41': ['sg-0e9d8c7b6a5f41302'] },
  },
  targetGroups: [web({ server: { keepAliveSeconds: 0 }, healthCheck: { port: 8081 } })],
};

export const missingEvidence: Family = {
  title: 'missing evidence',
  incidents: [
    incident(
      'race, log alone',
      keepAliveRaceAt(5),
      expectCause('keep-alive-race', 'The edge is in the log; the idle timeout is not needed for it.'),
      {
        without: ['aws', 'metrics'],
      },
    ),
    incident(
      'worker timeout, log alone',
      {
        targetGroups: [web({ server: { keepAliveSeconds: 75, requestTimeoutSeconds: 30 } })],
        routes: withReports,
        faults: [slowReports],
      },
      expectCause('worker-timeout', 'One fixed duration is enough.'),
      { without: ['aws', 'metrics'] },
    ),
    incident(
      'connect timeouts, no configuration',
      refusedPort,
      expectUndecided(
        ['security-group-blocked', 'network-acl-blocked', 'target-unreachable'],
        'The log does not show what drops the packets.',
      ),
      { without: ['aws', 'metrics'] },
    ),
    incident(
      'connect timeouts, no security groups',
      refusedPort,
      expectUndecided(['security-group-blocked'], 'Everything was read except the security groups.', {
        mustNotClaim: ['target-unreachable', 'network-acl-blocked'],
      }),
      { without: ['describe-security-groups'] },
    ),
    incident(
      'connection failures on a group of unknown protocol',
      { targetGroups: [httpsGroup()], faults: [{ kind: 'crash', target: '10.0.11.40', at: 300, seconds: 100 }] },
      expectUndecided(
        ['connection-refused', 'tls-handshake-failure'],
        'Without protocol and metrics, TCP and TLS cannot be told apart.',
      ),
      { without: ['aws', 'metrics'] },
    ),
    incident(
      'connections fail on a target of an HTTPS group to the end, no metrics',
      { targetGroups: [httpsGroup()], faults: [{ kind: 'crash', target: '10.0.11.40', at: 600 }] },
      expectUndecided(
        ['connection-refused', 'tls-handshake-failure'],
        'The target stopped answering, and no metric tells TCP from TLS: the process is gone, or came back with broken TLS.',
      ),
      { without: ['metrics'] },
    ),
    incident(
      'a target refuses to the end of the log, its health unknown',
      { clients: [people(8)], faults: [{ kind: 'crash', target: '10.0.11.40', at: 868 }] },
      expectUndecided(
        ['connection-refused', 'shutdown-before-drain'],
        'The target crashed or was being deregistered: its health and the rest of the log are missing.',
      ),
      { without: ['describe-target-health', 'lookup-events'] },
    ),
    incident(
      'errors of the application, log alone',
      withFaults({ kind: 'application-error', share: 0.05, status: 500 }),
      expectCause('target-generated', 'The row decides it.'),
      { without: ['aws', 'metrics'] },
    ),
    incident(
      'slow searches, no attributes',
      withFaults({ kind: 'slow', route: 'GET /search', share: 0.4, seconds: [62, 120] }),
      expectCause('slow-target', 'All errors end at 60.0 s: the timer shows in the log.'),
      { without: ['describe-load-balancer-attributes', 'metrics'] },
    ),
    incident(
      'race, half of the log files',
      keepAliveRaceAt(5),
      (simulation) => ({
        ...expectCause(
          'keep-alive-race',
          'One node is missing; the other has its own connections and shows the same edge.',
          {
            uncounted: true,
          },
        )(simulation),
      }),
      { logs: oneNode },
    ),
    incident(
      'early closes counted by CloudWatch, no file delivered yet',
      {
        window: { from: '2026-11-18T10:00:00Z', to: '2026-11-18T10:15:00Z', now: '2026-11-18T10:16:00Z' },
        faults: [{ kind: 'early-close', share: 0.1, afterSeconds: [0.2, 4] }],
      },
      (simulation) => ({
        ...expectUndecided([], 'No rows is not "no errors".', { uncounted: true })(simulation),
      }),
      { logs: nobody },
    ),
    incident(
      'function errors, configuration of the function not read',
      {
        routes: [
          ...shopRoutes('web'),
          {
            method: 'POST',
            path: '/quotes',
            weight: 22,
            group: 'quotes',
            medianMs: 240,
            responseBytes: 900,
            priority: 40,
          },
        ],
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
        faults: [{ kind: 'slow', route: 'POST /quotes', share: 0.3, seconds: [3.2, 9] }],
      },
      expectUndecided(
        ['lambda-timeout', 'lambda-error'],
        'All end at 3.0 s, which is the default timeout; the configured one was not read.',
      ),
      { without: ['get-function-configuration'] },
    ),
    incident(
      'deployment, no target health and no changes',
      {
        loadBalancer: slowPropagation(),
        clients: [people(6)],
        ...withFaults({
          kind: 'deployment',
          group: 'web',
          at: 300,
          everySeconds: 60,
          stopAfterSeconds: 0.3,
          replace: [
            { old: '10.0.10.40', new: { address: '10.0.10.101', zone: 'a' } },
            { old: '10.0.11.40', new: { address: '10.0.11.102', zone: 'b' } },
          ],
        }),
      },
      expectCause('shutdown-before-drain', 'The log alone shows who left, when, and who took over.', {
        mustNotClaim: ['connection-refused'],
      }),
      { without: ['aws', 'metrics'] },
    ),
  ],
};
