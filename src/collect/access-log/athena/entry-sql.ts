/**
 * The log entries of a table as a relation, whatever the table calls its columns, and the part of the table to read.
 * Uses only functions that Trino and DuckDB share by name or that the tests' endpoint can emulate. Pure.
 */

import type { Question, Window } from '../../../evidence/question.ts';
import type { LogPlace } from '../log-place.ts';
import { ROUTE_LENGTH, ROUTE_REWRITES } from '../request-route.ts';
import { dayPrefix, endStamp } from '../s3-log.ts';
import { folderOfDay } from '../vended/vended-place.ts';
import { type Parameters, whole } from './statement.ts';
import { askedSql, failedSql } from './status-sql.ts';
import { type Field, identifier, type LogTable, quoteLiteral } from './table.ts';

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

export const PLACE_TEXT = /^[A-Za-z0-9_.:/[\]-]{1,256}$/;

/** Throws RangeError for a text that could end the literal. */
export function placeText(text: string): string {
  if (!PLACE_TEXT.test(text)) throw new RangeError(`${JSON.stringify(text)} is no place`);
  return `'${text}'`;
}

export const tableName = ({ database, name }: LogTable): string => `${identifier(database)}.${identifier(name)}`;

/** Limits the read to the days and files of the window. Both are plain comparisons, so that a scan can skip files. */
export function pruning({ table, place, days, ends }: LogScope, parameters: Parameters): string {
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

export const column = (table: LogTable, field: Field): string | null => {
  const name = table.columns[field];
  return name === undefined ? null : identifier(name);
};

export const number = (name: string | null, type: 'integer' | 'bigint' | 'double'): string =>
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
 * The relation `entry`: the lines that were read. Times in microseconds since the epoch, statuses as numbers, -1 for "-".
 * `kind`: 0 an entry of the load balancer, 1 of another one, 2 a row without values. `sample`: the last eight hexadecimal
 * digits of the trace id as a number, 0 if there are none: an order unrelated to anything else.
 */
export function entrySql(scope: LogScope, parameters: Parameters): string {
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
