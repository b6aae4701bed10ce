/**
 * Reads Parquet files of vended logs: access logs as lines, other logs as records. DuckDB reads Parquet without
 * downloading an extension.
 */

import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { EXPANDS_TOO_FAR, expansionLimit } from '../expansion-limit.ts';
import { openFile } from '../open-file.ts';
import { lineOfRecord, VENDED_FIELDS } from './record-line.ts';

const MEMORY_LIMIT = '256MB';
/** Bytes of the text in a chunk of some thousand records; real ones have a few MB. */
const MAX_CHUNK_TEXT = 1 << 26;
/** Bytes of a line without any value. */
const MIN_RECORD = 64;

/**
 * Yields the lines of a file in chunks of some thousand. If DuckDB cannot read a part, or the file expands too far,
 * rejects after the readable lines.
 */
export async function* parquetPieces(path: string): AsyncGenerator<Buffer> {
  const columnsOf = (present: readonly string[]) =>
    [...VENDED_FIELDS, ...OTHER_LOGS].filter((name) => present.includes(name));
  for await (const { columns, rows } of parquetChunks(path, columnsOf)) {
    const lines = rows.map((values) => {
      const record = Object.fromEntries(columns.map((name, index) => [name, values[index]]));
      // A record that is no valid line appears as its values, like an invalid line of text.
      return (
        lineOfRecord(record) ??
        values
          .slice(0, columns.length)
          .join(' ')
          .replace(/[\r\n]/g, ' ')
      );
    });
    yield Buffer.from(`${lines.join('\n')}\n`);
  }
}

/** Yields the rows of a file as text by column, without null values. Rejects like `parquetPieces`. */
export async function* parquetRecords(
  path: string,
  isWanted: (column: string) => boolean,
): AsyncGenerator<Record<string, string>> {
  for await (const { columns, rows } of parquetChunks(path, (present) => present.filter(isWanted)))
    for (const values of rows)
      yield Object.fromEntries(
        columns.flatMap((name, index) => {
          const value = values[index] ?? null;
          return value === null ? [] : [[name, String(value)]];
        }),
      );
}

/** Each row has a value for each column, and then the bytes of its text. */
interface ParquetChunk {
  columns: readonly string[];
  rows: DuckDBValue[][];
}

async function* parquetChunks(
  path: string,
  columnsOf: (present: readonly string[]) => string[],
): AsyncGenerator<ParquetChunk> {
  const { DuckDBInstance } = await import('./duckdb.ts');
  const file = await openFile(path);
  try {
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: MEMORY_LIMIT,
      threads: '1',
      temp_directory: '',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    try {
      // DuckDB treats a path as a pattern and follows links, so it gets the open file.
      const limit = expansionLimit((await file.stat()).size);
      yield* chunksIn(connection, `/dev/fd/${file.fd}`, limit, columnsOf);
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  } finally {
    await file.close();
  }
}

async function* chunksIn(
  connection: DuckDBConnection,
  path: string,
  limit: number,
  columnsOf: (present: readonly string[]) => string[],
): AsyncGenerator<ParquetChunk> {
  const source = `read_parquet('${path}')`;
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${source}`);
  const columns = columnsOf(described.getRows().map(([name]) => String(name)));
  if (columns.length === 0) throw new Error('it has none of the columns of an access log');
  const named = columns.map((name) => `CAST("${name.replaceAll('"', '""')}" AS VARCHAR)`);
  const lengths = named.map((value) => `coalesce(strlen(${value}), 0)`);
  const rows = await connection.stream(`SELECT ${named.join(', ')}, ${lengths.join(' + ')} FROM ${source}`);
  let room = limit;
  for (let chunk = await rows.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await rows.fetchChunk()) {
    // Checked before the text is copied: a file may repeat one long value many times.
    const bytes = chunk.getColumnValues(columns.length).reduce<number>((sum, length) => sum + Number(length), 0);
    room -= bytes + MIN_RECORD * chunk.rowCount;
    if (room < 0 || bytes > MAX_CHUNK_TEXT) throw new Error(EXPANDS_TOO_FAR);
    yield { columns, rows: chunk.getRows() };
  }
}

/** Columns that identify health-check logs and connection logs. */
const OTHER_LOGS = ['target_addr', 'listener_port'] as const;
