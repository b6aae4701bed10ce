/**
 * The thread of one run: every message of it posted once, whatever fails in between, and edited until it shows what the run says.
 * Slack has no idempotency key for posts, so what is about to be posted is noted with the run before, and looked for when that note is
 * found again.
 */
import type { Logger } from 'pino';
import type { Diagnosis, StepNumber } from '../../diagnose/diagnosis.ts';
import type { CollectionProgress } from '../../investigate/collection-progress.ts';
import type { Episode } from '../../runs/episode.ts';
import type { Run, Thread } from '../../runs/run.ts';
import type { RunStore } from '../../runs/runs.ts';
import type { Poster, PostResult, PostTarget, Refusal } from '../delivery/slack-poster.ts';
import {
  checklistMessage,
  episodeClosedMessage,
  episodeReopenedMessage,
  rootMessage,
  stepMessages,
  type ThreadState,
  verdictMessage,
} from '../messages/index.ts';
import type { Message } from '../messages/message.ts';

export interface ThreadParts {
  runs: RunStore;
  poster: Poster;
  /** The episode of a run that an alarm asked for. */
  episodeOf(run: Run): Promise<Episode | null>;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

type MessageSlot = 'root' | 'checklist' | 'verdict' | `step-${StepNumber}`;

const STEPS: readonly StepNumber[] = [1, 2, 3, 4, 5, 6];

/** Noted in `posting` while the thread does not yet show what the run says, and no message is being posted. */
export const SHOW_PENDING = 'show';

/** What the renderers are told. */
export async function loadThreadState({ runs, episodeOf }: ThreadParts, run: Run): Promise<ThreadState> {
  const [diagnosis, episode] = await Promise.all([runs.diagnosis(run.id), episodeOf(run)]);
  return { run, diagnosis, episode };
}

/** The message of the channel that the thread hangs below. */
export const threadTs = ({ within, root }: Thread): string | null => within ?? root;

/** Posts the root message where it does not stand yet. */
export async function ensureRoot(parts: ThreadParts, run: Run): Promise<Run | Refusal> {
  if (run.thread.root !== null) return run;
  return ensurePosted(parts, run, 'root', rootMessageFor(await loadThreadState(parts, run)));
}

/** The root message; one that may stand twice says so as long as it stands. */
export const rootMessageFor = (threadState: ThreadState): Message =>
  threadState.run.thread.resumed ? withResumedNote(rootMessage(threadState)) : rootMessage(threadState);

/** The reply about an end of the episode, by which end it was. */
export const closeReplyKey = (end: number): string => `${CLOSED_PREFIX}${end}`;
const CLOSED_PREFIX = 'closed-';

/** Replies about its ends that stand, the first first. */
const closeReplies = ({ extras }: Run): string[] =>
  Object.entries(extras)
    .filter(([key, ts]) => key.startsWith(CLOSED_PREFIX) && /^\d+\.\d+$/.test(ts))
    .sort(([a], [b]) => Number(a.slice(CLOSED_PREFIX.length)) - Number(b.slice(CLOSED_PREFIX.length)))
    .map(([, ts]) => ts);

/** Makes the root message show what the run and its episode say, and the replies about its end, which were true when they were posted. */
export async function showRoot({ poster }: ThreadParts, threadState: ThreadState): Promise<PostResult> {
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

/**
 * Makes the thread show what the run says. `before`: the diagnosis it showed until now, so that steps that say the same are left alone.
 * True when everything is shown; false when Slack could not be reached, and it is to be done again.
 */
export async function showRun(parts: ThreadParts, givenRun: Run, before: Diagnosis | null): Promise<boolean> {
  const { runs, poster, log } = parts;
  const threadState = await loadThreadState(parts, givenRun);
  const { channel, root } = givenRun.thread;
  if (root === null) return false;
  let run = givenRun;
  // The first that Slack gave no answer to is the last that is tried: what may have been posted stays noted.
  let isShown = true;
  const handleResult = (what: string, answer: Run | PostResult): void => {
    if (!('refused' in answer)) {
      if ('thread' in answer) run = answer;
      return;
    }
    log.warn(
      { run: run.id, channel, what, refused: answer.refused, code: answer.code },
      'Slack did not take a message',
    );
    if (answer.refused === 'unreachable') isShown = false;
  };
  const postOrEdit = async (slot: MessageSlot, message: Message): Promise<void> => {
    const ts = tsOf(run.thread, slot);
    handleResult(
      slot,
      ts === null ? await ensurePosted(parts, run, slot, message) : await poster.edit(channel, ts, message),
    );
  };

  handleResult('root', await showRoot(parts, threadState));
  if (isShown) await postOrEdit('checklist', checklistMessage(threadState, null));
  if (isShown && threadState.diagnosis !== null) {
    await postOrEdit('verdict', verdictMessage(threadState));
    const steps = stepMessages(threadState);
    const shownSteps = before === null ? {} : stepMessages({ ...threadState, diagnosis: before });
    for (const step of STEPS) {
      const message = steps[step] ?? (tsOf(run.thread, `step-${step}`) === null ? null : nothingMoreMessage(step));
      const isSame = JSON.stringify(message) === JSON.stringify(shownSteps[step] ?? null);
      if (isShown && message !== null && !(isSame && tsOf(run.thread, `step-${step}`) !== null))
        await postOrEdit(`step-${step}`, message);
    }
  }
  if (isShown) await runs.change(run.id, (current) => ({ ...current, posting: null }));
  return isShown;
}

/** Shows how far the work is, as often as the budget of edits allows. */
export function showProgress(parts: ThreadParts, threadState: ThreadState, progress: CollectionProgress): void {
  const { channel, checklist } = threadState.run.thread;
  if (checklist !== null) parts.poster.progress(channel, checklist, checklistMessage(threadState, progress));
}

/** The checklist message, posted where it does not stand yet. */
export async function ensureChecklist(
  parts: ThreadParts,
  threadState: ThreadState,
  progress: CollectionProgress,
): Promise<Run | Refusal> {
  return ensurePosted(parts, threadState.run, 'checklist', checklistMessage(threadState, progress));
}

const nothingMoreMessage = (step: StepNumber): Message => {
  const text = `Step ${step}: nothing beyond what the checklist and the verdict say.`;
  return { text, blocks: [{ type: 'section', text: { type: 'plain_text', text } }] };
};

/** Posts what does not stand yet; the run with its ts. */
async function ensurePosted(
  { runs, poster }: ThreadParts,
  run: Run,
  slot: MessageSlot,
  message: Message,
): Promise<Run | Refusal> {
  const postedTs = tsOf(run.thread, slot);
  if (postedTs !== null) return run;
  const target: PostTarget = { channel: run.thread.channel, thread: threadTs(run.thread) };
  const mark = slot === 'root' ? run.id : `${run.id}/${slot}`;
  let isResumed = false;
  const recordTs = (ts: string) =>
    runs.change(run.id, (current) => {
      const thread = withTs(current.thread, slot, ts);
      return {
        ...current,
        posting: SHOW_PENDING,
        thread: isResumed && slot === 'root' ? { ...thread, resumed: true } : thread,
      };
    });
  if (run.posting === slot) {
    // The process that noted it may have posted it, and not have lived to note that.
    const existing = await poster.find(target, mark).catch((): Refusal => ({ refused: 'unreachable', code: 'find' }));
    if (existing === 'may-not-look') isResumed = true;
    else if (existing !== null) return 'ts' in existing ? recordTs(existing.ts) : existing;
  } else {
    await runs.change(run.id, (current) => ({ ...current, posting: slot }));
  }
  const answer = await poster.post(target, isResumed ? withResumedNote(message) : message, mark);
  if ('ts' in answer) return recordTs(answer.ts);
  if (answer.refused !== 'unreachable') await runs.change(run.id, (current) => ({ ...current, posting: SHOW_PENDING }));
  return answer;
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
