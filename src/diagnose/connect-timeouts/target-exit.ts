/** Judges whether a target had left before connections to it timed out: deregistered, stopped or terminated. */

import { metricMaximum } from '../../evidence/metrics.ts';
import type { Question } from '../../evidence/question.ts';
import { isStopped, stopTime } from '../../evidence/workloads.ts';
import { utcTime, wholeSeconds } from '../../format/wording.ts';
import type { Strength } from '../judgement.ts';
import { eventTime, namesResource } from '../network-path/rule-changes.ts';
import { leftTargets, presenceOf, type TargetPresence } from '../patterns/churn.ts';
import { wasReplaced } from '../patterns/failed-connects.ts';
import type { Registration } from '../targets/registration.ts';
import { endedInstance, instanceOf } from '../targets/target-instance.ts';
import { targetName } from '../targets/target-name.ts';
import { nameOf } from '../traffic.ts';
import type { ConnectTimeoutEvidence } from './connect-timeout-evidence.ts';

export interface TargetExit {
  /** Null if the target had not left. */
  strength: Strength | null;
  for: string[];
  against: string[];
}

interface TimedOutTarget {
  arn: string;
  target: string;
  /** Start of the first and of the last connection to it, from any node. */
  first: number;
  last: number;
  address: string;
  registration: Registration | null;
  evidence: ConnectTimeoutEvidence;
  question: Question;
}

/**
 * Milliseconds for which nodes keep choosing a deregistered target; timeouts over a longer time mean it was still
 * registered.
 */
const LINGER_MS = 60_000;
/** The default of deregistration_delay.timeout_seconds. */
const DEFAULT_DELAY_SECONDS = 300;
const REMOVAL_CALLS =
  /^(DeregisterTargets|TerminateInstances|StopInstances|BidEvictedEvent|TerminateInstanceInAutoScalingGroup|DeleteNetworkInterface)$/;

export function targetExit(timedOutTarget: TimedOutTarget): TargetExit {
  const { arn, target, registration, first, last } = timedOutTarget;
  const { traffic } = timedOutTarget.evidence;
  const name = nameOf(traffic, target, first);
  const presence = presenceOf(traffic, { target_group_arn: arn, target });

  if (presence?.lastSuccess != null && presence.lastSuccess > first) {
    return noExit(`${name} still answered at ${utcTime(presence.lastSuccess)}, after the first timeout.`);
  }
  const stopped = taskStop(timedOutTarget) ?? instanceStop(timedOutTarget);
  const removed = removalCall(timedOutTarget, presence?.lastSuccess ?? null);
  // A call has a time; a state without a time only describes the present.
  const ended = removed?.strength === 'confirmed' ? removed : (stopped ?? removed);
  if (ended) return ended;
  if (registration?.state === 'draining') return judgeDrainingTarget(timedOutTarget, last);
  if (registration?.state === 'unused' && registration.reason !== 'Target.NotInUse') {
    return exitWith('likely', `${name} is unused now${registration.reason ? ` (${registration.reason})` : ''}.`);
  }
  if (registration && registration.state !== 'absent') {
    return noExit(`${name} is still registered (${registration.state}).`);
  }
  if (!presence) return { strength: null, for: [], against: [] };
  return judgeAbsentTarget(timedOutTarget, presence, last - first);
}

/**
 * A target's absence now proves nothing by itself. It counts if other targets answered after its last request and its
 * timeouts were one short burst.
 */
function judgeAbsentTarget(
  { arn, target, registration, evidence, question }: TimedOutTarget,
  presence: TargetPresence,
  span: number,
): TargetExit {
  const isAbsent = registration?.state === 'absent';
  const name = nameOf(evidence.traffic, target);
  if (presence.left === false && !isAbsent)
    return noExit(`${name} received requests to the end of the log that was read.`);
  const replaced = wasReplaced(presence, evidence.traffic);
  if (presence.lastSuccess === null && presence.left === null)
    return noExit(`${name} never answered in the log that was read, so nothing shows that it was there and left.`);
  const lastEntryText = `${name} last appears in the log at ${utcTime(presence.lastSeen)}`;
  const now = isAbsent ? ' and is not registered now' : '';
  if (presence.left !== true)
    return exitWith('possible', `${lastEntryText}${now}; whether it was registered then is unknown.`);

  const scope = { loadBalancer: question.loadBalancer, targetGroup: arn };
  const unhealthy = metricMaximum(evidence.metrics ?? [], 'UnHealthyHostCount', scope, question);
  if (unhealthy !== null && unhealthy > 0) {
    const sentence = `${lastEntryText}${now}, but UnHealthyHostCount rose to ${unhealthy}: health checks may have taken it out first.`;
    return { strength: 'possible', for: [], against: [sentence] };
  }
  if (span > LINGER_MS) {
    const sentence = `Timeouts of ${name} go over ${wholeSeconds(Math.round(span / 1000))}; the load balancer does not choose a deregistered target for that long.`;
    return { strength: 'possible', for: [], against: [sentence] };
  }
  const sure = replaced || (isAbsent && unhealthy === 0);
  return exitWith(
    sure ? 'likely' : 'possible',
    `${lastEntryText}${now}${replaced ? '; another target of the group took over' : ''}.`,
  );
}

