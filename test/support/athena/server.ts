/**
 * Athena and Glue on 127.0.0.1, over DuckDB: statements run as they are sent, on tables filled by the pattern of their definition as
 * RegexSerDe does. Faults where a test wants them.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { type DuckDBConnection, DuckDBInstance, type JS } from '@duckdb/node-api';
import { onTestFinished } from 'vitest';
import type { AtEnd } from '../at-end.ts';
import { columnsOf, keysOf, type TableForm } from './tables.ts';

export interface LocalTable {
  database: string;
  name: string;
  form: TableForm;
  /** "s3://bucket/prefix/" */
  location: string;
  bucket: string;
  /** Log files by key, those outside of the location too. */
  objects: ReadonlyMap<string, Uint8Array>;
}

interface OperationError {
  name: string;
  message: string;
  /** How many times; always when absent. */
  times?: number;
  /** Only calls whose input matches. */
  matching?: RegExp;
}

export interface AthenaFaults {
  /** By operation, such as StartQueryExecution or GetTables. */
  refuse?: Record<string, OperationError>;
  /** Milliseconds. */
  queued?: number;
  running?: number | ((sql: string) => number);
  /** What becomes of queries instead of an answer; the first ones, or all; only those whose SQL matches. */
  fail?: { state: 'FAILED' | 'CANCELLED'; reason: string; retryable?: boolean; times?: number; matching?: RegExp };
  workGroup?: Record<string, unknown>;
  /** Milliseconds that every answer takes. */
  latency?: number;
  /** Called before each answer. */
  onCall?: (operation: string) => void;
}

interface SentQuery {
  sql: string;
  parameters: string[];
  outputLocation: string | null;
  stopped: boolean;
  bytesScanned: number;
  /** Keys of the files that the conditions of the scan leave. */
  files: string[];
}

export interface LocalAthena {
  endpoint: string;
  sent: SentQuery[];
  /** Operations asked for, in order. */
  calls: string[];
}

type Outcome = { rows: (string | null)[][] } | { state: 'FAILED' | 'CANCELLED'; reason: string; retryable: boolean };

interface Running extends SentQuery {
  id: string;
  started: number;
  outcome: Promise<Outcome>;
}

/** What Trino has and DuckDB has under another name, or not quite so. */
const MACROS = `
  CREATE MACRO regexp_like(text, pattern) AS regexp_matches(text, pattern);
  CREATE MACRO regexp_replace(text, pattern, replacement) AS system.main.regexp_replace(text, pattern, replace(replacement, '$', '\\'), 'g');
  CREATE MACRO from_base(text, radix) AS CASE WHEN radix = 16 THEN CAST('0x' || text AS BIGINT) END;
  CREATE MACRO to_utf8(text) AS text;
  CREATE MACRO to_hex(bytes) AS upper(bytes);
  CREATE MACRO array_join(list, separator) AS array_to_string(list, separator);`;

const TYPES: Record<string, string> = {
  string: 'VARCHAR',
  int: 'INTEGER',
  bigint: 'BIGINT',
  double: 'DOUBLE',
  date: 'DATE',
};

async function load(tables: readonly LocalTable[]): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(MACROS);
  for (const { database, name, form, location, bucket, objects } of tables) {
    const own = `"${database}"."${name}"`;
    const columns = [...form.columns, ...form.keys].map(([column, type]) => `"${column}" ${TYPES[type]}`);
    await connection.run(
      `CREATE SCHEMA IF NOT EXISTS "${database}"; CREATE TABLE ${own} (${columns.join(', ')}, "$path" VARCHAR)`,
    );
    const text = `CREATE TABLE loading (${[...columns.map((_, index) => `c${index} VARCHAR`)].join(', ')}, path VARCHAR)`;
    await connection.run(text);
    const appender = await connection.createAppender('loading');
    for (const [key, content] of objects) {
      const path = `s3://${bucket}/${key}`;
      if (!path.startsWith(location)) continue;
      const [, year, month, date] =
        /(?:year=)?([0-9]{4})[/](?:month=)?([0-9]{2})[/](?:day=)?([0-9]{2})/.exec(key) ?? [];
      const day = year === undefined ? '' : `${year}/${month}/${date}`;
      for (const line of gunzipSync(content).toString().split('\n').filter(Boolean)) {
        const match = new RegExp(`^(?:${form.pattern.source})$`).exec(line);
        for (const index of form.columns.keys()) {
          const value = match?.[index + 1];
          if (value === undefined) appender.appendNull();
          else appender.appendVarchar(value);
        }
        for (const [column] of form.keys) appender.appendVarchar(form.valueOf(column, day));
        appender.appendVarchar(path);
        appender.endRow();
      }
    }
    appender.closeSync();
    const casts = [...form.columns, ...form.keys].map(([, type], index) => `try_cast(c${index} AS ${TYPES[type]})`);
    await connection.run(`INSERT INTO ${own} SELECT ${casts.join(', ')}, path FROM loading; DROP TABLE loading`);
  }
  return connection;
}

