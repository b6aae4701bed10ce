import type { TargetAndNode } from './scanner.ts';

/** Columns of equal length; see LineColumns. Places and routes are numbered from 0. */
export interface EntryBatch {
  rows: number;
  ended: Float64Array;
  place: Uint32Array;
  client: Float64Array;
  route: Uint32Array;
  sample: Uint32Array;
  targetMs: Int32Array;
  received: Int32Array;
  status: Int16Array;
  targetStatus: Int16Array;
}

type Numbers = readonly number[] | Float64Array | Uint32Array;

/** The entries without the texts of their failures; a thread can receive them. */
export interface TrafficEntries {
  /** All entries of the load balancer that were read, in no order. */
  batches: readonly EntryBatch[];
  /** By number. */
  places: readonly TargetAndNode[];
  /** How many routes there are. */
  routes: number;
  /**
   * Texts of the routes with an answer in the window that took at least SLOW_MS or was a 400; empty if they are too
   * many.
   */
  namedRoutes: ReadonlyMap<number, string>;
  /** See FailureStore. */
  failures: { place: Numbers; route: Numbers; dispatched: Numbers; routeTexts: ReadonlyMap<number, string> };
}
