/**
 * Turns the rows of Athena's two statements into the answers of the access log, equal to the embedded engine's for the same lines.
 * Pure.
 */
import type {
  AccessLog,
  FailureShape,
  RouteTraffic,
  ScaleCount,
  SlowRoute,
  UnansweredRun,
} from '../../../evidence/access-log.ts';
import { byText } from '../../../format/by-text.ts';
import { byShape } from '../failure-shapes.ts';
import { type ClosedConnections, findClosedConnections } from '../gap-search.ts';
import { byTargetAndTime } from '../outage-limits.ts';
import { least, type PlaceRow, statusCounts, statusText, sum, targetTraffic } from '../place-traffic.ts';
import { type LoggedFailure, showFailures } from '../shown-failures.ts';
import { BAD_ROUTES, SLOW_ROUTES } from '../slow-limits.ts';
import { isSearchable } from './gaps-sql.ts';
import { DETAIL, PLACE, ROLLUP_COLUMNS, SEPARATOR, SHAPE } from './rollups-sql.ts';
import { type Rows, toRecord } from './rows.ts';

export interface Rollups {
  log: Pick<
    AccessLog,
    | 'lines'
    | 'entries'
    | 'otherLoadBalancers'
    | 'oldest'
    | 'newest'
    | 'requests'
    | 'minutes'
    | 'targets'
    | 'statuses'
    | 'failures'
    | 'failuresTotal'
    | 'failureShapes'
    | 'failedClients'
    | 'clientAddresses'
    | 'cloudFrontClients'
    | 'retriedOk'
    | 'routes'
    | 'slowest'
    | 'badRequestRoutes'
    | 'outages'
  >;
  /** Rows without values: lines that the table's pattern does not match. `files`: the first files that contain some. */
  empty: { rows: number; inFiles: number; files: string[] };
  /** Input of the keep-alive edge search; null when no connection was closed early. */
  closed: ClosedConnections | null;
}

type RollupRow = Record<(typeof ROLLUP_COLUMNS)[number], string>;
type FailureDetail = Record<(typeof DETAIL)[number], string>;

export function readRollups(rows: Rows): Rollups {
  const parts = new Map<string, RollupRow[]>();
  for (const cells of rows) {
    const row = toRecord(ROLLUP_COLUMNS, cells);
    const own = parts.get(row.part);
    if (own === undefined) parts.set(row.part, [row]);
    else own.push(row);
  }
  const rowsOf = (part: string): RollupRow[] => parts.get(part) ?? [];
  const places = rowsOf('place').map(toPlaceRow);
  const targets = targetTraffic(places);
  const shapes = rowsOf('shape').map(toFailureShape).sort(byShape);
  const { shown, ...clients } = showFailures(loggedFailures(rowsOf('failure')), ({ isRetried }) => isRetried);
  const counts = countLines(rowsOf('line'));
  return {
    log: {
      ...counts.log,
      oldest: places.length === 0 ? null : least(places.map(({ first }) => first)) / 1000,
      newest: places.length === 0 ? null : -least(places.map(({ last }) => -last)) / 1000,
      requests: sum(places.map(({ requests }) => requests)),
      minutes: rowsOf('minute')
        .map(({ key, lines }) => ({ minute: Number(key) / 1000, requests: Number(lines) }))
        .sort((a, b) => a.minute - b.minute),
      targets,
      statuses: statusCounts(places),
      failures: shown.map(({ failure }) => failure),
      failuresTotal: sum(shapes.map(({ count }) => count)),
      failureShapes: shapes,
      failedClients: Number(rowsOf('client')[0]?.in_part ?? 0),
      ...clients,
      retriedOk: sum(shapes.map(({ retriedOk }) => retriedOk)),
      routes: readRoutes(rowsOf('route'), rowsOf('time'), rowsOf('size')),
      slowest: slowestRoutes(rowsOf('slow'), rowsOf('minute')),
      badRequestRoutes: badRequestRoutes(rowsOf('bad'), targets),
      outages: rowsOf('outage').map(toUnansweredRun).sort(byTargetAndTime),
    },
    empty: counts.empty,
    closed: findClosedConnections(shown, places, isSearchable),
  };
}

const splitKey = <Column extends string>(columns: readonly Column[], key: string): Record<Column, string> =>
  toRecord(columns, key.split(SEPARATOR));

function countLines(rows: readonly RollupRow[]): {
  log: Pick<AccessLog, 'lines' | 'entries' | 'otherLoadBalancers'>;
  empty: Rollups['empty'];
} {
  const linesOf = (key: string) => Number(rows.find((row) => row.key === key)?.lines ?? 0);
  const lines = Number(rows[0]?.lines_in_part ?? 0);
  const others = linesOf('other');
  const entries = linesOf('') + others;
  const files = rows.map(({ key }) => key).filter((key) => key !== '' && key !== 'other');
  const named = rows.length - files.length;
  return {
    log: { lines, entries, otherLoadBalancers: others },
    empty: { rows: lines - entries, inFiles: Number(rows[0]?.in_part ?? 0) - named, files },
  };
}

function toPlaceRow(row: RollupRow): PlaceRow {
  const { target_group_arn, target, node, status, target_status } = splitKey(PLACE, row.key);
  return {
    target_group_arn,
    target,
    node,
    status: Number(status),
    target_status: Number(target_status),
    lines: Number(row.lines),
    requests: Number(row.requests),
    failures: Number(row.failures),
    first: Number(row.first),
    last: Number(row.last),
  };
}

