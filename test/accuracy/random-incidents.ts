/**
 * Incidents with one or two causes and parameters drawn at random: what the families fix (idle times, rates, how wide the race is, nodes,
 * targets, clocks, rhythms, the share of a second cause, what could be looked at) varies here. The same seed gives the same incident.
 */
import { Random } from '../support/simulator/random.ts';
import type { Recording } from '../support/simulator/recording.ts';
import { loadBalancer, people, shopRoutes, targets } from '../support/simulator/recordings/shop.ts';
import type { ClientsSpec, Fault, NodeSpec, ServerSpec } from '../support/simulator/scenario.ts';
import { expectNothingFailed, incident, web } from './incident.ts';
import { refreshEvery, reports } from './patterns.ts';

/** What may be wrong; `sound` adds nothing. */
const TROUBLES = [
  'sound',
  'race',
  'early closes',
  'instant closes',
  'recycling',
  'worker timeout',
  'broken route',
  'broken for some',
  'slow target',
  'crash',
  'brief crash',
  'deployment',
  'scale-in',
  'dropped packets',
  'application errors',
] as const;
type Trouble = (typeof TROUBLES)[number];

export interface RandomIncident extends Recording {
  /** The drawn parameters, for the reader of a failure. */
  drawn: Record<string, unknown>;
}

const allNodes: NodeSpec[] = [
  { zone: 'a', address: '10.0.0.37', publicAddress: '192.0.2.17' },
  { zone: 'b', address: '10.0.1.142', publicAddress: '192.0.2.88' },
  { zone: 'a', address: '10.0.0.201', publicAddress: '192.0.2.41' },
];
const addresses = ['10.0.10.40', '10.0.11.40', '10.0.11.41', '10.0.10.41', '10.0.10.42'];
const slowRoutes = ['POST /reports', 'GET /search'];

export function randomIncident(seed: number): RandomIncident {
  const random = new Random(seed).stream('parameters');
  const first = random.pick(TROUBLES);
  const second = random.chance(0.4) ? random.pick(TROUBLES) : 'sound';
  const troubles = new Set<Trouble>([first, second]);
  const has = (trouble: Trouble) => troubles.has(trouble);
  const drawn = {
    troubles: [...troubles],
    keepAliveSeconds: random.pick([2, 5, 6, 10, 20, 60]),
    loopLagMs: random.pick([2, 6, 12, 25]),
    nodes: random.integer(1, 3),
    targets: random.integer(2, 5),
    perMinute: random.pick([2, 5, 12, 25]),
    beating: random.pick([8, 20, 40]),
    clock: random.pick([5, 10, 15, 30, 45]),
    share: random.pick([0.004, 0.02, 0.08]),
    pollEvery: random.pick([0, 0, 5, 10, 30]),
    retry: random.pick([0, 0.5, 0.9]),
    slowness: random.pick([1, 6, 30]),
    without: random.pick([[], [], [], ['metrics'], ['aws'], ['aws', 'metrics']]),
  };
  // What happens to one target happens at different times, and one that crashes for good is not taken out: both at once is another cause.
  if (has('scale-in')) drawn.targets = Math.max(3, drawn.targets);
  const members = addresses.slice(0, drawn.targets);
  const [victim = '', other = ''] = members;
  const server: ServerSpec = {
    keepAliveSeconds: has('race') ? drawn.keepAliveSeconds : 75,
    loopLagMs: drawn.loopLagMs,
    ...(has('worker timeout') ? { requestTimeoutSeconds: drawn.clock } : {}),
    ...(has('recycling') ? { recycleAfterRequests: 60, recycleSeconds: random.pick([0.1, 0.5, 2]) } : {}),
  };
  const clients: ClientsSpec[] = [
    people(drawn.perMinute, { retry: drawn.retry }),
    ...(has('race') || random.chance(0.2)
      ? [
          refreshEvery(drawn.keepAliveSeconds * random.between(0.99, 1.05), {
            count: drawn.beating,
            retry: drawn.retry,
          }),
        ]
      : []),
    ...(drawn.pollEvery > 0
      ? [
          {
            kind: 'pollers' as const,
            count: 2 * drawn.pollEvery,
            everySeconds: drawn.pollEvery,
            jitterSeconds: random.pick([0.01, 0.5]),
            retry: drawn.retry,
          },
        ]
      : []),
  ];
  const byTrouble: Partial<Record<Trouble, Fault[]>> = {
    'early closes': [{ kind: 'early-close', share: drawn.share, afterSeconds: [0.15, random.between(1, 8)] }],
    'instant closes': [{ kind: 'early-close', share: drawn.share, afterSeconds: [0.001, 0.03] }],
    'worker timeout': slowRoutes.map((route) => ({
      kind: 'slow' as const,
      route,
      share: 0.2,
      seconds: [drawn.clock + 1, drawn.clock + 12] as [number, number],
    })),
    'broken route': [
      {
        kind: 'unusable-response',
        route: 'GET /orders/{uuid}',
        share: 1,
        because: random.pick(['malformed-response', 'response-header-too-large'] as const),
      },
    ],
    'broken for some': ['GET /cart', 'GET /products/{n}', 'GET /search'].map((route) => ({
      kind: 'unusable-response' as const,
      route,
      share: 2 * drawn.share,
      because: 'response-header-too-large' as const,
      ofClients: true as const,
    })),
    'slow target': [{ kind: 'slow', route: 'GET /search', share: 0.1, seconds: [62, 100] }],
    crash: [{ kind: 'crash', target: other, at: random.between(120, 300) }],
    'brief crash': [
      { kind: 'crash', target: victim, at: random.between(120, 240), seconds: random.pick([0.2, 5, 40]) },
    ],
    deployment: [
      {
        kind: 'deployment',
        group: 'web',
        at: random.between(460, 700),
        everySeconds: 45,
        stopAfterSeconds: random.pick([0.3, 3]),
        ...(random.chance(0.4) ? { hostGoneAfterSeconds: 5 } : {}),
        replace: [
          { old: victim, new: { address: '10.0.10.101', zone: 'a' as const } },
          ...(has('crash') ? [] : [{ old: other, new: { address: '10.0.11.102', zone: 'b' as const } }]),
        ],
      },
    ],
    'scale-in': [{ kind: 'deregister', target: members[members.length - 1] ?? '', at: random.between(300, 700) }],
    'dropped packets': [{ kind: 'silent-drop', target: victim, from: 260, to: 380 }],
    'application errors': [
      { kind: 'application-error', share: drawn.share, status: random.pick([500, 502, 503, 504]) },
    ],
  };
  const made = incident(
    `random ${seed}`,
    {
      seed,
      loadBalancer: loadBalancer('shop-prod', '4f2a9c1e7b3d5068', {
        nodes: allNodes.slice(0, drawn.nodes),
        propagationSeconds: random.pick([
          [1.5, 6],
          [6, 14],
        ] as [number, number][]),
      }),
      targetGroups: [web({ server, deregistrationDelaySeconds: random.pick([2, 30, 300]) }, targets(...members))],
      routes: [...shopRoutes('web'), reports].map((route) => ({ ...route, medianMs: drawn.slowness * route.medianMs })),
      clients,
      faults: [...troubles].flatMap((trouble) => byTrouble[trouble] ?? []),
    },
    expectNothingFailed('Random.'),
    { without: drawn.without },
  );
  return { ...made, drawn };
}
