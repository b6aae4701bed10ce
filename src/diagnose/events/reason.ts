/** Finds out from ECS and Auto Scaling why the targets of an event went. */
import type { EcsService, LifecycleHook, ScalingActivity } from '../../evidence/workloads.ts';
import { epochIn } from '../../evidence/workloads.ts';
import { iso, list, number, outOf, utcTime, utcTimeSpan } from '../../format/wording.ts';
import { mutations } from '../patterns/configuration-changes.ts';
import { type CheckFailure, failedChecksOn, failedChecksReason } from '../patterns/failed-health-checks.ts';
import type { TargetOwner } from '../targets/target-owners.ts';
import type { ExitKind } from '../targets/task-exit.ts';
import { type Traffic, targetGroupName } from '../traffic.ts';
import type { EventEvidence } from './event.ts';
import type { EventOutline } from './event-outline.ts';

/** deployment and scale-in are more specific than `replaced`. unhealthy: Auto Scaling replaced the instance. */
export type ReasonKind = Exclude<ExitKind, 'replaced' | 'unknown'> | 'deployment' | 'scale-in' | 'unhealthy';

export interface EventReason {
  kind: ReasonKind;
  /** When the first target went, epoch milliseconds; null if unknown. */
  at: number | null;
  /** "all 3 tasks ran out of memory (feed-api:46)": continues the sentence about the event. */
  clause: string;
  /**
   * "3 tasks of feed (feed-api:46) ran out of memory at 04:18:20, 04:22:40 and 04:26:40 UTC": the sentence about the
   * event without its full stop; null for one target and for a deployment.
   */
  lead: string | null;
  /** The targets with this reason, the first to go first. */
  owners: readonly TargetOwner[];
  /** What became of each: "ECS stopped the task in a scale-in at 19:05:00 UTC", in the same order. */
  clauses: readonly string[];
  /** Why health checks failed, if that is the reason. */
  checks: FailedChecks | null;
  /** Their service, if they share one. */
  service: EcsService | null;
  /** The revision being deployed and the earlier ones, newest first, if a deployment began shortly before. */
  deployed: { revision: string; before: readonly string[] } | null;
}

export interface FailedChecks {
  /** Empty if unknown. ECS's own words stand as the reason where it gives no code. */
  failures: readonly CheckFailure[];
  /** The first check that failed, epoch milliseconds; null if the health-check log was not read. */
  since: number | null;
}

/** Milliseconds: a task is deregistered some time before its process ends, and ECS reports the end a little later. */
const BEFORE_MS = 10 * 60_000;
const AFTER_MS = 5 * 60_000;
/** Longest time a deployment takes, in milliseconds. */
const DEPLOYING_MS = 60 * 60_000;

/** Reasons that end a process while requests still reach it. */
export const DEATHS: readonly ReasonKind[] = ['out-of-memory', 'exited'];

interface OwnerExit {
  owner: TargetOwner;
  kind: ReasonKind;
  at: number | null;
  clause: string;
}

/** Returns null if no source gives a reason. */
export function eventReason(outline: EventOutline, traffic: Traffic, evidence: EventEvidence): EventReason | null {
  const owned = outline.targets.flatMap((target) => {
    const at = onsetOn(target, outline);
    const owner = traffic.owners.at(target, at, outline.target_group_arn);
    return owner === null ? [] : [{ owner, at }];
  });
  const exits = owned.flatMap(({ owner, at }) => exitOf(owner, at, evidence) ?? []);
  const kinds = Map.groupBy(exits, ({ kind }) => kind);
  const [most] = [...kinds].sort((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1));
  if (most === undefined) return null;
  const [kind, sameKind] = most;
  const own = sameKind.sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
  const service = serviceOf(
    own.map(({ owner }) => owner),
    evidence,
  );
  const times = own.flatMap(({ at }) => at ?? []);
  const at = times.length === 0 ? null : Math.min(...times);
  const deployed = deploymentBefore(service, outline.from, evidence);
  const checks = failedChecks(kind, service, outline, traffic);
  const details = detailsOf(kind, own, deployed, checks?.failures ?? []);
  const hooks = hookText(own, evidence);
  return {
    ...{ kind, at, service, deployed, checks },
    owners: own.map(({ owner }) => owner),
    clauses: own.map(({ clause }) => clause),
    clause: `${clauseOf(kind, own, { targets: outline.targets.length, deployed, details })}${hooks}`,
    lead:
      outline.targets.length === 1 || kind === 'deployment' ? null : `${leadOf(kind, own, outline, details)}${hooks}`,
  };
}

