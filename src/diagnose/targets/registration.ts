/** Whether a logged target is registered now, and in which state: the log has addresses, registrations may have instance ids. */
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';

export type RegistrationEvidence = Partial<Pick<DiagnosisEvidence, 'targetHealth' | 'instances' | 'networkInterfaces'>>;

export interface Registration {
  /** State of describe-target-health, or "absent" when the answer lists every target by an address and not this one. */
  state: string;
  reason: string | null;
}

/** Null when health was not seen, or the registered ids cannot be turned into addresses. */
export function registrationOf(arn: string, target: string, evidence: RegistrationEvidence): Registration | null {
  const described = evidence.targetHealth?.[arn];
  if (!described) return null;
  const port = Number(target.slice(target.lastIndexOf(':') + 1));
  const address = target.slice(0, target.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  let unresolved = false;
  const states = new Set(described.map(({ TargetHealth }) => TargetHealth?.State ?? 'unknown'));
  for (const { Target, TargetHealth } of described) {
    const at = addressOf(Target.Id, evidence);
    if (at === null) unresolved = true;
    if (at === address && (Target.Port ?? port) === port) {
      return { state: TargetHealth?.State ?? 'unknown', reason: TargetHealth?.Reason ?? null };
    }
  }
  if (!unresolved) return { state: 'absent', reason: null };
  // Whichever instance it is: none of the group is healthy.
  const [state] = states;
  return states.size === 1 && state === 'unhealthy'
    ? { state, reason: described[0]?.TargetHealth?.Reason ?? null }
    : null;
}

/** The address a registered id stands for: itself, or the primary address of the instance's primary interface. */
function addressOf(id: string, { instances, networkInterfaces }: RegistrationEvidence): string | null {
  if (!id.startsWith('i-')) return id;
  const primary = networkInterfaces?.find(
    (eni) => eni.Attachment?.InstanceId === id && eni.Attachment.DeviceIndex === 0,
  );
  return primary?.PrivateIpAddress ?? instances?.find((i) => i.InstanceId === id)?.PrivateIpAddress ?? null;
}
