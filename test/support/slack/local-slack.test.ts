/** The local Slack against the real Bolt app and the real Web API client: what the tests of the bot rest on. */
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { App, HTTPReceiver, LogLevel, SocketModeReceiver, webApi } from '@slack/bolt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type LocalSlack, type Options, slackRefusals } from './local-slack.ts';
import { localSlack } from './local-slack-for-test.ts';

const { WebClient } = webApi;
const silent = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => LogLevel.ERROR,
  setName() {},
};
const client = ({ apiUrl, botToken }: LocalSlack, more: webApi.WebClientOptions = {}) =>
  new WebClient(botToken, {
    slackApiUrl: apiUrl,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logger: silent,
    ...more,
  });
const quiet = { unfurl_links: false, unfurl_media: false };
const section = (text: string) => ({ type: 'section' as const, text: { type: 'mrkdwn' as const, text } });
const button = (action_id: string, text: string) => ({
  type: 'button' as const,
  action_id,
  text: { type: 'plain_text' as const, text },
  value: 'run-1',
});

type Mode = 'socket' | 'http';
type Setup = (app: App, slack: LocalSlack) => void;

/** A Bolt app of the real kind that talks to a local Slack. */
async function bot(mode: Mode, setup: Setup, options: Options & { mayRefuse?: boolean } = {}): Promise<LocalSlack> {
  const slack = await localSlack(options);
  const clientOptions = { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 } };
  const receiver =
    mode === 'socket'
      ? new SocketModeReceiver({
          appToken: slack.appToken,
          logger: silent,
          clientPingTimeout: 2000,
          installerOptions: { clientOptions },
        })
      : new HTTPReceiver({ signingSecret: slack.signingSecret, logger: silent });
  const app = new App({
    receiver,
    token: slack.botToken,
    clientOptions,
    logger: silent,
    deferInitialization: true,
    convoStore: false,
  });
  await app.init();
  setup(app, slack);
  await app.start(0);
  if (receiver instanceof HTTPReceiver) {
    const address = (receiver as unknown as { server: { address(): AddressInfo } }).server.address();
    slack.deliverTo(`http://127.0.0.1:${address.port}/slack/events`);
  }
  onTestFinished(async () => void (await app.stop()));
  return slack;
}

const modal = (title = 'Diagnose') => ({
  type: 'modal' as const,
  callback_id: 'form',
  title: { type: 'plain_text' as const, text: title },
  submit: { type: 'plain_text' as const, text: 'Go' },
  blocks: [
    {
      type: 'input' as const,
      block_id: 'lb',
      label: { type: 'plain_text' as const, text: 'Load balancer' },
      element: { type: 'external_select' as const, action_id: 'lb', min_query_length: 0 },
    },
    {
      type: 'input' as const,
      block_id: 'window',
      optional: true,
      label: { type: 'plain_text' as const, text: 'Window' },
      element: { type: 'plain_text_input' as const, action_id: 'window', initial_value: 'last 15m' },
    },
  ],
});

it('is the real Bolt that is tested', () => {
  const { version } = createRequire(import.meta.url)('@slack/bolt/package.json');
  expect(version).toMatch(/^5\./);
});