function onsetOn(target: string, { failures, from }: EventOutline): number {
  const own = failures.filter(({ request }) => request.target === target).map(({ request }) => request.at);
  return own.length === 0 ? from : own.reduce((least, at) => Math.min(least, at));
}

function exitOf(owner: TargetOwner, at: number, evidence: EventEvidence): OwnerExit | null {
  const { exit } = owner;
  const isThen = (time: number | null) => time !== null && time >= at - BEFORE_MS && time <= at + AFTER_MS;
  if (exit !== null && exit.kind !== 'unknown' && isThen(exit.at)) {
    if (exit.kind === 'replaced') return { owner, at: exit.at, ...replacement(owner, exit.at, evidence) };
    if (exit.kind === 'stopped')
      return { owner, kind: 'stopped', at: exit.at, clause: stoppedBy(owner, evidence) ?? exit.clause };
    return { owner, kind: exit.kind, at: exit.at, clause: exit.clause };
  }
  const activity = activitiesOf(owner, evidence).find((one) => isThen(epochIn(one.StartTime)));
  if (activity === undefined) return null;
  const started = epochIn(activity.StartTime);
  const { kind, clause } = activityKind(activity.Cause ?? '');
  const when = started === null ? '' : ` at ${utcTime(started)}`;
  return { owner, kind, at: started, clause: `Auto Scaling group ${owner.scalingGroup} ${clause}${when}` };
}

/** Activities that terminated the instance, oldest first. */
const activitiesOf = (
  { instance, scalingGroup }: TargetOwner,
  { scalingActivities }: EventEvidence,
): ScalingActivity[] =>
  instance === null || scalingGroup === null
    ? []
    : (scalingActivities?.[scalingGroup] ?? [])
        .filter(({ Description = '' }) => /^Terminating/.test(Description) && Description.includes(instance))
        .sort((a, b) => (epochIn(a.StartTime) ?? 0) - (epochIn(b.StartTime) ?? 0));

/** Classifies the cause that Auto Scaling gives (Auto Scaling user guide, "Verify a scaling activity"). */
function activityKind(cause: string): { kind: ReasonKind; clause: string } {
  if (/spot|interruption|rebalance/i.test(cause)) return { kind: 'spot', clause: 'lost it to a Spot interruption' };
  if (/instance refresh/i.test(cause)) return { kind: 'deployment', clause: 'replaced it in an instance refresh' };
  if (/health[- ]check/i.test(cause)) return { kind: 'unhealthy', clause: 'took it out after failed health checks' };
  return { kind: 'scale-in', clause: 'terminated it in a scale-in' };
}

/** The hooks that delay terminations of an Auto Scaling group, longest wait first; null if its hooks were not read. */
export function terminationHooks(
  group: string,
  lifecycleHooks: Readonly<Record<string, readonly LifecycleHook[]>> | undefined,
): LifecycleHook[] | null {
  const own = lifecycleHooks?.[group]?.filter(
    ({ LifecycleTransition }) => LifecycleTransition === 'autoscaling:EC2_INSTANCE_TERMINATING',
  );
  return own?.sort((a, b) => (b.HeartbeatTimeout ?? 0) - (a.HeartbeatTimeout ?? 0)) ?? null;
}

/** Said of instances that Auto Scaling took out by itself; Spot capacity goes whatever a hook does. */
function hookText(exits: readonly OwnerExit[], { lifecycleHooks }: EventEvidence): string {
  const groups = new Set(
    exits.flatMap(({ owner: { task, scalingGroup }, kind }) =>
      task === null && (kind === 'scale-in' || kind === 'unhealthy' || kind === 'deployment')
        ? (scalingGroup ?? [])
        : [],
    ),
  );
  const without = [...groups].filter((group) => terminationHooks(group, lifecycleHooks)?.length === 0).sort();
  return without.length === 0 ? '' : `; no lifecycle hook delays terminations of ${list(without)}`;
}

function stoppedBy({ task }: TargetOwner, { changes }: EventEvidence): string | null {
  if (task === null) return null;
  const call = mutations(changes ?? []).findLast(({ name, text }) => name === 'StopTask' && text.includes(task));
  return call === undefined || call.user === null
    ? null
    : `${call.user} stopped the task with StopTask at ${utcTime(call.at)}`;
}

