/**
 * Alarm messages as CloudWatch and SNS write them (AWS documentation; samples in this folder), with a test's changes.
 */

export const ACCOUNT = '123456789012';
export const REGION = 'eu-west-1';
export const TOPIC = `arn:aws:sns:${REGION}:${ACCOUNT}:alarms`;

export interface AlarmFields {
  name?: string;
  state?: 'ALARM' | 'OK' | 'INSUFFICIENT_DATA';
  /** Epoch milliseconds. */
  at: number;
  /** The `app/<name>/<id>`; null for an alarm that names none. */
  loadBalancer?: string | null;
  reason?: string;
}

export const resourceOf = (name: string): string => `app/${name}/50dc6c495c0c9188`;
export const arnOf = (name: string): string =>
  `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:loadbalancer/${resourceOf(name)}`;
export const alarmArn = (name: string): string => `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:${name}`;

/** As CloudWatch writes times: an offset without a colon. */
const stamp = (at: number): string => new Date(at).toISOString().replace('Z', '+0000');

/** What SNS has as its Message. */
export function snsAlarm({
  name = 'shop-502',
  state = 'ALARM',
  at,
  loadBalancer = resourceOf('shop'),
  reason,
}: AlarmFields) {
  const datapoint = new Date(at - 120_000).toISOString();
  const said = `${datapoint.slice(8, 10)}/${datapoint.slice(5, 7)}/${datapoint.slice(2, 4)} ${datapoint.slice(11, 16)}:00`;
  return {
    AlarmName: name,
    AlarmDescription: null,
    AWSAccountId: ACCOUNT,
    AlarmConfigurationUpdatedTimestamp: '2026-01-01T00:00:00.000+0000',
    NewStateValue: state,
    NewStateReason:
      reason ??
      `Threshold Crossed: 1 out of the last 1 datapoints [12.0 (${said})] was greater than the threshold (5.0).`,
    StateChangeTime: stamp(at),
    Region: 'EU (Ireland)',
    AlarmArn: alarmArn(name),
    OldStateValue: state === 'ALARM' ? 'OK' : 'ALARM',
    OKActions: [],
    AlarmActions: [TOPIC],
    InsufficientDataActions: [],
    Trigger: {
      MetricName: 'HTTPCode_ELB_502_Count',
      Namespace: 'AWS/ApplicationELB',
      StatisticType: 'Statistic',
      Statistic: 'SUM',
      Unit: null,
      Dimensions: loadBalancer === null ? [] : [{ value: loadBalancer, name: 'LoadBalancer' }],
      Period: 60,
      EvaluationPeriods: 1,
      DatapointsToAlarm: 1,
      ComparisonOperator: 'GreaterThanThreshold',
      Threshold: 5.0,
      TreatMissingData: '- TreatMissingData:                    notBreaching',
      EvaluateLowSampleCountPercentile: '',
    },
  };
}

/** The same as EventBridge sends it. */
export function event({
  name = 'shop-502',
  state = 'ALARM',
  at,
  loadBalancer = resourceOf('shop'),
  reason,
}: AlarmFields) {
  return {
    version: '0',
    id: 'c4c1c1c9-6542-e61b-6ef0-8c4d36933a92',
    'detail-type': 'CloudWatch Alarm State Change',
    source: 'aws.cloudwatch',
    account: ACCOUNT,
    time: new Date(at).toISOString(),
    region: REGION,
    resources: [alarmArn(name)],
    detail: {
      alarmName: name,
      configuration: {
        metrics: [
          {
            id: 'm1',
            metricStat: {
              metric: {
                dimensions: loadBalancer === null ? {} : { LoadBalancer: loadBalancer },
                name: 'HTTPCode_ELB_502_Count',
                namespace: 'AWS/ApplicationELB',
              },
              period: 60,
              stat: 'Sum',
            },
            returnData: true,
          },
        ],
      },
      previousState: { value: state === 'ALARM' ? 'OK' : 'ALARM', timestamp: stamp(at - 600_000), reason: '' },
      state: {
        value: state,
        timestamp: stamp(at),
        reason: reason ?? 'Threshold Crossed',
        reasonData: JSON.stringify({
          version: '1.0',
          queryDate: stamp(at),
          startDate: stamp(at - 180_000),
          period: 60,
          recentDatapoints: [12, 9, 11],
          threshold: 5,
        }),
      },
    },
  };
}

/** What SNS puts a message in for a queue. */
export const envelope = (message: unknown): string =>
  JSON.stringify({
    Type: 'Notification',
    MessageId: 'dc1e94d9-56c5-5e96-808d-cc7f68faa162',
    TopicArn: TOPIC,
    Subject: 'ALARM: "shop-502" in EU (Ireland)',
    Message: JSON.stringify(message),
    Timestamp: '2026-11-20T02:44:00.000Z',
    SignatureVersion: '1',
    Signature: 'EXAMPLE',
    SigningCertURL: 'EXAMPLE',
    UnsubscribeURL: 'EXAMPLE',
  });
