/**
 * The access log as checks and causes read it: the asked errors of the window with what the load balancer experienced. Counts come
 * from the exact shapes; where the rows were capped each row stands for several errors (`weight`).
 */
import type { AccessLog, FailedRequest, Question } from '../evidence/evidence.ts';
import { statusMatcher } from '../query/statuses.ts';
import { SIGNATURE_IDS, type SignatureId, signature, signatureFields } from './signature.ts';

/** An asked error of the window. */
export interface SampledError extends FailedRequest {
  /** Position in `Traffic.errors`. */
  index: number;
  /** Position in `AccessLog.failures`. */
  row: number;
  signature: SignatureId;
  /** How many errors it stands for: 1, more when the rows were capped. */
  weight: number;
}

export interface Traffic {
  log: AccessLog;
  errors: SampledError[];
  /** Asked errors in the window; exact. */
  errorCount: number;
  /** Exact, only those that occur, most frequent first, then in the order of the signatures. */
  bySignature: { id: SignatureId; count: number }[];
  /** The same over a longer time that ends with the window, for what needs more errors than it has; `from` in epoch milliseconds. */
  earlier: { from: number; traffic: Traffic } | null;
}

/** Reads the collected log with the question in mind. */
export function readTraffic(log: AccessLog, question: Question): Traffic {
  const isAsked = statusMatcher(question.statuses);
  const exact = new Map<SignatureId, number>();
  for (const shape of log.failureShapes) {
    if (!isAsked(shape.elb_status_code)) continue;
    const id = signature(shape);
    exact.set(id, (exact.get(id) ?? 0) + shape.count);
  }
  const sampleCounts = new Map<SignatureId, number>();
  const errors = log.failures.flatMap((failure, row) => {
    if (!isAsked(failure.elb_status_code)) return [];
    const id = signature(signatureFields(failure));
    sampleCounts.set(id, (sampleCounts.get(id) ?? 0) + 1);
    return [{ ...failure, row, signature: id }];
  });
  return {
    log,
    errors: errors.map((error, index) => ({
      ...error,
      index,
      weight: (exact.get(error.signature) ?? 0) / (sampleCounts.get(error.signature) ?? 1),
    })),
    errorCount: [...exact.values()].reduce((sum, count) => sum + count, 0),
    bySignature: [...exact]
      .map(([id, count]) => ({ id, count }))
      .sort((a, b) => b.count - a.count || SIGNATURE_IDS.indexOf(a.id) - SIGNATURE_IDS.indexOf(b.id)),
    earlier: log.earlier ? { from: log.earlier.from, traffic: readTraffic(log.earlier.log, question) } : null,
  };
}

/** A pattern worked out once for each traffic: a dozen causes ask for the same one. */
export function oncePerTraffic<T>(compute: (traffic: Traffic) => T): (traffic: Traffic) => T {
  const cache = new WeakMap<Traffic, { value: T }>();
  return (traffic) => {
    const entry = cache.get(traffic) ?? { value: compute(traffic) };
    cache.set(traffic, entry);
    return entry.value;
  };
}

/** The errors of these signatures. */
export const withSignature = (traffic: Traffic, ...ids: SignatureId[]): SampledError[] =>
  traffic.errors.filter((error) => ids.includes(error.signature));

/** How many errors a list of rows stands for. */
export const countErrors = (errors: readonly SampledError[]): number =>
  errors.reduce((sum, error) => sum + error.weight, 0);

/** Splits a list by a key, groups in order of first appearance. */
export function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

/** The name in a target group ARN ("…:targetgroup/api/0123" is "api"); "-" stays. Names cannot hold a slash. */
export const targetGroupName = (arn: string): string => arn.split(':targetgroup/')[1]?.split('/')[0] ?? arn;