/** Distinguishes a deployment from a scale-in for a task that the scheduler stopped. */
function replacement(
  owner: TargetOwner,
  at: number | null,
  evidence: EventEvidence,
): Pick<OwnerExit, 'kind' | 'clause'> {
  const service = serviceOf([owner], evidence);
  const deployed = at === null ? null : deploymentBefore(service, at, evidence);
  const when = at === null ? '' : ` at ${utcTime(at)}`;
  return deployed !== null && deployed.revision !== owner.revision
    ? { kind: 'deployment', clause: `ECS replaced the task by ${deployed.revision}${when}` }
    : { kind: 'scale-in', clause: `ECS stopped the task in a scale-in${when}` };
}

/** The service of these owners; null if they have several or it was not read. */
export function serviceOf(owners: readonly TargetOwner[], { services }: EventEvidence): EcsService | null {
  const names = new Set(owners.map(({ service, cluster }) => `${cluster} ${service}`));
  if (names.size !== 1) return null;
  const [owner] = owners;
  return (
    services?.find(
      ({ serviceName, clusterArn }) =>
        serviceName === owner?.service && (clusterArn?.split('/').at(-1) ?? null) === owner?.cluster,
    ) ?? null
  );
}

/** The service of an owner, and its deployment at this time. */
export function rollOutOf(
  owner: TargetOwner,
  at: number,
  evidence: EventEvidence,
): Pick<EventReason, 'service' | 'deployed'> {
  const service = serviceOf([owner], evidence);
  return { service, deployed: deploymentBefore(service, at, evidence) };
}

const revisionOf = (arn: string): string => arn.split('/').at(-1) ?? arn;
const numberOf = (revision: string): number => Number(revision.split(':').at(-1));

/** The service's deployment that was in progress at this time. */
function deploymentBefore(service: EcsService | null, at: number, { tasks }: EventEvidence): EventReason['deployed'] {
  const [primary] = (service?.deployments ?? []).filter(({ status }) => status === 'PRIMARY');
  const created = epochIn(primary?.createdAt);
  if (service === null || primary?.taskDefinition === undefined || created === null) return null;
  if (created > at + AFTER_MS || created < at - DEPLOYING_MS) return null;
  const revision = revisionOf(primary.taskDefinition);
  const group = `service:${service.serviceName}`;
  const others = [
    ...(service.deployments ?? []).flatMap(({ taskDefinition }) => taskDefinition ?? []),
    ...(tasks ?? []).filter((task) => task.group === group).flatMap(({ taskDefinitionArn }) => taskDefinitionArn ?? []),
  ].map(revisionOf);
  const before = [...new Set(others)].filter((one) => one !== revision && numberOf(one) < numberOf(revision));
  return { revision, before: before.sort((a, b) => numberOf(b) - numberOf(a)) };
}

/** From the health-check log, otherwise from the last service event before the targets went. */
function failedChecks(
  kind: ReasonKind,
  service: EcsService | null,
  { targets, target_group_arn: arn, from, to }: EventOutline,
  traffic: Traffic,
): FailedChecks | null {
  if (kind !== 'failed-health-checks' && kind !== 'unhealthy') return null;
  const logged = targets.flatMap((target) => failedChecksOn(traffic, { arn, target, from, to: to ?? from }) ?? []);
  if (logged.length > 0)
    return {
      failures: logged.flatMap(({ reasons }) => reasons),
      since: Math.min(...logged.map((one) => one.from)),
    };
  const failures = (service?.events ?? []).flatMap(({ createdAt, message = '' }) => {
    const time = epochIn(createdAt);
    const [, reason] = /is unhealthy in .*due to \(reason (.+?)\)\.?$/.exec(message) ?? [];
    return reason === undefined || time === null || time > from + AFTER_MS ? [] : [{ time, reason }];
  });
  const latest = failures.sort((a, b) => b.time - a.time)[0]?.reason;
  return { failures: latest === undefined ? [] : failuresOf(latest), since: null };
}

/** The reason of a service event in the codes of the health-check log (ECS developer guide, "Service event messages"). */
function failuresOf(reason: string): CheckFailure[] {
  const codes = /^Health checks failed with these codes: \[(\d{3}(?:, ?\d{3})*)\]$/.exec(reason)?.[1];
  if (codes !== undefined)
    return codes.split(/, ?/).map((statusCode) => ({ reason: 'ResponseCodeMismatch', statusCode }));
  return [{ reason: /^request timed out$/i.test(reason) ? 'TimedOut' : reason, statusCode: '-' }];
}

