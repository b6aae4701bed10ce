import type { Question } from '../../evidence/question.ts';
import type { CauseId } from '../causes/index.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import type { DiagnosisEvidence, DiagnosisEvidenceName } from '../diagnosis-evidence.ts';

export type StepNumber = 1 | 2 | 3 | 4 | 5 | 6;

export const STEP_NUMBERS: readonly StepNumber[] = [1, 2, 3, 4, 5, 6];

/** One question of the checklist. Pure: uses no clock and no environment, only the declared evidence. */
export interface Check<
  Needs extends DiagnosisEvidenceName = DiagnosisEvidenceName,
  Wants extends DiagnosisEvidenceName = DiagnosisEvidenceName,
  Id extends string = string,
> {
  /** Kebab-case noun; the name of its file. */
  id: Id;
  step: StepNumber;
  /** What is checked, inside a sentence: "the registered ports" follows "Could not check". */
  subject: string;
  /** A question that a pass answers with "yes"; ends with a question mark. */
  question: string;
  why: string;
  /** What to do if it fails. */
  fix: string;
  /** An AWS documentation page. */
  reference: string;
  /** Set if the check only describes the errors: its fault adds nothing to a verdict that names a cause. */
  symptom?: true;
  /** Causes that equal or imply this fault; a verdict that names one of them covers the fault. */
  namedBy?: readonly CauseId[];
  /** Judges the log itself: it also runs if the log has no entry in the window, where other checks could only pass for want of requests. */
  judgesEmptyLog?: true;
  /** Set if its sentence says when something happened: it is shown beside the timeline. */
  isTimed?: true;
  /** Set if a fault lies in front of the load balancer: it leads the answer. */
  isInFront?: true;
  /** If a whole step passes, its check with the lowest rank represents the step. */
  headline?: number;
  /** If any of these is missing, the runner answers `unknown` with the reason. */
  needs: readonly Needs[];
  /** Optional; `evaluate` gets undefined if it could not be read. */
  wants: readonly Wants[];
  evaluate(
    evidence: Pick<DiagnosisEvidence, Needs> & Partial<Pick<DiagnosisEvidence, Wants>>,
    question: Question,
  ): CheckVerdict;
}

/** Returns its argument; infers which evidence `evaluate` may read. */
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