function readRoutes(
  routes: readonly RollupRow[],
  times: readonly RollupRow[],
  sizes: readonly RollupRow[],
): RouteTraffic[] {
  const [timesOf, sizesOf] = [scalesByRoute(times), scalesByRoute(sizes)];
  return routes
    .map((row) => ({
      route: row.key,
      requests: Number(row.requests),
      failures: Number(row.failures),
      succeeded: Number(row.succeeded),
      succeededMs: Number(row.succeeded_ms),
      succeededMaxMs: Number(row.succeeded_max_ms),
      times: timesOf.get(row.key) ?? [],
      sizes: sizesOf.get(row.key) ?? [],
    }))
    .sort(byFailures);
}

function slowestRoutes(
  rows: readonly RollupRow[],
  minutes: readonly RollupRow[],
): { answeredMs: number; routes: SlowRoute[] } {
  const spent = new Map<string, number>();
  for (const { key, answered_ms } of rows) {
    const { route } = splitKey(SCALE, key);
    spent.set(route, (spent.get(route) ?? 0) + Number(answered_ms));
  }
  const routes = [...scalesByRoute(rows)]
    .map(([route, times]) => ({ route, answeredMs: spent.get(route) ?? 0, times }))
    .sort((a, b) => b.answeredMs - a.answeredMs || byText(a.route, b.route))
    .slice(0, SLOW_ROUTES);
  const answeredMs = routes.length === 0 ? 0 : sum(minutes.map(({ answered_ms }) => Number(answered_ms)));
  return { answeredMs, routes };
}

/** Only of the groups that answered nothing but 400. */
function badRequestRoutes(rows: readonly RollupRow[], targets: AccessLog['targets']): AccessLog['badRequestRoutes'] {
  const others = new Set(
    targets.filter(({ requests, badRequests }) => requests > badRequests).map((each) => each.target_group_arn),
  );
  return rows
    .map(({ key, lines }) => ({ ...splitKey(BAD_ROUTE, key), requests: Number(lines) }))
    .filter(({ target_group_arn }) => !others.has(target_group_arn))
    .sort(
      (a, b) => b.requests - a.requests || byText(a.target_group_arn, b.target_group_arn) || byText(a.route, b.route),
    )
    .slice(0, BAD_ROUTES);
}

function scalesByRoute(rows: readonly RollupRow[]): Map<string, ScaleCount[]> {
  const scales = new Map<string, ScaleCount[]>();
  for (const { key, lines } of rows) {
    const { route, step } = splitKey(SCALE, key);
    const own = scales.get(route) ?? [];
    own.push({ step: Number(step), requests: Number(lines) });
    scales.set(route, own);
  }
  for (const own of scales.values()) own.sort((a, b) => a.step - b.step);
  return scales;
}

const SCALE = ['route', 'step'] as const;
const BAD_ROUTE = ['target_group_arn', 'route'] as const;

function toUnansweredRun(row: RollupRow): UnansweredRun {
  const { target_group_arn, target } = splitKey(['target_group_arn', 'target'], row.key);
  return {
    target_group_arn,
    target,
    lastAnswer: row.last_answer === '' ? null : Number(row.last_answer) / 1000,
    nextAnswer: row.next_answer === '' ? null : Number(row.next_answer) / 1000,
    first: Number(row.first) / 1000,
    last: Number(row.last) / 1000,
    failures: Number(row.lines),
  };
}

const byFailures = (a: RouteTraffic, b: RouteTraffic): number => b.failures - a.failures || byText(a.route, b.route);

function elapsedClass(text: string): FailureShape['elapsed'] {
  return text === 'under-9.5s' || text === '9.5-11s' || text === 'from-11s' ? text : null;
}

const timeSign = (text: string): -1 | 0 => (text === '-1' ? -1 : 0);

function toFailureShape(row: RollupRow): FailureShape {
  const shape = splitKey(SHAPE, row.key);
  return {
    minute: Number(shape.minute) / 1000,
    elb_status_code: statusText(Number(shape.status)),
    target_status_code: statusText(Number(shape.target_status)),
    request_processing_time: timeSign(shape.request_time),
    target_processing_time: timeSign(shape.target_time),
    response_processing_time: timeSign(shape.response_time),
    elapsed: elapsedClass(shape.elapsed),
    error_reason: shape.error_reason,
    fixedResponse: shape.fixed_response === '1',
    hasTarget: shape.has_target === '1',
    hasTargetGroup: shape.has_target_group === '1',
    count: Number(row.lines),
    retriedOk: Number(row.retried),
    first: Number(row.first) / 1000,
    last: Number(row.last) / 1000,
  };
}

/** Returns all failures of the answer, each as often as it was logged. */
function loggedFailures(rows: readonly RollupRow[]): (LoggedFailure & { isRetried: boolean })[] {
  return rows.flatMap((row) => {
    const failure = { ...toLoggedFailure(splitKey(DETAIL, row.key)), isRetried: Number(row.retried) > 0 };
    return Array.from({ length: Number(row.lines) }, () => failure);
  });
}

const toLoggedFailure = (detail: FailureDetail): LoggedFailure => ({
  ...detail,
  ended: Number(detail.ended),
  sample: Number(detail.sample),
  status: Number(detail.status),
  target_status: Number(detail.target_status),
  created: detail.created === '' ? null : Number(detail.created),
  sent_bytes: Number(detail.sent_bytes),
  received_bytes: Number(detail.received_bytes),
  request_processing_time: Number(detail.request_processing_time),
  target_processing_time: Number(detail.target_processing_time),
  response_processing_time: Number(detail.response_processing_time),
  by_cloudfront: detail.by_cloudfront === '1',
});
