/** One call to AWS that is made to see whether it is allowed. */

import { awsErrorKind, describeAwsError } from '../collect/aws/aws-errors.ts';
import { interruptedProblem } from '../collect/aws/call.ts';
import type { Session } from '../collect/aws/session.ts';
import type { DoctorFinding, IamPermission } from './finding.ts';

export interface Probe extends IamPermission {
  /** What stays unknown without it. */
  without: string;
  call(options: { abortSignal: AbortSignal }): Promise<unknown>;
}

export type ProbeResult<T> = { value: T } | { reason: string; isDenied: boolean; name: string };

/** Asks, within the deadline of the session. */
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

/** That a thing is not there was said by someone who was let in. */
const NOT_THERE = /NotFound|NotExist|NoSuch|Malformed|InvalidPrefixListI[dD]|InvalidRequestException/;

/** What a probe came to; null when it is allowed. */
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
