import type { Evidence, Question } from '../../evidence/evidence.ts';
import type { Fact, StepNumber } from '../diagnosis.ts';
import type { Traffic } from '../traffic.ts';

/** What a check or a cause may declare: the collected evidence, and the traffic worked out from the access log. */
export interface DiagnosisEvidence extends Evidence {
  traffic: Traffic;
}
export type DiagnosisEvidenceName = keyof DiagnosisEvidence;

export type CheckVerdict =
  | { outcome: 'pass' | 'fail'; summary: string; facts?: Fact[] }
  | { outcome: 'unknown' | 'not-applicable'; summary: string; facts?: Fact[] };

/** One question of the checklist. Pure: it reads no clock, no environment and only the evidence it declares. */
export interface Check<
  Needs extends DiagnosisEvidenceName = DiagnosisEvidenceName,
  Wants extends DiagnosisEvidenceName = DiagnosisEvidenceName,
> {
  /** Kebab-case noun; the name of its file. */
  id: string;
  step: StepNumber;
  /** What a pass answers "yes" to; ends with a question mark. */
  question: string;
  why: string;
  /** What to do when it fails. */
  fix: string;
  /** An AWS documentation page. */
  reference: string;
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
>(
  check: Check<Needs, Wants>,
): Check<Needs, Wants> => check;

export const STEP_TITLES: Record<StepNumber, string> = {
  1: 'Access log: who failed, and how',
  2: 'Target group protocol and port',
  3: 'Keep-alive and idle timeout',
  4: 'HTTP response format',
  5: 'Security groups and network ACLs',
  6: 'Targets, deployments, capacity',
};
