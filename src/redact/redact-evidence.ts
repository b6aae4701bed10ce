/** Removes text that clients wrote into requests from the evidence. Pure. */
import type { AccessLog, FailedRequest, RouteTraffic, ScaleCount, SlowRoute } from '../evidence/access-log.ts';
import type { EvidenceSet } from '../evidence/evidence.ts';
import { redactReason, redactRoute, traceRoot } from './log-fields.ts';
import { isPlainSegment, redactWords } from './plain-words.ts';

/** A path segment requested by this many different clients belongs to the application, not to one of them. */
export const MANY_CLIENTS = 20;
/** Excludes encoded text, addresses and values, however many clients request them. */
const ORDINARY = /^[A-Za-z0-9._-]{1,40}$/;

/** Returns segments of failed routes that are not plain words but that many different clients requested. */
export function commonSegments({
  failures,
}: {
  failures: readonly Pick<FailedRequest, 'route' | 'client'>[];
}): Set<string> {
  const clients = new Map<string, Set<number>>();
  for (const { route, client } of failures) {
    for (const segment of route.split('/').slice(1)) {
      if (!ORDINARY.test(segment) || isPlainSegment(segment)) continue;
      const known = clients.get(segment) ?? new Set();
      clients.set(segment, known.add(client));
    }
  }
  return new Set([...clients].flatMap(([segment, known]) => (known.size >= MANY_CLIENTS ? [segment] : [])));
}

/** Returns the evidence as it may leave the terminal. */
export const redactEvidence = <Known extends Partial<EvidenceSet>>(evidence: Known): Known => {
  const { accessLog } = evidence;
  return accessLog?.status === 'collected'
    ? { ...evidence, accessLog: { ...accessLog, value: redactAccessLog(accessLog.value) } }
    : evidence;
};

/** Redacts the log and merges routes that become equal. Applying it twice changes nothing more. */
function redactAccessLog(log: AccessLog, common: ReadonlySet<string> = commonSegments(log)): AccessLog {
  const { rejected, earlier } = log;
  return {
    ...log,
    rejected: {
      ...rejected,
      first: rejected.first === null ? null : { ...rejected.first, text: redactWords(rejected.first.text) },
    },
    failures: log.failures.map((row) => ({
      ...row,
      route: redactRoute(row.route, common),
      trace_id: traceRoot(row.trace_id),
      error_reason: redactReason(row.error_reason),
      classification_reason: redactReason(row.classification_reason),
    })),
    failureShapes: log.failureShapes.map((shape) => ({ ...shape, error_reason: redactReason(shape.error_reason) })),
    routes: mergeRoutes(log.routes.map((one) => ({ ...one, route: redactRoute(one.route, common) }))),
    ...(log.slowest === undefined ? {} : { slowest: redactSlowest(log.slowest, common) }),
    ...(earlier === undefined ? {} : { earlier: { ...earlier, log: redactAccessLog(earlier.log, common) } }),
  };
}

function redactSlowest(
  { answeredMs, routes }: NonNullable<AccessLog['slowest']>,
  common: ReadonlySet<string>,
): NonNullable<AccessLog['slowest']> {
  const merged = new Map<string, SlowRoute>();
  for (const one of routes) {
    const route = redactRoute(one.route, common);
    const known = merged.get(route) ?? { route, answeredMs: 0, times: [] };
    merged.set(route, {
      route,
      answeredMs: known.answeredMs + one.answeredMs,
      times: addScales(known.times, one.times) ?? [],
    });
  }
  return {
    answeredMs,
    routes: [...merged.values()].sort((a, b) => b.answeredMs - a.answeredMs || (a.route < b.route ? -1 : 1)),
  };
}

function addScales(a: ScaleCount[] | undefined, b: ScaleCount[] | undefined): ScaleCount[] | undefined {
  if (a === undefined || b === undefined) return undefined;
  const counts = new Map<number, number>();
  for (const { step, requests } of [...a, ...b]) counts.set(step, (counts.get(step) ?? 0) + requests);
  return [...counts].map(([step, requests]) => ({ step, requests })).sort((one, other) => one.step - other.step);
}

function mergeRoutes(routes: readonly RouteTraffic[]): RouteTraffic[] {
  const merged = new Map<string, RouteTraffic>();
  for (const one of routes) {
    const known = merged.get(one.route);
    merged.set(
      one.route,
      known === undefined
        ? one
        : {
            route: one.route,
            requests: known.requests + one.requests,
            failures: known.failures + one.failures,
            succeeded: known.succeeded + one.succeeded,
            succeededMs: known.succeededMs + one.succeededMs,
            succeededMaxMs: Math.max(known.succeededMaxMs, one.succeededMaxMs),
            times: addScales(known.times, one.times),
            sizes: addScales(known.sizes, one.sizes),
          },
    );
  }
  return merged.size === routes.length
    ? [...routes]
    : [...merged.values()].sort((a, b) => b.failures - a.failures || (a.route < b.route ? -1 : 1));
}
