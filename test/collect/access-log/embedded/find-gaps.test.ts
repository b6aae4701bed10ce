/** The gaps before a request are those to all earlier completions of its place within reach. */
import { expect, it } from 'vitest';
import { FailureStore } from '../../../../src/collect/access-log/embedded/failure-store.ts';
import { findGaps } from '../../../../src/collect/access-log/embedded/find-gaps.ts';
import { fc } from '../../../support/property.ts';

const PLACE = { key: 1, target_group_arn: 'api', target: '10.0.0.1:8080', node: '203.0.113.17' };
const OTHER = { ...PLACE, key: 2, target: '10.0.0.2:8080' };
const S = 1_000_000;

/** Completions as microseconds, each of the place or of the other one. */
function gapsBefore(dispatched: number, reach: number, completions: readonly (readonly [number, boolean])[]): number[] {
  const rows = completions.length;
  const batch = {
    rows,
    ended: Float64Array.from(completions, ([at]) => at),
    place: Uint32Array.from(completions, ([, isOther]) => Number(isOther)),
    client: new Float64Array(rows),
    route: new Uint32Array(rows),
    sample: new Uint32Array(rows),
    targetMs: new Int32Array(rows),
    received: new Int32Array(rows),
    status: new Int16Array(rows).fill(200),
    targetStatus: new Int16Array(rows).fill(200),
  };
  const [found] = findGaps(
    {
      batches: [batch],
      places: [PLACE, OTHER],
      routes: 1,
      namedRoutes: new Map(),
      failures: new FailureStore(['5xx']),
    },
    { from: 0, to: 1 },
    {
      horizon: reach,
      places: [{ ...PLACE, reach }],
      requests: [{ id: 1, place: 1, dispatched }],
      peers: [],
      clients: [],
      examined: new Map(),
    },
  );
  return found?.gaps ?? [];
}

const time = fc.oneof(fc.integer({ min: 0, max: 600 * S }), fc.constantFrom(0, 60 * S, 120 * S, 10_000 * 86_400 * S));

it('lists all gaps within reach, the shortest first', () => {
  fc.assert(
    fc.property(
      time,
      fc.constantFrom(1, 5 * S, 60 * S, 400 * S),
      fc.array(fc.tuple(time, fc.boolean()), { maxLength: 400 }),
      (dispatched, reach, completions) => {
        const gaps = completions
          .filter(([at, isOther]) => !isOther && at >= dispatched - reach && at < dispatched)
          .map(([at]) => Math.floor((dispatched - at) / 1000))
          .sort((a, b) => a - b);
        expect(gapsBefore(dispatched, reach, completions)).toEqual(gaps);
      },
    ),
  );
});
