/** What a check answers. */

export type CheckOutcome = 'pass' | 'fail' | 'unknown' | 'not-applicable';

/** A number or a word with its label and, where it has one, its unit. */
export interface Fact {
  label: string;
  value: number | string;
  unit?: 'seconds' | 'requests' | 'percent' | 'bytes';
}

export type CheckVerdict =
  | { outcome: 'pass'; summary: string; facts?: Fact[] }
  /** `fix`: what to do in this case, with names; without it the check's own advice is given. */
  | { outcome: 'fail'; summary: string; facts?: Fact[]; fix?: string }
  /** `missing`: wanted evidence that could not be collected would have decided it. */
  | { outcome: 'unknown'; summary: string; facts?: Fact[]; missing?: true }
  | { outcome: 'not-applicable'; summary: string; facts?: never };
