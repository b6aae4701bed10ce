/**
 * The questions put to the access log, each defined once. The dialect is Trino's (Athena engine version 3), limited to
 * what DuckDB also accepts: no division of integers, no count_if where no row may match (they differ), no approximate or
 * random function, every list in a total order, sums of integers only (sums of doubles depend on the order of the work).
 *
 * An engine provides these relations in any way it likes. Times are microseconds since the epoch. Statuses are numbers,
 * -1 for "-". A key is any bigint that is equal exactly for equal things.
 *
 *   entry    the entries of the load balancer that were read
 *            ended, place (key), client (key of the address without port), route (key), status, target_status,
 *            target_ms (target_processing_time in milliseconds, below 0 for -1), received_bytes, sample (the last eight
 *            hexadecimal digits of the trace id as a number, 0 if there are none: an order unrelated to anything else),
 *            in_window, asked (has an asked status), failed (5xx, 460, 463, 464 or an asked status, from any source)
 *   place    place (key), target_group_arn, target, node ('-' if unknown)
 *   named_route  route (key), route_text, of the routes with an answer in the window that took at least SLOW_MS or was a 400; empty if
 *            they are too many
 *   failure  the failed entries of the window, numbered from 1 in the order of the answers
 *            id, the columns of entry, and as text: request_type, client_address, target, request_processing_time,
 *            target_processing_time, response_processing_time, received_bytes, sent_bytes, route_text,
 *            target_group_arn, trace_id, matched_rule_priority, created (microseconds or null), actions_executed,
 *            error_reason, classification_reason, node
 *   gap_request  the requests whose gaps are compared: the answer to `gapRequests`
 *   retried  id of each 5xx or asked failure that was followed by a success: the answer to `RETRIED`
 */
import { statusRanges } from '../../evidence/statuses.ts';

import { GAP_WITHIN_MS, type GapRequestLimits } from './gap-limits.ts';
import { SLOW_MS } from './slow-limits.ts';

/** One SELECT. */
export type LogQuery = string;

/**
 * Conditions on the columns `status` and `target_status` of `entry`. Both throw RangeError for a word that is not a
 * status.
 */
export const askedSql = (statuses: readonly string[], status = 'status', targetStatus = 'target_status'): string =>
  anyOf(
    statusRanges(statuses).map(({ from, to, madeBy }) => {
      const maker = {
        anyone: '',
        target: ` AND ${targetStatus} = ${status}`,
        'load-balancer': ` AND ${targetStatus} <> ${status}`,
      };
      return `${between(status, from, to)}${maker[madeBy]}`;
    }),
  );

export const failedSql = (statuses: readonly string[]): string =>
  anyOf([
    'status BETWEEN 500 AND 599',
    `status IN (${CLIENT_FAILURES.join(', ')})`,
    ...statusRanges(statuses).map(({ from, to }) => between('status', from, to)),
  ]);

/**
 * The client closed (460), sent too many X-Forwarded-For addresses (463), or used a version that does not fit the
 * target group (464).
 */
export const CLIENT_FAILURES: readonly number[] = [460, 463, 464];

const between = (status: string, from: number, to: number): string =>
  from === to ? `${status} = ${whole(from)}` : `${status} BETWEEN ${whole(from)} AND ${whole(to)}`;

const anyOf = (conditions: readonly string[]): string => `(${conditions.join(' OR ')})`;

const MINUTE = 60_000_000;
const RETRY = 30_000_000;

/** The order of failures: by time and trace id; the other columns make it total. */
export const FAILURE_ORDER =
  'ended, trace_id, client_address, route_text, target, status, target_status, created, sent_bytes, received_bytes, request_processing_time, target_processing_time, response_processing_time, request_type, node';

/** Returns one row. */
export const OVERVIEW: LogQuery = `
  SELECT count(CASE WHEN in_window THEN 1 END) AS requests, count(CASE WHEN in_window AND failed THEN 1 END) AS failures, min(ended) AS oldest, max(ended) AS newest
  FROM entry`;

export const MINUTES: LogQuery = `
  SELECT ended - ended % ${MINUTE} AS minute, count(*) AS requests
  FROM entry WHERE in_window
  GROUP BY 1 ORDER BY 1`;

