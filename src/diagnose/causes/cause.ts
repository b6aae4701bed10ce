import type { Question } from '../../evidence/evidence.ts';
import type { CauseEvidence, DiagnosisEvidenceName } from '../diagnosis-evidence.ts';
import type { Judgement, NonEmpty } from '../judgement.ts';
import type { SignatureId } from '../signature.ts';
import type { SampledError } from '../traffic.ts';

export interface Cause<Wants extends DiagnosisEvidenceName = DiagnosisEvidenceName, Id extends string = string> {
  /** Kebab-case noun; the name of its file. */
  id: Id;
  title: string;
  /** One sentence for docs/causes.md: how this cause produces errors. */
  explanation: string;
  reference: string;
  /** The cause can claim errors with these signatures and no others. */
  signatures: NonEmpty<SignatureId>;
  /**
   * Events whose errors it can explain although their signatures vary. `rollout`: a target is replaced. `silence`: a
   * target stops answering.
   */
  events?: readonly ('rollout' | 'silence')[];
  wants: readonly Wants[];
  /**
   * Called only if asked errors of the window have one of the signatures; `errors` are those. Evidence that could not
   * be collected is absent.
   */
  judge(evidence: CauseEvidence<Wants>, question: Question, errors: NonEmpty<SampledError>): Judgement;
  /** Called if no error has one of the signatures, for causes that metrics can still show. */
  judgeWithoutErrors?(evidence: CauseEvidence<Wants>, question: Question): Judgement;
}

/** Returns its argument; exists to infer which evidence the cause may read. */
export const defineCause = <const Wants extends DiagnosisEvidenceName = never, const Id extends string = string>(
  cause: Cause<Wants, Id>,
): Cause<Wants, Id> => cause;
