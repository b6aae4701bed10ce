/**
 * Owners of a logged target over time: the ECS task with its service and revision, or the instance and its Auto Scaling
 * group. An address may pass to another task, and a port of an instance to another service.
 */
import type { Evidence } from '../../evidence/evidence.ts';
import { type EcsTask, epochIn, groupsOfService, scalingGroupOf } from '../../evidence/workloads.ts';
import { splitTarget } from '../network-path/addresses.ts';
import { ECS_TASK, interfaceOwner } from './interface-owner.ts';
import { instanceOf } from './target-instance.ts';
import { instanceExit, type TaskExit, taskExit } from './task-exit.ts';

export type OwnerEvidence = Partial<
  Pick<Evidence, 'changes' | 'services' | 'tasks' | 'containerInstances' | 'instances' | 'networkInterfaces'>
>;

/** A task or instance that has or had the address and port of a target. Times are in epoch milliseconds. */
export interface TargetOwner {
  /** The ECS service; null for an instance, and for a task without a service. */
  service: string | null;
  cluster: string | null;
  /** The id of the task, 32 hexadecimal digits. */
  task: string | null;
  /** Family and revision of its task definition: "feed-api:47". */
  revision: string | null;
  /** The EC2 instance: the owner itself, or the host of the task. */
  instance: string | null;
  instanceType: string | null;
  scalingGroup: string | null;
  zone: string | null;
  /** Target groups of the service; null if the service is unknown. */
  targetGroups: readonly string[] | null;
  /** Who has the address now, if only its network interface tells: "ELB app/shop-prod". */
  interface: string | null;
  /** True if the host port identifies the owner; the address alone only identifies the instance. */
  isByPort: boolean;
  startedAt: number | null;
  stoppedAt: number | null;
  /** Why the task stopped. */
  exit: TaskExit | null;
}

export interface TargetOwners {
  /**
   * Returns the owner of the target "address:port" at this time, or the last owner before; null if unknown. `group`:
   * ARN of its target group, to find a terminated instance without an address.
   */
  at(target: string, time: number, group?: string): TargetOwner | null;
  /**
   * Returns the task that had the target at this time if its service does not use the target group (by ARN); null if
   * the service does, or no service of the group is known.
   */
  intruder(target: string, time: number, group: string): TargetOwner | null;
  /** Returns all owners of the target, by start. */
  all(target: string): readonly TargetOwner[];
}

/** The owners if neither ECS nor EC2 was read. */
export const NO_OWNERS: TargetOwners = { at: () => null, intruder: () => null, all: () => [] };

/** Milliseconds before its recorded start for which a task may already have its address. */
const STARTING_MS = 60_000;

export function targetOwners(evidence: OwnerEvidence): TargetOwners {
  const owners = new Map<string, TargetOwner[]>();
  const add = (key: string, owner: TargetOwner) => owners.set(key, [...(owners.get(key) ?? []), owner]);
  const places = instancePlaces(evidence);
  for (const [id, place] of places) for (const address of place.addresses) add(address, instanceOwner(id, place));
  for (const task of evidence.tasks ?? []) {
    const { keys, owner } = taskPlace(task, evidence);
    for (const key of keys) add(key, owner);
  }
  const found = new Map<string, readonly TargetOwner[]>();
  const all = (target: string): readonly TargetOwner[] => {
    const known = found.get(target) ?? ownersOf(target);
    found.set(target, known);
    return known;
  };
  const ownersOf = (target: string): readonly TargetOwner[] => {
    const address = splitTarget(target)?.address ?? target;
    const tasks = [...(owners.get(target) ?? []), ...(owners.get(address) ?? [])];
    // A task is more specific than its instance.
    const best = tasks.some(({ task }) => task !== null) ? tasks.filter(({ task }) => task !== null) : tasks;
    return best.sort(
      (a, b) =>
        (a.startedAt ?? 0) - (b.startedAt ?? 0) ||
        ((a.task ?? a.instance ?? '') < (b.task ?? b.instance ?? '') ? -1 : 1),
    );
  };
  const grouped = new Set((evidence.services ?? []).flatMap(groupsOfService));
  return {
    all,
    at: (target, time, group) =>
      all(target).findLast(({ startedAt }) => startedAt === null || startedAt - STARTING_MS <= time) ??
      (group === undefined ? null : goneInstance(target, time, group)) ??
      ownerByInterface(target),
    intruder: (target, time, group) => {
      const owner = all(target).findLast(({ startedAt }) => startedAt !== null && startedAt <= time);
      if (owner === undefined || owner.service === null || !grouped.has(group)) return null;
      const isThere = owner.stoppedAt === null || owner.stoppedAt >= time;
      return isThere && !owner.targetGroups?.includes(group) ? owner : null;
    },
  };

  /** Of most targets by address it is an ECS task without a name, which is not worth repeating with each address. */
  function ownerByInterface(target: string): TargetOwner | null {
    if (all(target).length > 0) return null;
    const found = interfaceOwner(splitTarget(target)?.address ?? target, evidence.networkInterfaces);
    return found === null || found === ECS_TASK ? null : { ...NOBODY, interface: found };
  }

  function goneInstance(target: string, time: number, group: string): TargetOwner | null {
    const id = instanceOf(target, group, time, evidence);
    const place = id === null ? undefined : places.get(id);
    return id === null || place === undefined ? null : instanceOwner(id, place);
  }
}

