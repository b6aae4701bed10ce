/** Sends messages to Slack: plainer when Slack refuses, later when Slack throttles. */
import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient,
  type WebClientOptions,
} from '@slack/web-api';
import type { Logger } from 'pino';
import { Problem } from '../../problem.ts';
import type { Message, SlackBlock } from '../messages/message.ts';
import { boltLogger } from '../slack-log.ts';
import { type CallResult, openEditRateLimiter, SYSTEM_TIMER, type TimerClock } from './edit-rate-limiter.ts';
import { openPostQueue, type PostQueue } from './post-queue.ts';
import { NOT_SENT, type Poster, type PostResult, type PostTarget } from './slack-poster.ts';
import { truncateText } from './truncate.ts';

interface PosterSettings {
  token: string;
  /** Slack's address and transport; the real Slack by default. */
  clientOptions?: Pick<WebClientOptions, 'slackApiUrl' | 'fetch'>;
  log: Logger;
  clock?: TimerClock;
  /** Milliseconds for one call. */
  timeout?: number;
}

/** Event type in the metadata of a root message, by which a run finds its message. */
const METADATA = 'alb502_run';

/** Milliseconds. */
const TIMEOUT = 10_000;
/** Retries of idempotent calls. A post is sent once: if its answer is lost, it may have succeeded. */
const RETRIES = { retries: 2, minTimeout: 250, maxTimeout: 2_000 };
/** Seconds that edits wait before one without an answer is sent again. */
const EDIT_RETRY_WAIT = 1;
/** Throttled calls other than posts and edits: attempts, and seconds to wait at most. */
const ATTEMPTS = 3;
const LONGEST_WAIT = 30;
const PAGES = 5;
const PAGE = 100;
/** Milliseconds to send pending edits at shutdown; the rest are reported as lost. */
export const CLOSE_TIMEOUT = 5_000;

/** The outcome of a call. `lost`: no answer, or one that does not say whether the message was posted. */
type SlackAnswer<T> = { of: T } | { code: string; places: string[] } | { lost: string };

export function openPoster({
  token,
  clientOptions = {},
  log,
  clock = SYSTEM_TIMER,
  timeout = TIMEOUT,
}: PosterSettings): Poster {
  const client = (retries: number): WebClient =>
    new WebClient(token, {
      ...clientOptions,
      timeout,
      // The queue waits and retries per channel, so the client must do neither.
      rejectRateLimitedCalls: true,
      retryConfig: { ...RETRIES, retries },
      logger: boltLogger(log),
      allowAbsoluteUrls: false,
    });
  const [singleTryClient, retryingClient] = [client(0), client(RETRIES.retries)];
  const postQueue = openPostQueue(clock);
  const connection: Connection = { singleTryClient, retryingClient, postQueue, clock, timeout };
  const editLimiter = openEditRateLimiter<PostResult>(() => ({ refused: 'unreachable', code: NOT_SENT }), clock);
  /** Block types that this workspace rejects. */
  const unsupportedTypes = new Set<string>();

  /**
   * Tries the variants in order until Slack accepts one; each call of the returned function is one request. 'again':
   * another variant is left.
   */
  function withFallbacks<T>(
    message: Message,
    call: (way: MessageVariant) => Promise<T>,
  ): () => Promise<CallResult<SlackAnswer<T>>> {
    let variants: MessageVariant[] | null = null;
    let rejected: { way: MessageVariant; places: string[] } | null = null;
    return async () => {
      variants ??= messageVariants(message, unsupportedTypes);
      const [variant = { text: truncateText(message.text), blocks: [] }] = variants;
      const result = await callSlack(() => call(variant));
      if (!('done' in result)) return result;
      const answer = result.done;
      if ('of' in answer && rejected !== null) rememberUnsupported(rejected.way, variant, rejected.places);
      if (!('code' in answer) || !isAboutContent(answer.code)) return result;
      const { code, places } = answer;
      log.warn({ code, places, blocks: blockTypes(variant.blocks) }, 'Slack refused the content of a message');
      variants.shift();
      if (code === TOO_LONG) shorten(variants, variant);
      else rejected ??= { way: variant, places };
      return variants.length > 0 ? 'again' : result;
    };
  }

  /** Remembers the block types that only the rejected variant has, unless Slack objected to the content of a block. */
  function rememberUnsupported(rejected: MessageVariant, accepted: MessageVariant, places: string[]): void {
    const isContent = places.length > 0 && places.every((place) => !/^\/blocks\/\d+(\/type)?$/.test(place));
    if (isContent || accepted.blocks.length === 0) return;
    const left = blockTypes(accepted.blocks);
    for (const type of blockTypes(rejected.blocks)) if (!left.includes(type)) unsupportedTypes.add(type);
  }

  /**
   * One call of chat.update, as the edit limiter expects it; `retries` without an answer. The client must not retry:
   * the limiter counts every call.
   */
  function update(
    channel: string,
    ts: string,
    message: Message,
    retries: number,
  ): () => Promise<CallResult<PostResult>> {
    let retriesLeft = retries;
    const next = withFallbacks(message, ({ text, blocks }) =>
      // Omitted blocks would stay; without `parse`, Slack would turn plain words into mentions and links.
      singleTryClient.chat.update({ channel, ts, text, blocks, parse: 'none' }),
    );
    return async () => {
      const result = await next();
      if (result === 'again' || !('done' in result)) return result;
      if ('lost' in result.done && retriesLeft-- > 0) return { retryAfter: EDIT_RETRY_WAIT };
      return { done: toPostResult(result.done, () => ts) };
    };
  }

  async function post(target: PostTarget, message: Message, runId?: string): Promise<PostResult> {
    const next = withFallbacks(message, ({ text, blocks }) =>
      singleTryClient.chat.postMessage({
        channel: target.channel,
        ...threadOf(target),
        text,
        ...(blocks.length === 0 ? {} : { blocks }),
        unfurl_links: false,
        unfurl_media: false,
        ...(runId === undefined ? {} : { metadata: { event_type: METADATA, event_payload: { run_id: runId } } }),
      }),
    );
    const answer = await postQueue.send(target.channel, next);
    return toPostResult(answer, ({ ts }) => ts ?? null);
  }

  const messageKey = (channel: string, ts: string): string => `${channel} ${ts}`;
  return {
    post,
    upload: (target, file) => upload(connection, target, file),
    find: (target, runId) => find(connection, target, runId),
    edit: (channel, ts, message) =>
      editLimiter.edit(messageKey(channel, ts), update(channel, ts, message, RETRIES.retries)),
    progress: (channel, ts, message) => editLimiter.progress(messageKey(channel, ts), update(channel, ts, message, 0)),
    close: () => editLimiter.close(CLOSE_TIMEOUT),
  };
}

