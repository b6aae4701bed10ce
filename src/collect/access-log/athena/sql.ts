/**
 * The questions of queries.ts for Athena (engine version 3: Trino), where each mention of a table is a billed scan: a
 * WITH query used twice reads twice. So each statement mentions the table once. The first answers all questions except
 * the gaps, by giving each entry to every group it counts in; the second looks for a keep-alive edge, and runs only
 * when connections were closed early.
 * Values are execution parameters, which Athena accepts only in a WHERE clause, whole numbers, or validated names and
 * addresses. Dialect: as in queries.ts, using only functions that Trino and DuckDB share by name or that the tests'
 * endpoint can emulate. https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html
 */
import { createHash } from 'node:crypto';
import type { Question, Window } from '../../../evidence/evidence.ts';
import { FAILURE_LIMIT, OUTAGE_LIMIT } from '../../../evidence/evidence.ts';
import { CLOUDFRONT_AGENT } from '../cloudfront-agent.ts';
import { outageSlot } from '../outage-limits.ts';
import { askedSql, failedSql, whole } from '../queries.ts';
import { ROUTE_LENGTH, ROUTE_REWRITES } from '../request-route.ts';
import { dayPrefix, endStamp, type LogPlace } from '../s3-log.ts';
import { BAD_ROUTES, SLOW_MS, SLOW_ROUTES } from '../slow-limits.ts';
import { folderOfDay } from '../vended/vended-place.ts';
import { type Field, identifier, type LogTable, quoteLiteral } from './table.ts';

/** `parameters` are SQL literals, in the order of the question marks. */
export interface Statement {
  sql: string;
  parameters: string[];
}

/** The part of the log to read. */
export interface LogScope {
  table: LogTable;
  place: LogPlace;
  /** Delivery folders, "yyyy/mm/dd". */
  days: readonly string[];
  /** The first and last relevant interval end, epoch milliseconds. */
  ends: Window;
  question: Pick<Question, 'from' | 'to' | 'statuses'>;
}

/**
 * Separates the parts of a key. Fields of the log contain no quote; one in a table is escaped as the load balancer
 * does.
 */
export const SEPARATOR = '"';

const MINUTE = 60_000_000;
const RETRY = 30_000_000;
export const ROUTE_LIMIT = 200;
/** Maximum scale steps over all these routes: a route has about ten on each scale. */
const SCALE_LIMIT = 100 * ROUTE_LIMIT;
/** Routes with a 400 of any group: which groups answer with nothing else is known only from all places. */
const BAD_LIMIT = 20 * BAD_ROUTES;

/** Maximum steps of the slowest routes: no duration has more than 200. */
const SLOW_LIMIT = 200 * SLOW_ROUTES;
/** Maximum files with empty rows to name. */
const BAD_FILES = 20;

/** Parts of the failure key, in the order of FAILURE_ORDER as far as it affects which failures are chosen. */
export const DETAIL = [
  'ended',
  'trace_id',
  'client_address',
  'route_text',
  'target',
  'status',
  'target_status',
  'created',
  'sent_bytes',
  'received_bytes',
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'request_type',
  'node',
  'target_group_arn',
  'matched_rule_priority',
  'actions_executed',
  'error_reason',
  'classification_reason',
  'sample',
  'by_cloudfront',
] as const;

export const SHAPE = [
  'minute',
  'status',
  'target_status',
  'request_time',
  'target_time',
  'response_time',
  'elapsed',
  'error_reason',
  'fixed_response',
  'has_target',
  'has_target_group',
] as const;

export const PLACE = ['target_group_arn', 'target', 'node', 'status', 'target_status'] as const;

/** Columns of the answer of `rollups`, all text. `in_part`: number of groups in this part, shown or not. */
export const ROLLUP_COLUMNS = [
  'part',
  'key',
  'lines',
  'requests',
  'failures',
  'retried',
  'first',
  'last',
  'succeeded',
  'succeeded_ms',
  'succeeded_max_ms',
  'answered_ms',
  'in_part',
  'lines_in_part',
  'last_answer',
  'next_answer',
] as const;

