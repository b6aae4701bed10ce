/** Messages to Slack, one way or another: what it refuses is sent plainer, what it holds back is sent later. */
import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient,
  type WebClientOptions,
} from '@slack/web-api';
import type { Logger } from 'pino';
import { Problem } from '../../problem.ts';
import type { Block, Message } from '../messages/message.ts';
import { boltLogger } from '../slack-log.ts';
import { CLOCK, type Clock, openBudget, type Sent } from './edit-rate-limiter.ts';
import { openLanes } from './post-queue.ts';
import type { Posted, Poster, Target } from './slack-poster.ts';
import { fitted } from './truncate.ts';

export interface PosterSettings {
  token: string;
  /** Where Slack is, and how it is reached; its own address without it. */
  clientOptions?: Pick<WebClientOptions, 'slackApiUrl' | 'fetch'>;
  log: Logger;
  clock?: Clock;
  /** Milliseconds for one call. */
  timeout?: number;
}

/** What goes with the root message of a run, and says whose it is. */
export const METADATA = 'alb502_run';

/** Milliseconds. */
const TIMEOUT = 10_000;
/** Of calls that do the same when made twice. A post is made once: when its answer is lost, it may stand. */
const RETRIES = { retries: 2, minTimeout: 250, maxTimeout: 2_000 };
/** Of calls that are held back, other than posts and edits; seconds. */
const ATTEMPTS = 3;
const LONGEST_WAIT = 30;
const PAGES = 5;
const PAGE = 100;
/** Edits that are still not sent when the process ends are told as not sent. */
export const CLOSING = 5_000;

/** What Slack made of a call. `lost`: no answer, or one that says nothing about what was done. */
type Answer<T> = { of: T } | { code: string; places: string[] } | { lost: string };

