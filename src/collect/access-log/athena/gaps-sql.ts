/**
 * The statements for Athena that look for a keep-alive edge. `gaps` looks at the requests that a plan names, once the
 * first statement has found connections closed early. `gapsBeside` finds these requests itself, so that it can run beside
 * the first statement. Both mention the table once, as in rollups-sql.ts. Texts of clients never enter a statement, only
 * their keys.
 */
import { createHash } from 'node:crypto';
import {
  GAP_BUDGET,
  GAP_CONTROLS,
  GAP_CONTROLS_EACH,
  GAP_EXAMINED,
  GAP_LEAST,
  GAP_WITHIN_MS,
  gapHorizon,
} from '../gap-limits.ts';
import type { GapPlan, NodeTarget } from '../gap-search.ts';
import { entrySql, type LogScope, PLACE_TEXT, placeText } from './entry-sql.ts';
import { Parameters, type Statement, whole } from './statement.ts';

export interface GapSearch {
  /** Microseconds. */
  horizon: number;
  places: GapPlan['places'];
  /** Like those of the plan, with a key for the route. */
  peers: readonly { peer: number; place: number; routeKey: TextKey; controls: number }[];
  /** The clients of the failures, each with the lowest id of its failures. */
  clients: readonly { clientKey: TextKey; asking: number }[];
  requests: GapPlan['requests'];
}

/** Hexadecimal MD5 of a text. Client-supplied text (routes) is compared by this key and never enters a statement. */
type TextKey = string & { readonly key: unique symbol };

export const textKey = (text: string): TextKey => createHash('md5').update(text).digest('hex') as TextKey;

function keyLiteral(key: TextKey): string {
  if (!/^[0-9a-f]{32}$/.test(key)) throw new RangeError(`${JSON.stringify(key)} is not a key`);
  return `'${key}'`;
}

const keyOf = (column: string): string => `lower(to_hex(md5(to_utf8(${column}))))`;

/**
 * What is known of a request: for a failure, `peer` is 0 and `n` its id. `dispatched` and `reach` are microseconds.
 */
const REQUEST = ['peer', 'n', 'asking', 'answers', 'reach', 'dispatched'] as const;

/** The same where the statement finds the requests: `route` and `client` are keys. */
const REQUEST_BESIDE = ['role', 'route', 'n', 'client', 'answers', 'controls', 'reach', 'dispatched'] as const;

/** Columns of the answers: a request, its place, and its gaps in microseconds, separated by commas. */
export const GAP_COLUMNS = ['place', ...REQUEST, 'gaps'] as const;
export const BESIDE_COLUMNS = ['place', ...REQUEST_BESIDE, 'gaps'] as const;

/** Whether a place can be searched: its names must look like those of targets and nodes. */
export const isSearchable = ({ target_group_arn, target, node }: NodeTarget): boolean =>
  [target_group_arn, target, node].every((text) => PLACE_TEXT.test(text));

/** Finds the gaps between a dispatch and each earlier completion on the same place. */
export function gaps(scope: LogScope, search: GapSearch): Statement {
  const parameters = new Parameters();
  const { horizon, places, peers, clients, requests } = search;
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
    ({ id, place, dispatched }) =>
      `(${whole(id)}, ${whole(place)}, BIGINT '${whole(places[place - 1]?.reach ?? 0)}', BIGINT '${whole(dispatched)}')`,
  );
  const failure = ["'0'", 'CAST(id AS varchar)', "'0'", "'0'", 'CAST(reach AS varchar)', 'CAST(dispatched AS varchar)'];
  return parameters.statement(`
WITH ${entrySql(scope, parameters)},
wanted (place, target_group_arn, target, node, reach) AS (VALUES ${placeRows.join(', ')}),
alike (peer, place, route_key, controls) AS (VALUES ${peerRows.join(', ')}),
client (client_key, asking) AS (VALUES ${clientRows.join(', ')}),
traffic AS (
  SELECT wanted.place, reach, coalesce(peer, 0) AS peer, coalesce(controls, 0) AS controls, coalesce(asking, 0) AS asking, ended, sample,
    target_ms, target_status, ended - 1000 * target_ms AS dispatched,
    CASE WHEN peer IS NOT NULL AND ${IS_ANSWER} THEN 1 ELSE 0 END AS is_answer
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
  SELECT numbered.*, ${IS_CONTROL}
  FROM numbered),
event AS (
  ${eventsOf(horizon, REQUEST.map(asText), 'is_control = 1')}
  UNION ALL
  SELECT place, ${requestBucket(horizon)}, 0, concat_ws(' ', ${failure.join(', ')})
  FROM (VALUES ${requestRows.join(', ')}) AS examined (id, place, reach, dispatched) CROSS JOIN (VALUES (1), (2)) AS roles (role)),
${gapsOfEvents(REQUEST)}`);
}

