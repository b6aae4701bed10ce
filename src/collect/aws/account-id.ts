import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { awsProblem } from './aws-errors.ts';
import type { Session } from './session.ts';

/** The 12 digits of the account that the credentials belong to. Throws Problem (exit 2) if AWS does not know them; the call needs no permission. */
export async function readAccountId(session: Session): Promise<string> {
  const abortSignal = AbortSignal.any([session.signal, AbortSignal.timeout(session.deadline)]);
  try {
    const { Account = '' } = await session.client(STSClient).send(new GetCallerIdentityCommand({}), { abortSignal });
    return Account;
  } catch (error) {
    throw awsProblem(error, { action: 'sts:GetCallerIdentity', ...session.place });
  }
}
