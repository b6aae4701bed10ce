/** What every log engine returns. Times are epoch milliseconds unless stated otherwise. */
import type { LogLimitation } from './collected.ts';
import type { DeliveredLog } from './delivered-log.ts';
import type { Hop } from './edge.ts';

export interface AccessLog {
  files: {
    read: number;
    /** Skipped because the interval in the name cannot contain a relevant entry. */
    outsideWindow: number;
    /** Skipped because name or content shows that they are not access logs. */
    connectionLogs: number;
    healthCheckLogs: number;
    /** Compressed bytes of the files read. */
    bytes: number;
    /** Files that were unreadable or only partly readable, sorted by file. `lines`: entries that were still used. */
    unreadable: { file: string; reason: string; lines: number }[];
  };
  /** lines = entries + rejected.lines, over all files read and all load balancers in them. */
  lines: number;
  entries: number;
  /**
   * Lines that are not access-log entries; `first` is the first by file and line number, redacted and cut to 120
   * characters.
   */
  rejected: { lines: number; files: number; first: { file: string; line: number; text: string } | null };
  /** Entries of other load balancers in the same files. */
  otherLoadBalancers: number;
  /** Oldest and newest entry read of this load balancer, inside the window or not; null without entries. */
  oldest: number | null;
  newest: number | null;
  /** Entries of this load balancer in the window. */
  requests: number;
  /** Requests per UTC minute of the window that has any; ascending. */
  minutes: { minute: number; requests: number }[];
  /**
   * Traffic per (target group, target, node) over everything read; sorted by those three. Entries without a target have
   * target "-".
   */
  targets: TargetTraffic[];
  /** Status pairs of the window by target group, sorted. */
  statuses: StatusCount[];
  /**
   * Requests of the window with a requested status, any 5xx, 460, 463 or 464; ordered by time, then trace id. At most
   * `FAILURE_LIMIT`, chosen by lowest hash of the trace id. `failureShapes` counts them all.
   */
  failures: FailedRequest[];
  failuresTotal: number;
  /** Exact counts of all such requests by the fields `signature` needs and the minute. Sorted. */
  failureShapes: FailureShape[];
  /** Distinct client addresses among the requested errors. */
  failedClients: number;
  /** Clients of `failures` that are hops in front of the load balancer; absent if there are none. */
  hops?: Hop[] | undefined;
  /**
   * The address of each client of `failures`, the first at 0. Present only until `hops` are known: never kept, shown or
   * saved.
   */
  clientAddresses?: string[] | undefined;
  /** Numbers of clients that sent the user agent of CloudFront, ascending; absent if none did. Likewise. */
  cloudFrontClients?: number[] | undefined;
  /** Requested errors and other 5xx followed within 30 s by a status below 500 for the same client and route. */
  retriedOk: number;
  /**
   * Routes with at least one such request: most failures first (at most 200), with all their requests of the window.
   */
  routes: RouteTraffic[];
  /**
   * The routes with the largest sum of answer times, largest first, counting every status as TargetResponseTime does.
   * At most 50, without routes that always answered within 100 ms. Empty if more than 8,192 routes in local files are
   * slow; absent in older recordings.
   */
  slowest?: { answeredMs: number; routes: SlowRoute[] } | undefined;
  /**
   * Routes of target groups whose targets answered every request of the window with 400, those with most requests first.
   * Absent in older recordings and where only failures were read.
   */
  badRequestRoutes?: { target_group_arn: string; route: string; requests: number }[] | undefined;
  /**
   * Per target group with a closed-before-response failure: how long before it the connections of its (node, target)
   * became idle.
   */
  idleGaps: IdleGaps[];
  /** Sorted by target group, target and time; absent in older recordings. */
  outages?: UnansweredRun[] | undefined;
  /** Times at which health checks of a target failed, by start; absent if no health-check log was read. */
  healthChecks?: FailedHealthChecks[] | undefined;
  /** Cost of reading; absent for local files. */
  cost?: Cost | undefined;
  /** How the log was read, if there was a choice. */
  reading?: LogReadMethod | undefined;
  /** Queries this log could not answer. */
  unanswered?: LogLimitation[] | undefined;
  /**
   * Results over a longer time, from `from` (epoch milliseconds) to the end of the window, if `lookBack` was requested.
   */
  earlier?: { from: number; log: AccessLog } | undefined;
  /** Offer of a longer read; absent if one was taken or no earlier log exists. */
  longerLook?: LongerWindowOffer | undefined;
}

