/** Two hundred times each: closes that have nothing to do with idle times make no edge, and races do. */
import { expect, it } from 'vitest';
import { measureKeepAlive } from '../../../src/diagnose/patterns/keep-alive.ts';
import type { Random } from '../../support/simulator/random.ts';
import { randomTraffic, type SentRequest, type TrafficPlan } from '../../support/traffic/random-traffic.ts';
import { trafficOf } from '../../support/traffic/traffic-builder.ts';

const RUNS = 200;
const edgesOf = (plan: (seed: number) => TrafficPlan) =>
  Array.from({ length: RUNS }, (_, seed) => {
    const { failures, idleGaps } = randomTraffic(seed, plan(seed));
    return measureKeepAlive(trafficOf(failures, { idleGaps }))[0]?.edge ?? null;
  });

/** What arrives at a target right after its process was replaced, on a connection of the old one. */
const restartAt = (times: number[], target: string) => {
  const old = new Set<string>();
  return ({ at, node, target: own }: SentRequest): boolean => {
    const restart = times.findLast((time) => time <= at);
    if (restart === undefined || own !== target || at > restart + 0.8) return false;
    const key = `${restart} ${node} ${Math.round(at * 20)}`;
    if (old.has(key)) return false;
    old.add(key);
    return true;
  };
};

const POLLED = 'GET /status';
const polled =
  (share: number) =>
  ({ route }: SentRequest, random: Random): boolean =>
    route === POLLED && random.chance(share);

const nothing: { name: string; plan: (seed: number) => TrafficPlan }[] = [
  { name: 'closes at any time', plan: () => ({ perSecond: 4, fails: (_, random) => random.chance(0.01) }) },
  { name: 'a few closes at any time', plan: () => ({ perSecond: 2, fails: (_, random) => random.chance(0.002) }) },
  { name: 'closes in dense traffic', plan: () => ({ perSecond: 6, fails: (_, random) => random.chance(0.003) }) },
  {
    name: 'closes at the peak of the traffic, where short idle times are common',
    plan: () => ({
      perSecond: 3,
      peak: { from: 300, to: 400, times: 3 },
      fails: ({ at }, random) => at >= 300 && at < 400 && random.chance(0.1),
    }),
  },
  {
    name: 'one restart of a target that every node saw',
    plan: (seed) => ({ perSecond: 8, fails: restartAt([300 + seed], '10.0.1.5:8080') }),
  },
  {
    name: 'a restart just after a tick that reached every node',
    plan: (seed) => ({
      perSecond: 2,
      pollers: Array.from({ length: 8 }, () => ({ route: POLLED, every: 60 })),
      fails: restartAt([300 + (seed % 60)], '10.0.1.5:8080'),
    }),
  },
  ...[10, 15, 30].map((every) => ({
    name: `a route that is polled every ${every} s and fails by itself`,
    plan: (seed: number): TrafficPlan => ({
      perSecond: 2,
      pollers: Array.from({ length: 1 + (seed % 3) }, () => ({ route: POLLED, every })),
      fails: polled(0.2),
    }),
  })),
  {
    name: 'a route that fails 30 % of the time',
    plan: () => ({ perSecond: 3, fails: ({ route }, random) => route === 'GET /a' && random.chance(0.3) }),
  },
  {
    name: 'a healthy rollout in which each target closes a few connections as it leaves',
    plan: (seed) => {
      const restarts = ['10.0.1.5:8080', '10.0.1.6:8080', '10.0.1.7:8080'].map((target, i) =>
        restartAt([200 + 90 * i + (seed % 50)], target),
      );
      return { perSecond: 6, fails: (request) => restarts.map((restart) => restart(request)).includes(true) };
    },
  },
];

it.each(nothing)('shows no idle time: $name', ({ plan }) => {
  const shown = edgesOf(plan).flatMap((edge) =>
    edge === null ? [] : [`${edge.kind} ${edge.seconds} s, ${edge.hits} of ${edge.examined}, p ${edge.probability}`],
  );
  expect(shown).toEqual([]);
});

/** Requests on connections that have just reached the target's keep-alive time; the target closes them up to this much late. */
const race = (seconds: number, late: number) => (_: SentRequest, __: Random, idle: number | null) =>
  idle !== null && idle >= seconds && idle <= seconds + late;

it.each([
  { name: 'pollers that ask as often as the target closes', seconds: 15, late: 0.05, every: 15.04, perSecond: 0.1 },
  { name: 'a server that closes up to 1.6 s late', seconds: 20, late: 1.6, every: 20.5, perSecond: 0.1 },
])('shows the idle time of a race: $name', ({ seconds, late, every, perSecond }) => {
  const edges = edgesOf(() => ({
    perSecond,
    pollers: Array.from({ length: 2 }, (_, i) => ({ route: `GET /poll-${i}`, every })),
    fails: race(seconds, late),
  }));
  const right = edges.filter(
    (edge) => edge !== null && edge.seconds >= seconds - 0.05 && edge.seconds <= seconds + late + 0.1,
  );
  const wrong = edges.filter((edge) => edge !== null && !right.includes(edge));
  expect({ right: right.length > 0.5 * RUNS, wrong: wrong.map((edge) => edge?.seconds) }).toEqual({
    right: true,
    wrong: [],
  });
});
