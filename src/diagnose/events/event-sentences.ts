/** Sentences about events: the headline, and the number of errors. */
import { list, outOf, plural, secondsBetween, utcTime } from '../../format/wording.ts';
import { targetPresences } from '../patterns/churn.ts';
import { targetName } from '../targets/target-name.ts';
import { countErrors, namesOf, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
import { isRollout } from './calls.ts';
import { crashRoute } from './crash-route.ts';
import type { EventCall } from './event.ts';
import { type EventOutline, lengthOf, onsetOf } from './event-outline.ts';
import type { TargetOutage } from './outages.ts';
import { isRejected } from './outlines.ts';

const TARGETS_NAMED = 3;
const OWNERS_NAMED = 1;

/**
 * "10.0.1.5:8080 (api)", "10.0.1.5:8080 and 10.0.1.6:8080 (api)", "i-0262… (10.0.1.5:8080) in api", "4 targets of api".
 */
function targetsText({ targets, target_group_arn, to, from: begin }: EventOutline, { owners }: Traffic): string {
  const group = targetGroupName(target_group_arn);
  // A target may have started failing later than the event's first one.
  const from = to ?? begin;
  if (targets.length > TARGETS_NAMED) return `${plural(targets.length, 'target')} of ${group}`;
  const names = targets.map((target) => targetName(target, owners.at(target, from, target_group_arn)));
  if (names.every((name, index) => name === targets[index])) return `${list(names)} (${group})`;
  // More task or instance names do not fit in a headline; the checklist lists them.
  return names.length > OWNERS_NAMED ? `${plural(names.length, 'target')} of ${group}` : `${list(names)} in ${group}`;
}

/** Milliseconds: "1.6 s", "48 s", "4 min 10 s", "2 h 5 min". */
export function spanText(ms: number): string {
  const total = Math.round(ms / 1000);
  if (ms < 9950) return ms < 950 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
  if (total < 90) return `${total} s`;
  const [minutes, rest] = [Math.floor(total / 60), total % 60];
  if (minutes < 60) return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
  const over = minutes % 60;
  return over === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${over} min`;
}

/** "39 s to 54 s": shortest and longest; one value if they are nearly equal. */
export function rangeText(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (high - low <= ALIKE * high) return spanText((low + high) / 2);
  return `${spanText(low)} to ${spanText(high)}`;
}

/** Durations that differ by less than this share are reported as one. */
const ALIKE = 0.1;

/** "254 errors in 61 s." */
export function errorsText(errors: readonly SampledError[]): string {
  const times = errors.map(({ at }) => at);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  // From a minute on, between the whole seconds in which both are shown.
  const span = last - first < 60_000 ? last - first : 1000 * (Math.floor(last / 1000) - Math.floor(first / 1000));
  return `${plural(countErrors(errors), 'error')}${errors.length > 1 && span >= 1 ? ` in ${spanText(span)}` : ''}.`;
}

/** "BidEvictedEvent (spot interruption) at 04:20:58 UTC", "StopTask by ops at 10:09:59 UTC". */
export const callText = ({ name, user, at }: EventCall): string =>
  `${name}${name === 'BidEvictedEvent' ? ' (spot interruption)' : user ? ` by ${user}` : ''} at ${utcTime(at)}`;

/** "when ops called StopTask", "with the spot interruption (BidEvictedEvent)". */
const whenCalled = ({ name, user }: EventCall): string =>
  name === 'BidEvictedEvent'
    ? `with the spot interruption (${name})`
    : user
      ? `when ${user} called ${name}`
      : `when ${name} was called`;

/** CloudTrail records whole seconds. */
const isTogether = (from: number, call: EventCall): boolean => Math.abs(call.at - from) < 500 || call.at > from;

/** ", 1 s after BidEvictedEvent (spot interruption) at 04:20:58 UTC". */
const afterCall = (from: number, call: EventCall | undefined): string =>
  call === undefined
    ? ''
    : isTogether(from, call)
      ? `, together with ${callText(call)}`
      : `, ${secondsBetween(call.at, from)} s after ${callText(call)}`;

/** "10.0.12.68:8080 (feed) stopped answering at 04:20:59 UTC and never came back." */
export function lostText(
  outline: EventOutline,
  calls: readonly EventCall[],
  { traffic, stillRegistered }: { traffic: Traffic; stillRegistered: boolean },
): string {
  const { outages, from } = outline;
  const onsets = outages.map(onsetOf);
  const [first, last] = [Math.min(...onsets), Math.max(...onsets)];
  const when = last - first < 1000 ? `at ${utcTime(first)}` : `between ${utcTime(first)} and ${utcTime(last)}`;
  const rejecting = outages.every(isRejected) ? ', with connections rejected' : '';
  const ends = outages.map(({ nextAnswer }) => nextAnswer);
  const end = ends.every((time) => time !== null)
    ? ` and answered again at ${utcTime(Math.max(...ends.map((time) => time ?? first)))}`
    : outages.every(({ presence }) => presence?.left === true)
      ? ' and never came back'
      : ' and had not answered again when the log ends';
  const registered = stillRegistered ? `; ${outline.targets.length === 1 ? 'it is' : 'they are'} still registered` : '';
  const [call] = calls;
  // The call's second may be later than the last answer.
  const isSudden = rejecting === '' && call !== undefined && last - first < 1000 && isTogether(from, call);
  const inserted = `${rejecting}${afterCall(from, call)}`;
  const how = isSudden
    ? `at ${utcTime(call.at)}, ${whenCalled(call)},`
    : `${when}${inserted}${inserted === '' ? '' : ','}`;
  return `${targetsText(outline, traffic)} stopped answering ${how}${end}${registered}.`;
}

/**
 * "UpdateService by ops at 10:09:59 UTC, 60 s before the first error, took 4 targets of api away while requests were
 * still sent to them.",
 * "… brought 4 targets of api that never answered."
 */
export function rolloutText(
  outline: EventOutline,
  calls: readonly EventCall[],
  { failedSince, traffic }: { failedSince: number; traffic: Traffic },
): string {
  const { targets } = outline;
  const group = targetGroupName(outline.target_group_arn);
  const one = targets.length === 1;
  const fresh = targetPresences(traffic).filter(
    ({ target_group_arn, target, joined }) =>
      joined === true && target_group_arn === outline.target_group_arn && targets.includes(target),
  );
  const failuresOf = (names: readonly string[]) =>
    outline.failures.filter(({ request }) => names.includes(request.target)).length;
  const isBrought = 2 * failuresOf(fresh.map(({ target }) => target)) > outline.failures.length;
  const never = fresh.every(({ lastSuccess }) => lastSuccess === null);
  // If each target was deregistered by a call of its own, no single call is the origin.
  const call = calls.find(({ name }) => one || name !== 'DeregisterTargets');
  const named = targets.length > TARGETS_NAMED ? plural(targets.length, 'target') : list(namesOf(traffic, targets));
  if (isBrought) {
    const brought = { ...outline, targets: fresh.map(({ target }) => target).sort() };
    const how = never ? 'never answered' : `failed until ${fresh.length === 1 ? 'it was' : 'they were'} ready`;
    const isLarger = !targetPresences(traffic).some(
      ({ target_group_arn, left }) => left === true && target_group_arn === outline.target_group_arn,
    );
    if (call === undefined && isLarger) return `${targetsText(brought, traffic)} joined and ${how}.`;
    return `${call ? `${calledText(call)}, ` : `A rollout of ${group} `}brought ${targetsText(brought, traffic)} that ${how}.`;
  }
  if (call === undefined)
    return `A rollout of ${group} replaced ${named}; requests to ${one ? 'it failed as it' : 'them failed as they'} left, from ${utcTime(failedSince)}.`;
  return `${calledText(call)}, took ${targetsText(outline, traffic)} away while requests were still being sent to ${one ? 'it' : 'them'}.`;
}

/** "StopTask by ops at 10:09:59 UTC, 1 s before the first error". */
const calledText = (call: EventCall): string =>
  `${callText(call)}, ${call.secondsBefore > 0 ? `${call.secondsBefore} s before the first error` : 'as the errors began'}`;

/**
 * "feed-api task 8f3c… (10.0.10.31) in feed went down at 04:18:20 UTC and was taken out.": the process did not restart.
 */
export const diedText = (outline: EventOutline, traffic: Traffic): string =>
  `${targetsText(outline, traffic)} went down at ${utcTime(outline.from)} and did not come back.`;

/** "10.0.1.5:8080 (api) was taken out at 07:44:51 UTC while requests were still being sent to it.": the reason follows. */
export const takenOutText = (outline: EventOutline, traffic: Traffic): string =>
  `${targetsText(outline, traffic)} was taken out at ${utcTime(outline.from)} while requests were still being sent to it.`;

/**
 * "10.0.1.5:8443 (api) took no connection from 08:09:59 UTC to 08:14:59 UTC.": connections were refused, or the TLS
 * handshake failed.
 */
export function unconnectedText(outline: EventOutline, traffic: Traffic): string {
  const { outages, from } = outline;
  const last = outages.reduce((most, { nextAnswer, last: end }) => Math.max(most, nextAnswer ?? end), from);
  return `${targetsText(outline, traffic)} took no connection from ${utcTime(from)} to ${utcTime(last)}.`;
}

/** "; both joined after UpdateService by deploy at 08:07:00 UTC": a revision that does not stay up. */
function newcomersText(
  { targets, target_group_arn }: EventOutline,
  calls: readonly EventCall[],
  traffic: Traffic,
): string {
  const call = calls.find(isRollout);
  const own = targetPresences(traffic).filter(
    (each) => each.target_group_arn === target_group_arn && targets.includes(each.target),
  );
  if (call === undefined || !own.every(({ joined, firstSeen }) => joined === true && firstSeen > call.at)) return '';
  const who = own.length === 1 ? 'it' : own.length === 2 ? 'both' : `all ${own.length}`;
  return `; ${who} joined after ${callText(call)}`;
}

export function crashText(outline: EventOutline, calls: readonly EventCall[], traffic: Traffic): string {
  const found = crashRoute(outline, traffic);
  const cutOff = found === null ? '' : `; ${outOf(found.count, found.of)} cut off a ${found.route}`;
  const blame = `${cutOff}${newcomersText(outline, calls, traffic)}`;
  const { outages, bursts, from } = outline;
  if (outages.length === 0) return `${burstText(outline, traffic)}${blame}.`;
  const [only] = outages;
  if (only !== undefined && outages.length + bursts.length === 1) {
    const end =
      only.nextAnswer === null
        ? ' and had not answered again when the log ends'
        : ` and answered again after ${spanText(only.nextAnswer - onsetOf(only))}`;
    return `${targetsText(outline, traffic)} went down at ${utcTime(from)}${end}${blame}.`;
  }
  if (bursts.length === 0 && areTogether(outages)) {
    const ends = outages.flatMap((outage) => (outage.nextAnswer === null ? [] : [outage.nextAnswer - onsetOf(outage)]));
    const end =
      ends.length === outages.length
        ? ` and answered again after ${rangeText(ends)}`
        : ' and had not all answered again when the log ends';
    return `${targetsText(outline, traffic)} went down together at ${utcTime(from)}${end}${blame}.`;
  }
  // The duration of an outage is unknown if the log ends before it.
  const ended = outages.filter(({ nextAnswer }) => nextAnswer !== null);
  const lengths = (ended.length > 0 ? ended : outages).map(lengthOf);
  const last = Math.max(...outages.map((outage) => outage.last));
  const when = `from ${utcTime(from)} to ${utcTime(last)}`;
  return `${plural(outages.length, 'outage')} of ${rangeText(lengths)} ${when}${rhythmText(outages.map(onsetOf))} on ${targetsText(outline, traffic)}: the process goes down and comes back${blame}.`;
}

/** Targets that each go down once within this many milliseconds count as going down together. */
const TOGETHER_MS = 10_000;

function areTogether(outages: readonly TargetOutage[]): boolean {
  const starts = outages.map(onsetOf);
  const isOnceEach = new Set(outages.map(({ target }) => target)).size === outages.length;
  return isOnceEach && Math.max(...starts) - Math.min(...starts) <= TOGETHER_MS;
}

/** Events are regular if the intervals between their starts differ by at most this share. */
const REGULAR = 0.35;

/** ", 4 min 10 s apart" for outages or bursts that begin regularly; otherwise "". Epoch milliseconds. */
export function rhythmText(begins: readonly number[]): string {
  const starts = [...begins].sort((a, b) => a - b);
  const apart = starts.slice(1).map((start, index) => start - (starts[index] ?? start));
  const [low, high] = [Math.min(...apart), Math.max(...apart)];
  return apart.length > 1 && high - low <= REGULAR * high ? `, ${rangeText(apart)} apart` : '';
}

/**
 * "10.0.1.5:8080 (api) closed connections with 18 requests in flight at 08:12:00 UTC, 21 s after DeregisterTargets by … at 08:11:39
 * UTC.": it was being drained.
 */
export function cutOffText(outline: EventOutline, call: EventCall, traffic: Traffic): string {
  const { failures, from } = outline;
  return `${targetsText(outline, traffic)} closed connections with ${plural(failures.length, 'request')} in flight at ${utcTime(from)}${afterCall(from, call)}.`;
}

function burstText(outline: EventOutline, traffic: Traffic): string {
  const { bursts, from } = outline;
  const sizes = bursts.map(({ failures }) => failures.length);
  const [only] = sizes;
  const where = `A process on ${targetsText(outline, traffic)} died`;
  if (bursts.length === 1) return `${where} at ${utcTime(from)} with ${only} requests in flight`;
  const last = Math.max(...bursts.map(({ at }) => at));
  const [low, high] = [Math.min(...sizes), Math.max(...sizes)];
  const inFlight = low === high ? `${low}` : `${low} to ${high}`;
  return `${where} ${bursts.length} times from ${utcTime(from)} to ${utcTime(last)}, each time with ${inFlight} requests in flight`;
}
