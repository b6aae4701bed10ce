/** Incidents with one cause each. */

import { applicationGroup, loadBalancerGroup } from '../network.ts';
import { counts, type Recording, share } from '../recording.ts';
import { group, internalNodes, loadBalancer, people, quarterHour, shopRoutes, targets } from './shop.ts';

const legacyGroup = 'sg-0e9d8c7b6a5f41302';

/** Two of four targets carry a security group that admits the load balancer on the health check port alone. */
export const securityGroup: Recording = {
  name: '002-security-group-blocks-traffic-port',
  scenario: {
    seed: 1002,
    loadBalancer: loadBalancer('checkout', '2b7e151628aed2a6', {
      scheme: 'internal',
      nodes: internalNodes,
      host: 'checkout.internal.example.com',
      listener: { protocol: 'HTTP', port: 80 },
    }),
    ...quarterHour('2026-11-12T14:10:00Z'),
    targetGroups: [
      group('checkout', 'a1b2c3d4e5f60718', targets('10.0.10.31', '10.0.10.62', '10.0.11.33', '10.0.11.64'), {
        healthCheck: { port: 8081, protocol: 'HTTP' },
      }),
    ],
    network: {
      securityGroups: [
        {
          id: legacyGroup,
          name: 'checkout-legacy',
          ingress: [{ protocol: 'tcp', ports: [8081, 8081], group: loadBalancerGroup, description: 'health checks' }],
          egress: [{ protocol: '-1', cidr: '0.0.0.0/0' }],
        },
      ],
      targetSecurityGroups: {
        '10.0.10.62': [legacyGroup],
        '10.0.11.64': [legacyGroup],
        '10.0.10.31': [applicationGroup],
      },
    },
    routes: shopRoutes('checkout').slice(3, 7),
    clients: [people(3, { agents: 'programs' })],
  },
  expected: (simulation) => ({
    verdict: { cause: 'security-group-blocked', standing: ['confirmed', 'likely'] },
    explains: { 'security-group-blocked': share(simulation, 'security-group-blocked') },
    ruledOut: ['network-acl-blocked'],
    mustNotClaim: [
      'slow-target',
      'target-unreachable',
      'target-gone',
      'connection-refused',
      'keep-alive-race',
      'network-acl-blocked',
    ],
    ...counts(simulation),
    steps: { '5': 'fail' },
    why: 'Two of four targets carry a security group that admits the load balancer on the health check port 8081 but not on the traffic port 8080, so connections time out after 10 s. All targets are healthy, which tempts to look for a slow application.',
  }),
};

/** The process of one of two targets dies and stays down; health checks take it out after five failures. */
export const connectionRefused: Recording = {
  name: '003-connection-refused',
  scenario: {
    seed: 1003,
    loadBalancer: loadBalancer('web-prod', '7c9e6679a1b2c3d4'),
    ...quarterHour('2026-11-13T08:30:00Z'),
    targetGroups: [
      group('web', '5566778899aabbcc', targets('10.0.10.40', '10.0.11.40', '10.0.11.41'), {
        healthCheck: { unhealthyThreshold: 5 },
      }),
    ],
    routes: shopRoutes('web'),
    clients: [people(6)],
    faults: [{ kind: 'crash', target: '10.0.11.40', at: 312 }],
  },
  expected: (simulation) => ({
    verdict: { cause: 'connection-refused', standing: ['confirmed', 'likely'] },
    explains: { 'connection-refused': share(simulation, 'connection-refused') },
    ruledOut: ['security-group-blocked', 'network-acl-blocked', 'target-unreachable'],
    mustNotClaim: [
      'keep-alive-race',
      'tls-handshake-failure',
      'shutdown-before-drain',
      'target-gone',
      'deregistration-delay-elapsed',
    ],
    ...counts(simulation),
    steps: { '6': 'fail' },
    why: 'The process on 10.0.11.40 died at 08:35:12 and stayed down, so connections were refused within milliseconds until health checks took it out. The same rows on an HTTPS group would be a failed handshake, and a security group would make them wait 10 s.',
  }),
};

