import { describe, expect, it } from 'vitest';
import { canHoldRecords, edgeLogKeys } from '../../../src/collect/edge/edge-log-keys.ts';

const DISTRIBUTION = { id: 'E2QWRUHAPOMQZL', arn: 'arn:aws:cloudfront::123456789012:distribution/E2QWRUHAPOMQZL' };
const WINDOW = { from: Date.parse('2026-03-10T12:00:00Z'), to: Date.parse('2026-03-10T12:15:00Z') };
const OVER_MIDNIGHT = { from: Date.parse('2026-03-10T23:30:00Z'), to: Date.parse('2026-03-10T23:45:00Z') };

describe('the log folder of a distribution', () => {
  const plain = { name: 'edge-logs', suffix: null, isHive: false };
  it.each([
    [
      'without prefix and suffix, by the names of the files',
      plain,
      ['AWSLogs/123456789012/CloudFront/E2QWRUHAPOMQZL.2026-03-10'],
    ],
    ['behind a prefix', { ...plain, name: 'edge-logs/site' }, ['site/E2QWRUHAPOMQZL.2026-03-10']],
    [
      'in folders by distribution and hour',
      { ...plain, suffix: '{DistributionId}/{yyyy}/{MM}/{dd}/{HH}' },
      ['AWSLogs/123456789012/CloudFront/E2QWRUHAPOMQZL/2026/03/10/'],
    ],
    [
      'in Hive folders',
      { ...plain, suffix: '{DistributionId}/{yyyy}/{MM}/{dd}', isHive: true },
      ['AWSLogs/aws-account-id=123456789012/CloudFront/DistributionId=E2QWRUHAPOMQZL/year=2026/month=03/day=10/'],
    ],
  ])('%s', (_, delivery, prefixes) => {
    expect(edgeLogKeys(delivery, DISTRIBUTION, WINDOW)).toMatchObject({ bucket: 'edge-logs', prefixes });
  });

  it('covers two days if files of the last hour may lie in the next one', () => {
    const keys = edgeLogKeys({ ...plain, suffix: '{yyyy}/{MM}/{dd}' }, DISTRIBUTION, OVER_MIDNIGHT);
    expect(keys?.prefixes).toEqual([
      'AWSLogs/123456789012/CloudFront/2026/03/10/',
      'AWSLogs/123456789012/CloudFront/2026/03/11/',
    ]);
  });

  it('is unknown without a bucket', () => {
    expect(edgeLogKeys({ ...plain, name: null }, DISTRIBUTION, WINDOW)).toBeNull();
  });
});

describe('objects that may hold records of the window', () => {
  const during = Date.parse('2026-03-10T12:10:00Z');
  it.each([
    ['the hour of the window', 'x/E2QWRUHAPOMQZL.2026-03-10-12.abc.gz', during, true],
    ['the hour before', 'x/E2QWRUHAPOMQZL.2026-03-10-11.abc.gz', during, false],
    ['the hour after', 'x/E2QWRUHAPOMQZL.2026-03-10-13.abc.gz', during, false],
    ['another distribution', 'x/E1AAAAAAAAAAAA.2026-03-10-12.abc.gz', during, false],
    ['a name without an hour, written in time', 'x/part-0.parquet', during, true],
    ['a name without an hour, written before', 'x/part-0.parquet', Date.parse('2026-03-10T11:59:00Z'), false],
    ['a folder', 'x/', during, false],
  ])('%s: %s', (_, key, modified, isHolding) => {
    expect(canHoldRecords({ key, modified }, DISTRIBUTION.id, WINDOW)).toBe(isHolding);
  });
});
