/**
 * The one scan of the raw lines, as DuckDB SQL. A line is judged by what it shows: an entry for certain, in the ordinary form of the load
 * balancer; no entry for certain, by its first twelve fields; or doubtful, then the parser of entry.ts decides. Entries are kept narrow:
 * keys and numbers, text only for failures and for a sample that names the places.
 *
 * Every function over millions of strings shows in the time of a diagnosis: what is written in an unusual way here was measured.
 */
import { addressAndPort, ENTRY_HEAD, instant, type LogEntry } from './entry.ts';
import type { Span, WantedLoadBalancer } from './files.ts';
import { whole } from './queries.ts';
import { ID_SEGMENT, ROUTE_LENGTH, ROUTE_REWRITES, route } from './route.ts';

/** What a line turned out to be: column `kind`. */
export const ENTRY = 0;
export const OTHER_LOAD_BALANCER = 1;
export const REJECTED = 2;
export const DOUBTFUL = 3;
export const BLANK = 4;

/** Characters kept of a rejected line, to find it again in its file. */
export const KEPT_OF_REJECTED = 64;

/** A file under a name of our own: what users call their files never gets into SQL. */
export interface ScanFile {
  path: string;
  /** By the original file name. */
  node: string | null;
}

export interface Scan {
  files: readonly ScanFile[];
  loadBalancer: WantedLoadBalancer;
  window: Span;
  statuses: readonly string[];
  /** Text is kept for failures and for one entry in so many. */
  namedOneIn: number;
  /** A longer line is an error of the whole scan. */
  maxLineBytes: number;
}

/** Statuses, times and keys of one line for the relation `entry` of queries.ts; the flags follow from them in `entrySql`. */
const COLUMNS =
  'file UINTEGER, size UINTEGER, kind UTINYINT, ended BIGINT, place UBIGINT, client UBIGINT, route UBIGINT, status SMALLINT, target_status SMALLINT, target_ms INTEGER, sample UINTEGER, detail VARCHAR';

/** Text of an entry, in the order of column `detail`, where `"` separates it: no field of an ordinary line holds one. */
export const DETAIL = [
  'target_group_arn',
  'target',
  'node',
  'request_type',
  'client_address',
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'received_bytes',
  'sent_bytes',
  'route_text',
  'trace_id',
  'matched_rule_priority',
  'request_creation_time',
  'actions_executed',
  'error_reason',
  'classification_reason',
] as const;

