/** Answers a run: from another run with the same question, or by a new investigation. */
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import type { EvidenceSet } from '../../evidence/evidence.ts';
import type { Question } from '../../evidence/question.ts';
import { type CollectionProgress, emptyProgress } from '../../investigate/collection-progress.ts';
import type { InvestigationResult, LoadBalancerRef } from '../../investigate/investigator.ts';
import { Problem } from '../../problem.ts';
import { nextCheck } from '../../query/recheck.ts';
import { interimWords } from '../../render/outline.ts';
import { hasFailed, inState, isUnderWay, nextAttemptOf, type Run, type RunStatus, toUpdate } from '../../runs/run.ts';
import { LEASE_LENGTH } from '../../runs/store/lease.ts';
import { runStateOf } from '../messages/index.ts';
import { ensureChecklist, loadThreadState, rootMessageFor, showProgress, showRootProgress } from './show.ts';
import { type ThreadContext, waitUnlessShutdown } from './thread-context.ts';

/** Milliseconds between two reads of a run while waiting for its answer. */
const ANSWER_POLL = 1_000;

/** Returns the run with its answer. A run that shares another run's answer waits for it without taking a slot. */
export async function findAnswer(context: ThreadContext, run: Run, own: boolean): Promise<Run> {
  const copy = run.copyOf === null || own ? null : await copyAnswer(context, run, run.copyOf);
  if (copy !== null) return copy;
  return context.slots.add(async () => {
    if (context.isClosing) return interrupt(context, run.id);
    const running = await context.runs.change(run.id, (current) => inState(current, { state: 'running' }));
    if (run.state === 'queued') await showRootProgress(context, running);
    return runInvestigation(context, running);
  });
}

/** The state of a run stopped before its answer: an alarm's run is resumed later, a person asks again. */
const interrupted = (run: Run, now: number): Run => ({
  ...inState(run, {
    state: 'interrupted',
    nextAttemptAt: run.askedBy.kind === 'alarm' ? new Date(now).toISOString() : null,
  }),
  outbox: toUpdate(run.outbox),
});

export const interrupt = ({ runs, now }: ThreadContext, id: string): Promise<Run> =>
  runs.change(id, (run) => interrupted(run, now()));

/** Whether both cover the same window; either may have been widened since it was claimed. */
export const hasSameWindow = (a: Pick<Run, 'from' | 'to'>, b: Pick<Run, 'from' | 'to'>): boolean =>
  isSameMinute(a.from, b.from) && isSameMinute(a.to, b.to);

const isSameMinute = (a: string, b: string): boolean => Math.abs(Date.parse(a) - Date.parse(b)) < 60_000;

/** Waits for an answer of the other run that this one has not shown, and copies it; null when none will come. */
async function copyAnswer(context: ThreadContext, run: Run, source: string): Promise<Run | null> {
  for (;;) {
    await context.active.get(source)?.ended;
    const other = await context.runs.read(source);
    if (other === null || hasFailed(other)) return null;
    if (!isUnderWay(other)) return takeAnswer(context, run, other);
    if (context.isClosing) return interrupt(context, run.id);
    await waitUnlessShutdown(context, ANSWER_POLL);
  }
}

/** Null when this run has already shown the answer, or when it covers another window. */
async function takeAnswer({ runs }: ThreadContext, run: Run, other: Run): Promise<Run | null> {
  if (other.attempts <= run.attempts || !hasSameWindow(other, run)) return null;
  // Copy it: the other run may be asked about another window later.
  const diagnosis = (await runs.copy(other.id, run.id)) ? await runs.diagnosis(run.id) : null;
  if (diagnosis === null || !hasSameWindow(diagnosis.window, run)) return null;
  const { attempts, took, logBucket } = other;
  const next = nextAttemptOf(other);
  // Just after the other run's next check.
  const nextAttemptAt = next === null ? null : new Date(Date.parse(next) + LEASE_LENGTH).toISOString();
  return runs.change(run.id, (current) => ({
    ...inState(current, answeredStatus(diagnosis, nextAttemptAt)),
    attempts,
    took,
    ...(logBucket === undefined ? {} : { logBucket }),
    outbox: toUpdate(current.outbox),
  }));
}

/** Drops `nextAttemptAt` unless the diagnosis is provisional. */
function answeredStatus(diagnosis: Diagnosis, nextAttemptAt: string | null): RunStatus {
  const state = runStateOf(diagnosis);
  return state === 'provisional' ? { state, nextAttemptAt } : { state };
}

/** The question of a run, as of now. */
export const questionOf = (run: Run, now: number): Question<LoadBalancerRef> => ({
  loadBalancer: run.loadBalancer,
  from: Date.parse(run.from),
  to: Date.parse(run.to),
  now,
  statuses: run.statuses,
  targetGroup: run.targetGroup,
  zone: run.zone,
  isFromAlarm: run.askedBy.kind !== 'person',
});

