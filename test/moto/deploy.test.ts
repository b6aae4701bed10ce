/**
 * The templates of deploy/, created in moto, and the bot on the created resources: an alarm goes in, a thread comes
 * out.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateSubnetCommand, CreateVpcCommand } from '@aws-sdk/client-ec2';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, inject, it, onTestFinished, vi } from 'vitest';
import { parse, type ScalarTag } from 'yaml';
import { startBot } from '../../src/commands/serve.ts';
import { parseConfig } from '../../src/config.ts';
import { snsAlarm } from '../support/alarms/messages.ts';
import { region } from '../support/simulator/names.ts';
import { localSlack } from '../support/slack/local-slack-for-test.ts';
import { clientsOf, environmentOf, reset } from './account.ts';
import { createStack, type Stack } from './stack.ts';

const endpoint = inject('endpoint');
const root = join(import.meta.dirname, '../..');
const template = (name: string): string => readFileSync(join(root, 'deploy', name), 'utf8');

/** moto leaves these of a template out, with a warning; cfn-lint checks them. */
const NOT_IN_MOTO = [
  'AWS::Athena::WorkGroup',
  'AWS::CloudWatch::Alarm',
  'AWS::Events::EventBusPolicy',
  'AWS::Glue::Table',
  'AWS::S3::BucketPolicy',
  'AWS::SQS::QueuePolicy',
];

const TAGS: ScalarTag[] = ['!Ref', '!Sub', '!GetAtt', '!Equals', '!Not', '!And', '!If'].map((tag) => ({
  tag,
  resolve: (text: string) => text,
}));

interface Template {
  Resources: Record<string, { Type: string; Condition?: string }>;
}

/** Names in the template that a stack without these conditions has, with their types. */
function expectedResources(text: string, without: readonly string[]): Map<string, string> {
  const { Resources } = parse(text, { customTags: TAGS, logLevel: 'error' }) as Template;
  const made = Object.entries(Resources).filter(
    ([, { Type, Condition = '' }]) => !without.includes(Condition) && !NOT_IN_MOTO.includes(Type),
  );
  return new Map(made.map(([name, { Type }]) => [name, Type]));
}

const typesIn = ({ resources }: Stack): Map<string, string> =>
  new Map([...resources].map(([name, { type }]) => [name, type]));

const sorted = (types: Map<string, string>): [string, string][] => [...types].sort();

beforeEach(async () => {
  await reset(endpoint);
  for (const [name, value] of Object.entries(environmentOf(endpoint))) vi.stubEnv(name, value);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** What a person fills in; everything else has a default. */
async function hubParameters(channel: string): Promise<Record<string, string>> {
  const { ec2 } = clientsOf(endpoint);
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.9.0.0/16' }));
  const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock: '10.9.1.0/24' }));
  return {
    Image: '123456789012.dkr.ecr.eu-west-1.amazonaws.com/alb502:0.1.0',
    SlackSecret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:alb502-AbCdEf',
    DefaultChannel: channel,
    Vpc: Vpc?.VpcId ?? '',
    Subnets: Subnet?.SubnetId ?? '',
    LogBuckets: 'arn:aws:s3:::example-alb-logs,arn:aws:s3:::example-alb-logs/*',
  };
}

/** The environment of the container, as ECS would give it. */
async function containerEnvironment({ resources }: Stack): Promise<Record<string, string>> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      Authorization: `AWS4-HMAC-SHA256 Credential=testing/20261120/${region}/ecs/aws4_request`,
      'Content-Type': 'application/x-amz-json-1.1',
      'X-Amz-Target': 'AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition',
    },
    body: JSON.stringify({ taskDefinition: resources.get('Task')?.id }),
  });
  const { taskDefinition } = (await response.json()) as {
    taskDefinition: { containerDefinitions: { environment: { name: string; value: string }[] }[] };
  };
  const [container] = taskDefinition.containerDefinitions;
  return Object.fromEntries((container?.environment ?? []).map(({ name, value }) => [name, value]));
}

