/** Messages of every shape, and what is read in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Alarm, alarmEventId, alarmKey, unrelatedReason } from '../../src/alarms/alarm-event.ts';
import { readMessage } from '../../src/alarms/read-message.ts';
import { alarmArn, envelope, event, resourceOf, snsAlarm } from '../support/alarms/messages.ts';
import { fc } from '../support/property.ts';

const AT = Date.parse('2026-11-20T02:44:00.123Z');
const samples = join(import.meta.dirname, 'samples');
const sample = (file: string): string => readFileSync(join(samples, file), 'utf8');

function alarmIn(body: unknown): Alarm {
  const read = readMessage(typeof body === 'string' ? body : JSON.stringify(body));
  if (!('alarm' in read)) throw new Error(JSON.stringify(read));
  return read.alarm;
}

describe('samples of AWS and other senders', () => {
  it.each([
    ['awsdocs-cloudwatch-and-eventbridge-1.json', 'metric', 'ALARM', '2019-10-02T17:04:40.989Z', 'it is about AWS/EC2'],
    ['awsdocs-cloudwatch-and-eventbridge-2.json', 'math', 'ALARM', '2019-10-02T17:20:48.554Z', 'it is about AWS/EC2'],
    [
      'awsdocs-cloudwatch-and-eventbridge-3.json',
      'anomaly',
      'ALARM',
      '2019-10-03T16:00:04.653Z',
      'it is about AWS/EC2',
    ],
    ['awsdocs-cloudwatch-and-eventbridge-4.json', 'composite', 'ALARM', '2022-07-22T15:57:45.394Z', null],
    [
      'awsdocs-cloudwatch-and-eventbridge-6.json',
      'query',
      'ALARM',
      '2025-12-01T13:42:04.919Z',
      'it is about AWS/DynamoDB',
    ],
    ['sns-alarm-lambda-event-assertible.json', 'metric', 'ALARM', '2016-07-24T22:05:19.737Z', 'it is about AWS/RDS'],
    [
      'sns-alarm-lambda-event-terraform-notify-slack.json',
      'metric',
      'OK',
      '2019-02-12T15:45:24.006Z',
      'it is about LogMetrics',
    ],
    [
      'sns-alarm-message-single-metric-aws-lambda-go.json',
      'metric',
      'ALARM',
      '2015-06-03T17:43:27.123Z',
      'it is about AWS/EC2',
    ],
    ['sns-alarm-message-terraform-notify-slack.json', 'other', 'ALARM', '2017-01-12T16:30:42.236Z', null],
  ])('%s is an alarm', (file, kind, state, changedAt, other) => {
    const alarm = alarmIn(sample(file));
    expect(alarm).toMatchObject({ kind, state, changedAt, loadBalancers: [], targetGroups: [] });
    expect(unrelatedReason(alarm)).toBe(other);
  });

  it.each([
    ['awsdocs-cloudwatch-and-eventbridge-8.json', 'it is a CloudWatch Alarm Configuration Change'],
    ['awsdocs-cloudwatch-and-eventbridge-10.json', 'it is a CloudWatch Alarm Configuration Change'],
    ['sns-autoscaling-lambda-event-assertible.json', 'it is not a CloudWatch alarm state change'],
  ])('%s is not', (file, ignored) => {
    expect(readMessage(sample(file))).toEqual({ ignored });
  });

  it('are all tested here', () => {
    expect(readdirSync(samples)).toHaveLength(12);
  });

  it('contain what was evaluated, and the alarms that triggered a composite one', () => {
    expect(alarmIn(sample('awsdocs-cloudwatch-and-eventbridge-1.json'))).toMatchObject({
      region: 'us-east-1',
      account: '123456789012',
      previousState: 'OK',
      period: 300,
      threshold: 50,
      breachedFrom: '2019-10-02T16:59:00.000Z',
      metrics: [{ namespace: 'AWS/EC2', name: 'CPUUtilization', dimensions: { InstanceId: 'i-12345678901234567' } }],
    });
    expect(alarmIn(sample('awsdocs-cloudwatch-and-eventbridge-4.json')).children).toEqual([
      'arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh',
    ]);
  });
});

describe('the same alarm', () => {
  const bodies = {
    'raw from SNS': JSON.stringify(snsAlarm({ at: AT })),
    'in the envelope of SNS': envelope(snsAlarm({ at: AT })),
    'from EventBridge': JSON.stringify(event({ at: AT })),
    'from EventBridge by SNS': envelope(event({ at: AT })),
    'as a Lambda function gets it': JSON.stringify({
      Records: [{ EventSource: 'aws:sns', Sns: JSON.parse(envelope(snsAlarm({ at: AT }))) }],
    }),
    'as the action of an alarm': JSON.stringify({
      source: 'aws.cloudwatch',
      alarmArn: alarmArn('shop-502'),
      accountId: '123456789012',
      alarmData: event({ at: AT }).detail,
    }),
  };

  it.each(Object.entries(bodies))('%s', (_, body) => {
    expect(alarmIn(body)).toMatchObject({
      arn: alarmArn('shop-502'),
      name: 'shop-502',
      account: '123456789012',
      region: 'eu-west-1',
      kind: 'metric',
      state: 'ALARM',
      previousState: 'OK',
      changedAt: '2026-11-20T02:44:00.123Z',
      period: 60,
      threshold: 5,
      loadBalancers: ['app/shop/50dc6c495c0c9188'],
    });
  });

  it('is read the same however it is delivered', () => {
    expect(new Set(Object.values(bodies).map((body) => alarmEventId(alarmIn(body)))).size).toBe(1);
  });
});

describe('alarms on more than one metric', () => {
  const metric = (id: string, dimensions: { name: string; value: string }[]) => ({
    Id: id,
    MetricStat: {
      Metric: { Dimensions: dimensions, MetricName: 'HTTPCode_ELB_5XX_Count', Namespace: 'AWS/ApplicationELB' },
      Period: 60,
      Stat: 'Sum',
    },
    ReturnData: false,
  });
  const loadBalancer = (name: string) => ({ name: 'LoadBalancer', value: resourceOf(name) });
  const withTrigger = (trigger: unknown) => ({ ...snsAlarm({ at: AT }), Trigger: trigger });

  it('name load balancers in the metrics of a math expression', () => {
    const alarm = alarmIn(
      withTrigger({
        Period: 60,
        EvaluationPeriods: 3,
        Threshold: 0.05,
        Metrics: [
          { Id: 'e1', Expression: 'a / b', Label: 'rate', ReturnData: true },
          metric('a', [loadBalancer('shop')]),
          metric('b', [loadBalancer('shop')]),
          metric('c', [loadBalancer('api')]),
        ],
      }),
    );
    expect(alarm).toMatchObject({
      kind: 'math',
      evaluationPeriods: 3,
      period: 60,
      loadBalancers: [resourceOf('shop'), resourceOf('api')],
    });
  });

  it('have a threshold metric for anomaly detection', () => {
    const alarm = alarmIn(
      withTrigger({
        EvaluationPeriods: 2,
        ThresholdMetricId: 'ad1',
        Metrics: [metric('m1', [loadBalancer('shop')]), { Id: 'ad1', Expression: 'ANOMALY_DETECTION_BAND(m1, 2)' }],
      }),
    );
    expect(alarm).toMatchObject({ kind: 'anomaly', loadBalancers: [resourceOf('shop')] });
  });

  it('may name only a target group', () => {
    const group = { name: 'TargetGroup', value: 'targetgroup/web/73e2d6bc24d8a067' };
    const alone = alarmIn(
      withTrigger({ MetricName: 'LambdaUserError', Namespace: 'AWS/ApplicationELB', Dimensions: [group] }),
    );
    expect(alone).toMatchObject({ loadBalancers: [], targetGroups: ['targetgroup/web/73e2d6bc24d8a067'] });
    const both = alarmIn(
      withTrigger({
        MetricName: 'UnHealthyHostCount',
        Namespace: 'AWS/ApplicationELB',
        Dimensions: [group, loadBalancer('shop')],
      }),
    );
    expect(both).toMatchObject({ loadBalancers: [resourceOf('shop')], targetGroups: [] });
  });

  it('name the alarms that triggered a composite one, else those of its rule', () => {
    const { Trigger: _, ...plain } = snsAlarm({ at: AT });
    const AlarmRule =
      'ALARM("shop 502") OR (OK(other) AND NOT ALARM(arn:aws:cloudwatch:eu-west-1:123456789012:alarm:third))';
    const told = { Arn: alarmArn('shop-502'), State: { Value: 'ALARM', Timestamp: '2026-11-20T02:43:00.000+0000' } };
    expect(alarmIn({ ...plain, AlarmRule, TriggeringChildren: [told] })).toMatchObject({
      kind: 'composite',
      children: [alarmArn('shop-502')],
    });
    expect(alarmIn({ ...plain, AlarmRule, TriggeringChildren: [] }).children).toEqual([
      'shop 502',
      'other',
      alarmArn('third'),
    ]);
  });

  it('have a state per contributor of a query', () => {
    const { detail, ...rest } = event({ at: AT, loadBalancer: null });
    const expression =
      'SELECT SUM(HTTPCode_ELB_5XX_Count) FROM SCHEMA("AWS/ApplicationELB", LoadBalancer) GROUP BY LoadBalancer';
    const contributor = alarmIn({
      ...rest,
      'detail-type': 'CloudWatch Alarm Contributor State Change',
      detail: {
        alarmName: detail.alarmName,
        state: { ...detail.state, reasonData: undefined },
        alarmContributor: { id: '6d442278dba546f6', attributes: { LoadBalancer: resourceOf('shop') } },
        configuration: { metrics: [{ id: 'm1', expression, returnData: true, period: 60 }] },
      },
    });
    expect(contributor).toMatchObject({ kind: 'query', loadBalancers: [resourceOf('shop')], period: 60 });
    expect(alarmKey(contributor)).toBe(`${alarmArn('shop-502')}#6d442278dba546f6`);
  });

  it('may name a load balancer in a query', () => {
    const { detail, ...rest } = event({ at: AT });
    const expression = `SELECT SUM(HTTPCode_ELB_5XX_Count) FROM "AWS/ApplicationELB" WHERE LoadBalancer = '${resourceOf('shop')}'`;
    const alarm = alarmIn({ ...rest, detail: { ...detail, configuration: { metrics: [{ id: 'q', expression }] } } });
    expect(alarm.loadBalancers).toEqual([resourceOf('shop')]);
  });

  it('ignore network load balancers', () => {
    const Trigger = {
      MetricName: 'UnHealthyHostCount',
      Namespace: 'AWS/NetworkELB',
      Dimensions: [{ name: 'LoadBalancer', value: 'net/inner/50dc6c495c0c9188' }],
    };
    const alarm = alarmIn(withTrigger(Trigger));
    expect(alarm.loadBalancers).toEqual([]);
    expect(unrelatedReason(alarm)).toBe('it is about AWS/NetworkELB');
  });
});

/** An event of CloudWatch while a mute rule keeps the actions of the alarm from running. */
const muted = (value: string, end = '2026-11-20T04:00:00.000+0000'): string =>
  JSON.stringify({
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    resources: ['arn:aws:cloudwatch:eu-west-1:111122223333:alarm:shop-5xx'],
    detail: {
      alarmName: 'shop-5xx',
      state: { value, timestamp: '2026-11-20T02:44:00.000+0000' },
      muteDetail: {
        mutedByArn: 'arn:aws:cloudwatch:eu-west-1:111122223333:alarm-mute-rule:nights',
        muteWindowStart: '2026-11-20T02:00:00.000+0000',
        muteWindowEnd: end,
      },
    },
  });

