/**
 * One question about one load balancer: gather, then judge. The terminal, the bot and alarms all ask here, of AWS or of recorded
 * incidents; whoever asks cannot tell which.
 */
import type { ProgressListener } from '../collect/collect.ts';
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { EvidenceSet, Question } from '../evidence/evidence.ts';
import type { CountedErrors } from '../evidence/metrics.ts';
import type { ParsedQuestion } from '../query/parse-question.ts';

/** A load balancer that was found. `account` is the name of a configured account; both are kept with a run to find it again. */
export interface LoadBalancerRef {
  name: string;
  /** Null only where a recording does not say. */
  arn: string | null;
  account: string;
  region: string;
}

/** A question about a load balancer that was found. */
export type LocatedQuestion = Question<LoadBalancerRef>;

/** What an investigation is given by whoever starts it. */
export interface InvestigationOptions {
  signal: AbortSignal;
  progress?: ProgressListener | undefined;
  /** What is being done for the access log, in a few words. */
  onAccessLogStatus?: ((words: string) => void) | undefined;
  /** Called before a log is read that costs something: by what, why, and what that may cost, in a sentence. */
  onEstimate?: ((sentence: string) => void) | undefined;
  /** A folder in which fetched log files are kept, in logs/; null to keep none. */
  keepIn?: string | null | undefined;
  /** Called once with what metrics and configuration say, when that is known before the access log. */
  onInterimDiagnosis?: ((diagnosis: Diagnosis) => void) | undefined;
  /** The answer leaves the terminal: of what clients wrote, only what src/redact lets through is in it. */
  isRedacted?: boolean | undefined;
  /** Called with a sentence that a person should read beside the answer. */
  onNotice?: ((sentence: string) => void) | undefined;
  /** Loads what the answer will need, while there is something else to wait for. Should that fail, it says so where it is used. */
  preload?: (() => Promise<unknown>) | undefined;
}

/** Log files, if `hasLogFiles`, lie in logs/ of the folder they were to be kept in. */
export interface InvestigationResult {
  question: Question;
  evidence: EvidenceSet;
  diagnosis: Diagnosis;
  hasLogFiles: boolean;
}

/** Who finds load balancers and answers questions about them. */
export interface Investigator {
  /** Load balancers to pick from, as last listed: never a call. Sorted by name. */
  listLoadBalancers(): readonly LoadBalancerRef[];
  /**
   * Finds a load balancer as it was typed: name, ARN, app/name/id, DNS name or unique part of the name, in the accounts of these names.
   * Throws Problem (exit 1) with the sentence to show when there is none or there are several.
   */
  find(nameOrArn: string, accounts: readonly string[], signal: AbortSignal): Promise<LoadBalancerRef>;
  /** Of a recorded incident, by name or ARN of its load balancer: its window, as it would be typed. Absent where time goes on. */
  recordedWindow?(loadBalancer: string): string | null;
  /** The question about a load balancer that was found: words that count from now count from its now. Throws Problem (exit 1). */
  resolveQuestion(parsed: ParsedQuestion, loadBalancer: LoadBalancerRef): LocatedQuestion;
  /**
   * What CloudWatch counts of the asked errors, in one call; null where it counts none of them, or does not answer. Throws when `signal`
   * aborts. Absent where nothing is known sooner than by `investigate`.
   */
  countErrors?(question: LocatedQuestion, signal: AbortSignal): Promise<CountedErrors | null>;
  /** Answers, redacted. What could not be looked at is in the answer; throws Problem when the question is wrong or `signal` aborts (exit 130). */
  investigate(question: LocatedQuestion, options: InvestigationOptions): Promise<InvestigationResult>;
}
