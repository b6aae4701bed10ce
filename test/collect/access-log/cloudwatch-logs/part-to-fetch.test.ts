/** Which minutes of a large window are fetched whole. */
import { expect, it } from 'vitest';
import { partToFetch } from '../../../../src/collect/access-log/cloudwatch-logs/part-to-fetch.ts';

const START = Date.parse('2026-03-10T12:00:00Z');
const WINDOW = { from: START, to: START + 6 * 60_000 };
/** A second and a minute: two minutes in front of the part are fetched too. */
const BEFORE = 61_000;

/** A hundred lines in each minute. */
const minutes = (...failures: number[]) =>
  failures.map((some, n) => ({ minute: START + n * 60_000, lines: 100, requests: 100, failures: some }));

/** As minutes after the start. */
const partOf = (lines: number, ...failures: number[]) => {
  const part = partToFetch(minutes(...failures), WINDOW, { lines, before: BEFORE });
  return part === null ? null : [(part.from - START) / 60_000, (part.to - START) / 60_000];
};

it.each([
  ['all of a window that is small enough', 1000, [0, 2, 0, 0, 3, 0], [1, 6]],
  ['the minutes with most failures', 400, [0, 1, 0, 8, 7, 1], [3, 5]],
  ['the longer of two parts with as many', 400, [0, 0, 0, 5, 0, 0], [3, 5]],
  ['the first seconds of a minute that is too large', 50, [0, 0, 6, 0, 0, 0], [2, 2.5]],
  ['nothing without failures', 1000, [0, 0, 0, 0, 0, 0], null],
] as const)('fetches %s', (_, lines, failures, part) => {
  expect(partOf(lines, ...failures)).toEqual(part);
});

it('stays within the window', () => {
  const odd = { from: START + 10_000, to: START + 50_000 };
  expect(partToFetch(minutes(4, 0), odd, { lines: 1000, before: BEFORE })).toEqual(odd);
});
