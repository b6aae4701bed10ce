/** The threads of all runs: opened, kept true, answered in, resumed after a restart, ended on shutdown. */
import { setTimeout as wait } from 'node:timers/promises';
import PQueue from 'p-queue';
import type * as z from 'zod';
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import type { LocatedQuestion } from '../../investigate/investigator.ts';
import { Problem } from '../../problem.ts';
import { incidentWindow } from '../../query/alarm-window.ts';
import { LOGS_COMPLETE_AFTER } from '../../query/recheck.ts';
import type { Limits } from '../../runs/limits.ts';
import { newRun, type Run, type RunOrigin } from '../../runs/run.ts';
import { isOutage } from '../../runs/store/json-object.ts';
import type { PostResult, PostTarget, Refusal } from '../delivery/slack-poster.ts';
import type { DetailId } from '../messages/actions.ts';
import { detailAnswer, runStateOf, verdictChangedMessage } from '../messages/index.ts';
import type { Message } from '../messages/message.ts';
import { type InvestigationParts, interruption, runInvestigation } from './run-investigation.ts';
import { ensureRoot, loadThreadState, rootMessageFor, SHOW_PENDING, showRoot, showRun, threadTs } from './show.ts';

export interface ThreadRequest {
  askedBy: z.infer<typeof RunOrigin>;
  question: LocatedQuestion;
  channel: string;
  /** The first message of the thread it was asked in, or null for a root message of its own. */
  within: string | null;
  /** For alarms: the id the episode has claimed. A run that has it is gone on with. */
  id?: string;
  /** Asked by intention once more: an answer that is there does not count. */
  fresh?: boolean;
}

/**
 * `opened`: the root message stands and is recorded; `ended` settles when the first answer stands, and never rejects.
 * `same`: this channel has a thread of just that question. `refused`: the sentence to show.
 */
export type OpenResult =
  | { opened: Run; ended: Promise<Run> }
  | { same: Run }
  | { refused: string; reason: 'too-many' | 'slack' | 'store' | 'closing' | 'defect'; refusal?: Refusal };

export interface ThreadManager {
  open(request: ThreadRequest): Promise<OpenResult>;
  /**
   * Asks the same load balancer again in the same thread; another window replaces that of the run. Ends when the answer stands. Throws
   * Problem when this person, if it is one, has asked for too much already.
   */
  askAgain(id: string, window?: { from: number; to: number }, user?: string): Promise<Run>;
  /** Shows the root message anew, and what was said of the end: the episode or the feedback has changed. */
  refresh(id: string): Promise<void>;
  /** One reply in the thread of a run, once for each `key`: presses twice, redeliveries and restarts do not double it. */
  reply(id: string, key: string, message: Message): Promise<PostResult | 'already'>;
  /** What a button asks for, in the thread, from what was kept. Once for each `key`. */
  answer(id: string, detail: DetailId, key: string): Promise<PostResult | 'already' | 'no-such-run'>;
  /** Goes on with what a crash or a restart left open. */
  resume(): Promise<void>;
  /** Takes no more, waits at most so many milliseconds for what runs, and marks the rest interrupted. */
  stop(milliseconds: number): Promise<void>;
  /** Runs under way and those that wait. */
  load(): { running: number; waiting: number };
}

export interface ThreadManagerParts extends InvestigationParts {
  limits: Limits;
  /** Who has the leases of this process: other than those of any process before. */
  owner: string;
}

/** Milliseconds. A lease outlives two failed renewals. */
const LEASE = 60_000;
const RENEW = 20_000;
/** How often it is looked for what is due, or was left by somebody else. */
const POLL_INTERVAL = 15_000;
/** A person who asked this long ago has gone on; the thread says that it was interrupted. */
const MAX_QUESTION_AGE = 30 * 60_000;
/** Between attempts while Slack cannot be reached and somebody waits for the root message. */
const RETRY_ROOT = [500, 2_000, 5_000];
/** How long the same question of somebody else is waited for until its thread stands. */
const CLAIM_POLL = 100;
const CLAIM_POLLS = 30;
/** After an abort, for the threads to say so. */
export const ABORT_GRACE = 8_000;
/** After this, a press whose answer was begun and never noted counts as not answered. */
const PRESS_EXPIRY = 60_000;
/** Noted for a reply that may have been posted. */
const MAYBE_POSTED = 'unsure';

