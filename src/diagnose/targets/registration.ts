/**
 * Finds whether a logged target is registered now, and its state. The log has addresses; registrations may have
 * instance ids.
 */
import type { TargetHealthDescription } from '../../evidence/aws.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { instanceById, primaryInterfaceOf } from '../network-path/instance-lookup.ts';
import { oncePerParts } from '../network-path/once-per-parts.ts';

export type RegistrationEvidence = Partial<Pick<DiagnosisEvidence, 'targetHealth' | 'instances' | 'networkInterfaces'>>;

export interface Registration {
  /**
   * A state from describe-target-health. "absent" if the addresses of all registered targets are known and this target
   * has none of them.
   */
  state: string;
  reason: string | null;
}

/** Null if health was not read, or addresses of registered ids are unknown. */
export function registrationOf(arn: string, target: string, evidence: RegistrationEvidence): Registration | null {
  const described = evidence.targetHealth?.[arn];
  if (!described) return null;
  const port = Number(target.slice(target.lastIndexOf(':') + 1));
  const address = target.slice(0, target.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const { byAddress, unresolved, states } = groupOf([described, evidence.instances, evidence.networkInterfaces], () =>
    describedGroup(described, evidence),
  );
  const own = byAddress.get(address)?.find(({ Target }) => (Target.Port ?? port) === port);
  if (own) return { state: own.TargetHealth?.State ?? 'unknown', reason: own.TargetHealth?.Reason ?? null };
  if (!unresolved) return { state: 'absent', reason: null };
  // Every instance of the group serves as the example, because none is healthy.
  const [state] = states;
  return states.size === 1 && state === 'unhealthy'
    ? { state, reason: described[0]?.TargetHealth?.Reason ?? null }
    : null;
}

/** False if the target is being removed, or if its registration is unknown. */
export const isStillRegistered = (registration: Registration | null): boolean =>
  registration !== null && registration.state !== 'absent' && registration.state !== 'draining';

interface DescribedGroup {
  byAddress: ReadonlyMap<string | null, TargetHealthDescription[]>;
  /** Whether the address of a registered id is unknown. */
  unresolved: boolean;
  states: ReadonlySet<string>;
}

const groupOf = oncePerParts<DescribedGroup>();

function describedGroup(described: readonly TargetHealthDescription[], evidence: RegistrationEvidence): DescribedGroup {
  const byAddress = Map.groupBy(described, ({ Target }) => addressOf(Target.Id, evidence));
  const states = new Set(described.map(({ TargetHealth }) => TargetHealth?.State ?? 'unknown'));
  return { byAddress, unresolved: byAddress.has(null), states };
}

/** The address of a registered id: itself, or the primary address of the instance's primary interface. */
function addressOf(id: string, { instances, networkInterfaces }: RegistrationEvidence): string | null {
  if (!id.startsWith('i-')) return id;
  return (
    primaryInterfaceOf(networkInterfaces, id)?.PrivateIpAddress ?? instanceById(instances, id)?.PrivateIpAddress ?? null
  );
}
