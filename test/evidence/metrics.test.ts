import { describe, expect, it } from 'vitest';
import { MetricSeries } from '../../src/evidence/aws.ts';
import {
  countedErrors,
  errorsInMetrics,
  type MetricScope,
  metricMaximum,
  metricPeriods,
  metricSum,
} from '../../src/evidence/metrics.ts';
import type { Question } from '../../src/evidence/question.ts';

const ARN = 'arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/app/my-load-balancer/50dc6c495c0c9188';
const GROUP = 'arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067';
const LB = 'app/my-load-balancer/50dc6c495c0c9188';
const TG = 'targetgroup/my-targets/73e2d6bc24d8a067';
const scope: MetricScope = { loadBalancer: { name: 'my-load-balancer', arn: ARN } };
const at = (clock: string) => Date.parse(`2026-11-20T${clock}Z`);
const window = { from: at('02:40:00'), to: at('02:55:00') };

function series(
  MetricName: string,
  values: Record<string, number>,
  more: Partial<Omit<MetricSeries, 'Dimensions'>> & { Dimensions?: Record<string, string> } = {},
): MetricSeries {
  return MetricSeries.parse({
    MetricName,
    Dimensions: { LoadBalancer: LB },
    Stat: 'Sum',
    Period: 60,
    Timestamps: Object.keys(values).map((clock) => `2026-11-20T${clock}:00+00:00`),
    Values: Object.values(values),
    ...more,
  });
}

describe('a sum over a window', () => {
  it.each([
    ['adds the periods inside', [series('RequestCount', { '02:40': 3, '02:54': 4 })], 7],
    ['excludes periods before and after', [series('RequestCount', { '02:39': 3, '02:40': 1, '02:55': 4 })], 1],
    ['is zero when asked and empty', [series('RequestCount', {})], 0],
    ['is unknown if not queried', [series('TargetConnectionErrorCount', { '02:40': 3 })], null],
    [
      'counts whole periods of five minutes',
      [series('RequestCount', { '02:40': 3, '02:50': 4, '02:53': 9 }, { Period: 300 })],
      7,
    ],
    [
      'puts the parts of a series together',
      [series('RequestCount', { '02:40': 3 }), series('RequestCount', { '02:41': 4 })],
      7,
    ],
    [
      'counts a repeated period once',
      [series('RequestCount', { '02:40': 3 }), series('RequestCount', { '02:40': 3 })],
      3,
    ],
    [
      'prefers the finer period',
      [series('RequestCount', { '02:40': 9 }, { Period: 300 }), series('RequestCount', { '02:41': 4 })],
      4,
    ],
    ['does not take an average for a sum', [series('RequestCount', { '02:40': 3 }, { Stat: 'Average' })], null],
    [
      'does not take a zone for the whole',
      [series('RequestCount', { '02:40': 3 }, { Dimensions: { LoadBalancer: LB, AvailabilityZone: 'us-west-2a' } })],
      null,
    ],
    [
      'does not take a target group for the whole',
      [series('RequestCount', { '02:40': 3 }, { Dimensions: { LoadBalancer: LB, TargetGroup: TG } })],
      null,
    ],
    [
      'does not take another load balancer',
      [series('RequestCount', { '02:40': 3 }, { Dimensions: { LoadBalancer: 'app/my-load-balancer/other' } })],
      null,
    ],
  ])('%s', (_, recorded, sum) => {
    expect(metricSum(recorded, 'RequestCount', scope, window)).toBe(sum);
  });

  it('is limited to a target group or zone on request', () => {
    const recorded = [
      series('RequestCount', { '02:40': 1 }, { Dimensions: { LoadBalancer: LB, TargetGroup: TG } }),
      series('RequestCount', { '02:40': 2 }, { Dimensions: { LoadBalancer: LB, AvailabilityZone: 'us-west-2a' } }),
      series('LambdaUserError', { '02:40': 4 }, { Dimensions: { TargetGroup: TG } }),
    ];
    expect(metricSum(recorded, 'RequestCount', { ...scope, targetGroup: GROUP }, window)).toBe(1);
    expect(metricSum(recorded, 'RequestCount', { ...scope, availabilityZone: 'us-west-2a' }, window)).toBe(2);
    expect(metricSum(recorded, 'LambdaUserError', { ...scope, targetGroup: GROUP }, window)).toBe(4);
  });

  it('uses the name if the ARN is unknown', () => {
    const byName = { loadBalancer: { name: 'my-load-balancer', arn: null } };
    expect(metricSum([series('RequestCount', { '02:40': 3 })], 'RequestCount', byName, window)).toBe(3);
    expect(
      metricSum(
        [series('RequestCount', { '02:40': 3 })],
        'RequestCount',
        { loadBalancer: { name: 'my-load', arn: null } },
        window,
      ),
    ).toBeNull();
  });
});

