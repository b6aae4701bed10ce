import type { Question } from '../../evidence/evidence.ts';
import type { CauseEvidence, DiagnosisEvidenceName } from '../diagnosis-evidence.ts';
import type { Judgement, NonEmpty } from '../judgement.ts';
import type { SignatureId } from '../signature.ts';
import type { SampledError } from '../traffic.ts';

export interface Cause<Wants extends DiagnosisEvidenceName = DiagnosisEvidenceName, Id extends string = string> {
  /** Kebab-case noun; the name of its file. */
  id: Id;
  title: string;
  /** What it is, one sentence for docs/causes.md. */
  explanation: string;
  reference: string;
  /** The signatures of the errors that it can explain; it claims no others. */
  signatures: NonEmpty<SignatureId>;
  wants: readonly Wants[];
  /**
   * Called only when asked errors of the window have one of its signatures; `errors` are these. A missing entry of the evidence could
   * not be looked at.
   */
  judge(evidence: CauseEvidence<Wants>, question: Question, errors: NonEmpty<SampledError>): Judgement;
  /** The judgement when no error has one of its signatures, where numbers say more than the signatures do. */
  judgeWithoutErrors?(evidence: CauseEvidence<Wants>, question: Question): Judgement;
}

/** Returns its argument: it exists to infer which evidence the cause may read. */
export const defineCause = <const Wants extends DiagnosisEvidenceName = never, const Id extends string = string>(
  cause: Cause<Wants, Id>,
): Cause<Wants, Id> => cause;
