/** `alb502 alarm < message.json` as an operator meets it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AlarmFields, envelope, snsAlarm } from '../support/alarms/messages.ts';
import { rootsOf, SHOP } from '../support/alarms/whole-bot-with-queue.ts';
import { localSlack } from '../support/slack/local-slack-for-test.ts';

const root = join(import.meta.dirname, '../..');
const SCENARIOS = join(root, 'test/scenarios');
/** Within the first recorded incident. */
const BEGUN = Date.parse('2026-11-18T02:44:00.000Z');

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'alb502-by-hand-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const body = (told: Partial<AlarmFields> = {}) => envelope(snsAlarm({ at: BEGUN, loadBalancer: SHOP, ...told }));

async function alarm(input: string, words: string[] = [], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(root, 'src/cli.ts'), 'alarm', '--recorded', SCENARIOS, ...words], {
    cwd: work,
    env: { PATH: process.env.PATH, HOME: work, AWS_REGION: 'eu-west-1', ...environment },
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  // It reads no further than it has to.
  child.stdin.on('error', () => {}).end(input);
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { ...said, exitCode };
}

describe('without Slack', () => {
  it('prints the parsed alarm and the diagnosis', async () => {
    const { stdout, stderr, exitCode } = await alarm(body({ state: 'OK', at: BEGUN + 8 * 60_000 }));
    expect(stderr).not.toMatch(/broke/);
    expect(stderr).toContain('SLACK_BOT_TOKEN is not set, so nothing is posted.');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^Alarm shop-502 \(metric\): ALARM → OK at 2026-11-18 02:52:00 UTC\n {2}Threshold Crossed.*\nLoad balancer shop-prod \(eu-west-1, account default\)\nWindow 2026-11-18 02:45:00–02:53:00 UTC\nChannel none: no route fits, and alarms\.defaultChannel is not set/,
    );
    expect(stdout).toMatch(/[Kk]eep-alive race/);
  });

  it('prints only JSON on stdout, and the channel of its route', async () => {
    writeFileSync(
      join(work, 'routed.json'),
      JSON.stringify({ alarms: { routes: [{ loadBalancer: 'shop-*', channel: 'C0123456789' }] } }),
    );
    const { stdout, stderr } = await alarm(body({ state: 'OK', at: BEGUN + 8 * 60_000 }), [
      '--json',
      '--config',
      'routed.json',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, verdict: { cause: 'keep-alive-race' } });
    expect(stderr).toContain('Channel C0123456789');
  });

  it.each([
    ['words', 'hello', 'Could not understand the message: it is not JSON.\n'],
    ['nothing', ' \n', 'Standard input is empty. Try: alb502 alarm < message.json.\n'],
    [
      'JSON without an end',
      'a'.repeat(5_000_000),
      'The message is larger than 4 MiB, so it is not a CloudWatch alarm.\n',
    ],
    [
      'a message that is too long',
      'a'.repeat(2_000_000),
      'Could not understand the message: it is 2000000 characters long.\n',
    ],
    [
      'an event whose source moves the cursor',
      JSON.stringify({ source: '\u001b[2J\u202ex', 'detail-type': 'x', detail: {} }),
      'Ignored: it is an event of \\x1b[2J\\u{202e}x.\n',
    ],
    ['another message', '{}', 'Ignored: it is not a CloudWatch alarm state change.\n'],
  ])('answers %s with one sentence', async (_, input, stderr) => {
    expect(await alarm(input)).toEqual({ stdout: '', stderr, exitCode: 1 });
  });

  it('does not say that the alarm names none if the lookup failed', async () => {
    const { Trigger: _, ...plain } = snsAlarm({ at: BEGUN, name: '\u001b[2Jany' });
    const composite = JSON.stringify({ ...plain, AlarmRule: 'ALARM(shop-502)' });
    const nobody = { AWS_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
    const { stdout, stderr, exitCode } = await alarm(composite, ['--dry-run'], nobody);
    expect(stdout).toMatch(/^Alarm \\x1b\[2Jany \(composite\).*cloudwatch:DescribeAlarms failed/s);
    expect(stderr).toBe('Could not tell which load balancer the alarm is for, so nothing was diagnosed.\n');
    expect(exitCode).toBe(2);
  });

  it('answers an alarm of another namespace with one sentence', async () => {
    const other = snsAlarm({ at: BEGUN });
    const Trigger = { ...other.Trigger, Namespace: 'AWS/EC2', Dimensions: [] };
    expect(await alarm(JSON.stringify({ ...other, Trigger }))).toEqual({
      stdout: '',
      stderr: 'The alarm shop-502 is not about a load balancer: it is about AWS/EC2.\n',
      exitCode: 1,
    });
  });
});

describe('with Slack', () => {
  it('opens the thread and ends it, each message once', async () => {
    const slack = await localSlack();
    const channel = [...slack.workspace.channels.values()][0]?.id ?? '';
    writeFileSync(
      join(work, 'alb502.json'),
      JSON.stringify({ runs: { folder: join(work, 'runs') }, alarms: { defaultChannel: channel } }),
    );
    const environment = { SLACK_BOT_TOKEN: slack.botToken, ALB502_SLACK_API_URL: slack.apiUrl };
    const told = async (input: string) => {
      const { stdout, stderr, exitCode } = await alarm(input, [], environment);
      return exitCode === 0 ? stdout : `${exitCode}: ${stderr}`;
    };
    expect(await told(body())).toBe('Done: opened a thread.\n');
    expect(await told(body())).toBe('Done: already handled.\n');
    expect(await told(body({ name: 'shop-504', at: BEGUN + 60_000 }))).toBe('Done: added to the existing thread.\n');
    expect(await told(body({ state: 'OK', at: BEGUN + 7 * 60_000 }))).toBe('Done: closed in the existing thread.\n');
    expect(await told(body({ name: 'shop-504', state: 'OK', at: BEGUN + 8 * 60_000 }))).toBe(
      'Done: closed in the existing thread.\n',
    );
    const roots = rootsOf(slack, 'alerts');
    expect(roots).toHaveLength(1);
    const replies = slack.thread('alerts', roots[0]?.ts ?? '').map(({ text }) => text);
    expect(replies.filter((text) => /^Over after 8 min/.test(text))).toHaveLength(1);
    expect(readdirSync(join(work, 'runs')).length).toBeGreaterThan(0);
  });
});
