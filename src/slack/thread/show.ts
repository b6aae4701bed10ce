/**
 * The thread of one run: every message of it posted once, whatever fails in between, and edited until it shows what the run says.
 * Slack has no idempotency key for posts, so what is about to be posted is noted with the run before, and looked for when that note is
 * found again.
 */
import type { Logger } from 'pino';
import type { Diagnosis, StepNumber } from '../../diagnose/diagnosis.ts';
import type { Work } from '../../investigate/collection-progress.ts';
import type { Episode } from '../../runs/episode.ts';
import type { Run, Thread } from '../../runs/run.ts';
import type { Runs } from '../../runs/runs.ts';
import type { Posted, Poster, Refusal, Target } from '../delivery/slack-poster.ts';
import {
  checklistMessage,
  episodeClosedMessage,
  episodeWentOnMessage,
  rootMessage,
  stepMessages,
  type Told,
  verdictMessage,
} from '../messages/index.ts';
import type { Message } from '../messages/message.ts';

export interface ThreadParts {
  runs: Runs;
  poster: Poster;
  /** The episode of a run that an alarm asked for. */
  episodeOf(run: Run): Promise<Episode | null>;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

type Slot = 'root' | 'checklist' | 'verdict' | `step-${StepNumber}`;

const STEPS: readonly StepNumber[] = [1, 2, 3, 4, 5, 6];

/** Noted in `posting` while the thread does not yet show what the run says, and no message is being posted. */
export const SHOWING = 'show';

/** What the renderers are told. */
export async function toldOf({ runs, episodeOf }: ThreadParts, run: Run): Promise<Told> {
  const [diagnosis, episode] = await Promise.all([runs.diagnosis(run.id), episodeOf(run)]);
  return { run, diagnosis, episode };
}

/** The message of the channel that the thread hangs below. */
export const threadOf = ({ within, root }: Thread): string | null => within ?? root;

/** Posts the root message where it does not stand yet. */
export async function stand(parts: ThreadParts, run: Run): Promise<Run | Refusal> {
  if (run.thread.root !== null) return run;
  return posted(parts, run, 'root', rootOf(await toldOf(parts, run)));
}

/** The root message; one that may stand twice says so as long as it stands. */
export const rootOf = (told: Told): Message =>
  told.run.thread.resumed ? resumed(rootMessage(told)) : rootMessage(told);

/** The reply about an end of the episode, by which end it was. */
export const keyOfEnd = (end: number): string => `${END}${end}`;
const END = 'closed-';

/** Replies about its ends that stand, the first first. */
const endsOf = ({ extras }: Run): string[] =>
  Object.entries(extras)
    .filter(([key, ts]) => key.startsWith(END) && /^\d+\.\d+$/.test(ts))
    .sort(([a], [b]) => Number(a.slice(END.length)) - Number(b.slice(END.length)))
    .map(([, ts]) => ts);

/** Makes the root message show what the run and its episode say, and the replies about its end, which were true when they were posted. */
export async function showHead({ poster }: ThreadParts, told: Told): Promise<Posted> {
  const { channel, root } = told.run.thread;
  if (root === null) return { refused: 'gone', code: 'no_root' };
  const shown = await poster.edit(channel, root, rootOf(told));
  if ('refused' in shown || told.episode === null) return shown;
  const ends = endsOf(told.run);
  for (const ts of ends) {
    const isLast = ts === ends.at(-1);
    const edited = await poster.edit(channel, ts, isLast ? episodeClosedMessage(told) : episodeWentOnMessage());
    // One that somebody has deleted is not missed.
    if ('refused' in edited && edited.refused === 'unreachable') return edited;
  }
  return shown;
}

/**
 * Makes the thread show what the run says. `before`: the diagnosis it showed until now, so that steps that say the same are left alone.
 * True when everything is shown; false when Slack could not be reached, and it is to be done again.
 */
export async function show(parts: ThreadParts, given: Run, before: Diagnosis | null): Promise<boolean> {
  const { runs, poster, log } = parts;
  const told = await toldOf(parts, given);
  const { channel, root } = given.thread;
  if (root === null) return false;
  let run = given;
  // The first that Slack gave no answer to is the last that is tried: what may have been posted stays noted.
  let isShown = true;
  const outcome = (what: string, answer: Run | Posted): void => {
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
  const put = async (slot: Slot, message: Message): Promise<void> => {
    const ts = tsOf(run.thread, slot);
    outcome(slot, ts === null ? await posted(parts, run, slot, message) : await poster.edit(channel, ts, message));
  };

  outcome('root', await showHead(parts, told));
  if (isShown) await put('checklist', checklistMessage(told, null));
  if (isShown && told.diagnosis !== null) {
    await put('verdict', verdictMessage(told));
    const steps = stepMessages(told);
    const shown = before === null ? {} : stepMessages({ ...told, diagnosis: before });
    for (const step of STEPS) {
      const message = steps[step] ?? (tsOf(run.thread, `step-${step}`) === null ? null : nothingMore(step));
      const isSame = JSON.stringify(message) === JSON.stringify(shown[step] ?? null);
      if (isShown && message !== null && !(isSame && tsOf(run.thread, `step-${step}`) !== null))
        await put(`step-${step}`, message);
    }
  }
  if (isShown) await runs.change(run.id, (current) => ({ ...current, posting: null }));
  return isShown;
}

/** Shows how far the work is, as often as the budget of edits allows. */
export function showProgress(parts: ThreadParts, told: Told, work: Work): void {
  const { channel, checklist } = told.run.thread;
  if (checklist !== null) parts.poster.progress(channel, checklist, checklistMessage(told, work));
}

/** The checklist message, posted where it does not stand yet. */
export async function standChecklist(parts: ThreadParts, told: Told, work: Work): Promise<Run | Refusal> {
  return posted(parts, told.run, 'checklist', checklistMessage(told, work));
}

const nothingMore = (step: StepNumber): Message => {
  const text = `Step ${step}: nothing beyond what the checklist and the verdict say.`;
  return { text, blocks: [{ type: 'section', text: { type: 'plain_text', text } }] };
};

/** Posts what does not stand yet; the run with its ts. */
async function posted({ runs, poster }: ThreadParts, run: Run, slot: Slot, message: Message): Promise<Run | Refusal> {
  const there = tsOf(run.thread, slot);
  if (there !== null) return run;
  const target: Target = { channel: run.thread.channel, thread: threadOf(run.thread) };
  const mark = slot === 'root' ? run.id : `${run.id}/${slot}`;
  let isResumed = false;
  const stands = (ts: string) =>
    runs.change(run.id, (current) => {
      const thread = withTs(current.thread, slot, ts);
      return {
        ...current,
        posting: SHOWING,
        thread: isResumed && slot === 'root' ? { ...thread, resumed: true } : thread,
      };
    });
  if (run.posting === slot) {
    // The process that noted it may have posted it, and not have lived to note that.
    const found = await poster.find(target, mark).catch((): Refusal => ({ refused: 'unreachable', code: 'find' }));
    if (found === 'may-not-look') isResumed = true;
    else if (found !== null) return 'ts' in found ? stands(found.ts) : found;
  } else {
    await runs.change(run.id, (current) => ({ ...current, posting: slot }));
  }
  const answer = await poster.post(target, isResumed ? resumed(message) : message, mark);
  if ('ts' in answer) return stands(answer.ts);
  if (answer.refused !== 'unreachable') await runs.change(run.id, (current) => ({ ...current, posting: SHOWING }));
  return answer;
}

/** Says that it may be there twice. */
function resumed(message: Message): Message {
  const note = 'Resumed: the same message may stand above.';
  const block = { type: 'context', elements: [{ type: 'plain_text', text: note }] };
  return {
    ...message,
    text: `${note} ${message.text}`.slice(0, 4000),
    blocks: [...message.blocks, block],
    ...(message.plainBlocks ? { plainBlocks: [...message.plainBlocks, block] } : {}),
  };
}

const tsOf = (thread: Thread, slot: Slot): string | null =>
  slot === 'root' || slot === 'checklist' || slot === 'verdict' ? thread[slot] : (thread.steps[slot.slice(5)] ?? null);

const withTs = (thread: Thread, slot: Slot, ts: string): Thread =>
  slot === 'root' || slot === 'checklist' || slot === 'verdict'
    ? { ...thread, [slot]: ts }
    : { ...thread, steps: { ...thread.steps, [slot.slice(5)]: ts } };