/** A literal as an execution parameter carries it. */
function parameterOf(literal: string): string | number {
  const text = /^'((?:[^']|'')*)'$/.exec(literal)?.[1];
  if (text !== undefined) return text.replaceAll("''", "'");
  if (!/^[0-9]+$/.test(literal)) throw new Error(`SYNTAX_ERROR: ${literal} is no literal`);
  return Number(literal);
}

const printed = (value: JS | undefined): string | null =>
  value === null || value === undefined ? null : String(value);

/** Serves until the test is over, or whatever else `atEnd` waits for. */
export async function serveAthena(
  tables: readonly LocalTable[],
  faults: AthenaFaults = {},
  atEnd: AtEnd = onTestFinished,
): Promise<LocalAthena> {
  const connection = await load(tables);
  const [sent, calls, queries]: [SentQuery[], string[], Map<string, Running>] = [[], [], new Map()];
  const outcomes = new Map<string, Promise<Outcome>>();
  const refusals = new Map(
    Object.entries(faults.refuse ?? {}).map(([name, one]) => [name, one.times ?? Number.POSITIVE_INFINITY]),
  );
  let failures = faults.fail?.times ?? Number.POSITIVE_INFINITY;

  /** The files selected by the condition between WHERE and the end of the scan. */
  async function scan(sql: string, parameters: readonly string[]): Promise<{ files: string[]; bytes: number }> {
    const [, database, name, conditions] =
      /FROM "([^"]+)"[.]"([^"]+)"\s+WHERE ([\s\S]*?)[)],\s*timed AS/.exec(sql) ?? [];
    const table = tables.find((one) => one.database === database && one.name === name);
    if (table === undefined || conditions === undefined) return { files: [], bytes: 0 };
    const values = parameters.slice(0, conditions.split('?').length - 1).map(parameterOf);
    const rows = await connection.runAndReadAll(
      `SELECT DISTINCT "$path" FROM "${database}"."${name}" WHERE ${conditions}`,
      values,
    );
    const files = rows.getRowsJS().map(([path]) => String(path).replace(`s3://${table.bucket}/`, ''));
    return { files: files.sort(), bytes: files.reduce((sum, key) => sum + (table.objects.get(key)?.length ?? 0), 0) };
  }

  async function run(sql: string, parameters: readonly string[]): Promise<Outcome> {
    const { fail } = faults;
    if (fail !== undefined && failures > 0 && (fail.matching?.test(sql) ?? true)) {
      failures -= 1;
      return { state: fail.state, reason: fail.reason, retryable: fail.retryable === true };
    }
    // The tables do not change: measurements in rounds wait for `running` only.
    const key = JSON.stringify([sql, parameters]);
    const known = outcomes.get(key) ?? compute(sql, parameters);
    outcomes.set(key, known);
    return await known;
  }

  async function compute(sql: string, parameters: readonly string[]): Promise<Outcome> {
    try {
      const result = await connection.runAndReadAll(sql, parameters.map(parameterOf));
      const rows = result.getRowsJS().map((row) => row.map(printed));
      return { rows: [result.columnNames(), ...rows] };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { state: 'FAILED', reason: `SYNTAX_ERROR: ${reason}`, retryable: false };
    }
  }

  async function start(input: Record<string, unknown>) {
    const sql = String(input.QueryString);
    if (!/^\s*(?:WITH|SELECT)\b/i.test(sql)) throw new Fault('InvalidRequestException', 'line 1:1: mismatched input');
    const parameters = Array.isArray(input.ExecutionParameters) ? input.ExecutionParameters.map(String) : [];
    const configuration = input.ResultConfiguration;
    const outputLocation =
      configuration !== null &&
      typeof configuration === 'object' &&
      configuration !== undefined &&
      'OutputLocation' in configuration
        ? String(configuration.OutputLocation)
        : null;
    // Answered before the query is done, as Athena does: what it takes is part of what `running` says.
    const scanning = scan(sql, parameters).catch(() => ({ files: [], bytes: 0 }));
    const query: Running = {
      id: randomUUID(),
      started: performance.now(),
      outcome: scanning.then(({ files, bytes }) => {
        query.files = files;
        query.bytesScanned = bytes;
        return run(sql, parameters);
      }),
      sql,
      parameters,
      outputLocation,
      stopped: false,
      bytesScanned: 0,
      files: [],
    };
    queries.set(query.id, query);
    sent.push(query);
    return { QueryExecutionId: query.id };
  }

  async function describe(query: Running) {
    const { queued = 0 } = faults;
    const running = typeof faults.running === 'function' ? faults.running(query.sql) : (faults.running ?? 0);
    const elapsed = performance.now() - query.started;
    const outcome = await query.outcome;
    // DuckDB answers one after the other: two at once end together, however busy the machine is.
    await Promise.all([...queries.values()].map((one) => one.outcome));
    const { id, stopped, bytesScanned } = query;
    const Statistics = { DataScannedInBytes: elapsed < queued ? 0 : bytesScanned };
    const State = stopped
      ? 'CANCELLED'
      : elapsed < queued
        ? 'QUEUED'
        : elapsed < queued + running
          ? 'RUNNING'
          : 'rows' in outcome
            ? 'SUCCEEDED'
            : outcome.state;
    const failed =
      State === 'FAILED' || (State === 'CANCELLED' && !stopped)
        ? 'reason' in outcome
          ? {
              StateChangeReason: outcome.reason,
              AthenaError: {
                ErrorCategory: 2,
                ErrorType: 1006,
                Retryable: outcome.retryable,
                ErrorMessage: outcome.reason,
              },
            }
          : {}
        : {};
    return { QueryExecution: { QueryExecutionId: id, Status: { State, ...failed }, Statistics } };
  }

  async function results(input: Record<string, unknown>) {
    const outcome = await queries.get(String(input.QueryExecutionId))?.outcome;
    const rows = outcome !== undefined && 'rows' in outcome ? outcome.rows : [];
    const from = Number(input.NextToken ?? 0);
    const size = Number(input.MaxResults ?? 1000);
    if (size > 1000) throw new Fault('InvalidRequestException', 'MaxResults is more than maximum allowed length 1000.');
    const more = from + size < rows.length ? { NextToken: String(from + size) } : {};
    const Rows = rows
      .slice(from, from + size)
      .map((row) => ({ Data: row.map((value) => (value === null ? {} : { VarCharValue: value })) }));
    return { ResultSet: { Rows }, ...more };
  }

  const glueTable = ({ database, name, form, location }: LocalTable) => ({
    Name: name,
    DatabaseName: database,
    StorageDescriptor: { Location: location, Columns: columnsOf(form) },
    PartitionKeys: keysOf(form),
    Parameters: form.parameters,
  });

  async function answer(operation: string, input: Record<string, unknown>): Promise<unknown> {
    calls.push(operation);
    faults.onCall?.(operation);
    const left = refusals.get(operation) ?? 0;
    const refused = faults.refuse?.[operation];
    if (refused !== undefined && left > 0 && (refused.matching?.test(JSON.stringify(input)) ?? true)) {
      refusals.set(operation, left - 1);
      throw new Fault(refused.name, refused.message);
    }
    const query = queries.get(String(input.QueryExecutionId));
    const inDatabase = tables.filter(({ database }) => database === input.DatabaseName);
    switch (operation) {
      case 'GetWorkGroup':
        return { WorkGroup: { Name: input.WorkGroup, State: 'ENABLED', Configuration: faults.workGroup ?? {} } };
      case 'StartQueryExecution':
        return await start(input);
      case 'GetQueryExecution':
        if (query === undefined) throw new Fault('InvalidRequestException', 'QueryExecution was not found');
        return await describe(query);
      case 'StopQueryExecution':
        if (query !== undefined) query.stopped = true;
        return {};
      case 'GetQueryResults':
        return await results(input);
      case 'GetTables':
        return { TableList: inDatabase.map(glueTable) };
      case 'GetTable': {
        const table = inDatabase.find(({ name }) => name === input.Name);
        if (table === undefined) throw new Fault('EntityNotFoundException', `Table ${input.Name} not found.`);
        return { Table: glueTable(table) };
      }
      default:
        throw new Fault('UnknownOperationException', operation);
    }
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const headers = { 'Content-Type': 'application/x-amz-json-1.1' };
    await pause(faults.latency ?? 0);
    try {
      const output = await answer(operation, JSON.parse(Buffer.concat(chunks).toString() || '{}'));
      response.writeHead(200, headers).end(JSON.stringify(output));
    } catch (error) {
      const name = error instanceof Fault ? error.name : 'InternalServerException';
      const message = error instanceof Error ? error.message : String(error);
      response.writeHead(400, headers).end(JSON.stringify({ __type: name, message, Message: message }));
    }
  }

  const server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
    connection.closeSync();
  });
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, sent, calls };
}

class Fault extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}
