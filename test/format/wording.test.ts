import { expect, it } from 'vitest';
import { number, plainSeconds } from '../../src/format/wording.ts';
import { formatSeconds } from '../../src/render/phrases.ts';
import { fc } from '../support/property.ts';

const english = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 3 });

it('writes counts with commas between the thousands', () => {
  expect([7, 999, 1000, 71204, 1234567].map(number)).toEqual(['7', '999', '1,000', '71,204', '1,234,567']);
  fc.assert(fc.property(fc.nat(), (count) => number(count) === english(count)));
});

it('writes durations with commas, and at most three decimals', () => {
  expect([0.0042, 11.083, 60, 4000, 86400.1234].map(formatSeconds)).toEqual([
    '4.2 ms',
    '11.083 s',
    '60 s',
    '4,000 s',
    '86,400.123 s',
  ]);
  fc.assert(
    fc.property(fc.nat(100_000_000), (milliseconds) => {
      fc.pre(milliseconds >= 1000);
      return formatSeconds(milliseconds / 1000) === `${english(milliseconds / 1000)} s`;
    }),
  );
});

it('writes measured times of headlines as whole seconds where they are nearly that', () =>
  expect([0.004, 0.99, 2.05, 2.41, 6.004, 15.02, 9.96].map(plainSeconds)).toEqual([
    '4 ms',
    '1 s',
    '2 s',
    '2.4 s',
    '6 s',
    '15 s',
    '10 s',
  ]));
