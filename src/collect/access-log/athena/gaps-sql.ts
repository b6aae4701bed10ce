/**
 * The second statement for Athena: it looks for a keep-alive edge, and runs only when connections were closed early. It
 * mentions the table once, as in rollups-sql.ts. Texts of clients never enter it, only their keys.
 */
import { createHash } from 'node:crypto';
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
export const isSearchable = ({ target_group_arn, target, node }: NodeTarget): boolean =>
  [target_group_arn, target, node].every((text) => PLACE_TEXT.test(text));

/**
 * Finds the gaps between a dispatch and each earlier completion on the same place.
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