/** A text as SQL writes it. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Fills the empty table `table` with every line of every file, once, in no order. */
export function scanSql(table: string, scan: Scan): string {
  const { files, loadBalancer, maxLineBytes, namedOneIn, statuses } = scan;
  const { name, id } = loadBalancer;
  const isOurs =
    id === null ? `starts_with(head[3], ${literal(`app/${name}/`)})` : `head[3] = ${literal(`app/${name}/${id}`)}`;
  const nodes = files.map(({ node }) => literal(node ?? '-')).join(', ');
  return `
    INSERT INTO ${table}
    WITH text AS (
      SELECT file_index::BIGINT AS file, coalesce(l, '') AS l
      FROM read_csv([${files.map(({ path }) => literal(path)).join(', ')}], columns = {'l': 'VARCHAR'}, auto_detect = false, header = false,
        delim = '\n', quote = '', escape = '', strict_mode = false, max_line_size = ${whole(maxLineBytes)},
        buffer_size = ${whole(2 * maxLineBytes)})),
    quoted AS (SELECT file, l, string_split(l, '"') AS q FROM text),
    split AS (
      SELECT file, l, q, string_split(q[1], ' ') AS head, string_split(q[5], ' ') AS tls, string_split(q[2], ' ') AS request FROM quoted),
    valued AS (
      SELECT *, epoch_us(try_cast(head[2] AS TIMESTAMP)) AS ended, coalesce(try_cast(head[9] AS SMALLINT), -1) AS status,
        coalesce(try_cast('0x' || right(q[6], 8) AS UINTEGER), 0) AS sample,
        CASE WHEN q[31] IN ('', ' -', ' - ') OR len(q) < 31 THEN [${nodes}][file + 1] ELSE trim(q[31]) END AS node,
        string_split(string_split(request[2], '?')[1], '/') AS url
      FROM split),
    judged AS (
      SELECT *, CASE
          WHEN l = '' THEN ${BLANK}
          WHEN ${PLAIN_LINE} THEN CASE WHEN ${isOurs} THEN ${ENTRY} ELSE ${OTHER_LOAD_BALANCER} END
          WHEN NOT regexp_matches(rtrim(l, ${WHITE_SPACE}), ${literal(ENTRY_HEAD)}) THEN ${REJECTED}
          ELSE ${DOUBTFUL} END AS kind
      FROM valued)
    SELECT file, strlen(l), kind, ended, hash(tls[4], head[5], node), hash(${CLIENT}),
      CASE WHEN ${PLAIN_ROUTE} THEN ${routeKey('request[1]', 'url[4:]', true)} ELSE ${keyOfRoute(ROUTE)} END,
      status, coalesce(try_cast(head[10] AS SMALLINT), -1), round(try_cast(head[7] AS DOUBLE) * 1000), sample,
      CASE
        WHEN kind = ${ENTRY} AND (sample % ${whole(namedOneIn)} = 0 OR ${failedSql(statuses)}) THEN concat_ws('"', tls[4], head[5], node,
          head[1], ${CLIENT}, head[6], head[7], head[8], head[11], head[12], CASE WHEN ${failedSql(statuses)} THEN ${ROUTE} ELSE '-' END, q[6],
          trim(string_split(q[11], ' ')[2]), string_split(q[11], ' ')[3], q[12], q[16], coalesce(q[24], '-'))
        WHEN kind = ${REJECTED} THEN left(l, ${KEPT_OF_REJECTED})
        WHEN kind = ${DOUBTFUL} THEN l END
    FROM judged`;
}

export const createLineTable = (table: string): string => `CREATE TABLE ${table} (${COLUMNS})`;

/** For entries that the parser decided on, see `decidedRow`. */
export const CREATE_DECIDED = `CREATE TABLE decided (file UINTEGER, kind UTINYINT, ended BIGINT, status SMALLINT, target_status SMALLINT,
  target_ms INTEGER, sample UINTEGER, detail VARCHAR)`;

export const INSERT_DECIDED = `
  INSERT INTO line
  SELECT file, NULL, kind, ended, hash(d[1], d[2], d[3]), hash(d[5]), ${keyOfRoute('d[11]')}, status, target_status, target_ms, sample, detail
  FROM (SELECT *, string_split(detail, '"') AS d FROM decided)`;

/**
 * An entry in the columns of `decided` behind its kind. `fileNode` is the node by the name of the file. A quote that a tool put back behind a
 * backslash becomes what the load balancer wrote.
 */
export function decided(entry: LogEntry, fileNode: string | null) {
  const client = addressAndPort(entry.client);
  const node = entry.ip_address === undefined || entry.ip_address === '-' ? fileNode : entry.ip_address;
  const text: Record<(typeof DETAIL)[number], string> = {
    target_group_arn: entry.target_group_arn ?? '-',
    target: entry.target,
    node: node ?? '-',
    request_type: entry.type,
    client_address: client === null ? entry.client : entry.client.replace(/:[0-9]+$/, ''),
    request_processing_time: String(entry.request_processing_time),
    target_processing_time: String(entry.target_processing_time),
    response_processing_time: String(entry.response_processing_time),
    received_bytes: String(entry.received_bytes),
    sent_bytes: String(entry.sent_bytes),
    route_text: route(entry.request_line ?? '-'),
    trace_id: entry.trace_id ?? '-',
    matched_rule_priority: entry.matched_rule_priority ?? '-',
    request_creation_time: entry.request_creation_time ?? '-',
    actions_executed: entry.actions_executed ?? '-',
    error_reason: entry.error_reason ?? '-',
    classification_reason: entry.classification_reason ?? '-',
  };
  return {
    ended: Math.round((instant(entry.time) ?? 0) * 1000),
    status: statusNumber(entry.elb_status_code),
    target_status: statusNumber(entry.target_status_code),
    target_ms: Math.round(entry.target_processing_time * 1000),
    sample: sampleOf(text.trace_id),
    detail: DETAIL.map((name) => text[name].replaceAll('\\"', '\\x22')).join('"'),
  };
}