/** What calls to Slack share. */
interface Connection {
  singleTryClient: WebClient;
  retryingClient: WebClient;
  postQueue: PostQueue;
  clock: TimerClock;
  timeout: number;
}

async function upload(
  { singleTryClient, retryingClient, postQueue, clock, timeout }: Connection,
  target: PostTarget,
  file: Parameters<Poster['upload']>[1],
): Promise<PostResult> {
  const { filename, title, content, comment } = file;
  const bytes = Buffer.from(content === '' ? '\n' : content);
  const uploadSlot = await callWithRetry(clock, () =>
    retryingClient.files.getUploadURLExternal({ filename, length: bytes.length }),
  );
  if (uploadSlot === null || !('of' in uploadSlot)) return toPostResult(uploadSlot, () => null);
  const { upload_url: url, file_id: id } = uploadSlot.of;
  if (url === undefined || id === undefined) return { refused: 'refused', code: 'no_upload_url' };
  const transfer = await callWithRetry(clock, () => putBytes(url, bytes, timeout));
  if (transfer === null || !('of' in transfer)) return toPostResult(transfer, () => null);
  const completed = await postQueue.send(target.channel, () =>
    callSlack(() =>
      singleTryClient.files.completeUploadExternal({
        files: [{ id, title }],
        channel_id: target.channel,
        initial_comment: truncateText(comment),
        ...(target.thread === null ? {} : { thread_ts: target.thread }),
      } as Parameters<WebClient['files']['completeUploadExternal']>[0]),
    ),
  );
  // Slack returns the file; its message appears a moment later.
  return toPostResult(completed, () => id);
}

/** Retries once after a lost answer: the upload URL accepts the same bytes again. */
async function putBytes(url: string, bytes: Buffer, timeout: number): Promise<void> {
  const send = () => fetch(url, { method: 'POST', body: new Uint8Array(bytes), signal: AbortSignal.timeout(timeout) });
  const response = await send().catch(send);
  await response.arrayBuffer();
  if (!response.ok) throw new WebAPIHTTPError(response.status, response.statusText, {});
}

/** Waits as Slack asks; null if that takes too long. */
async function callWithRetry<T>(clock: TimerClock, call: () => Promise<T>): Promise<SlackAnswer<T> | null> {
  for (let attempt = 1; ; attempt++) {
    const result = await callSlack(call);
    if ('done' in result) return result.done;
    if (attempt === ATTEMPTS) return null;
    await new Promise<void>((resume) => clock.wake(Math.min(result.retryAfter, LONGEST_WAIT) * 1000, resume));
  }
}

async function find(
  { retryingClient, clock }: Connection,
  target: PostTarget,
  runId: string,
): Promise<{ ts: string } | 'may-not-look' | null> {
  const { channel, thread } = target;
  let cursor: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const here = { channel, include_all_metadata: true, limit: PAGE, ...(cursor ? { cursor } : {}) };
    const answer = await callWithRetry(clock, () =>
      thread === null
        ? retryingClient.conversations.history(here)
        : retryingClient.conversations.replies({ ...here, ts: thread }),
    );
    if (answer === null) throw searchFailed('ratelimited');
    if ('code' in answer && MAY_NOT_LOOK.has(answer.code)) return 'may-not-look';
    if ('code' in answer && answer.code === 'thread_not_found') return null;
    if (!('of' in answer)) throw searchFailed('code' in answer ? answer.code : answer.lost);
    const found = answer.of.messages?.find(({ metadata }) => isMessageOfRun(runId, metadata));
    if (found?.ts !== undefined) return { ts: found.ts };
    cursor = answer.of.response_metadata?.next_cursor || undefined;
    if (cursor === undefined) return null;
  }
  return null;
}

