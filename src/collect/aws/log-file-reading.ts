/** Inputs of every reader of log files in S3, whichever engine it uses. */

import type { LogLimitation } from '../../evidence/collected.ts';
import type { LogPlace } from '../access-log/log-place.ts';
import type { LiveAccessLogOptions } from './live-log-read.ts';
import type { LogListing } from './log-listing.ts';
import type { ReadCost } from './read-cost.ts';

export interface LogFileReading {
  options: LiveAccessLogOptions;
  place: LogPlace;
  listing: LogListing;
  idleTimeoutSeconds: number;
  /** Includes the deadline of the access log. */
  signal: AbortSignal;
  why: EngineChoice;
  notes: readonly LogLimitation[];
  cost: ReadCost;
}

/** Why an engine was chosen. */
export interface EngineChoice {
  /** Shown next to the status while files are fetched. */
  source: string;
  /** A phrase that ends a sentence. */
  words: string;
}
