/** The relations of queries.ts in DuckDB, filled from columns. */
import {
  BIGINT,
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDataChunk,
  INTEGER,
  SMALLINT,
  UINTEGER,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { Question } from '../../../evidence/evidence.ts';
import { askedSql, FAILURE_ORDER, failedSql, whole } from '../queries.ts';
import { NAMED_ROUTES } from '../slow-limits.ts';
import type { Batch } from './columns.ts';
import type { BatchSink } from './scan.ts';
import { FAILURE_DETAIL, type NamedRoute, type TargetAndNode } from './scanner.ts';

/** Maximum rows of a chunk: DuckDB's vector size. */
const CHUNK = 2048;

const LINE = [BIGINT, BIGINT, BIGINT, BIGINT, UINTEGER, INTEGER, INTEGER, INTEGER, SMALLINT, SMALLINT];

/** Types of the details that are not text. */
const DETAIL_TYPES: Partial<Record<(typeof FAILURE_DETAIL)[number], string>> = {
  request_processing_time: 'DOUBLE',
  target_processing_time: 'DOUBLE',
  response_processing_time: 'DOUBLE',
  received_bytes: 'DOUBLE',
  sent_bytes: 'DOUBLE',
  created: 'BIGINT',
};

const typed = (name: (typeof FAILURE_DETAIL)[number], index: number): string => {
  const type = DETAIL_TYPES[name];
  return `${type === undefined ? `details[${index + 1}]` : `try_cast(details[${index + 1}] AS ${type})`} AS ${name}`;
};

/** Details that no query reads after failures are numbered; `detail` holds them for the shown failures. */
const SHOWN_ONLY: readonly (typeof FAILURE_DETAIL)[number][] = [
  'request_type',
  'client_address',
  'received_bytes',
  'sent_bytes',
  'trace_id',
  'matched_rule_priority',
  'classification_reason',
  'by_cloudfront',
];

/**
 * Defines the relation `failure`, numbered, from `failing`, whose rows each have a unique `row`. Only rows of the same
 * microsecond are sorted by their texts, and no text is sorted along with the times.
 */
export const FAILURE = `
  WITH moment AS (SELECT ended, count(*) AS failures FROM failing GROUP BY ended),
  before AS (
    SELECT ended, failures, CAST(sum(failures) OVER (ORDER BY ended ROWS UNBOUNDED PRECEDING) - failures AS BIGINT) AS earlier
    FROM moment),
  tied AS (
    SELECT "row", row_number() OVER (PARTITION BY ended ORDER BY ${FAILURE_ORDER}) AS n
    FROM failing WHERE ended IN (SELECT ended FROM moment WHERE failures > 1))
  SELECT before.earlier + coalesce(tied.n, 1) AS id, failing.* EXCLUDE ("row", ${SHOWN_ONLY.join(', ')})
  FROM failing JOIN before ON before.ended = failing.ended LEFT JOIN tied ON tied."row" = failing."row"`;

export interface Relations extends BatchSink {
  /** Call after the last batch. Creates `entry`, `place`, `named_route` and `failing`, and returns the places by key. */
  complete(
    places: readonly TargetAndNode[],
    namedRoutes: readonly NamedRoute[],
  ): Promise<ReadonlyMap<number, TargetAndNode>>;
}

/** Throws RangeError for a word that is not a status. */
export async function openRelations(
  connection: DuckDBConnection,
  { statuses, from, to }: Question,
): Promise<Relations> {
  await connection.run(`
    CREATE TABLE line (ended BIGINT, place BIGINT, client BIGINT, route BIGINT, sample UINTEGER, target_ms INTEGER, received_bytes INTEGER,
      look INTEGER, status SMALLINT, target_status SMALLINT);
    CREATE TABLE failed_line (ended BIGINT, place BIGINT, client BIGINT, route BIGINT, sample UINTEGER, target_ms INTEGER, look INTEGER,
      status SMALLINT, target_status SMALLINT, detail VARCHAR);
    CREATE TABLE place (place BIGINT, target_group_arn VARCHAR, target VARCHAR, node VARCHAR);
    CREATE TABLE named_route (route BIGINT, route_text VARCHAR);
    CREATE VIEW entry AS
      SELECT ended, place, client, route, status, target_status, target_ms, received_bytes, sample::BIGINT AS sample, ended >= ${whole(from * 1000)} AND ended < ${whole(to * 1000)} AS in_window, ${askedSql(statuses)} AS asked,
        ${failedSql(statuses)} AS failed
      FROM line;`);
  const lines = await connection.createAppender('line');
  const appendLines = lineAppender(lines);
  const failed = await connection.createAppender('failed_line');
  const voided: number[] = [];

  return {
    batch(look, batch) {
      appendLines(look, batch);
      appendFailures(failed, look, batch);
    },
    discard(look) {
      voided.push(look);
    },
    async complete(places, namedRoutes) {
      lines.closeSync();
      failed.closeSync();
      if (voided.length > 0) {
        const looks = voided.map(whole).join(', ');
        await connection.run(
          `DELETE FROM line WHERE look IN (${looks}); DELETE FROM failed_line WHERE look IN (${looks})`,
        );
      }
      const named = await connection.createAppender('place');
      const byKey = new Map(places.map((place) => [place.key, place]));
      for (const { key, target_group_arn, target, node } of byKey.values()) {
        named.appendBigInt(BigInt(key));
        for (const text of [target_group_arn, target, node]) named.appendVarchar(text);
        named.endRow();
      }
      named.closeSync();
      await appendNamedRoutes(connection, namedRoutes);
      await connection.run(`
        CREATE VIEW failing AS
          SELECT one.* EXCLUDE (details), ${FAILURE_DETAIL.map(typed).join(', ')}, target_group_arn, target, node, true AS in_window, true AS failed
          FROM (
            SELECT failed_line.rowid AS "row", ended, failed_line.place, client, route, sample::BIGINT AS sample, target_ms, status, target_status,
              ${askedSql(statuses)} AS asked, detail, string_split(detail, '"') AS details
            FROM failed_line) AS one
          JOIN place ON place.place = one.place;`);
      return byKey;
    },
  };
}

/** Leaves `named_route` empty if they are more than NAMED_ROUTES. */
async function appendNamedRoutes(connection: DuckDBConnection, namedRoutes: readonly NamedRoute[]): Promise<void> {
  const texts = new Map(namedRoutes.map(({ key, route_text }) => [key, route_text]));
  if (texts.size > NAMED_ROUTES) return;
  const appender = await connection.createAppender('named_route');
  for (const [key, text] of texts) {
    appender.appendBigInt(BigInt(key));
    appender.appendVarchar(text);
    appender.endRow();
  }
  appender.closeSync();
}

/**
 * Appends to `line` through one reused chunk. Copies whole columns, because setting and checking one value at a time
 * takes longer than all other work on a line.
 */
function lineAppender(appender: DuckDBAppender): (look: number, batch: Batch) => void {
  const full = DuckDBDataChunk.create(LINE, CHUNK);
  const looks = new Int32Array(CHUNK);
  return (look, batch) => {
    looks.fill(look);
    const { ended, place, client, route, sample, targetMs, received, status, targetStatus } = batch;
    for (let from = 0; from < batch.rows; from += CHUNK) {
      const rows = Math.min(CHUNK, batch.rows - from);
      const chunk = rows === CHUNK ? full : DuckDBDataChunk.create(LINE, rows);
      const part = <T extends TypedColumn>(values: T) => values.subarray(from, from + rows);
      const columns = [ended, place, client, route, sample, targetMs, received].map(part);
      for (const [index, values] of [...columns, looks.subarray(0, rows), part(status), part(targetStatus)].entries())
        copyInto(duckdb.data_chunk_get_vector(chunk.chunk, index), values);
      appender.appendDataChunk(chunk);
    }
  };
}

type TypedColumn =
  | BigInt64Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>;

function copyInto(vector: duckdb.Vector, { buffer, byteOffset, byteLength }: TypedColumn): void {
  duckdb.copy_data_to_vector(vector, 0, buffer, byteOffset, byteLength);
}

function appendFailures(appender: DuckDBAppender, pass: number, batch: Batch): void {
  const { ended, place, client, route, sample, targetMs, status, targetStatus, failures } = batch;
  for (const [index, row] of failures.rows.entries()) {
    for (const keys of [ended, place, client, route]) appender.appendBigInt(keys[row] ?? 0n);
    appender.appendUInteger(sample[row] ?? 0);
    appender.appendInteger(targetMs[row] ?? 0);
    appender.appendInteger(pass);
    appender.appendSmallInt(status[row] ?? 0);
    appender.appendSmallInt(targetStatus[row] ?? 0);
    appender.appendVarchar(failures.details[index] ?? '');
    appender.endRow();
  }
}
