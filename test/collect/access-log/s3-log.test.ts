/** The location of log files by the attributes, and the days and keys of a window. */

import { describe, expect, it } from 'vitest';
import { canMatter, parseFileName } from '../../../src/collect/access-log/log-files.ts';
import { logPlace } from '../../../src/collect/access-log/log-place.ts';
import { dayPrefix, deliveryDays, endStamp, fileEndRange } from '../../../src/collect/access-log/s3-log.ts';
import { fc } from '../../support/property.ts';
import { ARN, at } from '../../support/s3/log-bucket.ts';

const ON = { 'access_logs.s3.enabled': 'true', 'access_logs.s3.bucket': 'logs' };

describe('the place of a log', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['without a prefix', ON, 'AWSLogs/123456789012/elasticloadbalancing/eu-west-1/'],
    [
      'with a prefix',
      { ...ON, 'access_logs.s3.prefix': 'a/b' },
      'a/b/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/',
    ],
    [
      'with slashes around it',
      { ...ON, 'access_logs.s3.prefix': '/a/' },
      'a/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/',
    ],
    ['switched off', { ...ON, 'access_logs.s3.enabled': 'false' }, undefined],
    ['without a bucket', { 'access_logs.s3.enabled': 'true' }, undefined],
    ['that nothing says', {}, undefined],
  ])('%s', (_, attributes, root) => {
    expect(logPlace(attributes, ARN)?.root).toBe(root);
  });

  it('has the account, region and partition of the load balancer', () => {
    const arn = 'arn:aws-cn:elasticloadbalancing:cn-north-1:210987654321:loadbalancer/app/web/0123456789abcdef';
    expect(logPlace(ON, arn)).toMatchObject({
      account: '210987654321',
      region: 'cn-north-1',
      partition: 'aws-cn',
      loadBalancer: { name: 'web' },
    });
  });

  it.each(['shop', 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/shop/50dc6c495c0c9188'])(
    'is unknown for %s',
    (arn) => {
      expect(() => logPlace(ON, arn)).toThrow(RangeError);
    },
  );
});

describe('the days of delivery', () => {
  const window = (from: string, to: string) => ({ from: at(from), to: at(to) });
  it.each([
    ['today', window('2026-03-10T12:00:00Z', '2026-03-10T12:15:00Z'), '2026-03-10T13:00:00Z', ['2026/03/10']],
    [
      'yesterday',
      window('2026-03-09T12:00:00Z', '2026-03-09T12:15:00Z'),
      '2026-03-10T13:00:00Z',
      ['2026/03/09', '2026/03/10'],
    ],
    [
      'long ago',
      window('2026-02-28T12:00:00Z', '2026-02-28T12:15:00Z'),
      '2026-03-10T13:00:00Z',
      ['2026/02/28', '2026/03/01'],
    ],
    [
      'just after midnight',
      window('2026-03-10T00:00:30Z', '2026-03-10T00:10:00Z'),
      '2026-03-10T00:20:00Z',
      ['2026/03/09', '2026/03/10'],
    ],
    [
      'over the end of a year',
      window('2025-12-31T23:00:00Z', '2026-01-01T01:00:00Z'),
      '2026-01-05T00:00:00Z',
      ['2025/12/31', '2026/01/01', '2026/01/02'],
    ],
  ])('for %s', (_, span, now, days) => {
    expect(deliveryDays(fileEndRange(span, 60), at(now))).toEqual(days);
  });
});

describe('the keys between the first and the last end', () => {
  it('are those of files that can matter', () => {
    const place = logPlace(ON, ARN);
    if (place === null) throw new Error('There is no place.');
    const minutes = fc.integer({ min: 0, max: 3 * 1440 }).map((minute) => at('2026-03-09T00:00:00Z') + minute * 60_000);
    fc.assert(
      fc.property(
        minutes,
        fc.integer({ min: 1, max: 600 }),
        fc.integer({ min: 1, max: 4000 }),
        minutes,
        (from, length, idle, time) => {
          const window = { from, to: from + length * 60_000 };
          const end = Math.floor(time / 300_000) * 300_000;
          const prefix = dayPrefix(place, new Date(end).toISOString().slice(0, 10).replaceAll('-', '/'));
          const key = `${prefix}${endStamp(end)}_203.0.113.17_5x1.log.gz`;
          const ends = fileEndRange(window, idle);
          const isBetween = key > `${prefix}${endStamp(ends.from)}` && key < `${prefix}${endStamp(ends.to)}~`;
          const matters = canMatter(parseFileName(key), place.loadBalancer, window, idle);
          // A stamp has no seconds: a file may be read that ends in the same minute and too early.
          expect(isBetween).toBe(matters || (end < ends.from && endStamp(end) === endStamp(ends.from)));
        },
      ),
    );
  });
});