/**
 * A target drains at most for the deregistration delay: if it was draining when health was read, it was still
 * registered one delay earlier.
 */
function judgeDrainingTarget({ arn, target, evidence, question }: TimedOutTarget, last: number): TargetExit {
  const name = nameOf(evidence.traffic, target);
  const value = Number(evidence.targetGroupAttributes?.[arn]?.['deregistration_delay.timeout_seconds']);
  const delay = Number.isFinite(value) ? value : DEFAULT_DELAY_SECONDS;
  if (last >= question.now - delay * 1000) return exitWith('likely', `${name} is draining: it was deregistered.`);
  const sentence = `${name} is draining, for ${wholeSeconds(delay)} at most: by now it was deregistered after the timeouts.`;
  return { strength: 'possible', for: [], against: [sentence] };
}

/** ECS reports that the task with this address stopped, and when. */
function taskStop(timedOutTarget: TimedOutTarget): TargetExit | null {
  const { target, first, evidence } = timedOutTarget;
  const owner = evidence.traffic.owners.at(target, first);
  if (owner?.exit?.at == null || owner.exit.at > timedOutTarget.last) return null;
  return judgeExitTime(owner.exit.at, `${targetName(target, owner)}: ${owner.exit.clause}`, timedOutTarget);
}

/** "User initiated (2026-11-20 02:41:10 GMT)" contains the time; without a time, the current state is only a hint. */
function instanceStop(timedOutTarget: TimedOutTarget): TargetExit | null {
  const { arn, target, address, evidence, first, last } = timedOutTarget;
  const id = instanceOf(target, arn, first, evidence);
  const instance = evidence.instances?.find(
    ({ InstanceId, PrivateIpAddress }) => InstanceId === id || PrivateIpAddress === address,
  );
  const state = instance?.State?.Name;
  if (!instance || !state || !isStopped(instance)) return null;
  const at = stopTime(instance);
  if (at === null) return exitWith('likely', `${instance.InstanceId} (${target}) is ${state}.`);
  return at <= last
    ? judgeExitTime(at, `${instance.InstanceId} (${target}) was ${state} at ${utcTime(at)}`, timedOutTarget)
    : noExit(`${instance.InstanceId} (${target}) is ${state} since ${utcTime(at)}, after the timeouts.`);
}

/** `answered`: the target's last answer before the first timeout. */
function removalCall(timedOutTarget: TimedOutTarget, answered: number | null): TargetExit | null {
  const { arn, target, address, evidence, first } = timedOutTarget;
  const known = instanceOf(target, arn, first, evidence);
  const isAlone = leftTargets(evidence.traffic).length === 1;
  const ended = known === null && answered !== null && isAlone ? endedInstance(target, answered, evidence) : null;
  const ids = [address, known, ended].filter((id) => id !== null);
  const calls = (evidence.changes ?? []).flatMap((event) => {
    const at = eventTime(event);
    const leaving = REMOVAL_CALLS.test(event.EventName ?? '') && ids.some((id) => namesResource(event, id));
    // A target that answers long after such a call was registered again, or reuses the address of a target that left.
    const stale = at !== null && answered !== null && answered > at + DEFAULT_DELAY_SECONDS * 1000;
    const isByTime = ended !== null && namesResource(event, ended);
    return leaving && at !== null && !stale ? [{ at, call: event.EventName ?? '', isByTime }] : [];
  });
  const [one] = calls.sort((a, b) => a.at - b.at);
  const name = nameOf(evidence.traffic, target, first);
  if (one === undefined) return null;
  if (!one.isByTime)
    return judgeExitTime(one.at, `CloudTrail has ${one.call} for ${name} at ${utcTime(one.at)}`, timedOutTarget);
  const what = `${one.call} ended ${ended} at ${utcTime(one.at)}, the only instance that went as ${name} fell silent; EC2 shows no instance at its address`;
  const exit = judgeExitTime(one.at, what, timedOutTarget);
  return exit.strength === 'confirmed' ? { ...exit, strength: 'likely' } : exit;
}

/** CloudTrail and instance states have whole seconds, and nodes notice a little later. */
const SAME_MOMENT_MS = 5_000;

/**
 * Timeouts before the exit had another cause, which may have continued: a frozen host is often taken out of service.
 */
function judgeExitTime(at: number, what: string, { first }: TimedOutTarget): TargetExit {
  if (at <= first + SAME_MOMENT_MS) return exitWith('confirmed', `${what}, before the first timeout.`);
  const after = wholeSeconds(Math.round((at - first) / 1000));
  const sentence = `${what}, ${after} after connections to it began to time out: it was not gone when they began.`;
  return { strength: 'possible', for: [], against: [sentence] };
}

const exitWith = (strength: Strength, sentence: string): TargetExit => ({ strength, for: [sentence], against: [] });
const noExit = (sentence: string): TargetExit => ({ strength: null, for: [], against: [sentence] });
