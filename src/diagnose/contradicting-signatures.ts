/** Why the rows themselves contradict a cause: what every error shows instead of the signatures that the cause could leave. */

import { list, outOf } from '../format/wording.ts';
import { type Judgement, ruledOut } from './judgement.ts';
import type { SignatureId } from './signature.ts';
import { type Traffic, withSignature } from './traffic.ts';

const SIGNATURE_TEXT: Partial<Record<SignatureId, string>> = {
  'client-closed': 'ended because the client closed',
  'target-response': 'carry the status that the target itself sent',
  'lambda-failure': 'are failures of a Lambda function',
  'authentication-failure': 'failed at authentication, before a target was chosen',
  'waf-failure': 'failed in AWS WAF, before a target was chosen',
  'fixed-response': 'are a fixed response of a listener rule',
  'no-target': 'found no target to connect to',
  'connect-failed': 'failed while connecting, before the request was sent, and not by a 10 s timeout',
  'connect-timeout': 'ended at the 10 s connect timeout, before the request was sent',
  'idle-timeout': 'were sent on an open connection and ran into the idle timeout',
  'no-response-aborted': 'were sent on an open connection and ended by the load balancer before any response',
  'closed-before-response': 'were sent on an open connection that the target closed or answered badly',
};

/**
 * What a connection to a target comes to is a 502, 503 or 504; every other status is of the request, a rule or the load balancer itself. Only
 * a client that is slow to send may end as a 400 or 408 too.
 */
const otherSignatureText = (traffic: Traffic, admissible: readonly SignatureId[]): string | undefined =>
  !admissible.includes('idle-timeout') ||
  withSignature(traffic, 'other').every(({ elb_status_code }) => /^5/.test(elb_status_code))
    ? 'have a status that no connection to a target leaves'
    : undefined;

/**
 * A sentence when no error has one of the admissible signatures and each has one that excludes the cause; null when some error could be
 * of that cause, or is too odd to say.
 */
export function contradictingSignatures(traffic: Traffic, admissible: readonly SignatureId[]): string | null {
  const perSignature = traffic.bySignature.map(({ id, count }) => {
    const sentence = admissible.includes(id)
      ? undefined
      : id === 'other'
        ? otherSignatureText(traffic, admissible)
        : SIGNATURE_TEXT[id];
    return sentence === undefined ? null : `${outOf(count, traffic.errorCount)} errors ${sentence}`;
  });
  const sentences = perSignature.flatMap((sentence) => sentence ?? []);
  return sentences.length === perSignature.length && sentences.length > 0 ? `${list(sentences)}.` : null;
}

/** Ruled out when none of the errors has an admissible signature. */
export function ruledOutBySignature(traffic: Traffic, admissible: readonly SignatureId[]): Judgement {
  const sentence = contradictingSignatures(traffic, admissible);
  return ruledOut(sentence === null ? [] : [sentence]);
}
