/** Rates how much of the traffic is affected. The colour shows this; words show how certain the cause is. */
import type { ChecklistStep, Diagnosis } from './diagnosis.ts';

/** High impact needs at least this share of the requests and at least this count. */
const HIGH_SHARE = 0.005;
const HIGH_COUNT = 5;

/** Counts every failed request, regardless of status. `requests` is null if no log was read. */
export function impactOf({
  requests,
  errors,
  beside,
  steps,
}: {
  requests: number | null;
  /** Asked errors, plus errors that CloudWatch counted but that were not read. */
  errors: number;
  beside: Diagnosis['beside'];
  steps: readonly ChecklistStep[];
}): Diagnosis['impact'] {
  const others =
    beside.statuses.reduce((sum, status) => sum + status.requests, 0) +
    beside.badRequestGroups.reduce((sum, group) => sum + group.requests, 0);
  const failed = errors + others;
  if (failed >= HIGH_COUNT && failed >= HIGH_SHARE * (requests ?? 0)) return 'high';
  const isSound = failed === 0 && (requests ?? 0) > 0 && steps.every(({ outcome }) => outcome !== 'fail');
  return isSound ? 'none' : 'low';
}
