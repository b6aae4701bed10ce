import type { Question } from '../../evidence/question.ts';
import type { BreakingCall } from '../breaking-call.ts';
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
   * target stops answering. `refusal`: a target goes and refuses or rejects every new connection.
   */
  events?: readonly ('rollout' | 'silence' | 'refusal')[];
  /** Calls in AWS that can bring it about. */
  breakingCalls?: readonly BreakingCall[];
  /** Set if a longer idle timeout of the load balancer lets its requests finish. */
  curedByIdleTimeout?: true;
  /** Set if its missing evidence begins with something to run, which is suggested before what could not be checked. */
  suggestsTest?: true;
  /** Set if each status and target group is a part of its own, because each may belong to another team. */
  splitByStatus?: true;
  /** Set if the measured keep-alive timeout, and the runtimes that have it by default, belong to its evidence. */
  showsKeepAlive?: true;
  /** What a request with this cause leaves in the application's log: nothing, or a start without an end. */
  inApplicationLog?: { is: 'absent' | 'unfinished'; because: string };
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
