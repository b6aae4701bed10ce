import type { Question } from '../../evidence/evidence.ts';
import type { CauseId } from '../cause-ids.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import type { DiagnosisEvidence, DiagnosisEvidenceName } from '../diagnosis-evidence.ts';

export type StepNumber = 1 | 2 | 3 | 4 | 5 | 6;

/** One question of the checklist. Pure: it reads no clock, no environment and only the evidence it declares. */
export interface Check<
  Needs extends DiagnosisEvidenceName = DiagnosisEvidenceName,
  Wants extends DiagnosisEvidenceName = DiagnosisEvidenceName,
  Id extends string = string,
> {
  /** Kebab-case noun; the name of its file. */
  id: Id;
  step: StepNumber;
  /** What a pass answers "yes" to; ends with a question mark. */
  question: string;
  why: string;
  /** What to do when it fails. */
  fix: string;
  /** An AWS documentation page. */
  reference: string;
  /** It shows what errors look like: a fault of it adds nothing to a verdict that names a cause. */
  symptom?: true;
  /** Causes that are the name of its fault, or that the fault follows from: a verdict that names one says as much. */
  namedBy?: readonly CauseId[];
  /** Where all of its step is in order, the check with the lowest rank speaks for the step. */
  headline?: number;
  /** Without any of these the outcome is `unknown`, with the reason; the runner decides that. */
  needs: readonly Needs[];
  /** Used when there; `evaluate` finds undefined when it could not be looked at. */
  wants: readonly Wants[];
  evaluate(
    evidence: Pick<DiagnosisEvidence, Needs> & Partial<Pick<DiagnosisEvidence, Wants>>,
    question: Question,
  ): CheckVerdict;
}

/** Returns its argument: it exists to infer which evidence `evaluate` may read. */
export const defineCheck = <
  const Needs extends DiagnosisEvidenceName,
  const Wants extends DiagnosisEvidenceName = never,
  const Id extends string = string,
>(
  check: Check<Needs, Wants, Id>,
): Check<Needs, Wants, Id> => check;

export const STEP_TITLES: Record<StepNumber, string> = {
  1: 'Access log: who failed, and how',
  2: 'Target group protocol and port',
  3: 'Keep-alive and idle timeout',
  4: 'HTTP response format',
  5: 'Security groups and network ACLs',
  6: 'Targets, deployments, capacity',
};
