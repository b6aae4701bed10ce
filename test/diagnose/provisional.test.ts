import { describe, expect, it } from 'vitest';
import { isProvisional } from '../../src/diagnose/provisional.ts';
import type { MetricSeries } from '../../src/evidence/aws.ts';
import { LB, logOf, MINUTE, question, target } from '../support/traffic/traffic-builder.ts';

const { from, to } = question;

const requestCount = (...values: number[]): MetricSeries[] => [
  {
    MetricName: 'RequestCount',
    Dimensions: { LoadBalancer: LB.split('loadbalancer/')[1] ?? '' },
    Stat: 'Sum',
    Period: 60,
    Timestamps: values.map((_, index) => new Date(from + index * MINUTE).toISOString()),
    Values: values,
  },
];

/** A log that ends before the window does, with so many requests that reached a target. */
const quiet = (requests: number) =>
  logOf([], {
    newest: to - 30_000,
    targets: [target('10.0.1.5:8080', { requests }), target('-', { requests: 7 })],
  });

describe('a log read shortly after its window', () => {
  it.each([
    ['with an entry from after it is complete', logOf([], { newest: to }), null, 1, false],
    ['without one may still grow', quiet(20), null, 5, true],
    ['with every request that CloudWatch counts is complete', quiet(20), requestCount(10, 10), 5, false],
    ['with fewer may still grow', quiet(19), requestCount(10, 10), 5, true],
    ['whose counters may still grow may, too', quiet(20), requestCount(10, 10), 2, true],
    ['of no counted request may still grow', quiet(0), requestCount(), 5, true],
    ['that was not read may still come', null, requestCount(10, 10), 5, true],
    ['is complete when a quarter of an hour has passed', quiet(1), requestCount(10, 10), 15, false],
  ])('%s', (_, log, metrics, minutes, expected) => {
    const asked = { ...question, now: to + minutes * MINUTE };
    expect(isProvisional(asked, { log, metrics, inLog: 0, inMetrics: 0 })).toBe(expected);
  });

  it('may still grow while errors are missing, whatever else it holds', () => {
    const asked = { ...question, now: to + 5 * MINUTE };
    const metrics = requestCount(10, 10);
    expect(isProvisional(asked, { log: quiet(20), metrics, inLog: 1, inMetrics: 2 })).toBe(true);
  });
});