export const healthy: Recording = {
  name: '005-healthy',
  scenario: {
    seed: 1005,
    loadBalancer: loadBalancer('web-prod', '7c9e6679a1b2c3d4', { dualstack: true, waf: true }),
    ...quarterHour('2026-11-14T11:00:00Z'),
    targetGroups: [group('web', '5566778899aabbcc', targets('10.0.10.40', '10.0.11.40', '10.0.11.41'))],
    routes: shopRoutes('web'),
    clients: [people(5), { kind: 'pollers', count: 2, everySeconds: 10, routes: ['GET /cart'] }],
  },
  expected: (simulation) => ({
    verdict: { cause: null, standing: 'none' },
    ruledOut: [],
    mustNotClaim: [
      'keep-alive-race',
      'security-group-blocked',
      'slow-target',
      'target-generated',
      'connection-refused',
    ],
    ...counts(simulation),
    why: 'Nothing failed; some requests were answered 404 and 304 by the targets. Clients that ask every 10 s and an idle timeout of 60 s are no finding.',
  }),
};

/** The files that hold the errors have not been delivered yet; CloudWatch already counts them. */
export const noRowsYet: Recording = {
  name: '006-no-rows-yet',
  scenario: {
    seed: 1006,
    loadBalancer: loadBalancer('web-prod', '7c9e6679a1b2c3d4'),
    window: { from: '2026-11-16T02:40:00Z', to: '2026-11-16T02:55:00Z', now: '2026-11-16T02:57:00Z' },
    recorded: { from: '2026-11-16T02:32:00Z', to: '2026-11-16T02:55:00Z' },
    targetGroups: [group('web', '5566778899aabbcc', targets('10.0.10.40', '10.0.11.40', '10.0.11.41'))],
    routes: shopRoutes('web'),
    clients: [people(6)],
    faults: [{ kind: 'early-close', share: 0.13, afterSeconds: [0.2, 4], from: 5 }],
  },
  logs: (files) => files.filter((file) => file.end <= Date.parse('2026-11-16T02:40:00Z')),
  expected: () => ({
    verdict: { cause: null, standing: 'undecided' },
    ruledOut: [],
    mustNotClaim: ['keep-alive-race', 'closed-mid-request', 'malformed-response', 'connection-refused', 'slow-target'],
    requests: 0,
    errors: 0,
    byStatus: {},
    signatures: {},
    why: 'The access-log files of the window have not arrived, only those before it; CloudWatch counts the 502s already. Saying that nothing failed would be wrong, and so would be any cause.',
  }),
};

/** Searches wait for a lock for longer than the idle timeout. */
export const slowTarget: Recording = {
  name: '007-slow-target',
  scenario: {
    seed: 1007,
    loadBalancer: loadBalancer('shop-prod', '4f2a9c1e7b3d5068'),
    ...quarterHour('2026-11-10T19:20:00Z'),
    targetGroups: [group('web', '5566778899aabbcc', targets('10.0.10.40', '10.0.10.41', '10.0.11.40'))],
    routes: shopRoutes('web'),
    clients: [people(7, { retry: 0.4 })],
    faults: [{ kind: 'slow', route: 'GET /search', share: 0.45, seconds: [35, 140], from: 180, to: 720 }],
  },
  expected: (simulation) => ({
    verdict: { cause: 'slow-target', standing: ['confirmed', 'likely'] },
    explains: { 'slow-target': share(simulation, 'slow-target') },
    ruledOut: ['security-group-blocked', 'network-acl-blocked'],
    mustNotClaim: [
      'slow-upload',
      'target-unreachable',
      'target-gone',
      'keep-alive-race',
      'deregistration-delay-elapsed',
    ],
    ...counts(simulation),
    why: 'GET /search waited for a lock and was cut at the idle timeout of 60 s; other searches took 35 to 60 s and succeeded. A 504 tempts to suspect the network, but a blocked connection ends after 10 s with no processing times.',
  }),
};

