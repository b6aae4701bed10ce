/** When connections are closed, and with how much of the body sent, against the successes of the same route. */
import { describe, expect, it } from 'vitest';
import { slowUpload } from '../../../src/diagnose/causes/slow-upload.ts';
import { workerTimeout } from '../../../src/diagnose/causes/worker-timeout.ts';
import { bodiesSent } from '../../../src/diagnose/patterns/body-sizes.ts';
import { closedParts } from '../../../src/diagnose/patterns/closed-connections.ts';
import { closedAsAnswered, closedBeforeWork } from '../../../src/diagnose/patterns/closing-times.ts';
import { findCutUploads, rarelyChecked } from '../../../src/diagnose/patterns/cut-uploads.ts';
import { lateTimerOfFailing, lateTimers, longestWait } from '../../../src/diagnose/patterns/durations.ts';
import { judgementOf } from '../../support/judgement.ts';
import { answersOf, evenly, routeOf } from '../../support/traffic/route-traffic.ts';
import { question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const ROUTE = 'POST /reports';
const QUICK = 'GET /api/cart';
/** Milliseconds. */
const LATER = [7360, 8731, 10_960, 12_438];
const at = (seconds: number[], sizes: number[] = []) =>
  several(seconds.length, 'closed-before-response', (i) => ({
    route: ROUTE,
    target_processing_time: seconds[i] ?? 0,
    received_bytes: sizes[i] ?? 300,
  }));

describe('closed before any work', () => {
  it.each([
    {
      name: 'three of three sooner than 20 successes: 1 in 1,771',
      errors: [0.002, 0.003, 0.002],
      successes: 20,
      shown: 3,
    },
    { name: 'one sooner than 20 successes: 1 in 21', errors: [0.002], successes: 20, shown: 0 },
    { name: 'one sooner than 2,000 successes', errors: [0.002], successes: 2000, shown: 1 },
    {
      name: 'three, one of them in the middle of the successes',
      errors: [0.002, 0.003, 0.15],
      successes: 20,
      shown: 0,
    },
  ])('$name: $shown', ({ errors, successes, shown }) => {
    const traffic = trafficOf(at(errors), {
      routes: [routeOf(ROUTE, errors.length, { times: evenly(successes, 80, 300) })],
    });
    expect(closedBeforeWork(traffic, traffic.errors).flatMap((one) => one.errors).length).toBe(shown);
  });
});

describe('closed when the route answers', () => {
  it.each([
    { name: 'spread as the successes', errors: evenly(20, 10, 100), successes: evenly(200, 10, 100), shown: 20 },
    { name: 'all at once', errors: evenly(20, 1, 2), successes: evenly(200, 10, 100), shown: 0 },
    { name: 'too few to tell', errors: evenly(15, 10, 100), successes: evenly(200, 10, 100), shown: 0 },
    { name: 'as fast as a race closes', errors: evenly(20, 1, 60), successes: evenly(200, 1, 60), shown: 0 },
    { name: 'as fast, 120 times', errors: evenly(120, 1, 60), successes: evenly(200, 1, 60), shown: 120 },
    {
      name: 'less five of 45 closed at once',
      errors: [...evenly(5, 1, 9), ...evenly(40, 300, 900)],
      successes: evenly(200, 300, 900),
      shown: 40,
    },
    {
      name: 'with one of 41 closed soon',
      errors: [50, ...evenly(40, 300, 900)],
      successes: evenly(30, 40, 900),
      shown: 41,
    },
    { name: 'a route that always takes 1 ms', errors: evenly(20, 1, 1), successes: evenly(200, 1, 1), shown: 0 },
  ])('$name: $shown', ({ errors, successes, shown }) => {
    const traffic = trafficOf(at(errors.map((ms) => ms / 1000)), {
      routes: [routeOf(ROUTE, errors.length, { times: successes })],
    });
    expect(closedAsAnswered(traffic, traffic.errors).length).toBe(shown);
  });

  it('not on a route whose errors closed before any work', () => {
    const answered = at(evenly(16, 10, 100).map((ms) => ms / 1000));
    const early = at([0.001, 0.002, 0.003, 0.004]).map((error) => ({ ...error, route: QUICK }));
    const traffic = trafficOf([...answered, ...early], {
      routes: [routeOf(ROUTE, 16, { times: evenly(200, 10, 100) }), routeOf(QUICK, 4, { times: evenly(800, 50, 300) })],
    });
    expect(new Set(closedAsAnswered(traffic, traffic.errors).map(({ route }) => route))).toEqual(new Set([ROUTE]));
  });
});

describe('a timer that fires late', () => {
  const errors = evenly(14, 5090, 5930).map((ms) => ms / 1000);
  it.each([
    {
      name: 'hardly any success of the route takes as long',
      successes: [...evenly(160, 500, 4800), 5879],
      seconds: [5],
    },
    {
      name: 'a success took longer, as one does that waited for a worker',
      successes: [...evenly(160, 500, 4800), 6400],
      seconds: [5],
    },
    { name: 'the successes take as long', successes: evenly(160, 4000, 5900), seconds: [] },
  ])('$name: $seconds', ({ successes, seconds }) => {
    const traffic = trafficOf(at(errors), { routes: [routeOf(ROUTE, 14, { times: successes })] });
    expect(lateTimers(traffic, traffic.errors).map((one) => one.seconds)).toEqual(seconds);
  });
});

it('finds a timer that fires late although a few of its errors agree', () => {
  const seconds = [5.372, 5.383, 5.514, 5.528, 5.534, 5.609, 5.921, 5.929];
  const traffic = trafficOf(at(seconds), {
    routes: [routeOf(ROUTE, 8, { times: [...evenly(100, 500, 4900), 5508, 5869, 5879] })],
  });
  expect(closedParts(traffic).durationClusters.map(({ errors }) => errors.length)).toEqual([8]);
});

describe('a timer that fires late on a route that always fails', () => {
  it.each([
    { name: 'nearly all within a second after 5 s', durations: [...evenly(14, 5090, 5930), 8073], seconds: 5 },
    { name: 'as spread as work is', durations: evenly(14, 3000, 8000), seconds: null },
    { name: 'dense, but not after a whole second', durations: evenly(14, 5500, 6400), seconds: null },
    { name: 'too few to tell', durations: evenly(4, 5090, 5930), seconds: null },
    { name: 'a fifth later, and no request waits', durations: [...evenly(14, 5090, 5930), ...LATER], seconds: null },
    {
      name: 'a fifth later, as quick routes wait up to 7 s',
      durations: [...evenly(14, 5090, 5930), ...LATER],
      waits: evenly(9, 1000, 7000),
      seconds: 5,
      waited: 4,
    },
    {
      name: 'more than half later, as quick routes wait',
      durations: [...evenly(14, 5090, 5930), ...evenly(20, 7000, 12_000)],
      waits: evenly(9, 1000, 7000),
      seconds: null,
    },
  ])('$name: $seconds', ({ durations, waits = [], seconds, waited }) => {
    const traffic = trafficOf(at(durations.map((ms) => ms / 1000)), {
      slowest: { answeredMs: 60_000, routes: [answersOf(QUICK, [...evenly(100, 10, 30), ...waits])] },
    });
    const timer = lateTimerOfFailing(traffic.errors, longestWait(traffic));
    expect([timer?.seconds ?? null, timer?.waited]).toEqual([seconds, waited]);
  });
});

describe('a timer that is checked every 30 s', () => {
  const ended = (seconds: number[], part = {}) =>
    several(seconds.length, 'closed-before-response', (i) => ({
      ...{ route: ROUTE, target_processing_time: seconds[i] ?? 0, received_bytes: 40_000 },
      ...part,
    }));
  it.each([
    { name: 'within one interval', errors: ended([301, 313, 329]), found: 3, upload: 'possible', worker: 'untested' },
    { name: 'spread further', errors: ended([301, 313, 345]), found: 0, upload: 'ruled out', worker: 'ruled out' },
    { name: 'too few', errors: ended([301, 313]), found: 0, upload: 'ruled out', worker: 'untested' },
    {
      name: 'without a body',
      errors: ended([301, 313, 329], { route: 'GET /reports' }),
      found: 0,
      upload: 'ruled out',
      worker: 'ruled out',
    },
  ])('may have ended requests $name: $found', ({ errors, found, upload, worker }) => {
    const traffic = trafficOf(errors);
    expect(rarelyChecked(traffic, traffic.errors).length).toBe(found);
    const standing = (cause: Parameters<typeof judgementOf>[0]) => {
      const { claims, ruledOut } = judgementOf(cause, { traffic }, question);
      return claims[0]?.strength ?? (ruledOut ? 'ruled out' : 'untested');
    };
    expect([standing(slowUpload), standing(workerTimeout)]).toEqual([upload, worker]);
  });
});

describe('the body that was sent', () => {
  it.each([
    { name: 'a few bytes of 9 KB', sizes: [150, 240, 246], usual: evenly(60, 9000, 9200), sent: 'short' },
    {
      name: 'four of six fewer than any success, where sizes differ a hundredfold',
      sizes: [1500, 1800, 2500, 9000, 300_000, 320_000],
      usual: evenly(200, 20_000, 340_000),
      sent: 'short',
    },
    {
      name: 'none fewer than the successes, where sizes differ a hundredfold',
      sizes: [40_000, 70_000, 90_000],
      usual: evenly(200, 20_000, 340_000),
      sent: 'unknown',
    },
    { name: 'as many bytes as every success', sizes: [9100, 9150, 9180], usual: evenly(60, 9000, 9200), sent: 'whole' },
    {
      name: 'sizes that differ a hundredfold',
      sizes: [9000, 80_000, 200_000],
      usual: evenly(60, 2000, 200_000),
      sent: 'unknown',
    },
    {
      name: 'too few successes to compare with',
      sizes: [150, 240, 246],
      usual: evenly(10, 9000, 9200),
      sent: 'unknown',
    },
  ])('$name: $sent', ({ sizes, usual, sent }) => {
    const traffic = trafficOf(
      at(
        sizes.map(() => 8),
        sizes,
      ),
      { routes: [routeOf(ROUTE, sizes.length, { times: usual.map(() => 80), sizes: usual })] },
    );
    expect([...bodiesSent(traffic, traffic.errors).sent.values()]).toEqual(sizes.map(() => sent));
  });

  it.each([
    {
      name: 'above a common least, with a third of the usual bytes',
      seconds: evenly(20, 60_000, 78_000),
      bytes: 20_000,
      cut: 20,
    },
    {
      name: 'at one duration: a timer of the work may fire as well',
      seconds: evenly(20, 60_000, 60_300),
      bytes: 20_000,
      cut: 0,
    },
    {
      name: 'above a common least, with all the usual bytes',
      seconds: evenly(20, 60_000, 78_000),
      bytes: 90_000,
      cut: 0,
    },
  ])('is cut off if it ends $name: $cut', ({ seconds, bytes, cut }) => {
    const traffic = trafficOf(
      at(
        seconds.map((ms) => ms / 1000),
        seconds.map((_, i) => bytes + 100 * i),
      ),
      { routes: [routeOf(ROUTE, 20, { times: evenly(200, 60, 8000), sizes: evenly(200, 20_000, 200_000) })] },
    );
    expect(findCutUploads(traffic, traffic.errors).flatMap(({ errors }) => errors).length).toBe(cut);
  });
});