export const TARGETS: LogQuery = `
  SELECT target_group_arn, target, node, requests, failures, bad_requests, first_seen, last_seen, first_success, last_success
  FROM (
    SELECT place, count_if(in_window) AS requests, count_if(in_window AND failed) AS failures,
      count_if(in_window AND target_status = 400) AS bad_requests, min(ended) AS first_seen, max(ended) AS last_seen,
      min(CASE WHEN target_status BETWEEN 0 AND 499 THEN ended END) AS first_success,
      max(CASE WHEN target_status BETWEEN 0 AND 499 THEN ended END) AS last_success
    FROM entry GROUP BY place) AS traffic
  JOIN place ON place.place = traffic.place
  ORDER BY target_group_arn, target, node`;

export const STATUSES: LogQuery = `
  SELECT target_group_arn, status, target_status, sum(requests) AS requests
  FROM (
    SELECT place, status, target_status, count(*) AS requests
    FROM entry WHERE in_window GROUP BY 1, 2, 3) AS traffic
  JOIN place ON place.place = traffic.place
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;

/**
 * Asked failures and 5xx followed within 30 s by a status below 500 that is not a failure, for the same client and
 * route.
 */
export const RETRIED: LogQuery = `
  WITH asking AS (
    SELECT id, client, route, ended, bucket
    FROM failure CROSS JOIN UNNEST(ARRAY[ended - ended % ${RETRY}, ended - ended % ${RETRY} + ${RETRY}]) AS buckets (bucket)
    WHERE asked OR status BETWEEN 500 AND 599)
  SELECT DISTINCT asking.id
  FROM asking JOIN entry
    ON entry.client = asking.client AND entry.route = asking.route AND entry.ended - entry.ended % ${RETRY} = asking.bucket
  WHERE entry.ended > asking.ended AND entry.ended <= asking.ended + ${RETRY} AND entry.status BETWEEN 0 AND 499
    AND NOT entry.failed`;

/** Returns one row: distinct clients among the asked failures, and how many failures were retried. */
export const FAILED: LogQuery = `
  SELECT count(DISTINCT client) AS clients, (SELECT count(*) FROM retried) AS retried
  FROM failure WHERE asked`;

/** The failures to show: all, or those with the lowest `sample`. */
export const failures = (limit: number): LogQuery => `
  SELECT shown.*, retried.id IS NOT NULL AS retried_ok
  FROM (SELECT * FROM failure ORDER BY sample, id LIMIT ${whole(limit)}) AS shown
  LEFT JOIN retried ON retried.id = shown.id
  ORDER BY shown.id`;

export const FAILURE_SHAPES: LogQuery = `
  SELECT ended - ended % ${MINUTE} AS minute, status, target_status,
    CASE WHEN request_processing_time < 0 THEN -1 ELSE 0 END AS request_time,
    CASE WHEN target_processing_time < 0 THEN -1 ELSE 0 END AS target_time,
    CASE WHEN response_processing_time < 0 THEN -1 ELSE 0 END AS response_time,
    CASE WHEN created IS NULL THEN NULL WHEN ended - created < 9500000 THEN 'under-9.5s'
      WHEN ended - created < 11000000 THEN '9.5-11s' ELSE 'from-11s' END AS elapsed,
    error_reason, ',' || actions_executed || ',' LIKE '%,fixed-response,%' AS fixed_response, target <> '-' AS has_target,
    target_group_arn <> '-' AS has_target_group, count(*) AS failures, count(retried.id) AS retried, min(ended) AS first_seen,
    max(ended) AS last_seen
  FROM failure LEFT JOIN retried ON retried.id = failure.id
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
  ORDER BY 1, 2, 3, 4, 5, 6, 7 NULLS LAST, 8, 9, 10, 11`;

/** The routes that fail most. */
export const routes = (limit: number): LogQuery => `
  WITH failing AS (
    SELECT route, min(route_text) AS route_text, count(*) AS failures
    FROM failure GROUP BY route
    ORDER BY failures DESC, route_text LIMIT ${whole(limit)}),
  traffic AS (
    SELECT entry.route, count(*) AS requests, count_if(target_status BETWEEN 0 AND 499) AS succeeded,
      sum(CASE WHEN target_status BETWEEN 0 AND 499 AND target_ms >= 0 THEN target_ms END) AS succeeded_ms,
      max(CASE WHEN target_status BETWEEN 0 AND 499 AND target_ms >= 0 THEN target_ms END) AS succeeded_max_ms
    FROM entry WHERE in_window AND route IN (SELECT route FROM failing)
    GROUP BY entry.route)
  SELECT route_text, requests, failures, succeeded, coalesce(succeeded_ms, 0) AS succeeded_ms,
    coalesce(succeeded_max_ms, 0) AS succeeded_max_ms
  FROM failing JOIN traffic ON traffic.route = failing.route
  ORDER BY failures DESC, route_text`;

/**
 * A step of the scale of `ScaleCount`. Adding half a unit keeps whole numbers off the boundaries, so that rounding
 * cannot matter.
 */
const scaleStep = (value: string): string => `CAST(floor(8 * log2(${value} + 0.5)) AS bigint)`;

/**
 * Requests that targets answered below 500 on the routes that fail most, by duration (milliseconds) and by received
 * bytes. Computes steps before counting: there are few pairs of steps, but nearly as many pairs of values as requests.
 */
export const routeScales = (limit: number): LogQuery => `
  WITH failing AS (
    SELECT route, min(route_text) AS route_text, count(*) AS failures
    FROM failure GROUP BY route
    ORDER BY failures DESC, route_text LIMIT ${whole(limit)}),
  answered AS (
    SELECT route, ${scaleStep('target_ms')} AS time_step, ${scaleStep('received_bytes')} AS size_step, count(*) AS requests
    FROM entry
    WHERE in_window AND target_status BETWEEN 0 AND 499 AND target_ms >= 0 AND route IN (SELECT route FROM failing)
    GROUP BY 1, 2, 3),
  step AS (
    SELECT route, 'time' AS scale, time_step AS step, requests FROM answered
    UNION ALL
    SELECT route, 'size' AS scale, size_step AS step, requests FROM answered)
  SELECT route_text, scale, step, sum(requests) AS requests
  FROM failing JOIN step ON step.route = failing.route
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;

