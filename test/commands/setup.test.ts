/** `alb502 setup`, as an operator runs it: what it prints is used as it is printed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse, type ScalarTag } from 'yaml';
import { parseConfig } from '../../src/config.ts';
import { POLICY_BLOCKS } from '../../src/doctor/policy-blocks.ts';
import { incidentFolder } from '../support/aws/live-run.ts';
import { environmentFor, filesOf, serveAccount } from '../support/aws/recorded-account.ts';
import { temporaryFolder } from '../support/incident/folder.ts';
import { paste, shellsHere } from '../support/shell/paste.ts';

const root = join(import.meta.dirname, '../..');
const entry = join(root, 'src/cli.ts');

/** Runs in a folder with this alb502.json, far from AWS. */
async function setup(
  words: string[],
  {
    config,
    text = config && JSON.stringify(config),
    env = {},
  }: { config?: object; text?: string | undefined; env?: Record<string, string> } = {},
) {
  const cwd = temporaryFolder();
  if (text !== undefined) writeFileSync(join(cwd, 'alb502.json'), text);
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [entry, 'setup', ...words], {
    cwd,
    env: { PATH, AWS_EC2_METADATA_DISABLED: 'true', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

it.each([
  { words: [], says: 'setup needs the name of a part: slack, iam, config, alarms, logs and athena.' },
  { words: ['wat'], says: "There is no part 'wat' of setup" },
  { words: ['slack', '--http', 'http://bot.example.com'], says: 'is not an address that Slack can call' },
  {
    words: ['iam', '--cloudfront-log-bucket', 'edge/*'],
    says: '--cloudfront-log-bucket "edge/*" is not a bucket. Try: --cloudfront-log-bucket my-logs/AWSLogs/',
  },
  { words: ['iam', '--log-bucket', 's3://logs/*'], says: '--log-bucket "s3://logs/*" is not a bucket.' },
  { words: ['iam', '--log-key', 'alias/logs'], says: '--log-key "alias/logs" is not the ID or the ARN of a KMS key.' },
  { words: ['iam', '--account', 'bank'], says: 'The configuration has no account "bank". Choose from: default.' },
  { words: ['config', '--channel', '#alerts'], says: 'alarms.defaultChannel: "#alerts" is not the id of a channel' },
  { words: ['alarms', '--queue', 'https://example.com/q'], says: 'is not a queue of SQS' },
  {
    words: ['alarms', '--queue', 'q', '--topic', 'alerts'],
    says: '--topic "alerts" is not the ARN of an SNS topic, such as arn:aws:sns:eu-west-1:123456789012:alarms.',
  },
])('$words ends with one sentence: $says', async ({ words, says }) => {
  const { code, stdout, stderr } = await setup(words);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^[^\n]+\n$/);
  expect(stderr).toContain(says);
});

describe('slack', () => {
  it('prints the manifest of the package', async () => {
    const { stdout, stderr } = await setup(['slack']);
    expect(stdout).toBe(readFileSync(join(root, 'manifest.yml'), 'utf8'));
    for (const name of ['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN']) expect(stderr).toContain(name);
  });

  it('sends all requests to the address with --http, and opens no socket', async () => {
    const { stdout, stderr } = await setup(['slack', '--http', 'https://bot.shop.test', '--optional']);
    const { settings, features, oauth_config } = parse(stdout);
    const url = 'https://bot.shop.test/slack/events';
    expect(settings.socket_mode_enabled).toBe(false);
    expect(settings.interactivity).toMatchObject({ request_url: url, message_menu_options_url: url });
    expect(features.slash_commands[0].url).toBe(url);
    expect(oauth_config.scopes.bot).toContain('channels:history');
    expect(stderr).toContain('SLACK_SIGNING_SECRET');
    expect(stdout).toMatch(/^# The Slack app, for requests over HTTP: [^\n]+\n_metadata:/);
  });
});

interface Statement {
  Sid: string;
  Resource: string | string[];
  Condition?: unknown;
}
const statementsIn = (text: string): Statement[] => (JSON.parse(text) as { Statement: Statement[] }).Statement;
const resourcesIn = (text: string): Record<string, string | string[]> =>
  Object.fromEntries(statementsIn(text).map(({ Sid, Resource }) => [Sid, Resource]));
const FILES = globSync('deploy/iam-policy*.json', { cwd: root });

describe('iam', () => {
  it('has every statement of the policies in deploy/ in one block', () => {
    const sids = FILES.flatMap((file) => statementsIn(readFileSync(join(root, file), 'utf8')));
    const inBlocks = POLICY_BLOCKS.flatMap(([, own]) => [...own]);
    expect([...inBlocks].sort()).toEqual(sids.map(({ Sid }) => Sid).sort());
  });

  it('fills in the buckets that load balancers log to', async () => {
    const account = await serveAccount(filesOf(incidentFolder('001')));
    const { stdout, stderr } = await setup(['iam'], { env: environmentFor(account.port) });
    expect(resourcesIn(stdout)).toMatchObject({
      FindLogFiles: 'arn:aws:s3:::example-alb-logs',
      ReadLogFiles: 'arn:aws:s3:::example-alb-logs/AWSLogs/*',
    });
    expect(stderr).toContain('Left out: Athena; to have it, set athena.table');
    expect(stderr).not.toContain('not known');
  });

  it('keeps the placeholder without access to AWS, and says so', async () => {
    const { code, stdout, stderr } = await setup(['iam']);
    expect(code).toBe(0);
    expect(stdout).toContain('arn:aws:s3:::LOG-BUCKET/LOG-PREFIX*');
    expect(stderr).toMatch(
      /^Could not look up the buckets of your access logs, so their names are left open; --log-bucket names them\. No AWS region is set\./,
    );
    expect(stderr).toContain('  Replace LOG-BUCKET: name the buckets of access logs with --log-bucket.\n');
  });

  it('has a block with the right names for each feature in the configuration', async () => {
    const config = {
      athena: { workGroup: 'ops', database: 'logs', outputLocation: 's3://results/alb502/' },
      runs: { s3: { bucket: 'runs', prefix: 'bot/' } },
      alarms: { sqs: { queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/alarms' } },
    };
    const key = '1234abcd-12ab-34cd-56ef-1234567890ab';
    const words = ['iam', '--log-bucket', 'logs-a/AWSLogs/', 'logs-b/team/', '--log-group', '/aws/vendedlogs/alb'];
    const guarded = [
      '--log-key',
      `arn:aws:kms:eu-west-1:123456789012:key/${key}`,
      '--results-key',
      key,
      '--lake-formation',
      '--cloudfront-log-bucket',
      'edge-logs/shop/',
      '--cloudfront-log-group',
      '/aws/edge',
    ];
    const { stdout, stderr } = await setup([...words, ...guarded], { config, env: { ALB502_CONFIG: '' } });
    expect(resourcesIn(stdout)).toMatchObject({
      FindLogFiles: ['arn:aws:s3:::logs-a', 'arn:aws:s3:::logs-b'],
      ReadLogFiles: ['arn:aws:s3:::logs-a/AWSLogs/*', 'arn:aws:s3:::logs-b/team/*'],
      DecryptLogFiles: `arn:aws:kms:*:*:key/${key}`,
      EncryptQueryResults: `arn:aws:kms:*:*:key/${key}`,
      ReadTheTableByLakeFormation: '*',
      ReadLogGroup: 'arn:aws:logs:*:*:log-group:/aws/vendedlogs/alb:*',
      AnswersOfLogGroup: '*',
      FindEdgeLogFiles: 'arn:aws:s3:::edge-logs',
      ReadEdgeLogFiles: 'arn:aws:s3:::edge-logs/shop/*',
      ReadEdgeLogGroup: 'arn:aws:logs:us-east-1:*:log-group:/aws/edge:*',
      QueryLogFiles: 'arn:aws:athena:*:*:workgroup/ops',
      FindTheTable: ['arn:aws:glue:*:*:catalog', 'arn:aws:glue:*:*:database/logs', 'arn:aws:glue:*:*:table/logs/*'],
      WriteQueryResults: 'arn:aws:s3:::results/alb502/*',
      FindLoadBalancersOfAlarms: '*',
      TakeAlarmsFromTheQueue: 'arn:aws:sqs:eu-west-1:123456789012:alarms',
      KeepRuns: 'arn:aws:s3:::runs/bot/*',
    });
    const conditionOf = (sid: string) => statementsIn(stdout).find(({ Sid }) => Sid === sid)?.Condition;
    expect(conditionOf('FindRuns')).toEqual({ StringLike: { 's3:prefix': 'bot/*' } });
    expect(conditionOf('FindLogFiles')).toEqual({ StringLike: { 's3:prefix': ['AWSLogs/*', 'team/*'] } });
    expect(stdout).not.toMatch(/[A-Z]+-[A-Z]+|WORKGROUP|DATABASE/);
    expect(stderr).not.toContain('Left out');
  });

  const other = 'arn:aws:iam::210987654321:role/alb502-reader';
  const accounts = [{ name: 'bank', roleArn: other, regions: ['eu-west-1'] }];

  it('lets the bot assume the roles of other accounts, and read nothing itself', async () => {
    const { stdout, stderr } = await setup(['iam'], { config: { accounts } });
    expect(resourcesIn(stdout)).toEqual({ AssumeRolesOfOtherAccounts: [other] });
    expect(stderr).toContain('The policy of the role in bank: alb502 setup iam --account bank\n');
    expect(stderr).toContain('aws iam put-role-policy --role-name alb502');
  });

  it('gives the role of another account read access, and no queue', async () => {
    const queueUrl = 'https://sqs.eu-west-1.amazonaws.com/123456789012/alarms';
    const words = ['iam', '--account', 'bank', '--log-bucket', 'bank-logs'];
    const { stdout, stderr } = await setup(words, { config: { accounts, alarms: { sqs: { queueUrl } } } });
    expect(stderr).toMatch(/the role must also trust the bot, with the external ID\. \S+\/deploy\/stackset-role\.yml/);
    expect(Object.keys(resourcesIn(stdout)).sort()).toEqual([
      'ConfigurationMetricsAndChanges',
      'FindDistributions',
      'FindLoadBalancersOfAlarms',
      'FindLogFiles',
      'NamesOfTargets',
      'ReadLogFiles',
      'TimeoutsOfLambdaTargets',
      'WeightsOfLambdaAliases',
    ]);
  });

  it.each([
    { address: 'ssm:/ops/alb502', sid: 'ReadTheParameter', arn: 'arn:aws-cn:ssm:*:*:parameter/ops/alb502' },
    {
      address: 'secretsmanager:alb502',
      sid: 'ReadTheSecret',
      arn: 'arn:aws-cn:secretsmanager:*:*:secret:alb502-??????',
    },
  ])('allows reading a configuration stored in $address', async ({ address, sid, arn }) => {
    // Both services, with what the bot reads of their answers.
    const server = createServer((_, response) => {
      response.end(JSON.stringify({ Parameter: { Value: '{}' }, SecretString: '{}' }));
    });
    onTestFinished(() => void server.close());
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const env = { ...environmentFor((server.address() as AddressInfo).port), ALB502_CONFIG: address };
    const { stdout } = await setup(['iam', '--log-bucket', 'logs', '--region', 'cn-north-1'], { env });
    expect(resourcesIn(stdout)).toMatchObject({ [sid]: arn });
  });
});

describe('config', () => {
  it('prints a valid configuration that keeps existing values', async () => {
    const config = {
      maxUsd: 3,
      alarms: { routes: [{ channel: 'C0BANK' }] },
      runs: { folder: 'here', retentionDays: 7 },
    };
    const queue = 'https://sqs.eu-west-1.amazonaws.com/123456789012/alarms';
    const words = ['config', '--channel', 'C0123456789', '--queue', queue, '--runs-bucket', 'runs'];
    const { code, stdout } = await setup(words, { config });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      maxUsd: 3,
      alarms: { routes: [{ channel: 'C0BANK' }], sqs: { queueUrl: queue }, defaultChannel: 'C0123456789' },
      runs: { s3: { bucket: 'runs' }, retentionDays: 7 },
    });
    expect(parseConfig(JSON.parse(stdout), {}, 'what was printed').runs.s3?.bucket).toBe('runs');
  });

  it('starts a configuration in the file that the shell has emptied for it', async () => {
    const { code, stdout, stderr } = await setup(['config', '--channel', 'C0123456789'], { text: '' });
    expect({ code, ...JSON.parse(stdout) }).toEqual({ code: 0, alarms: { defaultChannel: 'C0123456789' } });
    expect(stderr).toMatch(/^alb502.json was empty, so this begins anew/);
  });

  it('says which settings are missing and what that means', async () => {
    const { stdout, stderr } = await setup(['config']);
    expect(stdout).toBe('{}\n');
    for (const setting of ['accounts', 'alarms.sqs.queueUrl', 'runs', 'slack.allow'])
      expect(stderr).toMatch(new RegExp(`^${setting}: `, 'm'));
  });
});

describe('alarms', () => {
  const queue = 'arn:aws:sqs:eu-west-1:123456789012:alarms';
  const [shell = 'bash'] = shellsHere;

  /** The commands as a shell reads them: words of each call of aws. */
  async function commands(words: string[]): Promise<string[][]> {
    const { stdout } = await setup(['alarms', ...words]);
    return paste(shell, stdout.trim().split('\n'))
      .calls.flat()
      .map(([, ...rest]) => rest);
  }
  const optionOf = (call: readonly string[] | undefined, option: string): string =>
    call?.[call.indexOf(option) + 1] ?? '';

  it("creates the template's queue, dead-letter queue and rule", async () => {
    const calls = await commands(['--queue', queue]);
    expect(calls.map((call) => call.slice(0, 2).join(' '))).toEqual([
      'sqs create-queue',
      'sqs set-queue-attributes',
      'sqs create-queue',
      'sqs set-queue-attributes',
      'events put-rule',
      'events put-targets',
    ]);
    const attributes = JSON.parse(optionOf(calls[3], '--attributes'));
    expect(JSON.parse(attributes.RedrivePolicy)).toEqual({
      deadLetterTargetArn: `${queue}-dead-letters`,
      maxReceiveCount: 5,
    });
    expect(JSON.parse(attributes.Policy).Statement[0]).toMatchObject({
      Principal: { Service: 'events.amazonaws.com' },
      Condition: { ArnEquals: { 'aws:SourceArn': 'arn:aws:events:eu-west-1:123456789012:rule/alb502-alarms' } },
    });
    const tags: ScalarTag[] = ['!Ref', '!Sub', '!GetAtt', '!Equals', '!Not', '!And', '!If'].map((tag) => ({
      tag,
      resolve: (text: string) => text,
    }));
    const template = parse(readFileSync(join(root, 'deploy/cloudformation.yml'), 'utf8'), {
      customTags: tags,
      logLevel: 'error',
    });
    expect(JSON.parse(optionOf(calls[4], '--event-pattern'))).toEqual(
      template.Resources.AlarmRule.Properties.EventPattern,
    );
    expect(JSON.parse(optionOf(calls[5], '--targets'))).toEqual([{ Id: 'alb502', Arn: queue }]);
  });

  it('subscribes the queue to each topic, and lets only these send', async () => {
    const topics = ['arn:aws:sns:eu-west-1:123456789012:ops', 'arn:aws:sns:us-east-1:123456789012:ops'];
    const calls = await commands(['--queue', queue, '--topic', ...topics]);
    const { Policy } = JSON.parse(optionOf(calls[3], '--attributes'));
    expect(JSON.parse(Policy).Statement[0].Condition).toEqual({ ArnEquals: { 'aws:SourceArn': topics } });
    expect(
      calls.slice(4).map((call) => [optionOf(call, '--region'), optionOf(call, '--notification-endpoint')]),
    ).toEqual([
      ['eu-west-1', queue],
      ['us-east-1', queue],
    ]);
  });

  it('says what to set if the queue is not the configured one', async () => {
    const { stderr } = await setup(['alarms', '--queue', queue]);
    expect(stderr).toContain('ALB502_ALARM_QUEUE_URL) to https://sqs.eu-west-1.amazonaws.com/123456789012/alarms.');
    expect(stderr).toContain('alarms.defaultChannel');
  });
});

describe('logs', () => {
  const ARN = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop-prod/50dc6c495c0c9188';

  it('prints the policy of the bucket before the attribute that needs it, without asking for an ARN', async () => {
    const { code, stdout, stderr } = await setup(['logs', ARN, '--bucket', 'my-logs', '--days', '14']);
    expect(code).toBe(0);
    expect(stdout.indexOf('put-bucket-policy')).toBeGreaterThan(0);
    expect(stdout.indexOf('put-bucket-policy')).toBeLessThan(stdout.indexOf('modify-load-balancer-attributes'));
    expect(stdout).toContain('"Expiration":{"Days":14}');
    expect(stderr).toContain('Nothing was changed');
  });

  it.each([
    [[], 'Where should the log go? Give --bucket my-logs for S3'],
    [['--bucket', 's3://my-logs'], '--bucket "s3://my-logs" is not the name of a bucket'],
    [['--bucket', 'my-logs', '--prefix', 'AWSLogs'], '--prefix "AWSLogs" cannot be used'],
    [['--log-group', 'a b'], '--log-group "a b" is not the name of a log group'],
    [['--log-group', '/alb', '--days', '31'], 'A log group cannot keep events for 31 days'],
    [['--bucket', 'my-logs', '--days', 'ten'], '--days "ten" is not a number of days'],
  ])('%j: %s', async (words, says) => {
    const { code, stderr } = await setup(['logs', ARN, ...words]);
    expect(code).toBe(1);
    expect(stderr).toContain(says);
  });
});
