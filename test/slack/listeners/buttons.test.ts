/** Buttons through the real app: authorised again, answered once, also weeks later. */
import { describe, expect, it } from 'vitest';
import { inState } from '../../../src/runs/run.ts';
import { widenWindow } from '../../../src/slack/listeners/buttons.ts';
import { openSeals } from '../../../src/slack/seals.ts';
import { eventually } from '../../support/eventually.ts';
import { type Bot, type BotOptions, openBot } from '../../support/slack/bolt-app.ts';
import { slackRefusals } from '../../support/slack/local-slack.ts';

/** A root message with buttons, and its run. */
async function withThread(options: BotOptions = {}) {
  const bot = await openBot(options);
  const { slack, runs } = bot;
  await slack.command({ user: 'ada', channel: 'alerts', text: 'shop-prod last 15m' });
  const run = await eventually(async () => {
    const [recent] = await runs.recent(1);
    if (recent === undefined) throw new Error('no run yet');
    return recent;
  });
  const [root] = slack.roots('alerts');
  if (root === undefined) throw new Error('no root message');
  return { ...bot, run, root };
}

const toldTo = ({ slack }: Bot, user: string) =>
  slack.until(() => slack.privateOf(user).at(-1) ?? null, `something told to ${user}`);

describe('details requested by a button', () => {
  it('appear in the thread, from a button or the overflow menu, for anyone who may ask', async () => {
    const { slack, root, asked } = await withThread({ mode: 'socket' });
    await slack.press(root, 'Evidence', 'ben');
    await slack.press(root, 'Log lines', 'ada');
    await slack.until(() => slack.thread('alerts', root.ts).length === 2, 'two replies');
    // Two answers are fetched at the same time; either may come first.
    expect(asked.answered.toSorted()).toEqual(['evidence evidence:1', 'log-lines log-lines:1']);
    expect(slackRefusals(slack.refusals)).toEqual([]);
  });

  it('are linked if requested in the channel, and not in the thread', async () => {
    const bot = await withThread();
    const { slack, root, asked, run } = bot;
    await slack.press(root, 'Evidence', 'ben');
    const told = await toldTo(bot, 'ben');
    const [reply] = slack.thread('alerts', root.ts);
    expect(told.text).toMatch(new RegExp(`in the thread: <[^|]*p${reply?.ts.replace('.', '')}`));
    expect(told.thread).toBeNull();
    const blocks = JSON.parse(JSON.stringify(root.blocks));
    const within = slack.write({ user: 'ben', channel: 'alerts', text: run.id, blocks, thread: root.ts });
    await slack.press(within, 'Log lines', 'ada');
    await eventually(() => expect(asked.answered).toHaveLength(2));
    await slack.silence(100);
    expect(slack.privateOf('ada')).toEqual([]);
  });

  it('appear once, and later requests get a link to them', async () => {
    // A finger that presses twice within four seconds means once: here no time passes.
    const at = Date.now();
    const bot = await withThread({ now: () => at });
    const { slack, root, asked } = bot;
    const { again } = await slack.press(root, 'Evidence', 'ada');
    await again();
    await slack.press(root, 'Evidence', 'ada');
    await eventually(async () => expect((await bot.runs.read(bot.run.id))?.replies).toHaveProperty(['evidence:1']));
    // Still the same finger.
    await slack.press(root, 'Evidence', 'ada');
    await slack.press(root, 'Evidence', 'ben');
    const told = await toldTo(bot, 'ben');
    const [reply] = slack.thread('alerts', root.ts);
    expect(told.text).toMatch(new RegExp(`Already.*<[^|]*p${reply?.ts.replace('.', '')}`));
    expect(asked.answered).toEqual(['evidence evidence:1']);
    // One pointer for three presses.
    expect(slack.privateOf('ada')).toHaveLength(1);
  });

  it('are posted again after a new check', async () => {
    const { slack, root, asked, run, runs } = await withThread();
    await slack.press(root, 'Evidence', 'ada');
    await eventually(() => expect(asked.answered).toHaveLength(1));
    await runs.change(run.id, (current) => ({ ...current, attempts: 2 }));
    await slack.press(root, 'Evidence', 'ben');
    await eventually(() => expect(asked.answered).toHaveLength(2));
    expect(asked.answered).toEqual(['evidence evidence:1', 'evidence evidence:2']);
  });

  it.each([
    [{ refused: 'not-in-channel', code: 'not_in_channel' } as const, '/invite @alb502'],
    [{ refused: 'unreachable', code: 'timeout' } as const, 'Press again in a minute'],
    [{ refused: 'gone', code: 'is_archived' } as const, 'is gone. Run it again'],
  ])('are reported if Slack refuses them', async (answer, says) => {
    const bot = await withThread();
    bot.next.answer = answer;
    await bot.slack.press(bot.root, 'Evidence', 'ada');
    expect((await toldTo(bot, 'ada')).text).toContain(says);
  });
});

