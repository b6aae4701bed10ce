/**
 * The access log as checks and causes use it: the asked errors of the window with their signatures. Counts come from
 * the exact shapes; if rows were sampled, each row represents several errors (`weight`).
 */
import type { AccessLog, FailedRequest, FailureShape } from '../evidence/access-log.ts';
import type { Question } from '../evidence/question.ts';
import { GATEWAY, type StatusPair, statusMatcher } from '../evidence/statuses.ts';
import { traceRoot } from '../redact/log-fields.ts';
import { SIGNATURE_IDS, type SignatureId, signature, signatureFields } from './signature.ts';
import { targetName } from './targets/target-name.ts';
import { NO_OWNERS, type TargetOwners } from './targets/target-owners.ts';

const MINUTE = 60_000;

/** An asked error of the window. */
export interface SampledError extends FailedRequest {
  /** Position in `Traffic.errors`. */
  index: number;
  /** Position in `AccessLog.failures`. */
  row: number;
  signature: SignatureId;
  /** The number of errors it represents: 1, or more if rows were sampled. */
  weight: number;
}

export interface Traffic {
  log: AccessLog;
  /** Whether an entry is an asked error, in any target group and zone. */
  isAsked: (entry: StatusPair) => boolean;
  /** For the asked errors only. */
  shapes: FailureShape[];
  errors: SampledError[];
  /** Asked errors in the window; exact. */
  errorCount: number;
  /** Exact, present signatures only, most frequent first, then in the order of the signatures. */
  bySignature: { id: SignatureId; count: number }[];
  /**
   * The same traffic for a longer period that ends with the window, for measurements that need more errors; `from` in
   * epoch milliseconds.
   */
  earlier: { from: number; traffic: Traffic } | null;
  /** The known owners of the logged targets. */
  owners: TargetOwners;
}

/** The zone of a load balancer node; null if unknown. */
type ZoneOfNode = (node: string) => string | null;

/**
 * Reads the collected log for the question. If the question is limited to a zone, excludes nodes whose zone is unknown.
 */
export function readTraffic(
  log: AccessLog,
  question: Question,
  zoneOf: ZoneOfNode = () => null,
  owners = NO_OWNERS,
): Traffic {
  return { ...trafficOf(log, question, countedStatuses(log, question.statuses), zoneOf), owners };
}

function trafficOf(log: AccessLog, question: Question, statuses: string[], zoneOf: ZoneOfNode): Traffic {
  const isAsked = statusMatcher(statuses);
  const isInScope = scopeMatcher(question, zoneOf);
  const asked = log.failureShapes.filter(isAsked);
  const exact = countBySignature(asked);
  const hops = new Set(log.hops?.flatMap(({ clients }) => clients));
  const rows = log.failures.flatMap((failure, row) =>
    isAsked(failure) ? [{ failure, row, id: signature(signatureFields(failure)) }] : [],
  );
  const sampleCounts = new Map<SignatureId, number>();
  for (const { id } of rows) sampleCounts.set(id, (sampleCounts.get(id) ?? 0) + 1);
  const errors = rows
    .filter(({ failure }) => isInScope(failure))
    .map(
      ({ failure, row, id }, index): SampledError => ({
        ...failure,
        row,
        signature: id,
        // Behind a hop, the next success may belong to another client.
        retriedOk: failure.retriedOk && !hops.has(failure.client),
        weight: (exact.get(id) ?? 0) / (sampleCounts.get(id) ?? 1),
        index,
      }),
    );
  const isLimited = question.targetGroup !== undefined || question.zone !== undefined;
  const shapes = isLimited ? shapesOf(errors) : asked;
  const counts = isLimited ? countBySignature(shapes) : exact;
  return {
    log,
    isAsked: (row) => isAsked(row),
    shapes,
    errors,
    errorCount: [...counts.values()].reduce((sum, count) => sum + count, 0),
    bySignature: [...counts]
      .map(([id, count]) => ({ id, count }))
      .sort((a, b) => b.count - a.count || SIGNATURE_IDS.indexOf(a.id) - SIGNATURE_IDS.indexOf(b.id)),
    owners: NO_OWNERS,
    earlier: log.earlier
      ? { from: log.earlier.from, traffic: trafficOf(log.earlier.log, question, statuses, zoneOf) }
      : null,
  };
}

/** Application errors lead from this share of the requests and this multiple of the other errors. */
const LEADING_SHARE = 0.01;
const LEADING_RATIO = 3;

/**
 * The statuses to count. For `gateway`, other 5xx from targets count only if there are no other errors or they far
 * outnumber them, because an application that answers a few 500s all day must not hide why the gateway fails.
 */
function countedStatuses(log: Pick<AccessLog, 'failureShapes' | 'requests'>, statuses: string[]): string[] {
  if (!statuses.includes(GATEWAY)) return statuses;
  const isAsked = statusMatcher(statuses);
  const isTargetMade = statusMatcher(['target-5xx']);
  let [asked, beside] = [0, 0];
  for (const shape of log.failureShapes) {
    if (isAsked(shape)) asked += shape.count;
    else if (isTargetMade(shape)) beside += shape.count;
  }
  const isMost = beside >= LEADING_SHARE * log.requests && beside >= LEADING_RATIO * asked;
  return beside > 0 && (asked === 0 || isMost) ? [...statuses, 'target-5xx'] : statuses;
}

/** Whether a target group is the one that the question is limited to, if it is limited. */
export const isAskedGroup = ({ targetGroup }: Question, arn: string): boolean =>
  targetGroup === undefined || arn.endsWith(targetGroup);

