/** Incidents with too little evidence, with causes that hide in the configuration, and with settings that are not to blame. */
import { gzip, logPath } from '../log-files.ts';
import { targetGroupArn } from '../names.ts';
import { subnets } from '../network.ts';
import { counts, type Recording, share } from '../recording.ts';
import { group, internalNodes, loadBalancer, people, quarterHour, shopRoutes, targets } from './shop.ts';

const everything = '0.0.0.0/0';

/** A race that showed three times, and nothing else to look at; one file is cut off, one is of another kind, one line is garbage. */
export const missingEvidence: Recording = {
  name: '013-missing-evidence',
  scenario: {
    seed: 1305,
    loadBalancer: loadBalancer('web-prod', '7c9e6679a1b2c3d4'),
    ...quarterHour('2026-11-04T04:25:00Z'),
    targetGroups: [
      group('web', '5566778899aabbcc', targets('10.0.10.40', '10.0.11.40'), {
        server: { keepAliveSeconds: 5, loopLagMs: 12 },
      }),
    ],
    routes: shopRoutes('web'),
    clients: [
      people(4),
      {
        kind: 'audience',
        count: 2,
        everySeconds: 5.15,
        spreadSeconds: 0.3,
        withinSeconds: 0.02,
        routes: ['GET /cart', 'GET /products/{n}', 'GET /search'],
      },
    ],
  },
  without: ['aws', 'metrics'],
  logs: (files, simulation) => {
    const { loadBalancer: spec } = missingEvidence.scenario;
    const failing = new Set(
      simulation.rows.filter((row) => row.elbStatus >= 500).map((row) => fileOf(row.time, row.node)),
    );
    const intact = files.filter((file) => !failing.has(fileOf(file.end - 1, file.path.split('_').at(-2) ?? '')));
    const cut = intact.at(-1);
    const end = Date.parse('2026-11-04T04:40:00Z');
    const connections = [
      '2026-11-04T04:36:11.204518Z 203.0.113.9 37575 443 TLSv1.3 TLS_AES_128_GCM_SHA256 0.012 "-" - - - TID_ea1c5624847a90d5261bfefbc8c62cb8 - app/web-prod/7c9e6679a1b2c3d4 192.0.2.17',
      '2026-11-04T04:37:52.771930Z 198.51.100.80 24608 443 TLSv1.3 TLS_AES_128_GCM_SHA256 0.015 "-" - - - TID_1f7f92b69aba66801c21933d069d9f20 - app/web-prod/7c9e6679a1b2c3d4 192.0.2.17',
    ];
    return [
      ...files.map((file) =>
        file === cut ? { ...file, bytes: file.bytes.subarray(0, Math.floor(file.bytes.length * 0.6)) } : file,
      ),
      {
        path: logPath(spec, end, '192.0.2.17', 'c0nn3ct1', 'conn_log_'),
        end,
        bytes: gzip(`${connections.join('\n')}\n`),
      },
      {
        path: logPath(spec, end, '192.0.2.88', 'gar8age0'),
        end,
        bytes: gzip('this line was never written by a load balancer\n'),
      },
    ];
  },
  expected: (simulation) => ({
    verdict: { cause: null, standing: 'undecided' },
    betweenAtLeast: ['keep-alive-race', 'closed-mid-request'],
    ruledOut: [],
    mustNotClaim: [
      'keep-alive-race',
      'closed-mid-request',
      'malformed-response',
      'response-header-too-large',
      'worker-timeout',
      'security-group-blocked',
    ],
    errors: simulation.truth.errors,
    byStatus: simulation.truth.byStatus,
    signatures: simulation.truth.signatures,
    steps: { '2': 'unknown', '5': 'unknown' },
    why: 'A few requests were closed as soon as they were sent, which smells of keep-alive; but so few cannot show an edge, and neither metrics nor configuration were recorded. Beside it one file is cut off, one is a connection log and one line is garbage: gaps to be named, not reasons to stop.',
  }),
};

