/**
 * Everything that can be known about one question, as plain JSON without opinion. Collectors fill it, checks and causes read it.
 * AWS objects keep the shape and the names the AWS CLI prints; log fields keep the names of the access log.
 */
import type {
  Attributes,
  CloudTrailEvent,
  FunctionConfiguration,
  Instance,
  Listener,
  LoadBalancer,
  MetricSeries,
  NetworkAcl,
  NetworkInterface,
  PrefixListEntry,
  RouteTable,
  Rule,
  SecurityGroup,
  Subnet,
  TargetGroup,
  TargetHealthDescription,
} from './aws.ts';
import type { DeliveredLog } from './delivered-log.ts';
import type {
  CodeDeployment,
  ContainerInstance,
  EcsService,
  EcsTask,
  FunctionAlias,
  ScalingActivity,
  TagDescription,
  TaskDefinition,
} from './workloads.ts';

/** A stretch of time in epoch milliseconds; `from` is inclusive, `to` exclusive. */
export interface Window {
  from: number;
  to: number;
}

/** How a question names its load balancer. `resource` is app/name/id where that is known and the ARN is not. */
export interface NamedLoadBalancer {
  name: string;
  arn: string | null;
  resource?: string;
}

/** What was asked, over which window. `now` is when it was asked, in epoch milliseconds. */
export interface Question<Named extends NamedLoadBalancer = NamedLoadBalancer> extends Window {
  loadBalancer: Named;
  now: number;
  /** The errors asked for, in the words of query/statuses.ts: "gateway", "5xx", "elb-502". Never empty. */
  statuses: string[];
  /** Only the errors of this target group: ARN, or "targetgroup/name/id" where the ARN is not known. */
  targetGroup?: string | undefined;
  /** Only the errors of the load balancer nodes in this availability zone. */
  zone?: string | undefined;
  /** Milliseconds before `from` to which the access log is read too, for the keep-alive measurement alone. */
  lookBack?: number;
}

/**
 * Why something could not be checked. denied: a permission is missing. not-recorded: the incident folder lacks it. incomplete: it was
 * read in part. failed: anything else, such as a timeout.
 */
export type GapKind = 'denied' | 'not-recorded' | 'incomplete' | 'failed';

export interface CollectionFailure {
  kind: GapKind;
  /** A phrase without a full stop, and without the statement. */
  reason: string;
  /** The IAM statement that allows it, as JSON; several are separated by commas. Null where no permission is missing. */
  iamStatement: string | null;
}

/** A limit of an access log that was read: a column that its table lacks, for one. */
export interface LogLimitation {
  kind: GapKind;
  sentence: string;
  iamStatement: string | null;
}

/** A collector always answers: with what it saw, or with why it could not look. `source` is the call an operator can repeat. */
export type Collected<T> =
  | { status: 'collected'; source: string; value: T }
  | {
      status: 'unavailable';
      source: string;
      reason: string;
      kind?: GapKind | undefined;
      iamStatement?: string | null | undefined;
    };

/** One key per source. Objects keyed by ARN hold an entry for each ARN that was asked; a missing ARN was not asked. */
export interface Evidence {
  loadBalancer: LoadBalancer;
  attributes: Attributes;
  listeners: Listener[];
  rules: Record<string, Rule[]>;
  targetGroups: TargetGroup[];
  targetGroupAttributes: Record<string, Attributes>;
  targetHealth: Record<string, TargetHealthDescription[]>;
  securityGroups: SecurityGroup[];
  networkAcls: NetworkAcl[];
  subnets: Subnet[];
  routeTables: RouteTable[];
  networkInterfaces: NetworkInterface[];
  instances: Instance[];
  prefixLists: Record<string, PrefixListEntry[]>;
  functions: Record<string, FunctionConfiguration>;
  /** By the ARN that is registered as a target. */
  functionAliases: Record<string, FunctionAlias>;
  /** Of the load balancer and its target groups. */
  tags: TagDescription[];
  /** ECS services that name one of the target groups. */
  services: EcsService[];
  /** Their tasks, running and stopped, and those of other services in the same clusters where these are small. */
  tasks: EcsTask[];
  /** By ARN. */
  taskDefinitions: Record<string, TaskDefinition>;
  containerInstances: ContainerInstance[];
  /** By the name of the Auto Scaling group. */
  scalingActivities: Record<string, ScalingActivity[]>;
  codeDeployments: CodeDeployment[];
  changes: CloudTrailEvent[];
  metrics: MetricSeries[];
  accessLog: AccessLog;
}