/**
 * The routes with the largest sum of answer times, by duration, and the milliseconds of all answers. Counts each
 * request of the window that a target answered, with any status, as TargetResponseTime does.
 */
export const slowRoutes = (limit: number): LogQuery => `
  WITH spent AS (
    SELECT route, sum(target_ms) AS ms, max(target_ms) AS slowest
    FROM entry WHERE in_window AND target_status >= 0 AND target_ms >= 0
    GROUP BY route),
  slow AS (
    SELECT spent.route, route_text, ms
    FROM spent JOIN named_route ON named_route.route = spent.route
    WHERE slowest >= ${SLOW_MS}
    ORDER BY ms DESC, route_text LIMIT ${whole(limit)}),
  answered AS (
    SELECT route, ${scaleStep('target_ms')} AS step, count(*) AS requests
    FROM entry WHERE in_window AND target_status >= 0 AND target_ms >= 0 AND route IN (SELECT route FROM slow)
    GROUP BY 1, 2)
  SELECT route_text, ms, (SELECT sum(ms) FROM spent) AS total_ms, step, requests
  FROM slow JOIN answered ON answered.route = slow.route
  ORDER BY ms DESC, route_text, step`;

/** Routes of the target groups whose targets answered every request of the window with 400. */
export const badRequestRoutes = (limit: number): LogQuery => `
  WITH counted AS (
    SELECT place, route, count(*) AS requests, count(CASE WHEN target_status = 400 THEN 1 END) AS bad
    FROM entry WHERE in_window GROUP BY place, route),
  bad_group AS (
    SELECT target_group_arn
    FROM counted JOIN place ON place.place = counted.place
    WHERE target_group_arn <> '-'
    GROUP BY target_group_arn HAVING sum(requests) = sum(bad))
  SELECT place.target_group_arn AS target_group_arn, route_text, sum(requests) AS requests
  FROM counted
  JOIN place ON place.place = counted.place
  JOIN bad_group ON bad_group.target_group_arn = place.target_group_arn
  JOIN named_route ON named_route.route = counted.route
  GROUP BY 1, 2 ORDER BY requests DESC, target_group_arn, route_text LIMIT ${whole(limit)}`;

/** Slots per block, by which answers far from any failure are counted. */
const SLOTS_OF_BLOCK = 16;

/**
 * Runs of two or more unanswered dispatches on a target, over all nodes. Answers are counted by the slot of their
 * dispatch, and by blocks of slots if the block has no failure, which keeps the rows to sort few. Failures between two
 * answers of one slot belong to no run.
 */
