/** What collectors return: the evidence, or the reason it is missing. */
import type { DeliveredLog } from './delivered-log.ts';

/**
 * Why something could not be checked. denied: a permission is missing. not-recorded: the incident folder lacks it.
 * incomplete: only part was read. failed: anything else, such as a timeout.
 */
export type GapKind = 'denied' | 'not-recorded' | 'incomplete' | 'failed';

export interface CollectionFailure {
  kind: GapKind;
  /** A phrase without a full stop or the IAM statement. */
  reason: string;
  /**
   * The IAM statement that allows the call, as JSON; several are separated by commas. Null if no permission is missing.
   */
  iamStatement: string | null;
}

/** A limitation of a log that was read, such as a missing column of its table. */
export interface LogLimitation {
  kind: GapKind;
  sentence: string;
  iamStatement: string | null;
}

/** Result of a collector: the evidence, or why it is unavailable. `source`: the call, for an operator to repeat. */
export type Collected<T> =
  | { status: 'collected'; source: string; value: T }
  | {
      status: 'unavailable';
      source: string;
      reason: string;
      kind?: GapKind | undefined;
      iamStatement?: string | null | undefined;
      /** Where the access log is delivered, if it is the evidence; absent if unknown. */
      delivered?: DeliveredLog[] | undefined;
    };