/** Long exports are cut when the deregistration delay of the target they run on is over. */
export const deregistrationDelay: Recording = {
  name: '008-deregistration-delay',
  scenario: {
    seed: 1008,
    loadBalancer: loadBalancer('reports', '6f5e4d3c2b1a0987', {
      scheme: 'internal',
      nodes: internalNodes,
      idleTimeoutSeconds: 300,
      host: 'reports.internal.example.com',
      listener: { protocol: 'HTTP', port: 80 },
    }),
    ...quarterHour('2026-11-11T06:05:00Z'),
    targetGroups: [
      group('reports', '0f1e2d3c4b5a6978', targets('10.0.10.70', '10.0.10.71', '10.0.11.70', '10.0.11.71'), {
        deregistrationDelaySeconds: 30,
        server: { keepAliveSeconds: 320 },
      }),
    ],
    routes: [
      {
        method: 'POST',
        path: '/exports',
        weight: 5,
        group: 'reports',
        medianMs: 42_000,
        sigma: 0.35,
        requestBytes: 600,
        responseBytes: 24_000,
      },
      { method: 'GET', path: '/exports/{uuid}', weight: 10, group: 'reports', medianMs: 20, responseBytes: 900 },
      {
        method: 'GET',
        path: '/exports',
        query: ['page'],
        weight: 6,
        group: 'reports',
        medianMs: 40,
        responseBytes: 4000,
      },
    ],
    clients: [
      { kind: 'pollers', count: 36, everySeconds: 45, jitterSeconds: 15, retry: 0.5, routes: ['POST /exports'] },
      people(1.5, { agents: 'programs', routes: ['GET /exports/{uuid}', 'GET /exports'] }),
    ],
    faults: [
      { kind: 'deregister', target: '10.0.10.71', at: 250 },
      { kind: 'deregister', target: '10.0.11.71', at: 430 },
    ],
  },
  expected: (simulation) => ({
    verdict: { cause: 'deregistration-delay-elapsed', standing: ['confirmed', 'likely'] },
    explains: { 'deregistration-delay-elapsed': share(simulation, 'deregistration-delay-elapsed') },
    ruledOut: ['keep-alive-race', 'security-group-blocked'],
    mustNotClaim: ['slow-target', 'worker-timeout', 'closed-mid-request', 'shutdown-before-drain', 'target-gone'],
    ...counts(simulation),
    steps: { '6': 'fail' },
    why: 'Two targets were taken out while exports of a minute ran on them; their deregistration delay of 30 s ended the rest at the same moment on all nodes. The durations differ, so neither a timeout of the application nor the idle timeout explains them.',
  }),
};

/** Tasks are replaced one by one; the old ones exit at once on SIGTERM while nodes still send to them. */
export const rollingDeployment: Recording = {
  name: '009-rolling-deployment-shutdown-before-drain',
  scenario: {
    seed: 1009,
    loadBalancer: loadBalancer('shop-prod', '4f2a9c1e7b3d5068', { propagationSeconds: [6, 14] }),
    ...quarterHour('2026-11-17T15:30:00Z'),
    targetGroups: [group('api', 'c3d1f09a5b7e2468', targets('10.0.10.21', '10.0.10.54', '10.0.11.18', '10.0.11.76'))],
    routes: [
      ...shopRoutes('api'),
      {
        method: 'GET',
        path: '/notifications/poll',
        query: ['session'],
        weight: 1,
        group: 'api',
        medianMs: 14_000,
        sigma: 0.35,
        responseBytes: 160,
      },
    ],
    clients: [
      people(4),
      {
        kind: 'pollers',
        count: 22,
        everySeconds: 25,
        jitterSeconds: 8,
        retry: 0.9,
        agents: 'browsers',
        routes: ['GET /notifications/poll'],
      },
    ],
    faults: [
      {
        kind: 'deployment',
        group: 'api',
        at: 240,
        everySeconds: 75,
        stopAfterSeconds: 0.4,
        hostGoneAfterSeconds: 40,
        replace: [
          { old: '10.0.10.21', new: { address: '10.0.10.101', zone: 'a' } },
          { old: '10.0.11.18', new: { address: '10.0.11.102', zone: 'b' } },
          { old: '10.0.10.54', new: { address: '10.0.10.103', zone: 'a' } },
          { old: '10.0.11.76', new: { address: '10.0.11.104', zone: 'b' } },
        ],
      },
    ],
  },
  expected: (simulation) => ({
    verdict: { cause: 'shutdown-before-drain', standing: ['confirmed', 'likely'] },
    explains: { 'shutdown-before-drain': share(simulation, 'shutdown-before-drain', 0.1, 0) },
    ruledOut: ['security-group-blocked'],
    mustNotClaim: [
      'connection-refused',
      'keep-alive-race',
      'deregistration-delay-elapsed',
      'target-gone',
      'closed-mid-request',
      'malformed-response',
    ],
    ...counts(simulation),
    steps: { '6': 'fail' },
    why: 'Four tasks were replaced one after the other; each old one exited at once while nodes went on sending to it for some seconds, and never came back. A crashed process looks the same row by row, but it comes back or is reported unhealthy.',
  }),
};