/** What went, and how: "3 tasks of feed ran out of memory"; why stands between the verb and the rest. */
const SEVERAL: Record<ReasonKind, readonly [noun: string, verb: string, rest?: string]> = {
  'out-of-memory': ['tasks', 'ran out of memory'],
  'failed-health-checks': ['tasks', 'failed their health checks', ' and were stopped by ECS'],
  spot: ['targets', 'lost their Spot capacity'],
  stopped: ['tasks', 'were stopped by StopTask calls'],
  'host-gone': ['tasks', 'lost their EC2 instance'],
  exited: ['tasks', 'exited'],
  deployment: ['targets', 'were replaced by a deployment'],
  'scale-in': ['targets', 'were taken out in a scale-in'],
  unhealthy: ['instances', 'failed their health checks', ' and were taken out by Auto Scaling'],
};

interface Details {
  /** Why health checks failed: "HTTP 503". */
  checks: string | null;
  /** The exit code that several tasks share: "exit 1". */
  exit: string | null;
  /** "feed-api:46", "new revision feed-api:47". */
  revision: string | null;
}

const inBrackets = (...details: readonly (string | null)[]): string => {
  const known = details.filter((one) => one !== null);
  return known.length === 0 ? '' : ` (${known.join('; ')})`;
};

function clauseOf(
  kind: ReasonKind,
  own: readonly OwnerExit[],
  { targets, deployed, details }: { targets: number; deployed: EventReason['deployed']; details: Details },
): string {
  const [first] = own;
  const { checks, exit, revision } = details;
  if (first !== undefined && targets === 1)
    return `${first.clause}${inBrackets(checks === null ? null : `health checks: ${checks}`, revision)}`;
  const by = kind === 'deployment' && deployed !== null ? ` of ${deployed.revision}` : '';
  const [noun, verb, rest = ''] = SEVERAL[kind];
  return `${shareText(own.length, targets)} ${noun} ${verb}${inBrackets(checks, exit)}${rest}${by}${inBrackets(revision)}`;
}

/** Times named one by one. */
const TIMES_NAMED = 3;

function leadOf(
  kind: ReasonKind,
  own: readonly OwnerExit[],
  { targets, target_group_arn }: EventOutline,
  { checks, exit, revision }: Details,
): string {
  const [noun, verb, rest = ''] = SEVERAL[kind];
  const count = own.length < targets.length ? `${outOf(own.length, targets.length)} failing` : number(own.length);
  const times = own.flatMap(({ at }) => at ?? []).sort((a, b) => a - b);
  const [first = 0, last = first] = [times[0], times.at(-1)];
  const shown = [...new Set(times.map((at) => iso(at).slice(11, 19)))];
  const when =
    times.length < own.length
      ? ''
      : shown.length > TIMES_NAMED
        ? ` from ${utcTimeSpan(first, last)}`
        : ` at ${list(shown)} UTC`;
  const meanwhile = DEATHS.includes(kind) ? '' : ', while requests were still being sent to them';
  return `${count} ${noun} of ${targetGroupName(target_group_arn)}${inBrackets(revision)} ${verb}${inBrackets(checks, exit)}${rest}${when}${meanwhile}`;
}

function detailsOf(
  kind: ReasonKind,
  own: readonly OwnerExit[],
  deployed: EventReason['deployed'],
  failures: readonly CheckFailure[],
): Details {
  const revisions = [...new Set(own.flatMap(({ owner }) => owner.revision ?? []))].sort();
  const isNew = kind !== 'deployment' && revisions.length === 1 && revisions[0] === deployed?.revision;
  const codes = new Set(own.map(({ owner: { exit } }) => exit?.exitCode ?? null));
  const [code = null] = codes;
  return {
    checks: failures.length === 0 ? null : failedChecksReason(failures),
    // One exit names its code itself.
    exit: kind === 'exited' && own.length > 1 && codes.size === 1 && code !== null ? `exit ${code}` : null,
    revision: revisions.length === 0 ? null : `${isNew ? 'new revision ' : ''}${list(revisions)}`,
  };
}

const shareText = (part: number, whole: number): string =>
  part < whole ? outOf(part, whole) : whole === 2 ? 'both' : `all ${whole}`;
