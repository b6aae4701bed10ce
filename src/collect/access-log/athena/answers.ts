/**
 * Turns the rows of Athena's two statements into the answers of the access log, equal to DuckDB's for the same lines.
 * Pure.
 */
import type {
  AccessLog,
  FailedRequest,
  FailureShape,
  RouteTraffic,
  ScaleCount,
  SlowRoute,
  UnansweredRun,
} from '../../../evidence/evidence.ts';
import { FAILURE_LIMIT } from '../../../evidence/evidence.ts';
import { byText } from '../log-files.ts';
import { byTargetAndTime } from '../outage-limits.ts';
import { least, nodeOf, type PlaceRow, statusCounts, statusText, sum, targetTraffic } from '../place-traffic.ts';
import { BAD_ROUTES, SLOW_ROUTES } from '../slow-limits.ts';
import { type ClosedConnections, findClosedConnections, type ShownFailure } from './gap-search.ts';
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
  const shapes = rowsOf('shape').map(toFailureShape).sort(byShape);
  const details = shownFailures(rowsOf('failure'));
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
      targets: targetTraffic(places),
      statuses: statusCounts(places),
      failures: details.map(({ failure }) => failure),
      failuresTotal: sum(shapes.map(({ count }) => count)),
      failureShapes: shapes,
      failedClients: Number(rowsOf('client')[0]?.in_part ?? 0),
      // Clients are numbered in the order of the failures.
      clientAddresses: [...new Set(details.map(({ client_address }) => client_address))],
      ...cloudFrontClients(details),
      retriedOk: sum(shapes.map(({ retriedOk }) => retriedOk)),
      routes: readRoutes(rowsOf('route'), rowsOf('time'), rowsOf('size')),
      slowest: slowestRoutes(rowsOf('slow'), rowsOf('minute')),
      badRequestRoutes: badRequestRoutes(rowsOf('bad'), targetTraffic(places)),
      outages: rowsOf('outage').map(toUnansweredRun).sort(byTargetAndTime),
    },
    empty: counts.empty,
    closed: findClosedConnections(details, places),
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

const statusNumber = (status: string): number => (status === '-' ? -1 : Number(status));

/** The order of FAILURE_SHAPES in queries.ts. */
function byShape(a: FailureShape, b: FailureShape): number {
  const nullsLast = (one: FailureShape) => one.elapsed ?? '￿';
  return (
    a.minute - b.minute ||
    statusNumber(a.elb_status_code) - statusNumber(b.elb_status_code) ||
    statusNumber(a.target_status_code) - statusNumber(b.target_status_code) ||
    a.request_processing_time - b.request_processing_time ||
    a.target_processing_time - b.target_processing_time ||
    a.response_processing_time - b.response_processing_time ||
    byText(nullsLast(a), nullsLast(b)) ||
    byText(a.error_reason, b.error_reason) ||
    Number(a.fixedResponse) - Number(b.fixedResponse) ||
    Number(a.hasTarget) - Number(b.hasTarget) ||
    Number(a.hasTargetGroup) - Number(b.hasTargetGroup)
  );
}

/** Returns the failures in the order of FAILURE_ORDER, at most FAILURE_LIMIT: those with the lowest sample. */
function shownFailures(rows: readonly RollupRow[]): ShownFailure[] {
  const all = rows
    .flatMap((row) => {
      const detail = splitKey(DETAIL, row.key);
      const retried = Number(row.retried) > 0;
      return Array.from({ length: Number(row.lines) }, () => ({ detail, retried }));
    })
    .sort((a, b) => byDetail(a.detail, b.detail));
  const kept = new Set(
    all
      .map(({ detail }, index) => ({ sample: Number(detail.sample), index }))
      .sort((a, b) => a.sample - b.sample || a.index - b.index)
      .slice(0, FAILURE_LIMIT)
      .map(({ index }) => index),
  );
  const clients = new Map<string, number>();
  const clientNumber = (address: string): number => {
    const number = clients.get(address) ?? clients.size + 1;
    clients.set(address, number);
    return number;
  };
  return all
    .filter((_, index) => kept.has(index))
    .map(({ detail, retried }) => ({
      failure: toFailedRequest(detail, clientNumber(detail.client_address), retried),
      client_address: detail.client_address,
      isByCloudFront: detail.by_cloudfront === '1',
      sample: Number(detail.sample),
      ended: Number(detail.ended),
      node: detail.node,
    }));
}

function cloudFrontClients(failures: readonly ShownFailure[]): Pick<Rollups['log'], 'cloudFrontClients'> {
  const clients = new Set(failures.filter(({ isByCloudFront }) => isByCloudFront).map(({ failure }) => failure.client));
  return clients.size === 0 ? {} : { cloudFrontClients: [...clients].sort((a, b) => a - b) };
}

function byDetail(a: FailureDetail, b: FailureDetail): number {
  const numbers = (one: keyof FailureDetail) => Number(a[one]) - Number(b[one]);
  const texts = (one: keyof FailureDetail) => byText(a[one], b[one]);
  const created = (one: FailureDetail) => (one.created === '' ? Number.POSITIVE_INFINITY : Number(one.created));
  const [first, second] = [created(a), created(b)];
  return (
    numbers('ended') ||
    texts('trace_id') ||
    texts('client_address') ||
    texts('route_text') ||
    texts('target') ||
    numbers('status') ||
    numbers('target_status') ||
    (first === second ? 0 : first - second) ||
    numbers('sent_bytes') ||
    numbers('received_bytes') ||
    numbers('request_processing_time') ||
    numbers('target_processing_time') ||
    numbers('response_processing_time') ||
    texts('request_type') ||
    texts('node')
  );
}

function toFailedRequest(detail: FailureDetail, client: number, retriedOk: boolean): FailedRequest {
  const ended = Number(detail.ended);
  return {
    at: ended / 1000,
    elapsed: detail.created === '' ? null : (ended - Number(detail.created)) / 1_000_000,
    client,
    route: detail.route_text,
    node: nodeOf(detail.node),
    type: detail.request_type,
    target: detail.target,
    request_processing_time: Number(detail.request_processing_time),
    target_processing_time: Number(detail.target_processing_time),
    response_processing_time: Number(detail.response_processing_time),
    elb_status_code: statusText(Number(detail.status)),
    target_status_code: statusText(Number(detail.target_status)),
    received_bytes: Number(detail.received_bytes),
    sent_bytes: Number(detail.sent_bytes),
    target_group_arn: detail.target_group_arn,
    trace_id: detail.trace_id,
    matched_rule_priority: detail.matched_rule_priority,
    actions_executed: detail.actions_executed,
    error_reason: detail.error_reason,
    classification_reason: detail.classification_reason,
    retriedOk,
  };
}
