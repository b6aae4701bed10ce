/** The cause of each failed request, from what the proxy saw on the wire and what the application wrote down, never from the diagnosis. */
import type { CauseId } from '../../src/diagnose/causes/index.ts';
import type { SignatureId } from '../../src/diagnose/signature.ts';
import type { Entry } from './proxy/load-balancer.ts';

/** What an application knows of a request. */
export type Account = 'absent' | 'started' | 'finished';

/** From the output of the applications: `start` and `end` with the trace id. */
export function accountsOf(outputs: readonly string[]): Map<string, Account> {
  const accounts = new Map<string, Account>();
  for (const output of outputs)
    for (const [, what, trace = ''] of output.matchAll(/^(start|end) (Root=\S+)$/gm))
      if (what === 'end') accounts.set(trace, 'finished');
      else if (!accounts.has(trace)) accounts.set(trace, 'started');
  return accounts;
}

/** Null for a request that did not fail. */
export function causeOf({ row, seen }: Entry, account: Account): CauseId | null {
  switch (seen.failure) {
    case null:
      return row.elbStatus >= 500 ? 'target-generated' : null;
    case 'no-target':
      return 'no-registered-targets';
    case 'refused':
    case 'unreachable':
      return 'connection-refused';
    case 'timeout':
      return 'target-unreachable';
    case 'tls':
    case 'tls-timeout':
      return 'tls-handshake-failure';
    case 'fin':
    case 'rst':
    case 'own':
      return account === 'absent' && seen.idleSeconds !== null ? 'keep-alive-race' : 'closed-mid-request';
    case 'idle-timeout':
      return 'slow-target';
    case 'drained':
      return 'deregistration-delay-elapsed';
    default:
      return seen.failure;
  }
}

/** The shape of the entry that such a failure leaves, as the contract names it. */
export function signatureOf({ row, seen }: Entry): SignatureId {
  switch (seen.failure) {
    case null:
      return 'target-response';
    case 'no-target':
      return 'no-target';
    case 'refused':
    case 'unreachable':
    case 'tls':
      return 'connect-failed';
    case 'timeout':
    case 'tls-timeout':
      return 'connect-timeout';
    case 'idle-timeout':
      return 'idle-timeout';
    case 'drained':
      return 'no-response-aborted';
    case 'client-closed':
      return row.elbStatus === 460 ? 'client-closed' : 'target-response';
    default:
      return 'closed-before-response';
  }
}
