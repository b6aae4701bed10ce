/** `alb502 serve` as an operator meets it: a real process before a local Slack. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEADLINE } from '../../src/commands/serve.ts';
import { CLOSE_TIMEOUT } from '../../src/slack/delivery/post.ts';
import { ABORT_GRACE } from '../../src/slack/thread/slack-threads.ts';
import { alb502, tokens } from '../support/cli-process.ts';
import { localSlack } from '../support/slack/local-slack-for-test.ts';

const scenarios = join(import.meta.dirname, '../scenarios');

describe('with incomplete settings', () => {
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
  ])('says all of it in one sentence: %j', async (env, config, says) => {
    const run = alb502(['serve'], env, config);
    expect(await run.ended).toBe(1);
    for (const text of says) expect(run.complained()).toContain(text);
    expect(run.complained()).toMatch(/^[^\n]+\n$/);
    expect(run.complained()).not.toContain('secret-1');
    expect(run.said()).toBe('');
  });

  it('says what Slack refused', async () => {
    const slack = await localSlack();
    slack.fail('auth.test', { error: 'account_inactive' });
    const run = alb502(['serve', '--recorded', scenarios], tokens(slack));
    expect(await run.ended).toBe(2);
    expect(run.complained()).toMatch(
      /^Slack refused the bot token: account_inactive; alb502 serve --check says more.\n$/,
    );
  });
});

describe('running', () => {
  it('answers, keeps secrets out of its log, and ends cleanly when stopped', async () => {
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

  it('ends when stopped while Slack does not answer at the start', async () => {
    const slack = await localSlack();
    slack.fail('apps.connections.open', { slow: 120_000 }, { times: 100 });
    const run = alb502(['serve', '--recorded', scenarios], tokens(slack));
    await slack.until(() => slack.callsOf('auth.test').length > 0, 'the sign-in');
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    expect(run.said()).not.toContain('"started"');
  });

  it('ends at once when stopped twice', async () => {
    const slack = await localSlack();
    // Once it has stopped, Node takes down its handlers, and a signal ends it without a code.
    slack.fail('chat.postMessage', { slow: 120_000 }, { times: 100 });
    const run = alb502(['serve', '--recorded', scenarios], tokens(slack));
    await slack.until(() => slack.sockets.connections() > 0, 'a connection');
    await slack.command({ user: 'ada', channel: 'alerts', text: 'checkout' });
    await slack.until(() => slack.slowCalls().includes('chat.postMessage'), 'a thread that waits for Slack');
    run.child.kill('SIGTERM');
    await expect.poll(() => run.said(), { timeout: 30_000 }).toContain('stopping');
    run.child.kill('SIGTERM');
    expect([await run.ended, run.child.signalCode]).toEqual([143, null]);
    expect(run.said()).not.toContain('"stopped"');
  });
});

it('waits for diagnoses, then threads and edits when stopped, less than the 30 s until it is killed', () => {
  expect(DEADLINE + ABORT_GRACE + CLOSE_TIMEOUT).toBeLessThan(30_000);
});
