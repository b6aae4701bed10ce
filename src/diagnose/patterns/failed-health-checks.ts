/** What a health-check log shows about failing targets: since when, seen by which nodes, and why. */
import type { FailedHealthChecks } from '../../evidence/access-log.ts';
import { ownValue } from '../../format/own-value.ts';
import { list, outOf, plural, utcTime } from '../../format/wording.ts';
import { nameOf, type Traffic, targetGroupName } from '../traffic.ts';

/** Reason codes in words (ELB user guide, "Health check logs"). */
const REASONS: Record<string, string> = {
  TimedOut: 'timed out',
  ConnectionReset: 'connection reset',
  ResponseStringMismatch: 'unexpected response',
  InternalError: 'an internal error of the load balancer',
};

/** Codes that the status of the response explains. */
const BY_STATUS = ['ResponseCodeMismatch', 'TargetError'];

/** Codes of checks to which the target sent something back. */
const ANSWERED = ['ConnectionReset', 'ResponseStringMismatch', ...BY_STATUS];

/**
 * Milliseconds before the errors within which the checks begin to fail; an unhealthy target is noticed some intervals
 * late.
 */
const BEFORE_MS = 5 * 60_000;
const AFTER_MS = 2 * 60_000;

/**
 * The failing checks of a target ("address:port") of this group, by ARN, between `from` and `to`; the first of them.
 */
export function failedChecksOn(
  { log }: Traffic,
  { arn, target, from, to }: { arn: string; target: string; from: number; to: number },
): FailedHealthChecks | null {
  const name = targetGroupName(arn);
  return (
    log.healthChecks?.find(
      (one) =>
        one.target === target &&
        one.targetGroup === name &&
        one.from <= to + AFTER_MS &&
        (one.to ?? one.last) >= from - BEFORE_MS,
    ) ?? null
  );
}

/** Why a health check failed: reason code and status code ("-" if none came) as the health-check log gives them. */
export type CheckFailure = Pick<FailedHealthChecks['reasons'][number], 'reason' | 'statusCode'>;

/** The status code that made a check fail: "503"; null if it failed for another reason. */
export const failingStatus = ({ reason, statusCode }: CheckFailure): string | null =>
  BY_STATUS.includes(reason) && statusCode !== '-' ? statusCode : null;

/** "HTTP 503 and timed out" */
export function failedChecksReason(failures: readonly CheckFailure[]): string {
  const texts = failures.map((failure) => {
    const status = failingStatus(failure);
    return status === null ? (ownValue(REASONS, failure.reason) ?? failure.reason) : `HTTP ${status}`;
  });
  return list([...new Set(texts)]);
}

/** "failed from 04:20:58 UTC, seen by 3 nodes: timed out; the last one passed at 04:20:28 UTC" */
function failedChecksText(one: FailedHealthChecks): string {
  const { from, nodes, lastPassed = null } = one;
  const seenBy = nodes.length === 0 ? '' : `, seen by ${plural(nodes.length, 'node')}`;
  const passed = lastPassed === null ? '' : `; the last one passed at ${utcTime(lastPassed)}`;
  return `failed from ${utcTime(from)}${seenBy}: ${failedChecksReason(one.reasons)}${passed}`;
}

/** A sentence on the health checks of an event's targets; empty if they did not fail or were not logged. */
export function eventChecksText(
  traffic: Traffic,
  { arn, targets, from, to }: { arn: string; targets: readonly string[]; from: number; to: number },
): string[] {
  const found = targets.flatMap((target) => failedChecksOn(traffic, { arn, target, from, to }) ?? []);
  const [first] = found;
  if (first === undefined) return [];
  if (targets.length === 1) return [`Its health checks ${failedChecksText(first)}.`];
  const which = found.length === targets.length ? `all ${targets.length}` : outOf(found.length, targets.length);
  return [`Health checks of ${which} targets ${failedChecksText(first)}.`];
}

/** Sentences against dropped packets: the target answered a health check in this time. */
export function answeredChecks(
  traffic: Traffic,
  { arn, target, from, to }: { arn: string; target: string; from: number; to: number },
): string[] {
  const name = targetGroupName(arn);
  return (traffic.log.healthChecks ?? [])
    .filter(
      (one) => one.target === target && one.targetGroup === name && one.from <= to && (one.to ?? one.last) >= from,
    )
    .filter(({ reasons }) => reasons.some(({ reason }) => ANSWERED.includes(reason)))
    .map(
      (one) =>
        `Health checks of ${nameOf(traffic, target, from)} got something back (${failedChecksReason(one.reasons)}) from ${utcTime(one.from)} to ${utcTime(one.last)}: packets arrived.`,
    );
}