/** Evidence that names targets and says what happened to them. Without it a diagnosis has addresses in place of names, and no gap. */
export const NAMING_EVIDENCE = [
  'functionAliases',
  'tags',
  'services',
  'tasks',
  'taskDefinitions',
  'containerInstances',
  'scalingActivities',
  'codeDeployments',
] as const satisfies readonly (keyof Evidence)[];
export type NamingEvidenceName = (typeof NAMING_EVIDENCE)[number];

export type EvidenceName = keyof Evidence;
export type EvidenceSet = { [Name in EvidenceName]: Collected<Evidence[Name]> };

/** The answers of the access log to the questions of collect/access-log/queries.ts. Times are epoch milliseconds unless said otherwise. */
export interface AccessLog {
  files: {
    read: number;
    /** Left out because the interval in their name cannot hold an entry that matters. */
    outsideWindow: number;
    /** Recognised by name or content and left out: they are not access logs. */
    connectionLogs: number;
    healthCheckLogs: number;
    /** Compressed bytes of the files read. */
    bytes: number;
    /** Files that could not be read, or only in part; sorted by file. `lines` were still used. */
    unreadable: { file: string; reason: string; lines: number }[];
  };
  /** lines = entries + rejected.lines, over all files read and all load balancers in them. */
  lines: number;
  entries: number;
  /** Lines that are not access-log entries; `first` is the first by file and line number, redacted and cut to 120 characters. */
  rejected: { lines: number; files: number; first: { file: string; line: number; text: string } | null };
  /** Entries of other load balancers in the same files. */
  otherLoadBalancers: number;
  /** Entries of this load balancer that were read, inside the window or not; null when there was none. */
  oldest: number | null;
  newest: number | null;
  /** Entries of this load balancer in the window. */
  requests: number;
  /** Requests for each UTC minute of the window that has any; ascending. */
  minutes: { minute: number; requests: number }[];
  /** Traffic for each (target group, target, node), over all that was read; sorted by those three. Entries without a target have target "-". */
  targets: TargetTraffic[];
  /** Status pairs of the window by target group, sorted. */
  statuses: StatusCount[];
  /**
   * Requests of the window that ended in an asked status, any 5xx, 460, 463 or 464; ordered by time, then trace id. At most `FAILURE_LIMIT`:
   * beyond it those with the lowest hash of the trace id. `failureShapes` counts them all.
   */
  failures: FailedRequest[];
  failuresTotal: number;
  /** Exact counts of all such requests; what `signature` needs, and the minute. Sorted. */
  failureShapes: FailureShape[];
  /** Distinct client addresses among them, for each elb_status_code and over all asked ones. */
  failedClients: number;
  /** Asked errors and other 5xx followed within 30 s by a status below 500 for the same client and route. */
  retriedOk: number;
  /** Routes with at least one such request: the most failing first (at most 200), with all their requests of the window. */
  routes: RouteTraffic[];
  /** For each target group with a closed-before-response failure: how long before it the connections of its (node, target) had become idle. */
  idleGaps: IdleGaps[];
  /** Sorted by target group, target and time; absent in recordings of before they were kept. */
  outages?: UnansweredRun[] | undefined;
  /** What reading it cost; absent for files that were already here. */
  cost?: Cost | undefined;
  /** How it was read, where there was a choice. */
  reading?: LogReadMethod | undefined;
  /** What this log could not be asked. */
  unanswered?: LogLimitation[] | undefined;
  /** The answers over a longer time, from `from` (epoch milliseconds) to the end of the window, where one was asked for: `lookBack`. */
  earlier?: { from: number; log: AccessLog } | undefined;
  /** The command of a longer look, and what it would cost, in words; absent where one was taken, or nothing earlier can be read. */
  longerLook?: LongerWindowOffer | undefined;
}

export interface LongerWindowOffer {
  command: string;
  /** "1,440 files, 2.1 GB: about $0.01, at most …"; null where it costs nothing or was not counted. */
  estimate: string | null;
}

/** Bytes that were read where they are billed, US dollars, and queries (of Athena). */
export interface Cost {
  bytesScanned: number;
  usd: number;
  queries: number;
}

/** What is known before a log is read. */
export interface CostEstimate {
  /** Files of the window, and their compressed bytes. */
  files: number;
  bytes: number;
  usd: number;
  /** Should nothing be saved by leaving files out; null when that cannot be told. */
  atMost: { bytes: number; usd: number } | null;
}

