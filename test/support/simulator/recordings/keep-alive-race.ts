import { counts, type Recording, share } from '../recording.ts';
import { group, loadBalancer, people, quarterHour, shopRoutes, targets } from './shop.ts';

/**
 * Node 22 closes idle connections 6.0 s after the last response (5 s and one of buffer), the load balancer keeps them for 60 s. Open
 * product pages refresh whenever prices are published, about every six seconds, so many connections are idle for just that long.
 * Beside it, reports that take too long get their socket destroyed after 30 s.
 */
export const keepAliveRace: Recording = {
  name: '001-keep-alive-race-beside-worker-timeout',
  scenario: {
    seed: 1018,
    loadBalancer: loadBalancer('shop-prod', '4f2a9c1e7b3d5068', {
      nodes: [
        { zone: 'a', address: '10.0.0.37', publicAddress: '192.0.2.17' },
        { zone: 'a', address: '10.0.0.201', publicAddress: '192.0.2.41' },
        { zone: 'b', address: '10.0.1.142', publicAddress: '192.0.2.88' },
      ],
    }),
    ...quarterHour('2026-11-18T02:40:00Z'),
    targetGroups: [
      group(
        'api',
        'c3d1f09a5b7e2468',
        targets('10.0.10.21', '10.0.10.54', '10.0.10.133', '10.0.11.18', '10.0.11.76', '10.0.11.209'),
        {
          server: { keepAliveSeconds: 6, loopLagMs: 9, requestTimeoutSeconds: 30 },
        },
      ),
      group('web', '9a8b7c6d5e4f3021', targets('10.0.10.90', '10.0.11.91'), { port: 3000 }),
    ],
    routes: [
      { method: 'GET', path: '/', weight: 10, group: 'web', medianMs: 18, responseBytes: 8400, notModified: 0.1 },
      {
        method: 'GET',
        path: '/assets/{hex}.js',
        weight: 8,
        group: 'web',
        medianMs: 4,
        responseBytes: 31000,
        notModified: 0.5,
      },
      ...shopRoutes('api')
        .slice(1, 7)
        .map((route) => ({ ...route, path: `/api${route.path}`, priority: 10 })),
      {
        method: 'GET',
        path: '/api/prices',
        query: ['session'],
        weight: 20,
        group: 'api',
        medianMs: 120,
        responseBytes: 700,
        priority: 10,
      },
      {
        method: 'POST',
        path: '/reports',
        weight: 1,
        group: 'api',
        medianMs: 900,
        sigma: 0.8,
        requestBytes: 400,
        responseBytes: 1500,
        priority: 20,
      },
    ],
    clients: [
      people(10),
      { kind: 'pollers', count: 1, everySeconds: 55, jitterSeconds: 12, agents: 'programs', routes: ['POST /reports'] },
      {
        kind: 'audience',
        count: 51,
        everySeconds: 6.15,
        spreadSeconds: 0.18,
        withinSeconds: 0.03,
        retry: 0.9,
        wave: { share: 0.04, periodSeconds: 420 },
        routes: [
          'GET /api/prices',
          'GET /api/products/{n}',
          'GET /api/search',
          'GET /api/cart',
          'GET /api/orders/{uuid}',
        ],
      },
    ],
    changes: [
      {
        at: -788_400,
        event: 'ModifyTargetGroupAttributes',
        resource: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/c3d1f09a5b7e2468',
      },
    ],
    faults: [{ kind: 'slow', route: 'POST /reports', share: 0.35, seconds: [40, 70] }],
  },
  expected: (simulation) => ({
    verdict: { cause: 'keep-alive-race', standing: 'likely' },
    explains: {
      'keep-alive-race': share(simulation, 'keep-alive-race'),
      'worker-timeout': share(simulation, 'worker-timeout'),
    },
    ruledOut: ['security-group-blocked'],
    mustNotClaim: [
      'malformed-response',
      'response-header-too-large',
      'closed-mid-request',
      'shutdown-before-drain',
      'slow-target',
      'network-acl-blocked',
    ],
    ...counts(simulation),
    steps: { '2': 'pass', '3': 'fail', '5': 'pass', '6': 'pass' },
    why: 'Targets close idle connections after 6.0 s while the load balancer keeps them for 60 s; a second, smaller cause closes slow reports after 30 s. One cause for all, or a generic "target closed the connection", is the tempting answer.',
  }),
};
