import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openPoster } from '../../../src/slack/delivery/post.ts';
import type { Poster } from '../../../src/slack/delivery/slack-poster.ts';
import type { Message } from '../../../src/slack/messages/message.ts';
import { BOT_TOKEN, type LocalSlack } from '../../support/slack/local-slack.ts';
import { localSlack } from '../../support/slack/local-slack-for-test.ts';
import { type ManualClock, manualClock } from '../../support/slack/manual-clock.ts';

const RUN = '20261120t025600-5f3a9c1e';

const section = (text: string) => ({ type: 'section', text: { type: 'plain_text', text } });
const plain: Message = { text: 'api-prod: 312 errors', blocks: [section('312 errors')] };
const withPlan: Message = {
  text: 'api-prod: looking',
  blocks: [
    section('head'),
    {
      type: 'plan',
      title: 'Checklist',
      tasks: [{ type: 'task_card', task_id: '1', title: 'Access log', status: 'complete' }],
    },
  ] as Message['blocks'],
  plainBlocks: [section('head'), section('1. Access log')],
};

interface Posting {
  slack: LocalSlack;
  poster: Poster;
  /** Calls under way: nothing of them happens at the pace of a clock by hand. */
  underWay(): number;
  /** Of a channel by its name. */
  id(channel: string): string;
  logged: string[];
}

type Options = Parameters<typeof localSlack>[0] & { clock?: ManualClock; timeout?: number };

async function posting({ clock, timeout = 20_000, ...options }: Options = {}): Promise<Posting> {
  const slack = await localSlack({ isRecording: true, ...options });
  const logged: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => logged.push(line) });
  let underWay = 0;
  const counted: typeof fetch = async (...given) => {
    underWay += 1;
    try {
      const response = await fetch(...given);
      return new Response(await response.arrayBuffer(), response);
    } finally {
      underWay -= 1;
    }
  };
  const clientOptions = { slackApiUrl: slack.apiUrl, fetch: counted };
  const poster = openPoster({ token: BOT_TOKEN, clientOptions, log, timeout, ...(clock ? { clock } : {}) });
  onTestFinished(async () => {
    await poster.close();
    expect(logged.join('')).not.toContain(BOT_TOKEN);
  });
  return { slack, poster, underWay: () => underWay, id: (channel) => slack.workspace.channel(channel).id, logged };
}

const root = (channel: string) => ({ channel, thread: null });
const messagesIn = ({ slack }: Posting, channel = 'alerts') => slack.workspace.channel(channel).messages;
const blockTypes = (blocks: readonly object[]) => blocks.map((block) => ('type' in block ? block.type : ''));
const fails = (error: string, messages: string[] = []) => ({ error, more: { response_metadata: { messages } } });

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((next) => setImmediate(next));
};

/** Waits until running calls have returned: a call takes no time on a manual clock, however long it really takes. */
async function answers({ underWay }: Posting): Promise<void> {
  await turns();
  while (underWay() > 0) {
    await new Promise((turn) => setTimeout(turn, 1));
    if (underWay() === 0) await turns();
  }
}

/** Time passes by hand until it is answered, for Slack too. */
async function meanwhile<T>(one: Posting, clock: ManualClock, answer: Promise<T>, step = 250): Promise<T> {
  let isAnswered = false;
  const noted = answer.finally(() => {
    isAnswered = true;
  });
  for (;;) {
    await answers(one);
    if (isAnswered) return noted;
    await clock.pass(step);
    one.slack.pass(step);
  }
}

