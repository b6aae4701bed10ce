/** The schedule by which a provisional diagnosis is asked again. */

import { describe, expect, it } from 'vitest';
import { LOGS_COMPLETE_AFTER, nextCheck } from '../../src/query/recheck.ts';
import { fc } from '../support/property.ts';

const MINUTE = 60_000;
const to = Date.parse('2026-11-20T02:55:00Z');
const window = { from: to - 15 * MINUTE, to };

/** Minutes after the end of the window at which it is asked, beginning with `first`; each ask takes `takes` minutes. */
function asked(first: number, takes = 0): number[] {
  const asks = [first];
  for (;;) {
    const last = asks.at(-1) ?? 0;
    const next = nextCheck(window, to + last * MINUTE, asks.length);
    if (next === null) return asks;
    asks.push(Math.max((next - to) / MINUTE, last + takes));
  }
}

describe('the next check of a window', () => {
  it.each([
    { what: 'that ended just now', first: 0, asks: [0, 6, 12, 15] },
    { what: 'that is not over', first: -5, asks: [-5, 6, 12, 15] },
    { what: 'a while ago', first: 7, asks: [7, 12, 15] },
    { what: 'shortly before a check', first: 5.5, asks: [5.5, 12, 15] },
    { what: 'shortly before the last one', first: 14.5, asks: [14.5, 15] },
    { what: 'whose log counts as complete', first: 15, asks: [15] },
    { what: 'of yesterday', first: 1440, asks: [1440] },
  ])('$what: after $first min at $asks', ({ first, asks }) => {
    expect(asked(first)).toEqual(asks);
  });

  it('comes sooner for a log in a log group', () => {
    const reading = { from: { service: 'cloudwatch-logs', name: '/alb', format: 'json' } } as const;
    const next = (minutes: number) => {
      const at = nextCheck(window, to + minutes * MINUTE, 1, reading);
      return at === null ? null : (at - to) / MINUTE;
    };
    expect([-5, 0, 1, 4, 13, 15].map(next)).toEqual([1, 3, 3, 6, 15, null]);
  });

  it('comes after an answer that took longer than the pause', () => {
    expect(asked(0, 7)).toEqual([0, 7, 14, 21]);
  });

  it('is the last one when the log is complete', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -60, max: 14.99, noNaN: true }),
        fc.double({ min: 0, max: 5, noNaN: true }),
        (first, takes) => {
          const asks = asked(first, takes);
          expect(asks.length).toBeLessThanOrEqual(4);
          expect((asks.at(-1) ?? 0) * MINUTE).toBeGreaterThanOrEqual(LOGS_COMPLETE_AFTER - 1);
        },
      ),
    );
  });

  it('comes to an end with a stopped clock', () => {
    expect(nextCheck(window, to, 4)).toBeNull();
  });
});
