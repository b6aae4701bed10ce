/**
 * Finds the Athena table over the access log, its column names, its partitions, and what it cannot answer. Tables
 * differ, because AWS's documented statement
 * (https://docs.aws.amazon.com/athena/latest/ug/application-load-balancer-logs.html) has changed over time, so the
 * schema is read first.
 */

import type { GlueClient, Table } from '@aws-sdk/client-glue';
import { byText } from '../../../format/by-text.ts';
import { ownValue } from '../../../format/own-value.ts';
import { AccessLogError, accessLogErrorFrom } from '../access-log-error.ts';
import type { LogPlace } from '../log-place.ts';

/** Columns in the order of AWS's own table, each with its alternative names. RegexSerDe fills columns by position. */
const COLUMNS = {
  type: ['protocol', 'request_type', 'connection_type'],
  time: ['timestamp', 'datetime', 'date_time', 'log_time', 'response_time', 'event_time'],
  elb: ['elb_name', 'elb_id', 'load_balancer', 'alb', 'alb_name', 'elb_resource_id'],
  client_ip: ['client_address', 'client'],
  client_port: [],
  target_ip: ['target_address', 'backend_ip', 'target'],
  target_port: ['backend_port'],
  request_processing_time: [],
  target_processing_time: ['backend_processing_time'],
  response_processing_time: [],
  elb_status_code: ['elb_response_code', 'status_code'],
  target_status_code: ['backend_response_code', 'target_response_code', 'backend_status_code'],
  received_bytes: [],
  sent_bytes: [],
  request_verb: ['request_method', 'method'],
  request_url: ['url', 'request_uri'],
  request_proto: ['request_protocol', 'request_http_version'],
  user_agent: [],
  ssl_cipher: [],
  ssl_protocol: [],
  target_group_arn: [],
  trace_id: ['x_amzn_trace_id'],
  domain_name: [],
  chosen_cert_arn: [],
  matched_rule_priority: ['rule_priority'],
  request_creation_time: ['creation_time'],
  actions_executed: [],
  redirect_url: [],
  error_reason: ['lambda_error_reason'],
  target_port_list: ['target_ip_port_list'],
  target_status_code_list: [],
  classification: [],
  classification_reason: [],
  conn_trace_id: ['tid', 'connection_trace_id'],
  transformed_host: [],
  transformed_uri: [],
  request_transform_status: [],
  ip_address: ['node_ip', 'lb_ip'],
} as const satisfies Record<string, readonly string[]>;

export type Field = keyof typeof COLUMNS | 'request_line';

const ORDER: readonly string[] = Object.keys(COLUMNS);

/** Columns required for a diagnosis. */
const NEEDED: readonly Field[] = [
  'time',
  'elb',
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'elb_status_code',
  'target_status_code',
];

/** What stays unknown without a column. */
const COLUMN_LIMITATIONS: Partial<Record<Field, string>> = {
  client_ip: 'how many clients were hit and which requests succeeded on a second try',
  target_ip: 'which targets failed',
  request_url: 'which routes failed',
  target_group_arn: 'which target groups failed',
  trace_id: 'the trace IDs to look for in the application',
  request_creation_time: 'how long failed requests took, which tells refused connections from those that timed out',
  actions_executed: 'which errors are fixed responses',
  error_reason: 'why Lambda functions, authentication and WAF failed',
};

/** How a day ("yyyy/mm/dd") maps to a partition. Values are SQL literals. */
type Partitions =
  | { by: 'day'; column: string; isDate: boolean; literal: (day: string) => string }
  | { by: 'year-month-day'; columns: [string, string, string]; literal: (part: string, index: number) => string }
  | { by: 'nothing' };

export interface LogTable {
  database: string;
  name: string;
  columns: Partial<Record<Field, string>>;
  partitions: Partitions;
  /** Partition columns with a single value here, such as the region; the literal has the column's type. */
  fixed: { column: string; literal: string }[];
  /** The first day ("yyyy/mm/dd") of the partition projection; null for any. */
  since: string | null;
  /** Sentences on what the table cannot answer. */
  limitations: string[];
}

interface TableChoice {
  glue: GlueClient;
  database: string;
  /** Null to search for one. */
  table: string | null;
  place: LogPlace;
  signal: AbortSignal;
}

