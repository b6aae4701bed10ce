/** Triage: who is affected, since when, whether it continues, how complete the log is, and errors over time. */

import type { AccessLog, FailureShape } from '../evidence/access-log.ts';
import type { MetricsReach } from '../evidence/metrics.ts';
import type { Question } from '../evidence/question.ts';
import { iso, number, outOf, percent, plural, seconds, utcTime, utcTimeSpan } from '../format/wording.ts';
import type { Diagnosis, StatusBeside, TimelineBucket } from './diagnosis.ts';
import { areClientsKnown, clientsWithErrors, hopNames } from './patterns/hops.ts';
import { SIGNATURE_IDS, signature } from './signature.ts';
import { countErrors, groupBy, type Traffic } from './traffic.ts';

const MINUTE = 60_000;
const ROUTES = 10;
const BUCKETS = 60;
/** Milliseconds; a more recent error means that the problem is ongoing. */
const ONGOING_MS = 5 * MINUTE;

type Triage = Diagnosis['triage'];

export function triage(
  traffic: Traffic,
  question: Question,
  inMetrics: MetricsReach | null,
  beside: Diagnosis['beside'],
): Triage {
  const { log, errors, errorCount, shapes } = traffic;
  const times = errors.map((error) => error.at);
  const capped = log.failuresTotal > log.failures.length;
  // Rows are kept for only some errors; shapes cover all of them.
  const first = earliest(times[0] ?? null, capped ? shapes : []);
  const last = latest(times.at(-1) ?? null, capped ? shapes : []);
  const routes = routesOf(traffic, capped);
  const clients = clientsWithErrors(traffic);
  const retriedOk = areClientsKnown(traffic) ? shapes.reduce((sum, shape) => sum + shape.retriedOk, 0) : null;
  const byStatus = sumByKey(shapes.map((shape) => [shape.elb_status_code, shape.count]));
  const ongoing = isOngoing(last, log, question, inMetrics);
  const end = Math.min(question.to, log.newest ?? question.to);
  const failingAtEnd = first === null || last === null ? null : isFailingAt(end, { first, last, errorCount });
  return {
    requests: log.requests,
    errors: errorCount,
    byStatus,
    errorRate: log.requests > 0 ? errorCount / log.requests : null,
    firstError: first === null ? null : iso(first),
    lastError: last === null ? null : iso(last),
    ongoing,
    failingAtEnd,
    clients,
    routes: routes.slice(0, ROUTES),
    retriedOk,
    clientClosed: beside.clientClosed,
    summary: [sentence(), ...besideSentences(beside)].filter((one) => one !== '').join(' '),
  };

  function sentence(): string {
    if (log.requests === 0) return 'The access log has no entries for this load balancer in the window.';
    // The verdict says so.
    if (errorCount === 0) return '';
    const span = first !== null && last !== null ? (last - first) / 1000 : 0;
    const when =
      errorCount === 1
        ? `at ${utcTime(first ?? 0)}`
        : span <= 60
          ? `all within ${Math.max(1, Math.ceil(span))} s from ${utcTime(first ?? 0)}`
          : utcTimeSpan(first ?? 0, last ?? 0);
    const who = clients === null ? [`all through ${hopNames(traffic)}`] : [plural(clients, 'client')];
    const retried =
      retriedOk === null
        ? []
        : [retriedOk === 0 ? 'no successful retry' : `${outOf(retriedOk, errorCount)} succeeded on retry`];
    const stateNow = ongoing === null ? '' : ongoing ? ' Still happening.' : ` Stopped at ${utcTime(last ?? 0)}.`;
    const stateThen =
      failingAtEnd === null
        ? ''
        : failingAtEnd
          ? ` Still failing when the log ends (${utcTime(end)}).`
          : clients === null
            ? ` The load balancer has had no errors since then; its log ends at ${utcTime(end)}.`
            : ` No errors since then; the log ends at ${utcTime(end)}.`;
    const state = stateNow === '' ? stateThen : stateNow;
    // The others may have got an error from the hop before.
    const requests =
      clients === null
        ? `the ${plural(log.requests, 'request')} that reached the load balancer`
        : plural(log.requests, 'request');
    return (
      `${number(errorCount)} of ${requests} failed (${percent(log.requests > 0 ? errorCount / log.requests : 0)}), ${when}; ` +
      `${[plural(routes.length, 'route'), ...who, ...retried].join(', ')}.${state}`
    );
  }
}

/** Client failures by status (load-balancer-troubleshooting.html); `#` is the plural. */
const CLIENT_FAILURES: Record<string, string> = {
  '460': 'client# gave up first (460)',
  '463': 'request# had over 30 addresses in X-Forwarded-For (463)',
  '464': 'request# used a protocol that does not fit the target group (464)',
};

