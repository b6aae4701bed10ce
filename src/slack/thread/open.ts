/** The threads of all runs: opened, kept true, answered in, resumed after a restart, ended on shutdown. */
import { setTimeout as wait } from 'node:timers/promises';
import PQueue from 'p-queue';
import type * as z from 'zod';
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import type { Inquiry } from '../../investigate/investigator.ts';
import { Problem } from '../../problem.ts';
import { windowOf } from '../../query/alarm-window.ts';
import { LOGS_COMPLETE_AFTER } from '../../query/recheck.ts';
import type { Limits } from '../../runs/limits.ts';
import { type AskedBy, newRun, type Run } from '../../runs/run.ts';
import { isOutage } from '../../runs/store/json-object.ts';
import type { Posted, Refusal, Target } from '../delivery/slack-poster.ts';
import type { ExtraId } from '../messages/actions.ts';
import { changedMessage, extraAnswer, stateOf } from '../messages/index.ts';
import type { Message } from '../messages/message.ts';
import { interruption, type LookParts, look } from './run-investigation.ts';
import { rootOf, SHOWING, show, showHead, stand, threadOf, toldOf } from './show.ts';

export interface OpenRequest {
  askedBy: z.infer<typeof AskedBy>;
  inquiry: Inquiry;
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
export type Opened =
  | { opened: Run; ended: Promise<Run> }
  | { same: Run }
  | { refused: string; because: 'too-many' | 'slack' | 'store' | 'closing' | 'defect'; refusal?: Refusal };

export interface Threads {
  open(request: OpenRequest): Promise<Opened>;
  /**
   * Asks the same load balancer again in the same thread; another window replaces that of the run. Ends when the answer stands. Throws
   * Problem when this person, if it is one, has asked for too much already.
   */
  askAgain(id: string, window?: { from: number; to: number }, user?: string): Promise<Run>;
  /** Shows the root message anew, and what was said of the end: the episode or the feedback has changed. */
  refresh(id: string): Promise<void>;
  /** One reply in the thread of a run, once for each `key`: presses twice, redeliveries and restarts do not double it. */
  reply(id: string, key: string, message: Message): Promise<Posted | 'already'>;
  /** What a button asks for, in the thread, from what was kept. Once for each `key`. */
  answer(id: string, extra: ExtraId, key: string): Promise<Posted | 'already' | 'no-such-run'>;
  /** Goes on with what a crash or a restart left open. */
  resume(): Promise<void>;
  /** Takes no more, waits at most so many milliseconds for what runs, and marks the rest interrupted. */
  stop(milliseconds: number): Promise<void>;
  /** Runs under way and those that wait. */
  load(): { running: number; waiting: number };
}

export interface ThreadsParts extends LookParts {
  limits: Limits;
  /** Who has the leases of this process: other than those of any process before. */
  owner: string;
}

/** Milliseconds. A lease outlives two failed renewals. */
const LEASE = 60_000;
const RENEW = 20_000;
/** How often it is looked for what is due, or was left by somebody else. */
const LOOK_AROUND = 15_000;
/** A person who asked this long ago has gone on; the thread says that it was interrupted. */
const TOO_OLD = 30 * 60_000;
/** Between attempts while Slack cannot be reached and somebody waits for the root message. */
const RETRY_ROOT = [500, 2_000, 5_000];
/** How long the same question of somebody else is waited for until its thread stands. */
const POLL = 100;
const POLLS = 30;
/** After an abort, for the threads to say so. */
export const LAST_WORDS = 8_000;
/** After this, a press whose answer was begun and never noted counts as not answered. */
const PRESS_LOST = 60_000;
/** Noted for a reply that may have been posted. */
const UNSURE = 'unsure';

interface Active {
  /** Settles when the root message stands, or cannot. */
  standing: Promise<Run | Refusal>;
  ended: Promise<Run>;
}

interface Purpose {
  ask: boolean;
  /** Asks AWS itself, even where another run has an answer. */
  own?: boolean;
  /** Milliseconds between attempts to post the root message. */
  retries?: readonly number[];
}

export function openThreads(parts: ThreadsParts): Threads {
  const { runs, poster, limits, owner, now, log } = parts;
  const active = new Map<string, Active>();
  const slots = new PQueue({ concurrency: limits.atOnce });
  const ending = new AbortController();
  let around: NodeJS.Timeout | null = null;
  let isClosing = false;

  return { open, askAgain, refresh, reply, answer, resume, stop, load };

  async function open(request: OpenRequest): Promise<Opened> {
    if (isClosing) return { refused: 'alb502 is being restarted; ask again in a minute.', because: 'closing' };
    const { askedBy, inquiry, channel, within } = request;
    const fresh = newRun({ askedBy, inquiry, channel, within, now: now(), ...(request.id ? { id: request.id } : {}) });
    const user = askedBy.kind === 'person' ? askedBy.user : null;
    // Before the question is claimed: who is refused must not be waited for.
    const admitted = limits.admit(user, slots.size);
    if ('refused' in admitted) return { refused: admitted.refused, because: 'too-many' };
    try {
      const other = user === null || request.fresh ? null : await sameQuestion(fresh);
      if (other !== null && other.thread.channel === channel && other.thread.within === within) {
        admitted.leave();
        return { same: other };
      }
      const copyOf = other === null ? null : (other.copyOf ?? other.id);
      const state = slots.pending < limits.atOnce ? 'looking' : 'queued';
      const run = await runs.create({ ...fresh, state, copyOf });
      const begun = begin(run, { ask: run.asks === 0, retries: RETRY_ROOT });
      void begun.ended.finally(admitted.leave);
      const stood = await begun.standing;
      if ('refused' in stood) {
        await begun.ended;
        return { refused: slackSaid(stood), because: 'slack', refusal: stood };
      }
      return { opened: stood, ended: begun.ended };
    } catch (error) {
      admitted.leave();
      if (!isOutage(error)) {
        log.error({ run: fresh.id, err: error }, 'a thread could not be begun');
        return { refused: 'The diagnosis could not be begun; alb502 logs why.', because: 'defect' };
      }
      log.error({ run: fresh.id, err: error }, 'the run store does not answer');
      return {
        refused: 'The diagnosis could not be recorded, so it was not begun; alb502 logs why.',
        because: 'store',
      };
    }
  }

  /** The run that answers just this already, and is of use; with its thread, which may be about to be posted. */
  async function sameQuestion(run: Run): Promise<Run | null> {
    const id = await runs.claim(run, run.id);
    if (id === null || id === run.id) return null;
    let other = await runs.read(id);
    for (let polls = 0; polls < POLLS && other?.thread.root == null && !(other && isInVain(other)); polls += 1) {
      await wait(POLL);
      other = await runs.read(id);
    }
    return other === null || isInVain(other) || !isOfSameWindow(other, run) ? null : other;
  }

  /** Works on a run, once at a time in this process; `ended` never rejects: where the store does not answer, it is the run as given. */
  function begin(run: Run, purpose: Purpose): Active {
    const { id } = run;
    const there = active.get(id);
    if (there !== undefined) return there;
    const standing = Promise.withResolvers<Run | Refusal>();
    const ended = work(id, purpose, standing.resolve)
      .catch(async (error: unknown) => {
        log.error({ run: id, err: error }, 'a thread could not be kept');
        standing.reject(error);
        return (await runs.read(id).catch(() => null)) ?? run;
      })
      .finally(() => active.delete(id));
    // It is looked at by whoever began it, or by nobody.
    standing.promise.catch(() => {});
    active.set(id, { standing: standing.promise, ended });
    return { standing: standing.promise, ended };
  }

  async function work(
    id: string,
    { ask, own = false, retries = [] }: Purpose,
    standing: (root: Run | Refusal) => void,
  ): Promise<Run> {
    const leased = await runs.lease(id, owner, LEASE);
    if (leased === null) {
      const run = await known(id);
      standing(run);
      return run;
    }
    const renewal = setInterval(() => {
      runs.lease(id, owner, LEASE).catch((error: unknown) => log.warn({ run: id, err: error }, 'lease not renewed'));
    }, RENEW);
    try {
      const stood = await standPatiently(leased, retries);
      standing(stood);
      if ('refused' in stood) return refusedRoot(id, stood);
      const before = stood.thread.verdict === null ? null : (await toldOf(parts, stood)).diagnosis;
      const run = ask ? await asked(stood, own) : stood;
      if (await show(parts, run, before)) await tellChange(run, before);
      return known(id);
    } finally {
      clearInterval(renewal);
      await runs.release(id, owner).catch((error: unknown) => log.warn({ run: id, err: error }, 'lease not released'));
    }
  }

  async function standPatiently(leased: Run, retries: readonly number[]): Promise<Run | Refusal> {
    let run = leased;
    let stood = await stand(parts, run);
    for (const pause of retries) {
      if (!('refused' in stood) || stood.refused !== 'unreachable' || isClosing) break;
      await wait(pause);
      run = await known(run.id);
      stood = await stand(parts, run);
    }
    return stood;
  }

  /** Slack that cannot be reached is tried again later; a channel that cannot be written to is the end of the run. */
  async function refusedRoot(id: string, refusal: Refusal): Promise<Run> {
    if (refusal.refused === 'unreachable') return known(id);
    return runs.change(id, (run) => ({
      ...run,
      state: 'failed',
      failure: slackSaid(refusal),
      askAgainAt: null,
      posting: null,
    }));
  }

  /** The run with its answer. One that answers from the evidence of another waits for that one, and needs no place among those at work. */
  async function asked(run: Run, own: boolean): Promise<Run> {
    const copy = run.copyOf === null || own ? null : await copied(run, run.copyOf);
    if (copy !== null) return copy;
    return slots.add(async () => {
      if (isClosing) return interrupted(run.id);
      const begun = await runs.change(run.id, (current) => ({ ...current, state: 'looking' }));
      if (begun.thread.root !== null && run.state === 'queued') {
        poster.progress(begun.thread.channel, begun.thread.root, rootOf(await toldOf(parts, begun)));
      }
      return look(parts, begun, ending.signal);
    });
  }

  /** An alarm's run goes on when alb502 is there again; a person may have gone on. */
  function interrupted(id: string): Promise<Run> {
    return runs.change(id, (run) => ({ ...run, ...interruption(run, now()) }));
  }

  /** The run with the findings of the other one, once that has some this one has not shown; null when it will have none. */
  async function copied(run: Run, source: string): Promise<Run | null> {
    for (;;) {
      await active.get(source)?.ended.catch(() => {});
      const other = await runs.read(source);
      if (other === null || other.state === 'failed' || other.state === 'interrupted') return null;
      if (other.state !== 'queued' && other.state !== 'looking') {
        if (other.asks <= run.asks || !isOfSameWindow(other, run)) return null;
        // Its own from now on: the other one may be asked about another window.
        const diagnosis = (await runs.copy(source, run.id)) ? await runs.diagnosis(run.id) : null;
        if (diagnosis === null || !isOfSameWindow(diagnosis.window, run)) return null;
        const { asks, askAgainAt, took } = other;
        // A moment after the other one has asked again.
        const again = askAgainAt === null ? null : new Date(Date.parse(askAgainAt) + LEASE).toISOString();
        return runs.change(run.id, (current) => ({
          ...current,
          state: stateOf(diagnosis),
          asks,
          took,
          askAgainAt: again,
          failure: null,
          posting: current.posting ?? SHOWING,
        }));
      }
      if (isClosing) return interrupted(run.id);
      await wait(1_000, undefined, { signal: ending.signal }).catch(() => {});
    }
  }

  /** One reply when a later ask came to another verdict than the thread has shown. */
  async function tellChange(run: Run, before: Diagnosis | null): Promise<void> {
    if (before === null) return;
    const message = changedMessage(await toldOf(parts, run), before);
    if (message !== null) await reply(run.id, `changed-${run.asks}`, message);
  }

  async function askAgain(id: string, window?: { from: number; to: number }, user?: string): Promise<Run> {
    if (isClosing) throw new Problem('alb502 is being restarted; ask again in a minute.', 2);
    const admitted = limits.admit(user ?? null, slots.size);
    if ('refused' in admitted) throw new Problem(admitted.refused, 1);
    try {
      await active.get(id)?.ended.catch(() => {});
      const run = await runs.change(id, (current) => ({
        ...current,
        ...(window ? { from: new Date(window.from).toISOString(), to: new Date(window.to).toISOString() } : {}),
        state: 'looking',
        failure: null,
        askAgainAt: null,
        posting: current.posting ?? SHOWING,
      }));
      if (run.thread.root !== null) {
        poster.progress(run.thread.channel, run.thread.root, rootOf(await toldOf(parts, run)));
      }
      return await begin(run, { ask: true, own: true }).ended;
    } finally {
      admitted.leave();
    }
  }

  async function refresh(id: string): Promise<void> {
    const run = await known(id);
    const { channel, root } = run.thread;
    if (root === null) return;
    const shown = await showHead(parts, await toldOf(parts, run));
    if (!('refused' in shown)) return;
    log.warn({ run: id, channel, refused: shown.refused, code: shown.code }, 'Slack did not take a message');
    if (shown.refused === 'unreachable')
      await runs.change(id, (current) => ({ ...current, posting: current.posting ?? SHOWING }));
  }

  async function reply(id: string, key: string, message: Message): Promise<Posted | 'already'> {
    return once(id, key, (run, mark) => poster.post(within(run), message, mark));
  }

  async function answer(id: string, extra: ExtraId, key: string): Promise<Posted | 'already' | 'no-such-run'> {
    if ((await runs.read(id)) === null) return 'no-such-run';
    return once(id, key, async (run, mark) => {
      const [told, kept] = await Promise.all([toldOf(parts, run), runs.evidence(run.id)]);
      if (kept === null) return poster.post(within(run), notKept(run), mark);
      const content = extraAnswer(extra, told, kept.evidence);
      return 'filename' in content ? poster.upload(within(run), content) : poster.post(within(run), content, mark);
    });
  }

  /**
   * Posts once for each key of a run. The key is taken before, so that two who press at once do not both post; one that was taken by a
   * process that has not lived to note its post is looked for in the thread first.
   */
  async function once(
    id: string,
    key: string,
    post: (run: Run, mark: string) => Promise<Posted>,
  ): Promise<Posted | 'already'> {
    const mine = `posting since ${new Date(now()).toISOString()} by ${owner} ${crypto.randomUUID()}`;
    let before: string | undefined;
    const run = await runs.change(id, (current) => {
      before = current.extras[key];
      if (before !== undefined && !isLost(before)) return current;
      return { ...current, extras: { ...current.extras, [key]: mine } };
    });
    if (run.extras[key] !== mine) return 'already';
    const free = () =>
      runs.change(id, ({ extras: { [key]: _, ...extras }, ...current }) => ({ ...current, extras })).catch(() => {});
    const mark = `${id}/${key}`;
    let posted: Posted;
    try {
      const found = before === undefined ? null : await poster.find(within(run), mark);
      posted = found !== null && found !== 'may-not-look' ? found : await post(run, mark);
    } catch (error) {
      await free();
      throw error;
    }
    // What Slack gave no answer to may stand: it is looked for before it is posted again.
    const outcome = 'ts' in posted ? posted.ts : posted.refused === 'unreachable' ? UNSURE : null;
    if (outcome === null) await free();
    else await runs.change(id, (current) => ({ ...current, extras: { ...current.extras, [key]: outcome } }));
    return posted;
  }

  function isLost(value: string): boolean {
    if (value === UNSURE) return true;
    const since = /^posting since (\S+)/.exec(value)?.[1];
    return since !== undefined && now() - Date.parse(since) > PRESS_LOST;
  }

  async function known(id: string): Promise<Run> {
    const run = await runs.read(id);
    if (run === null) throw new Problem(`There is no run ${id} any more.`, 1);
    return run;
  }

  async function resume(): Promise<void> {
    around = setInterval(() => void lookAround(), LOOK_AROUND).unref();
    await lookAround();
  }

  /** Begins whatever is due or was left unfinished, here or by a process that is no more. */
  async function lookAround(): Promise<void> {
    try {
      for (const run of await runs.open()) {
        if (isClosing) return;
        const { id, lease, state, askAgainAt, askedBy, createdAt, posting } = run;
        const isTaken = lease !== null && lease.owner !== owner && Date.parse(lease.until) > now();
        if (active.has(id) || isTaken) continue;
        const isUnfinished = state === 'queued' || state === 'looking';
        if (isUnfinished && askedBy.kind === 'person' && now() - Date.parse(createdAt) > TOO_OLD) {
          begin(await interrupted(id), { ask: false });
        } else if (isUnfinished) begin(run, { ask: true });
        else if (askAgainAt !== null && Date.parse(askAgainAt) <= now()) begin(await upToNow(run), { ask: true });
        else if (posting !== null) begin(run, { ask: false });
      }
    } catch (error) {
      log.error({ err: error }, 'the run store does not answer');
    }
  }

  /** The run of an alarm that is not over, with the window up to now; for so long only, that a last check of it comes. */
  async function upToNow(run: Run): Promise<Run> {
    if (run.askedBy.kind !== 'alarm' || now() - Date.parse(run.createdAt) > LOGS_COMPLETE_AFTER) return run;
    const episode = await parts.episodeOf(run);
    if (episode === null || episode.closedAt !== null) return run;
    const heardAt = Math.max(...episode.alarms.map(({ changedAt }) => Date.parse(changedAt)));
    const { to } = windowOf(Date.parse(run.from), { now: now(), heardAt, closedAt: null });
    return runs.change(run.id, (current) =>
      // Somebody asks about another window, or has an answer, by now.
      current.askAgainAt !== run.askAgainAt || Date.parse(current.to) >= to
        ? current
        : { ...current, to: new Date(to).toISOString() },
    );
  }

  async function stop(milliseconds: number): Promise<void> {
    isClosing = true;
    if (around !== null) clearInterval(around);
    await atMost(milliseconds);
    ending.abort();
    await atMost(LAST_WORDS);
  }

  /** Waits for all that is under way, and no longer. */
  async function atMost(milliseconds: number): Promise<void> {
    const over = new AbortController();
    const all = Promise.allSettled([...active.values()].map(({ ended }) => ended));
    await Promise.race([all, wait(milliseconds, undefined, { signal: over.signal }).catch(() => {})]);
    over.abort();
  }

  function load(): { running: number; waiting: number } {
    return { running: slots.pending, waiting: slots.size };
  }
}

/** Whether there is nothing to wait for: its channel refused it, or it ended without an answer. */
const isInVain = ({ state }: Run): boolean => state === 'failed' || state === 'interrupted';

/** As for claims: either may have been widened since. */
const isOfSameWindow = (a: Pick<Run, 'from' | 'to'>, b: Pick<Run, 'from' | 'to'>): boolean =>
  [a.from, a.to].every((time, at) => Math.abs(Date.parse(time) - Date.parse([b.from, b.to][at] ?? '')) < 60_000);

const within = ({ thread }: Run): Target => ({ channel: thread.channel, thread: threadOf(thread) });

const notKept = ({ id, state }: Run): Message => {
  const why =
    state === 'queued' || state === 'looking' ? 'There is no answer yet' : 'The evidence of this run is not kept';
  const text = `${why} (run ${id}).`;
  return { text, blocks: [{ type: 'section', text: { type: 'plain_text', text } }] };
};

/** Why there is no thread, in a sentence for whoever asked. */
function slackSaid({ refused, code }: Refusal): string {
  if (refused === 'not-in-channel')
    return 'alb502 is not in this channel: invite it with /invite @alb502, then ask again.';
  if (refused === 'gone') return 'This channel is archived or gone, so there can be no thread in it.';
  if (refused === 'unreachable') return 'Slack did not answer, so there is no thread yet; it is tried again.';
  return `Slack refused the message (${code}), so there is no thread.`;
}
