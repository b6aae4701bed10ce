/** Posts each message of a run's thread once, and edits it until it shows the current run. */
import { isDeepStrictEqual } from 'node:util';
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import type { CollectionProgress } from '../../investigate/collection-progress.ts';
import { verdictKind } from '../../render/verdict-words.ts';
import { type MessageSlot, type Run, type Thread, toUpdate } from '../../runs/run.ts';
import type { PostRecord } from '../../runs/store/post-record.ts';
import { postOnce } from '../delivery/post-once.ts';
import type { PostResult, PostTarget, Refusal } from '../delivery/slack-poster.ts';
import {
  checklistMessage,
  episodeClosedMessage,
  episodeReopenedMessage,
  rootMessage,
  type ThreadState,
  verdictMessage,
} from '../messages/index.ts';
import type { Message } from '../messages/message.ts';
import { readRun, type ThreadContext } from './thread-context.ts';

/** Loads everything that the messages of a thread show. */
export async function loadThreadState({ runs, episodeOf }: ThreadContext, run: Run): Promise<ThreadState> {
  const [diagnosis, episode] = await Promise.all([runs.diagnosis(run.id), episodeOf(run)]);
  return { run, diagnosis, episode };
}

/** ts of the channel message that the thread belongs to. */
export const threadTs = ({ parentTs, root }: Thread): string | null => parentTs ?? root;

/** Posts the root message if it is not there yet. */
export async function ensureRoot(context: ThreadContext, run: Run): Promise<Run | Refusal> {
  if (run.thread.root !== null) return run;
  return ensurePosted(context, run, 'root', rootMessageFor(await loadThreadState(context, run)));
}

/** The root message; it says so if it may have been posted twice. */
export const rootMessageFor = (threadState: ThreadState): Message =>
  threadState.run.thread.resumed ? withResumedNote(rootMessage(threadState)) : rootMessage(threadState);

/** Key of the reply about the n-th end of the episode. */
export const closeReplyKey = (end: number): string => `${CLOSED_PREFIX}${end}`;
const CLOSED_PREFIX = 'closed-';

/** Keys of the posted replies about its ends, oldest first. */
const closeReplies = ({ replies }: Run): string[] =>
  Object.entries(replies)
    .flatMap(([key, reply]) =>
      key.startsWith(CLOSED_PREFIX) && reply.state === 'posted' ? [{ key, ts: reply.ts }] : [],
    )
    .sort((a, b) => Number(a.key.slice(CLOSED_PREFIX.length)) - Number(b.key.slice(CLOSED_PREFIX.length)))
    .map(({ ts }) => ts);

/** Updates the root message from the run and its episode, and corrects earlier replies about its end. */
async function showRoot({ poster }: ThreadContext, threadState: ThreadState): Promise<PostResult> {
  const { channel, root } = threadState.run.thread;
  if (root === null) return { refused: 'gone', code: 'no_root' };
  const rootEdit = await poster.edit(channel, root, rootMessageFor(threadState));
  if ('refused' in rootEdit || threadState.episode === null) return rootEdit;
  const replies = closeReplies(threadState.run);
  for (const ts of replies) {
    const isLast = ts === replies.at(-1);
    const edited = await poster.edit(
      channel,
      ts,
      isLast ? episodeClosedMessage(threadState) : episodeReopenedMessage(),
    );
    // A deleted reply is not restored.
    if ('refused' in edited && edited.refused === 'unreachable') return edited;
  }
  return rootEdit;
}

/** Updates the root message and the replies about the end; recorded as pending when Slack is unreachable. */
export async function refreshRoot(context: ThreadContext, id: string): Promise<void> {
  const { runs, log } = context;
  const run = await readRun(context, id);
  const { channel, root } = run.thread;
  if (root === null) return;
  const edited = await showRoot(context, await loadThreadState(context, run));
  if (!('refused' in edited)) return;
  log.warn({ run: id, channel, refused: edited.refused, code: edited.code }, 'Slack refused a message');
  if (edited.refused === 'unreachable')
    await runs.change(id, (current) => ({ ...current, outbox: toUpdate(current.outbox) }));
}

