/** Alarms against moto: SNS to SQS with the real clients, and lookups of composite alarms and target groups. */
import { CloudWatchClient, PutMetricAlarmCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { CreateTargetGroupCommand, DescribeTargetGroupsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Logger } from 'pino';
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest';
import { liveLookup } from '../../src/alarms/affected-load-balancers.ts';
import type { Alarm } from '../../src/alarms/alarm-event.ts';
import { readMessage } from '../../src/alarms/read-message.ts';
import { openSqs } from '../../src/alarms/sqs.ts';
import { parseConfig } from '../../src/config.ts';
import { snsAlarm } from '../support/alarms/messages.ts';
import { region } from '../support/simulator/names.ts';
import { type BuiltLoadBalancer, build, clientsOf, createSharedResources, environmentOf, reset } from './account.ts';
import { keepAlive } from './scenarios.ts';

const endpoint = inject('endpoint');
const clients = clientsOf(endpoint);
const settings = { endpoint, region, credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' } };
const sqs = new SQSClient(settings);
const cloudwatch = new CloudWatchClient(settings);
const AT = Date.parse('2026-11-20T02:44:00.000Z');

let shop: BuiltLoadBalancer;
let resource: string;

beforeAll(async () => {
  await reset(endpoint);
  for (const [name, value] of Object.entries(environmentOf(endpoint))) vi.stubEnv(name, value);
  shop = await build(await createSharedResources(clients, 'example-alb-logs'), keepAlive(Date.now()));
  resource = shop.arn.split(':loadbalancer/')[1] ?? '';
});
afterAll(() => vi.unstubAllEnvs());

/** A call of SNS, which the bot itself never makes: as a form, like any client of long ago. The value of one element of the answer. */
async function sns(Action: string, input: Record<string, string>, element: string): Promise<string> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { Authorization: `AWS4-HMAC-SHA256 Credential=testing/20261120/${region}/sns/aws4_request` },
    body: new URLSearchParams({ Action, Version: '2010-03-31', ...input }),
  });
  return new RegExp(`<${element}>(.*?)</${element}>`).exec(await response.text())?.[1] ?? '';
}

function alarmIn(message: unknown): Alarm {
  const read = readMessage(JSON.stringify(message));
  if (!('alarm' in read)) throw new Error(JSON.stringify(read));
  return read.alarm;
}
const account = () => shop.arn.split(':')[4] ?? '';
const look = (alarm: Alarm) => liveLookup(parseConfig({}, {}, 'test'))(alarm, new AbortController().signal);

it('handles a published message once, and deletes it', async () => {
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'alarms' }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  const TopicArn = await sns('CreateTopic', { Name: 'alarms' }, 'TopicArn');
  await sns('Subscribe', { TopicArn, Protocol: 'sqs', Endpoint: Attributes?.QueueArn ?? '' }, 'SubscriptionArn');
  const handled: string[] = [];
  const log = { info() {}, warn() {}, error() {} } as unknown as Pick<Logger, 'info' | 'warn' | 'error'>;
  const queue = openSqs({
    queueUrl: QueueUrl,
    region,
    client: sqs,
    log,
    isDown: () => false,
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    async handle(body) {
      handled.push(body);
      return { outcome: 'handled', transition: [] };
    },
  });
  await queue.start();
  await sns('Publish', { TopicArn, Message: JSON.stringify(snsAlarm({ at: AT })) }, 'MessageId');
  await vi.waitFor(() => expect(handled).toHaveLength(1), { timeout: 20_000 });
  expect(readMessage(handled[0] ?? '')).toMatchObject({ alarm: { name: 'shop-502', state: 'ALARM' } });
  await vi.waitFor(
    async () => {
      const AttributeNames = ['ApproximateNumberOfMessages' as const, 'ApproximateNumberOfMessagesNotVisible' as const];
      const left = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
      expect(Object.values(left.Attributes ?? {})).toEqual(['0', '0']);
    },
    { timeout: 20_000 },
  );
  await queue.stop(1000, () => {});
});

it('finds the load balancer of a composite alarm through its child', async () => {
  const metric = {
    Namespace: 'AWS/ApplicationELB',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 5,
    Statistic: 'Sum' as const,
    ComparisonOperator: 'GreaterThanThreshold' as const,
  };
  const Dimensions = [{ Name: 'LoadBalancer', Value: resource }];
  await cloudwatch.send(
    new PutMetricAlarmCommand({ AlarmName: 'shop-502', MetricName: 'HTTPCode_ELB_502_Count', Dimensions, ...metric }),
  );
  await cloudwatch.send(new SetAlarmStateCommand({ AlarmName: 'shop-502', StateValue: 'ALARM', StateReason: 'test' }));
  // Only the children are asked for; moto makes no composite alarms.
  const { Trigger: _, ...plain } = snsAlarm({ at: AT, name: 'shop-any' });
  const about = await look(alarmIn({ ...plain, AlarmRule: 'ALARM(shop-502)', TriggeringChildren: [] }));
  expect(about).toMatchObject({ loadBalancers: [resource], sentences: [] });
});

it('finds the load balancer in front of a target group', async () => {
  const { TargetGroups = [] } = await clients.elbv2.send(
    new DescribeTargetGroupsCommand({ LoadBalancerArn: shop.arn }),
  );
  const group = (TargetGroups[0]?.TargetGroupArn ?? '').split(':').at(-1) ?? '';
  const arn = `arn:aws:cloudwatch:${region}:${account()}:alarm:lambda`;
  const Trigger = {
    MetricName: 'LambdaUserError',
    Namespace: 'AWS/ApplicationELB',
    Dimensions: [{ name: 'TargetGroup', value: group }],
  };
  const alarm = alarmIn({ ...snsAlarm({ at: AT }), AlarmArn: arn, AWSAccountId: account(), Trigger });
  expect(await look(alarm)).toMatchObject({ loadBalancers: [resource], sentences: [] });
  // One that nothing forwards to.
  const { TargetGroups: lone = [] } = await clients.elbv2.send(
    new CreateTargetGroupCommand({ Name: 'lone', TargetType: 'lambda' }),
  );
  const other = { name: 'TargetGroup', value: (lone[0]?.TargetGroupArn ?? '').split(':').at(-1) ?? '' };
  const about = await look({ ...alarm, targetGroups: [other.value] });
  expect(about.sentences).toEqual([`No Application Load Balancer forwards to ${other.value} any more.`]);
});
