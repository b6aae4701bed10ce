/**
 * The diagnosis: what `--json` prints, and the only input of renderers. Times are ISO 8601 UTC, durations seconds,
 * shares 0 to 1.
 */

import type { LogReadMethod } from '../evidence/access-log.ts';
import type { GapKind } from '../evidence/collected.ts';
import type { EvidenceName } from '../evidence/evidence.ts';
import type { CauseId } from './causes/index.ts';
import type { CheckOutcome, Fact } from './check-verdict.ts';
import type { StepNumber } from './checks/check.ts';
import type { CheckId } from './checks/index.ts';
import type { EventCall, EventKind, EventStanding } from './events/event.ts';
import type { ReasonKind } from './events/reason.ts';
import type { Fix } from './judgement.ts';
import type { SignatureId } from './signature.ts';

export type { CheckOutcome, Fact } from './check-verdict.ts';
export type { StepNumber } from './checks/check.ts';
export type { Fix, Stopgap } from './judgement.ts';

export type Standing = 'confirmed' | 'likely' | 'possible' | 'ruled-out' | 'untested';
export interface CheckFinding {
  check: CheckId;
  outcome: CheckOutcome;
  summary: string;
  /** The summary in a few words; absent if the summary itself is short. */
  brief?: string;
  facts: Fact[];
  /** Uncollected evidence on which an unknown outcome depends; `gapDetails` says why. */
  missing: EvidenceName[];
  /** The calls or SQL that an operator can repeat. */
  sources: string[];
  /** Why it matters; what to do (only on fail, null if the fix of a cause says it); the AWS page on it. */
  why: string;
  fix: string | null;
  /** Lines of configuration or code for the fix. */
  settings?: string[];
  reference: string;
}

export interface ChecklistStep {
  step: StepNumber;
  title: string;
  outcome: CheckOutcome;
  findings: CheckFinding[];
}

export interface CauseResult {
  id: CauseId;
  title: string;
  standing: Standing;
  /** The cause in this case, one sentence for a headline. Null if ruled out or untested. */
  summary: string | null;
  /** Share of the errors; confirmed and likely causes sum to at most 1. */
  explains: number;
  for: string[];
  /** How many of the first `for` sentences the summary contains; absent for none and in older diagnoses. */
  forInSummary?: number;
  /** The causes that explain all errors this one would fit, if that rules it out; absent otherwise. */
  explainedBy?: CauseId[];
  against: string[];
  missing: string[];
  fix: Fix;
  reference: string;
}

interface NamedVerdict {
  standing: 'confirmed' | 'likely';
  cause: CauseId;
  between: never[];
  decidedBy: string | null;
}

interface UndecidedVerdict {
  standing: 'undecided';
  cause: null;
  /** Causes of the leading part; empty if no known cause fits or the leading errors were not read. */
  between: CauseId[];
  /** What would settle it: something a user can run or look at. */
  decidedBy: string;
}

interface EmptyVerdict {
  standing: 'none';
  cause: null;
  between: never[];
  decidedBy: null;
}

/** The verdict on the leading part. `none`: rows were read, and neither the log nor CloudWatch has an error. */
export type Verdict = (NamedVerdict | UndecidedVerdict | EmptyVerdict) & {
  /** Share of the leading part; 0 for `none`. */
  explains: number;
  /** One or a few sentences. */
  summary: string;
};

/**
 * Errors with one answer. Every error is in exactly one part, the shares of all parts sum to 1, and the first part
 * leads.
 */
export interface Part {
  /**
   * The decided cause alone, or every cause that remains possible; empty if no known cause fits or the errors were not
   * read.
   */
  causes: CauseId[];
  /** `unread`: counted by CloudWatch but absent from the log that was read. */
  standing: 'confirmed' | 'likely' | 'undecided' | 'unread';
  errors: number;
  share: number;
  /** Index in `events` of the event that these errors belong to. */
  event: number | null;
  /**
   * Index in `events` of the change right after which most of these errors began, if nothing shows how the change
   * caused them.
   */
  onset?: number;
  /** Errors of the same kind in the hour before the window, if they ran at the same rate. */
  before?: number;
}