/** The relations `entry`, `place` and `failure` of queries.ts over the table `line`. */
export const relationsSql = (window: Span, statuses: readonly string[]): string => `
  CREATE VIEW entry AS
    SELECT ended, place, client, route, status, target_status, target_ms, sample::BIGINT AS sample,
      ended >= ${whole(window.from * 1000)} AND ended < ${whole(window.to * 1000)} AS in_window, ${askedSql(statuses)} AS asked,
      ${failedSql(statuses)} AS failed
    FROM line WHERE kind = ${ENTRY};
  CREATE TABLE place AS ${placesSql('line')};
  CREATE TABLE failing AS
    SELECT *, epoch_us(try_cast(request_creation_time AS TIMESTAMP)) AS created
    FROM (
      SELECT entry.* EXCLUDE (detail), ${DETAIL.map((name, index) => `entry.detail[${index + 1}]${DETAIL_NUMBERS.includes(name) ? '::DOUBLE' : ''} AS ${name}`).join(', ')}
      FROM (
        SELECT ended, place, client, route, status, target_status, target_ms, sample::BIGINT AS sample, true AS in_window,
          ${askedSql(statuses)} AS asked, true AS failed, string_split(detail, '"') AS detail
        FROM line
        WHERE kind = ${ENTRY} AND ended >= ${whole(window.from * 1000)} AND ended < ${whole(window.to * 1000)} AND ${failedSql(statuses)}) AS entry);`;

/** Text of each place, as far as lines with text name it. */
export const placesSql = (table: string): string => `
  SELECT place, d[1] AS target_group_arn, d[2] AS target, d[3] AS node
  FROM (
    SELECT place, string_split(min(detail), '"') AS d
    FROM ${table} WHERE kind = ${ENTRY} AND detail IS NOT NULL GROUP BY place)
  WHERE true`;

const DETAIL_NUMBERS: readonly string[] = [
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'received_bytes',
  'sent_bytes',
];

const WHITE_SPACE = "' ' || chr(9) || chr(11) || chr(12) || chr(13)";

/** The end of ENTRY_HEAD is a space or the end of the line; ahead of a quote it is a space. */
const HEAD_BEFORE_QUOTE = `${ENTRY_HEAD.replace(/^\^/, '').replace(/\(\?: \|\$\)$/, '')} `;

/** A day after the 28th may not exist: such a line is doubtful. */
const RULE_AND_CREATED =
  ' (?:-1|-|[0-9]+) (?:-|[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,6})?Z) ';

/**
 * `q` is the line split at its quotes: between two quoted fields there is one space, or there are unquoted fields with one space before,
 * between and after them. The lengths are those of 25, 27, 29 or 30, 33 or 34, and 36 fields.
 */
