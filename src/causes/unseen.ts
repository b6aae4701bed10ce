import type { Judgement } from './cause.ts';

/** The judgement of a cause that leaves a mark of its own in the log, when no error bears it: there is nothing it could explain. */
export const UNSEEN: Judgement = { claims: [], for: [], against: [], missing: [], ruledOut: false };