export interface LongerWindowOffer {
  command: string;
  /** "1,440 files, 2.1 GB: about $0.01, at most …"; null if free or not estimated. */
  estimate: string | null;
}

/** Billed bytes, US dollars, and Athena queries. */
export interface Cost {
  bytesScanned: number;
  usd: number;
  queries: number;
}

/** Estimate before a log is read. */
export interface CostEstimate {
  /** Files of the window, and their compressed bytes. */
  files: number;
  bytes: number;
  usd: number;
  /** Upper bound if no file can be skipped; null if unknown. */
  atMost: { bytes: number; usd: number } | null;
}

/** Engine, amount and reason, such as "from S3 directly: 9 files, 12.4 MB, as asked", with the estimated cost. */
export interface LogReadMethod {
  how: string;
  estimate: CostEstimate;
  /** The log that was read; absent in older recordings. */
  from?: DeliveredLog | undefined;
  /** Other vended deliveries, sorted; absent if there are none or they are unknown. */
  others?: DeliveredLog[] | undefined;
}

export const FAILURE_LIMIT = 20_000;

export interface TargetTraffic {
  /** ARN, or "-". */
  target_group_arn: string;
  /** "address:port" as logged, or "-". */
  target: string;
  /** Load balancer node: field 34, else the address in the file name, else null. */
  node: string | null;
  /** Entries in the window. */
  requests: number;
  /** Failures as in `AccessLog.failures`. */
  failures: number;
  /** target_status_code 400 exactly (plaintext to a TLS port), in the window. */
  badRequests: number;
  /** Over everything read: first and last entry, and first and last with a target response below 500. */
  firstSeen: number;
  lastSeen: number;
  firstSuccess: number | null;
  lastSuccess: number | null;
}

/**
 * Two or more consecutive dispatches without a response from the target, over all nodes: 5xx of the load balancer with
 * a target, in the window. At most `OUTAGE_LIMIT`, those with most failures. Times are epoch milliseconds. Measured in
 * time slots (`outageSlot`): failures between two responses in one slot are not counted.
 */
export interface UnansweredRun {
  target_group_arn: string;
  target: string;
  /** End of the last response to an earlier dispatch; null if none was read. */
  lastAnswer: number | null;
  /** Dispatch of the next request that got a response; null if none was read. */
  nextAnswer: number | null;
  /** First and last dispatch. */
  first: number;
  last: number;
  failures: number;
}

export const OUTAGE_LIMIT = 5_000;

/**
 * Two or more failed health checks of a target, without a success on every node in between. Times are epoch
 * milliseconds.
 */
export interface FailedHealthChecks {
  /** The name of the target group: the log has no ARN. */
  targetGroup: string;
  /** "address:port" as logged. */
  target: string;
  /**
   * Time of the first failure, and of the first success after all nodes that saw a failure saw a success; `to` is null
   * if that was not read.
   */
  from: number;
  to: number | null;
  /** Time of the last check before these, which passed; null if it was not read, absent in older recordings. */
  lastPassed?: number | null | undefined;
  /** Time of the last failure. */
  last: number;
  failures: number;
  /** Addresses of the load balancer nodes that saw it fail, sorted. */
  nodes: string[];
  /** Reason codes and status codes as logged, most frequent first. */
  reasons: { reason: string; statusCode: string; count: number }[];
}