/** Collects parameters in the order of their placeholders in the final text, regardless of the order of assembly. */
class Parameters {
  readonly #literals: string[] = [];

  /** `literal` in SQL syntax. */
  add(literal: string): string {
    this.#literals.push(literal);
    return `⟦${this.#literals.length - 1}⟧`;
  }

  statement(text: string): Statement {
    const parameters: string[] = [];
    const sql = text.replace(/⟦([0-9]+)⟧/g, (_, index) => {
      parameters.push(this.#literals[Number(index)] ?? '');
      return '?';
    });
    return { sql: sql.replace(/\n\s*\n/g, '\n').trim(), parameters };
  }
}

/** Returns one row for each group that an answer counts: see ROLLUP_COLUMNS. */
export function rollups(scope: LogScope): Statement {
  const parameters = new Parameters();
  const isFailure = 'kind = 0 AND in_window AND failed';
  const isTimed = 'in_window AND target_status >= 0 AND target_ms >= 0';
  const slot = whole(outageSlot(scope.question));
  const slotOf = (at: string) => `${at} - ${at} % ${slot}`;
  return parameters.statement(`
WITH ${entrySql(scope, parameters)},
keyed AS (
  SELECT kind, path, ended, status, target_status, target_ms, received_bytes, sample, in_window, asked, failed, client_address AS client, route_text AS route,
    target_group_arn,
    concat_ws('"', target_group_arn, target, node, CAST(status AS varchar), CAST(target_status AS varchar)) AS place,
    CASE WHEN ${isFailure} THEN concat_ws('"', ${SHAPE.map((part) => SHAPE_SQL[part]).join(', ')}) END AS shape,
    CASE WHEN ${isFailure} THEN concat_ws('"', ${DETAIL.map((part) => DETAIL_SQL[part] ?? part).join(', ')}) END AS detail,
    CASE WHEN kind = 0 AND target <> '-' THEN concat_ws('"', target_group_arn, target) END AS series,
    CASE WHEN target_status >= 0 THEN 1 WHEN ${isFailure} AND status BETWEEN 500 AND 599 THEN 0 END AS answered,
    ${DISPATCHED} AS dispatched
  FROM entry),
seen AS (
  SELECT keyed.*, ${slotOf('dispatched')} AS slot,
    min(CASE WHEN answered = 1 THEN dispatched END) OVER (PARTITION BY series, ${slotOf('dispatched')}) AS first_answer,
    max(CASE WHEN answered = 1 THEN dispatched END) OVER (PARTITION BY series, ${slotOf('dispatched')}) AS last_answer,
    CASE WHEN in_window AND (asked OR status BETWEEN 500 AND 599) AND count(CASE WHEN status BETWEEN 0 AND 499 AND NOT failed THEN 1 END) OVER (
        PARTITION BY kind, client, route ORDER BY ended RANGE BETWEEN BIGINT '1' FOLLOWING AND BIGINT '${RETRY}' FOLLOWING) > 0
      THEN 1 ELSE 0 END AS retried,
    count(CASE WHEN in_window AND failed THEN 1 END) OVER (PARTITION BY kind, route) AS route_failures,
    sum(CASE WHEN ${isTimed} THEN target_ms END) OVER (PARTITION BY kind, route) AS route_ms,
    max(CASE WHEN ${isTimed} THEN target_ms END) OVER (PARTITION BY kind, route) AS route_slowest
  FROM keyed),
part AS (
  SELECT part, kind, status, target_status, target_ms, sample, in_window, failed, retried, route_failures, route_ms,
    CASE WHEN part = 'outage' THEN dispatched ELSE ended END AS "from",
    CASE WHEN part = 'outage' AND answered = 0 THEN dispatched ELSE ended END AS "to",
    CASE WHEN part = 'outage' THEN slot ELSE 0 END AS slot,
    -- Within a slot: 0 sent before its answers, 1 answered, 2 sent after its answers.
    CASE WHEN part <> 'outage' THEN 0 WHEN answered = 1 THEN 1 WHEN dispatched > last_answer THEN 2 ELSE 0 END AS side,
    CASE part
      WHEN 'line' THEN CASE kind WHEN 0 THEN '' WHEN 1 THEN 'other' ELSE path END
      WHEN 'place' THEN place
      WHEN 'minute' THEN CAST(ended - ended % ${MINUTE} AS varchar)
      WHEN 'route' THEN route
      WHEN 'shape' THEN shape
      WHEN 'failure' THEN detail
      WHEN 'outage' THEN series
      WHEN 'time' THEN concat_ws('"', route, ${scaleStep('target_ms')})
      WHEN 'slow' THEN concat_ws('"', route, ${scaleStep('target_ms')})
      WHEN 'size' THEN concat_ws('"', route, ${scaleStep('received_bytes')})
      WHEN 'bad' THEN concat_ws('"', target_group_arn, route)
      ELSE client END AS key
  FROM seen
  CROSS JOIN (
    VALUES ('line'), ('place'), ('minute'), ('route'), ('shape'), ('failure'), ('client'), ('outage'), ('time'), ('size'), ('slow'), ('bad')) AS parts (part)
  WHERE part = 'line'
    OR part = 'outage' AND series IS NOT NULL
      AND (answered = 1 OR answered = 0 AND (first_answer IS NULL OR dispatched < first_answer OR dispatched > last_answer))
    OR kind = 0 AND (part = 'place'
      OR in_window AND (part IN ('minute', 'route') OR failed AND part IN ('shape', 'failure') OR asked AND part = 'client'
        OR part IN ('time', 'size') AND route_failures > 0 AND target_status BETWEEN 0 AND 499 AND target_ms >= 0
        OR part = 'bad' AND target_status = 400 AND target_group_arn <> '-'
        OR part = 'slow' AND route_slowest >= ${SLOW_MS} AND ${isTimed}))),
grouped AS (
  SELECT part, key, count(*) AS lines, count(CASE WHEN in_window THEN 1 END) AS requests,
    count(CASE WHEN in_window AND failed THEN 1 END) AS failures, sum(retried) AS retried, min("from") AS "first", max("to") AS "last",
    count(CASE WHEN target_status BETWEEN 0 AND 499 THEN 1 END) AS succeeded,
    coalesce(sum(CASE WHEN target_status BETWEEN 0 AND 499 AND target_ms >= 0 THEN target_ms END), 0) AS succeeded_ms,
    coalesce(max(CASE WHEN target_status BETWEEN 0 AND 499 AND target_ms >= 0 THEN target_ms END), 0) AS succeeded_max_ms,
    coalesce(sum(CASE WHEN ${isTimed} THEN target_ms END), 0) AS answered_ms,
    min(sample) AS sample, max(route_failures) AS route_failures, max(route_ms) AS route_ms, slot, side
  FROM part
  GROUP BY part, key, slot, side),
-- Only an outage has sides: all else is one row of one run.
numbered AS (
  SELECT grouped.*, sum(CASE side WHEN 1 THEN 1 ELSE 0 END) OVER (PARTITION BY part, key ORDER BY slot, side ROWS UNBOUNDED PRECEDING) AS run
  FROM grouped),
run AS (
  SELECT part, key, run, sum(CASE WHEN side <> 1 THEN lines ELSE 0 END) AS lines, sum(requests) AS requests, sum(failures) AS failures,
    sum(retried) AS retried, min(CASE WHEN side <> 1 THEN "first" END) AS "first", max(CASE WHEN side <> 1 THEN "last" END) AS "last",
    sum(succeeded) AS succeeded, sum(succeeded_ms) AS succeeded_ms, max(succeeded_max_ms) AS succeeded_max_ms, sum(answered_ms) AS answered_ms,
    min(sample) AS sample, max(route_failures) AS route_failures, max(route_ms) AS route_ms, min(CASE WHEN side = 1 THEN "first" END) AS answer, max(CASE WHEN side = 1 THEN "last" END) AS ended
  FROM numbered
  GROUP BY part, key, run),
bounded AS (
  SELECT run.*, max(ended) OVER (PARTITION BY part, key ORDER BY run ROWS UNBOUNDED PRECEDING) AS last_answer,
    lead(answer) OVER (PARTITION BY part, key ORDER BY run) AS next_answer
  FROM run),
ranked AS (
  SELECT bounded.*, count(*) OVER (PARTITION BY part) AS in_part, sum(lines) OVER (PARTITION BY part) AS lines_in_part,
    row_number() OVER (
      PARTITION BY part
      ORDER BY CASE part WHEN 'failure' THEN sample WHEN 'route' THEN -failures WHEN 'outage' THEN -lines WHEN 'time' THEN -route_failures
        WHEN 'size' THEN -route_failures WHEN 'slow' THEN -route_ms WHEN 'bad' THEN -lines ELSE 0 END, key, "first") AS place_in_part
  FROM bounded
  WHERE part NOT IN ('route', 'outage') OR part = 'route' AND failures > 0 OR part = 'outage' AND lines > 1)
SELECT ${ROLLUP_COLUMNS.map((column) => `"${column}"`).join(', ')}
FROM ranked
WHERE part IN ('place', 'minute', 'shape')
  OR part = 'failure' AND place_in_part <= ${FAILURE_LIMIT}
  OR part = 'route' AND place_in_part <= ${ROUTE_LIMIT}
  OR part = 'outage' AND place_in_part <= ${OUTAGE_LIMIT}
  OR part IN ('time', 'size') AND place_in_part <= ${SCALE_LIMIT}
  OR part = 'slow' AND place_in_part <= ${SLOW_LIMIT}
  OR part = 'bad' AND place_in_part <= ${BAD_LIMIT}
  OR part = 'line' AND place_in_part <= ${BAD_FILES}
  OR part = 'client' AND place_in_part = 1
ORDER BY part, place_in_part`);
}

/**
 * A failure whose earlier completions are searched. Times in microseconds; `id` and the indices, which start at 1, are
 * whole numbers.
 */
export interface GapStatementRequest {
  id: number;
  place: number;
  dispatched: number;
}

export interface GapPlace {
  target_group_arn: string;
  target: string;
  node: string;
  /** How far to look back from a dispatch, microseconds. */
  reach: number;
}

/**
 * A place and a route whose answered requests are the controls of some failures; `peer` is the lowest id of those
 * failures.
 */
export interface GapControls {
  peer: number;
  place: number;
  routeKey: TextKey;
  controls: number;
}

export interface GapSearch {
  /** Microseconds. */
  horizon: number;
  places: readonly GapPlace[];
  peers: readonly GapControls[];
  /** The clients of the failures, each with the lowest id of its failures. */
  clients: readonly { clientKey: TextKey; asking: number }[];
  requests: readonly GapStatementRequest[];
}

/** Hexadecimal MD5 of a text. Client-supplied text (routes) is compared by this key and never enters a statement. */
export type TextKey = string & { readonly key: unique symbol };

export const textKey = (text: string): TextKey => createHash('md5').update(text).digest('hex') as TextKey;

function keyLiteral(key: TextKey): string {
  if (!/^[0-9a-f]{32}$/.test(key)) throw new RangeError(`${JSON.stringify(key)} is not a key`);
  return `'${key}'`;
}

const keyOf = (column: string): string => `lower(to_hex(md5(to_utf8(${column}))))`;

/**
 * Columns of the answer of `gaps`: for a failure, `peer` is 0 and `n` its id; `gaps` are microseconds, separated by
 * commas.
 */
export const GAP_COLUMNS = ['peer', 'n', 'asking', 'answers', 'gaps'] as const;

/** Whether a place can be searched: its names must look like those of targets and nodes. */
export const isSearchable = ({ target_group_arn, target, node }: Omit<GapPlace, 'reach'>): boolean =>
  [target_group_arn, target, node].every((text) => PLACE_TEXT.test(text));

const PLACE_TEXT = /^[A-Za-z0-9_.:/[\]-]{1,256}$/;

/** Throws RangeError for a text that could end the literal. */
function placeText(text: string): string {
  if (!PLACE_TEXT.test(text)) throw new RangeError(`${JSON.stringify(text)} is no place`);
  return `'${text}'`;
}

/**
 * Finds the gaps between a dispatch and each earlier completion on the same place, like `gaps` of queries.ts.
 * Completions and requests of a place are grouped by horizon, so that the table is read once: a request joins the group
 * of its dispatch and the one before.
 */
export function gaps(scope: LogScope, search: GapSearch): Statement {
  const parameters = new Parameters();
  const { horizon, places, peers, clients, requests } = search;
  const bucket = (at: string) => `${at} - ${at} % ${whole(horizon)}`;
  const placeRows = places.map(
    ({ target_group_arn, target, node, reach }, index) =>
      `(${whole(index + 1)}, ${placeText(target_group_arn)}, ${placeText(target)}, ${placeText(node)}, BIGINT '${whole(reach)}')`,
  );
  const peerRows = peers.map(
    ({ peer, place, routeKey, controls }) =>
      `(${whole(peer)}, ${whole(place)}, ${keyLiteral(routeKey)}, ${whole(controls)})`,
  );
  const clientRows = clients.map(({ clientKey, asking }) => `(${keyLiteral(clientKey)}, ${whole(asking)})`);
  const requestRows = requests.map(
    ({ id, place, dispatched }) => `(${whole(id)}, ${whole(place)}, BIGINT '${whole(dispatched)}')`,
  );
  return parameters.statement(`
WITH ${entrySql(scope, parameters)},
wanted (place, target_group_arn, target, node, reach) AS (VALUES ${placeRows.join(', ')}),
alike (peer, place, route_key, controls) AS (VALUES ${peerRows.join(', ')}),
client (client_key, asking) AS (VALUES ${clientRows.join(', ')}),
traffic AS (
  SELECT wanted.place, coalesce(peer, 0) AS peer, coalesce(controls, 0) AS controls, coalesce(asking, 0) AS asking, ended, sample,
    target_ms, target_status, ended - 1000 * target_ms AS dispatched,
    CASE WHEN peer IS NOT NULL AND in_window AND target_status BETWEEN 0 AND 499 AND target_ms >= 0 THEN 1 ELSE 0 END AS is_answer
  FROM entry
  JOIN wanted ON wanted.target_group_arn = entry.target_group_arn AND wanted.target = entry.target AND wanted.node = entry.node
  LEFT JOIN alike ON alike.place = wanted.place AND alike.route_key = ${keyOf('route_text')}
  LEFT JOIN client ON client.client_key = ${keyOf('client_address')}
  WHERE kind = 0),
numbered AS (
  SELECT traffic.*, sum(is_answer) OVER (PARTITION BY place, peer) AS answers,
    row_number() OVER (PARTITION BY place, peer, is_answer ORDER BY sample, ended, target_ms) AS n
  FROM traffic),
chosen AS (
  SELECT numbered.*, CASE WHEN is_answer = 1 AND n <= controls AND sample * answers <= 4 * controls * 4294967296 THEN 1 ELSE 0 END AS is_control
  FROM numbered),
event AS (
  SELECT place,
    CASE role WHEN 0 THEN ${bucket('ended')} WHEN 1 THEN ${bucket('dispatched')} ELSE ${bucket('dispatched')} - ${whole(horizon)} END AS bucket,
    CASE role WHEN 0 THEN ended ELSE 0 END AS completed,
    CASE WHEN role > 0
      THEN concat_ws(' ', CAST(peer AS varchar), CAST(n AS varchar), CAST(asking AS varchar), CAST(answers AS varchar), CAST(dispatched AS varchar))
    END AS request
  FROM chosen CROSS JOIN (VALUES (0), (1), (2)) AS roles (role)
  WHERE role = 0 AND target_status >= 0 OR role > 0 AND is_control = 1
  UNION ALL
  SELECT place, CASE role WHEN 1 THEN ${bucket('dispatched')} ELSE ${bucket('dispatched')} - ${whole(horizon)} END, 0,
    concat_ws(' ', '0', CAST(id AS varchar), '0', '0', CAST(dispatched AS varchar))
  FROM (VALUES ${requestRows.join(', ')}) AS examined (id, place, dispatched) CROSS JOIN (VALUES (1), (2)) AS roles (role)),
meeting AS (
  SELECT place, bucket, array_agg(completed) AS completions, array_agg(request) FILTER (WHERE request IS NOT NULL) AS requests
  FROM event
  GROUP BY place, bucket),
pair AS (
  SELECT place, completed, request, CAST(split_part(request, ' ', 5) AS bigint) AS dispatched
  FROM meeting CROSS JOIN UNNEST(requests) AS asking (request) CROSS JOIN UNNEST(completions) AS completing (completed)),
gap AS (
  -- Completion 0 comes with every request: a request without any gap has its row all the same.
  SELECT pair.place, request, CASE WHEN completed > 0 THEN dispatched - completed END AS gap
  FROM pair JOIN wanted ON wanted.place = pair.place
  WHERE completed = 0 OR completed < dispatched AND completed >= dispatched - reach),
listed AS (
  SELECT place, request, array_join(array_agg(gap ORDER BY gap) FILTER (WHERE gap IS NOT NULL), ',') AS gaps
  FROM gap
  GROUP BY place, request)
SELECT split_part(request, ' ', 1) AS peer, split_part(request, ' ', 2) AS n, split_part(request, ' ', 3) AS asking,
  split_part(request, ' ', 4) AS answers, gaps
FROM listed
ORDER BY CAST(split_part(request, ' ', 1) AS bigint), CAST(split_part(request, ' ', 2) AS bigint)`);
}

/** Returns a short statement for people: the failed entries as the table has them. */
export function failedRows(scope: LogScope): string {
  const parameters = new Parameters();
  const status = number(column(scope.table, 'elb_status_code'), 'integer');
  const targetStatus = `coalesce(${number(column(scope.table, 'target_status_code'), 'integer')}, -1)`;
  const { sql, parameters: literals } = parameters.statement(
    `SELECT * FROM ${tableName(scope.table)} WHERE ${pruning(scope, parameters)} AND ${askedSql(scope.question.statuses, status, targetStatus)}`,
  );
  return inlined({ sql, parameters: literals });
}

/** Returns the statement with its parameters inlined, to read or rerun by hand. */
export function inlined({ sql, parameters }: Statement): string {
  const rest = [...parameters];
  return sql.replace(/'(?:[^']|'')*'|"[^"]*"|[?]/g, (token) => (token === '?' ? (rest.shift() ?? '?') : token));
}

