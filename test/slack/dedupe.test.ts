import { expect, it } from 'vitest';
import { openSeen } from '../../src/slack/dedupe.ts';

it('knows what came already, for its time and up to so many', () => {
  const clock = { now: 0 };
  const seen = openSeen({ milliseconds: 100, most: 3, now: () => clock.now });
  expect([seen.first('a'), seen.first('a')]).toEqual([true, false]);
  clock.now = 99;
  expect(seen.first('a')).toBe(false);
  clock.now = 101;
  expect(seen.first('a')).toBe(true);
  for (const key of ['b', 'c', 'd']) expect(seen.first(key)).toBe(true);
  expect([seen.first('d'), seen.first('a')]).toEqual([false, true]);
});