/** By which engine, of what, and why: "from S3 directly: 9 files, 12.4 MB, as asked"; and what that was to cost. */
export interface LogReadMethod {
  how: string;
  estimate: CostEstimate;
  /** Which log was read; absent in recordings of before it was kept. */
  from?: DeliveredLog | undefined;
  /** Vended deliveries beside it, sorted; absent where there are none, or they are not known. */
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
  /** Entries in the window, and those among them by who answered how. */
  requests: number;
  /** Failures as in `AccessLog.failures`. */
  failures: number;
  /** target_status_code 400 exactly (plaintext to a TLS port), in the window. */
  badRequests: number;
  /** Over all that was read: first and last entry, and first and last whose target answered below 500. */
  firstSeen: number;
  lastSeen: number;
  firstSuccess: number | null;
  lastSuccess: number | null;
}

/**
 * Two or more dispatches in a row that a target did not answer, over all nodes: 5xx of the load balancer with a target, in the window.
 * At most `OUTAGE_LIMIT`, those with most failures. Times are epoch milliseconds. Seen by slots of time (`outageSlot`): failures between
 * two answers of one slot are left out.
 */
export interface UnansweredRun {
  target_group_arn: string;
  target: string;
  /** The end of the last answer to a request dispatched before; null where none was read. */
  lastAnswer: number | null;
  /** The dispatch of the next request that was answered; null where none was read. */
  nextAnswer: number | null;
  /** The first and the last of the dispatches. */
  first: number;
  last: number;
  failures: number;
}

export const OUTAGE_LIMIT = 5_000;

export interface StatusCount {
  target_group_arn: string;
  elb_status_code: string;
  target_status_code: string;
  requests: number;
}

/** One failed request: fields as logged (-1 and "-" kept), without query string, client address replaced by a number. */
export interface FailedRequest {
  /** Epoch milliseconds with a fraction (the log has microseconds). */
  at: number;
  /** time - request_creation_time in seconds; null when either is missing. */
  elapsed: number | null;
  /** The same number for the same client address within one collection. */
  client: number;
  /** Method and path, query dropped, numbers, UUIDs and hexadecimal ids as `:id`. */
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

/** Failures that look the same to `signature`, counted for one minute. */
export interface FailureShape {
  minute: number;
  elb_status_code: string;
  target_status_code: string;
  request_processing_time: -1 | 0;
  target_processing_time: -1 | 0;
  response_processing_time: -1 | 0;
  /** `elapsed` in the classes signature() tells apart; null when unknown. */
  elapsed: 'under-9.5s' | '9.5-11s' | 'from-11s' | null;
  error_reason: string;
  fixedResponse: boolean;
  hasTarget: boolean;
  hasTargetGroup: boolean;
  count: number;
  /** How many of them were followed by a success, see retriedOk. */
  retriedOk: number;
  /** Epoch milliseconds of the first and the last of them; absent in recordings of before they were kept. */
  first?: number | undefined;
  last?: number | undefined;
}

export interface RouteTraffic {
  route: string;
  requests: number;
  /** Failures as in `AccessLog.failures`. */
  failures: number;
  /** Requests whose target answered below 500, and the sum and maximum of their target_processing_time in whole milliseconds (-1 left out). */
  succeeded: number;
  succeededMs: number;
  succeededMaxMs: number;
  /** Those requests by target_processing_time in milliseconds and by received_bytes; absent in recordings of before they were kept. */
  times?: ScaleCount[] | undefined;
  sizes?: ScaleCount[] | undefined;
}

/** Steps of a logarithmic scale, eight for each doubling. A whole number `value` is at step floor(8 · log2(value + 0.5)). */
export interface ScaleCount {
  step: number;
  requests: number;
}

/**
 * Gaps of one target group: whole milliseconds, ascending, from each earlier completion on the same (node, target) to the dispatch of a request
 * (time - target_processing_time). Completions are answered requests, up to `horizon` seconds before the dispatch.
 */
export interface IdleGaps {
  target_group_arn: string;
  horizon: number;
  /** Closed-before-response failures; `row` is an index into `AccessLog.failures`. By row. */
  failures: { row: number; gaps: number[] }[];
  /** For each (node, target, route) of these failures, by the first of them. */
  peers: GapPeers[];
}

/** Requests of the window on one (node, target, route) that the target answered below 500. */
export interface GapPeers {
  /** The first examined failure of this (node, target, route), an index into `AccessLog.failures`. */
  row: number;
  /** All of them. */
  answered: number;
  /** Some of them, chosen by trace id; `client` as in FailedRequest, null where that client has no examined failure. */
  controls: { client: number | null; gaps: number[] }[];
}
