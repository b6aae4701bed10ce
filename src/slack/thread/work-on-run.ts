/** Works on a run under its lease: root message, answer if one is due, rest of the thread. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import { inState, type Run } from '../../runs/run.ts';
import { holdLease, LEASE_LENGTH } from '../../runs/store/lease.ts';
import type { Refusal } from '../delivery/slack-poster.ts';
import { verdictChangedMessage } from '../messages/index.ts';
import { findAnswer, questionOf } from './investigate.ts';
import { postReply } from './reply.ts';
import { ensureRoot, loadThreadState, showRun } from './show.ts';
import { type ActiveRun, readRun, type ThreadContext } from './thread-context.ts';

interface WorkOptions {
  /** Whether to look for an answer, or only show the thread. */
  ask: boolean;
  /** Queries AWS even if another run has an answer. */
  own?: boolean;
  /** Milliseconds between attempts to post the root message. */
  retries?: readonly number[];
}

/** Milliseconds that the first message about an alarm waits for CloudWatch. */
const COUNT_TIMEOUT = 3_000;

/** Starts work on a run, unless this process already works on it. */
export function workOn(context: ThreadContext, run: Run, options: WorkOptions): ActiveRun {
  const { active, runs, log } = context;
  const { id } = run;
  const existing = active.get(id);
  if (existing !== undefined) return existing;
  const rootPosted = Promise.withResolvers<Run | Refusal>();
  const ended = workUnderLease(context, id, options, rootPosted.resolve)
    .catch(async (error: unknown) => {
      log.error({ run: id, err: error }, 'could not store a thread');
      rootPosted.reject(error);
      return (await runs.read(id).catch(() => null)) ?? run;
    })
    .finally(() => active.delete(id));
  // The caller may ignore this promise; avoid an unhandled rejection.
  rootPosted.promise.catch(() => {});
  const activeRun = { rootPosted: rootPosted.promise, ended };
  active.set(id, activeRun);
  return activeRun;
}

async function workUnderLease(
  context: ThreadContext,
  id: string,
  options: WorkOptions,
  rootPosted: (root: Run | Refusal) => void,
): Promise<Run> {
  const { runs, owner, log } = context;
  const leasedRun = await runs.lease(id, owner, LEASE_LENGTH);
  if (leasedRun === null) {
    const run = await readRun(context, id);
    rootPosted(run);
    return run;
  }
  const lease = {
    renew: () => runs.lease(id, owner, LEASE_LENGTH),
    release: () => runs.release(id, owner),
    onFailure: (error: unknown, what: string) => log.warn({ run: id, what, err: error }, 'could not change a lease'),
  };
  return holdLease(lease, () => workOnThread(context, leasedRun, options, rootPosted));
}

async function workOnThread(
  context: ThreadContext,
  leasedRun: Run,
  { ask, own = false, retries = [] }: WorkOptions,
  rootPosted: (root: Run | Refusal) => void,
): Promise<Run> {
  const root = await ensureRootWithRetry(context, await withCount(context, leasedRun), retries);
  rootPosted(root);
  if ('refused' in root) return recordRefusedRoot(context, leasedRun.id, root);
  const before = root.thread.verdict === null ? null : (await loadThreadState(context, root)).diagnosis;
  const run = ask ? await findAnswer(context, root, own) : root;
  if (await showRun(context, run)) await postVerdictChange(context, run, before);
  return readRun(context, run.id);
}

/**
 * Waits briefly for CloudWatch's count, because the first message notifies people and should contain numbers; edits
 * notify no one.
 */
async function withCount({ investigator, runs, log, now, shutdown }: ThreadContext, run: Run): Promise<Run> {
  const isNew = run.thread.root === null && run.outbox.kind !== 'posting' && run.counted === undefined;
  if (run.askedBy.kind === 'person' || !isNew || investigator.countErrors === undefined) return run;
  const signal = AbortSignal.any([shutdown.signal, AbortSignal.timeout(COUNT_TIMEOUT)]);
  if (signal.aborted) return run;
  const timeout = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
  const count = investigator.countErrors(questionOf(run, now()), signal).catch((error: unknown) => {
    log.info({ run: run.id, err: error }, 'CloudWatch was not asked for the first message');
    return null;
  });
  const counted = await Promise.race([count, timeout]);
  return counted === null ? run : runs.change(run.id, (current) => ({ ...current, counted }));
}

async function ensureRootWithRetry(
  context: ThreadContext,
  leasedRun: Run,
  retries: readonly number[],
): Promise<Run | Refusal> {
  let root = await ensureRoot(context, leasedRun);
  for (const pause of retries) {
    if (!('refused' in root) || root.refused !== 'unreachable' || context.isClosing) break;
    await wait(pause);
    root = await ensureRoot(context, await readRun(context, leasedRun.id));
  }
  return root;
}

/** If Slack is unreachable, the post is retried later; a channel that rejects messages ends the run. */
async function recordRefusedRoot(context: ThreadContext, id: string, refusal: Refusal): Promise<Run> {
  if (refusal.refused === 'unreachable') return readRun(context, id);
  return context.runs.change(id, (run) => ({
    ...inState(run, { state: 'failed', failure: refusalSentence(refusal) }),
    outbox: { kind: 'empty' },
  }));
}

/** Posts one reply when a later attempt reaches another verdict than the thread shows. */
async function postVerdictChange(context: ThreadContext, run: Run, before: Diagnosis | null): Promise<void> {
  if (before === null) return;
  const message = verdictChangedMessage(await loadThreadState(context, run), before);
  if (message !== null) await postReply(context, run.id, `changed-${run.attempts}`, message);
}

/** Why there is no thread, as a sentence for the asker. */
export function refusalSentence({ refused, code }: Refusal): string {
  if (refused === 'not-in-channel')
    return 'alb502 is not in this channel: invite it with /invite @alb502, then ask again.';
  if (refused === 'gone') return 'This channel is archived or deleted, so alb502 cannot post in it.';
  if (refused === 'unreachable') return 'Slack is not responding; the thread will appear once it does.';
  return `Slack refused the message (${code}), so no thread was opened.`;
}
