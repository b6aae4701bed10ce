/** Finds the names of a logged target in API calls and instance data. */
import type { Evidence } from '../../evidence/evidence.ts';
import { splitTarget } from '../network-path/addresses.ts';
import { instanceByAddress, instanceById, interfaceByAddress } from '../network-path/instance-lookup.ts';
import { deregistrations, mutations } from '../patterns/configuration-changes.ts';

type NamingEvidence = Partial<Pick<Evidence, 'changes' | 'instances' | 'networkInterfaces'>>;

/**
 * The instance of a target "address:port"; null if unknown. A terminated instance has lost its address, so the result
 * is the only instance without an address that was deregistered from the target group (by ARN) at or after `from`
 * (epoch milliseconds).
 */
export function instanceOf(target: string, arn: string, from: number, evidence: NamingEvidence): string | null {
  const address = splitTarget(target)?.address ?? target;
  return (
    interfaceByAddress(evidence.networkInterfaces, address)?.Attachment?.InstanceId ??
    instanceByAddress(evidence.instances, address)?.InstanceId ??
    goneInstance(arn, from, evidence)
  );
}

function goneInstance(arn: string, from: number, { instances, changes }: NamingEvidence): string | null {
  if (instances === undefined) return null;
  const gone = deregistrations(changes ?? [])
    .filter((call) => call.targetGroupArn === arn && call.at >= from)
    .flatMap((call) => call.targets.map(({ id }) => id))
    .filter((id) => id.startsWith('i-') && !instanceById(instances, id)?.PrivateIpAddress);
  const [only, ...others] = [...new Set(gone)];
  return only !== undefined && others.length === 0 ? only : null;
}

/** Milliseconds between the call that ends an instance and its last answer, either way. */
const ENDS_WITHIN_MS = 180_000;
const ENDING_CALLS = /^(TerminateInstances|StopInstances|BidEvictedEvent|TerminateInstanceInAutoScalingGroup)$/;
const INSTANCE_ID = /^i-[0-9a-f]{8,17}$/;

/**
 * The instance that was terminated or stopped when a target fell silent at `from` (epoch milliseconds), for a target whose
 * address no instance has any more: the only one, and none that EC2 still shows with an address. Nothing but the time connects the two.
 */
export function endedInstance(target: string, from: number, { instances, changes }: NamingEvidence): string | null {
  const address = splitTarget(target)?.address ?? target;
  if (instances === undefined || instanceByAddress(instances, address) !== undefined) return null;
  const ended = mutations(changes ?? [])
    .filter(({ name, at }) => ENDING_CALLS.test(name) && at <= from + SAME_SECOND_MS && from - at <= ENDS_WITHIN_MS)
    .flatMap(({ parameters }) => instanceIdsIn(parameters))
    .filter((id) => !instanceById(instances, id)?.PrivateIpAddress);
  const [only, ...others] = [...new Set(ended)];
  return only !== undefined && others.length === 0 ? only : null;
}

/** CloudTrail keeps whole seconds, and nodes notice a little later. */
const SAME_SECOND_MS = 2_000;

/** requestParameters.instancesSet.items[].instanceId, or instanceId (CloudTrail records of EC2 and Auto Scaling). */
function instanceIdsIn(parameters: Record<string, unknown>): string[] {
  const found: string[] = [];
  const search = (value: unknown): void => {
    if (typeof value === 'string' && INSTANCE_ID.test(value)) found.push(value);
    else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) search(inner);
  };
  search(parameters);
  return found;
}