describe.each<Mode>(['socket', 'http'])('a Bolt app over %s', (mode) => {
  it('answers a command in private, and posts a thread', async () => {
    const slack = await bot(mode, (app) =>
      app.command('/alb502', async ({ ack, command, client }) => {
        await ack(`Looking at ${command.text}.`);
        const { ts } = await client.chat.postMessage({ channel: command.channel_id, text: command.text, ...quiet });
        await client.chat.postMessage({
          channel: command.channel_id,
          thread_ts: String(ts),
          text: 'A race.',
          ...quiet,
        });
      }),
    );
    const { outcome, said } = await slack.command({ user: 'ada', channel: 'alerts', text: 'shop-prod last 15m' });
    expect(outcome).toMatchObject({ acknowledged: true, milliseconds: expect.any(Number) });
    expect(said).toBe('Looking at shop-prod last 15m.');
    await slack.until(() => slack.callsOf('chat.postMessage').length === 2, 'two messages');
    const [root] = slack.roots('alerts');
    expect(slack.thread('alerts', root?.ts ?? '').map(({ text }) => text)).toEqual(['A race.']);
    expect(slack.whatIsShown('alerts', 'ada')).toBe(
      'alb502 (only visible to ada)\n    Looking at shop-prod last 15m.\n\nalb502\n    shop-prod last 15m\n  │ alb502\n  │     A race.',
    );
    expect(slack.whatIsShown('alerts', 'ben')).not.toContain('Looking');
  });

  it('sends button presses, and shows the edited message', async () => {
    const slack = await bot(mode, (app) =>
      app.action('fix', async ({ ack, body, client, respond }) => {
        await ack();
        if (body.type !== 'block_actions') return;
        const { channel, message, actions } = body;
        expect(actions[0]).toMatchObject({ value: 'run-1', block_id: 'block-1', type: 'button' });
        expect(body.container).toMatchObject({ type: 'message', message_ts: message?.ts });
        await client.chat.update({
          channel: channel?.id ?? '',
          ts: message?.ts ?? '',
          text: 'pressed',
          blocks: [],
          parse: 'none',
        });
        await respond({ text: `Seen, <@${body.user.id}>.`, replace_original: false });
      }),
    );
    const blocks = [section('shop-prod'), { type: 'actions', elements: [button('fix', 'Fix')] }];
    await client(slack).chat.postMessage({
      channel: slack.workspace.channel('alerts').id,
      text: 'shop-prod',
      blocks,
      ...quiet,
    });
    const [root] = slack.roots('alerts');
    if (root === undefined) throw new Error('nothing was posted');
    const { outcome, confirmed } = await slack.press(root, 'Fix', 'ben');
    expect([outcome.acknowledged, confirmed]).toEqual([true, null]);
    const [note] = await slack.until(
      () => (slack.privateOf('ben').length > 0 ? slack.privateOf('ben') : null),
      'a note for ben',
    );
    expect(note?.text).toBe('Seen, <@U0BEN>.');
    expect([root.text, root.before.map(({ text }) => text)]).toEqual(['pressed', ['shop-prod']]);
    await expect(slack.press(root, 'Fix', 'ben')).rejects.toThrow(
      'Nothing is called "Fix"; there is nothing to press.',
    );
  });

  it('opens a form with options, shows its errors, and closes it', async () => {
    const submitted: unknown[] = [];
    const slack = await bot(mode, (app) => {
      app.shortcut('open', async ({ ack, shortcut, client }) => {
        await ack();
        await client.views.open({ trigger_id: shortcut.trigger_id, view: modal() });
      });
      app.options('lb', async ({ ack, options }) => {
        const all = ['shop-prod', 'shop-test'].filter((one) => one.includes(options.value));
        await ack({ options: all.map((one) => ({ text: { type: 'plain_text', text: one }, value: one })) });
      });
      app.view('form', async ({ ack, view }) => {
        submitted.push(view.state.values);
        const isBad = view.state.values.window?.window?.value === 'yesterday';
        await (isBad ? ack({ response_action: 'errors', errors: { window: 'Try last 15m.' } }) : ack());
      });
    });
    await slack.shortcut({ user: 'ada', callbackId: 'open' });
    const [form] = await slack.until(() => (slack.views('ada').length > 0 ? slack.views('ada') : null), 'the form');
    if (form === undefined) throw new Error('no form');
    expect(await slack.suggest(form, 'lb', 'prod', 'ada')).toEqual([{ text: 'shop-prod', value: 'shop-prod' }]);
    await expect(slack.submit(form, {}, 'ada')).rejects.toThrow('The form wants "Load balancer".');
    await expect(slack.submit(form, { lb: 'other' }, 'ada')).rejects.toThrow('"other" is not offered');
    const wrong = await slack.submit(form, { lb: 'shop-prod', window: 'yesterday' }, 'ada');
    expect([wrong.errors, slack.views('ada').length]).toEqual([{ window: 'Try last 15m.' }, 1]);
    const right = await slack.submit(form, { lb: 'shop-prod' }, 'ada');
    expect([right.errors, slack.views('ada').length]).toEqual([{}, 0]);
    expect(submitted.at(-1)).toMatchObject({
      lb: { lb: { type: 'external_select', selected_option: { value: 'shop-prod' } } },
      window: { window: { type: 'plain_text_input', value: 'last 15m' } },
    });
  });

  it('sends mentions, messages chosen from the menu, and Home', async () => {
    const seen: unknown[] = [];
    const slack = await bot(mode, (app) => {
      app.event('app_mention', async ({ event, say }) => {
        seen.push([event.text, event.thread_ts]);
        await say({ text: 'Here.', thread_ts: event.thread_ts ?? event.ts, ...quiet });
      });
      app.shortcut('from', async ({ ack, shortcut }) => {
        await ack();
        if (shortcut.type === 'message_action') seen.push(shortcut.message.text);
      });
      app.event('app_home_opened', async ({ event, client }) => {
        await client.views.publish({ user_id: event.user, view: { type: 'home', blocks: [section('Nothing yet.')] } });
      });
    });
    const alert = slack.write({ user: 'ben', channel: 'alerts', text: 'ALARM: shop-prod' });
    await slack.mention({ user: 'ada', channel: 'alerts', text: 'shop-prod', thread: alert.ts });
    await slack.until(() => slack.thread('alerts', alert.ts).length === 2, 'an answer in the thread');
    await slack.shortcut({ user: 'ada', callbackId: 'from', message: alert });
    await slack.openHome('ada');
    const home = await slack.until(() => slack.home('ada'), 'a Home');
    expect(seen).toEqual([['<@U0ALB502> shop-prod', alert.ts], 'ALARM: shop-prod']);
    expect(home.content.blocks).toEqual([section('Nothing yet.')]);
  });

  it('reports requests not acknowledged in time', async () => {
    const slack = await bot(mode, (app) => app.command('/alb502', async () => {}), { ackWithin: 100 });
    const { outcome } = await slack.command({ user: 'ada', channel: 'alerts' });
    expect(outcome).toEqual({ acknowledged: false, because: 'timed-out' });
  });

  it('redelivers an event that was not acknowledged, and says so', async () => {
    const tries: unknown[] = [];
    const slack = await bot(mode, (app) => {
      app.use(async ({ context, next, body }) => {
        tries.push([context.retryNum ?? 0, context.retryReason ?? '', 'event_id' in body]);
        // Bolt acknowledges events before listeners run; here the first one is not acknowledged.
        await next();
      });
      app.event('app_mention', async () => {});
    });
    const { again } = await slack.mention({ user: 'ada', channel: 'alerts', text: 'shop-prod' });
    await again({ attempt: 1, reason: 'http_timeout' });
    await slack.until(() => tries.length === 2, 'the second time');
    expect(tries.toSorted()).toEqual([
      [0, '', true],
      [1, 'http_timeout', true],
    ]);
  });
});