/** Errors of one origin, found across signatures by target and time. */
export interface EventResult {
  kind: EventKind;
  /** How certain the event itself is; the standing of its cause is in its part. */
  standing: EventStanding;
  from: string;
  /** Null if the log ends before the event does. */
  to: string | null;
  targets: string[];
  errors: number;
  causes: CauseId[];
  /** One sentence for the headline. */
  summary: string;
  /** API calls at the time of the event, recorded by CloudTrail; `at` ISO 8601. */
  calls: (Omit<EventCall, 'at'> & { at: string })[];
  /** Why its targets left, if ECS or Auto Scaling reports it; `at` ISO 8601. */
  reason?: { kind: ReasonKind; at: string | null };
}

/** A target in the log with its owner. Fields are null if not applicable or unknown. */
export interface OwnedTargetResult {
  /** "address:port" as logged. */
  target: string;
  /** Name. */
  targetGroup: string;
  /** Its name in sentences: "feed-api task 8f3c… (10.0.12.68)". */
  name: string;
  service: string | null;
  /** Family and revision. */
  revision: string | null;
  task: string | null;
  instance: string | null;
  scalingGroup: string | null;
  zone: string | null;
  requests: number;
  errors: number;
  /** Why the task stopped: 'container "app" ran out of memory (exit 137) at 04:21:02 UTC'. */
  stopped: string | null;
}

/** Failed requests outside the question, by status; at most three routes, those with the most requests. */
export interface StatusBeside {
  status: string;
  /**
   * `target` if the target answered with this status itself; `load-balancer` for statuses such as 460, 463 and 464.
   */
  madeBy: 'target' | 'load-balancer';
  requests: number;
  /** Share of all requests of the window. */
  share: number;
  /** From creation to the end of the request; null if unknown. */
  medianSeconds: number | null;
  routes: { route: string; requests: number }[];
}

/** Something that could not be checked. */
export interface Gap {
  kind: GapKind;
  /** What could not be checked and why, without the statement. */
  sentence: string;
  /**
   * The IAM statement that grants access, as JSON; several are separated by commas. Null if no permission is missing.
   */
  iamStatement: string | null;
  evidence: EvidenceName;
}

/** Whether a new connection from the load balancer reaches one port of a target, judged by the configuration alone. */
export interface NetworkPathAnswer {
  outcome: 'open' | 'blocked' | 'unknown';
  /** Names what blocks it, or what could not be checked. */
  sentence: string;
  /**
   * The sentence about "these targets" instead of the address, if another target of the group has the same
   * answer. Absent in older diagnoses.
   */
  sharedSentence?: string;
  /** Commands that open a blocked path. Printed, never run. */
  commands: string[];
}

export interface NetworkPath {
  /** Name. */
  targetGroup: string;
  /** "10.0.1.5", or the instance id if no address is known. */
  address: string;
  registered: boolean;
  /** State in describe-target-health; null if it is not registered or health was not read. */
  state: string | null;
  port: number;
  traffic: NetworkPathAnswer;
  healthPort: number | null;
  /** Null: no health checks, an unknown port, or the traffic port. */
  health: NetworkPathAnswer | null;
}

/** A route whose requests targets answered slowly. Counts every status, as TargetResponseTime does. */
export interface SlowestRoute {
  route: string;
  /** Requests that a target answered. */
  requests: number;
  /** 95th percentile of target_processing_time; up to 1/12 too low. */
  p95Seconds: number;
  /** Share of the time that all answers of the window took. */
  shareOfTime: number;
}

export interface TimelineBucket {
  from: string;
  to: string;
  requests: number;
  bySignature: Partial<Record<SignatureId, number>>;
}