export function openPoster({
  token,
  clientOptions = {},
  log,
  clock = CLOCK,
  timeout = TIMEOUT,
}: PosterSettings): Poster {
  const client = (retries: number): WebClient =>
    new WebClient(token, {
      ...clientOptions,
      timeout,
      // It waits for itself, and not with everything else of the client; and retries are not taken from what others share.
      rejectRateLimitedCalls: true,
      retryConfig: { ...RETRIES, retries },
      logger: boltLogger(log),
      allowAbsoluteUrls: false,
    });
  const [once, patient] = [client(0), client(RETRIES.retries)];
  const lanes = openLanes(clock);
  const budget = openBudget<Posted>(() => ({ refused: 'unreachable', code: 'not_sent' }), clock);
  /** Types of blocks that this workspace does not take. */
  const untaken = new Set<string>();

  /** One way after the other, until one is taken: each call of what is given back is one of Slack. 'again': there is another way. */
  function degrading<T>(message: Message, call: (way: Way) => Promise<T>): () => Promise<Sent<Answer<T>>> {
    let ways: Way[] | null = null;
    let refused: { way: Way; places: string[] } | null = null;
    return async () => {
      ways ??= waysOf(message, untaken);
      const [way = { text: fitted(message.text), blocks: [] }] = ways;
      const sent = await asked(() => call(way));
      if (!('done' in sent)) return sent;
      const answer = sent.done;
      if ('of' in answer && refused !== null) learn(refused.way, way, refused.places);
      if (!('code' in answer) || !isAboutContent(answer.code)) return sent;
      const { code, places } = answer;
      log.warn({ code, places, blocks: typesOf(way.blocks) }, 'Slack refused the content of a message');
      ways.shift();
      if (code === TOO_LONG) shorten(ways, way);
      else refused ??= { way, places };
      return ways.length > 0 ? 'again' : sent;
    };
  }

  /** What was refused and is not in what was taken instead, if that is why: not where Slack complains of the content of a block. */
  function learn(refused: Way, taken: Way, places: string[]): void {
    const isContent = places.length > 0 && places.every((place) => !/^\/blocks\/\d+(\/type)?$/.test(place));
    if (isContent || taken.blocks.length === 0) return;
    const left = typesOf(taken.blocks);
    for (const type of typesOf(refused.blocks)) if (!left.includes(type)) untaken.add(type);
  }

  /** One call of chat.update, as the budget knows it. */
  function update(channel: string, ts: string, message: Message, slack: WebClient): () => Promise<Sent<Posted>> {
    const next = degrading(message, ({ text, blocks }) =>
      // Blocks that are left out would stay; unset, `parse` would make mentions and links out of plain words.
      slack.chat.update({ channel, ts, text, blocks, parse: 'none' }),
    );
    return async () => {
      const sent = await next();
      return sent === 'again' || !('done' in sent) ? sent : { done: postedBy(sent.done, () => ts) };
    };
  }

  async function post(target: Target, message: Message, runId?: string): Promise<Posted> {
    const next = degrading(message, ({ text, blocks }) =>
      once.chat.postMessage({
        channel: target.channel,
        ...(target.thread === null ? {} : { thread_ts: target.thread }),
        text,
        ...(blocks.length === 0 ? {} : { blocks }),
        unfurl_links: false,
        unfurl_media: false,
        ...(runId === undefined ? {} : { metadata: { event_type: METADATA, event_payload: { run_id: runId } } }),
      }),
    );
    const answer = await lanes.send(target.channel, next);
    return postedBy(answer, ({ ts }) => ts ?? null);
  }

  async function upload(target: Target, file: Parameters<Poster['upload']>[1]): Promise<Posted> {
    const { filename, title, content, comment } = file;
    const bytes = Buffer.from(content === '' ? '\n' : content);
    const place = await patiently(() => patient.files.getUploadURLExternal({ filename, length: bytes.length }));
    if (place === null || !('of' in place)) return postedBy(place, () => null);
    const { upload_url: url, file_id: id } = place.of;
    if (url === undefined || id === undefined) return { refused: 'refused', code: 'no_upload_url' };
    const carried = await patiently(() => carry(url, bytes));
    if (carried === null || !('of' in carried)) return postedBy(carried, () => null);
    const completed = await lanes.send(target.channel, () =>
      asked(() =>
        once.files.completeUploadExternal({
          files: [{ id, title }],
          channel_id: target.channel,
          initial_comment: fitted(comment),
          ...(target.thread === null ? {} : { thread_ts: target.thread }),
        } as Parameters<WebClient['files']['completeUploadExternal']>[0]),
      ),
    );
    // Slack names the file; the message appears a moment later.
    return postedBy(completed, () => id);
  }

  /** Once more where the answer is lost: the address takes the same bytes again. */
  async function carry(url: string, bytes: Buffer): Promise<void> {
    const send = () =>
      fetch(url, { method: 'POST', body: new Uint8Array(bytes), signal: AbortSignal.timeout(timeout) });
    const response = await send().catch(send);
    await response.arrayBuffer();
    if (!response.ok) throw new WebAPIHTTPError(response.status, response.statusText, {});
  }

  /** Waits where Slack says so; null when that is too long. */
  async function patiently<T>(call: () => Promise<T>): Promise<Answer<T> | null> {
    for (let attempt = 1; ; attempt++) {
      const sent = await asked(call);
      if ('done' in sent) return sent.done;
      if (attempt === ATTEMPTS) return null;
      await new Promise<void>((resume) => clock.wake(Math.min(sent.retryAfter, LONGEST_WAIT) * 1000, resume));
    }
  }

  async function find(target: Target, runId: string): Promise<{ ts: string } | 'may-not-look' | null> {
    const { channel, thread } = target;
    let cursor: string | undefined;
    for (let page = 0; page < PAGES; page++) {
      const here = { channel, include_all_metadata: true, limit: PAGE, ...(cursor ? { cursor } : {}) };
      const answer = await patiently(() =>
        thread === null ? patient.conversations.history(here) : patient.conversations.replies({ ...here, ts: thread }),
      );
      if (answer === null) throw notSearched('ratelimited');
      if ('code' in answer && MAY_NOT_LOOK.has(answer.code)) return 'may-not-look';
      if ('code' in answer && answer.code === 'thread_not_found') return null;
      if (!('of' in answer)) throw notSearched('code' in answer ? answer.code : answer.lost);
      const found = answer.of.messages?.find(({ metadata }) => isOf(runId, metadata));
      if (found?.ts !== undefined) return { ts: found.ts };
      cursor = answer.of.response_metadata?.next_cursor || undefined;
      if (cursor === undefined) return null;
    }
    return null;
  }

  const nameOf = (channel: string, ts: string): string => `${channel} ${ts}`;
  return {
    post,
    upload,
    find,
    edit: (channel, ts, message) => budget.edit(nameOf(channel, ts), update(channel, ts, message, patient)),
    progress: (channel, ts, message) => budget.progress(nameOf(channel, ts), update(channel, ts, message, once)),
    close: () => budget.close(CLOSING),
  };
}

/** One way of showing a message. */
interface Way {
  text: string;
  blocks: Block[];
}

