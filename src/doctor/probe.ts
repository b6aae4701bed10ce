/** Makes a call to AWS to find out whether it is allowed. */

import { awsErrorKind, describeAwsError } from '../collect/aws/aws-errors.ts';
import { interruptedProblem } from '../collect/aws/call.ts';
import type { Session } from '../collect/aws/session.ts';
import type { DoctorFinding, IamPermission } from './finding.ts';

export interface Probe extends IamPermission {
  /** Sentence part: what stays unknown without the call. */
  without: string;
  call(options: { abortSignal: AbortSignal }): Promise<unknown>;
}

type ProbeResult<T> = { value: T } | { reason: string; isDenied: boolean; name: string };

/** Makes the call within the deadline of the session. Throws only when interrupted. */
export async function probeCall<T>(
  { signal, deadline, place }: Session,
  action: string,
  call: (options: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<ProbeResult<T>> {
  try {
    return { value: await call({ abortSignal: AbortSignal.any([signal, AbortSignal.timeout(deadline)]) }) };
  } catch (error) {
    if (signal.aborted) throw interruptedProblem();
    return {
      reason: describeAwsError(error, { action, region: place.region }),
      isDenied: awsErrorKind(error) === 'denied',
      name: error instanceof Error ? error.name : '',
    };
  }
}

/** Errors about a missing or malformed resource prove that the call is allowed. */
const NOT_THERE =
  /NotFound|NotExist|NoSuch|Malformed|InvalidPrefixListI[dD]|InvalidRequestException|InvalidParameterException/;

/** Returns the finding of a probe; null when the call is allowed. */
export async function probeFinding(session: Session, probe: Probe): Promise<DoctorFinding | null> {
  const answer = await probeCall(session, probe.action, probe.call);
  if ('value' in answer || NOT_THERE.test(answer.name)) return null;
  return {
    about: answer.isDenied ? 'Permission' : 'Call',
    state: 'missing',
    text: `${answer.reason}: ${probe.without}`,
    ...(answer.isDenied ? { allow: { action: probe.action, resource: probe.resource } } : {}),
  };
}
