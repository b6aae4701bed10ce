import { describe, expect, it } from 'vitest';
import {
  batches,
  metricsOfGroups,
  metricsOfLoadBalancer,
  periodFor,
  spanFor,
} from '../../../src/collect/aws/cloudwatch.ts';
import type { TargetGroup } from '../../../src/evidence/aws.ts';

const LB = 'app/my-alb/50dc6c495c0c9188';
const group = (name: string, more: Partial<TargetGroup> = {}): TargetGroup => ({
  TargetGroupArn: `arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/${name}/73e2d6bc24d8a067`,
  TargetGroupName: name,
  TargetType: 'ip',
  ...more,
});

const metricsOf = (loadBalancer: string, groups: TargetGroup[]) => [
  ...metricsOfLoadBalancer(loadBalancer),
  ...metricsOfGroups(loadBalancer, groups),
];

const named = (groups: TargetGroup[]) =>
  metricsOf(LB, groups)
    .filter(({ Dimensions }) => Dimensions.TargetGroup !== undefined)
    .map(({ MetricName }) => MetricName);

describe('the queried metrics', () => {
  it("have only the load balancer's dimension for its own metrics, each once", () => {
    const asked = metricsOf(LB, [group('api'), group('web')]);
    const keys = asked.map((one) => JSON.stringify(one));
    expect(new Set(keys).size).toBe(keys.length);
    expect(asked).toContainEqual({
      MetricName: 'HTTPCode_ELB_502_Count',
      Stat: 'Sum',
      Dimensions: { LoadBalancer: LB },
    });
    expect(asked).toContainEqual({
      MetricName: 'UnHealthyHostCount',
      Stat: 'Maximum',
      Dimensions: { LoadBalancer: LB, TargetGroup: 'targetgroup/api/73e2d6bc24d8a067' },
    });
    expect(named([group('api')]).some((metric) => metric.startsWith('HTTPCode_ELB'))).toBe(false);
  });

  it.each([
    ['addresses', group('api'), ['TargetConnectionErrorCount'], ['LambdaUserError', 'TargetControlRequestRejectCount']],
    ['Lambda', group('fn', { TargetType: 'lambda' }), ['LambdaUserError'], ['TargetConnectionErrorCount']],
    [
      'an optimizer',
      group('api', { TargetControlPort: 3000 }),
      ['TargetControlRequestRejectCount'],
      ['LambdaUserError'],
    ],
  ])('of a group with %s', (_, one, asked, notAsked) => {
    expect(named([one])).toEqual(expect.arrayContaining(asked));
    for (const metric of notAsked) expect(named([one])).not.toContain(metric);
  });

  it('need several calls of 500 when a load balancer has the most target groups', () => {
    const all = metricsOf(
      LB,
      Array.from({ length: 100 }, (_, index) => group(`g${index}`)),
    );
    const calls = batches(all, 15);
    expect(calls.flat()).toEqual(all);
    expect(Math.max(...calls.map(({ length }) => length))).toBe(500);
    expect(batches(metricsOf(LB, [group('a'), group('b')]), 15)).toHaveLength(1);
  });

  it('are fewer per call for a long window, so that each call returns one page', () => {
    const week = (7 * 24 * 3600) / 60;
    for (const batch of batches(metricsOf(LB, [group('a')]), week))
      expect(batch.length * week).toBeLessThanOrEqual(100_800);
    expect(batches([1, 2], 1_000_000)).toEqual([[1], [2]]);
  });
});

describe('the period', () => {
  const at = (time: string) => Date.parse(time);
  const now = at('2026-11-20T12:00:30Z');

  it.each([
    ['2026-11-20T11:45:30Z', 60],
    ['2026-11-05T13:00:00Z', 60],
    ['2026-11-05T11:00:00Z', 300],
    ['2026-09-20T11:00:00Z', 300],
    ['2026-09-18T11:00:00Z', 3600],
  ])('for a window from %s is %i s', (from, period) => {
    expect(periodFor({ from: at(from), now })).toBe(period);
  });

  it.each([
    [
      'the last 15 minutes, and the hour before: to see whether it ran already',
      '2026-11-20T11:45:30Z',
      '2026-11-20T12:00:30Z',
      '2026-11-20T10:45:00Z',
      '2026-11-20T12:01:00Z',
    ],
    [
      'one that ended recently: to see whether it continues',
      '2026-11-20T11:10:00Z',
      '2026-11-20T11:20:00Z',
      '2026-11-20T10:10:00Z',
      '2026-11-20T12:01:00Z',
    ],
    [
      'one of this morning',
      '2026-11-20T06:10:10Z',
      '2026-11-20T06:20:10Z',
      '2026-11-20T05:10:00Z',
      '2026-11-20T06:21:00Z',
    ],
    [
      'one of last month',
      '2026-10-20T06:12:00Z',
      '2026-10-20T06:23:00Z',
      '2026-10-20T05:10:00Z',
      '2026-10-20T06:25:00Z',
    ],
  ])('%s', (_, from, to, first, last) => {
    expect(spanFor({ from: at(from), to: at(to), now })).toEqual({ from: at(first), to: at(last) });
  });
});