describe('a post', () => {
  it('appears in the channel or thread, unfurls nothing, and can be found', async () => {
    const one = await posting();
    const channel = one.id('alerts');
    const posted = await one.poster.post(root(channel), plain, RUN);
    const [message] = messagesIn(one);
    expect(posted).toEqual({ ts: message?.ts });
    expect(message).toMatchObject({
      text: plain.text,
      metadata: { event_type: 'alb502_run', event_payload: { run_id: RUN } },
    });
    const thread = message?.ts ?? '';
    await one.poster.post({ channel, thread }, plain);
    expect(messagesIn(one)[1]).toMatchObject({ thread, metadata: null });
    for (const { args } of one.slack.callsOf('chat.postMessage')) {
      expect(args).toMatchObject({ unfurl_links: false, unfurl_media: false });
      expect(args).not.toHaveProperty('link_names');
    }
  });

  it.each([
    ['not invited', { name: 'elsewhere', hasBot: false }, 'not-in-channel', 'not_in_channel'],
    [
      'private and not invited',
      { name: 'elsewhere', hasBot: false, isPrivate: true },
      'not-in-channel',
      'channel_not_found',
    ],
    ['archived', { name: 'elsewhere', isArchived: true }, 'gone', 'is_archived'],
  ])('is refused if the bot cannot write: %s', async (_, channel, refused, code) => {
    const one = await posting({ channels: [channel] });
    expect(await one.poster.post(root(one.id('elsewhere')), plain)).toEqual({ refused, code });
  });

  it.each([
    ['the servers fail', { status: 503 }, 20_000, 'http_503', 0],
    ['there is no answer', { lost: 'before' }, 1500, 'no_answer', 0],
    ['the answer is lost', { lost: 'after' }, 20_000, 'no_answer', 1],
    ['the answer comes too late', { slow: 2500 }, 1500, 'no_answer', 1],
    ['Slack breaks', { error: 'fatal_error' }, 20_000, 'fatal_error', 0],
  ] as const)('is sent once if %s, as it may have been posted', async (_, fault, timeout, code, standing) => {
    const one = await posting({ timeout });
    one.slack.fail('chat.postMessage', fault);
    expect(await one.poster.post(root(one.id('alerts')), plain)).toEqual({ refused: 'unreachable', code });
    await one.slack.until(() => messagesIn(one).length === standing, 'what stands');
    // A call that was begun again would be under way by now.
    await answers(one);
    expect(messagesIn(one)).toHaveLength(standing);
    expect(one.slack.callsOf('chat.postMessage')).toHaveLength(1);
  });

  it('fails when Slack cannot be reached', async () => {
    const log = pino({ level: 'silent' });
    const poster = openPoster({ token: BOT_TOKEN, clientOptions: { slackApiUrl: 'http://127.0.0.1:9/api/' }, log });
    expect(await poster.post(root('C1'), plain)).toEqual({ refused: 'unreachable', code: 'no_answer' });
  });

  it("fails with Slack's error code when refused for another reason", async () => {
    const one = await posting();
    one.slack.fail('chat.postMessage', { error: 'restricted_action' });
    expect(await one.poster.post(root(one.id('alerts')), plain)).toEqual({
      refused: 'refused',
      code: 'restricted_action',
    });
  });

  it("counts a proxy's answer as no answer from Slack", async () => {
    const log = pino({ level: 'silent' });
    const fetch = async () => new Response('<html>Please sign in</html>', { status: 200 });
    const poster = openPoster({ token: BOT_TOKEN, clientOptions: { fetch }, log });
    expect(await poster.post(root('C1'), plain)).toEqual({ refused: 'unreachable', code: 'no_answer' });
  });
});

