/** The answer of a check. */

export type CheckOutcome = 'pass' | 'fail' | 'unknown' | 'not-applicable';

/** A labelled number or word, with its unit if it has one. */
export interface Fact {
  label: string;
  value: number | string;
  unit?: 'seconds' | 'requests' | 'percent' | 'bytes';
}

export type CheckVerdict =
  | { outcome: 'pass'; summary: string; brief?: string; facts?: Fact[] }
  /**
   * `fix`: what to do in this case, naming resources; if absent, the check's own advice applies. `afterwards`: what
   * remains to do if a cause of the verdict explains the fault, whose fix comes first. `settings`: lines to copy for
   * the fix. `brief`: the summary in at most about 40 characters, without long names; required if the summary's first
   * sentence is longer.
   */
  | {
      outcome: 'fail';
      summary: string;
      brief?: string;
      facts?: Fact[];
      fix?: string;
      afterwards?: string;
      settings?: string[];
    }
  /** `missing`: wanted evidence that could not be collected would have decided it. */
  | { outcome: 'unknown'; summary: string; brief?: string; facts?: Fact[]; missing?: true }
  | { outcome: 'not-applicable'; summary: string; brief?: string; facts?: never };
