import type { Cost } from '../../evidence/access-log.ts';
import type { EdgeErrorCount } from '../../evidence/edge.ts';
import type { Question } from '../../evidence/question.ts';
import type { Call } from '../aws/call.ts';
import type { Session } from '../aws/session.ts';
import type { FoundDistribution } from './distributions.ts';
import type { EdgeLogPlace } from './legacy-log.ts';

export interface EdgeLogReading {
  call: Call;
  question: Question;
  distributions: readonly FoundDistribution[];
  /** US dollars left to spend, known once the access log was read; null for no limit. */
  remainingUsd: () => Promise<number | null>;
}

/** A delivery to read, and what its reader needs. */
export interface EdgeDelivery extends Omit<EdgeLogReading, 'distributions'> {
  distribution: FoundDistribution;
  delivery: EdgeLogPlace;
  /** A session in the region of CloudFront's global API. */
  global: Session;
}

/** Counts from one log. */
export interface EdgeLogAnswer {
  errors: readonly EdgeErrorCount[];
  requests: number | null;
  cost: Cost;
  source: string;
  /** Sentences about parts that were not read. */
  incomplete: string[];
}