interface InstancePlace {
  addresses: string[];
  type: string | null;
  scalingGroup: string | null;
  zone: string | null;
  exit: TaskExit | null;
}

/** Instances by id, in the order of the answer. */
function instancePlaces({ instances = [], networkInterfaces = [] }: OwnerEvidence): Map<string, InstancePlace> {
  return new Map(
    instances.map((instance) => {
      const own = networkInterfaces.filter(({ Attachment }) => Attachment?.InstanceId === instance.InstanceId);
      const addresses = [instance.PrivateIpAddress, ...own.map(({ PrivateIpAddress }) => PrivateIpAddress)];
      return [
        instance.InstanceId,
        {
          addresses: [...new Set(addresses.filter((address) => address !== undefined))],
          type: instance.InstanceType ?? null,
          scalingGroup: scalingGroupOf(instance),
          zone: instance.Placement?.AvailabilityZone ?? null,
          exit: instanceExit(instance),
        },
      ] as const;
    }),
  );
}

const NOBODY: TargetOwner = {
  ...{ service: null, cluster: null, task: null, revision: null, targetGroups: null, isByPort: false },
  ...{ instance: null, instanceType: null, scalingGroup: null, zone: null, interface: null },
  ...{ startedAt: null, stoppedAt: null, exit: null },
};

const instanceOwner = (id: string, { type, scalingGroup, zone, exit }: InstancePlace): TargetOwner => ({
  ...NOBODY,
  ...{ instance: id, instanceType: type, scalingGroup, zone, stoppedAt: exit?.at ?? null, exit },
});

/** The last part of an ARN: "…:task/main/8f3c" is "8f3c", "…:cluster/main" is "main". */
const lastPart = (arn: string | undefined): string | null => arn?.split('/').at(-1) ?? null;

/** A task, and its addresses with or without ports. */
function taskPlace(task: EcsTask, evidence: OwnerEvidence): { keys: string[]; owner: TargetOwner } {
  const name = /^service:(.+)$/.exec(task.group ?? '')?.[1] ?? null;
  const service = evidence.services?.find(
    ({ serviceName, clusterArn }) => serviceName === name && clusterArn === task.clusterArn,
  );
  const { containerInstanceArn } = task;
  const host = evidence.containerInstances?.find((one) => one.containerInstanceArn === containerInstanceArn);
  const instance = containerInstanceArn === undefined ? undefined : host?.ec2InstanceId;
  const place = instance === undefined ? undefined : instancePlaces(evidence).get(instance);
  const own = addressesOf(task);
  const ports = (task.containers ?? []).flatMap(({ networkBindings = [] }) =>
    networkBindings.flatMap(({ hostPort }) => hostPort ?? []),
  );
  const hostKeys = (place?.addresses ?? []).flatMap((address) => ports.map((port) => `${address}:${port}`));
  return {
    keys: own.length > 0 ? own : [...new Set(hostKeys)],
    owner: {
      ...NOBODY,
      service: name,
      cluster: lastPart(task.clusterArn),
      task: lastPart(task.taskArn),
      revision: lastPart(task.taskDefinitionArn),
      instance: instance ?? null,
      instanceType: place?.type ?? null,
      scalingGroup: place?.scalingGroup ?? null,
      zone: task.availabilityZone ?? place?.zone ?? null,
      targetGroups: service === undefined ? null : groupsOfService(service),
      isByPort: own.length === 0,
      startedAt: epochIn(task.startedAt),
      stoppedAt: epochIn(task.stoppedAt ?? task.executionStoppedAt),
      exit: taskExit(task),
    },
  };
}

/** Addresses of the task's own network interface (network mode awsvpc). */
function addressesOf({ attachments = [], containers = [] }: EcsTask): string[] {
  const attached = attachments.flatMap(({ details = [] }) =>
    details.flatMap(({ name, value }) => (/^privateIPv[46]Address$/i.test(name ?? '') ? (value ?? []) : [])),
  );
  const ofContainers = containers.flatMap(({ networkInterfaces = [] }) =>
    networkInterfaces.flatMap(({ privateIpv4Address }) => privateIpv4Address ?? []),
  );
  return [...new Set([...attached, ...ofContainers])].sort();
}