const tableName = ({ database, name }: LogTable): string => `${identifier(database)}.${identifier(name)}`;

/** Limits the read to the days and files of the window. Both are plain comparisons, so that a scan can skip files. */
function pruning({ table, place, days, ends }: LogScope, parameters: Parameters): string {
  const paths = days.map((day) => {
    if (place.vended !== undefined) {
      const folder = `s3://${place.bucket}/${folderOfDay(place.vended, day)}`;
      return `"$path" >= ${parameters.add(quoteLiteral(folder))} AND "$path" < ${parameters.add(quoteLiteral(`${folder}~`))}`;
    }
    const start = `s3://${place.bucket}/${dayPrefix(place, day)}`;
    const [first, last] = [`${start}${endStamp(ends.from)}`, `${start}${endStamp(ends.to)}~`];
    return `"$path" >= ${parameters.add(quoteLiteral(first))} AND "$path" < ${parameters.add(quoteLiteral(last))}`;
  });
  const conditions = [
    ...partitionConditions(table, days, parameters),
    `(${paths.join(' OR ')})`,
    ...table.fixed.map(({ column, literal }) => `${identifier(column)} = ${parameters.add(literal)}`),
  ];
  return conditions.join(' AND ');
}

function partitionConditions({ partitions }: LogTable, days: readonly string[], parameters: Parameters): string[] {
  if (partitions.by === 'nothing') return [];
  if (partitions.by === 'day') {
    const value = (day: string) => parameters.add(partitions.literal(day));
    const values = days.map((day) => (partitions.isDate ? `CAST(${value(day)} AS date)` : value(day)));
    return [`${identifier(partitions.column)} IN (${values.join(', ')})`];
  }
  const each = days.map((day) => {
    const parts = day.split('/');
    const equal = partitions.columns.map(
      (name, index) => `${identifier(name)} = ${parameters.add(partitions.literal(parts[index] ?? '', index))}`,
    );
    return equal.join(' AND ');
  });
  return [`(${each.join(' OR ')})`];
}

