/** The diagnosis: the JSON contract. Renderers read it and nothing else. Times are ISO 8601 UTC, durations seconds, shares 0 to 1. */

import type { EvidenceName, GapKind, LogReadMethod } from '../evidence/evidence.ts';
import type { CauseId } from './cause-ids.ts';
import type { CheckOutcome, Fact } from './check-verdict.ts';
import type { StepNumber } from './checks/check.ts';
import type { CheckId } from './checks/index.ts';
import type { EventCall, EventKind, EventStanding } from './events/event.ts';
import type { ReasonKind } from './events/reason.ts';
import type { Fix } from './judgement.ts';
import type { SignatureId } from './signature.ts';

export type { CheckOutcome, Fact } from './check-verdict.ts';
export type { StepNumber } from './checks/check.ts';
export type { Fix } from './judgement.ts';

export type Standing = 'confirmed' | 'likely' | 'possible' | 'ruled-out' | 'untested';
export interface CheckFinding {
  check: CheckId;
  outcome: CheckOutcome;
  summary: string;
  /** The summary in a few words; absent where the summary itself is short. */
  brief?: string;
  facts: Fact[];
  /** Evidence that could not be collected and that an unknown outcome hangs on; `gapDetails` says why. */
  missing: EvidenceName[];
  /** The calls or SQL an operator can repeat by hand. */
  sources: string[];
  /** Why it matters; what to do (only on fail); the AWS page that says so. */
  why: string;
  fix: string | null;
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
  /** The cause in this case, one sentence: what a headline says. Null where it is ruled out or untested. */
  summary: string | null;
  /** Share of the errors; see design of standings: confirmed and likely causes sum to at most 1. */
  explains: number;
  for: string[];
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
  /** Causes of the leading part; empty where no known cause fits, and where the leading errors were not read. */
  between: CauseId[];
  /** What would settle it: something a person can run or look at. */
  decidedBy: string;
}

interface EmptyVerdict {
  standing: 'none';
  cause: null;
  between: never[];
  decidedBy: null;
}

/** What the leading part says. `none`: rows were read, and neither the log nor CloudWatch has an error. */
export type Verdict = (NamedVerdict | UndecidedVerdict | EmptyVerdict) & {
  /** Share of the leading part; 0 for `none`. */
  explains: number;
  /** One or a few sentences. */
  summary: string;
};

/** Errors with one answer. Every error is in exactly one part, and the shares of all parts add up to 1. The first part leads. */
export interface Part {
  /** One where it is decided; those left where it is not; none where no known cause fits or the errors were not read. */
  causes: CauseId[];
  /** `unread`: counted by CloudWatch, and not in the log that was read. */
  standing: 'confirmed' | 'likely' | 'undecided' | 'unread';
  errors: number;
  share: number;
  /** Position in `events` of the event whose errors these are. */
  event: number | null;
}

/** Errors of one origin, found across signatures by target and time. */
export interface EventResult {
  kind: EventKind;
  /** How sure it is that the event happened; how sure its cause is stands in its part. */
  standing: EventStanding;
  from: string;
  /** Null where the end was cut off by what was read. */
  to: string | null;
  targets: string[];
  errors: number;
  causes: CauseId[];
  /** One sentence for the headline. */
  summary: string;
  /** API calls recorded by CloudTrail that fall on it; `at` ISO 8601. */
  calls: (Omit<EventCall, 'at'> & { at: string })[];
  /** Why its targets went, where ECS or Auto Scaling says so; `at` ISO 8601. */
  reason?: { kind: ReasonKind; at: string | null };
}

/** A target in the log with its owner. Null where that does not apply or is not known. */
export interface OwnedTargetResult {
  /** "address:port" as logged. */
  target: string;
  /** Name. */
  targetGroup: string;
  /** As sentences name it: "feed-api task 8f3c… (10.0.12.68)". */
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
  /** Why the task stopped: "its container app ran out of memory (exit 137) at 04:21:02 UTC". */
  stopped: string | null;
}

