/**
 * Finds CloudTrail calls that coincide with an event, by the resources they name, how rare they are, and the delay.
 */
import { ownValue } from '../../format/own-value.ts';
import { splitTarget } from '../network-path/addresses.ts';
import { type Mutation, mutations } from '../patterns/configuration-changes.ts';
import { endedInstance, instanceOf } from '../targets/target-instance.ts';
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
interface CallScope {
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
  const isRare = rareAmong(all);
  const ids = new Set(scope.targets.flatMap((target) => idsOf(target, scope, evidence)));
  const near = all.filter((call) => {
    const within = ownValue(ON_TARGETS, call.name) ?? (ROLLOUTS.test(call.name) ? ROLLOUT_MS : null);
    const before = scope.from - call.at;
    // The last answer may be long before the call, if requests are few.
    if (within === null || before > within || call.at > Math.max(scope.from + AFTER_MS, scope.firstSent)) return false;
    return isAboutTargets(call, ids, scope) && isRare(call, Math.max(before, 1000));
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
  if (call.name === 'DeregisterTargets' || ownValue(ON_TARGETS, call.name) !== undefined) return false;
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

/** Returns a function that tells whether a call of its kind rarely falls so close by chance, given `all` that were read. */
export function rareAmong(all: readonly Mutation[]): (call: Mutation, withinMs: number) => boolean {
  let kinds: ReturnType<typeof countKinds> | null = null;
  return (call, withinMs) => {
    kinds ??= countKinds(all);
    const kind = kinds.get(kindOf(call));
    const names = namesOf(call);
    // A call that names none may concern any.
    const alike = names === '' ? (kind?.total ?? 0) : (kind?.byNames.get(names) ?? 0) + (kind?.byNames.get('') ?? 0);
    const rate = Math.max(0, alike - 1) / READ_BEFORE_MS;
    return 1 - Math.exp(-rate * withinMs) <= RARE;
  };
}

/** Calls by kind, and in each by the services or groups that they name. */
function countKinds(all: readonly Mutation[]): Map<string, { total: number; byNames: Map<string, number> }> {
  const kinds = new Map<string, { total: number; byNames: Map<string, number> }>();
  for (const call of all) {
    const kind = kinds.get(kindOf(call)) ?? { total: 0, byNames: new Map<string, number>() };
    kind.byNames.set(namesOf(call), (kind.byNames.get(namesOf(call)) ?? 0) + 1);
    kinds.set(kindOf(call), { ...kind, total: kind.total + 1 });
  }
  return kinds;
}

const namesOf = ({ parameters }: Mutation): string => namesIn(parameters).join(' ');

/** The name of a call, and the listener, group or load balancer that it concerns. */
const kindOf = ({ name, text }: Mutation): string =>
  `${name} ${/arn:aws[^"\s]{0,100}:(?:targetgroup|listener|loadbalancer)[^"\s]{0,300}/.exec(text)?.[0] ?? ''}`;
