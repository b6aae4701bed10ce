/** What health, metrics and the log say of a target that got no request any more: deregistered, or only found unhealthy. */
import { epochOf } from '../../evidence/aws.ts';
import { clock, wholeSeconds } from '../../format/wording.ts';
import type { Known } from '../checks/check.ts';
import type { TargetLife } from '../patterns/churn.ts';
import { deregistrationTimes } from '../patterns/configuration-changes.ts';
import { targetGroupName } from '../traffic.ts';
import { type RegistrationEvidence, registrationOf } from './registration.ts';

export interface Departure {
  /** deregistered: it left the group; unhealthy: it is still registered and was taken out by health checks; unknown: nothing tells. */
  how: 'deregistered' | 'unhealthy' | 'unknown';
  /** A source outside the log says so: an API call of that time, or its state. */
  sure: boolean;
  sentence: string;
}

/** Nodes may go on choosing a target for this long after it was deregistered. */
const LINGER_MS = 120_000;

/** A target that is shut down is deregistered at about that time; one that failed for longer was taken out because it failed. */
const ANNOUNCED_WITHIN_MS = 30_000;

/** `failingSince`: the first of its errors. `replaced`: another target of the group appeared meanwhile, as in a deployment. */
export function departure(
  life: TargetLife,
  failingSince: number,
  replaced: boolean,
  known: RegistrationEvidence & Partial<Pick<Known, 'metrics' | 'changes'>>,
): Departure {
  const registration = registrationOf(life.target_group_arn, life.target, known);
  const gone = `${life.target} got its last request at ${clock(life.lastSeen)} and none since`;
  const call = deregistrationTimes(life.target_group_arn, life.target, known).findLast(
    (at) => at <= life.lastSeen + LINGER_MS,
  );
  if (call !== undefined && life.lastSeen - call <= LINGER_MS) {
    if (call - failingSince > ANNOUNCED_WITHIN_MS) {
      return {
        how: 'unknown',
        sure: false,
        sentence: `${gone}; CloudTrail has it deregistered at ${clock(call)}, ${wholeSeconds(Math.round((call - failingSince) / 1000))} after it began to fail: it crashed, or was stopped before it was taken out.`,
      };
    }
    return { how: 'deregistered', sure: true, sentence: `${gone}; CloudTrail has it deregistered at ${clock(call)}.` };
  }
  if (registration?.state === 'draining')
    return { how: 'deregistered', sure: true, sentence: `${gone}; it is draining.` };
  if (registration && registration.state !== 'absent') {
    return { how: 'unhealthy', sure: true, sentence: `${gone}; it is still registered, ${registration.state}.` };
  }
  const unhealthy = unhealthyCount(life, known.metrics);
  const rose = unhealthy !== null && unhealthy.around > unhealthy.before;
  if (rose && replaced) {
    return {
      how: 'unknown',
      sure: false,
      sentence: `${gone}; another target of the group took over, but UnHealthyHostCount rose to ${unhealthy.around}: health checks may have taken it out first.`,
    };
  }
  if (rose) {
    return {
      how: 'unhealthy',
      sure: true,
      sentence: `${gone}; UnHealthyHostCount rose to ${unhealthy.around}, so health checks took it out.`,
    };
  }
  if (replaced)
    return { how: 'deregistered', sure: false, sentence: `${gone}; another target of the group took over.` };
  // Absent now proves nothing by itself, but with no unhealthy host at the time only deregistration is left.
  if (registration?.state === 'absent' && unhealthy?.ever === 0) {
    return {
      how: 'deregistered',
      sure: false,
      sentence: `${gone}; it is not registered now, and no host was unhealthy at the time.`,
    };
  }
  return {
    how: 'unknown',
    sure: false,
    sentence: `${gone}; whether it was deregistered or found unhealthy is not known.`,
  };
}

/** Health checks take a target out within this of its last request, milliseconds; the metric follows by the minute. */
const TAKEN_OUT_WITHIN_MS = 180_000;
const BEFORE_MS = 60_000;

/**
 * Largest UnHealthyHostCount of the target group in all that was asked, around the last request of the target, and just before that: a
 * count that another target had raised earlier says nothing of this one. Null when it was not asked.
 */
function unhealthyCount(
  life: TargetLife,
  metrics: Known['metrics'] | undefined,
): { ever: number; around: number; before: number } | null {
  const name = targetGroupName(life.target_group_arn);
  const series = (metrics ?? []).filter(
    (m) => m.MetricName === 'UnHealthyHostCount' && m.Dimensions.TargetGroup?.split('/')[1] === name,
  );
  if (series.length === 0) return null;
  const points = series
    .flatMap(({ Timestamps, Values, Period }) =>
      Timestamps.map((time, i) => ({ at: epochOf(time), period: Period * 1000, value: Values[i] ?? 0 })),
    )
    .sort((a, b) => a.at - b.at);
  const isBefore = ({ at, period }: { at: number; period: number }) => at + period <= life.lastSeen - BEFORE_MS;
  const around = points.filter((point) => !isBefore(point) && point.at <= life.lastSeen + TAKEN_OUT_WITHIN_MS);
  const largest = (values: { value: number }[]) => Math.max(0, ...values.map(({ value }) => value));
  return { ever: largest(points), around: largest(around), before: points.findLast(isBefore)?.value ?? 0 };
}