const column = (table: LogTable, field: Field): string | null => {
  const name = table.columns[field];
  return name === undefined ? null : identifier(name);
};

const number = (name: string | null, type: 'integer' | 'bigint' | 'double'): string =>
  name === null ? `CAST(NULL AS ${type})` : `try_cast(${name} AS ${type})`;

/** A missing field, in the table or in a line, counts as "-"; quotes are escaped as the load balancer does. */
const text = (name: string | null): string =>
  name === null ? "'-'" : `coalesce(nullif(replace(CAST(${name} AS varchar), '"', '\\x22'), ''), '-')`;

/**
 * Converts "2026-03-10T12:00:00.123456Z" to microseconds since the epoch, which no Trino function preserves; null for
 * an invalid time.
 */
const microseconds = (time: string): string =>
  `date_diff('second', TIMESTAMP '1970-01-01 00:00:00', try_cast(substr(${time}, 1, 10) || ' ' || substr(${time}, 12, 8) AS timestamp)) * 1000000
      + coalesce(try_cast(rpad(replace(substr(${time}, 21), 'Z', ''), 6, '0') AS bigint), 0)`;

/**
 * The relation `entry` of queries.ts, with text instead of keys. `kind`: 0 an entry of the load balancer, 1 of another
 * one, 2 a row without values.
 */
