/** Failing requests and controls with the gaps before them. */

/** Gaps in milliseconds, ascending. Requests of one `kind` are compared with each other. */
export interface GapRequest {
  kind: string;
  gaps: readonly number[];
  /** The number of requests in the traffic that this one represents. */
  stands: number;
  /** Milliseconds from dispatch until the target closed: a busy target closes late, so its gap is that much shorter. */
  closing: number;
}

export interface GapSample {
  witnesses: readonly GapRequest[];
  controls: readonly GapRequest[];
  /** Milliseconds searched before each request. */
  horizon: number;
}