/**
 * Like `gaps`, but chooses the requests itself, by the rules of `planGaps`. It needs window functions over all lines, where
 * `gaps` reads those of a few places.
 */
export function gapsBeside(scope: LogScope, idleTimeoutSeconds: number): Statement {
  const parameters = new Parameters();
  const horizon = Math.round(gapHorizon(idleTimeoutSeconds) * 1_000_000);
  const double = (value: number) => `${whole(value)}e0`;
  const text: Partial<Record<(typeof REQUEST_BESIDE)[number], string>> = {
    role: "CASE WHEN is_examined = 1 THEN 'failure' ELSE 'control' END",
    route: keyOf('route_text'),
    client: keyOf('client_address'),
  };
  return parameters.statement(`
WITH ${entrySql(scope, parameters)},
traffic AS (
  SELECT target_group_arn, concat_ws('"', target_group_arn, target, node) AS place, route_text, client_address, ended, sample, target_ms,
    target_status, in_window, ended - 1000 * target_ms AS dispatched, CASE WHEN ${IS_CLOSED} THEN 1 ELSE 0 END AS is_closed
  FROM entry
  WHERE kind = 0 AND target <> '-'),
placed AS (
  SELECT traffic.*, max(is_closed) OVER (PARTITION BY place) AS is_searched, max(is_closed) OVER (PARTITION BY place, route_text) AS is_peer,
    count(CASE WHEN target_status >= 0 THEN 1 END) OVER (PARTITION BY place) AS completions
  FROM traffic),
work AS (
  SELECT placed.*, max(completions) OVER (PARTITION BY target_group_arn) AS most,
    coalesce(max(CASE WHEN target_status >= 0 THEN ended END) OVER (PARTITION BY target_group_arn)
      - min(CASE WHEN target_status >= 0 THEN ended END) OVER (PARTITION BY target_group_arn), 0) AS span,
    sum(is_closed) OVER (PARTITION BY target_group_arn) AS closed,
    row_number() OVER (PARTITION BY target_group_arn, is_closed ORDER BY sample, ended, target_ms) AS place_in_group
  FROM placed
  WHERE is_searched = 1),
-- The numbers of gap-limits.ts, by the same operations on the same doubles.
shared AS (
  SELECT work.*, greatest(1e0, CAST(most AS double) / greatest(1e0, CAST(span AS double) / ${double(horizon)})) AS gaps_each
  FROM work),
budget AS (
  SELECT shared.*, CAST(floor(${double(horizon)} * least(1e0, ${double(GAP_BUDGET)} / (${double(GAP_LEAST)} * gaps_each))) AS bigint) AS reach,
    least(${double(GAP_EXAMINED + GAP_CONTROLS)}, greatest(${double(GAP_LEAST)}, floor(${double(GAP_BUDGET)} / gaps_each))) AS requests
  FROM shared),
limits AS (
  SELECT budget.*, least(CAST(closed AS double),
      greatest(1e0, floor(requests * ${double(GAP_EXAMINED)} / ${double(GAP_EXAMINED + GAP_CONTROLS)}))) AS examined
  FROM budget),
asked AS (
  SELECT limits.*, CAST(greatest(1e0, least(${double(GAP_CONTROLS_EACH)}, floor((requests - examined) / examined))) AS bigint) AS controls_each,
    CASE WHEN is_closed = 1 AND place_in_group <= examined THEN 1 ELSE 0 END AS is_examined,
    CASE WHEN is_peer = 1 AND ${IS_ANSWER} THEN 1 ELSE 0 END AS is_answer
  FROM limits),
numbered AS (
  SELECT asked.*, controls_each * sum(is_examined) OVER (PARTITION BY place, route_text) AS controls,
    sum(is_answer) OVER (PARTITION BY place, route_text) AS answers,
    row_number() OVER (PARTITION BY place, route_text, is_answer, is_examined ORDER BY sample, ended, target_ms) AS n
  FROM asked),
chosen AS (
  SELECT numbered.*, ${IS_CONTROL}
  FROM numbered),
event AS (
  ${eventsOf(
    horizon,
    REQUEST_BESIDE.map((field) => text[field] ?? asText(field)),
    '(is_control = 1 OR is_examined = 1)',
  )}),
${gapsOfEvents(REQUEST_BESIDE)}`);
}