interface ActiveRun {
  /** Settles when the root message stands, or cannot. */
  rootPosted: Promise<Run | Refusal>;
  ended: Promise<Run>;
}

interface WorkOptions {
  ask: boolean;
  /** Asks AWS itself, even where another run has an answer. */
  own?: boolean;
  /** Milliseconds between attempts to post the root message. */
  retries?: readonly number[];
}

export function openThreadManager(parts: ThreadManagerParts): ThreadManager {
  const { runs, poster, limits, owner, now, log } = parts;
  const active = new Map<string, ActiveRun>();
  const slots = new PQueue({ concurrency: limits.atOnce });
  const shutdown = new AbortController();
  let pollTimer: NodeJS.Timeout | null = null;
  let isClosing = false;

  return { open, askAgain, refresh, reply, answer, resume, stop, load };

  async function open(request: ThreadRequest): Promise<OpenResult> {
    if (isClosing) return { refused: 'alb502 is being restarted; ask again in a minute.', reason: 'closing' };
    const { askedBy, question, channel, within } = request;
    const candidate = newRun({
      askedBy,
      question,
      channel,
      within,
      now: now(),
      ...(request.id ? { id: request.id } : {}),
    });
    const user = askedBy.kind === 'person' ? askedBy.user : null;
    // Before the question is claimed: who is refused must not be waited for.
    const admission = limits.admit(user, slots.size);
    if ('refused' in admission) return { refused: admission.refused, reason: 'too-many' };
    try {
      const other = user === null || request.fresh ? null : await findSameQuestion(candidate);
      if (other !== null && other.thread.channel === channel && other.thread.within === within) {
        admission.leave();
        return { same: other };
      }
      const copyOf = other === null ? null : (other.copyOf ?? other.id);
      const state = slots.pending < limits.atOnce ? 'looking' : 'queued';
      const run = await runs.create({ ...candidate, state, copyOf });
      const activeRun = begin(run, { ask: run.asks === 0, retries: RETRY_ROOT });
      void activeRun.ended.finally(admission.leave);
      const root = await activeRun.rootPosted;
      if ('refused' in root) {
        await activeRun.ended;
        return { refused: refusalSentence(root), reason: 'slack', refusal: root };
      }
      return { opened: root, ended: activeRun.ended };
    } catch (error) {
      admission.leave();
      if (!isOutage(error)) {
        log.error({ run: candidate.id, err: error }, 'a thread could not be begun');
        return { refused: 'The diagnosis could not be begun; alb502 logs why.', reason: 'defect' };
      }
      log.error({ run: candidate.id, err: error }, 'the run store does not answer');
      return {
        refused: 'The diagnosis could not be recorded, so it was not begun; alb502 logs why.',
        reason: 'store',
      };
    }
  }

  /** The run that answers just this already, and is of use; with its thread, which may be about to be posted. */
  async function findSameQuestion(run: Run): Promise<Run | null> {
    const id = await runs.claim(run, run.id);
    if (id === null || id === run.id) return null;
    let other = await runs.read(id);
    for (
      let polls = 0;
      polls < CLAIM_POLLS && other?.thread.root == null && !(other && hasNoAnswer(other));
      polls += 1
    ) {
      await wait(CLAIM_POLL);
      other = await runs.read(id);
    }
    return other === null || hasNoAnswer(other) || !hasSameWindow(other, run) ? null : other;
  }

  /** Works on a run, once at a time in this process; `ended` never rejects: where the store does not answer, it is the run as given. */
  function begin(run: Run, options: WorkOptions): ActiveRun {
    const { id } = run;
    const existing = active.get(id);
    if (existing !== undefined) return existing;
    const rootPosted = Promise.withResolvers<Run | Refusal>();
    const ended = runWithLease(id, options, rootPosted.resolve)
      .catch(async (error: unknown) => {
        log.error({ run: id, err: error }, 'a thread could not be kept');
        rootPosted.reject(error);
        return (await runs.read(id).catch(() => null)) ?? run;
      })
      .finally(() => active.delete(id));
    // It is looked at by whoever began it, or by nobody.
    rootPosted.promise.catch(() => {});
    active.set(id, { rootPosted: rootPosted.promise, ended });
    return { rootPosted: rootPosted.promise, ended };
  }

  async function runWithLease(
    id: string,
    { ask, own = false, retries = [] }: WorkOptions,
    rootPosted: (root: Run | Refusal) => void,
  ): Promise<Run> {
    const leasedRun = await runs.lease(id, owner, LEASE);
    if (leasedRun === null) {
      const run = await readRun(id);
      rootPosted(run);
      return run;
    }
    const renewal = setInterval(() => {
      runs.lease(id, owner, LEASE).catch((error: unknown) => log.warn({ run: id, err: error }, 'lease not renewed'));
    }, RENEW);
    try {
      const root = await ensureRootWithRetry(leasedRun, retries);
      rootPosted(root);
      if ('refused' in root) return recordRefusedRoot(id, root);
      const before = root.thread.verdict === null ? null : (await loadThreadState(parts, root)).diagnosis;
      const run = ask ? await investigateOrCopy(root, own) : root;
      if (await showRun(parts, run, before)) await postVerdictChange(run, before);
      return readRun(id);
    } finally {
      clearInterval(renewal);
      await runs.release(id, owner).catch((error: unknown) => log.warn({ run: id, err: error }, 'lease not released'));
    }
  }

  async function ensureRootWithRetry(leasedRun: Run, retries: readonly number[]): Promise<Run | Refusal> {
    let run = leasedRun;
    let root = await ensureRoot(parts, run);
    for (const pause of retries) {
      if (!('refused' in root) || root.refused !== 'unreachable' || isClosing) break;
      await wait(pause);
      run = await readRun(run.id);
      root = await ensureRoot(parts, run);
    }
    return root;
  }

  /** Slack that cannot be reached is tried again later; a channel that cannot be written to is the end of the run. */
  async function recordRefusedRoot(id: string, refusal: Refusal): Promise<Run> {
    if (refusal.refused === 'unreachable') return readRun(id);
    return runs.change(id, (run) => ({
      ...run,
      state: 'failed',
      failure: refusalSentence(refusal),
      askAgainAt: null,
      posting: null,
    }));
  }

  /** The run with its answer. One that answers from the evidence of another waits for that one, and needs no place among those at work. */
  async function investigateOrCopy(run: Run, own: boolean): Promise<Run> {
    const copy = run.copyOf === null || own ? null : await copyAnswer(run, run.copyOf);
    if (copy !== null) return copy;
    return slots.add(async () => {
      if (isClosing) return markInterrupted(run.id);
      const runningRun = await runs.change(run.id, (current) => ({ ...current, state: 'looking' }));
      if (runningRun.thread.root !== null && run.state === 'queued') {
        poster.progress(
          runningRun.thread.channel,
          runningRun.thread.root,
          rootMessageFor(await loadThreadState(parts, runningRun)),
        );
      }
      return runInvestigation(parts, runningRun, shutdown.signal);
    });
  }

  /** An alarm's run goes on when alb502 is there again; a person may have gone on. */
  function markInterrupted(id: string): Promise<Run> {
    return runs.change(id, (run) => ({ ...run, ...interruption(run, now()) }));
  }

  /** The run with the findings of the other one, once that has some this one has not shown; null when it will have none. */
  async function copyAnswer(run: Run, source: string): Promise<Run | null> {
    for (;;) {
      await active.get(source)?.ended.catch(() => {});
      const other = await runs.read(source);
      if (other === null || other.state === 'failed' || other.state === 'interrupted') return null;
      if (other.state !== 'queued' && other.state !== 'looking') {
        if (other.asks <= run.asks || !hasSameWindow(other, run)) return null;
        // Its own from now on: the other one may be asked about another window.
        const diagnosis = (await runs.copy(source, run.id)) ? await runs.diagnosis(run.id) : null;
        if (diagnosis === null || !hasSameWindow(diagnosis.window, run)) return null;
        const { asks, askAgainAt, took } = other;
        // A moment after the other one has asked again.
        const again = askAgainAt === null ? null : new Date(Date.parse(askAgainAt) + LEASE).toISOString();
        return runs.change(run.id, (current) => ({
          ...current,
          state: runStateOf(diagnosis),
          asks,
          took,
          askAgainAt: again,
          failure: null,
          posting: current.posting ?? SHOW_PENDING,
        }));
      }
      if (isClosing) return markInterrupted(run.id);
      await wait(1_000, undefined, { signal: shutdown.signal }).catch(() => {});
    }
  }

  /** One reply when a later ask came to another verdict than the thread has shown. */
  async function postVerdictChange(run: Run, before: Diagnosis | null): Promise<void> {
    if (before === null) return;
    const message = verdictChangedMessage(await loadThreadState(parts, run), before);
    if (message !== null) await reply(run.id, `changed-${run.asks}`, message);
  }

  async function askAgain(id: string, window?: { from: number; to: number }, user?: string): Promise<Run> {
    if (isClosing) throw new Problem('alb502 is being restarted; ask again in a minute.', 2);
    const admission = limits.admit(user ?? null, slots.size);
    if ('refused' in admission) throw new Problem(admission.refused, 1);
    try {
      await active.get(id)?.ended.catch(() => {});
      const run = await runs.change(id, (current) => ({
        ...current,
        ...(window ? { from: new Date(window.from).toISOString(), to: new Date(window.to).toISOString() } : {}),
        state: 'looking',
        failure: null,
        askAgainAt: null,
        posting: current.posting ?? SHOW_PENDING,
      }));
      if (run.thread.root !== null) {
        poster.progress(run.thread.channel, run.thread.root, rootMessageFor(await loadThreadState(parts, run)));
      }
      return await begin(run, { ask: true, own: true }).ended;
    } finally {
      admission.leave();
    }
  }

  async function refresh(id: string): Promise<void> {
    const run = await readRun(id);
    const { channel, root } = run.thread;
    if (root === null) return;
    const edited = await showRoot(parts, await loadThreadState(parts, run));
    if (!('refused' in edited)) return;
    log.warn({ run: id, channel, refused: edited.refused, code: edited.code }, 'Slack did not take a message');
    if (edited.refused === 'unreachable')
      await runs.change(id, (current) => ({ ...current, posting: current.posting ?? SHOW_PENDING }));
  }

  async function reply(id: string, key: string, message: Message): Promise<PostResult | 'already'> {
    return postOnce(id, key, (run, mark) => poster.post(threadTarget(run), message, mark));
  }

  async function answer(id: string, detail: DetailId, key: string): Promise<PostResult | 'already' | 'no-such-run'> {
    if ((await runs.read(id)) === null) return 'no-such-run';
    return postOnce(id, key, async (run, mark) => {
      const [threadState, incident] = await Promise.all([loadThreadState(parts, run), runs.evidence(run.id)]);
      if (incident === null) return poster.post(threadTarget(run), noEvidenceMessage(run), mark);
      const content = detailAnswer(detail, threadState, incident.evidence);
      return 'filename' in content
        ? poster.upload(threadTarget(run), content)
        : poster.post(threadTarget(run), content, mark);
    });
  }

  /**
   * Posts once for each key of a run. The key is taken before, so that two who press at once do not both post; one that was taken by a
   * process that has not lived to note its post is looked for in the thread first.
   */
  async function postOnce(
    id: string,
    key: string,
    post: (run: Run, mark: string) => Promise<PostResult>,
  ): Promise<PostResult | 'already'> {
    const claim = `posting since ${new Date(now()).toISOString()} by ${owner} ${crypto.randomUUID()}`;
    let before: string | undefined;
    const run = await runs.change(id, (current) => {
      before = current.extras[key];
      if (before !== undefined && !isAbandoned(before)) return current;
      return { ...current, extras: { ...current.extras, [key]: claim } };
    });
    if (run.extras[key] !== claim) return 'already';
    const releaseKey = () =>
      runs.change(id, ({ extras: { [key]: _, ...extras }, ...current }) => ({ ...current, extras })).catch(() => {});
    const mark = `${id}/${key}`;
    let posted: PostResult;
    try {
      const existing = before === undefined ? null : await poster.find(threadTarget(run), mark);
      posted = existing !== null && existing !== 'may-not-look' ? existing : await post(run, mark);
    } catch (error) {
      await releaseKey();
      throw error;
    }
    // What Slack gave no answer to may stand: it is looked for before it is posted again.
    const outcome = 'ts' in posted ? posted.ts : posted.refused === 'unreachable' ? MAYBE_POSTED : null;
    if (outcome === null) await releaseKey();
    else await runs.change(id, (current) => ({ ...current, extras: { ...current.extras, [key]: outcome } }));
    return posted;
  }

  function isAbandoned(value: string): boolean {
    if (value === MAYBE_POSTED) return true;
    const since = /^posting since (\S+)/.exec(value)?.[1];
    return since !== undefined && now() - Date.parse(since) > PRESS_EXPIRY;
  }

  async function readRun(id: string): Promise<Run> {
    const run = await runs.read(id);
    if (run === null) throw new Problem(`There is no run ${id} any more.`, 1);
    return run;
  }

  async function resume(): Promise<void> {
    pollTimer = setInterval(() => void beginDueRuns(), POLL_INTERVAL).unref();
    await beginDueRuns();
  }

  /** Begins whatever is due or was left unfinished, here or by a process that is no more. */
  async function beginDueRuns(): Promise<void> {
    try {
      for (const run of await runs.open()) {
        if (isClosing) return;
        const { id, lease, state, askAgainAt, askedBy, createdAt, posting } = run;
        const isTaken = lease !== null && lease.owner !== owner && Date.parse(lease.until) > now();
        if (active.has(id) || isTaken) continue;
        const isUnfinished = state === 'queued' || state === 'looking';
        if (isUnfinished && askedBy.kind === 'person' && now() - Date.parse(createdAt) > MAX_QUESTION_AGE) {
          begin(await markInterrupted(id), { ask: false });
        } else if (isUnfinished) begin(run, { ask: true });
        else if (askAgainAt !== null && Date.parse(askAgainAt) <= now()) begin(await extendToNow(run), { ask: true });
        else if (posting !== null) begin(run, { ask: false });
      }
    } catch (error) {
      log.error({ err: error }, 'the run store does not answer');
    }
  }

  /** The run of an alarm that is not over, with the window up to now; for so long only, that a last check of it comes. */
  async function extendToNow(run: Run): Promise<Run> {
    if (run.askedBy.kind !== 'alarm' || now() - Date.parse(run.createdAt) > LOGS_COMPLETE_AFTER) return run;
    const episode = await parts.episodeOf(run);
    if (episode === null || episode.closedAt !== null) return run;
    const heardAt = Math.max(...episode.alarms.map(({ changedAt }) => Date.parse(changedAt)));
    const { to } = incidentWindow(Date.parse(run.from), { now: now(), heardAt, closedAt: null });
    return runs.change(run.id, (current) =>
      // Somebody asks about another window, or has an answer, by now.
      current.askAgainAt !== run.askAgainAt || Date.parse(current.to) >= to
        ? current
        : { ...current, to: new Date(to).toISOString() },
    );
  }

  async function stop(milliseconds: number): Promise<void> {
    isClosing = true;
    if (pollTimer !== null) clearInterval(pollTimer);
    await settleWithin(milliseconds);
    shutdown.abort();
    await settleWithin(ABORT_GRACE);
  }

  /** Waits for all that is under way, and no longer. */
  async function settleWithin(milliseconds: number): Promise<void> {
    const timer = new AbortController();
    const all = Promise.allSettled([...active.values()].map(({ ended }) => ended));
    await Promise.race([all, wait(milliseconds, undefined, { signal: timer.signal }).catch(() => {})]);
    timer.abort();
  }

  function load(): { running: number; waiting: number } {
    return { running: slots.pending, waiting: slots.size };
  }
}