describe('a message that Slack rejects', () => {
  it('is sent again with plain blocks, and then without blocks', async () => {
    const one = await posting({ mayRefuse: true });
    one.slack.fail('chat.postMessage', fails('invalid_blocks'));
    expect(await one.poster.post(root(one.id('alerts')), withPlan, RUN)).toHaveProperty('ts');
    one.slack.fail('chat.postMessage', fails('invalid_blocks'), { times: 2 });
    expect(await one.poster.post(root(one.id('alerts')), plain)).toEqual({
      refused: 'refused',
      code: 'invalid_blocks',
    });
    one.slack.fail('chat.postMessage', fails('only_one_table_allowed'));
    expect(await one.poster.post(root(one.id('alerts')), plain)).toHaveProperty('ts');
    expect(messagesIn(one).map(({ text, blocks }) => [text, blockTypes(blocks)])).toEqual([
      [withPlan.text, ['section', 'section']],
      [plain.text, []],
    ]);
    expect(messagesIn(one)[0]?.metadata?.event_payload).toEqual({ run_id: RUN });
  });

  it('does not use a block type again that the workspace does not know', async () => {
    const one = await posting();
    const unsupported = fails('invalid_blocks', ['[ERROR] unsupported type: plan [json-pointer:/blocks/1/type]']);
    one.slack.fail('chat.postMessage', unsupported);
    const posted = await one.poster.post(root(one.id('alerts')), withPlan);
    await one.poster.post(root(one.id('alerts')), withPlan);
    await one.poster.edit(one.id('alerts'), 'ts' in posted ? posted.ts : '', withPlan);
    const sent = one.slack.calls.map(({ args }) => blockTypes(args.blocks as object[]));
    expect(sent).toEqual([['section', 'plan'], ...Array.from({ length: 3 }, () => ['section', 'section'])]);
  });

  it('is sent again with other words for one rejected block', async () => {
    const one = await posting();
    const tooLong = fails('invalid_blocks', [
      '[ERROR] must be less than 256 characters [json-pointer:/blocks/1/tasks/0/title]',
    ]);
    one.slack.fail('chat.postMessage', tooLong);
    await one.poster.post(root(one.id('alerts')), withPlan);
    await one.poster.post(root(one.id('alerts')), withPlan);
    expect(messagesIn(one).map(({ blocks }) => blockTypes(blocks))).toEqual([
      ['section', 'section'],
      ['section', 'plan'],
    ]);
    expect(one.logged.join('')).toContain('/blocks/1/tasks/0/title');
    expect(one.logged.join('')).not.toContain('312 errors');
  });

  it('is cut when too long, first its text, then its blocks', async () => {
    const one = await posting();
    const text = `${'&lt;'.repeat(2000)}`;
    expect(await one.poster.post(root(one.id('alerts')), { ...plain, text })).toHaveProperty('ts');
    const [first] = messagesIn(one);
    expect(first?.text.length).toBeLessThanOrEqual(4000);
    expect(first?.text).toMatch(/^(&lt;)+…$/);

    one.slack.fail('chat.update', fails('msg_too_long'), { times: 2 });
    expect(await one.poster.edit(one.id('alerts'), first?.ts ?? '', { ...plain, text })).toEqual({ ts: first?.ts });
    const sent = one.slack.callsOf('chat.update').map(({ args }) => [String(args.text).length, args.blocks]);
    expect(sent.map(([, blocks]) => blockTypes(blocks as object[]))).toEqual([['section'], ['section'], []]);
    expect(sent[1]?.[0]).toBeLessThanOrEqual(3000);
  });
});

