/** Judges each cause on the errors it can explain; applies the rules common to all causes. */

import type { Question } from '../evidence/evidence.ts';
import { number, outOf } from '../format/wording.ts';
import { errorMessage } from '../problem.ts';
import type { Cause } from './causes/cause.ts';
import { contradictingSignatures } from './contradicting-signatures.ts';
import type { DiagnosisEvidence } from './diagnosis-evidence.ts';
import { isNonEmpty, type Judgement, ruledOut, untested } from './judgement.ts';
import type { SignatureId } from './signature.ts';
import { type Traffic, withSignature } from './traffic.ts';

/**
 * Judges one cause on exactly the `evidence` it declared. An exception in a cause leaves it untested without ending the
 * diagnosis.
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
 * Outcomes of a connection to a target: a row shows how far it got, so rows of other signatures rule out such a cause.
 */
const OF_CONNECTIONS: readonly SignatureId[] = [
  'connect-failed',
  'connect-timeout',
  'idle-timeout',
  'no-response-aborted',
  'closed-before-response',
];
/** A 503 without a target has one of these signatures, so rows of one rule out the causes of the other. */
const WITHOUT_TARGET: readonly SignatureId[] = ['no-target', 'fixed-response'];

/** Any other cause leaves its own mark in the log; without that mark there is nothing for it to explain. */
function judgeBySignatures({ signatures }: Cause, traffic: Traffic): Judgement {
  const seen = traffic.bySignature.map(({ id }) => id);
  const comparable =
    signatures.some((id) => OF_CONNECTIONS.includes(id)) ||
    (signatures.some((id) => WITHOUT_TARGET.includes(id)) && seen.some((id) => WITHOUT_TARGET.includes(id)));
  const sentence = comparable ? contradictingSignatures(traffic, signatures) : null;
  return ruledOut(sentence === null ? [] : [sentence]);
}

/** Errors that are counted but not among the rows sampled for reading. */
function unreadErrors({ signatures }: Cause, traffic: Traffic): string | null {
  const count = traffic.bySignature
    .filter(({ id }) => signatures.includes(id))
    .reduce((sum, each) => sum + each.count, 0);
  if (count === 0) return null;
  return `${outOf(count, traffic.errorCount)} errors could have this cause, but are not among the ${number(traffic.errors.length)} examined one by one. Ask for a shorter window or for that status alone.`;
}
