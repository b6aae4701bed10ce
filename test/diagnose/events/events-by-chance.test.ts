/** Failures that come by themselves, at any time, are no event: none in 200 runs of each kind. */
import { describe, expect, it } from 'vitest';
import { findEvents } from '../../../src/diagnose/events/find-events.ts';
import { readTraffic } from '../../../src/diagnose/traffic.ts';
import type { CloudTrailEvent } from '../../../src/evidence/aws.ts';
import { Random } from '../../support/simulator/random.ts';
import { answering, failing, type ServedRequest, servedLog } from '../../support/traffic/served-traffic.ts';
import { API, question, START } from '../../support/traffic/traffic-builder.ts';

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
    [
      'a crowd that comes at once to a route that fails 30 %',
      (random) => {
        const at = random.between(60, 240);
        const crowd = Array.from({ length: 200 }, () => at + random.between(0, 3));
        return [
          ...traffic(random, (_, route) => (route === 'POST /pay' && random.chance(0.3) ? 'idle-timeout' : null)),
          ...crowd.map((sent) => {
            const target = random.pick(TARGETS);
            const request = { sent, target, route: 'POST /pay' };
            return random.chance(0.3) ? failing('idle-timeout', sent, target, request) : request;
          }),
        ];
      },
    ],
    [
      'a route that always fails and is called in batches',
      (random) => [
        ...traffic(random, () => null),
        ...[40, 130, 220].flatMap((at) =>
          Array.from({ length: 12 }, (_, index) =>
            failing('closed-before-response', at + index / 5, random.pick(TARGETS), { route: 'POST /job', took: 0.3 }),
          ),
        ),
      ],
    ],
    [
      'a crowd of clients that give up',
      (random) => {
        const at = random.between(60, 240);
        const gaveUp = Array.from({ length: 40 }, () => {
          const request = failing('idle-timeout', at + random.between(0, 3), random.pick(TARGETS), { took: 5 });
          const { failure } = request;
          return failure ? { ...request, failure: { ...failure, elb_status_code: '460' } } : request;
        });
        return [...traffic(random, () => (random.chance(0.005) ? 'closed-before-response' : null)), ...gaveUp];
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

describe('no change', () => {
  const called = (name: string, second: number, request: object): CloudTrailEvent => ({
    EventName: name,
    EventTime: new Date(START + 1000 * second).toISOString(),
    CloudTrailEvent: JSON.stringify({ requestParameters: request }),
  });
  /** A fault of one route that begins at any time. */
  const fault = (random: Random): ServedRequest[] => {
    const at = random.between(70, 200);
    return traffic(random, () => null).map((request) =>
      request.sent > at && request.route === 'POST /pay'
        ? failing('closed-before-response', request.sent, request.target, { route: 'POST /pay', took: 0.2 })
        : request,
    );
  };
  const namedIn = (name: string, changesOf: (random: Random) => CloudTrailEvent[]): string[] =>
    Array.from({ length: RUNS }, (_, run) => {
      const random = new Random(run).stream(name);
      const log = servedLog(fault(random));
      return findEvents(readTraffic(log, question), { changes: changesOf(random) }, question)
        .filter(({ kind }) => kind === 'change')
        .map(({ summary }) => summary);
    }).flat();

  it('beside a controller that registers targets every minute', () => {
    const minutes = Array.from({ length: 1440 }, (_, index) => 300 - 60 * index);
    expect(
      namedIn('controller', (random) => {
        const offset = random.between(0, 60);
        return minutes.map((second) => called('RegisterTargets', second - offset, { targetGroupArn: API }));
      }),
    ).toEqual([]);
  });

  it('in more than 5 % of the days with one deployment at any time: half an hour of a day is 2 %', () => {
    const named = namedIn('deployment', (random) => [
      called('UpdateService', random.between(-86_000, 0), { service: 'api', taskDefinition: 'api:42' }),
    ]);
    expect(named.length).toBeLessThanOrEqual(0.05 * RUNS);
  });
});
