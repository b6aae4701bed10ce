/** `alb502 serve --check` before a local Slack, a recorded account and a queue of another maker. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startFauxqs } from 'fauxqs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { incidentFolder } from '../support/aws/live-run.ts';
import { environmentFor, filesOf, serveAccount } from '../support/aws/recorded-account.ts';
import { alb502, tokens } from '../support/cli-process.ts';
import { temporaryFolder } from '../support/incident/folder.ts';
import { localSlack } from '../support/slack/local-slack-for-test.ts';

describe('--check', () => {
  it('checks everything and changes nothing', async () => {
    const slack = await localSlack();
    const account = await serveAccount(filesOf(incidentFolder('001')));
    const run = alb502(['serve', '--check'], { ...tokens(slack), ...environmentFor(account.port) });
    expect(await run.ended).toBe(0);
    expect(run.said().split('\n').slice(0, -1)).toEqual([
      expect.stringMatching(/^ok +configuration +1 account, Slack by socket$/),
      expect.stringMatching(/^ok +bot token +@alb502 in .*\(T0LOCAL\)$/),
      expect.stringMatching(/^ok +app-level token +may open a socket$/),
      expect.stringMatching(/^ok +run records +folder alb502-runs, kept 90 days$/),
      expect.stringMatching(/^ok +temporary space +.*: .* free$/),
      expect.stringMatching(/^ok +account +default: arn:aws:/),
      expect.stringMatching(/^ok +AWS +default, eu-west-1: 1 load balancer$/),
    ]);
    expect(run.complained()).toBe('');
  });

  it('names each thing that is missing', async () => {
    const slack = await localSlack({ mayRefuse: true });
    slack.fail('apps.connections.open', { error: 'not_allowed_token_type' });
    slack.fail('auth.test', { error: 'invalid_auth' });
    const account = await serveAccount(filesOf(incidentFolder('001')));
    account.always('*', { code: 'AccessDenied', status: 403 });
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'inner'));
    writeFileSync(join(folder, 'inner', 'runs'), '');
    const run = alb502(
      ['serve', '--check'],
      { ...tokens(slack), ...environmentFor(account.port) },
      {
        runs: { folder: join(folder, 'inner', 'runs') },
        alarms: { sqs: { queueUrl: `http://127.0.0.1:${account.port}/123456789012/alarms`, region: 'eu-west-1' } },
      },
    );
    expect(await run.ended).toBe(2);
    for (const line of [
      /^missing +bot token +Slack refuses SLACK_BOT_TOKEN \(invalid_auth\): copy the one that begins with xoxb- from/m,
      /^missing +app-level token +Slack refuses SLACK_APP_TOKEN \(not_allowed_token_type\): create one with the scope connections:write/m,
      /^missing +run records +folder .*: Run records cannot be kept in .*: a file is in its place\.$/m,
      /^missing +AWS +default, eu-west-1: .*DescribeLoadBalancers/m,
      /^missing +account +default: sts:GetCallerIdentity/m,
      /^note +queue +.* was not checked: sqs:GetQueueAttributes was denied; alb502 setup iam prints the statement$/m,
      /^missing +alarms +alarms.routes and alarms.defaultChannel are not set/m,
    ])
      expect(run.said()).toMatch(line);
    expect(run.complained()).toBe('6 of 9 checks failed, so the bot would not work completely.\n');
    expect(run.said()).not.toContain(slack.botToken);
  });

  it('reports that temporary files cannot be written', async () => {
    const slack = await localSlack();
    const account = await serveAccount(filesOf(incidentFolder('001')));
    const env = { ...tokens(slack), ...environmentFor(account.port), TMPDIR: join(temporaryFolder(), 'gone') };
    const run = alb502(['serve', '--check'], env);
    expect(await run.ended).toBe(2);
    expect(run.said()).toMatch(
      /^missing +temporary space +Temporary files cannot be written to .*: it does not exist/m,
    );
  });

  it.each([
    { roleArn: undefined, says: /^ok +account +shop: arn:aws:/m },
    { roleArn: 'arn:aws:iam::123456789012:role/alb502', says: /^missing +account +shop: .*sts:AssumeRole/m },
  ])('shows its identity in an account, with role $roleArn', async ({ roleArn, says }) => {
    const slack = await localSlack();
    const account = await serveAccount(filesOf(incidentFolder('001')));
    account.always('sts:AssumeRole', { code: 'AccessDenied', status: 403 });
    const accounts = [{ name: 'shop', ...(roleArn === undefined ? {} : { roleArn }) }];
    const run = alb502(['serve', '--check'], { ...tokens(slack), ...environmentFor(account.port) }, { accounts });
    await run.ended;
    expect(run.said()).toMatch(says);
  });
});

describe('channels of alarms', () => {
  const channels = [
    { name: 'alerts' },
    { name: 'shop', hasBot: false },
    { name: 'old', isArchived: true },
    { name: 'secret', isPrivate: true, hasBot: false },
  ];

  async function check(scopes: string[]) {
    const slack = await localSlack({ channels, scopes, mayRefuse: true });
    const idOf = (name: string) => [...slack.workspace.channels.values()].find((one) => one.name === name)?.id ?? '';
    const account = await serveAccount(filesOf(incidentFolder('001')));
    const config = {
      alarms: {
        sns: { topics: ['arn:aws:sns:eu-west-1:123456789012:ops'] },
        routes: ['shop', 'old', 'secret'].map((name) => ({ alarm: name, channel: idOf(name) })),
        defaultChannel: idOf('alerts'),
      },
    };
    const run = alb502(['serve', '--check'], { ...tokens(slack), ...environmentFor(account.port) }, config);
    await run.ended;
    return run.said();
  }
  const BASIC = ['commands', 'chat:write', 'files:write', 'app_mentions:read'];

  it('must have the bot in them', async () => {
    const said = await check([...BASIC, 'channels:read', 'groups:read']);
    for (const line of [
      /^missing +channel +#shop \(C\w+, alarms.routes\): the bot is not in it; type \/invite there$/m,
      /^missing +channel +#old \(C\w+, alarms.routes\): it is archived; name another channel$/m,
      /^missing +channel +C\w+ \(alarms.routes\): there is no such channel, or it is private/m,
      /^ok +channel +#alerts \(C\w+, alarms.defaultChannel\)$/m,
    ])
      expect(said).toMatch(line);
  });

  it('are not checked without the scope, which is reported once', async () => {
    const said = await check(BASIC);
    expect(said.match(/^note +channel .*without the scopes channels:read and groups:read$/gm)).toHaveLength(1);
  });
});

describe('the queue of alarms', () => {
  const REGION = 'eu-west-1';
  const arn = (name: string) => `arn:aws:sqs:${REGION}:000000000000:${name}`;
  const policy = (Service: string, other: object = {}) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { Service }, Action: 'sqs:SendMessage', Resource: arn('alarms'), ...other },
      ],
    });
  const redrive = (maxReceiveCount: number) => JSON.stringify({ deadLetterTargetArn: arn('dead'), maxReceiveCount });

  async function check(attributes: Record<string, string> | null, lost = 0): Promise<string> {
    const slack = await localSlack();
    const account = await serveAccount(filesOf(incidentFolder('001')));
    const aws = await startFauxqs({ port: 0, logger: false });
    onTestFinished(() => aws.stop());
    aws.createQueue('dead', { region: REGION });
    if (attributes !== null) aws.createQueue('alarms', { region: REGION, attributes });
    for (let sent = 0; sent < lost; sent++) aws.sendMessage('dead', 'not an alarm', { region: REGION });
    const env = { ...tokens(slack), ...environmentFor(account.port), AWS_ENDPOINT_URL_SQS: aws.address };
    const sqs = { queueUrl: `${aws.address}/000000000000/alarms`, region: REGION };
    const run = alb502(['serve', '--check'], env, { alarms: { sqs, defaultChannel: 'C0ALERTS' } });
    await run.ended;
    return run.said();
  }

  it.each([
    {
      situation: 'is as it should be',
      attributes: { Policy: policy('events.amazonaws.com'), RedrivePolicy: redrive(5) },
      says: [
        /^ok +queue +http.*: 0 messages wait, 0 in flight$/m,
        /^ok +queue policy +events.amazonaws.com may send$/m,
        /^ok +dead letters +after 5 receives, none now$/m,
      ],
    },
    {
      situation: 'has messages among its dead letters',
      attributes: { Policy: policy('sns.amazonaws.com'), RedrivePolicy: redrive(5) },
      lost: 2,
      says: [/^note +dead letters +after 5 receives; 2 messages are there, and the log of the bot has the reason$/m],
    },
    {
      situation: 'gives up after the first receive',
      attributes: { Policy: policy('sns.amazonaws.com'), RedrivePolicy: redrive(1) },
      says: [/^missing +dead letters +after 1 receive: set maxReceiveCount to 3 or more/m],
    },
    {
      situation: 'lets nobody send and has no dead-letter queue',
      attributes: {},
      says: [
        /^missing +queue policy +it lets neither events.amazonaws.com nor sns.amazonaws.com send/m,
        /^missing +dead letters +the queue has no RedrivePolicy, .*; alb502 setup alarms prints one$/m,
      ],
    },
    {
      situation: 'lets the topics in a condition send',
      attributes: {
        Policy: policy('', { Principal: '*', Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:sns:*:*:ops' } } }),
        RedrivePolicy: redrive(5),
      },
      says: [/^ok +queue policy +senders that meet the conditions of its policy may send$/m],
    },
    {
      situation: 'lets anyone send',
      attributes: { Policy: policy('', { Principal: { AWS: '*' } }), RedrivePolicy: redrive(5) },
      says: [/^note +queue policy +anyone may send, and so open threads; add a condition on aws:SourceArn/m],
    },
    {
      situation: 'is encrypted by a key that EventBridge may not use',
      attributes: { Policy: policy('events.amazonaws.com'), KmsMasterKeyId: 'alias/aws/sqs' },
      says: [/^missing +queue policy +alias\/aws\/sqs encrypts the queue/m],
    },
    {
      situation: 'does not exist',
      attributes: null,
      says: [/^missing +queue +http.* does not exist; alb502 setup alarms prints the commands that make it$/m],
    },
  ])('$situation', async ({ attributes, lost, says }) => {
    const said = await check(attributes, lost);
    for (const line of says) expect(said).toMatch(line);
  });
});
