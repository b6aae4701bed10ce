/** Asks each cause about the errors it can explain; rules common to all causes are here. */

import type { Question } from '../evidence/evidence.ts';
import { number, outOf } from '../format/wording.ts';
import { errorMessage } from '../problem.ts';
import type { Cause } from './causes/cause.ts';
import { contradictingSignatures } from './contradicting-signatures.ts';
import type { DiagnosisEvidence } from './diagnosis-evidence.ts';
import { isNonEmpty, type Judgement, ruledOut, untested } from './judgement.ts';
import type { SignatureId } from './signature.ts';
import { type Traffic, withSignature } from './traffic.ts';

/** `evidence` holds what the cause declared and nothing else. An error in a cause leaves it untested; it does not end the diagnosis. */
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

/** What a connection to a target comes to: rows show how far it got, so rows of other signatures rule out a cause of these. */
const OF_CONNECTIONS: readonly SignatureId[] = [
  'connect-failed',
  'connect-timeout',
  'idle-timeout',
  'no-response-aborted',
  'closed-before-response',
];
/** A 503 without a target has one of these, so rows of one rule out the causes of the other. */
const WITHOUT_TARGET: readonly SignatureId[] = ['no-target', 'fixed-response'];

/** Any other cause leaves a mark of its own in the log: without it there is nothing that the cause could explain. */
function judgeBySignatures({ signatures }: Cause, traffic: Traffic): Judgement {
  const seen = traffic.bySignature.map(({ id }) => id);
  const comparable =
    signatures.some((id) => OF_CONNECTIONS.includes(id)) ||
    (signatures.some((id) => WITHOUT_TARGET.includes(id)) && seen.some((id) => WITHOUT_TARGET.includes(id)));
  const sentence = comparable ? contradictingSignatures(traffic, signatures) : null;
  return ruledOut(sentence === null ? [] : [sentence]);
}

/** Errors that are counted but are not among the rows that were chosen to be read. */
function unreadErrors({ signatures }: Cause, traffic: Traffic): string | null {
  const count = traffic.bySignature
    .filter(({ id }) => signatures.includes(id))
    .reduce((sum, each) => sum + each.count, 0);
  if (count === 0) return null;
  return `${outOf(count, traffic.errorCount)} errors could have this cause, but are not among the ${number(traffic.errors.length)} examined one by one. Ask for a shorter window or for that status alone.`;
}
