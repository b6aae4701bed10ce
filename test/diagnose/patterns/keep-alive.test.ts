import { describe, expect, it } from 'vitest';
import { measureKeepAlive, runtimesClosingAt, whyInconclusive } from '../../../src/diagnose/patterns/keep-alive.ts';
import type { IdleGaps } from '../../../src/evidence/evidence.ts';
import { fc } from '../../support/property.ts';
import { API, logOf, START, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const measure = (count: number, bins: IdleGaps['bins'], controls = 400, seconds = 0.001) =>
  measureKeepAlive(
    trafficOf(
      several(count, 'closed-before-response', (i) => ({ target_processing_time: seconds, route: `GET /r-${i % 9}` })),
      {
        idleGaps: [{ target_group_arn: API, binSeconds: 0.01, horizon: 60, examined: rows(0, count), controls, bins }],
      },
    ),
  )[0];
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('the edge', () => {
  it.each([
    { name: 'all at 5.00 s', bins: [{ gap: 5, failures: rows(0, 20), controls: 1 }], seconds: 5 },
    {
      name: 'spread over three bins',
      bins: [
        { gap: 5.99, failures: rows(0, 6), controls: 0 },
        { gap: 6, failures: rows(4, 16), controls: 1 },
        { gap: 6.01, failures: rows(16, 20), controls: 0 },
      ],
      seconds: 6,
    },
    { name: 'half of them', bins: [{ gap: 5, failures: rows(0, 11), controls: 2 }], seconds: 5 },
    { name: 'none of them', bins: [{ gap: 5, failures: rows(0, 0), controls: 2 }], seconds: null },
    {
      name: 'pollers: the controls are there too',
      bins: [{ gap: 5, failures: rows(0, 4), controls: 160 }],
      seconds: null,
    },
  ])('$name: $seconds', ({ bins, seconds }) => {
    expect(measure(20, bins)).toMatchObject({ seconds, examined: 20, conclusive: true });
  });

  it.each([
    {
      name: 'a third of them, where hardly a sound request is: a race beside something else',
      failures: 7,
      controls: 2,
    },
    { name: 'most of them, but sound requests are there nearly as often', failures: 14, controls: 160 },
  ])('neither shown nor excluded: $name', ({ failures, controls }) => {
    const bins = [{ gap: 5, failures: rows(0, failures), controls }];
    expect(measure(20, bins)).toMatchObject({ seconds: null, conclusive: false });
  });

  it('dense traffic: every idle time has its request, sound or not, so an edge can be neither shown nor excluded', () => {
    const bins = rows(0, 20).map((i) => ({ gap: i / 100, failures: rows(0, 18), controls: 350 }));
    expect(measure(20, bins)).toMatchObject({ seconds: null, conclusive: false });
  });

  it('much goes on, but one bin stands out: nearly all of the errors and a third of the sound requests', () => {
    const bins = [
      { gap: 1.99, failures: rows(0, 20), controls: 140 },
      { gap: 2, failures: rows(0, 38), controls: 130 },
      { gap: 2.01, failures: rows(20, 40), controls: 140 },
    ];
    expect(measure(40, bins)).toMatchObject({ seconds: 2, conclusive: true, atEdge: { length: 38 } });
    const [before, at, after] = bins;
    const dense = [before, { ...at, failures: rows(0, 20) }, after].flatMap((bin) => bin ?? []) as IdleGaps['bins'];
    expect(measure(40, dense)).toMatchObject({ seconds: null, conclusive: false });
  });

  it.each([
    { name: 'all at the edge', at: 20, controls: 4, elsewhere: 0 },
    { name: 'twelve of twenty, where few sound requests are', at: 12, controls: 0, elsewhere: 0.4 },
    {
      name: 'a fifth is off the edge, as nine tenths of the sound requests',
      at: 16,
      controls: 40,
      elsewhere: 0.2 / 0.9,
    },
  ])('what may be of something else: $name', ({ at, controls, elsewhere }) => {
    const { elsewhere: share = Number.NaN } = measure(20, [{ gap: 5, failures: rows(0, at), controls }]) ?? {};
    expect(share).toBeCloseTo(elsewhere, 2);
  });

  it('five of ten at a gap that one in twenty-five sound requests has: somewhere in all bins chance gives that', () => {
    expect(measure(10, [{ gap: 43.6, failures: rows(0, 5), controls: 76 }], 1918)).toMatchObject({ seconds: null });
    expect(measure(10, [{ gap: 43.6, failures: rows(0, 9), controls: 76 }], 1918)).toMatchObject({ seconds: 43.6 });
  });

  it('ten errors of one restart, sent together, are no ten witnesses', () => {
    const failures = several(10, 'closed-before-response', (i) => ({ route: `GET /r-${i % 9}` }), 0.02);
    const gap = { target_group_arn: API, binSeconds: 0.01, horizon: 60, examined: rows(0, 10), controls: 400 };
    const idleGaps = [{ ...gap, bins: [{ gap: 12, failures: rows(0, 10), controls: 0 }] }];
    expect(measureKeepAlive(trafficOf(failures, { idleGaps }))[0]).toMatchObject({ seconds: null });
  });

  it('what ended together with a request under way is of that event, no idle connection', () => {
    const instant = several(8, 'closed-before-response', (i) => ({ route: `GET /r-${i}` }));
    const work = instant.map((one) => ({ ...one, at: one.at + 5, target_processing_time: 1.5 }));
    const bins = [{ gap: 2.63, failures: rows(0, 16), controls: 1 }];
    const idleGaps = [
      { target_group_arn: API, binSeconds: 0.01, horizon: 60, examined: rows(0, 16), controls: 400, bins },
    ];
    expect(measureKeepAlive(trafficOf(instant, { idleGaps }))[0]).toMatchObject({ seconds: 2.63 });
    expect(measureKeepAlive(trafficOf([...instant, ...work], { idleGaps }))[0]).toMatchObject({
      seconds: null,
      examined: 0,
    });
  });

  describe('a longer look', () => {
    const day = several(20, 'closed-before-response', (i) => ({ route: `GET /r-${i % 9}` }));
    const gapsOf = (count: number, controls: number): IdleGaps[] => [
      {
        target_group_arn: API,
        binSeconds: 0.01,
        horizon: 60,
        examined: rows(0, count),
        controls: 20 * count,
        bins: [{ gap: 5, failures: rows(0, count), controls }],
      },
    ];
    const lookedAt = (controls: number) =>
      trafficOf(day.slice(18), {
        idleGaps: gapsOf(2, 0),
        earlier: { from: START - 3_600_000, log: logOf(day, { idleGaps: gapsOf(20, controls) }) },
      });

    it('measures over the day, and claims only errors of the window', () => {
      const [measure] = measureKeepAlive(lookedAt(1));
      expect(measure).toMatchObject({ seconds: 5, hits: 20, examined: 20, since: START - 3_600_000, conclusive: true });
      expect(measure?.atEdge.map(({ at }) => at)).toEqual(day.slice(18).map(({ at }) => at));
    });

    it('that shows no edge excludes none behind the few errors of the window', () => {
      expect(measureKeepAlive(lookedAt(399))[0]).toMatchObject({ seconds: null, conclusive: false, examined: 20 });
    });

    it('does not replace what the window shows by itself', () => {
      const earlier = { from: START - 3_600_000, log: logOf(day, { idleGaps: gapsOf(20, 399) }) };
      const [measure] = measureKeepAlive(trafficOf(day.slice(8), { idleGaps: gapsOf(12, 1), earlier }));
      expect(measure).toMatchObject({ seconds: 5, since: null, hits: 12 });
    });
  });

  it('four errors are not enough, nor is a control of a few', () => {
    expect(measure(4, [{ gap: 5, failures: rows(0, 4), controls: 0 }])).toMatchObject({
      seconds: null,
      conclusive: false,
    });
    expect(measure(20, [{ gap: 5, failures: rows(0, 20), controls: 0 }], 10)).toMatchObject({
      seconds: null,
      conclusive: false,
    });
  });

  it('says what was too few: errors, errors that were examined, or requests to compare with', () => {
    const said = (count: number, examined: number, controls: number) => {
      const gap = { target_group_arn: API, binSeconds: 0.01, horizon: 60, bins: [], controls };
      const errors = several(count, 'closed-before-response', (i) => ({ route: `GET /r-${i % 9}` }));
      const [one] = measureKeepAlive(trafficOf(errors, { idleGaps: [{ ...gap, examined: rows(0, examined) }] }));
      return one && whyInconclusive(one);
    };
    expect(said(4, 4, 400)).toBe('not enough to measure at which idle time the targets close (at least 5 are needed)');
    expect(said(62, 4, 400)).toBe('the idle times before only 4 of them were examined (at least 5 are needed)');
    expect(said(31, 31, 12)).toBe(
      'too few successful requests beside them to compare their idle times with (12; at least 20 are needed)',
    );
  });

  it('all of one route that few ask for: its rhythm would show the same idle time', () => {
    const failures = several(20, 'closed-before-response', () => ({ route: 'GET /status' }));
    const gap = { target_group_arn: API, binSeconds: 0.01, horizon: 60, examined: rows(0, 20), controls: 400 };
    const idleGaps = [{ ...gap, bins: [{ gap: 5, failures: rows(0, 20), controls: 1 }] }];
    const route = {
      route: 'GET /status',
      requests: 300,
      failures: 20,
      succeeded: 280,
      succeededMs: 900,
      succeededMaxMs: 9,
    };
    expect(measureKeepAlive(trafficOf(failures, { idleGaps, routes: [route] }))[0]).toMatchObject({
      seconds: null,
      conclusive: false,
      rhythm: 'GET /status',
    });
  });

  it('closed 50 ms after a response: no keep-alive is that short, a worker that leaves is', () => {
    expect(measure(20, [{ gap: 0.05, failures: rows(0, 20), controls: 0 }])).toMatchObject({
      seconds: null,
      conclusive: false,
    });
  });

  it('looks at instant errors only', () => {
    expect(measure(20, [{ gap: 5, failures: rows(0, 20), controls: 0 }], 400, 3)).toMatchObject({
      seconds: null,
      examined: 0,
    });
  });

  it('chance does not make an edge: errors with the same gaps as the controls', () => {
    const gap = fc.double({ min: 0.01, max: 60, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(gap, { minLength: 20, maxLength: 20 }),
        fc.array(gap, { minLength: 400, maxLength: 400 }),
        (failing, sound) => {
          const bins = new Map<number, { gap: number; failures: number[]; controls: number }>();
          const at = (value: number) => Math.round(value * 10) / 10;
          for (const value of sound)
            bins.set(at(value), { gap: at(value), failures: [], controls: (bins.get(at(value))?.controls ?? 0) + 1 });
          failing.forEach((value, row) => {
            const bin = bins.get(at(value)) ?? { gap: at(value), failures: [], controls: 0 };
            bins.set(at(value), { ...bin, failures: [...bin.failures, row] });
          });
          const spread = Math.max(...[...bins.values()].map((bin) => bin.failures.length));
          expect(spread >= 10 || measure(20, [...bins.values()])?.seconds === null).toBe(true);
        },
      ),
      { seed: 502, numRuns: 100 },
    );
  });
});

it.each([
  [2, 'gunicorn'],
  [5, 'uvicorn'],
  [6.01, 'Node.js 20'],
  [20, 'Tomcat standalone'],
  [75.2, 'nginx'],
])('%d s is a default of %s', (seconds, runtime) => expect(runtimesClosingAt(seconds).join()).toContain(runtime));
it('44 s is nobody’s default', () => expect(runtimesClosingAt(44)).toEqual([]));
