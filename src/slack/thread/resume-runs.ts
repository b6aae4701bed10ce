/** Resumes runs that are due or were left unfinished, by this process or one that ended. */
import { incidentWindow } from '../../query/incident-window.ts';
import { LOGS_COMPLETE_AFTER } from '../../query/recheck.ts';
import { isUnderWay, nextAttemptOf, type Run } from '../../runs/run.ts';
import { isLeasedByOther } from '../../runs/store/lease.ts';
import { interrupt } from './investigate.ts';
import type { ThreadContext } from './thread-context.ts';
import { workOn } from './work-on-run.ts';

/** Milliseconds. Older questions are not resumed; their thread says that they were interrupted. */
const MAX_QUESTION_AGE = 30 * 60_000;

/** Throws when the store cannot be reached. */
export async function beginDueRuns(context: ThreadContext): Promise<void> {
  const { runs, active, owner, now } = context;
  for (const run of await runs.open()) {
    if (context.isClosing) return;
    if (active.has(run.id) || isLeasedByOther(run.lease, owner, now())) continue;
    await beginWhatIsDue(context, run);
  }
}

async function beginWhatIsDue(context: ThreadContext, run: Run): Promise<void> {
  const now = context.now();
  const next = nextAttemptOf(run);
  if (isUnderWay(run)) {
    const isForgotten = run.askedBy.kind !== 'alarm' && now - Date.parse(run.createdAt) > MAX_QUESTION_AGE;
    if (isForgotten) workOn(context, await interrupt(context, run.id), { ask: false });
    else workOn(context, run, { ask: true });
  } else if (next !== null && Date.parse(next) <= now) workOn(context, await extendToNow(context, run), { ask: true });
  else if (run.outbox.kind !== 'empty') workOn(context, run, { ask: false });
}

/** Extends the run of an open alarm to now, up to a limit, so that a last check still happens. */
async function extendToNow({ runs, episodeOf, now }: ThreadContext, run: Run): Promise<Run> {
  if (run.askedBy.kind !== 'alarm' || now() - Date.parse(run.createdAt) > LOGS_COMPLETE_AFTER) return run;
  const episode = await episodeOf(run);
  if (episode === null || episode.closedAt !== null) return run;
  const heardAt = Math.max(...episode.alarms.map(({ changedAt }) => Date.parse(changedAt)));
  const { to } = incidentWindow(Date.parse(run.from), { now: now(), heardAt, closedAt: null });
  return runs.change(run.id, (current) =>
    // By now the run has another window or an answer.
    nextAttemptOf(current) !== nextAttemptOf(run) || Date.parse(current.to) >= to
      ? current
      : { ...current, to: new Date(to).toISOString() },
  );
}
