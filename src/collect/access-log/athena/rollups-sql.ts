/**
 * The first statement for Athena (engine version 3: Trino): it answers all questions except the gaps, by giving each
 * entry to every group it counts in. Athena bills each mention of a table as a scan, so a statement
 * mentions it once. Values are execution parameters, which Athena accepts only in a WHERE clause, whole numbers, or
 * validated names and addresses.
 * https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html
 * Dialect: Trino, limited to what DuckDB also accepts, because the tests run the statements there and compare the answers
 * with those of the embedded engine: no division of integers, no count_if where no row may match (they differ), no
 * approximate or random function, every list in a total order, sums of integers only (sums of doubles depend on the
 * order of the work).
 */
import { FAILURE_LIMIT, OUTAGE_LIMIT } from '../../../evidence/access-log.ts';
import { CLOUDFRONT_AGENT } from '../cloudfront-agent.ts';
import { outageSlot } from '../outage-limits.ts';
import { BAD_ROUTES, SLOW_MS, SLOW_ROUTES } from '../slow-limits.ts';
import { column, entrySql, type LogScope, number, pruning, tableName } from './entry-sql.ts';
import { inlined, Parameters, type Statement, whole } from './statement.ts';
import { askedSql } from './status-sql.ts';
import { quoteLiteral } from './table.ts';

/**
 * Separates the parts of a key. Fields of the log contain no quote; one in a table is escaped as the load balancer
 * does.
 */
export const SEPARATOR = '"';

const MINUTE = 60_000_000;
const RETRY = 30_000_000;
const ROUTE_LIMIT = 200;
/** Maximum scale steps over all these routes: a route has about ten on each scale. */
const SCALE_LIMIT = 100 * ROUTE_LIMIT;
/** Routes with a 400 of any group: which groups answer with nothing else is known only from all places. */
const BAD_LIMIT = 20 * BAD_ROUTES;

/** Maximum steps of the slowest routes: no duration has more than 200. */
const SLOW_LIMIT = 200 * SLOW_ROUTES;
/** Maximum files with empty rows to name. */
const BAD_FILES = 20;

/** Parts of the failure key, in the order of `byTime` (shown-failures.ts) as far as it affects which failures are chosen. */
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

/**
 * When the request was sent to its target, microseconds; if no time of the target is known, based on when it arrived.
 */
const DISPATCHED = `CASE WHEN target_ms >= 0 THEN ended - 1000 * target_ms WHEN target_status >= 0 OR created IS NULL THEN ended
      WHEN request_processing_time >= 0 THEN created + CAST(round(request_processing_time * 1000000) AS bigint) ELSE created END`;
/** Adding half a unit keeps whole numbers off the boundaries, so that rounding cannot matter. */
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