it('cloudformation.yml creates its resources, and an alarm in its queue becomes a thread', async () => {
  const slack = await localSlack({ channels: ['alerts'] });
  const channel = [...slack.workspace.channels.values()].find(({ name }) => name === 'alerts')?.id ?? '';
  const text = template('cloudformation.yml');
  const stack = await createStack(endpoint, 'alb502', text, await hubParameters(channel));
  expect(sorted(typesIn(stack))).toEqual(
    sorted(expectedResources(text, ['HasKey', 'HasAthena', 'HasTable', 'HasOrganization'])),
  );

  const environment = await containerEnvironment(stack);
  const queueUrl = stack.outputs.get('QueueUrl') ?? '';
  expect(environment).toMatchObject({
    ALB502_ALARM_QUEUE_URL: queueUrl,
    ALB502_RUNS_BUCKET: stack.outputs.get('RunsBucket'),
    ALB502_ALARM_DEFAULT_CHANNEL: channel,
  });
  const { ALB502_CONFIG_JSON = '', ...others } = environment;
  // The SDK sends to the host in the queue's address, which in moto is that of AWS.
  const inMoto = `${endpoint}${new URL(queueUrl).pathname}`;
  const changed = { ALB502_HEALTH_PORT: '0', ALB502_ALARM_QUEUE_URL: inMoto };
  const config = parseConfig(JSON.parse(ALB502_CONFIG_JSON), { ...others, ...changed }, 'the stack');
  const secrets = { botToken: slack.botToken, appToken: slack.appToken, signingSecret: null };
  const bot = await startBot(config, secrets, [join(root, 'test/scenarios')], {
    slackApiUrl: slack.apiUrl,
    pace: 0,
    stream: { write() {} },
  });
  onTestFinished(() => bot.stop());
  const alarm = snsAlarm({ at: Date.parse('2026-11-18T02:50:00Z'), loadBalancer: 'app/shop-prod/4f2a9c1e7b3d5068' });
  const sqs = new SQSClient({ endpoint, region, credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' } });
  await sqs.send(new SendMessageCommand({ QueueUrl: inMoto, MessageBody: JSON.stringify(alarm) }));
  await slack.until(
    () => slack.roots('alerts').some(({ text: said }) => said.includes('shop-prod')),
    'a thread of the alarm',
  );
});

it('cloudformation.yml creates Athena and the bus for other accounts on request', async () => {
  const text = template('cloudformation.yml');
  const AthenaLogFolder = 's3://example-alb-logs/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/';
  const optional = { Organization: 'o-a1b2c3d4e5', AthenaDatabase: 'logs', AthenaLogFolder };
  const stack = await createStack(endpoint, 'alb502', text, { ...(await hubParameters('C0123456789')), ...optional });
  expect(sorted(typesIn(stack))).toEqual(sorted(expectedResources(text, ['HasKey'])));
  expect(await containerEnvironment(stack)).toMatchObject({
    ALB502_ATHENA_WORKGROUP: 'alb502',
    ALB502_ATHENA_DATABASE: 'logs',
  });
});

it('stackset-role.yml creates the role of another account, and the rule that forwards its alarms', async () => {
  const text = template('stackset-role.yml');
  const stack = await createStack(endpoint, 'reader', text, {
    HubRole: 'arn:aws:iam::123456789012:role/alb502-TaskRole',
    ExternalId: 'a-long-random-text',
    RoleRegion: region,
    LogBuckets: 'arn:aws:s3:::example-alb-logs,arn:aws:s3:::example-alb-logs/*',
    AlarmBus: 'arn:aws:events:eu-west-1:123456789012:event-bus/alb502-alarms',
  });
  expect(sorted(typesIn(stack))).toEqual(sorted(expectedResources(text, [])));
  expect(stack.outputs.get('RoleArn')).toMatch(/:role\/alb502-reader$/);
});
