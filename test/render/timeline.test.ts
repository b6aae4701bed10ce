import { expect, it } from 'vitest';
import type { TimelineBucket } from '../../src/diagnose/diagnosis.ts';
import { barCharacters, buildTimeline } from '../../src/render/timeline.ts';
import { fc } from '../support/property.ts';

const START = Date.UTC(2026, 10, 20, 2, 40);
const bucket = (index: number, failed: number, from = START + index * 60_000): TimelineBucket => ({
  from: new Date(from).toISOString(),
  to: new Date(START + (index + 1) * 60_000).toISOString(),
  requests: 100,
  bySignature: failed === 0 ? {} : { 'connect-failed': failed },
});

it('scales bars to their peak; only zero is a dot', () => {
  expect(barCharacters([0, 1, 500, 1000])).toBe('·▁▄█');
  expect(barCharacters([0, 0])).toBe('··');
  expect(barCharacters([])).toBe('');
});

it('has a row for each signature, most frequent first, then all requests', () => {
  const drawn = buildTimeline(
    [bucket(0, 2), { ...bucket(1, 5), bySignature: { 'idle-timeout': 9, 'connect-failed': 5 } }],
    10,
  );
  expect(drawn?.rows.map(({ label, total }) => [label, total])).toEqual([
    ['idle-timeout', 9],
    ['connect-failed', 7],
    ['requests', 200],
  ]);
  expect(drawn?.rows[0]?.peak).toEqual({ count: 9, from: '2026-11-20T02:41:00.000Z' });
});

it('joins neighbours if there are more buckets than bars', () => {
  const drawn = buildTimeline(
    Array.from({ length: 7 }, (_, index) => bucket(index, index)),
    3,
  );
  expect(drawn?.rows[0]?.values).toEqual([0 + 1 + 2, 3 + 4 + 5, 6]);
  expect(drawn?.barSeconds).toBe(180);
  expect(drawn?.starts).toEqual(['2026-11-20T02:40:00.000Z', '2026-11-20T02:43:00.000Z', '2026-11-20T02:46:00.000Z']);
});

it('takes the width of a bar from a whole one, since the window may cut the first', () => {
  const drawn = buildTimeline([bucket(0, 1, START + 30_000), bucket(1, 1)], 10);
  expect(drawn?.barSeconds).toBe(60);
  expect(drawn?.from).toBe('2026-11-20T02:40:30.000Z');
});

it('is null without buckets', () => {
  expect(buildTimeline([], 10)).toBeNull();
});

it('loses no error, whatever the number of bars', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(1000), { minLength: 1, maxLength: 80 }),
      fc.integer({ min: 1, max: 40 }),
      (counts, most) => {
        const drawn = buildTimeline(
          counts.map((failed, index) => bucket(index, failed)),
          most,
        );
        const errors = counts.reduce((total, failed) => total + failed, 0);
        const row = drawn?.rows.find(({ label }) => label === 'connect-failed');
        expect(row?.total ?? 0).toBe(errors);
        expect(drawn?.starts.length).toBeLessThanOrEqual(most);
        for (const { values, bars } of drawn?.rows ?? []) expect([...bars]).toHaveLength(values.length);
      },
    ),
  );
});
