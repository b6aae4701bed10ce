import type { Judgement } from '../causes/cause.ts';
import type { SignatureId } from '../signature.ts';
import { type Traffic, withSignature } from '../traffic.ts';
import { ruledOutBySignature } from './contradiction.ts';

/** The judgement of a cause that leaves a mark of its own in the log, when no error bears it: there is nothing it could explain. */
export const NO_MATCHING_ERRORS: Judgement = { claims: [], for: [], against: [], missing: [], ruledOut: false };

/** The same, but ruled out by the rows where some bear the mark of its look-alike: a 503 without a target, configured or not. */
export const ruledOutBy = (traffic: Traffic, lookAlike: SignatureId): Judgement =>
  withSignature(traffic, lookAlike).length > 0 ? ruledOutBySignature(traffic, []) : NO_MATCHING_ERRORS;