const PLAIN_LINE = `ended IS NOT NULL
  AND regexp_full_match(q[1], ${literal(HEAD_BEFORE_QUOTE)})
  AND regexp_full_match(q[11], ${literal(RULE_AND_CREATED)})
  AND len(tls) = 5 AND tls[1] = '' AND tls[2] <> '' AND tls[3] <> '' AND tls[4] <> '' AND tls[5] = ''
  AND q[3] = ' ' AND q[7] = ' ' AND q[9] = ' ' AND q[13] = ' ' AND q[15] = ' '
  AND CASE WHEN len(q) IN (31, 35) THEN q[17] = ' ' AND q[19] = ' ' AND q[21] = ' ' AND q[23] = ' ' AND q[27] = ' ' AND q[29] = ' '
      AND regexp_full_match(q[25], ' [^ ]+ ')
      AND CASE len(q) WHEN 31 THEN regexp_full_match(q[31], '(?: [!-~]+)?')
        ELSE regexp_full_match(q[31], ' [!-~]+ ') AND q[33] = ' ' AND q[35] = '' END
    WHEN len(q) = 25 THEN q[17] = ' ' AND q[19] = ' ' AND q[21] = ' ' AND q[23] = ' ' AND regexp_full_match(q[25], '(?: [^ ]+)?')
    WHEN len(q) = 21 THEN q[17] = ' ' AND q[19] = ' ' AND q[21] = ''
    WHEN len(q) = 17 THEN q[17] = '' END`;

/** "[2001:db8::1]:443" and "192.0.2.1:443" without the port. */
const CLIENT = `CASE WHEN len(string_split(head[4], ':')) = 2 THEN string_split(head[4], ':')[1] ELSE regexp_replace(head[4], ':[0-9]+$', '') END`;

const ROUTE = `left(${ROUTE_REWRITES.reduce(
  (inner, { match, to }) => `regexp_replace(${inner}, ${literal(match)}, ${literal(to.replaceAll('$', '\\'))}, 'g')`,
  'q[2]',
)}, ${ROUTE_LENGTH})`;

/** A request whose route is its method and the segments of its path, and not cut: "METHOD http(s)://host/path HTTP/version". */
const PLAIN_ROUTE = `len(request) = 3 AND request[3] IN ('HTTP/1.1', 'HTTP/2.0') AND request[1] <> '' AND request[1] <> '-'
  AND len(url) > 3 AND url[2] = '' AND url[1] IN ('https:', 'http:') AND NOT contains(request[2], '#')
  AND strlen(request[1]) + strlen(request[2]) + 2 * len(url) <= ${ROUTE_LENGTH}`;

/** Key of a route: hash of its method and the list of segments, here with or without the ids in it. */
function routeKey(method: string, segments: string, withIds: boolean): string {
  // Most segments begin with a letter that no hexadecimal number has; the comparison is far cheaper than the expression.
  const segment = `CASE WHEN s < '0' OR s >= 'g' THEN s WHEN regexp_full_match(s, ${literal(ID_SEGMENT)}) THEN ':id' ELSE s END`;
  return `hash(${method}, ${withIds ? `list_transform(${segments}, lambda s: ${segment})` : segments})`;
}

/** The same key from "METHOD /path". */
function keyOfRoute(text: string): string {
  return routeKey(`string_split(${text}, ' ')[1]`, `string_split(${text}[strpos(${text}, ' ') + 1:], '/')[2:]`, false);
}

/** Conditions on column `status`. Throws RangeError when a status is neither "502" nor "5xx" in form. */
function askedSql(statuses: readonly string[]): string {
  const conditions = statuses.map((status) => {
    if (/^[0-9]xx$/i.test(status))
      return `status BETWEEN ${Number(status[0]) * 100} AND ${Number(status[0]) * 100 + 99}`;
    if (/^[0-9]{3}$/.test(status)) return `status = ${Number(status)}`;
    throw new RangeError(`${status} is not a status`);
  });
  return `(${conditions.length === 0 ? 'false' : conditions.join(' OR ')})`;
}

const failedSql = (statuses: readonly string[]): string =>
  `(status BETWEEN 500 AND 599 OR status = 460 OR ${askedSql(statuses)})`;

const statusNumber = (text: string): number => (text === '-' ? -1 : Number(text));

/** As the scan has it: the last eight characters of a trace id as a hexadecimal number, 0 when they are none. */
function sampleOf(trace_id: string): number {
  const digits = [...trace_id].slice(-8).join('');
  return /^[0-9a-fA-F]{1,8}$/.test(digits) ? Number.parseInt(digits, 16) : 0;
}
