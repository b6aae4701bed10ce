/**
 * The form: opened by the command without text and by shortcuts, submitted, and answered at the field that is wrong.
 */
import { describe, expect, it } from 'vitest';
import { matchLoadBalancers, toOption } from '../../../src/slack/listeners/options.ts';
import { formValues } from '../../../src/slack/listeners/slash-command.ts';
import { INPUTS, SHORTCUTS } from '../../../src/slack/messages/actions.ts';
import { eventually } from '../../support/eventually.ts';
import { type Bot, type BotOptions, loadBalancer, openBot } from '../../support/slack/bolt-app.ts';
import { slackRefusals, type View } from '../../support/slack/local-slack.ts';

const formOf = ({ slack }: Bot, user = 'ada'): Promise<View> =>
  slack.until(() => slack.views(user).at(-1) ?? null, 'a form');

const initialIn = (view: View): Record<string, unknown> => {
  const blocks: unknown = view.content.blocks;
  return Object.fromEntries(
    (Array.isArray(blocks) ? blocks : []).map(({ block_id, element }) => [
      block_id,
      element?.initial_value ?? element?.initial_option?.value ?? element?.initial_conversation ?? null,
    ]),
  );
};

async function opened(options: BotOptions = {}, text = '') {
  const bot = await openBot(options);
  await bot.slack.command({ user: 'ada', channel: 'alerts', text });
  return { ...bot, view: await formOf(bot) };
}

describe('the command without a load balancer', () => {
  it.each([
    ['', { window: 'last 15m', statuses: null }],
    ['last 2h', { window: 'last 2h', statuses: null }],
    ['from 02:40 to 02:55 502 504', { window: 'from 02:40 to 02:55', statuses: '502 504' }],
    ['5xx', { window: 'last 15m', statuses: '5xx' }],
  ])('opens the form with the typed text for %j', async (text, initial) => {
    const { slack, view, asked } = await opened({}, text);
    expect(initialIn(view)).toMatchObject({ load_balancer: null, ...initial });
    expect(slack.privateOf('ada')).toEqual([]);
    expect(asked.found).toEqual([]);
    expect(slackRefusals(slack.refusals)).toEqual([]);
  });

  it('says that the form could not be opened in time, or at all', async () => {
    const refused = await openBot({ config: { slack: { allow: { users: ['U0BEN'] } } } });
    await refused.slack.command({ user: 'ada', channel: 'alerts' });
    await refused.slack.until(
      () => refused.slack.privateOf('ada').some(({ text }) => text.includes("don't have access")),
      'it',
    );
    expect(refused.slack.callsOf('views.open')).toEqual([]);
    const late = await openBot();
    late.slack.fail('views.open', { error: 'expired_trigger_id' });
    await late.slack.command({ user: 'ada', channel: 'alerts' });
    await late.slack.until(() => late.slack.privateOf('ada').some(({ text }) => text.includes('did not open')), 'it');
  });

  it.each([
    ['', {}],
    ['last 15m', { window: 'last 15m' }],
    ['502,504 last 15m', { window: 'last 15m', statuses: '502 504' }],
  ])('splits %j into fields', (words, parts) => {
    expect(formValues(words)).toEqual(parts);
  });
});

describe('the load balancers to choose from', () => {
  it('match the typed text, and the person may ask about them', async () => {
    const { slack, view } = await opened({
      config: { accounts: [{ name: 'default' }, { name: 'bank', channels: ['C0BANK'] }] },
      loadBalancers: [loadBalancer('web-shop'), loadBalancer('shop-prod'), loadBalancer('shop-vault', 'bank')],
    });
    const texts = async (typed: string) =>
      (await slack.suggest(view, INPUTS.loadBalancer, typed, 'ada')).map(({ text }) => text);
    expect(await texts('')).toEqual(['web-shop', 'shop-prod']);
    expect(await texts('SHOP')).toEqual(['shop-prod', 'web-shop']);
    expect(await texts('vault')).toEqual([]);
    expect(slackRefusals(slack.refusals)).toEqual([]);
  });

  it('are hidden from someone who may not ask', async () => {
    const { slack, view } = await opened({ config: { slack: { allow: { users: ['U0ADA'] } } } });
    expect(await slack.suggest(view, INPUTS.loadBalancer, '', 'ben')).toEqual([]);
  });

  it('are at most a hundred, cut to the length that Slack allows', () => {
    const many = Array.from({ length: 300 }, (_, at) => loadBalancer(`alb-${at}`));
    expect(matchLoadBalancers(many, 'alb')).toHaveLength(100);
    const long = { ...loadBalancer('x'.repeat(32), 'a'.repeat(90)), arn: `arn:${'y'.repeat(200)}` };
    expect(toOption(long).description?.text).toHaveLength(75);
    expect(toOption(long).value).toBe(long.name);
  });
});