/** Edits the root message to find out whether somebody has deleted it. */
export async function isRootGone(context: ThreadContext, run: Run): Promise<boolean> {
  if (run.thread.root === null) return false;
  const edited = await showRoot(context, await loadThreadState(context, run));
  return 'refused' in edited && edited.refused === 'gone';
}

/** Shows in the root message that the run is under way again. */
export async function showRootProgress(context: ThreadContext, run: Run): Promise<void> {
  const { channel, root } = run.thread;
  if (root !== null) context.poster.progress(channel, root, rootMessageFor(await loadThreadState(context, run)));
}

/**
 * Makes the thread show what the run says. Returns true if everything is shown, false if Slack was unreachable and a
 * retry is due.
 */
export async function showRun(context: ThreadContext, givenRun: Run): Promise<boolean> {
  const { log } = context;
  const threadState = await loadThreadState(context, givenRun);
  const { channel, root } = givenRun.thread;
  if (root === null) return false;
  const { diagnosis } = threadState;
  const isBroadcast = givenRun.askedBy.kind === 'alarm' && diagnosis !== null && isWorthActing(diagnosis);
  const take = (what: string, answer: Run | PostResult): boolean => {
    if (!('refused' in answer)) return true;
    const { refused, code } = answer;
    log.warn({ run: givenRun.id, channel, what, refused, code }, 'Slack refused a message');
    return refused !== 'unreachable';
  };
  // Stop at the first post without an answer: it may have been posted, and stays recorded.
  let isShown = take('root', await showRoot(context, threadState));
  for (const [slot, message] of ownMessages(context, threadState)) {
    if (isShown) isShown = take(slot, await postOrEdit(context, givenRun, slot, message, isBroadcast));
  }
  if (isShown) await recordShown(context, threadState);
  return isShown;
}

/** Empties the outbox, unless what the thread shows was changed meanwhile, as by a mute or feedback: it is shown later. */
async function recordShown({ runs, episodeOf }: ThreadContext, { run, episode }: ThreadState): Promise<void> {
  const isSameEpisode = isDeepStrictEqual(await episodeOf(run), episode);
  await runs.change(run.id, (current) => {
    const isShown = isSameEpisode && isDeepStrictEqual(contentOf(current), contentOf(run));
    return { ...current, outbox: isShown ? { kind: 'empty' } : toUpdate(current.outbox) };
  });
}

/** The run without what showing it changes, and without the replies of buttons. */
const contentOf = (run: Run) => ({ ...run, lease: null, outbox: null, replies: null, thread: null, updatedAt: null });

/** Messages of the thread below its root, in order. A verdict is posted once there is something to act on. */
function ownMessages(context: ThreadContext, threadState: ThreadState): [MessageSlot, Message][] {
  const checklist: [MessageSlot, Message] = ['checklist', checklistMessage(threadState, null)];
  if (threadState.diagnosis === null) return [checklist];
  const { run, diagnosis } = threadState;
  if (run.thread.verdict === null && !isVerdictDue(run, diagnosis)) return [checklist];
  return [checklist, ['verdict', verdictMessage(threadState, mentionIn(context, run))]];
}

/** Whether a verdict may be posted: only once the errors are read, or no more will arrive. */
const isVerdictDue = (run: Run, diagnosis: Diagnosis): boolean =>
  isWorthActing(diagnosis) || run.state === 'final' || run.state === 'partial';

/** Whether the leading errors were read; only then is an alarm's verdict broadcast to the channel. */
const isWorthActing = (diagnosis: Diagnosis): boolean => {
  const kind = verdictKind(diagnosis);
  return kind === 'found' || kind === 'undecided';
};

/** Mentions the asker; for an alarm, the user or group of its route. */
const mentionIn = ({ mentionOf }: ThreadContext, run: Run): string | null =>
  run.askedBy.kind === 'person' ? run.askedBy.user : (mentionOf?.(run) ?? null);

async function postOrEdit(
  context: ThreadContext,
  run: Run,
  slot: MessageSlot,
  message: Message,
  isBroadcast: boolean,
): Promise<Run | PostResult> {
  const ts = tsOf(run.thread, slot);
  if (ts === null) return ensurePosted(context, run, slot, message, slot === 'verdict' && isBroadcast);
  return context.poster.edit(run.thread.channel, ts, message);
}

