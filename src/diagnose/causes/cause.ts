import type { Question } from '../../evidence/evidence.ts';
import type { CauseId } from '../cause-ids.ts';
import type { DiagnosisEvidence, DiagnosisEvidenceName } from '../checks/check.ts';
import type { Fix } from '../diagnosis.ts';
import type { SampledError } from '../traffic.ts';

/**
 * confirmed: the signature admits only this cause, or a source outside the log shows it.
 * likely: the pattern fits and every look-alike is contradicted by a number. possible: fits, and look-alikes stand.
 */
export type Strength = 'confirmed' | 'likely' | 'possible';

/** Errors that a cause claims. Each error ends up with at most one confirmed or likely cause; diagnose.ts decides conflicts. */
export interface CauseClaim {
  errors: SampledError[];
  strength: Strength;
}

export interface Judgement {
  claims: CauseClaim[];
  /** Sentences with numbers. */
  for: string[];
  against: string[];
  /** What could not be looked at and would have mattered. */
  missing: string[];
  /** The headline of this case, one sentence; without it the title and the first sentence for it are used. */
  summary?: string;
  /** A number contradicts the cause for every error. Only read when there is no claim; the sentences are in `against`. */
  ruledOut: boolean;
}

export interface Cause<Wants extends DiagnosisEvidenceName = DiagnosisEvidenceName> {
  id: CauseId;
  title: string;
  /** What it is, one sentence for the README. */
  explanation: string;
  reference: string;
  wants: readonly Wants[];
  /** Called only with asked errors in the window; a missing entry of `known` could not be looked at. */
  judge(evidence: CauseEvidence<Wants>, question: Question): Judgement;
  fix(evidence: CauseEvidence<Wants>, question: Question): Fix;
}

/** The traffic is always there when a cause is judged. */
export type CauseEvidence<Wants extends DiagnosisEvidenceName> = Pick<DiagnosisEvidence, 'traffic'> &
  Partial<Pick<DiagnosisEvidence, Wants>>;

/** Returns its argument: it exists to infer which evidence the cause may read. */
export const defineCause = <const Wants extends DiagnosisEvidenceName = never>(cause: Cause<Wants>): Cause<Wants> =>
  cause;