it('reads the values of a window, and the largest', () => {
  const hosts = [series('HealthyHostCount', { '02:39': 0, '02:40': 2, '02:41': 3 }, { Stat: 'Minimum' })];
  expect(metricPeriods(hosts, 'HealthyHostCount', scope, window, 'Minimum').map(({ value }) => value)).toEqual([2, 3]);
  expect(metricMaximum(hosts, 'HealthyHostCount', scope, window, 'Minimum')).toBe(3);
  expect(metricMaximum(hosts, 'HealthyHostCount', scope, window)).toBeNull();
  const empty = [series('HealthyHostCount', {}, { Stat: 'Minimum' })];
  expect(metricPeriods(empty, 'HealthyHostCount', scope, window, 'Minimum')).toEqual([]);
});

describe('errors in the metrics', () => {
  const question = (statuses: string[], from = '02:40:00', to = '02:55:00'): Question => ({
    loadBalancer: { name: 'my-load-balancer', arn: ARN },
    from: at(from),
    to: at(to),
    now: at('04:00:00'),
    statuses,
  });
  const count = (status: string, values: Record<string, number>, Period = 60) =>
    series(`HTTPCode_ELB_${status}_Count`, values, { Period });
  const all = [
    count('5XX', { '02:40': 12 }),
    count('500', {}),
    count('502', { '02:40': 5 }),
    count('503', { '02:41': 3 }),
    count('504', { '02:41': 2 }),
  ];

  it.each([
    ['every 5xx is in 5XX', ['5xx'], all, 12],
    ['a status is in its own metric', ['502'], all, 5],
    ['two statuses are added', ['502', '504'], all, 7],
    ['a status named twice counts once', ['502', '502'], all, 5],
    ['a status that 5xx covers adds nothing', ['5xx', '502'], all, 12],
    ['without 5XX the four statuses stand in', ['5xx'], all.slice(1), 10],
    ['three of the four do not', ['5xx'], all.slice(2), null],
    ['5XX does not tell how many were 502', ['502'], all.slice(0, 1), null],
    ['a metric that is missing leaves the sum unknown', ['502', '504'], [count('502', { '02:40': 5 })], null],
    ['460 has no metric', ['460'], all, null],
    ['a status without a metric makes the sum unknown', ['502', '460'], all, null],
    ['561 has no metric', ['561'], all, null],
    ['no metric, no number', ['5xx'], [], null],
    ['asked and empty is zero', ['502'], [count('502', {})], 0],
  ])('%s', (_, statuses, recorded, errors) => {
    expect(errorsInMetrics(question(statuses), recorded)).toBe(errors);
  });

  it('covers the whole minutes inside the window', () => {
    const minutes = [count('502', { '02:40': 1, '02:41': 2, '02:42': 4 })];
    expect(errorsInMetrics(question(['502'], '02:40:30', '02:42:59'), minutes)).toBe(2);
    expect(errorsInMetrics(question(['502'], '02:40:30', '02:41:30'), minutes)).toBeNull();
  });

  it('does not guess how errors spread over five minutes', () => {
    expect(errorsInMetrics(question(['502'], '02:42:00'), [count('502', { '02:45': 4 }, 300)])).toBe(4);
    expect(errorsInMetrics(question(['502'], '02:42:00'), [count('502', { '02:40': 3, '02:45': 4 }, 300)])).toBeNull();
    expect(errorsInMetrics(question(['502'], '02:42:00'), [count('502', { '02:40': 0, '02:45': 4 }, 300)])).toBe(4);
  });
});

describe('the count before a log is read', () => {
  const split = [
    series('HTTPCode_ELB_5XX_Count', { '02:39': 50, '02:44': 4, '02:45': 3 }),
    series('HTTPCode_ELB_502_Count', { '02:44': 4, '02:45': 1 }),
    series('HTTPCode_ELB_504_Count', { '02:45': 2 }),
    series('RequestCount', { '02:44': 300, '02:45': 400 }),
  ];
  const other = series('HTTPCode_ELB_5XX_Count', { '02:44': 9 });
  it.each<[string, string[], MetricSeries[], unknown]>([
    [
      'says each status',
      ['gateway'],
      split,
      { errors: 7, byStatus: { 502: 5, 504: 2 }, requests: 700, since: '02:44' },
    ],
    [
      'says the one that was asked',
      ['elb-504'],
      split,
      { errors: 2, byStatus: { 504: 2 }, requests: 700, since: '02:45' },
    ],
    [
      'names no status if there are others',
      ['elb-5xx'],
      [other, ...split.slice(1)],
      { errors: 9, byStatus: {}, requests: 700, since: '02:44' },
    ],
    [
      'is zero if nothing failed',
      ['5xx'],
      [series('HTTPCode_ELB_5XX_Count', {})],
      { errors: 0, byStatus: {}, requests: null, since: null },
    ],
    ['is unknown if not queried', ['gateway'], [split[3] ?? other], null],
  ])('%s', (_, statuses, all, expected) => {
    const asked: Question = { loadBalancer: scope.loadBalancer, ...window, now: window.to, statuses };
    const counted = countedErrors(asked, all);
    expect(counted === null ? null : { ...counted, since: counted.since?.slice(11, 16) ?? null }).toEqual(expected);
  });
});