/**
 * Returns the configured table, or the one in the database that best fits the log files; null if no table fits. Rejects
 * with AccessLogError.
 */
export async function findTable(choice: TableChoice): Promise<LogTable | null> {
  const { database, table, place } = choice;
  if (table !== null) {
    const found = await oneTable(choice, table);
    if (found === null)
      throw new AccessLogError('not-found', `the table ${database}.${table} does not exist`, {
        remedy: 'alb502 setup athena --create makes one',
      });
    const read = namedTable(database, found, place);
    if ('reason' in read) throw new AccessLogError('not-found', read.reason);
    return read;
  }
  return bestTable(database, await allTables(choice), place)?.read ?? null;
}

/** Returns the table that the configuration names, or a clause saying why it cannot serve. */
export function namedTable(database: string, table: Table, place: LogPlace): LogTable | { reason: string } {
  if (covers(table, place)) return readTable(database, table, place);
  const location = locationOf(table) === '/' ? 'nothing' : locationOf(table);
  return {
    reason: `the table ${database}.${table.Name ?? ''} reads ${location} and not s3://${place.bucket}/${place.root}, where the access log is`,
  };
}

/** Returns the table of a database that best fits the log files; null if no table fits. */
export function bestTable(
  database: string,
  tables: readonly Table[],
  place: LogPlace,
): { table: Table; read: LogTable } | null {
  const fitting = tables
    .filter((one) => covers(one, place))
    .sort((a, b) => locationOf(b).length - locationOf(a).length || byText(a.Name ?? '', b.Name ?? ''))
    .flatMap((table) => {
      const read = readTable(database, table, place);
      return 'reason' in read ? [] : [{ table, read }];
    });
  return fitting.find(({ read }) => read.partitions.by !== 'nothing') ?? fitting[0] ?? null;
}

/**
 * Glue checks permissions on each of these:
 * https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
 */
function resourcesOf({ place: { partition, region, account }, database }: TableChoice, table: string): string[] {
  const glue = `arn:${partition}:glue:${region}:${account}`;
  return [`${glue}:catalog`, `${glue}:database/${database}`, `${glue}:table/${database}/${table}`];
}

/** Glue uses one code for both: "Database logs not found." and "Table x not found.". */
const isDatabaseMissing = (error: unknown): boolean =>
  error instanceof Error && error.name === 'EntityNotFoundException' && /^database /i.test(error.message);

const noDatabase = (database: string): AccessLogError =>
  new AccessLogError('not-found', `the database ${database} does not exist in the Glue catalog`, {
    remedy: 'set athena.database (ALB502_ATHENA_DATABASE) to the one that holds the table',
  });

async function oneTable(choice: TableChoice, name: string): Promise<Table | null> {
  const { glue, database, place, signal } = choice;
  const { GetTableCommand } = await import('@aws-sdk/client-glue');
  try {
    const answer = await glue.send(new GetTableCommand({ DatabaseName: database, Name: name }), {
      abortSignal: signal,
    });
    return answer.Table ?? null;
  } catch (error) {
    if (isDatabaseMissing(error)) throw noDatabase(database);
    if (error instanceof Error && error.name === 'EntityNotFoundException') return null;
    throw accessLogErrorFrom(error, {
      action: 'glue:GetTable',
      resource: resourcesOf(choice, name),
      region: place.region,
    });
  }
}

async function allTables(choice: TableChoice): Promise<Table[]> {
  const { glue, database, place, signal } = choice;
  const { GetTablesCommand } = await import('@aws-sdk/client-glue');
  const tables: Table[] = [];
  let next: string | undefined;
  try {
    do {
      const page = await glue.send(
        new GetTablesCommand({ DatabaseName: database, ...(next === undefined ? {} : { NextToken: next }) }),
        { abortSignal: signal },
      );
      tables.push(...(page.TableList ?? []));
      next = page.NextToken;
    } while (next !== undefined);
  } catch (error) {
    // When listing all tables, only the database can be missing.
    if (error instanceof Error && error.name === 'EntityNotFoundException') throw noDatabase(database);
    throw accessLogErrorFrom(error, {
      action: 'glue:GetTables',
      resource: resourcesOf(choice, '*'),
      region: place.region,
    });
  }
  return tables;
}

