/**
 * Answers one question about one load balancer: collects evidence, then judges it. Terminal, bot and alarms use the
 * same interface for AWS and for recorded incidents, and cannot tell them apart.
 */
import type { ProgressListener } from '../collect/collect.ts';
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { EvidenceSet } from '../evidence/evidence.ts';
import type { CountedErrors } from '../evidence/metrics.ts';
import type { Question } from '../evidence/question.ts';
import type { ParsedQuestion } from '../query/parse-question.ts';

/**
 * A located load balancer. `account` is the name of a configured account; a run keeps it and the region to find the
 * load balancer again.
 */
export interface LoadBalancerRef {
  name: string;
  /** Null only in recordings without an ARN. */
  arn: string | null;
  account: string;
  region: string;
}

/** Options of the caller. */
export interface InvestigationOptions {
  signal: AbortSignal;
  progress?: ProgressListener | undefined;
  /** Called with the current work on the access log, in a few words. */
  onAccessLogStatus?: ((words: string) => void) | undefined;
  /** Called before a log is read at a cost, with a sentence on the method, the reason and the highest cost. */
  onEstimate?: ((sentence: string) => void) | undefined;
  /** Folder for fetched log files, in logs/; null to keep none. */
  keepIn?: string | null | undefined;
  /** Called once with the diagnosis from metrics and configuration, if it is ready before the access log. */
  onInterimDiagnosis?: ((diagnosis: Diagnosis) => void) | undefined;
  /** The answer leaves the terminal, so text that clients wrote is redacted by src/redact. */
  isRedacted?: boolean | undefined;
  /** Called with a sentence to show beside the answer. */
  onNotice?: ((sentence: string) => void) | undefined;
  /** Loads modules for the answer during other waits; a failure shows up where they are used. */
  preload?: (() => Promise<unknown>) | undefined;
}

/** `hasLogFiles`: log files were kept, in logs/ of `keepIn`. */
export interface InvestigationResult {
  question: Question;
  evidence: EvidenceSet;
  diagnosis: Diagnosis;
  hasLogFiles: boolean;
}

/** Finds load balancers and answers questions about them. */
export interface Investigator {
  /** Load balancers to choose from, sorted by name, as last listed; makes no call. */
  listLoadBalancers(): readonly LoadBalancerRef[];
  /**
   * Finds a load balancer in the named accounts by name, ARN, app/name/id, DNS name or unique part of the name. Throws
   * Problem (exit 1) with the sentence to show when there is none or several.
   */
  find(nameOrArn: string, accounts: readonly string[], signal: AbortSignal): Promise<LoadBalancerRef>;
  /**
   * Returns the window of a recorded incident as a user would type it, by name or ARN of its load balancer. Absent for
   * live accounts.
   */
  recordedWindow?(loadBalancer: string): string | null;
  /** Builds the question; relative times count from the load balancer's now. Throws Problem (exit 1). */
  resolveQuestion(parsed: ParsedQuestion, loadBalancer: LoadBalancerRef): Question<LoadBalancerRef>;
  /**
   * Returns CloudWatch's counts of the requested errors, from one call; null if it counts none of them or does not
   * answer. Throws when `signal` aborts. Absent if `investigate` is just as fast.
   */
  countErrors?(question: Question<LoadBalancerRef>, signal: AbortSignal): Promise<CountedErrors | null>;
  /**
   * Returns the redacted answer, which lists failed checks. Throws Problem when the question is wrong or `signal`
   * aborts (exit 130).
   */
  investigate(question: Question<LoadBalancerRef>, options: InvestigationOptions): Promise<InvestigationResult>;
}