export const outages = (slot: number, limit: number): LogQuery => {
  const block = whole(slot * SLOTS_OF_BLOCK);
  return `
  WITH unanswered AS (
    SELECT target_group_arn, target, dispatched, dispatched - dispatched % ${whole(slot)} AS slot
    FROM (
      SELECT target_group_arn, target,
        CASE WHEN target_ms >= 0 THEN ended - 1000 * CAST(target_ms AS bigint) WHEN created IS NULL THEN ended
          WHEN request_processing_time >= 0 THEN created + CAST(round(request_processing_time * 1000000) AS bigint) ELSE created END AS dispatched
      FROM failure WHERE status BETWEEN 500 AND 599 AND target_status = -1 AND target <> '-') AS sent),
  series AS (
    SELECT target_group_arn, target, row_number() OVER (ORDER BY target_group_arn, target) AS series
    FROM unanswered GROUP BY target_group_arn, target HAVING count(*) > 1),
  failed AS (
    SELECT series, dispatched, slot, slot - slot % ${block} AS block
    FROM unanswered
    JOIN series ON series.target_group_arn = unanswered.target_group_arn AND series.target = unanswered.target),
  answered AS (
    SELECT series, slot, min(dispatched) AS first, max(dispatched) AS last, max(ended) AS ended
    FROM (
      SELECT sent.series, dispatched, ended, dispatched - dispatched % CASE WHEN near.block IS NULL THEN ${block} ELSE ${whole(slot)} END AS slot
      FROM (
        SELECT series, ended, ended - 1000 * CAST(greatest(target_ms, 0) AS bigint) AS dispatched
        FROM entry
        JOIN place ON place.place = entry.place
        JOIN series ON series.target_group_arn = place.target_group_arn AND series.target = place.target
        WHERE target_status >= 0) AS sent
      LEFT JOIN (SELECT DISTINCT series, block FROM failed) AS near
        ON near.series = sent.series AND near.block = sent.dispatched - sent.dispatched % ${block}) AS slotted
    GROUP BY series, slot),
  moment AS (
    SELECT series, first AS tick, 0 AS failures, first AS answer, ended FROM answered
    UNION ALL
    SELECT failed.series, failed.dispatched, 1, NULL, NULL
    FROM failed
    LEFT JOIN answered ON answered.series = failed.series AND answered.slot = failed.slot
    WHERE answered.slot IS NULL OR failed.dispatched < answered.first OR failed.dispatched > answered.last),
  numbered AS (
    SELECT series, tick, failures,
      sum(1 - failures) OVER (PARTITION BY series ORDER BY tick, failures ROWS UNBOUNDED PRECEDING) AS run,
      max(ended) OVER (PARTITION BY series ORDER BY tick, failures ROWS UNBOUNDED PRECEDING) AS last_answer,
      min(answer) OVER (PARTITION BY series ORDER BY tick, failures ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_answer
    FROM moment),
  run AS (
    SELECT series, max(last_answer) AS last_answer, min(next_answer) AS next_answer, min(tick) AS first, max(tick) AS last, count(*) AS failures
    FROM numbered WHERE failures = 1 GROUP BY series, run HAVING count(*) > 1)
  SELECT target_group_arn, target, last_answer, next_answer, first, last, failures
  FROM run JOIN series ON series.series = run.series
  ORDER BY failures DESC, target_group_arn, target, first
  LIMIT ${whole(limit)}`;
};

/** Limits of the search for a keep-alive edge. */
export interface GapLimits {
  /** FAILURE_LIMIT: only failures that are shown are examined. */
  shown: number;
  /** One for each row of `gapWork`, in its order. At least one. */
  groups: GapRequestLimits[];
}

const closed = (shown: number): string => `
  closed AS (
    SELECT id, place, route, client, target_group_arn, sample, ended - 1000 * target_ms AS dispatched
    FROM (SELECT * FROM failure ORDER BY sample, id LIMIT ${whole(shown)}) AS shown
    WHERE status = 502 AND target_status = -1 AND target <> '-' AND request_processing_time >= 0
      AND target_ms BETWEEN 0 AND ${GAP_WITHIN_MS} AND response_processing_time < 0)`;

/**
 * The work that each target group's gaps would need: its closed failures, the completions on their places, and their
 * time span.
 */
export const gapWork = (shown: number): LogQuery => `
  WITH ${closed(shown)},
  places AS (SELECT target_group_arn, place, count(*) AS closed FROM closed GROUP BY 1, 2),
  traffic AS (
    SELECT place, count(*) AS completions, min(ended) AS first, max(ended) AS last
    FROM entry WHERE target_status >= 0 AND place IN (SELECT place FROM places) GROUP BY place)
  SELECT target_group_arn, sum(closed) AS closed, coalesce(max(completions), 0) AS completions,
    coalesce(max(last) - min(first), 0) AS span
  FROM places LEFT JOIN traffic ON traffic.place = places.place
  GROUP BY 1 ORDER BY 1`;