const fileOf = (time: number, node: string) => `${Math.floor(time / 300_000)} ${node}`;

/** The network ACL of the targets' subnet in zone b lets answers back to the ports that Linux would connect from, and no others. */
export const networkAcl: Recording = {
  name: '016-network-acl-blocks-return',
  scenario: {
    seed: 1016,
    loadBalancer: loadBalancer('ledger', '3d2c1b0a99887766', {
      scheme: 'internal',
      nodes: internalNodes,
      host: 'ledger.internal.example.com',
      listener: { protocol: 'HTTP', port: 80 },
    }),
    ...quarterHour('2026-11-03T10:35:00Z'),
    targetGroups: [
      group('ledger', 'a0b1c2d3e4f50617', targets('10.0.10.31', '10.0.10.32', '10.0.11.33', '10.0.11.34'), {
        healthCheck: { unhealthyThreshold: 8, healthyThreshold: 2 },
        server: { keepAliveSeconds: 0 },
      }),
    ],
    network: {
      networkAcls: [
        {
          id: 'acl-01f2e3d4c5b6a7988',
          subnets: subnets.filter((subnet) => subnet.zone === 'b' && !subnet.public).map((subnet) => subnet.id),
          ingress: [{ number: 100, action: 'allow', protocol: '-1', cidr: everything }],
          egress: [
            { number: 100, action: 'allow', protocol: 'tcp', ports: [443, 443], cidr: everything },
            { number: 110, action: 'allow', protocol: 'tcp', ports: [32768, 65535], cidr: everything },
          ],
        },
      ],
    },
    routes: shopRoutes('ledger').slice(3, 7),
    clients: [people(4, { agents: 'programs' })],
    faults: [],
  },
  expected: (simulation) => ({
    verdict: { cause: 'network-acl-blocked', standing: ['confirmed', 'likely'] },
    explains: { 'network-acl-blocked': share(simulation, 'network-acl-blocked') },
    ruledOut: ['security-group-blocked'],
    mustNotClaim: ['security-group-blocked', 'slow-target', 'target-unreachable', 'target-gone', 'connection-refused'],
    ...counts(simulation),
    steps: { '5': 'fail' },
    why: 'The network ACL of the private subnet in zone b lets answers out to ports 32768-65535 only; nodes connect from 1024-65535, so half of the new connections to zone b time out after 10 s. The other half works, health checks pass often enough and security groups are open, which all tempt to say that the network is fine.',
  }),
};

/** For eight minutes one target cannot make new TLS sessions; connections that are open go on. */
export const tlsHandshake: Recording = {
  name: '017-tls-handshake-failure',
  scenario: {
    seed: 1017,
    loadBalancer: loadBalancer('payments', '8877665544332211', { host: 'pay.example.com' }),
    ...quarterHour('2026-11-02T13:05:00Z', 300),
    targetGroups: [
      group('payments', '123456789abcdef0', targets('10.0.10.80', '10.0.10.81', '10.0.11.80'), {
        protocol: 'HTTPS',
        port: 8443,
        healthCheck: { port: 8081, protocol: 'HTTP' },
        server: { keepAliveSeconds: 75 },
      }),
    ],
    routes: shopRoutes('payments').slice(3, 7),
    clients: [
      people(4, { agents: 'programs' }),
      {
        kind: 'audience',
        count: 16,
        everySeconds: 45,
        spreadSeconds: 8,
        withinSeconds: 0.1,
        retry: 0.8,
        agents: 'programs',
        routes: ['GET /cart'],
      },
    ],
    faults: [{ kind: 'tls-failure', target: '10.0.11.80', outcome: 'handshake-error', from: 200, to: 700 }],
  },
  expected: (simulation) => ({
    verdict: { cause: 'tls-handshake-failure', standing: ['confirmed', 'likely'] },
    explains: { 'tls-handshake-failure': share(simulation, 'tls-handshake-failure') },
    ruledOut: ['connection-refused', 'security-group-blocked'],
    mustNotClaim: ['connection-refused', 'protocol-mismatch', 'keep-alive-race', 'shutdown-before-drain'],
    ...counts(simulation),
    why: 'New TLS sessions with 10.0.11.80 failed for eight minutes while its open connections went on answering over TLS, before, during and after. The rows look exactly like refused connections; only TargetTLSNegotiationErrorCount against TargetConnectionErrorCount tells them apart.',
  }),
};

