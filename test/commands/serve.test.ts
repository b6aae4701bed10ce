/** `alb502 serve` as an operator meets it: a real process before a local Slack. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DEADLINE } from '../../src/commands/serve.ts';
import { CLOSE_TIMEOUT } from '../../src/slack/delivery/post.ts';
import { ABORT_GRACE } from '../../src/slack/thread/slack-threads.ts';
import { incidentFolder } from '../support/aws/live-run.ts';
import { environmentFor, filesOf, serveAccount } from '../support/aws/recorded-account.ts';
import { temporaryFolder } from '../support/incident/folder.ts';
import type { LocalSlack } from '../support/slack/local-slack.ts';
import { localSlack } from '../support/slack/local-slack-for-test.ts';

const entry = join(import.meta.dirname, '../../src/cli.ts');
const scenarios = join(import.meta.dirname, '../scenarios');

interface Process {
  child: ChildProcess;
  said(): string;
  complained(): string;
  /** Exit code. */
  ended: Promise<number | null>;
}

/** Runs in an empty folder, in which there may be an alb502.json. */
function alb502(words: string[], env: Record<string, string>, config?: object): Process {
  const cwd = temporaryFolder();
  if (config !== undefined) writeFileSync(join(cwd, 'alb502.json'), JSON.stringify(config));
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [entry, ...words], {
    cwd,
    env: { PATH, ALB502_HEALTH_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code]) => (typeof code === 'number' ? code : null));
  return { child, said: () => stdout, complained: () => stderr, ended };
}

const tokens = (slack: LocalSlack) => ({
  SLACK_BOT_TOKEN: slack.botToken,
  SLACK_APP_TOKEN: slack.appToken,
  ALB502_SLACK_API_URL: slack.apiUrl,
});

describe('without what it needs', () => {
  it.each([
    [{}, undefined, ['SLACK_BOT_TOKEN is not set', 'SLACK_APP_TOKEN is not set']],
    [
      { ALB502_SLACK_MODE: 'http', SLACK_BOT_TOKEN: 'secret-1' },
      undefined,
      ['SLACK_BOT_TOKEN is not the bot token', 'SLACK_SIGNING_SECRET is not set'],
    ],
    [
      {},
      { slack: { allow: { channels: ['#alerts'] } } },
      ['slack.allow.channels[0]: "#alerts"', 'SLACK_BOT_TOKEN is not set'],
    ],
    [
      { SLACK_BOT_TOKEN: 'xoxb-secret-1' },
      { slack: { mode: 'http' }, limits: { atOnce: 0 } },
      ['limits.atOnce: must be more than 0', 'in http mode: SLACK_SIGNING_SECRET is not set'],
    ],
    [{}, { slack: { token: 'xoxb-secret-1' } }, ['"token" must not be here', 'SLACK_BOT_TOKEN is not set']],
  ])('it says all of it in one sentence: %j', async (env, config, says) => {
    const run = alb502(['serve'], env, config);
    expect(await run.ended).toBe(1);
    for (const text of says) expect(run.complained()).toContain(text);
    expect(run.complained()).toMatch(/^[^\n]+\n$/);
    expect(run.complained()).not.toContain('secret-1');
    expect(run.said()).toBe('');
  });

  it('it says what Slack refused', async () => {
    const slack = await localSlack();
    slack.fail('auth.test', { error: 'account_inactive' });
    const run = alb502(['serve', '--recorded', scenarios], tokens(slack));
    expect(await run.ended).toBe(2);
    expect(run.complained()).toMatch(
      /^Slack refused the bot token: account_inactive; alb502 serve --check says more.\n$/,
    );
  });
});

describe('--check', () => {
  it('looks at everything, and changes nothing', async () => {
    const slack = await localSlack();
    const account = await serveAccount(filesOf(incidentFolder('001')));
    const run = alb502(['serve', '--check'], { ...tokens(slack), ...environmentFor(account.port) });
    expect(await run.ended).toBe(0);
    expect(run.said().split('\n').slice(0, -1)).toEqual([
      expect.stringMatching(/^ok +configuration +1 account\(s\), Slack by socket$/),
      expect.stringMatching(/^ok +bot token +@alb502 in .*\(T0LOCAL\)$/),
      expect.stringMatching(/^ok +app-level token +may open a socket$/),
      expect.stringMatching(/^ok +run records +folder alb502-runs, kept 90 days$/),
      expect.stringMatching(/^ok +AWS +default, eu-west-1: 1 load balancer\(s\)$/),
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
        alarms: { sqs: { queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/alarms' } },
      },
    );
    expect(await run.ended).toBe(2);
    for (const line of [
      /^missing +bot token +SLACK_BOT_TOKEN: invalid_auth$/m,
      /^missing +app-level token +SLACK_APP_TOKEN: not_allowed_token_type$/m,
      /^missing +run records +folder .*: Run records cannot be kept in/m,
      /^missing +AWS +default, eu-west-1: .*DescribeLoadBalancers/m,
      /^missing +alarms +alarms.routes and alarms.defaultChannel are not set/m,
    ])
      expect(run.said()).toMatch(line);
    expect(run.complained()).toBe('5 of 6 are missing, so the bot would not work completely.\n');
    expect(run.said()).not.toContain(slack.botToken);
  });
});

describe('running', () => {
  it('answers, keeps secrets out of its log, and ends well when it is told to', async () => {
    const slack = await localSlack();
    const run = alb502(['serve', '--recorded', scenarios], tokens(slack));
    await slack.until(() => slack.sockets.connections() > 0, 'a connection');
    await slack.command({ user: 'ada', channel: 'alerts', text: 'checkout' });
    await slack.until(() => slack.roots('alerts').some(({ text }) => text.includes('checkout')), 'a root message');
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    const lines = run
      .said()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['started', 'asked', 'stopping', 'stopped']));
    expect(lines.find(({ msg }) => msg === 'asked')).toMatchObject({
      user: 'U0ADA',
      channel: 'C0ALERTS',
      run: expect.any(String),
    });
    for (const secret of [slack.botToken, slack.appToken, '/response/', '.trigger'])
      expect(run.said() + run.complained()).not.toContain(secret);
  });

  it('ends when it is told to while Slack does not answer its start', async () => {
    const slack = await localSlack();
    slack.fail('apps.connections.open', { slow: 120_000 }, { times: 100 });
    const run = alb502(['serve', '--recorded', scenarios], tokens(slack));
    await slack.until(() => slack.callsOf('auth.test').length > 0, 'the sign-in');
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    expect(run.said()).not.toContain('"started"');
  });

  it('ends at once when it is told twice', async () => {
    const slack = await localSlack();
    slack.fail('chat.postMessage', { slow: 15_000 });
    const run = alb502(['serve', '--recorded', scenarios], tokens(slack));
    await slack.until(() => slack.sockets.connections() > 0, 'a connection');
    await slack.command({ user: 'ada', channel: 'alerts', text: 'checkout' });
    await expect.poll(() => run.said(), { timeout: 30_000 }).toContain('started');
    run.child.kill('SIGTERM');
    await expect.poll(() => run.said(), { timeout: 30_000 }).toContain('stopping');
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(143);
  });
});

it('told to stop, waits for diagnoses, then for threads and edits, less than the 30 s after which it is killed', () => {
  expect(DEADLINE + ABORT_GRACE + CLOSE_TIMEOUT).toBeLessThan(30_000);
});
