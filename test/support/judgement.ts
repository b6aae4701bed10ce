import type { Cause } from '../../src/diagnose/causes/cause.ts';
import type { DiagnosisEvidence } from '../../src/diagnose/diagnosis-evidence.ts';
import { judgeCause } from '../../src/diagnose/judge-causes.ts';
import { type CauseClaim, type Fix, NO_FIX } from '../../src/diagnose/judgement.ts';
import type { Question } from '../../src/evidence/question.ts';

export interface FlatJudgement {
  claims: readonly CauseClaim[];
  for: readonly string[];
  /** The reasons where it is ruled out. */
  against: readonly string[];
  missing: readonly string[];
  ruledOut: boolean;
  summary: string | undefined;
  fix: Fix;
}

/** The judgement of a cause as the diagnosis makes it, with empty lists for what its kind does not have. */
export function judgementOf(
  cause: Cause,
  evidence: Pick<DiagnosisEvidence, 'traffic'> & Partial<DiagnosisEvidence>,
  question: Question,
): FlatJudgement {
  const judgement = judgeCause(cause, evidence, question);
  return {
    claims: judgement.kind === 'claims' ? judgement.claims : [],
    for: judgement.kind === 'claims' ? judgement.for : [],
    against: judgement.kind === 'claims' ? judgement.against : judgement.kind === 'ruled-out' ? judgement.because : [],
    missing: judgement.kind === 'ruled-out' ? [] : judgement.missing,
    ruledOut: judgement.kind === 'ruled-out',
    summary: judgement.kind === 'claims' ? judgement.summary : undefined,
    fix: judgement.kind === 'claims' ? judgement.fix : NO_FIX,
  };
}
