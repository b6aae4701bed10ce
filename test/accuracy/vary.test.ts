/**
 * Random incidents get no false statement: no claim of an absent cause, no rule-out of a present one, no wrong count.
 */
import { expect, it } from 'vitest';
import { varietyReport, vary } from './vary.ts';

it('says nothing false about random incidents', async () => {
  const varied = await vary(1, 60);
  const failing = varied.filter(({ errors }) => errors > 0);
  expect(failing.length).toBeGreaterThan(40);
  expect(
    varied.flatMap(({ seed, untrue }) => untrue.map((what) => `seed ${seed}: ${what}`)),
    varietyReport(varied),
  ).toEqual([]);
  // Otherwise a diagnosis that never decides would pass.
  expect(failing.filter(({ claimed }) => claimed > 0).length).toBeGreaterThan(failing.length / 2);
});
