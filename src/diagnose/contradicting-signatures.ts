/** Explains how the rows contradict a cause: no error has a signature that the cause can produce. */

import { requestsOf } from '../format/wording.ts';
import { type Judgement, ruledOut } from './judgement.ts';
import type { SignatureId } from './signature.ts';
import { type Traffic, withSignature } from './traffic.ts';

const SIGNATURE_TEXT: Partial<Record<SignatureId, string>> = {
  'client-closed': 'ended because the client closed the connection',
  'target-response': 'ended with the status that the target sent',
  'lambda-failure': 'failed in a Lambda function',
  'authentication-failure': 'failed at authentication, before a target was chosen',
  'waf-failure': 'failed in AWS WAF, before a target was chosen',
  'fixed-response': 'got a fixed response of a listener rule',
  'no-target': 'found no target to connect to',
  'connect-failed': 'failed while connecting, immediately rather than after the 10 s timeout',
  'connect-timeout': 'ended at the 10 s connect timeout, before anything was sent',
  'idle-timeout': 'went over an open connection and ended at the idle timeout',
  'no-response-aborted': 'went over an open connection until the load balancer ended it before any response',
  'closed-before-response': 'went over an open connection; the target closed it or sent an invalid response',
};

/**
 * A failed connection to a target ends as 502, 503 or 504; any other status comes from the request, a rule or the load
 * balancer itself. Only a slow client may also end as 400 or 408.
 */
const otherSignatureText = (traffic: Traffic, admissible: readonly SignatureId[]): string | undefined =>
  !admissible.includes('idle-timeout') ||
  withSignature(traffic, 'other').every(({ elb_status_code }) => /^5/.test(elb_status_code))
    ? 'ended with a status that no connection to a target causes'
    : undefined;

/**
 * Returns a sentence if no error has an admissible signature and each has one that excludes the cause. Null if an error
 * could have that cause, or is too unusual to tell.
 */
export function contradictingSignatures(traffic: Traffic, admissible: readonly SignatureId[]): string | null {
  const perSignature = traffic.bySignature.map(({ id, count }) => {
    const sentence = admissible.includes(id)
      ? undefined
      : id === 'other'
        ? otherSignatureText(traffic, admissible)
        : SIGNATURE_TEXT[id];
    return sentence === undefined ? null : `${requestsOf(count, traffic.errorCount)} ${sentence}`;
  });
  const sentences = perSignature.flatMap((sentence) => sentence ?? []);
  return sentences.length === perSignature.length && sentences.length > 0 ? `${sentences.join('; ')}.` : null;
}

/** Rules a cause out if no error has an admissible signature. */
export function ruledOutBySignature(traffic: Traffic, admissible: readonly SignatureId[]): Judgement {
  const sentence = contradictingSignatures(traffic, admissible);
  return ruledOut(sentence === null ? [] : [sentence]);
}
