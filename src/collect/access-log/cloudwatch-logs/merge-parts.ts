/**
 * Merges three sets of answers of one log: counts of all messages, fetched failures, and a part of the window fetched
 * whole. Pure.
 */
import type { AccessLog, FailedRequest, FailureShape, IdleGaps, RouteTraffic } from '../../../evidence/access-log.ts';
import type { Window } from '../../../evidence/question.ts';
import { least, statusCounts, sum, targetTraffic } from '../place-traffic.ts';
import type { CountedMessages } from './count-messages.ts';

const MINUTE_MS = 60_000;

interface LogParts {
  counts: CountedMessages;
  /** The answers from the failures alone. */
  failed: AccessLog;
  /** The answers from all messages in `part`; null if nothing failed. */
  whole: { part: Window; log: AccessLog } | null;
}

export function mergeParts({ counts, failed, whole }: LogParts): AccessLog {
  const { places, minutes, rejected } = counts;
  const entries = sum(places.map(({ lines }) => lines));
  const requests = sum(places.map((place) => place.requests));
  return {
    ...failed,
    lines: entries + rejected,
    entries,
    rejected: { lines: rejected, files: rejected === 0 ? 0 : 1, first: null },
    otherLoadBalancers: 0,
    oldest: places.length === 0 ? null : least(places.map(({ first }) => first)) / 1000,
    newest: places.length === 0 ? null : -least(places.map(({ last }) => -last)) / 1000,
    requests,
    minutes: minutes.filter((one) => one.requests > 0).map((one) => ({ minute: one.minute, requests: one.requests })),
    targets: targetTraffic(places),
    statuses: statusCounts(places),
    // The slowest of the failed requests are not the slowest routes of the traffic.
    slowest: undefined,
    badRequestRoutes: undefined,
    ...(whole === null ? {} : answersOfPart(failed, whole, requests)),
  };
}

/** The answers that need the requests around the failures; they come from the part alone. */
function answersOfPart(
  failed: AccessLog,
  { part, log }: NonNullable<LogParts['whole']>,
  requests: number,
): Partial<AccessLog> {
  const rows = rowsOfPart(log.failures, failed.failures);
  const retried = new Set([...rows].filter(([row]) => log.failures[row]?.retriedOk === true).map(([, own]) => own));
  const [beside, besideInPart] = [requests - failed.failuresTotal, log.requests - log.failuresTotal];
  return {
    failures: failed.failures.map((failure, row) => (retried.has(row) ? { ...failure, retriedOk: true } : failure)),
    failureShapes: shapesWithRetries(failed.failureShapes, log.failureShapes, part),
    retriedOk: log.retriedOk,
    routes: scaledRoutes(failed.routes, log.routes, besideInPart === 0 ? 1 : beside / besideInPart),
    idleGaps: log.idleGaps.flatMap((gaps) => gapsByOwnRows(gaps, rows, log.failures, failed.failures)),
    outages: log.outages,
    slowest: log.slowest,
    badRequestRoutes: log.badRequestRoutes,
  };
}

/** Maps rows of the part's failures to rows of all failures; both are in the same order. */
function rowsOfPart(inPart: readonly FailedRequest[], all: readonly FailedRequest[]): Map<number, number> {
  const key = ({ client: _, retriedOk: _retried, ...failure }: FailedRequest) => JSON.stringify(failure);
  const waiting = new Map<string, number[]>();
  for (const [row, failure] of all.entries()) waiting.set(key(failure), [...(waiting.get(key(failure)) ?? []), row]);
  return new Map(
    inPart.flatMap((failure, row): [number, number][] => {
      const own = waiting.get(key(failure))?.shift();
      return own === undefined ? [] : [[row, own]];
    }),
  );
}

function gapsByOwnRows(
  { failures, peers, ...group }: IdleGaps,
  rows: ReadonlyMap<number, number>,
  inPart: readonly FailedRequest[],
  all: readonly FailedRequest[],
): IdleGaps[] {
  const clients = new Map(
    [...rows].flatMap(([row, own]): [number, number][] => {
      const [one, other] = [inPart[row], all[own]];
      return one === undefined || other === undefined ? [] : [[one.client, other.client]];
    }),
  );
  const ownRow = <Item extends { row: number }>(item: Item): Item[] => {
    const row = rows.get(item.row);
    return row === undefined ? [] : [{ ...item, row }];
  };
  const own = failures.flatMap(ownRow);
  if (own.length === 0) return [];
  const ownPeers = peers.flatMap(ownRow).map((peer) => ({
    ...peer,
    controls: peer.controls.map((control) => ({
      ...control,
      client: control.client === null ? null : (clients.get(control.client) ?? null),
    })),
  }));
  return [{ ...group, failures: own, peers: ownPeers }];
}

const shapeKey = ({ count: _, retriedOk: _retried, first: _first, last: _last, ...shape }: FailureShape): string =>
  JSON.stringify(shape);

/** Only the part shows retries; its first and last minute may be cut. */
function shapesWithRetries(
  shapes: readonly FailureShape[],
  inPart: readonly FailureShape[],
  { from, to }: Window,
): FailureShape[] {
  const known = new Map(inPart.map((shape) => [shapeKey(shape), shape.retriedOk]));
  return shapes.map((shape) =>
    shape.minute + MINUTE_MS > from && shape.minute < to
      ? { ...shape, retriedOk: known.get(shapeKey(shape)) ?? 0 }
      : shape,
  );
}

/**
 * Keeps the failures and estimates all other requests as those of the part times `scale`. Leaves out a route that did
 * not fail in the part, because its successes are unknown.
 */
function scaledRoutes(all: readonly RouteTraffic[], inPart: readonly RouteTraffic[], scale: number): RouteTraffic[] {
  const known = new Map(inPart.map((route) => [route.route, route]));
  const scaled = (value: number) => Math.round(value * scale);
  return all.flatMap(({ route, failures }) => {
    const part = known.get(route);
    if (part === undefined) return [];
    const steps = ({ step, requests }: { step: number; requests: number }) => ({ step, requests: scaled(requests) });
    return {
      route,
      failures,
      requests: failures + scaled(part.requests - part.failures),
      succeeded: scaled(part.succeeded),
      succeededMs: scaled(part.succeededMs),
      succeededMaxMs: part.succeededMaxMs,
      ...(part.times === undefined ? {} : { times: part.times.map(steps) }),
      ...(part.sizes === undefined ? {} : { sizes: part.sizes.map(steps) }),
    };
  });
}
