/** Finds the names of a logged target in API calls and instance data. */
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { splitTarget } from '../network-path/addresses.ts';
import { instanceByAddress, instanceById, interfaceByAddress } from '../network-path/instance-lookup.ts';
import { deregistrations } from '../patterns/configuration-changes.ts';

export type NamingEvidence = Partial<Pick<DiagnosisEvidence, 'changes' | 'instances' | 'networkInterfaces'>>;

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