/** Whether there is nothing to wait for: its channel refused it, or it ended without an answer. */
const hasNoAnswer = ({ state }: Run): boolean => state === 'failed' || state === 'interrupted';

/** As for claims: either may have been widened since. */
const hasSameWindow = (a: Pick<Run, 'from' | 'to'>, b: Pick<Run, 'from' | 'to'>): boolean =>
  [a.from, a.to].every((time, at) => Math.abs(Date.parse(time) - Date.parse([b.from, b.to][at] ?? '')) < 60_000);

const threadTarget = ({ thread }: Run): PostTarget => ({ channel: thread.channel, thread: threadTs(thread) });

const noEvidenceMessage = ({ id, state }: Run): Message => {
  const why =
    state === 'queued' || state === 'looking' ? 'There is no answer yet' : 'The evidence of this run is not kept';
  const text = `${why} (run ${id}).`;
  return { text, blocks: [{ type: 'section', text: { type: 'plain_text', text } }] };
};

/** Why there is no thread, in a sentence for whoever asked. */
function refusalSentence({ refused, code }: Refusal): string {
  if (refused === 'not-in-channel')
    return 'alb502 is not in this channel: invite it with /invite @alb502, then ask again.';
  if (refused === 'gone') return 'This channel is archived or gone, so there can be no thread in it.';
  if (refused === 'unreachable') return 'Slack did not answer, so there is no thread yet; it is tried again.';
  return `Slack refused the message (${code}), so there is no thread.`;
}
