/** One read of a live load balancer's access log: what is asked for, and what comes back. */
import type { Config } from '../../config.ts';
import type { AccessLog, Cost } from '../../evidence/access-log.ts';
import type { Attributes } from '../../evidence/aws.ts';
import type { Collected } from '../../evidence/collected.ts';
import type { Question } from '../../evidence/question.ts';
import type { DeliveryLookup } from './delivery-lookup.ts';
import type { Session } from './session.ts';

/** How to read the log: `auto` takes the cheapest way. */
export type LogEngine = 'athena' | 'duckdb' | 'cloudwatch-logs' | 'auto';

export interface LiveAccessLogOptions {
  /** Its signal stops all work. */
  session: Pick<Session, 'client' | 'signal' | 'place' | 'deadline'>;
  question: Question;
  attributes: Collected<Attributes>;
  loadBalancerArn: string;
  /** A lookup that the caller started and will stop; if absent, one is started here. */
  deliveries?: DeliveryLookup;
  /**
   * `duckdb`: downloads the files from S3. `auto`: downloads small logs and uses Athena for large ones if a table
   * exists.
   */
  engine: LogEngine;
  athena: Config['athena'];
  /** Limit in US dollars on the most a read may cost; null for no limit. */
  maxUsd: number | null;
  /** Whether the limit was given for this question; false if it comes from the configuration. */
  isMaxUsdGiven?: boolean;
  /** Part of the limit that earlier attempts at this question spent; 0 if absent. */
  spentUsd?: number;
  /**
   * How many 502s of the load balancer CloudWatch counted in the window; null if unknown. Lets the search for a
   * keep-alive edge start beside the first query of Athena.
   */
  counted502s?: Promise<number | null> | undefined;
  /** Where to keep log files, below `logs/`, for --save; null to keep none. The caller removes the folder. */
  keepIn: string | null;
  /** Read log files in a child process, which may crash. */
  isReadApart?: boolean;
  /** Bytes of a log group that are fetched whole; more is counted by queries. 2 GB if absent. */
  fetchAtMost?: number;
  /** Milliseconds for the whole read. */
  deadline: number;
  /** Called with the current status, in a few words. */
  progress?: (status: string) => void;
  /** Called before the log is read, with a sentence: the engine, why, and the estimated cost. */
  onEstimate?: (sentence: string) => void;
}

export interface LiveAccessLog {
  log: Collected<AccessLog>;
  /** Includes the cost of failed attempts. */
  cost: Cost;
  /** Input of --save: a folder with log files in `logs/`, or the answers of Athena. */
  toSave: { folder: string } | { answers: AccessLog } | null;
}