/** Programs that wait five seconds, and a search that sometimes takes longer. */
export const impatientClients: Recording = {
  name: '018-client-impatience-460',
  scenario: {
    seed: 1018,
    loadBalancer: loadBalancer('shop-prod', '4f2a9c1e7b3d5068'),
    ...quarterHour('2026-11-01T20:10:00Z'),
    targetGroups: [group('web', '5566778899aabbcc', targets('10.0.10.40', '10.0.10.41', '10.0.11.40'))],
    routes: shopRoutes('web'),
    clients: [people(4), people(3, { agents: 'programs', patienceSeconds: 5 })],
    faults: [{ kind: 'slow', route: 'GET /search', share: 0.5, seconds: [3, 25], from: 100 }],
  },
  expected: (simulation) => ({
    statuses: ['460'],
    verdict: { cause: 'client-closed', standing: ['confirmed', 'likely'] },
    explains: { 'client-closed': [1, 1] },
    ruledOut: [],
    mustNotClaim: ['slow-target', 'keep-alive-race', 'closed-mid-request', 'security-group-blocked'],
    requests: simulation.truth.requests,
    errors: simulation.truth.clientClosed,
    byStatus: { '460': simulation.truth.clientClosed },
    signatures: { 'client-closed': simulation.truth.clientClosed },
    why: 'Programs close the connection after 5 s while GET /search takes up to 25 s; others wait and succeed. The idle timeout of 60 s is not what ended these requests, and no 5xx was made.',
  }),
};

/** Nothing failed; a deployment this morning, a deregistration delay of zero and an unhealthy spare are only suspicious. */
export const suspiciousSettings: Recording = {
  name: '019-healthy-with-suspicious-setting',
  scenario: {
    seed: 1019,
    loadBalancer: loadBalancer('web-prod', '7c9e6679a1b2c3d4'),
    ...quarterHour('2026-10-31T16:40:00Z'),
    targetGroups: [
      group('web', '5566778899aabbcc', targets('10.0.10.40', '10.0.11.40', '10.0.11.41'), {
        deregistrationDelaySeconds: 0,
        healthCheck: { unhealthyThreshold: 2 },
        server: { keepAliveSeconds: 65 },
      }),
    ],
    routes: shopRoutes('web'),
    clients: [people(5)],
    faults: [{ kind: 'crash', target: '10.0.11.41', at: -1800 }],
    changes: [
      {
        at: -21_600,
        event: 'RegisterTargets',
        resource: targetGroupArn('web', '5566778899aabbcc'),
        by: 'ecs-service-scheduler',
      },
      {
        at: -21_540,
        event: 'DeregisterTargets',
        resource: targetGroupArn('web', '5566778899aabbcc'),
        by: 'ecs-service-scheduler',
      },
    ],
  },
  expected: (simulation) => ({
    verdict: { cause: null, standing: 'none' },
    ruledOut: [],
    mustNotClaim: [
      'deregistration-delay-elapsed',
      'shutdown-before-drain',
      'connection-refused',
      'keep-alive-race',
      'target-gone',
    ],
    ...counts(simulation),
    why: 'Nothing failed: the deregistration delay of 0, a deployment six hours earlier and an unhealthy target without traffic are worth a sentence, not a verdict. Each of them has caused 502s elsewhere.',
  }),
};
