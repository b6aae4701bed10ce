/** Runs as they are kept: each with its diagnosis and its evidence, in a store. */
import type { Diagnosis } from '../diagnosis.ts';
import type { EvidenceSet, Question } from '../evidence.ts';
import type { Investigation } from '../investigate.ts';
import type { Run } from './run.ts';

/** Every method throws when the store cannot be reached; nothing is half written that is read again. */
export interface Runs {
  /** Writes a new run and notes it as open; the one that is there when the id is taken. */
  create(run: Run): Promise<Run>;
  read(id: string): Promise<Run | null>;
  /** Reads, changes, writes; again when somebody wrote meanwhile. Sets `updatedAt`. Throws when there is no such run. */
  change(id: string, change: (run: Run) => Run): Promise<Run>;
  /** Takes or renews the lease for so many milliseconds; null while another owner has it. */
  lease(id: string, owner: string, milliseconds: number): Promise<Run | null>;
  release(id: string, owner: string): Promise<void>;
  /** Keeps what was found out, redacted: the diagnosis, and the evidence as a replayable incident with the feedback beside it. */
  keep(id: string, investigation: Pick<Investigation, 'question' | 'evidence' | 'diagnosis'>): Promise<void>;
  diagnosis(id: string): Promise<Diagnosis | null>;
  evidence(id: string): Promise<{ question: Question; evidence: EvidenceSet } | null>;
  /** Runs that are not at their end: queued, looking, provisional with an ask due, or a message half posted. Oldest first. */
  open(): Promise<Run[]>;
  /** The newest first. */
  recent(count: number): Promise<Run[]>;
  /**
   * The run that answers this question already: one of the same load balancer, statuses and length of window, whose end differs by less
   * than a minute, begun at most that long ago. `id` is claimed for the question when there is none; then the answer is null.
   */
  claim(question: Pick<Run, 'loadBalancer' | 'from' | 'to' | 'statuses'>, id: string): Promise<string | null>;
  /** Removes runs older than the retention. */
  sweep(): Promise<number>;
}