describe('Socket Mode', () => {
  const greeting: Setup = (app) =>
    app.command('/alb502', async ({ ack }) => {
      await ack('Here.');
    });

  it('reconnects on request and when cut off', async () => {
    const slack = await bot('socket', greeting);
    expect(slack.sockets.connections()).toBe(1);
    slack.sockets.disconnect('refresh_requested');
    await slack.until(() => slack.sockets.connected() >= 2 && slack.sockets.connections() === 1, 'a second connection');
    const before = slack.sockets.connected();
    slack.sockets.drop();
    await slack.until(
      () => slack.sockets.connected() > before && slack.sockets.connections() === 1,
      'a third connection',
    );
    expect((await slack.command({ user: 'ada', channel: 'alerts' })).said).toBe('Here.');
  });

  it('reports that the bot is away', async () => {
    const slack = await localSlack();
    const { outcome } = await slack.command({ user: 'ada', channel: 'alerts' });
    expect(outcome).toEqual({ acknowledged: false, because: 'timed-out' });
  });

  it('keeps an event for the next connection', async () => {
    const seen: number[] = [];
    const slack = await bot('socket', (app) =>
      app.event('app_mention', async ({ context }) => {
        seen.push(context.retryNum ?? 0);
      }),
    );
    slack.sockets.drop();
    await slack.until(() => slack.sockets.connections() === 0, 'no connection');
    await slack.mention({ user: 'ada', channel: 'alerts', text: 'shop-prod' });
    await slack.until(() => seen.length > 0, 'the event');
    expect(seen).toEqual([1]);
  });

  it('accepts each ticket once, and nobody without one', async () => {
    const slack = await localSlack();
    const open = (url: string) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.onopen = () => resolve('open');
        socket.onerror = () => resolve('refused');
        onTestFinished(() => socket.close());
      });
    const url = slack.sockets.ticket();
    expect([await open(url), await open(url), await open(`${url}0`)]).toEqual(['open', 'refused', 'refused']);
  });
});