/** A variant of a message. */
interface MessageVariant {
  text: string;
  blocks: SlackBlock[];
}

/** The variants of a message, best first, without block types known to be rejected. */
function messageVariants(
  { text, blocks, plainBlocks }: Message,
  unsupportedTypes: ReadonlySet<string>,
): MessageVariant[] {
  const isSupported = (some: SlackBlock[]) => blockTypes(some).every((type) => !unsupportedTypes.has(type));
  const variants = [blocks, ...(plainBlocks ? [plainBlocks] : [])].filter((some) => some.length > 0);
  const supported = variants.filter(isSupported);
  return [...(supported.length > 0 ? supported : variants), []].map((each) => ({
    text: truncateText(text),
    blocks: each,
  }));
}

/** Block types in order; nested types do not matter. */
const blockTypes = (blocks: SlackBlock[]): string[] => [...new Set(blocks.map(({ type }) => type))];

/** Lengths to try, in characters. */
const SHORTER_LENGTHS = [3_000, 1_000, 300];

/** Adds a variant with shorter text; none if the text is as short as possible, since then the blocks are too long. */
function shorten(variants: MessageVariant[], { text, blocks }: MessageVariant): void {
  const shorter = SHORTER_LENGTHS.find((length) => length < text.length);
  if (shorter === undefined || (blocks.length > 0 && text.length <= (SHORTER_LENGTHS[0] ?? 0))) return;
  variants.unshift({ text: truncateText(text, shorter), blocks });
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
/** Slack's own failures; the message may have been posted. */
const FAILED = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);

const TOO_LONG = 'msg_too_long';
/** Errors that another variant may avoid. */
const isAboutContent = (code: string): boolean =>
  code === TOO_LONG || code === 'invalid_arguments' || /block|attachment|table|chart|markdown/.test(code);

/** `answer`: null if Slack throttled the call for too long. */
function toPostResult<T>(answer: SlackAnswer<T> | null, tsOf: (of: T) => string | null): PostResult {
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

const searchFailed = (code: string): Problem => new Problem(`Slack could not be searched for a message: ${code}.`, 2);

/** Returns the outcome of a call; never throws. */
async function callSlack<T>(call: () => Promise<T>): Promise<Exclude<CallResult<SlackAnswer<T>>, 'again'>> {
  try {
    return { done: { of: await call() } };
  } catch (error) {
    if (error instanceof WebAPIRateLimitedError) return { retryAfter: error.retryAfter };
    const isHeldBack = error instanceof WebAPIPlatformError && /^rate_?limited$/.test(error.data.error);
    return isHeldBack ? { retryAfter: error.data.response_metadata?.retryAfter ?? 1 } : { done: slackFailure(error) };
  }
}

function slackFailure(error: unknown): SlackAnswer<never> {
  if (error instanceof WebAPIHTTPError) {
    const code = `http_${error.statusCode}`;
    return error.statusCode >= 500 || error.statusCode === 408 ? { lost: code } : { code, places: [] };
  }
  if (!(error instanceof WebAPIPlatformError)) return { lost: 'no_answer' };
  const { error: code, response_metadata: more } = error.data;
  // A proxy's page contains no Slack error code.
  if (!/^[a-z0-9_.-]{1,80}$/.test(code)) return { lost: 'no_answer' };
  return FAILED.has(code) ? { lost: code } : { code, places: errorPointers(more?.messages ?? []) };
}

/** Returns the pointers in messages such as `[ERROR] unsupported type: plan [json-pointer:/blocks/0/type]`. */
const errorPointers = (messages: string[]): string[] =>
  messages.flatMap((message) => /\[(?:json-pointer:)?(\/[\w/-]{1,200})\]/.exec(message)?.[1] ?? []);

function isMessageOfRun(runId: string, metadata: unknown): boolean {
  if (typeof metadata !== 'object' || metadata === null) return false;
  const { event_type: type, event_payload: payload } = metadata as Record<string, unknown>;
  if (type !== METADATA || typeof payload !== 'object' || payload === null) return false;
  return 'run_id' in payload && payload.run_id === runId;
}

/** Arguments for a reply in a thread, optionally broadcast to the channel. */
const threadOf = ({
  thread,
  isBroadcast = false,
}: PostTarget): { thread_ts: string; reply_broadcast: boolean } | Record<string, never> =>
  thread === null ? {} : { thread_ts: thread, reply_broadcast: isBroadcast };
