/** Whether a target that connections timed out to had left by then: deregistered, stopped or terminated. */

import type { Question } from '../../evidence/evidence.ts';
import { metricMaximum } from '../../evidence/metrics.ts';
import { clock, wholeSeconds } from '../../format/wording.ts';
import type { Strength } from '../causes/cause.ts';
import { eventTime, names } from '../network-path/rule-changes.ts';
import type { TargetLife } from '../patterns/churn.ts';
import { wasReplaced } from '../patterns/failed-connects.ts';
import type { Registration } from '../targets/registration.ts';
import type { TimedOutScene } from './connect-timeouts.ts';

export interface Farewell {
  /** Null: it had not left. */
  strength: Strength | null;
  for: string[];
  against: string[];
}

interface Suspect {
  arn: string;
  target: string;
  /** When the first and the last of the connections to it, from any node, were begun. */
  first: number;
  last: number;
  lives: readonly TargetLife[];
  address: string;
  registration: Registration | null;
  known: TimedOutScene;
  question: Question;
}

/** Nodes go on choosing a deregistered target for some seconds; timeouts over a longer time are those of a registered one. */
const LINGER_MS = 60_000;
/** The default of deregistration_delay.timeout_seconds. */
const DEFAULT_DELAY_SECONDS = 300;
const LEAVING_CALLS =
  /^(DeregisterTargets|TerminateInstances|StopInstances|BidEvictedEvent|TerminateInstanceInAutoScalingGroup|DeleteNetworkInterface)$/;

export function farewell(suspect: Suspect): Farewell {
  const { arn, target, registration, first, last, lives } = suspect;
  const life = lives.find((each) => each.target === target && each.target_group_arn === arn);

  if (life?.lastSuccess != null && life.lastSuccess > first) {
    return stays(`${target} still answered at ${clock(life.lastSuccess)}, after the first timeout.`);
  }
  const ended = endOfInstance(suspect) ?? leavingCall(suspect, life?.lastSuccess ?? null);
  if (ended) return ended;
  if (registration?.state === 'draining') return draining(suspect, last);
  if (registration?.state === 'unused' && registration.reason !== 'Target.NotInUse') {
    return leaves('likely', `${target} is unused now${registration.reason ? ` (${registration.reason})` : ''}.`);
  }
  if (registration && registration.state !== 'absent') {
    return stays(`${target} is still registered, ${registration.state}.`);
  }
  if (!life) return { strength: null, for: [], against: [] };
  return absent(suspect, life, last - first);
}

/** Absent now proves nothing by itself: it counts with a last request that others outlived and a short burst of timeouts. */
function absent(
  { arn, target, registration, lives, known, question }: Suspect,
  life: TargetLife,
  span: number,
): Farewell {
  const isAbsent = registration?.state === 'absent';
  if (life.left === false && !isAbsent) return stays(`${target} got requests to the end of what was read.`);
  const replaced = wasReplaced(life, lives);
  const seen = `${target} got its last request at ${clock(life.lastSeen)}`;
  const now = isAbsent ? ' and is not registered now' : '';
  if (life.left !== true) return leaves('possible', `${seen}${now}; whether it was registered then is not known.`);

  const scope = { loadBalancer: question.loadBalancer, targetGroup: arn };
  const unhealthy = metricMaximum(known.metrics ?? [], 'UnHealthyHostCount', scope, question);
  if (unhealthy !== null && unhealthy > 0) {
    const sentence = `${seen}${now}, but UnHealthyHostCount rose to ${unhealthy}: health checks may have taken it out first.`;
    return { strength: 'possible', for: [], against: [sentence] };
  }
  if (span > LINGER_MS) {
    const sentence = `Timeouts of ${target} go over ${wholeSeconds(Math.round(span / 1000))}; a deregistered target is not chosen for that long.`;
    return { strength: 'possible', for: [], against: [sentence] };
  }
  const sure = replaced || (isAbsent && unhealthy === 0);
  return leaves(
    sure ? 'likely' : 'possible',
    `${seen}${now}${replaced ? '; another target of the group took over' : ''}.`,
  );
}

