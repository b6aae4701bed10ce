/** Judges each cause on the errors it can explain; applies the rules common to all causes. */

import type { Question } from '../evidence/question.ts';
import { number, requestsOf } from '../format/wording.ts';
import { errorMessage } from '../problem.ts';
import type { Cause } from './causes/cause.ts';
import { contradictingSignatures } from './contradicting-signatures.ts';
import type { DiagnosisEvidence } from './diagnosis-evidence.ts';
import { isNonEmpty, type Judgement, ruledOut, untested } from './judgement.ts';
import type { SignatureId } from './signature.ts';
import { type Traffic, withSignature } from './traffic.ts';

/**
 * Judges one cause on exactly the evidence it declared. If the cause throws, it stays untested and the diagnosis
 * continues.
 */
export function judgeCause(
  cause: Cause,
  evidence: Pick<DiagnosisEvidence, 'traffic'> & Partial<DiagnosisEvidence>,
  question: Question,
): Judgement {
  const { traffic } = evidence;
  const errors = withSignature(traffic, ...cause.signatures);
  try {
    if (isNonEmpty(errors)) return cause.judge(evidence, question, errors);
    const unread = unreadErrors(cause, traffic);
    if (unread !== null) return untested([unread]);
    return cause.judgeWithoutErrors?.(evidence, question) ?? judgeBySignatures(cause, traffic);
  } catch (error) {
    return untested([judgeErrorText(error)]);
  }
}

export const judgeErrorText = (error: unknown): string => `Could not be judged: ${errorMessage(error)}.`;

/**
 * Outcomes of a connection to a target. A row shows how far a connection got, so rows with other signatures rule out
 * these causes.
 */
const OF_CONNECTIONS: readonly SignatureId[] = [
  'connect-failed',
  'connect-timeout',
  'idle-timeout',
  'no-response-aborted',
  'closed-before-response',
];
/** The signatures of a 503 without a target; each rules out the causes of the other. */
const ANSWERED_AT_ONCE: readonly SignatureId[] = ['no-target', 'fixed-response'];

/** Every other cause leaves its own signature in the log; without it, the cause explains nothing. */
function judgeBySignatures({ signatures }: Cause, traffic: Traffic): Judgement {
  const seen = traffic.bySignature.map(({ id }) => id);
  const comparable =
    signatures.some((id) => OF_CONNECTIONS.includes(id)) ||
    (signatures.some((id) => ANSWERED_AT_ONCE.includes(id)) && seen.some((id) => ANSWERED_AT_ONCE.includes(id)));
  const sentence = comparable ? contradictingSignatures(traffic, signatures) : null;
  return ruledOut(sentence === null ? [] : [sentence]);
}

/** Errors that are counted but not among the rows sampled for reading. */
function unreadErrors({ signatures }: Cause, traffic: Traffic): string | null {
  const count = traffic.bySignature
    .filter(({ id }) => signatures.includes(id))
    .reduce((sum, each) => sum + each.count, 0);
  if (count === 0) return null;
  return `${requestsOf(count, traffic.errorCount)} could have this cause, but are not among the ${number(traffic.errors.length)} examined one by one. Ask for a shorter window or for that status alone.`;
}
