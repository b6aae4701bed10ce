/** Asks the question of a run again, in its thread. */
import { Problem } from '../../problem.ts';
import { inState, type Run, toUpdate } from '../../runs/run.ts';
import { RESTARTING, THREAD_GONE } from '../messages/index.ts';
import { isRootGone, showRootProgress } from './show.ts';
import { readRun, type ThreadContext } from './thread-context.ts';
import { workOn } from './work-on-run.ts';

/**
 * `window`: epoch milliseconds; replaces the window of the run. `user`: absent for an alarm, which is never refused.
 * Throws Problem where a person asks too often or somebody has deleted the thread.
 */
export async function askAgain(
  context: ThreadContext,
  id: string,
  { window, user }: { window?: { from: number; to: number } | undefined; user?: string | undefined },
): Promise<Run> {
  const { active, limits, runs, slots } = context;
  if (context.isClosing) throw new Problem(RESTARTING, 2);
  const admission = limits.admit(user ?? null, slots.size);
  if ('refused' in admission) throw new Problem(admission.refused, 1);
  try {
    await active.get(id)?.ended;
    if (user !== undefined && (await isRootGone(context, await readRun(context, id))))
      throw new Problem(THREAD_GONE, 1);
    const run = await runs.change(id, (current) => ({
      ...inState(current, { state: 'running' }),
      ...(window ? { from: new Date(window.from).toISOString(), to: new Date(window.to).toISOString() } : {}),
      outbox: toUpdate(current.outbox),
    }));
    await showRootProgress(context, run);
    return await workOn(context, run, { ask: true, own: true }).ended;
  } finally {
    admission.leave();
  }
}
