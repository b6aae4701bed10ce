/**
 * Decides from health, metrics and the log whether a target without further requests was deregistered or only
 * unhealthy.
 */
import { epochOf } from '../../evidence/aws.ts';
import { utcTime, wholeSeconds } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import type { TargetPresence } from '../patterns/churn.ts';
import { deregistrationTimes } from '../patterns/configuration-changes.ts';
import { targetGroupName } from '../traffic.ts';
import { type RegistrationEvidence, registrationOf } from './registration.ts';

interface RemovalReason {
  /**
   * deregistered: it left the group. unhealthy: it is still registered, but health checks excluded it. unknown: no
   * evidence.
   */
  reason: 'deregistered' | 'unhealthy' | 'unknown';
  /** Whether a source outside the log confirms it: an API call at that time, or its state. */
  sure: boolean;
  sentence: string;
}

/** Milliseconds for which nodes may still choose a target after its deregistration. */
const LINGER_MS = 120_000;

/**
 * Milliseconds around the deregistration of a target that is stopping; a target that failed for longer was removed
 * because it failed.
 */
const DEREGISTERED_WITHIN_MS = 30_000;

/**
 * `failingSince`: its first error. `replaced`: whether another target of the group appeared meanwhile, as in a
 * deployment. `name`: its name in sentences.
 */
export function removalReason(
  presence: TargetPresence,
  failingSince: number,
  replaced: boolean,
  evidence: RegistrationEvidence & Partial<Pick<DiagnosisEvidence, 'metrics' | 'changes'>>,
  name = presence.target,
): RemovalReason {
  const registration = registrationOf(presence.target_group_arn, presence.target, evidence);
  const lastEntryText = `${name} last appears in the log at ${utcTime(presence.lastSeen)}`;
  const call = deregistrationTimes(presence.target_group_arn, presence.target, evidence).findLast(
    (at) => at <= presence.lastSeen + LINGER_MS,
  );
  if (call !== undefined && presence.lastSeen - call <= LINGER_MS) {
    if (call - failingSince > DEREGISTERED_WITHIN_MS) {
      return {
        reason: 'unknown',
        sure: false,
        sentence: `${lastEntryText}; CloudTrail shows its deregistration at ${utcTime(call)}, ${wholeSeconds(Math.round((call - failingSince) / 1000))} after it began to fail: it crashed, or was stopped before it was taken out.`,
      };
    }
    return {
      reason: 'deregistered',
      sure: true,
      sentence: `${lastEntryText}; CloudTrail shows its deregistration at ${utcTime(call)}.`,
    };
  }
  if (registration?.state === 'draining')
    return { reason: 'deregistered', sure: true, sentence: `${lastEntryText}; it is draining.` };
  if (registration && registration.state !== 'absent') {
    return {
      reason: 'unhealthy',
      sure: true,
      sentence: `${lastEntryText}; it is still registered (${registration.state}).`,
    };
  }
  const unhealthy = unhealthyCount(presence, evidence.metrics);
  const rose = unhealthy !== null && unhealthy.around > unhealthy.before;
  if (rose && replaced) {
    return {
      reason: 'unknown',
      sure: false,
      sentence: `${lastEntryText}; another target of the group took over, but UnHealthyHostCount rose to ${unhealthy.around}: health checks may have taken it out first.`,
    };
  }
  if (rose) {
    return {
      reason: 'unhealthy',
      sure: true,
      sentence: `${lastEntryText}; UnHealthyHostCount rose to ${unhealthy.around}, so health checks took it out.`,
    };
  }
  if (replaced)
    return {
      reason: 'deregistered',
      sure: false,
      sentence: `${lastEntryText}; another target of the group took over.`,
    };
  // Its absence now proves nothing alone, but if no host was unhealthy then, it must have been deregistered.
  if (registration?.state === 'absent' && unhealthy?.ever === 0) {
    return {
      reason: 'deregistered',
      sure: false,
      sentence: `${lastEntryText}; it is not registered now, and no host was unhealthy at the time.`,
    };
  }
  return {
    reason: 'unknown',
    sure: false,
    sentence: `${lastEntryText}; whether it was deregistered or found unhealthy is unknown.`,
  };
}

/**
 * Milliseconds from a target's last request within which health checks exclude it; the metric follows by the minute.
 */
const TAKEN_OUT_WITHIN_MS = 180_000;
const BEFORE_MS = 60_000;

/**
 * Largest UnHealthyHostCount of the target group: overall, around the target's last request, and just before it. A
 * count that another target had already raised says nothing about this one. Null if not queried.
 */
function unhealthyCount(
  presence: TargetPresence,
  metrics: DiagnosisEvidence['metrics'] | undefined,
): { ever: number; around: number; before: number } | null {
  const name = targetGroupName(presence.target_group_arn);
  const series = (metrics ?? []).filter(
    (m) => m.MetricName === 'UnHealthyHostCount' && m.Dimensions.TargetGroup?.split('/')[1] === name,
  );
  if (series.length === 0) return null;
  const points = series
    .flatMap(({ Timestamps, Values, Period }) =>
      Timestamps.map((time, i) => ({ at: epochOf(time), period: Period * 1000, value: Values[i] ?? 0 })),
    )
    .sort((a, b) => a.at - b.at);
  const isBefore = ({ at, period }: { at: number; period: number }) => at + period <= presence.lastSeen - BEFORE_MS;
  const around = points.filter((point) => !isBefore(point) && point.at <= presence.lastSeen + TAKEN_OUT_WITHIN_MS);
  const largest = (values: { value: number }[]) => Math.max(0, ...values.map(({ value }) => value));
  return { ever: largest(points), around: largest(around), before: points.findLast(isBefore)?.value ?? 0 };
}
