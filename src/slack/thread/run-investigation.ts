/** A run asks its question, and what it learns is kept. */
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import type { EvidenceSet } from '../../evidence/evidence.ts';
import { nothingDone, type Work } from '../../investigate/collection-progress.ts';
import type { Inquiry, Investigation, Investigator } from '../../investigate/investigator.ts';
import { Problem } from '../../problem.ts';
import { nextCheck } from '../../query/recheck.ts';
import type { Run } from '../../runs/run.ts';
import { stateOf } from '../messages/index.ts';
import { rootOf, SHOWING, showProgress, standChecklist, type ThreadParts, toldOf } from './show.ts';

export interface LookParts extends ThreadParts {
  investigator: Investigator;
  /** Epoch milliseconds. */
  now(): number;
}

/** The question of a run, as of now. A window that ends later than it begins to be asked is asked again as it is. */
export const inquiryOf = (run: Run, now: number): Inquiry => ({
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
  posting: SHOWING,
});

/** Asks, shows progress meanwhile, keeps the answer. The run as it is then: never `looking`. */
export async function look(parts: LookParts, run: Run, signal: AbortSignal): Promise<Run> {
  const { runs, log } = parts;
  const began = parts.now();
  const found: Found = { diagnosis: null };
  try {
    const { diagnosis, evidence } = await investigated(parts, run, signal, found);
    const milliseconds = parts.now() - began;
    const { cause, standing } = diagnosis.verdict;
    log.info({ run: run.id, verdict: cause, standing, ms: milliseconds }, 'diagnosed');
    return await answered(parts, run.id, diagnosis, { milliseconds, files: filesRead(evidence) });
  } catch (error) {
    if (signal.aborted)
      return runs.change(run.id, (current) => ({ ...current, ...interruption(current, parts.now()) }));
    log.error({ run: run.id, err: error, ms: parts.now() - began }, 'could not diagnose');
    return ended(parts, run, failureOf(error, found));
  }
}

/** What an investigation has come to, whatever becomes of it. */
interface Found {
  diagnosis: Diagnosis | null;
}

function failureOf(error: unknown, { diagnosis }: Found): string {
  if (diagnosis !== null)
    return `What was found out could not be kept; the log of the bot says why. It was: ${diagnosis.verdict.summary}`;
  if (error instanceof Problem) return error.message;
  return 'Something broke while diagnosing; the log of the bot says more under the id of this run.';
}

/** Null where the log was not read, or queried where it lies. */
const filesRead = ({ accessLog }: EvidenceSet): number | null =>
  accessLog.status === 'collected' && accessLog.value.files.read > 0 ? accessLog.value.files.read : null;

/** Ended without an answer that is kept. Said in the thread also where the run store does not take it: it would say "looking" until then. */
async function ended({ runs, poster }: LookParts, run: Run, failure: string): Promise<Run> {
  const failed = (current: Run): Run => ({
    ...current,
    state: 'failed',
    failure,
    askAgainAt: null,
    posting: current.posting ?? SHOWING,
  });
  try {
    return await runs.change(run.id, failed);
  } catch (error) {
    const { channel, root } = run.thread;
    if (root !== null) await poster.edit(channel, root, rootOf({ run: failed(run), diagnosis: null, episode: null }));
    throw error;
  }
}

/** Notes what a diagnosis means for the run: its state, and when asking again makes sense. */
async function answered({ runs, now }: LookParts, id: string, diagnosis: Diagnosis, took: Run['took']): Promise<Run> {
  return runs.change(id, (current) => {
    const window = { from: Date.parse(current.from), to: Date.parse(current.to) };
    // The clock says which checks are ahead: a run may have been asked often, over windows that ended earlier.
    const next = diagnosis.provisional ? nextCheck(window, now(), 1) : null;
    return {
      ...current,
      state: stateOf(diagnosis),
      failure: null,
      // Until now it told what another run had found out.
      copyOf: null,
      asks: current.asks + 1,
      took,
      askAgainAt: next === null ? null : new Date(next).toISOString(),
      posting: current.posting ?? SHOWING,
    };
  });
}

async function investigated(parts: LookParts, run: Run, signal: AbortSignal, found: Found): Promise<Investigation> {
  const { runs, poster, investigator, now, log } = parts;
  const told = await toldOf(parts, run);
  const work: Work = nothingDone();
  // A thread that has an answer keeps showing it while it is asked again.
  const shown = () => (told.diagnosis === null ? showProgress(parts, told, work) : undefined);
  // The investigation does not wait for Slack.
  const checklist = standChecklist(parts, told, work)
    .then((answer) => {
      if ('refused' in answer) log.warn({ run: run.id, refused: answer.refused, code: answer.code }, 'no checklist');
      else told.run = answer;
    })
    .catch((error: unknown) => log.warn({ run: run.id, err: error }, 'no checklist'));
  const { root, channel } = run.thread;
  try {
    const investigation = await investigator.investigate(inquiryOf(run, now()), {
      signal,
      progress: (name, state) => {
        if (state === 'started') work.started[name] = now();
        else work.ended[name] = { at: now(), unavailable: state === 'unavailable' };
        shown();
      },
      doing: (words) => {
        work.doing = words;
        shown();
      },
      provisional: (diagnosis) => {
        work.soFar = diagnosis.verdict.summary;
        if (root !== null && told.diagnosis === null) poster.progress(channel, root, rootOf({ ...told, diagnosis }));
        shown();
      },
    });
    found.diagnosis = investigation.diagnosis;
    await runs.keep(run.id, investigation);
    return investigation;
  } finally {
    await checklist;
  }
}
