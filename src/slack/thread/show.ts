/** Posts each message of a run's thread once, and edits it until it shows the current run. */
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import type { CollectionProgress } from '../../investigate/collection-progress.ts';
import { verdictKind } from '../../render/outline.ts';
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

/** What the renderers are told. */
export async function loadThreadState({ runs, episodeOf }: ThreadContext, run: Run): Promise<ThreadState> {
  const [diagnosis, episode] = await Promise.all([runs.diagnosis(run.id), episodeOf(run)]);
  return { run, diagnosis, episode };
}

/** The message of the channel that the thread hangs below. */
export const threadTs = ({ parentTs, root }: Thread): string | null => parentTs ?? root;

/** Posts the root message if it is not there yet. */
export async function ensureRoot(context: ThreadContext, run: Run): Promise<Run | Refusal> {
  if (run.thread.root !== null) return run;
  return ensurePosted(context, run, 'root', rootMessageFor(await loadThreadState(context, run)));
}

/** The root message; one that may stand twice says so as long as it stands. */
export const rootMessageFor = (threadState: ThreadState): Message =>
  threadState.run.thread.resumed ? withResumedNote(rootMessage(threadState)) : rootMessage(threadState);

/** The reply about an end of the episode, by which end it was. */
export const closeReplyKey = (end: number): string => `${CLOSED_PREFIX}${end}`;
const CLOSED_PREFIX = 'closed-';

/** Replies about its ends that stand, the first first. */
const closeReplies = ({ replies }: Run): string[] =>
  Object.entries(replies)
    .flatMap(([key, reply]) =>
      key.startsWith(CLOSED_PREFIX) && reply.state === 'posted' ? [{ key, ts: reply.ts }] : [],
    )
    .sort((a, b) => Number(a.key.slice(CLOSED_PREFIX.length)) - Number(b.key.slice(CLOSED_PREFIX.length)))
    .map(({ ts }) => ts);

/** Makes the root message show what the run and its episode say, and the replies about its end, which were true when they were posted. */
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
    // One that somebody has deleted is not missed.
    if ('refused' in edited && edited.refused === 'unreachable') return edited;
  }
  return rootEdit;
}

/** Shows the root message anew, and what was said of the end; noted as to be done where Slack cannot be reached. */
export async function refreshRoot(context: ThreadContext, id: string): Promise<void> {
  const { runs, log } = context;
  const run = await readRun(context, id);
  const { channel, root } = run.thread;
  if (root === null) return;
  const edited = await showRoot(context, await loadThreadState(context, run));
  if (!('refused' in edited)) return;
  log.warn({ run: id, channel, refused: edited.refused, code: edited.code }, 'Slack did not take a message');
  if (edited.refused === 'unreachable')
    await runs.change(id, (current) => ({ ...current, outbox: toUpdate(current.outbox) }));
}

/** Shows in the root message that the run is under way again. */
export async function showRootProgress(context: ThreadContext, run: Run): Promise<void> {
  const { channel, root } = run.thread;
  if (root !== null) context.poster.progress(channel, root, rootMessageFor(await loadThreadState(context, run)));
}

/**
 * Makes the thread show what the run says.
 * True when everything is shown; false when Slack could not be reached, and it is to be done again.
 */
export async function showRun(context: ThreadContext, givenRun: Run): Promise<boolean> {
  const { runs, log } = context;
  const threadState = await loadThreadState(context, givenRun);
  const { channel, root } = givenRun.thread;
  if (root === null) return false;
  const { diagnosis } = threadState;
  const isBroadcast = givenRun.askedBy.kind === 'alarm' && diagnosis !== null && isWorthActing(diagnosis);
  const take = (what: string, answer: Run | PostResult): boolean => {
    if (!('refused' in answer)) return true;
    const { refused, code } = answer;
    log.warn({ run: givenRun.id, channel, what, refused, code }, 'Slack did not take a message');
    return refused !== 'unreachable';
  };
  // The first that Slack gave no answer to is the last that is tried: what may have been posted stays recorded.
  let isShown = take('root', await showRoot(context, threadState));
  for (const [slot, message] of ownMessages(context, threadState)) {
    if (isShown) isShown = take(slot, await postOrEdit(context, givenRun, slot, message, isBroadcast));
  }
  if (isShown) await runs.change(givenRun.id, (current) => ({ ...current, outbox: { kind: 'empty' } }));
  return isShown;
}

/** What the thread is to show below its root message, in its order. A verdict is posted once there is one to act on. */
function ownMessages(context: ThreadContext, threadState: ThreadState): [MessageSlot, Message][] {
  const checklist: [MessageSlot, Message] = ['checklist', checklistMessage(threadState, null)];
  if (threadState.diagnosis === null) return [checklist];
  const { run, diagnosis } = threadState;
  if (run.thread.verdict === null && !isVerdictDue(run, diagnosis)) return [checklist];
  return [checklist, ['verdict', verdictMessage(threadState, mentionIn(context, run))]];
}

/** Without its errors read there is nothing to act on, unless nothing more will come. */
const isVerdictDue = (run: Run, diagnosis: Diagnosis): boolean =>
  isWorthActing(diagnosis) || run.state === 'final' || run.state === 'partial';

/** Whether the leading errors were read: only then an alarm's verdict goes to the channel too. */
const isWorthActing = (diagnosis: Diagnosis): boolean => {
  const kind = verdictKind(diagnosis);
  return kind === 'found' || kind === 'undecided';
};

/** Who asked is told the answer by name; for an alarm whom its route names. */
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

/** Shows how far the work is, as often as the budget of edits allows. */
export function showProgress(context: ThreadContext, threadState: ThreadState, progress: CollectionProgress): void {
  const { channel, checklist } = threadState.run.thread;
  if (checklist !== null) context.poster.progress(channel, checklist, checklistMessage(threadState, progress));
}

/** The checklist message, posted where it does not stand yet. */
export async function ensureChecklist(
  context: ThreadContext,
  threadState: ThreadState,
  progress: CollectionProgress,
): Promise<Run | Refusal> {
  return ensurePosted(context, threadState.run, 'checklist', checklistMessage(threadState, progress));
}

/** Posts what does not stand yet; the run with its ts. Called by the owner of the lease, so that nobody else posts it meanwhile. */
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
  // What was found again says what was so when it was posted.
  if (!isPosted && ts !== null) {
    const edited = await poster.edit(target.channel, ts, message);
    if ('refused' in edited && edited.refused === 'unreachable') return edited;
  }
  return standing;
}

/** A post whose end is not recorded was begun by a process that lost the lease: it may stand. */
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

/** Says that it may be there twice. */
function withResumedNote(message: Message): Message {
  const note = 'Resumed: the same message may stand above.';
  const block = { type: 'context', elements: [{ type: 'plain_text', text: note }] };
  return {
    ...message,
    text: `${note} ${message.text}`.slice(0, 4000),
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