function entrySql(scope: LogScope, parameters: Parameters): string {
  const { table, place, question } = scope;
  const columnOf = (field: Field) => column(table, field);
  const { name, id } = place.loadBalancer;
  const [ip, port] = [columnOf('target_ip'), columnOf('target_port')];
  const target =
    port === null ? text(ip) : `coalesce(nullif(CAST(${ip} AS varchar), '') || ':' || CAST(${port} AS varchar), '-')`;
  const client =
    columnOf('client_port') === null
      ? `regexp_replace(${text(columnOf('client_ip'))}, ':[0-9]+$', '')`
      : text(columnOf('client_ip'));
  const request =
    columnOf('request_url') === null
      ? text(columnOf('request_line'))
      : ['request_verb', 'request_url', 'request_proto']
          .map((field) => text(columnOf(field as Field)))
          .join(" || ' ' || ");
  const route = ROUTE_REWRITES.reduce(
    (inner, { match, to }) => `regexp_replace(${inner}, ${quoteLiteral(match)}, ${quoteLiteral(to)})`,
    'request_line',
  );
  return `line AS (
  SELECT "$path" AS path, CAST(${columnOf('elb')} AS varchar) AS elb, CAST(${columnOf('time')} AS varchar) AS time,
    ${text(columnOf('type'))} AS request_type, ${client} AS client_address, ${target} AS target,
    ${number(columnOf('request_processing_time'), 'double')} AS request_processing_time,
    ${number(columnOf('target_processing_time'), 'double')} AS target_processing_time,
    ${number(columnOf('response_processing_time'), 'double')} AS response_processing_time,
    coalesce(${number(columnOf('elb_status_code'), 'integer')}, -1) AS status,
    coalesce(${number(columnOf('target_status_code'), 'integer')}, -1) AS target_status,
    coalesce(${number(columnOf('received_bytes'), 'bigint')}, 0) AS received_bytes, coalesce(${number(columnOf('sent_bytes'), 'bigint')}, 0) AS sent_bytes,
    ${request} AS request_line, ${text(columnOf('target_group_arn'))} AS target_group_arn, ${text(columnOf('trace_id'))} AS trace_id,
    ${text(columnOf('matched_rule_priority'))} AS matched_rule_priority, ${text(columnOf('request_creation_time'))} AS request_creation_time,
    ${text(columnOf('actions_executed'))} AS actions_executed, ${text(columnOf('error_reason'))} AS error_reason,
    ${text(columnOf('classification_reason'))} AS classification_reason, ${text(columnOf('user_agent'))} AS user_agent, nullif(${text(columnOf('ip_address'))}, '-') AS ip_address
  FROM ${tableName(table)}
  WHERE ${pruning(scope, parameters)}),
timed AS (
  SELECT line.*, ${microseconds('time')} AS ended,
    CASE WHEN request_creation_time <> '-' THEN ${microseconds('request_creation_time')} END AS created,
    coalesce(ip_address, nullif(regexp_extract(path, '_([0-9a-fA-F.:]+)_[^_/]+[.]log([.]gz)?$', 1), ''), '-') AS node,
    substr(${route}, 1, ${ROUTE_LENGTH}) AS route_text,
    CAST(round(target_processing_time * 1000) AS bigint) AS target_ms,
    CASE WHEN regexp_like(substr(trace_id, greatest(length(trace_id) - 7, 1)), '^[0-9a-fA-F]{1,8}$')
      THEN from_base(substr(trace_id, greatest(length(trace_id) - 7, 1)), 16) ELSE 0 END AS sample
  FROM line),
entry AS (
  SELECT timed.*, CASE WHEN elb IS NULL OR ended IS NULL THEN 2 WHEN elb = ${placeText(`app/${name}/${id}`)} THEN 0 ELSE 1 END AS kind,
    coalesce(ended >= ${whole(question.from * 1000)} AND ended < ${whole(question.to * 1000)}, false) AS in_window,
    ${askedSql(question.statuses)} AS asked, ${failedSql(question.statuses)} AS failed
  FROM timed)`;
}

