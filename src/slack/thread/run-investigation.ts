/** A run asks its question, and what it learns is kept. */
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import type { EvidenceSet } from '../../evidence/evidence.ts';
import { type CollectionProgress, emptyProgress } from '../../investigate/collection-progress.ts';
import type { InvestigationResult, Investigator, LocatedQuestion } from '../../investigate/investigator.ts';
import { Problem } from '../../problem.ts';
import { nextCheck } from '../../query/recheck.ts';
import type { Run } from '../../runs/run.ts';
import { runStateOf } from '../messages/index.ts';
import {
  ensureChecklist,
  loadThreadState,
  rootMessageFor,
  SHOW_PENDING,
  showProgress,
  type ThreadParts,
} from './show.ts';

export interface InvestigationParts extends ThreadParts {
  investigator: Investigator;
  /** Epoch milliseconds. */
  now(): number;
}

/** The question of a run, as of now. A window that ends later than it begins to be asked is asked again as it is. */
export const questionOf = (run: Run, now: number): LocatedQuestion => ({
  loadBalancer: run.loadBalancer,
  from: Date.parse(run.from),
  to: Date.parse(run.to),
  now,
  statuses: run.statuses,
});

/** What a run becomes when it is ended before it has an answer: one that an alarm asked for goes on when alb502 is there again. */
export const interruption = ({ askedBy }: Run, now: number): Pick<Run, 'state' | 'askAgainAt' | 'posting'> => ({
  state: 'interrupted',
  askAgainAt: askedBy.kind === 'alarm' ? new Date(now).toISOString() : null,
  posting: SHOW_PENDING,
});

/** Asks, shows progress meanwhile, keeps the answer. The run as it is then: never `looking`. */
export async function runInvestigation(parts: InvestigationParts, run: Run, signal: AbortSignal): Promise<Run> {
  const { runs, log } = parts;
  const startedAt = parts.now();
  const outcome: InvestigationOutcome = { diagnosis: null };
  try {
    const { diagnosis, evidence } = await investigateWithProgress(parts, run, signal, outcome);
    const milliseconds = parts.now() - startedAt;
    const { cause, standing } = diagnosis.verdict;
    log.info({ run: run.id, verdict: cause, standing, ms: milliseconds }, 'diagnosed');
    return await recordAnswer(parts, run.id, diagnosis, { milliseconds, files: filesRead(evidence) });
  } catch (error) {
    if (signal.aborted)
      return runs.change(run.id, (current) => ({ ...current, ...interruption(current, parts.now()) }));
    log.error({ run: run.id, err: error, ms: parts.now() - startedAt }, 'could not diagnose');
    return failRun(parts, run, failureSentence(error, outcome));
  }
}

/** What an investigation has come to, whatever becomes of it. */
interface InvestigationOutcome {
  diagnosis: Diagnosis | null;
}

function failureSentence(error: unknown, { diagnosis }: InvestigationOutcome): string {
  if (diagnosis !== null)
    return `What was found out could not be kept; the log of the bot says why. It was: ${diagnosis.verdict.summary}`;
  if (error instanceof Problem) return error.message;
  return 'Something broke while diagnosing; the log of the bot says more under the id of this run.';
}

/** Null where the log was not read, or queried where it lies. */
const filesRead = ({ accessLog }: EvidenceSet): number | null =>
  accessLog.status === 'collected' && accessLog.value.files.read > 0 ? accessLog.value.files.read : null;

/** Ended without an answer that is kept. Said in the thread also where the run store does not take it: it would say "looking" until then. */
async function failRun({ runs, poster }: InvestigationParts, run: Run, failure: string): Promise<Run> {
  const asFailed = (current: Run): Run => ({
    ...current,
    state: 'failed',
    failure,
    askAgainAt: null,
    posting: current.posting ?? SHOW_PENDING,
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

/** Notes what a diagnosis means for the run: its state, and when asking again makes sense. */
async function recordAnswer(
  { runs, now }: InvestigationParts,
  id: string,
  diagnosis: Diagnosis,
  took: Run['took'],
): Promise<Run> {
  return runs.change(id, (current) => {
    const window = { from: Date.parse(current.from), to: Date.parse(current.to) };
    // The clock says which checks are ahead: a run may have been asked often, over windows that ended earlier.
    const next = diagnosis.provisional ? nextCheck(window, now(), 1) : null;
    return {
      ...current,
      state: runStateOf(diagnosis),
      failure: null,
      // Until now it told what another run had found out.
      copyOf: null,
      asks: current.asks + 1,
      took,
      askAgainAt: next === null ? null : new Date(next).toISOString(),
      posting: current.posting ?? SHOW_PENDING,
    };
  });
}

async function investigateWithProgress(
  parts: InvestigationParts,
  run: Run,
  signal: AbortSignal,
  outcome: InvestigationOutcome,
): Promise<InvestigationResult> {
  const { runs, poster, investigator, now, log } = parts;
  const threadState = await loadThreadState(parts, run);
  const progress: CollectionProgress = emptyProgress();
  // A thread that has an answer keeps showing it while it is asked again.
  const refreshChecklist = () =>
    threadState.diagnosis === null ? showProgress(parts, threadState, progress) : undefined;
  // The investigation does not wait for Slack.
  const checklist = ensureChecklist(parts, threadState, progress)
    .then((answer) => {
      if ('refused' in answer) log.warn({ run: run.id, refused: answer.refused, code: answer.code }, 'no checklist');
      else threadState.run = answer;
    })
    .catch((error: unknown) => log.warn({ run: run.id, err: error }, 'no checklist'));
  const { root, channel } = run.thread;
  try {
    const investigation = await investigator.investigate(questionOf(run, now()), {
      signal,
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
        progress.interimVerdict = diagnosis.verdict.summary;
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
