/**
 * Situations in Slack: the real Bolt app over a real WebSocket or HTTP, a local Slack, recorded incidents instead of
 * AWS.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ACTIONS, INPUTS, SHORTCUTS } from '../../src/slack/messages/actions.ts';
import type { LocalSlack, Message } from '../support/slack/local-slack.ts';
import { runBot, SCENARIOS, waitForAnswer } from '../support/slack/whole-bot.ts';

const REFUSED = '003-connection';
const ask = (slack: LocalSlack, text: string, { user = 'ada', channel = 'alerts' } = {}) =>
  slack.command({ user, channel, text });
/** Roots that the bot posted. */
const roots = (slack: LocalSlack, channel = 'alerts'): Message[] =>
  slack.roots(channel).filter(({ user }) => user === slack.workspace.bot.user);
const replies = (slack: LocalSlack, root: Message, channel = 'alerts'): Message[] => slack.thread(channel, root.ts);
/** Private messages to this person, newest last. */
const told = (slack: LocalSlack, user: string): string[] => slack.privateOf(user).map(({ text }) => text);
const isToldOf = (slack: LocalSlack, user: string, words: RegExp): Promise<string> =>
  slack.until(() => told(slack, user).find((text) => words.test(text)), `${user} is told ${words}`);

describe.each(['socket', 'http'] as const)('over %s', (mode) => {
  it('opens a thread that ends with the verdict for a command', async () => {
    const { slack } = await runBot({ mode });
    const { outcome, said } = await ask(slack, REFUSED);
    expect(outcome).toMatchObject({ acknowledged: true });
    expect(said).toBeNull();
    const root = await waitForAnswer(slack);
    expect(root.text).toMatch(/web-prod/);
    expect(root.text).toMatch(/refused/i);
    expect(root.before.length).toBeGreaterThan(0);
    expect(roots(slack)).toHaveLength(1);
  });

  it('adds details to the thread for a button', async () => {
    const { slack } = await runBot({ mode });
    await ask(slack, REFUSED);
    const root = await waitForAnswer(slack);
    await slack.press(root, ACTIONS.detail('evidence'), 'ben');
    await slack.until(() => replies(slack, root).find(({ text }) => /^Evidence\b.*refused/is.test(text)), 'evidence');
  });

  it('opens the fix for the person, or posts it in the thread when Slack does not open it', async () => {
    const { slack } = await runBot({ mode });
    await ask(slack, REFUSED);
    const root = await waitForAnswer(slack);
    const before = replies(slack, root).length;
    await slack.press(root, ACTIONS.detail('fix'), 'ben');
    const view = await slack.until(() => slack.views('ben')[0], 'the fix');
    expect(JSON.stringify(view.content)).toMatch(/Fix: .*listen/i);
    expect(replies(slack, root)).toHaveLength(before);
    slack.fail('views.open', { error: 'expired_trigger_id' });
    await slack.press(root, ACTIONS.detail('fix'), 'ada');
    await slack.until(() => replies(slack, root).find(({ text }) => /^Fix\b.*listen/is.test(text)), 'the fix');
    await isToldOf(slack, 'ada', /in the thread/);
  });

  it('posts a file once, and links later requests to it', async () => {
    const { slack } = await runBot({ mode });
    await ask(slack, REFUSED);
    const root = await waitForAnswer(slack);
    await slack.press(root, 'Post-mortem', 'ada');
    await slack.until(() => replies(slack, root).find(({ files }) => files.length > 0), 'the file');
    await slack.press(root, 'Post-mortem', 'ben');
    expect(await isToldOf(slack, 'ben', /already/i)).toContain(`p${root.ts.replace('.', '')}|`);
    await slack.press(root, 'Routes', 'ben');
    await slack.until(() => replies(slack, root).find(({ text }) => /^Errors by route/.test(text)), 'the routes');
  });
});

describe('the thread of an incident, as a person reads it', () => {
  it.each(['001', '002', '004', '005', '006', '013'])('%s', async (scenario) => {
    const [folder = ''] = globSync(`${scenario}-*`, { cwd: SCENARIOS });
    const { slack, settled } = await runBot({ recorded: [join(SCENARIOS, folder)] });
    // A load balancer's name has at most 32 characters, so use part of the incident's.
    await ask(slack, folder.slice(0, 20).replace(/-$/, ''));
    await slack.until(() => roots(slack).length > 0, 'the thread');
    await settled();
    await expect(`${steady(slack.whatIsShown('alerts'))}\n`).toMatchFileSnapshot(`threads/${folder}.txt`);
  });
});