/**
 * The requests whose gaps are compared: first the examined failures of a target group (`peer` 0, `n` their id), then the
 * controls of each (place, route) of these failures (`peer` the lowest id among them, `answers` how many could be
 * chosen). A control is a request of the window that a target answered below 500; `asking` is the lowest id of an
 * examined failure of its client. Rows are numbered by `request` from 1 in the order of the answers.
 */
export const gapRequests = (limits: GapLimits): LogQuery => {
  const groups = limits.groups.map(
    ({ examined, controlsEach, reach }, index) =>
      `(${whole(index + 1)}, ${whole(examined)}, ${whole(controlsEach)}, ${whole(reach)})`,
  );
  return `
  WITH ${closed(limits.shown)},
  limits AS (
    SELECT target_group_arn, number, examined, controls_each, reach
    FROM (SELECT target_group_arn, row_number() OVER (ORDER BY target_group_arn) AS n FROM closed GROUP BY target_group_arn) AS named
    JOIN (VALUES ${groups.join(', ')}) AS numbered (number, examined, controls_each, reach) ON number = n),
  examined AS (
    SELECT id, place, route, client, number, controls_each, reach, dispatched
    FROM (
      SELECT closed.*, row_number() OVER (PARTITION BY closed.target_group_arn ORDER BY sample, id) AS n, number, examined, controls_each, reach
      FROM closed JOIN limits ON limits.target_group_arn = closed.target_group_arn) AS numbered
    WHERE n <= examined),
  peer AS (
    SELECT min(id) AS peer, place, route, min(number) AS number, sum(controls_each) AS controls, min(reach) AS reach
    FROM examined GROUP BY place, route),
  asking AS (SELECT client, min(id) AS asking FROM examined GROUP BY client),
  answered AS (
    SELECT peer, count(*) AS answers
    FROM entry JOIN peer ON peer.place = entry.place AND peer.route = entry.route
    WHERE in_window AND target_status BETWEEN 0 AND 499 AND target_ms >= 0
    GROUP BY peer),
  control AS (
    SELECT peer, place, number, reach, n, client, dispatched
    FROM (
      SELECT peer.*, entry.client, entry.ended - 1000 * entry.target_ms AS dispatched,
        row_number() OVER (PARTITION BY peer.peer ORDER BY entry.sample, entry.ended, entry.target_ms) AS n
      FROM entry
      JOIN peer ON peer.place = entry.place AND peer.route = entry.route
      JOIN answered ON answered.peer = peer.peer
      WHERE in_window AND target_status BETWEEN 0 AND 499 AND target_ms >= 0
        -- Four times the controls wanted, before they are put in order.
        AND sample * answers <= 4 * controls * 4294967296) AS numbered
    WHERE n <= controls),
  request AS (
    SELECT 0 AS peer, id AS n, place, number, reach, client, dispatched FROM examined
    UNION ALL
    SELECT peer, n, place, number, reach, client, dispatched FROM control)
  SELECT row_number() OVER (ORDER BY target_group_arn, request.peer, request.n) AS request, target_group_arn,
    limits.reach AS reach, request.peer AS peer, request.n AS n, place, dispatched, asking, answers
  FROM request
  JOIN limits ON limits.number = request.number
  LEFT JOIN asking ON asking.client = request.client
  LEFT JOIN answered ON answered.peer = request.peer
  ORDER BY request`;
};

/**
 * `gap`: milliseconds since each earlier completion on the place of a `request`, in any order. `horizon`: microseconds.
 */
export const gaps = (horizon: number): LogQuery => `
  SELECT CAST(request AS integer) AS request, CAST((gap - gap % 1000) / 1e3 AS integer) AS gap
  FROM (
    SELECT asked.request, asked.dispatched - entry.ended AS gap
    FROM (
      SELECT request, place, dispatched, reach, bucket
      FROM gap_request
      CROSS JOIN UNNEST(ARRAY[dispatched - dispatched % ${whole(horizon)}, dispatched - dispatched % ${whole(horizon)} - ${whole(horizon)}]) AS buckets (bucket)
    ) AS asked
    JOIN entry ON entry.place = asked.place AND entry.ended - entry.ended % ${whole(horizon)} = asked.bucket
    WHERE entry.target_status >= 0 AND entry.ended < asked.dispatched AND entry.ended >= asked.dispatched - asked.reach) AS found`;

/** The only way a value enters a query: as a non-negative whole number. */
export function whole(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a whole number`);
  return String(value);
}
