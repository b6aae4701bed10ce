/** Builds a run in any state from the fields that matter to a test. */
import type * as z from 'zod';
import { type Run, type RunFields, type RunState, RunStatus } from '../../../src/runs/run.ts';

export type RunChanges = Partial<z.infer<typeof RunFields>> & {
  state?: RunState;
  nextAttemptAt?: string | null;
  failure?: string;
};

/** Drops fields that the state does not have; missing ones become null or a sentence. */
export function changedRun(run: Run, changes: RunChanges): Run {
  const all = { nextAttemptAt: null, failure: 'There is no answer.', ...run, ...changes };
  const { state: _, nextAttemptAt: _next, failure: _failure, ...fields } = all;
  return { ...fields, ...RunStatus.parse(all) };
}