/** Shows progress, as often as the edit budget allows. */
export function showProgress(context: ThreadContext, threadState: ThreadState, progress: CollectionProgress): void {
  const { channel, checklist } = threadState.run.thread;
  if (checklist !== null) context.poster.progress(channel, checklist, checklistMessage(threadState, progress));
}

/** Posts the checklist message if it is missing. */
export async function ensureChecklist(
  context: ThreadContext,
  threadState: ThreadState,
  progress: CollectionProgress,
): Promise<Run | Refusal> {
  return ensurePosted(context, threadState.run, 'checklist', checklistMessage(threadState, progress));
}

/** Posts a missing message and returns the run with its ts. Only the lease owner calls this. */
async function ensurePosted(
  context: ThreadContext,
  run: Run,
  slot: MessageSlot,
  message: Message,
  isBroadcast = false,
): Promise<Run | Refusal> {
  if (tsOf(run.thread, slot) !== null) return run;
  const { runs, poster, now } = context;
  const target: PostTarget = { channel: run.thread.channel, thread: threadTs(run.thread), isBroadcast };
  const mark = slot === 'root' ? run.id : `${run.id}/${slot}`;
  let isResumed = false;
  let isPosted = false;
  const posted = await postOnce({
    now,
    find: () => poster.find(target, mark),
    post(mayStandTwice) {
      isResumed = mayStandTwice;
      isPosted = true;
      return poster.post(target, mayStandTwice ? withResumedNote(message) : message, mark);
    },
    record: (change) =>
      runs.update(run.id, (current) => {
        const before = recordOf(current, slot);
        const { record, result } = change(before);
        return { run: record === before ? current : withRecord(current, slot, record, isResumed), result };
      }),
  });
  if (typeof posted === 'object' && 'refused' in posted) return posted;
  const standing = await readRun(context, run.id);
  const ts = tsOf(standing.thread, slot);
  // A message found again still has its original text: edit it.
  if (!isPosted && ts !== null) {
    const edited = await poster.edit(target.channel, ts, message);
    if ('refused' in edited && edited.refused === 'unreachable') return edited;
  }
  return standing;
}

/** An unfinished post was started by a process that lost the lease; it may have succeeded. */
function recordOf({ thread, outbox }: Run, slot: MessageSlot): PostRecord | null {
  const ts = tsOf(thread, slot);
  if (ts !== null) return { state: 'posted', ts };
  return outbox.kind === 'posting' && outbox.message === slot ? { state: 'unsure' } : null;
}

function withRecord(run: Run, slot: MessageSlot, record: PostRecord | null, isResumed: boolean): Run {
  if (record === null) return { ...run, outbox: { kind: 'update' } };
  if (record.state !== 'posted') return { ...run, outbox: { kind: 'posting', message: slot } };
  const thread = withTs(run.thread, slot, record.ts);
  return {
    ...run,
    outbox: { kind: 'update' },
    thread: isResumed && slot === 'root' ? { ...thread, resumed: true } : thread,
  };
}

/** Adds a note that the message may appear twice. */
function withResumedNote(message: Message): Message {
  const note = 'Resumed after a restart: this message may repeat the one above.';
  const block = { type: 'context', elements: [{ type: 'plain_text', text: note }] };
  return {
    ...message,
    text: `${note} ${message.text}`,
    blocks: [...message.blocks, block],
    ...(message.plainBlocks ? { plainBlocks: [...message.plainBlocks, block] } : {}),
  };
}

const tsOf = (thread: Thread, slot: MessageSlot): string | null =>
  slot === 'root' || slot === 'checklist' || slot === 'verdict' ? thread[slot] : (thread.steps[slot.slice(5)] ?? null);

const withTs = (thread: Thread, slot: MessageSlot, ts: string): Thread =>
  slot === 'root' || slot === 'checklist' || slot === 'verdict'
    ? { ...thread, [slot]: ts }
    : { ...thread, steps: { ...thread.steps, [slot.slice(5)]: ts } };