describe('a button', () => {
  it.each([
    ['by someone who may not ask', { slack: { allow: { users: ['U0ADA'] } } }, "don't have access"],
    ['in a channel that may not ask any more', { accounts: [{ name: 'other' }] }, 'Account default is not open'],
  ])('%s', async (_, config, says) => {
    const bot = await withThread();
    const later = await openBot({ config });
    // The same run, in a process with another configuration.
    await later.runs.create(bot.run);
    const message = { ...bot.root };
    await later.slack.press(message, 'Fix', 'ben');
    expect((await toldTo(later, 'ben')).text).toContain(says);
    expect(later.asked.answered).toEqual([]);
  });

  it('is refused when the run has expired', async () => {
    const bot = await withThread();
    const later = await openBot();
    await later.slack.press({ ...bot.root }, 'Fix', 'ben');
    expect((await toldTo(later, 'ben')).text).toContain('no longer stored (kept 90 days)');
  });

  it("is refused outside its thread's channel", async () => {
    const bot = await withThread({ slack: { channels: ['alerts', 'elsewhere'] } });
    await bot.slack.press({ ...bot.root, channel: 'C0ELSEWHERE' }, 'Fix', 'ben');
    expect((await toldTo(bot, 'ben')).text).toContain('in the channel where the question was asked');
    expect(bot.asked.answered).toEqual([]);
  });

  it('is refused when its value is no run', async () => {
    const bot = await withThread();
    const blocks = JSON.parse(JSON.stringify(bot.root.blocks).replaceAll(bot.run.id, '../../secrets'));
    await bot.slack.press({ ...bot.root, blocks }, 'Fix', 'ben');
    expect((await toldTo(bot, 'ben')).text).toContain('no longer stored (kept 90 days)');
  });
});

describe('checking again', () => {
  it('asks the same question', async () => {
    const { slack, root, asked, run } = await withThread();
    await slack.press(root, 'Ask again', 'ben');
    await eventually(() => expect(asked.again).toHaveLength(1));
    expect(asked.again).toEqual([{ id: run.id, window: undefined }]);
    await slack.until(() => slack.privateOf('ben').some(({ text }) => text.startsWith('Checked again')), 'an answer');
  });

  it('asks about a wider window', async () => {
    const { slack, root, asked, run } = await withThread();
    await slack.press(root, 'Widen', 'ben');
    await eventually(() => expect(asked.again).toHaveLength(1));
    const [{ window } = { window: undefined }] = asked.again;
    expect(window?.from).toBeLessThan(Date.parse(run.from) - 14 * 60_000);
    expect(window?.to).toBeLessThanOrEqual(Date.now());
  });

  it('is refused while it is running', async () => {
    const bot = await withThread();
    await bot.runs.change(bot.run.id, (run) => inState(run, { state: 'running' }));
    await bot.slack.press(bot.root, 'Ask again', 'ben');
    expect((await toldTo(bot, 'ben')).text).toContain('Already checking again');
    expect(bot.asked.again).toEqual([]);
  });

  it.each([
    ['long ago', 200, [-15, 30]],
    ['that ended just now', 15, [-30, 15]],
    ['that ended ten minutes ago', 25, [-20, 25]],
    ['that is not over', 10, [-30, 15]],
  ])('a window %s', (_, now, [from = 0, to = 0]) => {
    const at = (minutes: number) => Date.parse('2026-11-20T02:00:00Z') + minutes * 60_000;
    const window = { from: new Date(at(0)).toISOString(), to: new Date(at(15)).toISOString() };
    expect(widenWindow(window, at(now))).toEqual({ from: at(from), to: at(to) });
  });

  it('never widens a window beyond seven days', () => {
    const window = { from: '2026-11-10T00:00:00Z', to: '2026-11-15T00:00:00Z' };
    const { from, to } = widenWindow(window, Date.parse('2026-11-20T00:00:00Z'));
    expect(to - from).toBe(7 * 86_400_000);
  });
});

it("acknowledges other apps' actions, such as a link", async () => {
  const { slack, root } = await withThread();
  expect((await slack.press(root, 'Documentation', 'ada')).outcome).toMatchObject({ acknowledged: true });
});

describe('feedback', () => {
  it('"right" is stored, once per person', async () => {
    const bot = await withThread();
    const { slack, root, asked, run, runs } = bot;
    await slack.press(root, 'Right', 'ada');
    await slack.press(root, 'Right', 'ben');
    await eventually(() => expect(asked.refreshed).toHaveLength(2));
    // Both are worked on at the same time; either may be kept first.
    const feedback = (await runs.read(run.id))?.feedback ?? [];
    expect(feedback.toSorted((a, b) => (a.user < b.user ? -1 : 1))).toMatchObject([
      { user: 'U0ADA', verdict: 'right', cause: null },
      { user: 'U0BEN', verdict: 'right' },
    ]);
    expect((await toldTo(bot, 'ada')).text).toContain('recorded');
  });

  it(`"wrong" asks for the cause, and replaces the person's earlier feedback`, async () => {
    const bot = await withThread({ mode: 'socket' });
    const { slack, root, run, runs, asked } = bot;
    await slack.press(root, 'Right', 'ada');
    await eventually(() => expect(asked.refreshed).toHaveLength(1));
    await slack.press(root, 'Wrong', 'ada');
    const view = await slack.until(() => slack.views('ada').at(-1) ?? null, 'a form');
    await slack.submit(view, { cause: 'slow-target', words: 'the database' }, 'ada');
    await eventually(() => expect(asked.refreshed).toHaveLength(2));
    expect((await runs.read(run.id))?.feedback).toMatchObject([
      { user: 'U0ADA', verdict: 'wrong', cause: 'slow-target', words: 'the database' },
    ]);
    await slack.until(() => slack.privateOf('ada').length === 2, 'thanks');
    expect(slack.privateOf('ada').at(-1)?.thread).toBe(root.ts);
    expect(slackRefusals(slack.refusals)).toEqual([]);
  });

  it('about an expired run is refused with a sentence', async () => {
    const bot = await withThread();
    const { slack, root, run } = bot;
    await slack.press(root, 'Wrong', 'ada');
    const view = await slack.until(() => slack.views('ada').at(-1) ?? null, 'a form');
    const { channel, root: thread } = run.thread;
    Object.assign(view.content, {
      private_metadata: openSeals(slack.botToken).close({ run: '20200101t000000-00000000', channel, thread }, 'U0ADA'),
    });
    await slack.submit(view, {}, 'ada');
    expect((await toldTo(bot, 'ada')).text).toContain('no longer stored (kept 90 days)');
  });
});