/** The best first. What is known to be refused is not tried. */
function waysOf({ text, blocks, plainBlocks }: Message, untaken: ReadonlySet<string>): Way[] {
  const isTaken = (some: Block[]) => typesOf(some).every((type) => !untaken.has(type));
  const ways = [blocks, ...(plainBlocks ? [plainBlocks] : [])].filter((some) => some.length > 0);
  const taken = ways.filter(isTaken);
  return [...(taken.length > 0 ? taken : ways), []].map((each) => ({ text: fitted(text), blocks: each }));
}

/** Types in order, and those of tables and tasks within them are of no matter. */
const typesOf = (blocks: Block[]): string[] => [...new Set(blocks.map(({ type }) => type))];

/** Characters that every message may have. */
const SHORT = [3_000, 1_000, 300];

/** The same once more with less text; where it is as short as can be, it is the blocks. */
function shorten(ways: Way[], { text, blocks }: Way): void {
  const shorter = SHORT.find((length) => length < text.length);
  if (shorter === undefined || (blocks.length > 0 && text.length <= (SHORT[0] ?? 0))) return;
  ways.unshift({ text: fitted(text, shorter), blocks });
}

const NOT_IN_CHANNEL = new Set(['not_in_channel', 'channel_not_found']);
const GONE = new Set(['is_archived', 'message_not_found', 'thread_not_found', 'cannot_reply_to_message']);
const MAY_NOT_LOOK = new Set([
  'missing_scope',
  'not_in_channel',
  'channel_not_found',
  'no_permission',
  'not_allowed_token_type',
  'access_denied',
]);
/** Slack's own failures, after which a message may or may not be there. */
const FAILED = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);

const TOO_LONG = 'msg_too_long';
/** What another way of saying the same may cure. */
const isAboutContent = (code: string): boolean =>
  code === TOO_LONG || code === 'invalid_arguments' || /block|attachment|table|chart|markdown/.test(code);

/** `answer` is null where Slack held the call back for too long. */
function postedBy<T>(answer: Answer<T> | null, tsOf: (of: T) => string | null): Posted {
  if (answer === null) return { refused: 'unreachable', code: 'ratelimited' };
  if ('of' in answer) {
    const ts = tsOf(answer.of);
    return ts === null ? { refused: 'unreachable', code: 'no_ts' } : { ts };
  }
  if ('lost' in answer) return { refused: 'unreachable', code: answer.lost };
  const { code } = answer;
  if (NOT_IN_CHANNEL.has(code)) return { refused: 'not-in-channel', code };
  return { refused: GONE.has(code) ? 'gone' : 'refused', code };
}

const notSearched = (code: string): Problem => new Problem(`Slack could not be searched for a message: ${code}.`, 2);

/** What came of a call; throws nothing. */
async function asked<T>(call: () => Promise<T>): Promise<Exclude<Sent<Answer<T>>, 'again'>> {
  try {
    return { done: { of: await call() } };
  } catch (error) {
    if (error instanceof WebAPIRateLimitedError) return { retryAfter: error.retryAfter };
    const isHeldBack = error instanceof WebAPIPlatformError && /^rate_?limited$/.test(error.data.error);
    return isHeldBack ? { retryAfter: error.data.response_metadata?.retryAfter ?? 1 } : { done: failureOf(error) };
  }
}

function failureOf(error: unknown): Answer<never> {
  if (error instanceof WebAPIHTTPError) {
    const code = `http_${error.statusCode}`;
    return error.statusCode >= 500 || error.statusCode === 408 ? { lost: code } : { code, places: [] };
  }
  if (!(error instanceof WebAPIPlatformError)) return { lost: 'no_answer' };
  const { error: code, response_metadata: more } = error.data;
  // A page of a proxy is no code.
  if (!/^[a-z0-9_.-]{1,80}$/.test(code)) return { lost: 'no_answer' };
  return FAILED.has(code) ? { lost: code } : { code, places: placesIn(more?.messages ?? []) };
}

/** `[ERROR] unsupported type: plan [json-pointer:/blocks/0/type]`: where, and not what stands there. */
const placesIn = (messages: string[]): string[] =>
  messages.flatMap((message) => /\[(?:json-pointer:)?(\/[\w/-]{1,200})\]/.exec(message)?.[1] ?? []);

function isOf(runId: string, metadata: unknown): boolean {
  if (typeof metadata !== 'object' || metadata === null) return false;
  const { event_type: type, event_payload: payload } = metadata as Record<string, unknown>;
  if (type !== METADATA || typeof payload !== 'object' || payload === null) return false;
  return 'run_id' in payload && payload.run_id === runId;
}