describe('the Web API', () => {
  const channel = (slack: LocalSlack, name = 'alerts') => slack.workspace.channel(name).id;
  const code = async (call: Promise<unknown>): Promise<string> => {
    try {
      await call;
      return 'ok';
    } catch (error) {
      if (error instanceof webApi.WebAPIPlatformError) return error.data.error;
      if (error instanceof webApi.WebAPIRateLimitedError) return `429, ${error.retryAfter} s`;
      if (error instanceof webApi.WebAPIHTTPError) return `HTTP ${error.statusCode}`;
      return error instanceof webApi.WebAPIRequestError ? 'no answer' : String(error);
    }
  };
  const channels = [
    'alerts',
    { name: 'public', hasBot: false },
    { name: 'private', isPrivate: true },
    { name: 'secret', isPrivate: true, hasBot: false },
    { name: 'old', isArchived: true },
  ];
  const post = (slack: LocalSlack, to: string, more: object = {}) =>
    client(slack).chat.postMessage({ channel: to, text: 'shop-prod', ...quiet, ...more });

  it.each<[string, (slack: LocalSlack) => Promise<unknown>, string]>([
    ['a channel', (slack) => post(slack, channel(slack)), 'ok'],
    ['a private channel', (slack) => post(slack, channel(slack, 'private')), 'ok'],
    ['a person', (slack) => post(slack, 'U0ADA'), 'ok'],
    ['a channel the bot is not in', (slack) => post(slack, channel(slack, 'public')), 'not_in_channel'],
    ['a private one the bot is not in', (slack) => post(slack, channel(slack, 'secret')), 'channel_not_found'],
    ['an archived channel', (slack) => post(slack, channel(slack, 'old')), 'is_archived'],
    ['nowhere', (slack) => post(slack, 'C1'), 'channel_not_found'],
    ['nothing', (slack) => post(slack, channel(slack), { text: '' }), 'no_text'],
    [
      'too many blocks',
      (slack) => post(slack, channel(slack), { blocks: Array(51).fill({ type: 'divider' }) }),
      'invalid_blocks',
    ],
    ['metadata of no type', (slack) => post(slack, channel(slack), { metadata: { a: 1 } }), 'invalid_metadata_format'],
    [
      'too much metadata',
      (slack) =>
        post(slack, channel(slack), { metadata: { event_type: 'run', event_payload: { a: 'x'.repeat(3000) } } }),
      'metadata_too_large',
    ],
    [
      'a private message to a person',
      (slack) => client(slack).chat.postEphemeral({ channel: channel(slack), user: 'U0ADA', text: 'a' }),
      'ok',
    ],
    [
      'a private message to a person elsewhere',
      (slack) => client(slack).chat.postEphemeral({ channel: channel(slack), user: 'U0', text: 'a' }),
      'user_not_in_channel',
    ],
    [
      'an edit of an unknown message',
      (slack) => client(slack).chat.update({ channel: channel(slack), ts: '1.000001', text: 'a' }),
      'message_not_found',
    ],
    [
      'history without membership',
      (slack) => client(slack).conversations.history({ channel: channel(slack, 'public') }),
      'not_in_channel',
    ],
    [
      'a thread that is not there',
      (slack) => client(slack).conversations.replies({ channel: channel(slack), ts: '1.000001' }),
      'thread_not_found',
    ],
    [
      'a group that is not there',
      (slack) => client(slack).usergroups.users.list({ usergroup: 'S1' }),
      'no_such_subteam',
    ],
    ['a method of no name', (slack) => client(slack).apiCall('chat.shout'), 'unknown_method'],
    ['an unknown token', (slack) => client({ ...slack, botToken: 'xoxb-other' }).auth.test(), 'invalid_auth'],
    [
      'the token of the app',
      (slack) => client({ ...slack, botToken: slack.appToken }).auth.test(),
      'not_allowed_token_type',
    ],
    [
      'a form with no trigger',
      (slack) => client(slack).views.open({ trigger_id: '1', view: modal() }),
      'invalid_trigger_id',
    ],
    [
      'a form of a long title',
      (slack) => client(slack).views.open({ trigger_id: '1', view: modal('x'.repeat(25)) }),
      'invalid_arguments',
    ],
  ])('%s', async (_, call, answer) => {
    const slack = await localSlack({ channels, mayRefuse: true });
    expect(await code(call(slack))).toBe(answer);
  });

  it('refuses a method that needs another scope', async () => {
    const slack = await localSlack({ scopes: ['chat:write'], mayRefuse: true });
    expect(await code(client(slack).users.info({ user: 'U0ADA' }))).toBe('missing_scope');
  });

  it('says where blocks are wrong', async () => {
    const slack = await localSlack({ mayRefuse: true });
    const blocks = [section(''), { type: 'banner' }];
    const error = await post(slack, channel(slack), { blocks }).catch((one: unknown) => one);
    expect(error instanceof webApi.WebAPIPlatformError && error.data.response_metadata?.messages).toEqual([
      '[ERROR] must be at least 1 characters [json-pointer:/blocks/0/text/text]',
      '[ERROR] unsupported type of a block: banner [json-pointer:/blocks/1/type]',
    ]);
    expect(slack.refusals).toEqual([
      'chat.postMessage: must be at least 1 characters [/blocks/0/text/text]',
      'chat.postMessage: unsupported type of a block: banner [/blocks/1/type]',
    ]);
    expect(slack.roots('alerts')).toEqual([]);
  });

  it('accepts and notes what the bot never sends', async () => {
    const slack = await localSlack({ mayRefuse: true });
    const { ts } = await client(slack).chat.postMessage({ channel: channel(slack), text: '<!channel>' });
    await client(slack).chat.update({ channel: channel(slack), ts: String(ts), text: 'a' });
    expect(slackRefusals(slack.refusals)).toEqual([]);
    expect(slack.refusals).toEqual([
      'chat.postMessage: ours: unfurl_links must be false',
      'chat.postMessage: ours: unfurl_media must be false',
      'chat.postMessage: ours: notifies many people: <!channel> [/text]',
      'chat.update: ours: parse must be none: client is the default of updates',
      'chat.update: ours: blocks must be given: without them the previous ones are kept',
    ]);
  });

  it('edits only own messages, up to 4,000 characters', async () => {
    const slack = await localSlack({ mayRefuse: true });
    const own = (await post(slack, channel(slack))).ts ?? '';
    const { ts: foreign } = slack.write({ user: 'ada', channel: 'alerts', text: 'a' });
    const edit = (ts: string, length: number) =>
      code(
        client(slack).chat.update({ channel: channel(slack), ts, text: 'x'.repeat(length), blocks: [], parse: 'none' }),
      );
    expect([await edit(own, 4000), await edit(own, 4001), await edit(foreign, 1)]).toEqual([
      'ok',
      'msg_too_long',
      'cant_update_message',
    ]);
    const note = await client(slack).chat.postEphemeral({ channel: channel(slack), user: 'U0ADA', text: 'a' });
    expect(await edit(note.message_ts ?? '', 1)).toBe('message_not_found');
    slack.workspace.channel('alerts').isArchived = true;
    expect(await edit(own, 1)).toBe('is_inactive');
  });

  it('returns metadata on request', async () => {
    const slack = await localSlack();
    const metadata = { event_type: 'alb502_run', event_payload: { run: '1' } };
    const { ts } = await post(slack, channel(slack), { metadata });
    await post(slack, channel(slack), { thread_ts: ts });
    const history = (include_all_metadata: boolean) =>
      client(slack).conversations.history({ channel: channel(slack), include_all_metadata });
    expect((await history(true)).messages?.map((one) => one.metadata)).toEqual([metadata]);
    expect((await history(false)).messages?.map((one) => one.metadata)).toEqual([undefined]);
    const replies = await client(slack).conversations.replies({
      channel: channel(slack),
      ts: String(ts),
      include_all_metadata: true,
    });
    expect(replies.messages?.map((one) => [one.ts === ts, one.metadata])).toEqual([
      [true, metadata],
      [false, undefined],
    ]);
    const other = client(slack).conversations.history({
      channel: channel(slack),
      limit: 1,
      latest: String(ts),
      inclusive: true,
    });
    expect((await other).messages?.map((one) => one.ts)).toEqual([ts]);
  });

  it('uploads a file into a thread', async () => {
    const slack = await localSlack();
    const { ts } = await post(slack, channel(slack));
    await client(slack).filesUploadV2({
      channel_id: channel(slack),
      thread_ts: String(ts),
      content: '# Post-mortem\n',
      filename: 'post-mortem.md',
      title: 'Post-mortem',
      initial_comment: 'The post-mortem of shop-prod.',
    });
    expect(
      slack.thread('alerts', String(ts)).map(({ text, files }) => [text, files[0]?.title, files[0]?.content]),
    ).toEqual([['The post-mortem of shop-prod.', 'Post-mortem', '# Post-mortem\n']]);
    const alone = client(slack).files.completeUploadExternal({ files: [{ id: 'F1' }] });
    expect(await code(alone)).toBe('file_not_found');
  });

  it('accepts each trigger once, for a limited time', async () => {
    const slack = await localSlack({ triggersLast: 60_000 });
    const view = modal();
    const open = (trigger_id: string) => code(client(slack).views.open({ trigger_id, view }));
    const [first, late] = [slack.trigger('ada'), slack.trigger('ada')];
    const opened = [await open(first), await open(first)];
    slack.pass(60_001);
    opened.push(await open(late));
    expect(opened).toEqual(['ok', 'exchanged_trigger_id', 'expired_trigger_id']);
    const [form] = slack.views('ada');
    const update = (hash: string) => code(client(slack).views.update({ view_id: form?.id ?? '', hash, view }));
    expect([await update(form?.hash ?? ''), await update('old')]).toEqual(['ok', 'hash_conflict']);
  });

  it('throttles like Slack', async () => {
    const at = Date.parse('2026-11-20T02:44:00Z');
    const slack = await localSlack({ rateLimits: true, now: () => at });
    const all: string[] = [];
    for (let count = 0; count < 6; count++) all.push(await code(post(slack, channel(slack))));
    expect(all).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', '429, 1 s']);
    slack.pass(1000);
    expect(await code(post(slack, channel(slack)))).toBe('ok');
    const [root] = slack.roots('alerts');
    const edit = () =>
      code(
        client(slack).chat.update({
          channel: channel(slack),
          ts: root?.ts ?? '',
          text: 'a',
          blocks: [],
          parse: 'none',
        }),
      );
    const edits = await Promise.all(Array.from({ length: 52 }, edit));
    expect(edits.filter((one) => one === 'ok')).toHaveLength(50);
    expect(edits.filter((one) => /^429, [12] s$/.test(one))).toHaveLength(2);
  });

  it.each<[string, Parameters<LocalSlack['fail']>[1], number, string, number]>([
    ['a code', { error: 'fatal_error' }, 20_000, 'fatal_error', 0],
    ['429', { retryAfter: 7 }, 20_000, '429, 7 s', 0],
    ['a server that fails', { status: 500 }, 20_000, 'HTTP 500', 0],
    ['no answer', { lost: 'before' }, 1000, 'no answer', 0],
    ['an answer that is lost', { lost: 'after' }, 20_000, 'no answer', 1],
    ['an answer that comes too late', { slow: 2000 }, 1000, 'no answer', 1],
  ])('fails once with %s', async (_, fault, timeout, answer, posted) => {
    const slack = await localSlack();
    slack.fail('chat.postMessage', fault);
    const call = client(slack, { timeout }).chat.postMessage({ channel: channel(slack), text: 'a', ...quiet });
    expect(await code(call)).toBe(answer);
    await slack.until(() => slack.roots('alerts').length === posted, 'what was posted nevertheless');
    expect(await code(post(slack, channel(slack)))).toBe('ok');
  });
});

describe('a response_url', () => {
  it('accepts five answers in thirty minutes', async () => {
    const urls: string[] = [];
    const slack = await bot('socket', (app) =>
      app.command('/alb502', async ({ ack, command }) => {
        urls.push(command.response_url);
        await ack();
      }),
    );
    const answer = async (url: string) =>
      (await fetch(url, { method: 'POST', body: JSON.stringify({ text: 'a' }) })).status;
    await slack.command({ user: 'ada', channel: 'alerts' });
    await slack.command({ user: 'ada', channel: 'alerts' });
    const [first = '', second = ''] = urls;
    const statuses: number[] = [];
    for (let count = 0; count < 6; count++) statuses.push(await answer(first));
    expect(statuses).toEqual([200, 200, 200, 200, 200, 404]);
    expect(await answer(second)).toBe(200);
    slack.pass(30 * 60_000);
    expect(await answer(second)).toBe(404);
    expect(slack.privateOf('ada')).toHaveLength(6);
  });
});