/** Where the files of a table start: its projection template up to the first variable, else its location. */
function locationOf({ StorageDescriptor, Parameters }: Table): string {
  const template = isProjected(Parameters) ? Parameters?.['storage.location.template'] : undefined;
  const location = template?.replace(/[$][{].*$/s, '') ?? StorageDescriptor?.Location ?? '';
  return location.replace(/^s3[an]:/, 's3:').replace(/[/]*$/, '/');
}

/** Whether Athena derives the partitions of a table from its parameters. */
export const isProjected = (parameters: Record<string, string> | undefined): boolean =>
  parameters?.['projection.enabled']?.toLowerCase() === 'true';

/** Whether a table covers the folder of the log files, or a parent of it. */
export function covers(table: Table, { bucket, root }: Pick<LogPlace, 'bucket' | 'root'>): boolean {
  const location = locationOf(table);
  return location !== '/' && `s3://${bucket}/${root}`.startsWith(location);
}

/** A name that is safe inside double quotes. */
const IDENTIFIER = /^[A-Za-z0-9_][A-Za-z0-9_ .$-]{0,254}$/;

/** Reads a Glue table's schema; returns a clause with the reason if it is not an access-log table. */
export function readTable(
  database: string,
  table: Table,
  place: Pick<LogPlace, 'account' | 'region'>,
): LogTable | { reason: string } {
  const name = table.Name ?? '';
  const own = `${database}.${name}`;
  const given = (table.StorageDescriptor?.Columns ?? []).map((column) => column.Name ?? '');
  const keys = table.PartitionKeys ?? [];
  const strange = [database, name, ...given, ...keys.map((key) => key.Name ?? '')].find((one) => !IDENTIFIER.test(one));
  if (strange !== undefined)
    return { reason: `${own} has a name in it that cannot be queried: ${JSON.stringify(strange)}` };
  const columns = withWholeAddresses(columnsIn(given), table);
  const lacking = NEEDED.filter((field) => columns[field] === undefined);
  if (lacking.length > 0) return { reason: `${own} is no table of access logs: it has no ${lacking.join(', no ')}` };
  const limitations = Object.entries(COLUMN_LIMITATIONS)
    .filter(([field]) => columns[field as Field] === undefined)
    .filter(([field]) => field !== 'request_url' || columns.request_line === undefined)
    .map(([field, what]) => `The Athena table ${own} has no column ${field}: unknown ${what}.`);
  const { partitions, since } = partitionsOf(table);
  const fixed = keys.flatMap(({ Name: column = '', Type: type = 'string' }) => {
    const value = ownValue(FIXED, column.toLowerCase().replaceAll('_', ''))?.(place);
    return value === undefined ? [] : [{ column, literal: partitionLiteral(value, type) }];
  });
  return { database, name, columns, partitions, fixed, since, limitations };
}

const FIXED: Record<string, (place: Pick<LogPlace, 'account' | 'region'>) => string> = {
  region: ({ region }) => region,
  awsregion: ({ region }) => region,
  account: ({ account }) => account,
  accountid: ({ account }) => account,
  awsaccountid: ({ account }) => account,
};

/**
 * Maps columns by name. An unknown column is mapped by position if its neighbours are as far apart as in AWS's table.
 */
function columnsIn(given: readonly string[]): LogTable['columns'] {
  const columns: LogTable['columns'] = {};
  const places = new Map<string, number>();
  for (const field of ORDER) {
    const names: readonly string[] = [field, ...COLUMNS[field as keyof typeof COLUMNS]];
    const index = given.findIndex((one) => names.includes(one.toLowerCase()));
    const column = given[index];
    if (column === undefined) continue;
    columns[field as Field] = column;
    places.set(field, index);
  }
  for (const [at, field] of ORDER.entries()) {
    if (places.has(field)) continue;
    const before = ORDER.slice(0, at).findLastIndex((one) => places.has(one));
    const after = ORDER.findIndex((one, index) => index > at && places.has(one));
    const [start, end] = [places.get(ORDER[before] ?? '') ?? -1, places.get(ORDER[after] ?? '')];
    const column = given[start + at - before];
    if (end !== undefined && end - start === after - before && column !== undefined) columns[field as Field] = column;
  }
  const line = given.find((one) => ['request_line', 'request'].includes(one.toLowerCase()));
  if (line !== undefined) columns.request_line = line;
  return columns;
}

/** Vended logs have "address:port" in client_port and target_port, and no column for the address alone. */
function withWholeAddresses(columns: LogTable['columns'], { StorageDescriptor }: Table): LogTable['columns'] {
  const isText = (name: string) =>
    TEXT.test(StorageDescriptor?.Columns?.find((column) => column.Name === name)?.Type ?? '');
  const { client_port: client, target_port: target, ...others } = columns;
  const isWhole = (field: 'client_ip' | 'target_ip', port: string | undefined): port is string =>
    columns[field] === undefined && port !== undefined && isText(port);
  return {
    ...others,
    ...(isWhole('client_ip', client) ? { client_ip: client } : client === undefined ? {} : { client_port: client }),
    ...(isWhole('target_ip', target) ? { target_ip: target } : target === undefined ? {} : { target_port: target }),
  };
}

const TEXT = /^(string|varchar|char)/i;
const WHOLE = /^(tinyint|smallint|int|integer|bigint)$/i;

/** Trino does not compare text with numbers. */
const partitionLiteral = (value: string, type: string): string =>
  WHOLE.test(type) && /^[0-9]+$/.test(value) ? String(BigInt(value)) : quoteLiteral(value);

function partitionsOf({ PartitionKeys: keys = [], Parameters: parameters = {} }: Table): {
  partitions: Partitions;
  since: string | null;
} {
  const key = (names: readonly string[]) => keys.find(({ Name }) => names.includes((Name ?? '').toLowerCase()));
  const [year, month, day] = [key(['year', 'yyyy', 'y']), key(['month', 'mm', 'm']), key(['day', 'dd', 'd'])];
  if (year?.Name && month?.Name && day?.Name) {
    const types = [year, month, day].map(({ Type = 'string' }) => Type);
    return {
      partitions: {
        by: 'year-month-day',
        columns: [year.Name, month.Name, day.Name],
        literal: (part, index) => partitionLiteral(part, types[index] ?? 'string'),
      },
      since: null,
    };
  }
  const single = key(['day', 'date', 'dt', 'partition_date', 'log_date', 'datehour', 'partition_0']);
  const column = single?.Name;
  const format = parameters[`projection.${column}.format`] ?? 'yyyy/MM/dd';
  if (column === undefined || !/^yyyy[^A-Za-z]?MM[^A-Za-z]?dd$/.test(format))
    return { partitions: { by: 'nothing' }, since: null };
  const type = single?.Type ?? 'string';
  const isDate = /^date$/i.test(type);
  // A day stored as a whole number must look like 20260310 to be comparable.
  if (!isDate && !TEXT.test(type) && !(WHOLE.test(type) && format === 'yyyyMMdd'))
    return { partitions: { by: 'nothing' }, since: null };
  const [start = ''] = (parameters[`projection.${column}.range`] ?? '').split(',');
  const since = isProjected(parameters) ? parseDay(start, format) : null;
  return {
    partitions: {
      by: 'day',
      column,
      isDate,
      literal: (value) =>
        isDate ? quoteLiteral(value.replaceAll('/', '-')) : partitionLiteral(formatDay(value, format), type),
    },
    since,
  };
}

/** Formats "2026/03/10" like the projection does: "yyyy-MM-dd" gives "2026-03-10". */
function formatDay(day: string, format: string): string {
  const [year = '', month = '', date = ''] = day.split('/');
  return format.replace('yyyy', year).replace('MM', month).replace('dd', date);
}

/** Parses a day in the projection's format; null if it is in another format ("NOW-1YEARS"). */
function parseDay(text: string, format: string): string | null {
  const [year, month, day] = ['yyyy', 'MM', 'dd'].map((part) => {
    const at = format.indexOf(part);
    return text.slice(at, at + part.length);
  });
  const found = `${year}/${month}/${day}`;
  return /^[0-9]{4}[/][0-9]{2}[/][0-9]{2}$/.test(found) && formatDay(found, format) === text ? found : null;
}

/** Quotes a text as a SQL literal. */
export const quoteLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Quotes a validated name. Throws RangeError for any other. */
export function identifier(name: string): string {
  if (name !== '$path' && !IDENTIFIER.test(name)) throw new RangeError(`${JSON.stringify(name)} is not a name`);
  return `"${name}"`;
}