/** A service is scaled to zero while its rule stays. */
export const noTargets: Recording = {
  name: '010-no-registered-targets',
  scenario: {
    seed: 1010,
    loadBalancer: loadBalancer('shop-prod', '4f2a9c1e7b3d5068'),
    ...quarterHour('2026-11-09T22:00:00Z'),
    targetGroups: [
      group('web', '5566778899aabbcc', targets('10.0.10.40', '10.0.11.40')),
      group('reports', '0f1e2d3c4b5a6978', targets('10.0.10.70', '10.0.11.70'), { deregistrationDelaySeconds: 60 }),
    ],
    routes: [
      ...shopRoutes('web'),
      {
        method: 'GET',
        path: '/reports/{n}',
        weight: 7,
        group: 'reports',
        medianMs: 60,
        responseBytes: 3000,
        priority: 30,
      },
    ],
    clients: [people(5)],
    faults: [
      { kind: 'deregister', target: '10.0.10.70', at: 200 },
      { kind: 'deregister', target: '10.0.11.70', at: 202 },
    ],
  },
  expected: (simulation) => ({
    verdict: { cause: 'no-registered-targets', standing: ['confirmed', 'likely'] },
    explains: { 'no-registered-targets': share(simulation, 'no-registered-targets') },
    ruledOut: [],
    mustNotClaim: ['fixed-response', 'target-generated', 'target-gone', 'connection-refused', 'target-optimizer'],
    ...counts(simulation),
    steps: { '6': 'fail' },
    why: 'Both targets of group reports were deregistered at 22:03:20, so its requests get 503 with no target. An unhealthy group would not answer 503, and a maintenance page would have no target group in the row.',
  }),
};

