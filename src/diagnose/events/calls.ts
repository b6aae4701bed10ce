/**
 * Finds CloudTrail calls that coincide with an event, by the resources they name, how rare they are, and the delay.
 */
import { splitTarget } from '../network-path/addresses.ts';
import { type Mutation, mutations } from '../patterns/configuration-changes.ts';
import { endedInstance, instanceOf } from '../targets/target-names.ts';
import { targetGroupName } from '../traffic.ts';
import type { EventCall, EventEvidence } from './event.ts';

/** Milliseconds before the window for which changes are read; the rarity of a call is measured over this time. */
const READ_BEFORE_MS = 24 * 3_600_000;
/** Highest probability that a call of this kind falls so close by chance; more frequent calls are no evidence. */
const RARE = 0.01;
/** Milliseconds after the first failure within which a call still counts, because CloudTrail records whole seconds. */
const AFTER_MS = 2_000;

/** Milliseconds before the first failure within which a call counts, by the call's name. */
const ON_TARGETS: Readonly<Record<string, number>> = {
  StopTask: 60_000,
  TerminateInstances: 180_000,
  StopInstances: 180_000,
  RebootInstances: 60_000,
  BidEvictedEvent: 180_000,
  TerminateInstanceInAutoScalingGroup: 180_000,
  DeregisterTargets: 10 * 60_000,
};
/** The same for a rollout, which takes some time until the first target leaves. */
const ROLLOUT_MS = 30 * 60_000;
const ROLLOUTS =
  /^(UpdateService|CreateDeployment|StartInstanceRefresh|UpdateAutoScalingGroup|SetDesiredCapacity|ExecutePolicy|UpdateStack|ExecuteChangeSet|UpdateNodegroupVersion|DeleteService|UpdateTaskSet|DeleteTaskSet)$/;

/** Whether a call by itself replaces targets, as a deployment does. */
export const isRollout = ({ name }: Pick<EventCall, 'name'>): boolean => ROLLOUTS.test(name);

/** The targets and times of an event, to match calls with. */
export interface CallScope {
  target_group_arn: string;
  /** "address:port" as logged. */
  targets: readonly string[];
  /** Epoch milliseconds: the start of the event, and the start and the end of its first error. */
  from: number;
  firstSent: number;
  firstError: number;
  loadBalancer: string;
}

/**
 * Returns rare calls shortly before the event that name its targets or the resources these belong to; nearest first.
 */
export function callsOnTargets(scope: CallScope, evidence: EventEvidence): EventCall[] {
  const all = mutations(evidence.changes ?? []);
  const ids = new Set(scope.targets.flatMap((target) => idsOf(target, scope, evidence)));
  const near = all.filter((call) => {
    const within = ON_TARGETS[call.name] ?? (ROLLOUTS.test(call.name) ? ROLLOUT_MS : null);
    const before = scope.from - call.at;
    // The last answer may be long before the call, if requests are few.
    if (within === null || before > within || call.at > Math.max(scope.from + AFTER_MS, scope.firstSent)) return false;
    return isAboutTargets(call, ids, scope) && isRare(call, all, Math.max(before, 1000));
  });
  return near
    .sort((a, b) => b.at - a.at || (a.name < b.name ? -1 : 1))
    .map(({ name, at, user }) => ({
      ...{ name, at, user },
      secondsBefore: Math.floor(scope.firstError / 1000) - Math.floor(at / 1000),
      revert: null,
    }));
}

function idsOf(target: string, { target_group_arn, targets, from }: CallScope, evidence: EventEvidence): string[] {
  const address = splitTarget(target)?.address ?? target;
  // If several targets are gone, their instances cannot be told apart.
  const isKnown = targets.length === 1 || hasAddress(address, evidence);
  const instance = isKnown
    ? (instanceOf(target, target_group_arn, from, evidence) ??
      (targets.length === 1 ? endedInstance(target, from, evidence) : null))
    : null;
  return instance === null ? [address] : [address, instance];
}

const hasAddress = (address: string, { instances, networkInterfaces }: EventEvidence): boolean =>
  [...(instances ?? []), ...(networkInterfaces ?? [])].some(({ PrivateIpAddress }) => PrivateIpAddress === address);

function isAboutTargets(call: Mutation, ids: ReadonlySet<string>, scope: CallScope): boolean {
  if ([...ids].some((id) => call.text.includes(`"${id}"`) || call.text.split(' ').includes(id))) return true;
  // A task id cannot be linked to an address here, so only the time counts.
  if (call.name === 'StopTask') return true;
  if (call.name === 'DeregisterTargets' || ON_TARGETS[call.name] !== undefined) return false;
  const names = namesIn(call.parameters);
  const own = [targetGroupName(scope.target_group_arn), scope.loadBalancer].map(plain);
  return names.length === 0 || names.map(plain).some((name) => own.some((each) => isSameName(name, each)));
}

const NAMED =
  /^(service|serviceName|autoScalingGroupName|applicationName|stackName|taskDefinition|family|nodegroupName)$/;

/** Names of services, groups and stacks in the parameters of a call. */
export const namesIn = (parameters: Record<string, unknown>): string[] =>
  Object.entries(parameters).flatMap(([key, value]) =>
    NAMED.test(key) && typeof value === 'string' ? [value.split('/').at(-1)?.split(':')[0] ?? value] : [],
  );

/** Whether a call names a resource with one of these names. */
export const namesAlike = (call: Mutation, own: readonly string[]): boolean =>
  namesIn(call.parameters).some((name) => own.some((each) => isSameName(plain(name), plain(each))));

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

const isSameName = (name: string, own: string): boolean =>
  name.length >= 3 && own.length >= 3 && (name.includes(own) || own.includes(name));

/** Whether a call of this kind rarely falls so close by chance, given the other calls that were read. */
export function isRare(call: Mutation, all: readonly Mutation[], withinMs: number): boolean {
  const others = all.filter((other) => other !== call && other.name === call.name && isAlike(other, call));
  const rate = others.length / READ_BEFORE_MS;
  return 1 - Math.exp(-rate * withinMs) <= RARE;
}

/** Whether two calls concern the same service, group or rule; a call that names none may concern any. */
function isAlike(other: Mutation, call: Mutation): boolean {
  const [a, b] = [namesIn(other.parameters), namesIn(call.parameters)];
  const arns = (each: Mutation) => each.text.match(/arn:aws[^"\s]*:(?:targetgroup|listener|loadbalancer)[^"\s]*/)?.[0];
  return (a.join(' ') === b.join(' ') || a.length === 0 || b.length === 0) && arns(other) === arns(call);
}
