import type { Judgement } from '../causes/cause.ts';
import type { SignatureId } from '../signature.ts';
import { type Traffic, withSignature } from '../traffic.ts';
import { notShown } from './contradiction.ts';

/** The judgement of a cause that leaves a mark of its own in the log, when no error bears it: there is nothing it could explain. */
export const UNSEEN: Judgement = { claims: [], for: [], against: [], missing: [], ruledOut: false };

/** The same, but ruled out by the rows where some bear the mark of its look-alike: a 503 without a target, configured or not. */
export const besides = (traffic: Traffic, lookAlike: SignatureId): Judgement =>
  withSignature(traffic, lookAlike).length > 0 ? notShown(traffic, []) : UNSEEN;