/** Investigates, shows progress, stores the answer. Returns the ended run. */
async function runInvestigation(context: ThreadContext, run: Run): Promise<Run> {
  const { log, now, shutdown } = context;
  const startedAt = now();
  const outcome: InvestigationOutcome = { diagnosis: null };
  try {
    const { diagnosis, evidence } = await investigateWithProgress(context, run, outcome);
    const milliseconds = now() - startedAt;
    const { cause, standing } = diagnosis.verdict;
    log.info({ run: run.id, verdict: cause, standing, ms: milliseconds }, 'diagnosed');
    const took = { milliseconds, files: filesRead(evidence) };
    return await recordAnswer(context, run.id, diagnosis, { took, logBucket: bucketOf(evidence) });
  } catch (error) {
    if (shutdown.signal.aborted) return interrupt(context, run.id);
    log.error({ run: run.id, err: error, ms: now() - startedAt }, 'could not diagnose');
    return failRun(context, run, failureSentence(error, outcome));
  }
}

/** The outcome of an investigation. */
interface InvestigationOutcome {
  diagnosis: Diagnosis | null;
}

function failureSentence(error: unknown, { diagnosis }: InvestigationOutcome): string {
  if (diagnosis !== null)
    return `The diagnosis could not be stored (alb502's log says why). It was: ${diagnosis.verdict.summary}`;
  if (error instanceof Problem) return error.message;
  return "Something broke while diagnosing; alb502's log has the details under the id of this run.";
}

/** Null when the log was not read, or was queried in place. */
const filesRead = ({ accessLog }: EvidenceSet): number | null =>
  accessLog.status === 'collected' && accessLog.value.files.read > 0 ? accessLog.value.files.read : null;

/** Null unless the log is known to be delivered to a bucket. */
const bucketOf = ({ attributes }: EvidenceSet): string | null =>
  (attributes.status === 'collected' ? attributes.value['access_logs.s3.bucket'] : undefined) || null;

/** Ends a run without an answer. Shown even when the run store rejects the write, or the thread would say "running". */
async function failRun({ runs, poster }: ThreadContext, run: Run, failure: string): Promise<Run> {
  const asFailed = (current: Run): Run => ({
    ...inState(current, { state: 'failed', failure }),
    outbox: toUpdate(current.outbox),
  });
  try {
    return await runs.change(run.id, asFailed);
  } catch (error) {
    const { channel, root } = run.thread;
    if (root !== null)
      await poster.edit(channel, root, rootMessageFor({ run: asFailed(run), diagnosis: null, episode: null }));
    throw error;
  }
}

/** Records the state that a diagnosis gives the run, and when to ask again. */
async function recordAnswer(
  { runs, now }: ThreadContext,
  id: string,
  diagnosis: Diagnosis,
  { took, logBucket }: Pick<Run, 'took'> & { logBucket: string | null },
): Promise<Run> {
  return runs.change(id, (current) => {
    const window = { from: Date.parse(current.from), to: Date.parse(current.to) };
    // Counted from the clock, not from attempts: a run may have been asked often about earlier windows.
    const next = diagnosis.provisional ? nextCheck(window, now(), 1, diagnosis.reading) : null;
    return {
      ...inState(current, answeredStatus(diagnosis, next === null ? null : new Date(next).toISOString())),
      // Until now it showed the findings of another run.
      copyOf: null,
      attempts: current.attempts + 1,
      took,
      ...(logBucket === null ? {} : { logBucket }),
      outbox: toUpdate(current.outbox),
    };
  });
}

async function investigateWithProgress(
  context: ThreadContext,
  run: Run,
  outcome: InvestigationOutcome,
): Promise<InvestigationResult> {
  const { runs, poster, investigator, now, log } = context;
  const threadState = await loadThreadState(context, run);
  const progress: CollectionProgress = emptyProgress();
  // While a thread is asked again, it keeps showing its current answer.
  const refreshChecklist = () =>
    threadState.diagnosis === null ? showProgress(context, threadState, progress) : undefined;
  // The investigation does not wait for Slack.
  const checklist = ensureChecklist(context, threadState, progress)
    .then((answer) => {
      if ('refused' in answer) log.warn({ run: run.id, refused: answer.refused, code: answer.code }, 'no checklist');
      else threadState.run = answer;
    })
    .catch((error: unknown) => log.warn({ run: run.id, err: error }, 'no checklist'));
  const { root, channel } = run.thread;
  try {
    const investigation = await investigator.investigate(questionOf(run, now()), {
      signal: context.shutdown.signal,
      progress: (name, state) => {
        if (state === 'started') progress.started[name] = now();
        else progress.ended[name] = { at: now(), unavailable: state === 'unavailable' };
        refreshChecklist();
      },
      onAccessLogStatus: (words) => {
        progress.accessLogStatus = words;
        refreshChecklist();
      },
      onInterimDiagnosis: (diagnosis) => {
        const interim = interimWords(diagnosis);
        if (interim !== null) progress.interimVerdict = interim;
        if (root !== null && threadState.diagnosis === null)
          poster.progress(channel, root, rootMessageFor({ ...threadState, diagnosis }));
        refreshChecklist();
      },
    });
    outcome.diagnosis = investigation.diagnosis;
    await runs.keep(run.id, investigation);
    return investigation;
  } finally {
    await checklist;
  }
}
