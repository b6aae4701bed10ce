/** A run asks its question, and what it learns is kept. */
import type { Diagnosis } from '../diagnosis.ts';
import type { Inquiry, Investigator } from '../investigate.ts';
import { Problem } from '../problem.ts';
import { nextCheck } from '../recheck.ts';
import { stateOf } from '../render/slack.ts';
import type { Run } from '../runs/run.ts';
import { nothingDone, type Work } from '../work.ts';
import { rootOf, SHOWING, showProgress, standChecklist, type ThreadParts, toldOf } from './thread.ts';

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
  try {
    const diagnosis = await investigated(parts, run, signal);
    log.info(
      { run: run.id, verdict: diagnosis.verdict.cause, standing: diagnosis.verdict.standing, ms: parts.now() - began },
      'diagnosed',
    );
    return await answered(parts, run.id, diagnosis);
  } catch (error) {
    if (signal.aborted)
      return runs.change(run.id, (current) => ({ ...current, ...interruption(current, parts.now()) }));
    const isProblem = error instanceof Problem;
    log.error({ run: run.id, err: error, ms: parts.now() - began }, 'could not diagnose');
    const failure = isProblem
      ? error.message
      : 'Something broke while diagnosing; the log of the bot says more under the id of this run.';
    return runs.change(run.id, (current) => ({
      ...current,
      state: 'failed',
      failure,
      askAgainAt: null,
      posting: current.posting ?? SHOWING,
    }));
  }
}

/** Notes what a diagnosis means for the run: its state, and when asking again makes sense. */
export async function answered({ runs, now }: LookParts, id: string, diagnosis: Diagnosis): Promise<Run> {
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
      askAgainAt: next === null ? null : new Date(next).toISOString(),
      posting: current.posting ?? SHOWING,
    };
  });
}

async function investigated(parts: LookParts, run: Run, signal: AbortSignal): Promise<Diagnosis> {
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
    await runs.keep(run.id, investigation);
    return investigation.diagnosis;
  } finally {
    await checklist;
  }
}