export interface StatusCount {
  target_group_arn: string;
  elb_status_code: string;
  target_status_code: string;
  requests: number;
}

/**
 * One failed request: fields as logged (-1 and "-" kept), without query string; a number replaces the client address.
 */
export interface FailedRequest {
  /** Epoch milliseconds with a fraction (the log has microseconds). */
  at: number;
  /** time - request_creation_time in seconds; null when either is missing. */
  elapsed: number | null;
  /** The same number for the same client address within one collection. */
  client: number;
  /** Method and path without query; numbers, UUIDs, hexadecimal ids and hashed file names become `:id`. */
  route: string;
  node: string | null;
  type: string;
  target: string;
  request_processing_time: number;
  target_processing_time: number;
  response_processing_time: number;
  elb_status_code: string;
  target_status_code: string;
  received_bytes: number;
  sent_bytes: number;
  target_group_arn: string;
  trace_id: string;
  matched_rule_priority: string;
  actions_executed: string;
  error_reason: string;
  classification_reason: string;
  /** Followed within 30 s by a status below 500 for the same client and route. */
  retriedOk: boolean;
}

/** Failures that `signature` cannot tell apart, counted per minute. */
export interface FailureShape {
  minute: number;
  elb_status_code: string;
  target_status_code: string;
  request_processing_time: -1 | 0;
  target_processing_time: -1 | 0;
  response_processing_time: -1 | 0;
  /** `elapsed` in the classes of signature(); null when unknown. */
  elapsed: 'under-9.5s' | '9.5-11s' | 'from-11s' | null;
  error_reason: string;
  fixedResponse: boolean;
  hasTarget: boolean;
  hasTargetGroup: boolean;
  count: number;
  /** Number followed by a success, see retriedOk. */
  retriedOk: number;
  /** Epoch milliseconds of the first and last; absent in older recordings. */
  first?: number | undefined;
  last?: number | undefined;
}

export interface RouteTraffic {
  route: string;
  requests: number;
  /** Failures as in `AccessLog.failures`. */
  failures: number;
  /**
   * Requests with a target response below 500, and sum and maximum of their target_processing_time in whole
   * milliseconds (without -1).
   */
  succeeded: number;
  succeededMs: number;
  succeededMaxMs: number;
  /** These requests by target_processing_time in milliseconds and by received_bytes; absent in older recordings. */
  times?: ScaleCount[] | undefined;
  sizes?: ScaleCount[] | undefined;
}

/** Sum of target_processing_time in whole milliseconds, and the number of answers by it. */
export interface SlowRoute {
  route: string;
  answeredMs: number;
  times: ScaleCount[];
}

/**
 * Steps of a logarithmic scale, eight for each doubling. A whole number `value` is at step floor(8 · log2(value +
 * 0.5)).
 */
export interface ScaleCount {
  step: number;
  requests: number;
}

/**
 * Gaps of one target group: whole milliseconds, ascending, from each earlier completion on the same (node, target) to
 * the dispatch of a request (time - target_processing_time). Completions are requests with a response, up to `horizon`
 * seconds before the dispatch.
 */
export interface IdleGaps {
  target_group_arn: string;
  horizon: number;
  /** Closed-before-response failures, sorted by `row`, an index into `AccessLog.failures`. */
  failures: { row: number; gaps: number[] }[];
  /** One per (node, target, route) of these failures, in order of its first failure. */
  peers: GapPeers[];
}

/** Requests of the window on one (node, target, route) with a target response below 500. */
export interface GapPeers {
  /** The first examined failure of this (node, target, route), an index into `AccessLog.failures`. */
  row: number;
  /** Number of these requests. */
  answered: number;
  /** A sample, chosen by trace id; `client` as in FailedRequest, null if that client has no examined failure. */
  controls: { client: number | null; gaps: number[] }[];
}
