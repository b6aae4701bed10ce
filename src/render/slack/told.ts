/** What the messages of a thread are made from. */
import type { Episode } from '../../alarms/episode.ts';
import type { Diagnosis } from '../../diagnosis.ts';
import type { Run } from '../../runs/run.ts';

export interface Told {
  run: Run;
  diagnosis: Diagnosis | null;
  episode: Episode | null;
}

/** What a diagnosis makes of its run: `partial` when the access log or a whole step could not be looked at. */
export function stateOf(diagnosis: Diagnosis): 'provisional' | 'final' | 'partial' {
  if (diagnosis.provisional) return 'provisional';
  return diagnosis.triage.requests === null ||
    diagnosis.steps.some(
      ({ outcome, findings }) =>
        outcome === 'unknown' && findings.every((one) => one.outcome === 'unknown' || one.outcome === 'not-applicable'),
    )
    ? 'partial'
    : 'final';
}