/** A target drains for the deregistration delay: what drains now was registered before that, if now is when health was read. */
function draining({ arn, target, known, question }: Suspect, last: number): Farewell {
  const value = Number(known.targetGroupAttributes?.[arn]?.['deregistration_delay.timeout_seconds']);
  const delay = Number.isFinite(value) ? value : DEFAULT_DELAY_SECONDS;
  if (last >= question.now - delay * 1000) return leaves('likely', `${target} is draining: it was deregistered.`);
  const sentence = `${target} is draining, for ${wholeSeconds(delay)} at most: by now it was deregistered after the timeouts.`;
  return { strength: 'possible', for: [], against: [sentence] };
}

/** "User initiated (2026-11-20 02:41:10 GMT)" is when; without a time the state of now is only a hint. */
function endOfInstance(suspect: Suspect): Farewell | null {
  const { target, address, known, last } = suspect;
  const id = instanceOf(address, known);
  const instance = known.instances?.find(
    ({ InstanceId, PrivateIpAddress }) => InstanceId === id || PrivateIpAddress === address,
  );
  const state = instance?.State?.Name;
  if (!instance || !state || !/^(shutting-down|terminated|stopping|stopped)$/.test(state)) return null;
  const time = /\((\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) GMT\)/.exec(instance.StateTransitionReason ?? '');
  const at = time ? Date.parse(`${time[1]}T${time[2]}Z`) : null;
  if (at === null) return leaves('likely', `${instance.InstanceId} (${target}) is ${state}.`);
  return at <= last
    ? leftAt(at, `${instance.InstanceId} (${target}) was ${state} at ${clock(at)}`, suspect)
    : stays(`${instance.InstanceId} (${target}) is ${state} since ${clock(at)}, after the timeouts.`);
}

/** `answered`: its last answer, before the first of the timeouts. */
function leavingCall(suspect: Suspect, answered: number | null): Farewell | null {
  const { target, address, known } = suspect;
  const ids = [address, instanceOf(address, known)].filter((id) => id !== null);
  const calls = (known.changes ?? []).flatMap((event) => {
    const at = eventTime(event);
    const leaving = LEAVING_CALLS.test(event.EventName ?? '') && ids.some((id) => names(event, id));
    // What answers long after such a call came back, or has the address of one that left.
    const stale = at !== null && answered !== null && answered > at + DEFAULT_DELAY_SECONDS * 1000;
    return leaving && at !== null && !stale ? [{ at, name: event.EventName ?? '' }] : [];
  });
  const [call] = calls.sort((a, b) => a.at - b.at);
  return call ? leftAt(call.at, `${call.name} named ${target} at ${clock(call.at)}`, suspect) : null;
}

/** CloudTrail and instance states know the second, and nodes learn of it a little later. */
const SAME_MOMENT_MS = 5_000;

/** What timed out before the target left did so for another reason, and that reason may have gone on: a frozen host is often taken out. */
function leftAt(at: number, what: string, { first }: Suspect): Farewell {
  if (at <= first + SAME_MOMENT_MS) return leaves('confirmed', `${what}, before the first of the timeouts.`);
  const after = wholeSeconds(Math.round((at - first) / 1000));
  const sentence = `${what}, ${after} after connections to it began to time out: it was not gone yet when they began.`;
  return { strength: 'possible', for: [], against: [sentence] };
}

const instanceOf = (address: string, { networkInterfaces, instances }: TimedOutScene): string | null =>
  networkInterfaces?.find((eni) => eni.PrivateIpAddress === address)?.Attachment?.InstanceId ??
  instances?.find(({ PrivateIpAddress }) => PrivateIpAddress === address)?.InstanceId ??
  null;

const leaves = (strength: Strength, sentence: string): Farewell => ({ strength, for: [sentence], against: [] });
const stays = (sentence: string): Farewell => ({ strength: null, for: [], against: [sentence] });
