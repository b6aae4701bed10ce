/** Failures that come by themselves, at any time, are no event: none in 200 runs of each kind. */
import { describe, expect, it } from 'vitest';
import { findEvents } from '../../../src/diagnose/events/find-events.ts';
import { readTraffic } from '../../../src/diagnose/traffic.ts';
import { Random } from '../../support/simulator/random.ts';
import { answering, failing, type ServedRequest, servedLog } from '../../support/traffic/served-traffic.ts';
import { question } from '../../support/traffic/traffic-builder.ts';

const RUNS = 200;
const WINDOW = 300;
const TARGETS = ['10.0.1.5:8080', '10.0.1.6:8080', '10.0.1.7:8080'];

type Failing = Parameters<typeof failing>[0];

/** Requests to a target at chosen by chance, three a second in all; `fails` says how one fails, if it does. */
function traffic(random: Random, fails: (random: Random, route: string) => Failing | null): ServedRequest[] {
  const requests: ServedRequest[] = [];
  for (let sent = random.exponential(1 / 3); sent < WINDOW; sent += random.exponential(1 / 3)) {
    const route = random.pick(['GET /', 'GET /orders', 'GET /orders', 'POST /pay']);
    const target = random.pick(TARGETS);
    const kind = fails(random, route);
    const took = kind === 'closed-before-response' ? { took: random.lognormal(0.1, 1) } : {};
    requests.push(kind ? failing(kind, sent, target, { route, ...took }) : { sent, target, route });
  }
  return requests;
}

const polled = (random: Random, every: number, kind: Failing): ServedRequest[] => {
  const target = random.pick(TARGETS);
  const start = random.between(0, every);
  const count = Math.floor((WINDOW - start) / every);
  return Array.from({ length: count }, (_, index) =>
    failing(kind, start + index * every, target, { route: 'GET /poll' }),
  );
};

const withPolling =
  (every: number, kind: Failing) =>
  (random: Random): ServedRequest[] => [...traffic(random, () => null), ...polled(random, every, kind)];

describe('no event', () => {
  it.each<[string, (random: Random) => ServedRequest[]]>([
    ['closes at any time', (random) => traffic(random, () => (random.chance(0.02) ? 'closed-before-response' : null))],
    ['refusals at any time', (random) => traffic(random, () => (random.chance(0.02) ? 'connect-failed' : null))],
    [
      'a full backlog that refuses 30 %',
      (random) => traffic(random, () => (random.chance(0.3) ? 'connect-failed' : null)),
    ],
    [
      'connections that time out at 5 %',
      (random) => traffic(random, () => (random.chance(0.05) ? 'connect-timeout' : null)),
    ],
    [
      'a route that fails 30 %',
      (random) =>
        traffic(random, (_, route) => (route === 'POST /pay' && random.chance(0.3) ? 'closed-before-response' : null)),
    ],
    [
      'a route that always is refused',
      (random) => traffic(random, (_, route) => (route === 'POST /pay' ? 'connect-failed' : null)),
    ],
    ['a route polled every 10 s that is closed', withPolling(10, 'closed-before-response')],
    ['a route polled every 15 s that is refused', withPolling(15, 'connect-failed')],
    ['a route polled every 30 s that times out', withPolling(30, 'idle-timeout')],
    [
      'a healthy rollout and random closes',
      (random) => {
        const at = random.between(100, 200);
        return [
          ...traffic(random, () => (random.chance(0.01) ? 'closed-before-response' : null)),
          ...answering('10.0.1.20:8080', 0, at),
          ...answering('10.0.1.21:8080', at - 5, WINDOW),
        ];
      },
    ],
  ])('in %s', (name, requestsOf) => {
    const found = Array.from({ length: RUNS }, (_, run) => {
      const requests = requestsOf(new Random(run).stream(name));
      return findEvents(readTraffic(servedLog(requests), question), {}, question).map(({ summary }) => summary);
    });
    expect(found.flat()).toEqual([]);
  });
});
