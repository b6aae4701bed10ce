/** The answer of a check. */

export type CheckOutcome = 'pass' | 'fail' | 'unknown' | 'not-applicable';

/** A number or a word with its label and, if it has one, its unit. */
export interface Fact {
  label: string;
  value: number | string;
  unit?: 'seconds' | 'requests' | 'percent' | 'bytes';
}

export type CheckVerdict =
  | { outcome: 'pass'; summary: string; brief?: string; facts?: Fact[] }
  /**
   * `fix`: what to do in this case, with names; without it the check's own advice is given. `brief`: the summary in a few words, at most
   * some 40 characters, without names that may be long; needed where the first sentence of the summary is longer.
   */
  | { outcome: 'fail'; summary: string; brief?: string; facts?: Fact[]; fix?: string }
  /** `missing`: wanted evidence that could not be collected would have decided it. */
  | { outcome: 'unknown'; summary: string; facts?: Fact[]; missing?: true }
  | { outcome: 'not-applicable'; summary: string; facts?: never };