function scopeMatcher(question: Question, zoneOf: ZoneOfNode) {
  const { zone } = question;
  return ({ target_group_arn, node }: Pick<FailedRequest, 'target_group_arn' | 'node'>): boolean =>
    isAskedGroup(question, target_group_arn) && (zone === undefined || (node !== null && zoneOf(node) === zone));
}

function countBySignature(shapes: readonly FailureShape[]): Map<SignatureId, number> {
  const counts = new Map<SignatureId, number>();
  for (const shape of shapes) {
    const id = signature(shape);
    counts.set(id, (counts.get(id) ?? 0) + shape.count);
  }
  return counts;
}

/** Computes shapes from rows: by weight, so only approximately if rows were sampled. */
function shapesOf(errors: readonly SampledError[]): FailureShape[] {
  const shapes = groupBy(errors, (error) => {
    const fields = signatureFields(error);
    return JSON.stringify([Math.floor(error.at / MINUTE), error.elb_status_code, error.target_status_code, fields]);
  });
  return [...shapes.values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const times = own.map(({ at }) => at);
    const reached = (value: number) => (value < 0 ? -1 : 0);
    return [
      {
        ...signatureFields(first),
        minute: Math.floor(first.at / MINUTE) * MINUTE,
        request_processing_time: reached(first.request_processing_time),
        target_processing_time: reached(first.target_processing_time),
        response_processing_time: reached(first.response_processing_time),
        count: Math.round(countErrors(own)),
        retriedOk: Math.round(countErrors(own.filter(({ retriedOk }) => retriedOk))),
        first: times.reduce((least, at) => Math.min(least, at)),
        last: times.reduce((most, at) => Math.max(most, at)),
      },
    ];
  });
}

/** Computes a value once per traffic, because a dozen causes use the same pattern. */
export function oncePerTraffic<T>(compute: (traffic: Traffic) => T): (traffic: Traffic) => T {
  const cache = new WeakMap<Traffic, { value: T }>();
  return (traffic) => {
    const entry = cache.get(traffic) ?? { value: compute(traffic) };
    cache.set(traffic, entry);
    return entry.value;
  };
}

const errorsBySignature = oncePerTraffic(({ errors }) => groupBy(errors, ({ signature: id }) => id));

const errorsOfSeveral = oncePerTraffic(() => new Map<string, readonly SampledError[]>());

/**
 * The errors of these signatures, in the order of `Traffic.errors`. Computed once per set of signatures, because it is
 * called for each target.
 */
export function withSignature(traffic: Traffic, ...ids: SignatureId[]): readonly SampledError[] {
  const [first] = ids;
  if (first !== undefined && ids.length === 1) return errorsBySignature(traffic).get(first) ?? [];
  const known = errorsOfSeveral(traffic);
  const key = ids.join(' ');
  const found =
    known.get(key) ?? ids.flatMap((id) => errorsBySignature(traffic).get(id) ?? []).sort((a, b) => a.index - b.index);
  known.set(key, found);
  return found;
}

/** The number of errors that the rows represent. */
export const countErrors = (errors: readonly SampledError[]): number =>
  errors.reduce((sum, error) => sum + error.weight, 0);

/** Trace ids of errors: only the part that the load balancer wrote, since clients may send any header. */
export const traceRoots = (errors: readonly SampledError[]): string[] => [
  ...new Set(errors.map((error) => traceRoot(error.trace_id)).filter((id) => id !== '-')),
];

/** Splits a list by a key, groups in order of first appearance. */
export function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return groups;
}

/** The name in a target group ARN ("…:targetgroup/api/0123" is "api"); "-" stays. Names cannot hold a slash. */
export const targetGroupName = (arn: string): string => arn.split(':targetgroup/')[1]?.split('/')[0] ?? arn;

/**
 * The name of a target ("address:port" as logged) in sentences, at `time` (epoch milliseconds). Without a time, the
 * name when it first failed or was last seen.
 */
export function nameOf(traffic: Traffic, target: string, time?: number): string {
  if (time !== undefined) return nameAt(traffic, target, time);
  const names = usualNames(traffic);
  const name = names.get(target) ?? nameAt(traffic, target, null);
  names.set(target, name);
  return name;
}

/** Names of targets at no particular time, kept because every error asks for one. */
const usualNames = oncePerTraffic(() => new Map<string, string>());

function nameAt(traffic: Traffic, target: string, time: number | null): string {
  const meant = whenMeant(traffic).get(target);
  const owner = (at: number) => traffic.owners.at(target, at, meant?.targetGroup);
  const usual = meant?.at ?? traffic.log.newest ?? Number.POSITIVE_INFINITY;
  return targetName(target, owner(time ?? usual) ?? owner(usual));
}

/** Names of targets, without duplicates. */
export const namesOf = (traffic: Traffic, targets: Iterable<string>): string[] => [
  ...new Set([...new Set(targets)].map((target) => nameOf(traffic, target))),
];

/** The time and the target group that sentences about a target refer to. */
const whenMeant = oncePerTraffic(({ log, errors }: Traffic) => {
  const meant = new Map<string, { at: number; targetGroup: string }>();
  for (const { target, target_group_arn, lastSeen } of log.targets)
    if (lastSeen > (meant.get(target)?.at ?? 0)) meant.set(target, { at: lastSeen, targetGroup: target_group_arn });
  for (const { target, target_group_arn, at } of errors.toReversed())
    meant.set(target, { at, targetGroup: target_group_arn });
  return meant;
});