/** The condition of `findClosedConnections`; a missing time of the response counts as -1 there. */
const IS_CLOSED = `in_window AND status = 502 AND target_status < 0 AND request_processing_time >= 0 AND target_processing_time >= 0
      AND target_ms <= ${whole(GAP_WITHIN_MS)} AND coalesce(response_processing_time, -1e0) < 0`;

const IS_ANSWER = 'in_window AND target_status BETWEEN 0 AND 499 AND target_ms >= 0';

const IS_CONTROL =
  'CASE WHEN is_answer = 1 AND n <= controls AND sample * answers <= 4 * controls * 4294967296 THEN 1 ELSE 0 END AS is_control';

const asText = (name: string): string => `CAST(${name} AS varchar)`;

const bucketOf = (at: string, horizon: number): string => `${at} - ${at} % ${whole(horizon)}`;

/** A request joins the bucket of its dispatch and the one before. */
const requestBucket = (horizon: number): string =>
  `CASE role WHEN 1 THEN ${bucketOf('dispatched', horizon)} ELSE ${bucketOf('dispatched', horizon)} - ${whole(horizon)} END`;

/** Completions and requests of the relation `chosen`, each with the bucket of one horizon that it joins. */
const eventsOf = (horizon: number, request: readonly string[], isRequest: string): string => `SELECT place,
    CASE role WHEN 0 THEN ${bucketOf('ended', horizon)} ELSE ${requestBucket(horizon)} END AS bucket,
    CASE role WHEN 0 THEN ended ELSE 0 END AS completed,
    CASE WHEN role > 0
      THEN concat_ws(' ', ${request.join(', ')})
    END AS request
  FROM chosen CROSS JOIN (VALUES (0), (1), (2)) AS roles (role)
  WHERE role = 0 AND target_status >= 0 OR role > 0 AND ${isRequest}`;

/** Brings the completions and requests of the relation `event` together by bucket, so that the table is read once. */
function gapsOfEvents(request: readonly string[]): string {
  const part = (name: string) => `split_part(request, ' ', ${request.indexOf(name) + 1})`;
  return `meeting AS (
  SELECT place, bucket, array_agg(completed) AS completions, array_agg(request) FILTER (WHERE request IS NOT NULL) AS requests
  FROM event
  GROUP BY place, bucket),
pair AS (
  SELECT place, completed, request, CAST(${part('dispatched')} AS bigint) AS dispatched, CAST(${part('reach')} AS bigint) AS reach
  FROM meeting CROSS JOIN UNNEST(requests) AS asking (request) CROSS JOIN UNNEST(completions) AS completing (completed)),
gap AS (
  -- Completion 0 comes with every request: a request without any gap has its row all the same.
  SELECT place, request, CASE WHEN completed > 0 THEN dispatched - completed END AS gap
  FROM pair
  WHERE completed = 0 OR completed < dispatched AND completed >= dispatched - reach),
listed AS (
  SELECT place, request, array_join(array_agg(gap ORDER BY gap) FILTER (WHERE gap IS NOT NULL), ',') AS gaps
  FROM gap
  GROUP BY place, request)
SELECT place, ${request.map((name) => `${part(name)} AS ${name}`).join(', ')}, gaps
FROM listed
ORDER BY place, ${request.slice(0, request.indexOf('n')).map(part).join(', ')}, CAST(${part('n')} AS bigint)`;
}