describe('the submitted form', () => {
  it('opens a thread in the channel where it was opened', async () => {
    const { slack, view, asked } = await opened({ mode: 'socket' });
    const { errors } = await slack.submit(
      view,
      { load_balancer: 'shop-prod', window: '02:40 to 02:55', statuses: '502 504' },
      'ada',
    );
    expect(errors).toEqual({});
    await eventually(() => expect(asked.opened).toHaveLength(1));
    expect(asked.opened).toMatchObject([
      {
        channel: 'C0ALERTS',
        parentTs: null,
        askedBy: { user: 'U0ADA' },
        question: { loadBalancer: { name: 'shop-prod' }, statuses: ['502', '504'] },
      },
    ]);
    expect(slack.views('ada')).toEqual([]);
    expect(slackRefusals(slack.refusals)).toEqual([]);
  });

  it.each([
    [{ window: 'a while' }, { window: /Didn't understand "while"/ }],
    [{ window: '3 weeks' }, { window: /longer than 7 days/ }],
    [{ statuses: '777' }, { statuses: /"777"/ }],
    [{ statuses: 'last 15m' }, { statuses: /Only statuses/ }],
    [
      { window: 'soon', statuses: 'x' },
      { window: /"soon"/, statuses: /Only statuses/ },
    ],
    [{ window: 'from 2099-01-01T00:00Z to 2099-01-01T01:00Z' }, { window: /in the future/ }],
  ])('stays open with %j and shows what is wrong at the field', async (values, says) => {
    const { slack, view, asked } = await opened();
    const filled = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value ?? '']));
    const { errors } = await slack.submit(view, { load_balancer: 'edge', ...filled }, 'ada');
    expect(Object.keys(errors).sort()).toEqual(Object.keys(says).sort());
    for (const [input, pattern] of Object.entries(says)) expect(errors[input]).toMatch(pattern);
    expect(slack.views('ada')).toHaveLength(1);
    expect(asked.opened).toEqual([]);
    expect(slackRefusals(slack.refusals)).toEqual([]);
  });

  it('shows examples that work in the same field', async () => {
    const { slack, view, asked } = await opened();
    const submit = (window: string) => slack.submit(view, { load_balancer: 'edge', window }, 'ada');
    const { errors } = await submit('last fortnight');
    expect(errors.window).toBe('Didn\'t understand "last fortnight". Try: edge last 15m, or edge from 02:40 to 02:55.');
    expect((await submit('shop-prod last 15m')).errors.window).toContain('"shop-prod"');
    expect((await submit('edge from 02:40 to 02:55')).errors).toEqual({});
    await eventually(() => expect(asked.opened).toMatchObject([{ question: { loadBalancer: { name: 'edge' } } }]));
  });

  it('shows a refusal in the form while Slack waits', async () => {
    const { slack, view, next } = await opened();
    next.opened = {
      refused: '',
      reason: 'slack',
      refusal: { refused: 'not-in-channel', code: 'not_in_channel' },
    };
    const { errors } = await slack.submit(view, { load_balancer: 'edge' }, 'ada');
    expect(Object.values(errors)).toEqual([expect.stringContaining('/invite @alb502')]);
    expect(slackRefusals(slack.refusals)).toEqual([]);
  });

  it('stays in its channel, whatever channel the client sends', async () => {
    const { slack, view, asked } = await opened({ slack: { channels: ['alerts', 'board'] } });
    const blocks: unknown = view.content.blocks;
    if (Array.isArray(blocks)) {
      expect(blocks.map(({ block_id }) => block_id)).not.toContain(INPUTS.channel);
      blocks.push({
        type: 'input',
        block_id: INPUTS.channel,
        element: { type: 'conversations_select', action_id: INPUTS.channel, initial_conversation: 'C0BOARD' },
      });
    }
    await slack.submit(view, { load_balancer: 'edge' }, 'ada');
    await eventually(() => expect(asked.opened).toMatchObject([{ channel: 'C0ALERTS' }]));
  });

  it('is refused if the person may no longer ask', async () => {
    const clock = { moved: 0 };
    const { slack, view, asked } = await opened({
      config: { slack: { allow: { userGroups: ['S0ONCALL'] } } },
      slack: { userGroups: { oncall: ['ada'] }, scopes: ['commands', 'chat:write', 'usergroups:read'] },
      now: () => Date.now() + clock.moved,
    });
    const [{ value } = { value: '' }] = await slack.suggest(view, INPUTS.loadBalancer, 'edge', 'ada');
    slack.workspace.userGroups.set('S0ONCALL', { name: 'oncall', users: [] });
    clock.moved = 10 * 60_000;
    expect(await slack.suggest(view, INPUTS.loadBalancer, 'edge', 'ada')).toEqual([]);
    const chosen = { type: 'external_select', initial_option: { text: { type: 'plain_text', text: 'edge' }, value } };
    const blocks: unknown = view.content.blocks;
    for (const block of Array.isArray(blocks) ? blocks : [])
      if (block.block_id === INPUTS.loadBalancer) Object.assign(block.element, chosen);
    const { errors } = await slack.submit(view, {}, 'ada');
    expect(Object.values(errors)).toEqual([expect.stringContaining("don't have access")]);
    expect(asked).toMatchObject({ found: [], opened: [] });
  });
});