/** Requests that failed in a way that was not asked about, by status; the routes with most of them, three at most. */
export interface StatusBeside {
  status: string;
  /** The target answered so itself, else it was the load balancer: 460, 463, 464 and the like. */
  madeBy: 'target' | 'load-balancer';
  requests: number;
  /** Of all requests of the window. */
  share: number;
  /** From creation to the end of the request; null where it is not known. */
  medianSeconds: number | null;
  routes: { route: string; requests: number }[];
}

/** Something that could not be checked. */
export interface Gap {
  kind: GapKind;
  /** What could not be checked and why, without the statement. */
  sentence: string;
  /** The IAM statement that allows it, as JSON; several are separated by commas. Null where no permission is missing. */
  iamStatement: string | null;
  evidence: EvidenceName;
}

/** Whether a new connection from the load balancer reaches one port of a target, judged from the configuration alone. */
export interface NetworkPathAnswer {
  outcome: 'open' | 'blocked' | 'unknown';
  /** Names what blocks it, or what could not be checked. */
  sentence: string;
  /** Commands that open a blocked path. Printed, never run. */
  commands: string[];
}

export interface NetworkPath {
  /** Name. */
  targetGroup: string;
  /** "10.0.1.5", or the instance id where no address is known. */
  address: string;
  registered: boolean;
  /** State of describe-target-health; null when it is not registered or health was not read. */
  state: string | null;
  port: number;
  traffic: NetworkPathAnswer;
  healthPort: number | null;
  /** Null: no health checks, the port is not known, or it is the traffic port. */
  health: NetworkPathAnswer | null;
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
    /** The words of the question: `gateway`, `5xx`, `elb-5xx`, `elb-502`, `target-5xx`, `502`. */
    statuses: string[];
    /** ARN, where only its errors were asked for. */
    targetGroup: string | null;
    /** Availability zone, where only the errors of its load balancer nodes were asked for. */
    zone: string | null;
    /** What now was taken to be. */
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
    clients: number | null;
    routes: { route: string; errors: number; requests: number }[];
    retriedOk: number | null;
    /** 460s beside the errors: mentioned, not counted, unless asked for. */
    clientClosed: number;
    /** One sentence for the headline: how many of how many, how spread, retried, still happening. */
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
  /** The part that leads first, then the largest; a fixed response that was configured on purpose last. Empty where nothing failed. */
  parts: Part[];
  /** Those with most errors first, then in order of time. */
  events: EventResult[];
  /** What was not asked about and stands beside it. */
  beside: {
    /** Errors the targets answered themselves, by status. */
    targetMade: Record<string, number>;
    /** Requests the client gave up (460). */
    clientClosed: number;
    /** The same and 463 and 464, with their routes; most requests first. */
    statuses: StatusBeside[];
    /** Target groups that answer every request with 400. */
    badRequestGroups: { targetGroup: string; requests: number }[];
  };
  /** How much of the traffic is hurt, whatever the status. `none` only where no request failed and no step fails. */
  impact: 'none' | 'low' | 'high';
  keepAlive: {
    targetGroup: string;
    measuredSeconds: number | null;
    idleTimeoutSeconds: number | null;
    errorsAtEdge: number;
    errorsExamined: number;
    /** Runtimes that close idle connections at the measured value by default. */
    runtimes: string[];
    /** Where it was measured from, if not over the window alone: ISO 8601. */
    measuredFrom: string | null;
    /** Offered where the window holds too few errors: the command, and what reading that costs. */
    longerLook: { command: string; estimate: string | null } | null;
  } | null;
  /** For undecided closed-before-response errors: how to look them up in the application's log. */
  traces: {
    ids: string[];
    grep: string;
    logsInsights: string;
    logFormat: string[];
    meaning: { absent: string; started: string; finished: string };
  } | null;
  /** Whose the targets in the log are, where ECS or EC2 says so; by target group, then address. Absent where nothing says. */
  owners?: OwnedTargetResult[];
  /** Paths to the targets: the blocked first, then the unknown; at most 500. */
  networkPaths: NetworkPath[];
  /** What could not be checked, one sentence each, with the IAM statement that allows it. */
  gaps: string[];
  /** The same, in the same order, as data. */
  gapDetails: Gap[];
  cost: { bytesScanned: number; usd: number; queries: number };
  /** How the access log of a load balancer in AWS was read, and what that was to cost; absent where nothing was chosen. */
  reading?: LogReadMethod | undefined;
}