export interface Diagnosis {
  schema: 1;
  loadBalancer: { name: string; arn: string | null };
  window: { from: string; to: string };
  asked: {
    /** The question's status words: `gateway`, `5xx`, `elb-5xx`, `elb-502`, `target-5xx`, `502`. */
    statuses: string[];
    /** ARN, if the question is limited to one target group's errors. */
    targetGroup: string | null;
    /** Availability zone, if the question is limited to errors of the load balancer nodes there. */
    zone: string | null;
    /** The time used as now. */
    now: string;
  };
  provisional: boolean;
  triage: {
    requests: number | null;
    errors: number | null;
    byStatus: Record<string, number>;
    errorRate: number | null;
    firstError: string | null;
    lastError: string | null;
    ongoing: boolean | null;
    /** Whether errors still came at the end of what was read; null with fewer than 3, which show no rate. Absent in older diagnoses. */
    failingAtEnd?: boolean | null;
    clients: number | null;
    routes: { route: string; errors: number; requests: number }[];
    retriedOk: number | null;
    /** Number of 460s; part of the errors only if asked for. */
    clientClosed: number;
    /** One sentence for the headline: how many of how many, how spread, retried, still ongoing. */
    summary: string;
  };
  completeness: {
    errorsInLog: number | null;
    errorsInMetrics: number | null;
    newestEntry: string | null;
    unreadableLines: number | null;
  };
  signatures: { id: SignatureId; count: number; share: number; ambiguousBetween: CauseId[] }[];
  timeline: TimelineBucket[];
  steps: ChecklistStep[];
  causes: CauseResult[];
  verdict: Verdict;
  /** The leading part first, then the largest; intentional fixed responses last. Empty if nothing failed. */
  parts: Part[];
  /** Most errors first, then by time. */
  events: EventResult[];
  /** Failures outside the question. */
  beside: {
    /** Errors the targets answered themselves, by status. */
    targetMade: Record<string, number>;
    /** Number of requests that clients gave up (460). */
    clientClosed: number;
    /** `targetMade` and `clientClosed` plus 463 and 464, with their routes; most requests first. */
    statuses: StatusBeside[];
    /** Target groups that answer every request with 400. */
    badRequestGroups: { targetGroup: string; requests: number; routes?: { route: string; requests: number }[] }[];
  };
  /** How much of the traffic is affected, regardless of status. `none` only if no request failed and no step fails. */
  impact: 'none' | 'low' | 'high';
  keepAlive: {
    targetGroup: string;
    measuredSeconds: number | null;
    idleTimeoutSeconds: number | null;
    errorsAtEdge: number;
    errorsExamined: number;
    /** Runtimes that close idle connections at the measured value by default. */
    runtimes: string[];
    /** Start of the measurement if it goes beyond the window: ISO 8601. */
    measuredFrom: string | null;
    /** Offered if the window holds too few errors: the command, and the cost of reading. */
    longerLook: { command: string; estimate: string | null } | null;
  } | null;
  /** At most three routes that took 1 % of the time or more, by p95; absent in older diagnoses. */
  slowestRoutes?: SlowestRoute[];
  /** How to find undecided closed-before-response errors in the application's log. */
  traces: {
    ids: string[];
    grep: string;
    logsInsights: string;
    logFormat: string[];
    meaning: { absent: string; started: string; finished: string };
  } | null;
  /**
   * Owners of the targets in the log, if ECS or EC2 reports them; by target group, then address. Absent if there are
   * none.
   */
  owners?: OwnedTargetResult[];
  /** Paths to the targets: blocked ones first, then unknown ones; at most 500. */
  networkPaths: NetworkPath[];
  /** What could not be checked, one sentence each, with the IAM statement that grants access. */
  gaps: string[];
  /** The same items, in the same order, as data. */
  gapDetails: Gap[];
  cost: { bytesScanned: number; usd: number; queries: number };
  /** How the access log in AWS was read, and its estimated cost; absent if no engine was chosen. */
  reading?: LogReadMethod | undefined;
}