describe('shortcuts', () => {
  it('ask for a channel when started globally', async () => {
    const bot = await openBot();
    const { slack, asked } = bot;
    await slack.shortcut({ user: 'ada', callbackId: SHORTCUTS.global });
    const view = await formOf(bot);
    await slack.submit(view, { load_balancer: 'edge', channel: 'alerts' }, 'ada');
    await eventually(() => expect(asked.opened).toMatchObject([{ channel: 'C0ALERTS', parentTs: null }]));
  });

  it.each([
    ['a private channel that the asker is not in', {}, /not in this channel/],
    ['any channel if Slack cannot list its members', { scopes: ['commands', 'chat:write'] }, /cannot see who/],
  ])('refuse %s in the global one', async (_, more, says) => {
    const channels = ['alerts', { name: 'board', isPrivate: true, members: ['ben'] }];
    const bot = await openBot({ slack: { channels, ...more } });
    const { slack, asked } = bot;
    await slack.shortcut({ user: 'ada', callbackId: SHORTCUTS.global });
    const { errors } = await slack.submit(await formOf(bot), { load_balancer: 'edge', channel: 'board' }, 'ada');
    expect(errors).toEqual({ channel: expect.stringMatching(says) });
    expect(asked).toMatchObject({ found: [], opened: [] });
  });

  it('list no load balancer of a restricted account, whatever channel the client sends', async () => {
    const bot = await openBot({
      config: { accounts: [{ name: 'default' }, { name: 'bank', channels: ['C0BANK'] }] },
      loadBalancers: [loadBalancer('shop-prod'), loadBalancer('vault', 'bank')],
      slack: { channels: ['alerts', { name: 'bank', isPrivate: true, members: ['ben'] }] },
    });
    const { slack } = bot;
    await slack.shortcut({ user: 'ada', callbackId: SHORTCUTS.global });
    const view = await formOf(bot);
    const blocks: unknown = view.content.blocks;
    for (const block of Array.isArray(blocks) ? blocks : [])
      if (block.block_id === INPUTS.channel) block.element.initial_conversation = 'C0BANK';
    expect((await slack.suggest(view, INPUTS.loadBalancer, '', 'ada')).map(({ text }) => text)).toEqual(['shop-prod']);
  });

  it.each([
    ['writes itself', async () => JSON.stringify({ channel: 'C0BANK', within: null })],
    [
      'got for another person',
      async ({ slack }: Bot) => {
        await slack.command({ user: 'ben', channel: 'bank', text: '' });
        const { content } = await slack.until(() => slack.views('ben').at(-1) ?? null, 'a form');
        return String(content.private_metadata);
      },
    ],
    ['got, with another channel', async (_: Bot, own: string) => own.replace(/"channel":[^,]*/, '"channel":"C0BANK"')],
    ['cuts off', async (_: Bot, own: string) => own.slice(0, 10)],
  ])('neither list nor post for another channel, whatever origin a client %s', async (_, forge) => {
    const bot = await openBot({
      config: { accounts: [{ name: 'default' }, { name: 'bank', channels: ['C0BANK'] }] },
      loadBalancers: [loadBalancer('shop-prod'), loadBalancer('vault', 'bank')],
      slack: { channels: ['alerts', { name: 'bank', isPrivate: true, members: ['ben'] }] },
    });
    const { slack, asked } = bot;
    await slack.command({ user: 'ada', channel: 'alerts', text: '' });
    const view = await formOf(bot);
    Object.assign(view.content, { private_metadata: await forge(bot, String(view.content.private_metadata)) });
    expect((await slack.suggest(view, INPUTS.loadBalancer, '', 'ada')).map(({ text }) => text)).toEqual(['shop-prod']);
    const { errors } = await slack.submit(view, { load_balancer: 'shop-prod' }, 'ada');
    expect(Object.values(errors)).toEqual(['Pick the channel for the thread.']);
    expect(asked.opened).toEqual([]);
  });

  it('fill the form from a message, and answer below it', async () => {
    const now = Date.now();
    const bot = await openBot({ mode: 'socket' });
    const { slack, asked } = bot;
    const message = slack.write({ user: 'ben', channel: 'alerts', text: 'ALARM: 5xx of *shop-prod* over 10' });
    await slack.shortcut({ user: 'ada', callbackId: SHORTCUTS.message, message });
    const view = await formOf(bot);
    expect(initialIn(view)).toMatchObject({ load_balancer: loadBalancer('shop-prod').arn });
    await slack.submit(view, {}, 'ada');
    await eventually(() => expect(asked.opened).toHaveLength(1));
    expect(asked.opened).toMatchObject([{ parentTs: message.ts, channel: 'C0ALERTS' }]);
    const [{ question } = { question: { from: 0, to: 0 } }] = asked.opened;
    expect(question.from).toBeLessThanOrEqual(now - 14 * 60_000);
    expect(question.to).toBeLessThanOrEqual(Date.now());
    expect(slackRefusals(slack.refusals)).toEqual([]);
  });

  it('answer in the thread of a reply, and leave the form empty if it names nothing', async () => {
    const bot = await openBot();
    const { slack, asked } = bot;
    const first = slack.write({ user: 'ben', channel: 'alerts', text: 'Something is wrong.' });
    const reply = slack.write({ user: 'ben', channel: 'alerts', text: 'Still.', thread: first.ts });
    await slack.shortcut({ user: 'ada', callbackId: SHORTCUTS.message, message: reply });
    const view = await formOf(bot);
    expect(initialIn(view)).toMatchObject({ load_balancer: null });
    await slack.submit(view, { load_balancer: 'edge' }, 'ada');
    await eventually(() => expect(asked.opened).toMatchObject([{ parentTs: first.ts }]));
  });

  it('are acknowledged when they belong to another app', async () => {
    const { slack } = await openBot();
    const { outcome } = await slack.shortcut({ user: 'ada', callbackId: 'of-another-version' });
    expect(outcome).toMatchObject({ acknowledged: true });
  });
});