describe('an edit', () => {
  it('replaces text and all blocks, and parses nothing', async () => {
    const one = await posting();
    const channel = one.id('alerts');
    const posted = await one.poster.post(root(channel), plain, RUN);
    const ts = 'ts' in posted ? posted.ts : '';
    expect(await one.poster.edit(channel, ts, { text: 'done', blocks: [] })).toEqual({ ts });
    expect(messagesIn(one)[0]).toMatchObject({
      text: 'done',
      blocks: [],
      metadata: { event_payload: { run_id: RUN } },
    });
    expect(one.slack.callsOf('chat.update')[0]?.args).toMatchObject({ parse: 'none' });
    expect(one.slack.callsOf('chat.update')[0]?.args).not.toHaveProperty('link_names');
  });

  it('is retried when Slack fails or the answer is lost', async () => {
    const one = await posting();
    const posted = await one.poster.post(root(one.id('alerts')), plain);
    const ts = 'ts' in posted ? posted.ts : '';
    one.slack.fail('chat.update', { status: 500 });
    one.slack.fail('chat.update', { lost: 'after' });
    expect(await one.poster.edit(one.id('alerts'), ts, { text: 'done', blocks: [] })).toEqual({ ts });
    expect(one.slack.callsOf('chat.update')).toHaveLength(3);
  });

  it('reports Slack as unreachable when retries fail, and the message as gone when it was deleted', async () => {
    const one = await posting();
    const posted = await one.poster.post(root(one.id('alerts')), plain);
    const ts = 'ts' in posted ? posted.ts : '';
    one.slack.fail('chat.update', { status: 500 }, { times: 10 });
    expect(await one.poster.edit(one.id('alerts'), ts, plain)).toEqual({ refused: 'unreachable', code: 'http_500' });
    expect(await one.poster.edit(one.id('alerts'), '1.000001', plain)).toMatchObject({ refused: 'unreachable' });
    const other = await posting();
    expect(await other.poster.edit(other.id('alerts'), '1.000001', plain)).toEqual({
      refused: 'gone',
      code: 'message_not_found',
    });
  });

  it('waits when Slack asks for it, and arrives', async () => {
    const clock = manualClock();
    const one = await posting({ clock });
    const posted = await one.poster.post(root(one.id('alerts')), plain);
    const ts = 'ts' in posted ? posted.ts : '';
    one.slack.fail('chat.update', { retryAfter: 20 });
    const before = clock.now();
    expect(await meanwhile(one, clock, one.poster.edit(one.id('alerts'), ts, plain))).toEqual({ ts });
    expect(clock.now() - before).toBeGreaterThanOrEqual(20_000);
    expect(one.slack.callsOf('chat.update')).toHaveLength(2);
  });

  it('leaves the final state, after any progress', async () => {
    const one = await posting();
    const channel = one.id('alerts');
    const posted = await one.poster.post(root(channel), plain);
    const ts = 'ts' in posted ? posted.ts : '';
    for (let at = 0; at < 20; at++) one.poster.progress(channel, ts, { text: `step ${at}`, blocks: [] });
    await one.poster.edit(channel, ts, { text: 'final', blocks: [] });
    const [message] = messagesIn(one);
    expect(message?.text).toBe('final');
    expect(message?.before.map(({ text }) => text)).toEqual([plain.text, 'step 0']);
  });

  it("keeps Slack's rate limit for 40 messages at once, and each edit arrives", async () => {
    const clock = manualClock();
    const one = await posting({ clock });
    const channel = one.id('alerts');
    const all: string[] = [];
    for (let at = 0; at < 40; at++) {
      const posted = await one.poster.post(root(channel), plain);
      if ('ts' in posted) all.push(posted.ts);
    }
    const called: number[] = [];
    for (let second = 0; second < 90; second++) {
      for (const ts of all) one.poster.progress(channel, ts, { text: `second ${second}`, blocks: [] });
      const before = one.slack.callsOf('chat.update').length;
      await clock.pass(1000);
      await answers(one);
      called.push(one.slack.callsOf('chat.update').length - before);
    }
    for (let at = 0; at + 60 <= called.length; at++) {
      expect(called.slice(at, at + 60).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(50);
    }
    const edits = all.map((ts) => one.poster.edit(channel, ts, { text: 'final', blocks: [] }));
    await meanwhile(one, clock, Promise.all(edits), 1000);
    expect(messagesIn(one).map(({ text }) => text)).toEqual(all.map(() => 'final'));
  });
});

describe('posts that Slack throttles', () => {
  it('are sent in order, each once', async () => {
    const clock = manualClock();
    const one = await posting({ clock, channels: ['alerts', 'quiet'] });
    const channel = one.id('alerts');
    one.slack.fail('chat.postMessage', { retryAfter: 3 }, { times: 2, when: (args) => args.channel === channel });
    const first = one.poster.post(root(channel), { text: 'first', blocks: [] });
    await answers(one);
    const more = ['second', 'third', 'fourth'].map((text) => one.poster.post(root(channel), { text, blocks: [] }));
    const other = await one.poster.post(root(one.id('quiet')), plain);
    expect(other).toHaveProperty('ts');
    await meanwhile(one, clock, Promise.all([first, ...more]));
    expect(messagesIn(one).map(({ text }) => text)).toEqual(['first', 'second', 'third', 'fourth']);
    // Three seconds twice, and a second after each but the last.
    expect(clock.now()).toBeGreaterThanOrEqual(9000);
    await one.poster.post(root(channel), { text: 'at once again', blocks: [] });
  });

  it("all arrive within Slack's limits, 30 at once", async () => {
    const clock = manualClock();
    const one = await posting({ clock, rateLimits: true });
    const texts = Array.from({ length: 30 }, (_, at) => `message ${at}`);
    const all = texts.map((text) => one.poster.post(root(one.id('alerts')), { text, blocks: [] }));
    const posted = await meanwhile(one, clock, Promise.all(all));
    expect(posted.every((answer) => 'ts' in answer)).toBe(true);
    expect(
      messagesIn(one)
        .map(({ text }) => text)
        .sort(),
    ).toEqual(texts.sort());
  });

  it('are dropped when they wait too long', async () => {
    const clock = manualClock();
    const one = await posting({ clock });
    one.slack.fail('chat.postMessage', { retryAfter: 50 }, { times: 100 });
    const answer = await meanwhile(one, clock, one.poster.post(root(one.id('alerts')), plain), 5000);
    expect(answer).toEqual({ refused: 'unreachable', code: 'ratelimited' });
    expect(messagesIn(one)).toEqual([]);
  });
});

describe('a file', () => {
  const file = {
    filename: 'post-mortem.md',
    title: 'Post-mortem',
    content: '# Größe\n',
    comment: 'Post-mortem of 502s',
  };

  it('appears in the thread with its comment', async () => {
    const one = await posting();
    const channel = one.id('alerts');
    const posted = await one.poster.post(root(channel), plain);
    const thread = 'ts' in posted ? posted.ts : '';
    expect(await one.poster.upload({ channel, thread }, file)).toEqual({ ts: expect.stringMatching(/^F/) });
    expect(messagesIn(one)[1]).toMatchObject({
      thread,
      text: file.comment,
      files: [{ name: 'post-mortem.md', title: 'Post-mortem', content: '# Größe\n' }],
    });
  });

  it('appears once when the answer is lost, and is refused like a message', async () => {
    const one = await posting({ channels: ['alerts', { name: 'elsewhere', hasBot: false }] });
    one.slack.fail('files.completeUploadExternal', { lost: 'after' });
    expect(await one.poster.upload(root(one.id('alerts')), file)).toMatchObject({ refused: 'unreachable' });
    expect(messagesIn(one)).toHaveLength(1);
    expect(await one.poster.upload(root(one.id('elsewhere')), file)).toMatchObject({ refused: 'not-in-channel' });
    one.slack.fail('files.getUploadURLExternal', { error: 'missing_scope' });
    expect(await one.poster.upload(root(one.id('alerts')), file)).toEqual({
      refused: 'refused',
      code: 'missing_scope',
    });
  });

  it('can be empty', async () => {
    const one = await posting();
    expect(await one.poster.upload(root(one.id('alerts')), { ...file, content: '' })).toHaveProperty('ts');
  });
});

describe('a message that may have been posted', () => {
  it('is found in its channel or thread, for its own run only', async () => {
    const one = await posting();
    const channel = one.id('alerts');
    const posted = await one.poster.post(root(channel), plain, RUN);
    const thread = 'ts' in posted ? posted.ts : '';
    for (let at = 0; at < 120; at++) await one.poster.post(root(channel), plain);
    const reply = await one.poster.post({ channel, thread }, plain, `${RUN}/verdict`);
    expect(await one.poster.find(root(channel), RUN)).toEqual({ ts: thread });
    expect(await one.poster.find({ channel, thread }, `${RUN}/verdict`)).toEqual(reply);
    expect(await one.poster.find(root(channel), `${RUN}/verdict`)).toBeNull();
    expect(await one.poster.find(root(channel), '20261120t025600-00000000')).toBeNull();
    expect(await one.poster.find({ channel, thread: '1.000001' }, RUN)).toBeNull();
  });

  it('is not searched for without permission', async () => {
    const one = await posting({ scopes: ['chat:write'] });
    expect(await one.poster.find(root(one.id('alerts')), RUN)).toBe('may-not-look');
    const uninvited = await posting({ channels: [{ name: 'elsewhere', hasBot: false }] });
    expect(await uninvited.poster.find(root(uninvited.id('elsewhere')), RUN)).toBe('may-not-look');
  });

  it('is unknown while Slack cannot be reached', async () => {
    const one = await posting();
    one.slack.fail('conversations.history', { status: 503 }, { times: 10 });
    await expect(one.poster.find(root(one.id('alerts')), RUN)).rejects.toThrow(
      'Slack could not be searched for a message: http_503.',
    );
  });

  it('is searched for again after a pause', async () => {
    const clock = manualClock();
    const one = await posting({ clock });
    const posted = await one.poster.post(root(one.id('alerts')), plain, RUN);
    one.slack.fail('conversations.history', { retryAfter: 5 });
    expect(await meanwhile(one, clock, one.poster.find(root(one.id('alerts')), RUN))).toEqual(posted);
  });
});