/** Sentences on failures outside the question, each with its most frequent route. */
function besideSentences({ statuses, badRequestGroups }: Diagnosis['beside']): string[] {
  const where = ({ routes, requests }: Pick<StatusBeside, 'routes' | 'requests'>) => {
    const [first] = routes;
    if (first === undefined) return '';
    return first.requests >= requests ? `, all on ${first.route}` : `, most on ${first.route}`;
  };
  const after = ({ medianSeconds }: StatusBeside) =>
    medianSeconds === null ? '' : `, typically after ${seconds(medianSeconds)}`;
  return [
    ...statuses
      .filter(({ madeBy }) => madeBy === 'target')
      .map(
        (one) =>
          `The application also returned ${number(one.requests)} × ${one.status} (${percent(one.share)} of requests${where(one)}).`,
      ),
    ...statuses
      .filter(({ madeBy, status }) => madeBy === 'load-balancer' && status in CLIENT_FAILURES)
      .map(
        (one) =>
          `${number(one.requests)} ${CLIENT_FAILURES[one.status]?.replace('#', one.requests === 1 ? '' : 's')}${one.status === '460' ? after(one) : ''}${where(one)}.`,
      ),
    ...badRequestGroups.map(
      ({ targetGroup, requests, routes = [] }) =>
        `${targetGroup} answered all ${number(requests)} of its requests with 400${where({ routes, requests })}.`,
    ),
  ];
}

/** The first kept error or an earlier one; if its time is unknown, the start of the earliest minute with an error. */
const earliest = (kept: number | null, shapes: readonly FailureShape[]): number | null =>
  shapes.reduce((earlier: number | null, { minute, first }) => {
    if (first !== undefined) return Math.min(first, earlier ?? first);
    return earlier === null || minute + MINUTE <= earlier ? minute : earlier;
  }, kept);

/** The last kept error or a later one; if its time is unknown, the start of the last minute with an error. */
const latest = (kept: number | null, shapes: readonly FailureShape[]): number | null =>
  shapes.reduce((later: number | null, { minute, last }) => Math.max(last ?? minute, later ?? minute), kept);

export const NO_TRIAGE: Triage = {
  requests: null,
  errors: null,
  byStatus: {},
  errorRate: null,
  firstError: null,
  lastError: null,
  ongoing: null,
  clients: null,
  routes: [],
  retriedOk: null,
  clientClosed: 0,
  summary: 'Could not read the access log, so the number of failed requests is unknown.',
};

/**
 * Routes with an error, most errors first. If rows were sampled, the log's own counts per route are used, which are
 * exact only if every failure was asked for.
 */
function routesOf({ log, errors, errorCount }: Traffic, capped: boolean): Triage['routes'] {
  const counted = new Map(log.routes.map((route) => [route.route, route]));
  const exact = capped && log.failuresTotal === errorCount;
  return [...groupBy(errors, (error) => error.route)]
    .map(([route, own]) => {
      const all = counted.get(route);
      const requests = all?.requests ?? own.length;
      const failed = exact && all ? all.failures : Math.round(countErrors(own));
      return { route, errors: Math.min(failed, requests), requests };
    })
    .sort((a, b) => b.errors - a.errors || b.requests - a.requests || (a.route < b.route ? -1 : 1));
}

function sumByKey(pairs: [string, number][]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const [key, value] of pairs) counts.set(key, (counts.get(key) ?? 0) + value);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Fewest errors from which a rate can be estimated. */
const ENOUGH_ERRORS = 4;
/** Errors count as ended after this many average intervals without one. */
const INTERVALS = 2;

/** Whether errors continued up to the end of the log; null if there are too few to tell. */
function isFailingAt(
  end: number,
  { first, last, errorCount }: { first: number; last: number; errorCount: number },
): boolean | null {
  if (errorCount < ENOUGH_ERRORS) return null;
  return end - last <= Math.max(MINUTE, (INTERVALS * (last - first)) / (errorCount - 1));
}

function isOngoing(
  last: number | null,
  log: AccessLog,
  { now }: Question,
  metrics: MetricsReach | null,
): boolean | null {
  const since = now - ONGOING_MS;
  if (last !== null && last >= since) return true;
  if (metrics && metrics.lastError !== null && metrics.lastError + MINUTE > since) return true;
  const reaches = (log.newest !== null && log.newest >= since) || (metrics !== null && metrics.until >= since);
  return reaches ? false : null;
}

/** Whole minutes, at most 60 buckets; the first and the last are cut at the window. */
export function timeline(traffic: Traffic, question: Question): TimelineBucket[] {
  const { from, to } = question;
  const size = Math.ceil((to - from) / MINUTE / BUCKETS) * MINUTE;
  const start = Math.floor(from / size) * size;
  const buckets: TimelineBucket[] = [];
  const requests = bucketed(traffic.log.minutes.map((m) => [m.minute, m]));
  const shapes = bucketed(traffic.shapes.map((s) => [s.minute, s]));
  for (let at = start; at < to; at += size) {
    const counts = new Map(SIGNATURE_IDS.map((id) => [id, 0]));
    for (const shape of shapes.get(at) ?? []) {
      counts.set(signature(shape), (counts.get(signature(shape)) ?? 0) + shape.count);
    }
    buckets.push({
      from: iso(Math.max(at, from)),
      to: iso(Math.min(at + size, to)),
      requests: (requests.get(at) ?? []).reduce((sum, minute) => sum + minute.requests, 0),
      bySignature: Object.fromEntries([...counts].filter(([, errors]) => errors > 0)),
    });
  }
  return buckets;

  function bucketed<T>(items: [number, T][]): Map<number, T[]> {
    const map = new Map<number, T[]>();
    for (const [minute, item] of items) {
      const at = Math.floor(minute / size) * size;
      map.set(at, [...(map.get(at) ?? []), item]);
    }
    return map;
  }
}