/** A function that hits its timeout of 3 s, and now and then returns a shape that the load balancer cannot use. */
export const lambdaTimeout: Recording = {
  name: '011-lambda-timeout',
  scenario: {
    seed: 1011,
    loadBalancer: loadBalancer('shop-prod', '4f2a9c1e7b3d5068'),
    ...quarterHour('2026-11-08T17:45:00Z'),
    targetGroups: [
      group('web', '5566778899aabbcc', targets('10.0.10.40', '10.0.11.40')),
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
    routes: [
      ...shopRoutes('web'),
      {
        method: 'POST',
        path: '/quotes',
        weight: 22,
        group: 'quotes',
        medianMs: 240,
        requestBytes: 500,
        responseBytes: 900,
        priority: 40,
      },
    ],
    clients: [people(5)],
    faults: [
      { kind: 'slow', route: 'POST /quotes', share: 0.3, seconds: [3.2, 9], from: 120 },
      { kind: 'lambda-error', route: 'POST /quotes', share: 0.03, code: 'LambdaInvalidResponse' },
    ],
  },
  expected: (simulation) => ({
    verdict: { cause: 'lambda-timeout', standing: ['confirmed', 'likely'] },
    explains: {
      'lambda-timeout': share(simulation, 'lambda-timeout'),
      'lambda-invalid-response': share(simulation, 'lambda-invalid-response'),
    },
    ruledOut: [],
    mustNotClaim: [
      'lambda-throttled',
      'lambda-response-too-large',
      'malformed-response',
      'slow-target',
      'closed-mid-request',
    ],
    ...counts(simulation),
    why: 'The function quotes runs into its timeout of 3 s (LambdaUnhandled after 3.00 s); a few answers have a shape that cannot be used. LambdaUnhandled also stands for an exception in the function, which would not take exactly 3 s each time.',
  }),
};

/** The application's own errors, passed on. */
export const targetGenerated: Recording = {
  name: '012-target-generated',
  scenario: {
    seed: 1012,
    loadBalancer: loadBalancer('web-prod', '7c9e6679a1b2c3d4'),
    ...quarterHour('2026-11-07T12:15:00Z'),
    targetGroups: [group('web', '5566778899aabbcc', targets('10.0.10.40', '10.0.11.40', '10.0.11.41'))],
    routes: shopRoutes('web'),
    clients: [people(5)],
    faults: [
      { kind: 'application-error', route: 'POST /checkout', share: 0.6, status: 502, from: 200, to: 800 },
      { kind: 'application-error', route: 'GET /search', share: 0.15, status: 503, from: 200, to: 800 },
      { kind: 'application-error', share: 0.01, status: 500 },
    ],
  },
  expected: (simulation) => ({
    verdict: { cause: 'target-generated', standing: ['confirmed', 'likely'] },
    explains: { 'target-generated': [1, 1] },
    ruledOut: [],
    mustNotClaim: [
      'keep-alive-race',
      'security-group-blocked',
      'no-registered-targets',
      'closed-mid-request',
      'fixed-response',
    ],
    ...counts(simulation),
    why: 'Every 500, 502 and 503 was made by the targets (nginx in front of the application) and passed on; the load balancer made none. The codes tempt to work through the load balancer.',
  }),
};

/** Since a release one route answers something that cannot be passed on. */
export const malformedRoute: Recording = {
  name: '014-malformed-route',
  scenario: {
    seed: 1014,
    loadBalancer: loadBalancer('shop-prod', '4f2a9c1e7b3d5068'),
    ...quarterHour('2026-11-06T09:50:00Z'),
    targetGroups: [group('web', '5566778899aabbcc', targets('10.0.10.40', '10.0.10.41', '10.0.11.40'))],
    routes: [
      ...shopRoutes('web'),
      {
        method: 'GET',
        path: '/account/export.csv',
        query: ['token'],
        weight: 6,
        group: 'web',
        medianMs: 420,
        sigma: 0.4,
        responseBytes: 18_000,
      },
    ],
    clients: [people(5)],
    faults: [
      {
        kind: 'unusable-response',
        route: 'GET /account/export.csv',
        share: 1,
        because: 'malformed-response',
        from: -3600,
      },
    ],
  },
  expected: (simulation) => ({
    verdict: { cause: null, standing: 'undecided' },
    between: ['closed-mid-request', 'malformed-response', 'response-header-too-large'],
    ruledOut: ['keep-alive-race', 'worker-timeout', 'security-group-blocked'],
    mustNotClaim: [
      'keep-alive-race',
      'closed-mid-request',
      'malformed-response',
      'response-header-too-large',
      'worker-timeout',
      'connection-refused',
    ],
    ...counts(simulation),
    steps: { '4': ['fail', 'unknown'] },
    why: 'Every GET /account/export.csv fails after its normal working time, on all targets; nothing else fails. Malformed or over 32 K of headers leave the same rows, so naming one of them would be a guess.',
  }),
};

/** A maintenance page that was left on. */
export const maintenance: Recording = {
  name: '015-maintenance-fixed-response',
  scenario: {
    seed: 1015,
    loadBalancer: loadBalancer('shop-prod', '4f2a9c1e7b3d5068'),
    ...quarterHour('2026-11-05T03:00:00Z'),
    targetGroups: [group('web', '5566778899aabbcc', targets('10.0.10.40', '10.0.11.40'))],
    routes: shopRoutes('web'),
    clients: [people(5, { retry: 0.3 })],
    faults: [
      {
        kind: 'fixed-response',
        status: 503,
        priority: 5,
        routes: ['POST /checkout', 'GET /cart', 'POST /cart/items'],
        body: 'We are back soon.',
        from: 60,
      },
    ],
  },
  expected: (simulation) => ({
    verdict: { cause: 'fixed-response', standing: ['confirmed', 'likely'] },
    explains: { 'fixed-response': [1, 1] },
    ruledOut: [],
    mustNotClaim: ['no-registered-targets', 'target-generated', 'target-optimizer', 'connection-refused'],
    ...counts(simulation),
    why: 'A listener rule answers 503 by itself for cart and checkout: somebody switched a maintenance page on. A 503 tempts to look for missing targets, all of which are healthy.',
  }),
};
