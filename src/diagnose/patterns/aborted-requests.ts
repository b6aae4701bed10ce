/**
 * Groups rows of the shape `x -1 -1` 502 by target, with the facts that show whether the target's deregistration delay
 * ended them.
 */

import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { targetKey } from '../targets/target-key.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { groupBy, withSignature } from '../traffic.ts';
import { presenceOf, type TargetPresence } from './churn.ts';
import { deregistrationTimes } from './configuration-changes.ts';

type AbortedEvidence = Partial<Pick<DiagnosisEvidence, 'targetGroupAttributes' | 'changes' | 'instances'>>;

export interface AbortedRequests {
  target_group_arn: string;
  target: string;
  errors: SampledError[];
  presence: TargetPresence | null;
  /**
   * At least two errors that ended at the same moment after different durations, so that one timer of the target ended
   * them.
   */
  simultaneous: SampledError[];
  /** When an API call that fits these errors deregistered the target; epoch milliseconds. */
  deregisteredAt: number | null;
  /** The configured delay, seconds. */
  delay: number | null;
  /** Errors that ended sooner than a request in flight at deregistration would. */
  tooShort: SampledError[];
}

/** Maximum milliseconds between nodes ending the requests of one target. */
const TOGETHER_MS = 50;
/** Seconds for which nodes keep choosing a deregistered target, rounded up generously. */
const LAG_SECONDS = 30;
/** Maximum milliseconds between the API call plus the delay and the end of the request. */
const EVENT_SLACK_MS = 15_000;
/** The longest configurable delay, milliseconds. */
const LONGEST_DELAY_MS = 3_600_000;

export function abortedRequests(traffic: Traffic, evidence: AbortedEvidence): AbortedRequests[] {
  const errors = withSignature(traffic, 'no-response-aborted');
  return [...groupBy(errors, targetKey).values()].map((own) => {
    const target = own[0]?.target ?? '-';
    const target_group_arn = own[0]?.target_group_arn ?? '-';
    const delay = configuredDelay(target_group_arn, evidence);
    return {
      target_group_arn,
      target,
      errors: own,
      presence: presenceOf(traffic, { target_group_arn, target }),
      simultaneous: simultaneousErrors(own),
      deregisteredAt: matchingDeregistration(target_group_arn, target, own, delay, evidence),
      delay,
      tooShort: own.filter(({ elapsed }) => delay !== null && elapsed !== null && elapsed < delay - LAG_SECONDS),
    };
  });
}

/** The current deregistration_delay.timeout_seconds, seconds. */
function configuredDelay(arn: string, { targetGroupAttributes }: AbortedEvidence): number | null {
  const value = Number(targetGroupAttributes?.[arn]?.['deregistration_delay.timeout_seconds'] ?? Number.NaN);
  return Number.isFinite(value) ? value : null;
}

function simultaneousErrors(errors: SampledError[]): SampledError[] {
  const ordered = [...errors].sort((a, b) => a.at - b.at || a.index - b.index);
  const together = new Set<SampledError>();
  let [start, end] = [0, 0];
  for (const { at } of ordered) {
    while ((ordered[start]?.at ?? at) < at - TOGETHER_MS) start++;
    while (end < ordered.length && (ordered[end]?.at ?? at) <= at + TOGETHER_MS) end++;
    const near = ordered.slice(start, end);
    const durations = near.flatMap(({ elapsed }) => elapsed ?? []);
    if (durations.length < 2 || Math.max(...durations) - Math.min(...durations) <= TOGETHER_MS / 1000) continue;
    for (const error of near) together.add(error);
  }
  return errors.filter((error) => together.has(error));
}

/** The target's DeregisterTargets call one delay before an error; if the delay is unknown, any earlier call. */
function matchingDeregistration(
  arn: string,
  target: string,
  errors: SampledError[],
  delay: number | null,
  evidence: AbortedEvidence,
): number | null {
  const fits = (call: number, end: number) =>
    delay === null
      ? end > call && end - call <= LONGEST_DELAY_MS
      : Math.abs(end - call - delay * 1000) <= EVENT_SLACK_MS;
  return (
    deregistrationTimes(arn, target, evidence).find((call) => errors.some((error) => fits(call, error.at))) ?? null
  );
}
