/** The cost of reading: prices, minimums, and estimates. */

import { describe, expect, it } from 'vitest';
import {
  athenaUsd,
  estimateAthena,
  estimateS3,
  estimateWords,
  MOST_QUERIES,
  s3Usd,
  withScanBeside,
} from '../../../src/collect/access-log/cost.ts';
import { fc } from '../../support/property.ts';

const [MB, GB, TB] = [1e6, 1e9, 1e12];

describe('a query of Athena', () => {
  it.each([
    ['nothing: the minimum', 0, 0.00005],
    ['less than the minimum', 9 * MB, 0.00005],
    ['a started megabyte', 10 * MB + 1, 0.000055],
    ['a gigabyte', GB, 0.005],
    ['a terabyte', TB, 5],
  ])('that reads %s', (_, bytes, usd) => {
    expect(athenaUsd(bytes)).toBeCloseTo(usd, 9);
  });
});

describe('S3', () => {
  it('costs a request for each file and each thousand listed', () => {
    expect(s3Usd(2500, 2)).toBeCloseTo(2500 * 0.4e-6 + 4 * 5e-6, 9);
  });
});

describe('what is known before', () => {
  it('is bounded by the days, or by the cutoff of the workgroup, for every query that may be needed', () => {
    expect(estimateAthena(40, GB, 10 * GB, null).atMost).toEqual({ bytes: 20 * GB, usd: expect.closeTo(0.1, 9) });
    expect(estimateAthena(40, GB, 10 * GB, 2 * GB).atMost).toEqual({ bytes: 4 * GB, usd: expect.closeTo(0.02, 9) });
    expect(estimateAthena(40, GB, null, 2 * GB).atMost?.bytes).toBe(4 * GB);
    expect(estimateAthena(40, GB, null, null).atMost).toBeNull();
  });

  it('includes a scan beside the first if the scan of the files costs at most two cents', () => {
    const estimate = (bytes: number) => estimateAthena(40, bytes, 10 * GB, null);
    expect(withScanBeside(estimate(GB))).toMatchObject({
      usd: expect.closeTo(0.01, 9),
      atMost: { bytes: 30 * GB, usd: expect.closeTo(0.15, 9) },
    });
    expect(withScanBeside(estimate(4 * GB))?.usd).toBeCloseTo(0.04, 9);
    expect(withScanBeside(estimate(4 * GB + 1))).toBeNull();
    expect(withScanBeside(estimateAthena(40, GB, null, null))).toBeNull();
  });

  it('includes the transfer out of AWS where it may be charged', () => {
    expect(estimateS3(10, GB, 1)).toMatchObject({
      usd: expect.closeTo(9e-6, 9),
      atMost: { usd: expect.closeTo(0.090009, 6) },
    });
  });

  it('never exceeds its upper bound', () => {
    const amount = fc.integer({ min: 0, max: 1e13 });
    fc.assert(
      fc.property(amount, amount, fc.option(amount), (bytes, more, cutoff) => {
        const { usd, atMost } = estimateAthena(1, Math.min(bytes, cutoff ?? bytes), bytes + more, cutoff);
        expect(usd * MOST_QUERIES).toBeLessThanOrEqual((atMost?.usd ?? 0) + 1e-12);
      }),
    );
  });

  it.each([
    [estimateAthena(1, 900 * MB, 2.1 * GB, null), '1 file, 900.0 MB: about $0.0045, at most 4.2 GB and $0.0210'],
    [estimateAthena(0, 0, null, null), '0 B: under $0.0001, at most an unknown amount'],
  ])('is said in a few words', (estimate, words) => {
    expect(estimateWords(estimate)).toBe(words);
  });
});