/**
 * When the request was sent to its target, microseconds; if no time of the target is known, based on when it arrived.
 */
const DISPATCHED = `CASE WHEN target_ms >= 0 THEN ended - 1000 * target_ms WHEN target_status >= 0 OR created IS NULL THEN ended
      WHEN request_processing_time >= 0 THEN created + CAST(round(request_processing_time * 1000000) AS bigint) ELSE created END`;
/** Same as in queries.ts. */
const scaleStep = (value: string): string => `CAST(CAST(floor(8 * log2(${value} + 0.5)) AS bigint) AS varchar)`;

const sign = (name: string): string => `CASE WHEN ${name} < 0 THEN '-1' ELSE '0' END`;
const flag = (condition: string): string => `CASE WHEN ${condition} THEN '1' ELSE '0' END`;

const SHAPE_SQL: Record<(typeof SHAPE)[number], string> = {
  minute: `CAST(ended - ended % ${MINUTE} AS varchar)`,
  status: 'CAST(status AS varchar)',
  target_status: 'CAST(target_status AS varchar)',
  request_time: sign('request_processing_time'),
  target_time: sign('target_processing_time'),
  response_time: sign('response_processing_time'),
  elapsed: `CASE WHEN created IS NULL THEN '' WHEN ended - created < 9500000 THEN 'under-9.5s' WHEN ended - created < 11000000 THEN '9.5-11s' ELSE 'from-11s' END`,
  error_reason: 'error_reason',
  fixed_response: flag(`',' || actions_executed || ',' LIKE '%,fixed-response,%'`),
  has_target: flag(`target <> '-'`),
  has_target_group: flag(`target_group_arn <> '-'`),
};

/** Details that must be cast to text. */
const DETAIL_SQL: Partial<Record<(typeof DETAIL)[number], string>> = {
  ended: 'CAST(ended AS varchar)',
  status: 'CAST(status AS varchar)',
  target_status: 'CAST(target_status AS varchar)',
  created: `coalesce(CAST(created AS varchar), '')`,
  sent_bytes: 'CAST(sent_bytes AS varchar)',
  received_bytes: 'CAST(received_bytes AS varchar)',
  request_processing_time: `coalesce(CAST(request_processing_time AS varchar), '-1')`,
  target_processing_time: `coalesce(CAST(target_processing_time AS varchar), '-1')`,
  response_processing_time: `coalesce(CAST(response_processing_time AS varchar), '-1')`,
  sample: 'CAST(sample AS varchar)',
  by_cloudfront: flag(`user_agent = ${quoteLiteral(CLOUDFRONT_AGENT)}`),
};