/** Without what differs from one time to the next. */
const steady = (text: string): string =>
  text
    .replaceAll(/\d{8}t\d{6}-[0-9a-f]{8}/g, '<run>')
    .replaceAll(/<!date\^\d+\^[^|]*\|[^>]*>/g, '<moment>')
    .replaceAll(/(?<= · )\d+(\.\d+)? s(?=\)$)/gm, '<time>');

describe('questions', () => {
  it.each<[string, string, RegExp]>([
    ['an invalid window', 'shop-prod last fortnight', /fortnight.*last 15m/],
    ['an invalid status', 'shop-prod 999', /999/],
    [
      'words too many',
      'shop-prod last 15m and more',
      /"more"\. Try: shop-prod last 15m, or shop-prod from 02:40 to 02:55/,
    ],
  ])('%s is answered in private', async (_, text, words) => {
    const { slack } = await runBot();
    await ask(slack, text);
    await isToldOf(slack, 'ada', words);
    expect(slack.calls.filter(({ method }) => method.startsWith('chat.'))).toEqual([]);
  });

  it('for help are answered at once, in private', async () => {
    const { slack } = await runBot();
    const { said } = await ask(slack, 'help');
    expect(said).toMatch(/\/alb502 my-alb last 15m/);
    expect(slack.calls.filter(({ method }) => method.startsWith('chat.'))).toEqual([]);
  });

  it('get the known load balancers in private when theirs is unknown', async () => {
    const { slack } = await runBot();
    await ask(slack, 'shop-pord last 15m');
    expect(await isToldOf(slack, 'ada', /shop-pord/)).toMatch(/shop-prod/);
    expect(roots(slack)).toEqual([]);
  });

  it('are quoted as plain text', async () => {
    const { slack } = await runBot();
    await ask(slack, 'shop-prod <!channel>`*&lt;');
    await isToldOf(slack, 'ada', /^Didn't understand "!channel/);
    await ask(slack, `shop-prod ${'x'.repeat(8000)}`);
    await isToldOf(slack, 'ada', /^Didn't understand "x+…"/);
  });

  it('work in a direct message to the bot, too', async () => {
    const { slack } = await runBot();
    await ask(slack, REFUSED, { channel: '@ada' });
    await waitForAnswer(slack, '@ada');
  });

  it('are refused in private over the limit, with what to do', async () => {
    const { slack } = await runBot({ config: { limits: { atOnce: 1, perUser: 1, queue: 0 } }, pace: 300 });
    await ask(slack, REFUSED);
    await slack.until(() => roots(slack).length === 1, 'the thread');
    await Promise.all([ask(slack, '007-slow'), ask(slack, '012-target', { user: 'ben' })]);
    await isToldOf(slack, 'ada', /already have .* running [(]the limit[)]/);
    await isToldOf(slack, 'ben', /(?:none may wait|queue is full).* Try again/);
    await waitForAnswer(slack);
    expect(roots(slack)).toHaveLength(1);
  });

  it("may contain a phone's quotes, dashes and spaces", async () => {
    const { slack } = await runBot();
    await ask(slack, '“003-connection”\u00a0');
    await waitForAnswer(slack);
  });

  it('open the form when empty, which shows errors at its fields and then asks', async () => {
    const { slack } = await runBot();
    await ask(slack, '');
    const form = await slack.until(() => slack.views('ada')[0], 'the form');
    const offered = await slack.suggest(form, INPUTS.loadBalancer, 'shop', 'ada');
    expect(offered.map(({ text }) => text)).toEqual(['shop-prod']);
    const name = offered[0]?.text ?? '';
    const wrong = await slack.submit(form, { [INPUTS.loadBalancer]: name, [INPUTS.window]: 'last fortnight' }, 'ada');
    expect(wrong.errors).toHaveProperty(INPUTS.window);
    await slack.submit(form, { [INPUTS.loadBalancer]: name, [INPUTS.window]: 'from 02:40 to 02:55' }, 'ada');
    await waitForAnswer(slack);
    expect(slack.views('ada')).toEqual([]);
  });

  it('get a sentence when the form could not open in time', async () => {
    const { slack } = await runBot();
    slack.fail('views.open', { error: 'expired_trigger_id' });
    await ask(slack, '');
    await isToldOf(slack, 'ada', /form/i);
  });

  it('may come from the shortcut, whose form asks for the channel', async () => {
    const { slack } = await runBot();
    await slack.shortcut({ user: 'ada', callbackId: SHORTCUTS.global });
    const form = await slack.until(() => slack.views('ada')[0], 'the form');
    await slack.submit(form, { [INPUTS.loadBalancer]: 'checkout', [INPUTS.channel]: 'alerts' }, 'ada');
    await waitForAnswer(slack);
  });

  it('are answered in the thread where they were asked', async () => {
    const { slack } = await runBot();
    const alert = slack.write({ user: 'ben', channel: 'alerts', text: 'Is shop-prod down?' });
    await slack.mention({ user: 'ada', channel: 'alerts', text: REFUSED, thread: alert.ts });
    await slack.until(() => replies(slack, alert).some(({ text }) => /refused/i.test(text)), 'an answer below');
    expect(roots(slack)).toEqual([]);
  });

  it('are answered in private when they name no load balancer', async () => {
    const { slack } = await runBot();
    const { message } = await slack.mention({ user: 'ada', channel: 'alerts', text: 'help' });
    await isToldOf(slack, 'ada', /\/alb502/);
    expect(slack.privateOf('ada')[0]?.thread).toBe(message.ts);
  });

  it("from an alert's menu concern its load balancer, and are answered below it", async () => {
    const { slack } = await runBot();
    const alert = slack.write({ user: 'ben', channel: 'alerts', text: 'ALARM: checkout 5xx is high' });
    await slack.shortcut({ user: 'ada', callbackId: SHORTCUTS.message, message: alert });
    const form = await slack.until(() => slack.views('ada')[0], 'the form');
    expect(JSON.stringify(form.content)).toMatch(/checkout/);
    await slack.submit(form, { [INPUTS.window]: 'from 2026-11-12T14:10 to 2026-11-12T14:25' }, 'ada');
    await slack.until(() => replies(slack, alert).some(({ text }) => /security group/i.test(text)), 'an answer below');
    expect(roots(slack)).toEqual([]);
  });

  it('appear on the Home tab', async () => {
    const { slack } = await runBot();
    await ask(slack, REFUSED);
    await waitForAnswer(slack);
    await slack.openHome('ada');
    const home = await slack.until(() => slack.home('ada'), 'the Home');
    expect(JSON.stringify(home.content)).toMatch(/web-prod/);
    await slack.openHome('ben');
    const other = await slack.until(() => slack.home('ben'), 'the Home of another');
    expect(JSON.stringify(other.content)).not.toMatch(/refused/i);
  });
});

describe('people and channels', () => {
  const channels = [
    'alerts',
    'ops',
    { name: 'public', hasBot: false },
    { name: 'secret', isPrivate: true, hasBot: false },
  ];

  it.each(['public', 'secret'])('not invited to a channel (%s), it says how', async (channel) => {
    const { slack } = await runBot({ slack: { channels } });
    await ask(slack, REFUSED, { channel });
    await isToldOf(slack, 'ada', /\/invite @alb502/);
    expect(slack.roots(channel)).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, Record<string, string[]>]>([
    ['by name', { users: ['U0BEN'] }, {}],
    ['by user group', { userGroups: ['S0ONCALL'] }, { oncall: ['ben'] }],
    ['by channel', { channels: ['C0OPS'] }, {}],
    ['by workspace', { workspaces: ['T0OTHER'] }, {}],
  ])('not allowed %s, nothing is looked up', async (_, allow, userGroups) => {
    const { slack, log } = await runBot({ config: { slack: { allow } }, slack: { channels, userGroups } });
    await ask(slack, REFUSED);
    await isToldOf(slack, 'ada', /alb502/);
    expect(roots(slack)).toEqual([]);
    expect(log.filter(({ msg }) => msg === 'diagnosed' || msg === 'asked')).toEqual([]);
  });

  it('get answers when they belong to the user group', async () => {
    const { slack } = await runBot({
      config: { slack: { allow: { userGroups: ['S0ONCALL'] } } },
      slack: { userGroups: { oncall: ['ben'] } },
    });
    await ask(slack, REFUSED, { user: 'ben' });
    await waitForAnswer(slack);
  });

  it('get a link to the thread when they ask second in the channel', async () => {
    const { slack } = await runBot({ pace: 50 });
    await ask(slack, REFUSED);
    await slack.until(() => roots(slack).length === 1, 'the thread');
    await ask(slack, REFUSED, { user: 'ben' });
    expect(await isToldOf(slack, 'ben', /^Already being diagnosed here/)).toContain(
      roots(slack)[0]?.ts.replace('.', ''),
    );
    await waitForAnswer(slack);
    expect(roots(slack)).toHaveLength(1);
  });

  it('get a thread from the same evidence when they ask second elsewhere', async () => {
    const { slack, log } = await runBot({ slack: { channels } });
    await ask(slack, REFUSED);
    await waitForAnswer(slack);
    await ask(slack, REFUSED, { user: 'ben', channel: 'ops' });
    const other = await waitForAnswer(slack, 'ops');
    expect(other.text).toMatch(/refused/i);
    expect(log.filter(({ msg }) => msg === 'diagnosed')).toHaveLength(1);
  });
});

describe('buttons', () => {
  it('are answered once when two people press them', async () => {
    const { slack, settled } = await runBot();
    await ask(slack, REFUSED);
    const root = await waitForAnswer(slack);
    await settled();
    const count = replies(slack, root).length;
    const more = ACTIONS.detail('evidence');
    await Promise.all([slack.press(root, more, 'ada'), slack.press(root, more, 'ada'), slack.press(root, more, 'ben')]);
    await slack.until(() => replies(slack, root).length > count, 'the evidence');
    await slack.silence(300);
    expect(replies(slack, root)).toHaveLength(count + 1);
  });

  it("follow the person's rights after a restart", async () => {
    const { slack, restart, settled } = await runBot({
      config: { slack: { allow: { users: ['U0ADA', 'U0BEN'] } } },
      slack: { users: ['ada', 'ben', 'eve'] },
    });
    await ask(slack, REFUSED);
    const root = await waitForAnswer(slack);
    await settled();
    const count = replies(slack, root).length;
    await restart();
    slack.pass(7 * 24 * 3_600_000);
    await slack.press(root, ACTIONS.detail('evidence'), 'eve');
    await isToldOf(slack, 'eve', /don't have access to alb502/);
    await slack.press(root, ACTIONS.detail('evidence'), 'ben');
    await slack.until(() => replies(slack, root).length === count + 1, 'the evidence');
  });

  it('check again, also for a wider window, by editing the messages', async () => {
    const { slack, settled } = await runBot();
    await ask(slack, REFUSED);
    const root = await waitForAnswer(slack);
    await settled();
    const edits = root.before.length;
    const { message, label } = withAction(slack, root, 'ask-again');
    await slack.press(message, label, 'ben');
    await slack.until(() => root.before.length > edits && !/looking/i.test(root.text), 'another answer');
    expect(roots(slack)).toHaveLength(1);
  });

  it('post the post-mortem as a file', async () => {
    const { slack } = await runBot();
    await ask(slack, REFUSED);
    const root = await waitForAnswer(slack);
    const holder = withAction(slack, root, 'post-mortem');
    await slack.press(holder.message, holder.label, 'ada');
    const reply = await slack.until(() => replies(slack, root).find(({ files }) => files.length > 0), 'a file');
    expect(reply.files[0]?.name).toMatch(/\.md$/);
    expect(reply.files[0]?.content).toMatch(/refused/i);
  });

  it('store right and wrong, and ask for the cause after wrong', async () => {
    const { slack } = await runBot();
    await ask(slack, REFUSED);
    const root = await waitForAnswer(slack);
    const right = withAction(slack, root, 'right');
    await slack.press(right.message, right.label, 'ada');
    await isToldOf(slack, 'ada', /recorded/);
    const wrong = withAction(slack, root, 'wrong');
    await slack.press(wrong.message, wrong.label, 'ben');
    const form = await slack.until(() => slack.views('ben')[0], 'the form');
    await slack.submit(form, { [INPUTS.words]: 'A deployment.' }, 'ben');
    await isToldOf(slack, 'ben', /recorded/);
  });
});

/** Where something can be pressed: a button by its action, or an option of a menu by its value. */
function withAction(slack: LocalSlack, root: Message, what: string): { message: Message; label: string } {
  for (const message of [root, ...replies(slack, root)]) {
    const found = JSON.stringify(message.blocks).match(new RegExp(`"(alb502:(?:extra:)?${what})"`));
    if (found?.[1] !== undefined) return { message, label: found[1] };
    for (const block of message.blocks) {
      const elements = [block.elements, block.accessory].flat() as Record<string, unknown>[];
      for (const element of elements.filter(Boolean)) {
        for (const option of [element.options].flat() as { text?: { text: string }; value?: string }[]) {
          if (option?.value?.startsWith(`${what}:`)) return { message, label: option.text?.text ?? '' };
        }
      }
    }
  }
  throw new Error(`Nothing in the thread is ${what}.`);
}

describe('with a faulty Slack', () => {
  const refusing = (type: string) => (args: Readonly<Record<string, unknown>>) =>
    JSON.stringify(args.blocks ?? '').includes(`"${type}"`);

  it('replaces rejected blocks by plain ones', async () => {
    const { slack, settled } = await runBot();
    for (const method of ['chat.postMessage', 'chat.update']) {
      slack.fail(method, { error: 'invalid_blocks' }, { times: 1000, when: refusing('plan') });
      slack.fail(method, { error: 'invalid_blocks' }, { times: 1000, when: refusing('data_visualization') });
    }
    await ask(slack, REFUSED);
    const root = await waitForAnswer(slack);
    await settled();
    const types = replies(slack, root).flatMap(({ blocks }) => blocks.map(({ type }) => type));
    expect(types).not.toContain('plan');
    expect(replies(slack, root).some(({ text, blocks }) => /refused/i.test(text) && blocks.length > 0)).toBe(true);
  });

  it('replaces blocks by text when none is accepted', async () => {
    const { slack } = await runBot();
    const hasBlocks = (args: Readonly<Record<string, unknown>>) => Array.isArray(args.blocks) && args.blocks.length > 0;
    for (const method of ['chat.postMessage', 'chat.update']) {
      slack.fail(method, { error: 'invalid_blocks' }, { times: 1000, when: hasBlocks });
    }
    await ask(slack, REFUSED);
    const root = await waitForAnswer(slack);
    expect(root.blocks).toEqual([]);
    expect(root.text).toMatch(/web-prod[\s\S]*refused/i);
  });

  it('cuts a long edit', async () => {
    const { slack } = await runBot();
    slack.fail(
      'chat.update',
      { error: 'msg_too_long' },
      { times: 1, when: ({ text }) => /refused/i.test(String(text)) },
    );
    await ask(slack, REFUSED);
    await waitForAnswer(slack);
  });

  it('waits after a 429, and shows the last state', async () => {
    const { slack } = await runBot();
    slack.fail('chat.postMessage', { retryAfter: 1 });
    slack.fail('chat.update', { retryAfter: 1 }, { times: 2 });
    await ask(slack, REFUSED);
    await waitForAnswer(slack);
  });

  it('posts one message when an answer is lost', async () => {
    const { slack } = await runBot();
    slack.fail('chat.postMessage', { lost: 'after' });
    await ask(slack, REFUSED);
    await waitForAnswer(slack);
    expect(roots(slack)).toHaveLength(1);
  });

  it.each([
    ['checklist', 1],
    ['verdict', 2],
  ])('a lost answer about the %s leaves one, which shows the end', async (_, place) => {
    const { slack, settled } = await runBot();
    let replied = 0;
    slack.fail(
      'chat.postMessage',
      { lost: 'after' },
      {
        when: ({ thread_ts }) => {
          if (thread_ts !== undefined) replied += 1;
          return thread_ts !== undefined && replied === place;
        },
      },
    );
    await ask(slack, REFUSED);
    const root = await waitForAnswer(slack);
    await settled();
    const shown = replies(slack, root);
    expect(shown).toHaveLength(2);
    expect(JSON.stringify(shown[0]?.blocks)).not.toMatch(/in_progress|pending|0 of 6/);
    expect(shown[0]?.before).not.toEqual([]);
  });

  it('marks a possible duplicate when an answer is lost and the bot may not search', async () => {
    const scopes = ['commands', 'chat:write', 'files:write', 'app_mentions:read'];
    const { slack } = await runBot({ slack: { scopes } });
    slack.fail('chat.postMessage', { lost: 'after' });
    await ask(slack, REFUSED);
    const root = await waitForAnswer(slack, 'alerts', 2);
    expect(root.before[0]?.text ?? root.text).toMatch(/^Resumed/);
    expect(roots(slack)).toHaveLength(2);
  });

  it('retries after short server failures', async () => {
    const { slack } = await runBot();
    slack.fail('chat.postMessage', { status: 500 });
    slack.fail('chat.update', { status: 503 }, { times: 2 });
    await ask(slack, REFUSED);
    await waitForAnswer(slack);
  });

  it('waits for slow answers', async () => {
    const { slack } = await runBot({ slack: { latency: 300 } });
    const { outcome } = await ask(slack, REFUSED);
    // Before Slack has answered anything that the bot sends for it.
    expect(outcome.acknowledged).toBe(true);
    expect(roots(slack)).toEqual([]);
    await waitForAnswer(slack);
  });

  it('answers a repeated command once', async () => {
    const { slack } = await runBot();
    const { again } = await ask(slack, REFUSED);
    await again();
    const { again: mentionedAgain } = await slack.mention({ user: 'ada', channel: 'alerts', text: '007-slow' });
    await mentionedAgain({ attempt: 1, reason: 'http_timeout' });
    await waitForAnswer(slack);
    await slack.silence(300);
    expect(roots(slack)).toHaveLength(1);
    expect(
      slack.calls.filter(
        ({ method, args }) =>
          method === 'chat.postMessage' &&
          args.metadata !== undefined &&
          JSON.stringify(args.metadata).match(/[0-9a-f]{8}"/),
      ).length,
    ).toBe(2);
  });

  it('goes on when the connection is renewed during a diagnosis', async () => {
    const { slack } = await runBot({ pace: 100 });
    await ask(slack, REFUSED);
    slack.sockets.disconnect('refresh_requested');
    await waitForAnswer(slack);
    await slack.until(() => slack.sockets.connections() === 1 && slack.sockets.connected() >= 2, 'another connection');
    await ask(slack, '007-slow', { user: 'ben' });
    await waitForAnswer(slack, 'alerts', 2);
  });

  it('answers a mention after the connection was cut and reopened', async () => {
    const { slack } = await runBot();
    slack.sockets.drop();
    const mention = slack.mention({ user: 'ada', channel: 'alerts', text: REFUSED });
    await slack.until(() => slack.sockets.connected() >= 2, 'another connection');
    const { message, outcome } = await mention;
    expect(outcome.acknowledged).toBe(true);
    await slack.until(() => replies(slack, message).some(({ text }) => /refused/i.test(text)), 'an answer below');
    await slack.silence(300);
    expect(
      replies(slack, message).filter(({ metadata }) => /-[0-9a-f]{8}"/.test(JSON.stringify(metadata))),
    ).toHaveLength(1);
  });

  it('survives that the channel is archived during a diagnosis', async () => {
    const { slack, log } = await runBot({ pace: 50 });
    await ask(slack, REFUSED);
    await slack.until(() => roots(slack).length === 1, 'the thread');
    slack.workspace.channel('alerts').isArchived = true;
    await slack.until(() => log.some(({ msg }) => msg === 'diagnosed'), 'the diagnosis');
  });
});

describe('a bot that is stopped during a diagnosis', () => {
  it('is continued by the next one', async () => {
    const { slack, restart } = await runBot({ pace: 100 });
    await ask(slack, REFUSED);
    await slack.until(() => roots(slack).length === 1, 'the thread');
    await restart();
    await slack.until(() => !/looking/i.test(roots(slack)[0]?.text ?? 'looking'), 'an end');
    expect(roots(slack)).toHaveLength(1);
  });
});

describe('two bots with the same records', () => {
  it('answer each question and button once, whichever gets it', async () => {
    const { slack, another, settled } = await runBot();
    await another();
    await slack.until(() => slack.sockets.connections() === 2, 'two connections');
    await Promise.all([ask(slack, REFUSED), ask(slack, '007-slow', { user: 'ben' })]);
    const root = await waitForAnswer(slack);
    await waitForAnswer(slack, 'alerts', 2);
    await settled();
    expect(roots(slack)).toHaveLength(2);
    const count = replies(slack, root).length;
    // One after the other comes to the one and the other.
    const label = withAction(slack, root, 'evidence').label;
    await Promise.all(['ada', 'ben', 'ada', 'ben'].map((user) => slack.press(root, label, user)));
    await slack.until(() => replies(slack, root).length > count, 'the answer');
    await slack.silence(500);
    expect(replies(slack, root)).toHaveLength(count + 1);
  });

  it('point to the thread of the other bot while it runs', async () => {
    const { slack, another } = await runBot({ pace: 50 });
    await another();
    await slack.until(() => slack.sockets.connections() === 2, 'two connections');
    await Promise.all([ask(slack, REFUSED), ask(slack, REFUSED, { user: 'ben' })]);
    await waitForAnswer(slack);
    const pointed = () => [...told(slack, 'ada'), ...told(slack, 'ben')].filter((text) => /^Already/.test(text));
    await slack.until(() => pointed().length > 0, 'one of them is pointed to the thread');
    await slack.silence(300);
    expect(roots(slack)).toHaveLength(1);
    expect(pointed()).toHaveLength(1);
  });
});
