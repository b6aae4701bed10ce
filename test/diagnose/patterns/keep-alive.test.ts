import { describe, expect, it } from 'vitest';
import { measureKeepAlive, needsLongerWindow, whyInconclusive } from '../../../src/diagnose/patterns/keep-alive.ts';
import { runtimesClosingAt } from '../../../src/diagnose/patterns/runtimes.ts';
import type { FailedRequest } from '../../../src/evidence/access-log.ts';
import { anyGap, gapsAt, idleGapsOf } from '../../support/traffic/idle-gaps.ts';
import { API, failed, logOf, START, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const closes = (count: number, fields: (i: number) => Partial<FailedRequest> = () => ({}), every = 10) =>
  several(count, 'closed-before-response', (i) => ({ route: `GET /r-${i % 3}`, client: i + 1, ...fields(i) }), every);

type Gaps = Parameters<typeof idleGapsOf>[1];
const measureGaps = (errors: FailedRequest[], gaps: Gaps) =>
  measureKeepAlive(trafficOf(errors, { idleGaps: idleGapsOf(errors, gaps) }))[0];
const measureAt = (count: number, at: Parameters<typeof gapsAt>[1]) => {
  const errors = closes(count);
  return measureKeepAlive(trafficOf(errors, { idleGaps: gapsAt(errors, at) }))[0];
};

describe('finds an idle time', () => {
  it.each([
    { name: 'by 20 of 20 errors', count: 20, at: { seconds: 5, hits: 20, chance: 2 }, seconds: 5 },
    { name: 'by half of the errors', count: 20, at: { seconds: 5, hits: 10, chance: 2 }, seconds: 5 },
    { name: 'by 3 of 3, at a default of some server', count: 3, at: { seconds: 20, hits: 3 }, seconds: 20 },
    { name: 'by 4 of 4, at a configured time', count: 4, at: { seconds: 44, hits: 4 }, seconds: 44 },
    { name: 'of a second', count: 12, at: { seconds: 1, hits: 12, chance: 2 }, seconds: 1 },
  ])('$name: $seconds s', ({ count, at, seconds }) => {
    expect(measureAt(count, at)?.edge).toMatchObject({ kind: 'idle', hits: at.hits, examined: count });
    expect(measureAt(count, at)?.edge?.seconds).toBeCloseTo(seconds, 1);
  });

  it('of 300 s, if the load balancer keeps connections longer', () => {
    const edge = measureGaps(closes(6, undefined, 100), {
      horizon: 906,
      controls: 200,
      error: (i) => [300_000 + i],
      control: (i) => [anyGap(i) * 15],
    })?.edge;
    expect(edge?.seconds).toBe(300);
  });

  it.each([
    { name: 'gunicorn, up to 0.11 s late', late: (i: number) => (i * 37) % 111 },
    { name: 'Puma, up to 0.25 s late', late: (i: number) => (i * 83) % 251 },
    { name: 'Tomcat, up to 1.6 s late', late: (i: number) => (i * 531) % 1601 },
  ])('by servers that close late: $name', ({ late }) => {
    const edge = measureGaps(closes(20), {
      controls: 500,
      error: (i) => [5000 + late(i)],
      control: (i) => [anyGap(i)],
    })?.edge;
    expect(edge).toMatchObject({ hits: 20, seconds: 5 });
  });

  it('by 3 of 3 at a default, where many others followed a response of that age, but a younger one as well', () => {
    const others = (isLatest: boolean) =>
      measureGaps(closes(3), {
        controls: 400,
        error: (i) => [5000 + i, 7000 + 400 * i],
        control: (i) => (i % 10 === 0 ? [...(isLatest ? [] : [40 + i]), 5000 + (i % 12)] : [20 + i]),
      })?.edge;
    expect(others(false)).toMatchObject({ kind: 'idle', seconds: 5, hits: 3 });
    expect(others(true) ?? null).toBeNull();
  });

  it('by several connections of one pair: each earlier response may have been the last on it', () => {
    const edge = measureGaps(closes(20), {
      controls: 500,
      error: (i) => [anyGap(i), 5000 + (i % 5), anyGap(i + 50)].sort((a, b) => a - b),
      control: (i) => [anyGap(i), anyGap(i + 200), anyGap(i + 400)].sort((a, b) => a - b),
    })?.edge;
    expect(edge).toMatchObject({ kind: 'idle', seconds: 5 });
  });

  it('by a busy target that closes new requests', () => {
    const edge = measureGaps(
      closes(20, (i) => ({ target_processing_time: (i % 5) * 0.02 })),
      { controls: 500, error: (i) => [5000 - (i % 5) * 20], control: (i) => [anyGap(i)] },
    )?.edge;
    expect(edge).toMatchObject({ hits: 20, elsewhere: 0 });
  });

  it.each([
    { name: 'claims late closes that all come as far after a response as the instant ones', spread: 0, claimed: 40 },
    { name: 'ignores late closes as frequent as in other requests', spread: 150, claimed: 20 },
  ])('$name', ({ spread, claimed }) => {
    const edge = measureGaps(
      closes(40, (i) => ({ target_processing_time: i < 20 ? 0 : 0.9 })),
      {
        controls: 500,
        error: (i) => [i < 20 ? 5000 : 4150 + spread * (i - 20)],
        control: (i) => [4150 + ((i * 37) % 3000)],
      },
    )?.edge;
    expect(edge?.atEdge).toHaveLength(claimed);
  });

  const afterEachResponse = (seconds: number) =>
    measureGaps(
      closes(20, () => ({ target_processing_time: seconds })),
      {
        controls: 500,
        error: (i) => [i % 4, ...Array.from({ length: 200 }, (_, k) => 300 * k + i)],
        control: (i) => [20 + (i % 200), ...Array.from({ length: 200 }, (_, k) => 300 * (k + 1) + i)],
      },
    );
  it('by a server that closes after each response: immediate requests fail, in traffic without gaps', () => {
    expect(afterEachResponse(0.002)?.edge).toMatchObject({ kind: 'at-once', hits: 20 });
  });

  it('not if these requests fail after 80 ms: a worker that ends closes so', () => {
    expect(afterEachResponse(0.08)).toMatchObject({ edge: null, weakEdge: { doubt: 'worker-ends' } });
  });

  it('if connections die unnoticed: all later requests fail', () => {
    const edge = measureGaps(closes(20), {
      controls: 500,
      each: 1,
      error: (i) => [30_000 + ((i * 1217) % 29_000)],
      control: (i) => [100 + ((i * 433) % 29_000)],
    })?.edge;
    expect(edge).toMatchObject({ kind: 'beyond', hits: 20, seconds: 30 });
  });

  it('of a server’s timer, if no client pauses longer', () => {
    const edge = measureGaps(closes(6), {
      controls: 14,
      each: 1,
      error: (i) => [29_997 + 2 * i],
      control: (i) => [29_970 + 2 * i],
    })?.edge;
    expect(edge).toMatchObject({ kind: 'idle', hits: 6, seconds: 29.997 });
  });

  it('in two target groups of the same servers, with one or two errors each', () => {
    const errors = closes(4, (i) => ({ target_group_arn: i % 2 === 0 ? API : `${API}2` }), 60);
    const all = gapsAt(errors, { seconds: 20, hits: 4 })[0];
    const part = (arn: string, parity: number) => ({
      target_group_arn: arn,
      horizon: 61,
      failures: (all?.failures ?? []).filter((_, i) => i % 2 === parity),
      peers: (all?.peers ?? []).filter(({ row }) => row % 2 === parity),
    });
    const idleGaps = [part(API, 0), part(`${API}2`, 1)];
    const measures = measureKeepAlive(trafficOf(errors, { idleGaps }));
    expect(measures.map(({ edge }) => edge?.seconds.toFixed(0))).toEqual(['20', '20']);
  });
});

describe('finds no idle time', () => {
  it.each([
    { name: 'by errors at any time', count: 20, at: { seconds: 5, hits: 1 } },
    { name: 'if controls match as often: pollers', count: 20, at: { seconds: 5, hits: 10, chance: 250 } },
    { name: 'by one error', count: 1, at: { seconds: 20, hits: 1 } },
    { name: 'by two errors at a time that is no default', count: 2, at: { seconds: 44, hits: 2 } },
  ])('$name', ({ count, at }) => {
    expect(measureAt(count, at)?.edge).toBeNull();
  });

  it('by ten errors of one moment on one target, from any nodes', () => {
    const errors = closes(10, (i) => ({ node: `10.0.0.1${i % 3}` }), 0.02);
    const traffic = trafficOf(errors, { idleGaps: gapsAt(errors, { seconds: 12, hits: 10 }) });
    expect(measureKeepAlive(traffic)[0]).toMatchObject({ edge: null, weakEdge: null, witnesses: 1 });
  });

  it('by a client that asks every 10 s, even if other clients of the route do not', () => {
    const edge = measureGaps(
      closes(20, () => ({ client: 7, route: 'GET /status' })),
      {
        controls: 500,
        error: (i) => [10_000 + (i % 7)],
        client: (i) => (i % 4 === 0 ? 7 : null),
        control: (i) => [i % 4 === 0 ? 10_000 + (i % 7) : anyGap(i)],
      },
    )?.edge;
    expect(edge).toBeNull();
  });

  it('without successes of the same routes, where it is only possible', () => {
    const errors = closes(6, () => ({ route: 'GET /only-failing' }));
    const [gaps] = gapsAt(errors, { seconds: 20, hits: 6 });
    const other = failed('closed-before-response', 700, { route: 'GET /other' });
    const idleGaps = gaps === undefined ? [] : [{ ...gaps, peers: gaps.peers.map((peers) => ({ ...peers, row: 6 })) }];
    expect(measureKeepAlive(trafficOf([...errors, other], { idleGaps }))[0]).toMatchObject({
      edge: null,
      weakEdge: { hits: 6 },
      comparable: false,
    });
  });

  it('by errors that ended together with a running request: that is one event on the target', () => {
    const instant = closes(8);
    const work = instant.map((one) => ({ ...one, at: one.at + 5, target_processing_time: 1.5 }));
    const traffic = trafficOf([...instant, ...work], {
      idleGaps: gapsAt([...instant, ...work], { seconds: 3, hits: 16 }),
    });
    expect(measureKeepAlive(traffic)[0]).toMatchObject({ edge: null, examined: 0 });
  });

  it('in traffic so dense that every idle time has a request', () => {
    const dense = (i: number) => Array.from({ length: 4000 }, (_, k) => 15 * k + (i % 15));
    expect(measureGaps(closes(20), { controls: 100, error: dense, control: dense })).toMatchObject({
      edge: null,
      crowded: true,
    });
  });

  it('by the latest responses alone, where nearly every request follows one of that age', () => {
    const edge = (other: (i: number) => number[]) =>
      measureGaps(closes(12), {
        controls: 500,
        error: (i) => [2000 + (i % 5)],
        control: (i) => [...(i % 10 === 0 ? [] : [20 + (i % 300)]), ...other(i)],
      })?.edge;
    expect(edge((i) => (i % 10 === 0 ? [2000 + (i % 12)] : []))).toMatchObject({ kind: 'idle', seconds: 2 });
    expect(edge((i) => [2000 + (i % 12)])).toBeNull();
  });
});

describe('an idle time is doubted', () => {
  it('below a second: a worker that ends closes its connections so', () => {
    const errors = closes(12);
    const traffic = trafficOf(errors, { idleGaps: gapsAt(errors, { seconds: 0.3, hits: 12, chance: 2 }) });
    const [measure] = measureKeepAlive(traffic);
    expect(measure && needsLongerWindow(traffic, measure)).toBe(false);
    expect(measure).toMatchObject({ edge: null, weakEdge: { hits: 12, doubt: 'worker-ends' } });
    expect(measure === undefined ? '' : whyInconclusive(measure)).toMatch(/a worker that ends closes .* so soon, too$/);
  });

  it.each([
    { name: 'of one client that has no successes', own: 0, isFound: false },
    { name: 'of one client that has few successes', own: 9, isFound: false },
    { name: 'of one client whose successes come at the same time', own: 90, isFound: false, ownGap: 6452 },
    { name: 'no more if successes of that client come at any time', own: 90, isFound: true },
  ])('$name', ({ own, isFound, ownGap }) => {
    const measure = measureGaps(
      closes(24, (i) => ({ client: i < 12 ? 7 : 100 + i })),
      {
        controls: 600,
        error: (i) => [i < 12 ? 6452 + (i % 7) : anyGap(i)],
        client: (i) => (i < own ? 7 : null),
        control: (i) => [i < own && ownGap !== undefined ? ownGap + (i % 7) : anyGap(1000 + i)],
      },
    );
    expect(measure?.edge?.hits ?? null).toBe(isFound ? 12 : null);
    expect(measure?.weakEdge?.doubt ?? null).toBe(isFound ? null : 'one-client');
  });
});

describe('errors that may have another cause', () => {
  it('are three within two seconds after the edge, where a quarter of all other requests lie', () => {
    const edge = measureGaps(closes(16), {
      controls: 900,
      error: (i) => [i < 13 ? 10_000 + (i % 5) : 10_500 + 400 * (i - 13)],
      control: (i) => [Math.floor(i / 3) % 4 === 0 ? 10_000 + ((i * 37) % 1750) : 12_000 + anyGap(i)],
    })?.edge;
    expect(edge).toMatchObject({ hits: 13, examined: 16 });
    expect(edge?.elsewhere).toBeGreaterThan(0.15);
  });

  it('are as many of those at the edge as chance puts there, the slowest first', () => {
    const errors = closes(60, (i) => ({ target_processing_time: i < 40 ? 0.001 * i : 0.05 }));
    const edge = measureGaps(errors, {
      controls: 900,
      error: (i) => [i < 40 ? 5000 - i : anyGap(i) + 6000],
      control: (i) => [Math.floor(i / 3) % 4 === 0 ? 4971 + (i % 5) : anyGap(1000 + i) + 6000],
    })?.edge;
    expect(edge).toMatchObject({ hits: 40, examined: 60 });
    // A quarter of the controls is at the edge, so 20 errors off it stand for 27, of which 7 are at it.
    expect(edge?.maybeAtEdge.map((error) => Math.round(1000 * error.target_processing_time)).sort()).toEqual([
      33, 34, 35, 36, 37, 38, 39,
    ]);
    expect(edge?.atEdge).toHaveLength(33);
  });

  it('are told where nearly all other requests follow a response within two seconds of the edge', () => {
    const edge = measureGaps(closes(40), {
      controls: 500,
      error: (i) => [i < 24 ? 5000 + (i % 5) : 5400 + ((i * 83) % 1200)],
      control: (i) => [i % 33 === 0 ? 9000 : i % 10 === 0 ? 5000 + (i % 7) : 5300 + ((i * 37) % 1400)],
    })?.edge;
    expect(edge?.atEdge).toHaveLength(24);
    expect(edge?.elsewhere).toBeGreaterThan(0.3);
  });

  it.each([
    { name: 'none, if all are at the edge', hits: 20, elsewhere: 0 },
    { name: 'eight of twenty', hits: 12, elsewhere: 0.4 },
  ])('$name', ({ hits, elsewhere }) => {
    expect(measureAt(20, { seconds: 5, hits })?.edge?.elsewhere).toBeCloseTo(elsewhere, 1);
  });
});

describe('a longer look-back', () => {
  const day = closes(20);
  const lookedAt = (hits: number, own: FailedRequest[] = day.slice(19)) =>
    trafficOf(own, {
      idleGaps: gapsAt(own, { seconds: 5, hits: own.length }),
      earlier: {
        from: START - 3_600_000,
        log: logOf(day, {
          idleGaps: idleGapsOf(day, {
            controls: 500,
            error: (i) => [i >= 20 - hits ? 5000 + (i % 4) : anyGap(i)],
            control: anyGapOf,
          }),
        }),
      },
    });
  const anyGapOf = (i: number) => [anyGap(1000 + i)];

  it('measures a whole day, and claims only errors of the window', () => {
    const edge = measureKeepAlive(lookedAt(20))[0]?.edge;
    expect(edge).toMatchObject({ seconds: 5, hits: 20, examined: 20, since: START - 3_600_000 });
    expect(edge?.atEdge.map(({ at }) => at)).toEqual(day.slice(19).map(({ at }) => at));
  });

  it('decides nothing if no error of the window is at the edge', () => {
    const before = idleGapsOf(day, {
      controls: 500,
      error: (i) => [i < 19 ? 5000 + (i % 4) : 31_000],
      control: anyGapOf,
    });
    const earlier = { from: START - 3_600_000, log: logOf(day, { idleGaps: before }) };
    expect(measureKeepAlive(trafficOf(day.slice(19), { earlier }))[0]?.edge).toBeNull();
  });

  it('does not rule out an edge for the few errors of the window if it finds none', () => {
    expect(measureKeepAlive(lookedAt(1))[0]).toMatchObject({ edge: null, instant: { length: 1 } });
  });

  it('does not replace a result of the window itself', () => {
    expect(measureKeepAlive(lookedAt(1, day.slice(8)))[0]?.edge).toMatchObject({ since: null, hits: 12 });
  });

  it('is suggested if few errors show nothing, and not twice', () => {
    const few = closes(1);
    const traffic = trafficOf(few, { idleGaps: gapsAt(few, { seconds: 5, hits: 1 }) });
    const wanted = (one = traffic) => measureKeepAlive(one).map((measure) => needsLongerWindow(one, measure));
    expect([wanted(), wanted(lookedAt(1)), wanted(lookedAt(20))]).toEqual([[true], [false], [false]]);
  });
});

it.each([
  { count: 1, at: { seconds: 5, hits: 1 }, why: 'one moment cannot show an idle time (at least 2 are needed)' },
  {
    count: 9,
    at: { seconds: 5, hits: 1 },
    why: 'the 9 measured idle times differ too much to show a timeout',
  },
  {
    count: 9,
    at: { seconds: 5, hits: 9, controls: 0 },
    why: 'no request of the same routes and targets succeeded to compare their idle times with',
  },
])('says why no idle time was found: $why', ({ count, at, why }) => {
  const measure = measureAt(count, at);
  expect(measure && whyInconclusive(measure)).toBe(why);
});

it.each([
  [2, 'gunicorn'],
  [2.08, 'gunicorn'],
  [4.99, 'uvicorn'],
  [6.01, 'Node.js 20'],
  [21.2, 'Tomcat standalone'],
  [75.2, 'nginx'],
])('knows that %d s is a default of %s', (seconds, runtime) =>
  expect(runtimesClosingAt(seconds).join()).toContain(runtime),
);
it.each([4.9, 15, 44])('%d s is nobody’s default', (seconds) => expect(runtimesClosingAt(seconds)).toEqual([]));
