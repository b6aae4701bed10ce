import { describe, expect, it } from 'vitest';
import type { AlarmMetric } from '../../src/alarms/alarm-event.ts';
import { askedErrors, askedTogether, watchedInstead } from '../../src/alarms/asked-errors.ts';

const metric = (name: string, dimensions: Record<string, string> = {}): AlarmMetric => ({
  namespace: 'AWS/ApplicationELB',
  name,
  dimensions: { LoadBalancer: 'app/shop/0123', ...dimensions },
  expression: null,
  period: 60,
  account: null,
});
const API = { TargetGroup: 'targetgroup/api/4567' };

describe('the errors an alarm asks about', () => {
  it.each<[string, AlarmMetric[], unknown]>([
    ['every 5xx of the load balancer', [metric('HTTPCode_ELB_5XX_Count')], { statuses: ['elb-5xx'] }],
    ['502s of the load balancer', [metric('HTTPCode_ELB_502_Count')], { statuses: ['elb-502'] }],
    [
      'responses of the targets of one group',
      [metric('HTTPCode_Target_5XX_Count', API)],
      { statuses: ['target-5xx'], targetGroup: 'targetgroup/api/4567' },
    ],
    [
      'errors of the nodes in one zone',
      [metric('HTTPCode_ELB_5XX_Count', { AvailabilityZone: 'eu-west-1a' })],
      { statuses: ['elb-5xx'], zone: 'eu-west-1a' },
    ],
    [
      'gateway errors if connections to a group fail',
      [metric('TargetConnectionErrorCount', API)],
      { statuses: ['gateway'], targetGroup: 'targetgroup/api/4567' },
    ],
    [
      'the errors of a rate, whatever the divisor',
      [metric('HTTPCode_Target_5XX_Count'), metric('HTTPCode_ELB_5XX_Count'), metric('RequestCount')],
      { statuses: ['elb-5xx', 'target-5xx'] },
    ],
    ['gateway errors for an alarm on latency', [metric('TargetResponseTime', API)], { statuses: ['gateway'] }],
    [
      'gateway errors for a metric of another namespace',
      [{ ...metric('HTTPCode_ELB_5XX_Count'), namespace: 'Custom' }],
      { statuses: ['gateway'] },
    ],
    ['gateway errors for a metric named like a member of objects', [metric('constructor')], { statuses: ['gateway'] }],
    ['gateway errors for an alarm without a metric', [], { statuses: ['gateway'] }],
  ])('%s', (_, metrics, expected) => {
    expect(askedErrors({ metrics })).toEqual(expected);
  });
});

describe('the metric of an alarm that counts no errors', () => {
  const latency = metric('TargetResponseTime', API);
  it.each<[string, AlarmMetric[], unknown]>([
    ['latency', [latency], { metric: 'TargetResponseTime', threshold: 1.5 }],
    ['client errors', [metric('HTTPCode_ELB_4XX_Count')], { metric: 'HTTPCode_ELB_4XX_Count', threshold: 1.5 }],
    ['nothing if it also counts errors', [latency, metric('HTTPCode_ELB_5XX_Count')], null],
    ['nothing if other metrics may count errors', [{ ...latency, namespace: 'Custom' }], null],
    ['nothing without a metric', [], null],
  ])('%s', (_, metrics, expected) => {
    expect(watchedInstead({ metrics, threshold: 1.5 })).toEqual(expected);
  });
});

describe('the errors that alarms of one episode ask about together', () => {
  const api = askedErrors({ metrics: [metric('HTTPCode_Target_5XX_Count', API)] });
  const all = askedErrors({ metrics: [metric('HTTPCode_ELB_502_Count')] });

  it.each([
    ['all their errors, without the limit of one', [api, all], { statuses: ['elb-502', 'target-5xx'] }],
    ['the limit that all share', [api, api], api],
    ['gateway errors if an older record does not say', [undefined], { statuses: ['gateway'] }],
  ])('%s', (_, asked, expected) => {
    expect(askedTogether(asked)).toEqual(expected);
  });
});
