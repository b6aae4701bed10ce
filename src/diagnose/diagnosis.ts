/** The diagnosis: the JSON contract. Renderers read it and nothing else. Times are ISO 8601 UTC, durations seconds, shares 0 to 1. */

import type { LogReadMethod } from '../evidence/evidence.ts';
import type { CauseId } from './cause-ids.ts';
import type { SignatureId } from './signature.ts';

export type CheckOutcome = 'pass' | 'fail' | 'unknown' | 'not-applicable';
export type Standing = 'confirmed' | 'likely' | 'possible' | 'ruled-out' | 'untested';
export type StepNumber = 1 | 2 | 3 | 4 | 5 | 6;

/** A number or a word with its label and, where it has one, its unit. */
export interface Fact {
  label: string;
  value: number | string;
  unit?: 'seconds' | 'requests' | 'percent' | 'bytes';
}

export interface CheckFinding {
  check: string;
  outcome: CheckOutcome;
  summary: string;
  facts: Fact[];
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

export interface Fix {
  /** What to do, one sentence. */
  summary: string;
  /** Commands or configuration text, for the runtime at hand where it is known. Printed, never run. */
  commands: string[];
  /** What else the change does. */
  sideEffects: string[];
}

export interface CauseResult {
  id: CauseId;
  title: string;
  standing: Standing;
  /** Share of the errors; see design of standings: confirmed and likely causes sum to at most 1. */
  explains: number;
  for: string[];
  against: string[];
  missing: string[];
  fix: Fix;
  reference: string;
}

export interface Verdict {
  cause: CauseId | null;
  standing: 'confirmed' | 'likely' | 'undecided' | 'none';
  between: CauseId[];
  summary: string;
  decidedBy: string | null;
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
  /** The statuses asked for, and what now was taken to be. */
  asked: { statuses: string[]; now: string };
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
  gaps: string[];
  cost: { bytesScanned: number; usd: number; queries: number };
  /** How the access log of a load balancer in AWS was read, and what that was to cost; absent where nothing was chosen. */
  reading?: LogReadMethod | undefined;
}