it('are read when a muted one ends, as its thread may be older', () => {
  expect(readMessage(muted('OK'))).toMatchObject({ alarm: { name: 'shop-5xx', state: 'OK' } });
});

it('are read after their mute window', () => {
  expect(readMessage(muted('ALARM', '2026-11-20T02:30:00.000+0000'))).toHaveProperty('alarm');
});

describe('messages that are not alarms', () => {
  it.each([
    ['words', 'hello', { poison: 'it is not JSON' }],
    ['a cut message', envelope(snsAlarm({ at: AT })).slice(0, 300), { poison: 'it is not JSON' }],
    ['a list', '[]', { poison: 'it is no JSON object' }],
    [
      'an alarm of no time',
      JSON.stringify({ ...snsAlarm({ at: AT }), StateChangeTime: 'soon' }),
      { poison: expect.stringContaining('StateChangeTime') },
    ],
    [
      'an alarm in no state',
      JSON.stringify({ ...snsAlarm({ at: AT }), NewStateValue: 'FINE' }),
      { poison: expect.stringContaining('NewStateValue') },
    ],
    [
      'words in an envelope',
      JSON.stringify({ ...JSON.parse(envelope({})), Message: 'Your budget is spent' }),
      { ignored: expect.stringContaining('no JSON') },
    ],
    [
      'a subscription',
      JSON.stringify({
        Type: 'SubscriptionConfirmation',
        TopicArn: 'arn:aws:sns:eu-west-1:1:t',
        Message: 'You have chosen',
      }),
      { ignored: 'it is a SubscriptionConfirmation of the topic arn:aws:sns:eu-west-1:1:t' },
    ],
    [
      'an alarm that is muted',
      muted('ALARM'),
      { ignored: 'shop-5xx is muted by arn:aws:cloudwatch:eu-west-1:111122223333:alarm-mute-rule:nights' },
    ],
    [
      'another event',
      JSON.stringify({ source: 'aws.ec2', 'detail-type': 'EC2 Instance State-change Notification', detail: {} }),
      { ignored: 'it is an event of aws.ec2' },
    ],
    [
      'a test of S3',
      JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent' }),
      { ignored: 'it is not a CloudWatch alarm state change' },
    ],
    [
      'records of S3',
      JSON.stringify({ Records: [{ eventSource: 'aws:s3' }] }),
      { ignored: 'its records are not from SNS' },
    ],
  ])('%s', (_, body, expected) => {
    expect(readMessage(body)).toEqual(expected);
  });

  it('are not unwrapped deeper than senders wrap them', () => {
    let body = JSON.stringify(snsAlarm({ at: AT }));
    for (let depth = 0; depth < 10; depth++) body = envelope(JSON.parse(body));
    expect(readMessage(body)).toEqual({ poison: 'it is wrapped too often' });
  });
});

describe('any message', () => {
  it('is read without an error, whatever its text', () => {
    fc.assert(fc.property(fc.string(), (body) => Object.keys(readMessage(body)).length === 1));
    fc.assert(fc.property(fc.json(), (body) => Object.keys(readMessage(body)).length === 1));
  });

  it('is read without an error, whatever replaces one of its parts', () => {
    const whole = [snsAlarm({ at: AT }), event({ at: AT }), JSON.parse(envelope(snsAlarm({ at: AT })))];
    const paths = whole.flatMap((message, which) => pathsIn(message).map((path) => ({ which, path })));
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), ({ which, path }, value) => {
        const read = readMessage(JSON.stringify(replaced(whole[which], path, value)));
        expect(Object.keys(read)).toHaveLength(1);
      }),
      { numRuns: 2000 },
    );
  });
});

function pathsIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: string[], by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.map((inner, at) => (String(at) === key ? replaced(inner, rest, by) : inner));
  return { ...(value as object), [key]: replaced((value as Record<string, unknown>)[key], rest, by) };
}
