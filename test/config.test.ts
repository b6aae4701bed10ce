/** The configuration: defaults, precedence, and messages about mistakes. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../src/commands/read-config.ts';
import { type Config, parseConfig, readSecrets } from '../src/config.ts';
import { Problem } from '../src/problem.ts';

const STANDARD: Config = {
  accounts: [{ name: 'default', regions: [] }],
  athena: { workGroup: 'primary', catalog: 'AwsDataCatalog', database: 'default' },
  maxUsd: 1,
  deadlines: { evidenceSeconds: 20, accessLogSeconds: 180 },
  slack: {
    mode: 'socket',
    port: 3000,
    timeZone: 'UTC',
    watch: { channels: [], apps: [] },
    path: '/slack/events',
    allow: { workspaces: [], channels: [], userGroups: [], users: [] },
  },
  runs: { retentionDays: 90 },
  limits: { atOnce: 4, perUser: 3, perHour: 30, queue: 20 },
  alarms: { routes: [], muteHours: 4 },
  logLevel: 'info',
  metrics: 'none',
  healthPort: 3000,
};

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'alb502-config-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const file = (name: string, content: string): string => {
  writeFileSync(join(work, name), content);
  return join(work, name);
};

describe('without anything configured', () => {
  it('is one account with the credentials and the region of the environment', () => {
    expect(parseConfig({}, {}, 'alb502.json')).toEqual(STANDARD);
  });

  it('needs no file, unless one is named', async () => {
    await expect(readConfig(join(work, 'absent.json'), {})).rejects.toThrow(
      /absent\.json cannot be read: no such file/,
    );
    await expect(readConfig(undefined, { ALB502_CONFIG: join(work, 'gone.json') })).rejects.toThrow(/gone\.json/);
    expect(await readConfig(undefined, {})).toEqual(STANDARD);
  });
});

describe('what wins', () => {
  it('is the named file over ALB502_CONFIG, and the environment over any file', async () => {
    const named = file('named.json', '{"athena":{"database":"logs","table":"alb"},"maxUsd":2}');
    const other = file('other.json', '{"athena":{"database":"other"}}');
    expect((await readConfig(named, { ALB502_CONFIG: other })).athena.database).toBe('logs');
    expect((await readConfig(undefined, { ALB502_CONFIG: other })).athena.database).toBe('other');
    const both = await readConfig(named, { ALB502_ATHENA_TABLE: 'edge', ALB502_MAX_USD: '0.25' });
    expect(both.athena).toMatchObject({ database: 'logs', table: 'edge' });
    expect(both.maxUsd).toBe(0.25);
  });

  it('is ALB502_CONFIG_JSON over the file in the working directory; it and ALB502_CONFIG exclude each other', async () => {
    const text = '{"maxUsd":3}';
    expect((await readConfig(undefined, { ALB502_CONFIG_JSON: text })).maxUsd).toBe(3);
    expect((await readConfig(undefined, { ALB502_CONFIG_JSON: text, ALB502_MAX_USD: '4' })).maxUsd).toBe(4);
    const named = file('over.json', '{"maxUsd":5}');
    expect((await readConfig(named, { ALB502_CONFIG_JSON: text })).maxUsd).toBe(5);
    await expect(readConfig(undefined, { ALB502_CONFIG_JSON: text, ALB502_CONFIG: named })).rejects.toThrow(
      'ALB502_CONFIG and ALB502_CONFIG_JSON are both set: unset one.',
    );
    await expect(readConfig(undefined, { ALB502_CONFIG_JSON: '{"maxUsd"}' })).rejects.toThrow(
      /^The configuration ALB502_CONFIG_JSON is not JSON: line 1/,
    );
    await expect(readConfig(undefined, { ALB502_CONFIG_JSON: '{"max":1}' })).rejects.toThrow(
      /^The configuration \(ALB502_CONFIG_JSON\) has a mistake/,
    );
  });

  it('is a list for a setting that is one', () => {
    const environment = { ALB502_SLACK_ALLOW_USERS: 'U0123456789, U9876543210', ALB502_RUNS_BUCKET: 'runs' };
    const { slack, runs } = parseConfig({}, environment, 'alb502.json');
    expect(slack.allow.users).toEqual(['U0123456789', 'U9876543210']);
    expect(runs.s3).toEqual({ bucket: 'runs', prefix: 'alb502/' });
    expect(complaint(() => parseConfig({}, { ALB502_SLACK_ALLOW_USERS: 'U0123456789,@ann' }, 'my.json'))).toBe(
      'The configuration (the environment) has a mistake: ALB502_SLACK_ALLOW_USERS: "@ann" is not the id of a person, such as U0123456789.',
    );
  });

  it('takes several accounts and regions', () => {
    const accounts = [
      { name: 'shop', roleArn: 'arn:aws:iam::123456789012:role/alb502', regions: ['eu-west-1', 'us-gov-west-1'] },
    ];
    expect(parseConfig({ accounts }, {}, 'alb502.json').accounts).toEqual(accounts);
  });
});

describe('mistakes', () => {
  it('are all named in one sentence', () => {
    const content = {
      accounts: [{ name: 'shop', roleArn: 'alb502', regions: ['Ireland'] }],
      athena: { database: 'x; DROP TABLE y', workgroup: 'primary' },
      deadlines: { evidenceSeconds: 0 },
      colour: true,
    };
    const said = complaint(() => parseConfig(content, { ALB502_MAX_USD: 'little' }, 'my.json'));
    for (const part of [
      'my.json',
      '7 mistakes',
      'accounts[0].roleArn: "alb502" is not the ARN of a role',
      'accounts[0].regions[0]: "Ireland" is not a region',
      'athena.database: "x; DROP TABLE y" is not a name',
      'no setting "workgroup"',
      'no setting "colour" (there are accounts',
      'deadlines.evidenceSeconds',
      'ALB502_MAX_USD: must be a number',
    ]) {
      expect(said).toContain(part);
    }
    expect(said).not.toContain('\n');
  });

  it.each([
    { content: [], says: 'it must be an object' },
    { content: { accounts: [] }, says: 'accounts: is empty; leave it out' },
    { content: { athena: { outputLocation: 'results' } }, says: 's3://bucket/folder/' },
  ])('$says', ({ content, says }) => {
    expect(complaint(() => parseConfig(content, {}, 'alb502.json'))).toContain(says);
  });

  it('are also named in the settings of the bot and its alarms', () => {
    const content = {
      accounts: [{ name: 'shop', channels: ['#alerts'] }],
      slack: {
        mode: 'rtm',
        port: 70_000,
        path: 'slack',
        allow: { workspaces: ['acme'], users: ['@ann'], userGroups: ['U1'] },
      },
      runs: { folder: 'runs', s3: { bucket: 'runs' }, retentionDays: 0 },
      limits: { atOnce: 0, queue: -1 },
      alarms: { sqs: { queueUrl: 'alarms' }, sns: { topics: [] }, routes: [{ alarm: 'edge-*' }] },
      logLevel: 'loud',
    };
    const told = complaint(() => parseConfig(content, { ALB502_HEALTH_PORT: 'none' }, 'my.json'));
    for (const part of [
      'accounts[0].channels[0]: "#alerts" is not the id of a channel, such as C0123456789',
      'slack.mode: "rtm" is neither "socket" nor "http"',
      'slack.port',
      'slack.path: "slack" is not a path',
      'slack.allow.workspaces[0]: "acme" is not the id of a workspace',
      'slack.allow.userGroups[0]: "U1" is not the id of a user group',
      'slack.allow.users[0]: "@ann" is not the id of a person',
      'runs.retentionDays',
      'limits.atOnce',
      'limits.queue',
      'alarms.sqs.queueUrl: "alarms" is not the URL of a queue',
      'alarms.sns.topics: is empty',
      'alarms.routes[0].channel: must be a string',
      'logLevel: "loud" is none of error, warn, info, debug',
      'ALB502_HEALTH_PORT: must be a number',
    ]) {
      expect(told).toContain(part);
    }
    expect(complaint(() => parseConfig({ runs: { folder: 'a', s3: { bucket: 'runs' } } }, {}, 'my.json'))).toContain(
      'runs: names both a folder and s3; keep one',
    );
  });

  it('names the variable when only the environment is wrong', () => {
    expect(complaint(() => parseConfig({}, { ALB502_ATHENA_TABLE: 'a b' }, 'alb502.json'))).toMatch(
      /^The configuration \(the environment\) has a mistake: ALB502_ATHENA_TABLE: "a b"/,
    );
  });

  it('says where a file stops being JSON', async () => {
    await expect(readConfig(file('broken.json', '{\n  "athena": }'), {})).rejects.toThrow(/line 2, column 13/);
  });
});

describe('secrets', () => {
  const TOKEN = 'xoxb-1234-5678-abcdefgh';

  it.each([
    [{ slack: { botToken: TOKEN } }, 'slack: "botToken" must not be here'],
    [{ slack: { signingSecret: 'a1b2' } }, 'slack: "signingSecret" must not be here'],
    [{ accounts: [{ name: TOKEN }] }, 'accounts[0].name: holds a Slack token'],
    [{ slack: { allow: { channels: [TOKEN] } } }, 'slack.allow.channels[0]: a Slack token is not the id of a channel'],
  ])('%j is a mistake of the file, and is not shown', (content, says) => {
    const told = complaint(() => parseConfig(content, {}, 'my.json'));
    expect(told).toContain(says);
    expect(told).toContain('secrets are only taken from the environment: SLACK_BOT_TOKEN');
    expect(told).not.toContain('abcdefgh');
  });

  it('come from the environment, as far as the mode needs them', () => {
    const environment = { SLACK_BOT_TOKEN: TOKEN, SLACK_APP_TOKEN: 'xapp-1-A1', SLACK_SIGNING_SECRET: 'a'.repeat(32) };
    expect(readSecrets(parseConfig({}, {}, ''), environment)).toEqual({
      botToken: TOKEN,
      appToken: 'xapp-1-A1',
      signingSecret: null,
    });
    expect(readSecrets(parseConfig({ slack: { mode: 'http' } }, {}, ''), environment)).toEqual({
      botToken: TOKEN,
      appToken: null,
      signingSecret: 'a'.repeat(32),
    });
  });

  it('are all named when they are missing or wrong, and not shown', () => {
    const told = complaint(() => readSecrets(parseConfig({}, {}, ''), { SLACK_BOT_TOKEN: 'xapp-1-wrong' }));
    expect(told).toContain('SLACK_BOT_TOKEN is not the bot token, which begins with xoxb-');
    expect(told).toContain('SLACK_APP_TOKEN is not set');
    expect(told).not.toContain('SIGNING');
    expect(told).not.toContain('wrong');
  });
});

function complaint(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    return error instanceof Error ? error.message : '';
  }
  throw new Error('It took that.');
}

it('reads the example of the README', () => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
  const content: unknown = JSON.parse(example);
  expect(parseConfig(content, {}, 'README.md')).toEqual({
    ...STANDARD,
    ...Object(content),
    athena: { ...STANDARD.athena, ...Object(content).athena },
  });
});

it('reads the example for the bot', () => {
  const file = join(import.meta.dirname, '../docs/alb502.example.json');
  const content: Record<string, unknown> = JSON.parse(readFileSync(file, 'utf8'));
  const { $schema, ...settings } = content;
  expect(existsSync(join(dirname(file), String($schema)))).toBe(true);
  expect(parseConfig(content, {}, file)).toMatchObject(settings);
});
