import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { awsProblem } from './aws-errors.ts';
import { interruptedProblem } from './call.ts';
import { assertCredentials } from './load-balancer.ts';
import type { Session } from './session.ts';

interface CallerIdentity {
  /** 12 digits. */
  account: string;
  arn: string;
}

/**
 * Returns the caller, using the role of the session. Throws Problem (exit 2) if the role cannot be assumed or AWS
 * rejects the credentials; the call needs no permission. Exit 130 when the signal aborts.
 */
export async function readIdentity(session: Session): Promise<CallerIdentity> {
  await assertCredentials(session);
  const abortSignal = AbortSignal.any([session.signal, AbortSignal.timeout(session.deadline)]);
  try {
    const { Account = '', Arn = '' } = await session
      .client(STSClient)
      .send(new GetCallerIdentityCommand({}), { abortSignal });
    return { account: Account, arn: Arn };
  } catch (error) {
    if (session.signal.aborted) throw interruptedProblem();
    throw awsProblem(error, { action: 'sts:GetCallerIdentity', ...session.place });
  }
}
