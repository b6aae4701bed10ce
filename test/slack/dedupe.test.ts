import { expect, it } from 'vitest';
import { openDeduplicator } from '../../src/slack/dedupe.ts';

it('remembers keys for a time, up to a number', () => {
  const clock = { now: 0 };
  const seen = openDeduplicator({ milliseconds: 100, most: 3, now: () => clock.now });
  expect([seen.isFirst('a'), seen.isFirst('a')]).toEqual([true, false]);
  clock.now = 99;
  expect(seen.isFirst('a')).toBe(false);
  clock.now = 101;
  expect(seen.isFirst('a')).toBe(true);
  for (const key of ['b', 'c', 'd']) expect(seen.isFirst(key)).toBe(true);
  expect([seen.isFirst('d'), seen.isFirst('a')]).toEqual([false, true]);
});
