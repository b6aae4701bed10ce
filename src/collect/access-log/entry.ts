/**
 * One line of an Application Load Balancer access log.
 * Fields and their order:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
 * Names are the log's own in snake_case. So are values: "-" and -1 carry meaning and are kept, escapes such as `\x22`
 * are not decoded, lists stay one string.
 */

import { type SignatureFields, signatureFields } from '../../diagnose/signature.ts';
import { plural } from '../../format/wording.ts';

/** Fields 13 to 34 in the order of the line. A line may end after any of them. */
export const REST_FIELDS = [
  'request_line',
  'user_agent',
  'ssl_cipher',
  'ssl_protocol',
  'target_group_arn',
  'trace_id',
  'domain_name',
  'chosen_cert_arn',
  'matched_rule_priority',
  'request_creation_time',
  'actions_executed',
  'redirect_url',
  'error_reason',
  'target_port_list',
  'target_status_code_list',
  'classification',
  'classification_reason',
  'conn_trace_id',
  'transformed_host',
  'transformed_uri',
  'request_transform_status',
  'ip_address',
] as const;

/** Fields that the log writes between double quotes. */
export const QUOTED_FIELDS: ReadonlySet<string> = new Set([
  'request_line',
  'user_agent',
  'trace_id',
  'domain_name',
  'chosen_cert_arn',
  'actions_executed',
  'redirect_url',
  'error_reason',
  'target_port_list',
  'target_status_code_list',
  'classification',
  'classification_reason',
  'transformed_host',
  'transformed_uri',
  'request_transform_status',
]);

export interface LogEntry extends Partial<Record<(typeof REST_FIELDS)[number], string>> {
  /** http, https, h2, grpcs, ws, wss, or what AWS adds later. */
  type: string;
  /** ISO 8601 UTC with microseconds: when the load balancer generated the response. */
  time: string;
  /** "app/name/id". */
  elb: string;
  /** "address:port", IPv6 in brackets; "-" when there is none. */
  client: string;
  target: string;
  /** Seconds, or -1. */
  request_processing_time: number;
  target_processing_time: number;
  response_processing_time: number;
  /** Three digits ("000" included), or "-". */
  elb_status_code: string;
  target_status_code: string;
  received_bytes: number;
  sent_bytes: number;
  /** Fields after the last one known here, in order, without their quotes. */
  trailing: string[];
}

const TIME = '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]{1,9})?Z';
const ADDRESS = '(?:-|[^ "]+:[0-9]{1,5})';
const DURATION = '(?:-1(?:[.]0+)?|[0-9]{1,9}(?:[.][0-9]{1,9})?)';
const STATUS = '(?:-|[0-9]{3})';
const BYTES = '-?[0-9]{1,15}';

/** The twelve fields that every entry has always had, each with the pattern of its values. */
const HEAD = [
  ['type', '[a-z][a-z0-9]*'],
  ['time', TIME],
  ['elb', '[^ "/]+/[^ "/]+/[^ "/]+'],
  ['client', ADDRESS],
  ['target', ADDRESS],
  ['request_processing_time', DURATION],
  ['target_processing_time', DURATION],
  ['response_processing_time', DURATION],
  ['elb_status_code', STATUS],
  ['target_status_code', STATUS],
  ['received_bytes', BYTES],
  ['sent_bytes', BYTES],
] as const;

/**
 * Source of the regular expression that matches the first twelve fields of every entry, anchored at the start.
 * JavaScript, RE2 and Java read it the same way. A line that does not match is not an entry; a matching line may still
 * be malformed further on.
 */
export const ENTRY_HEAD = `^${HEAD.map(([, pattern]) => pattern).join(' ')}(?: |$)`;

/** Bytes of `a 2026-11-20T02:47:11Z a/b/c - - 0 0 0 - - 0 0`. */
const SHORTEST_ENTRY = 46;

/** False for a line that cannot be an entry, by its length in bytes and its first byte. */
export const mayBeEntry = (bytes: number, first: number): boolean =>
  bytes >= SHORTEST_ENTRY && first >= 0x61 && first <= 0x7a;

/**
 * Source: timestamp, client address, client port, listener port, three TLS fields, then the quoted certificate subject.
 */
const CONNECTION_LOG_LINE = `^${TIME} [^ "]+ [0-9]{1,5} [0-9]{1,5} [^ "]+ [^ "]+ [^ "]+ "`;

/** Source: type, time, latency in seconds, target, target group, PASS or FAIL. */
const HEALTH_CHECK_LOG_LINE = `^[a-z][a-z0-9]* ${TIME} (?:-|[-0-9.]+) [^ "]+ [^ "]+ (?:PASS|FAIL)(?: |$)`;

const headShape = new RegExp(ENTRY_HEAD);
const connectionShape = new RegExp(CONNECTION_LOG_LINE);
const healthCheckShape = new RegExp(HEALTH_CHECK_LOG_LINE);
const headFields = HEAD.map(([name, pattern]) => ({ name, shape: new RegExp(`^${pattern}$`) }));
const timeShape = new RegExp(`^(?:-|${TIME})$`);
const priorityShape = /^(?:-1|-|[0-9]+)$/;

type LineKind = 'access-log' | 'connection-log' | 'health-check-log';

/**
 * Returns which log a line belongs to by its first fields, or null. Connection logs and health-check logs appear among
 * access logs if they share the bucket and prefix (load-balancer-connection-logs.html,
 * load-balancer-health-check-logs.html).
 */
export function lineKind(line: string): LineKind | null {
  if (connectionShape.test(line)) return 'connection-log';
  if (healthCheckShape.test(line)) return 'health-check-log';
  return headShape.test(line) ? 'access-log' : null;
}

type ParsedLine = { entry: LogEntry } | { rejected: string };

/**
 * Parses one line, without its line break. For a line that is not an entry, returns the reason as a clause without a
 * full stop. The load balancer writes a quote within a field as `\x22`; if parsing that way fails, `\"` is read as part
 * of the field, as some tools that copy log lines write it.
 */
export function parseLine(line: string): ParsedLine {
  const text = line.trimEnd();
  const plain = parseWith(text, PLAIN_END);
  if ('entry' in plain) return plain;
  const others = [
    ...(text.includes('\\"') ? [parseWith(text, UNESCAPED_END)] : []),
    ...[withUserAgentQuoted(text)].flatMap((line) => (line === null ? [] : [parseWith(line, PLAIN_END)])),
  ];
  return others.find((other) => 'entry' in other) ?? plain;
}

/** The user agent, up to the last place where TLS fields, a target group and a quoted trace id follow it. */
const USER_AGENT = /^([^"]*"[^"]*" ")(.*)(" (?:-|[A-Z0-9_-]+) (?:-|TLSv[0-9.]+) (?:-|arn:[^ "]+) ".*)$/;

/** Returns the line with bare quotes in its user agent escaped as the load balancer does; null if it has none. */
function withUserAgentQuoted(line: string): string | null {
  const [, before, userAgent, after] = USER_AGENT.exec(line) ?? [];
  return userAgent?.includes('"') ? `${before}${userAgent.replaceAll('"', '\\x22')}${after}` : null;
}

/** Ends of a quoted field: the next quote, or the next one not preceded by a backslash. */
const PLAIN_END = /"/g;
const UNESCAPED_END = /(?<!\\)"/g;

function parseWith(line: string, quoteEnd: RegExp): ParsedLine {
  const split = fieldsOf(line, quoteEnd);
  if ('rejected' in split) return { rejected: otherLog(line) ?? split.rejected };
  const { values, quoted } = split;
  const value = (index: number) => values[index] ?? '';

  // Match the whole head at once; test each field only if that fails.
  for (const [index, { name, shape }] of headShape.test(line) ? [] : headFields.entries()) {
    const wrong =
      index >= values.length
        ? `it ends after ${plural(values.length, 'field')}, and an entry has at least 12`
        : quoted[index] || !shape.test(value(index))
          ? `${fieldLabel(index)} is not a valid ${name}`
          : null;
    if (wrong !== null) return { rejected: otherLog(line) ?? wrong };
  }
  if (microseconds(value(1)) === null) return { rejected: `${fieldLabel(1)} is not a date` };

  const rest: Pick<LogEntry, (typeof REST_FIELDS)[number]> = {};
  for (const [index, name] of REST_FIELDS.entries()) {
    const field = values[HEAD.length + index];
    if (field !== undefined) rest[name] = field;
  }
  const wrong = misplacedField(rest, quoted);
  if (wrong !== null) return { rejected: wrong };

  return {
    entry: {
      type: value(0),
      time: value(1),
      elb: value(2),
      client: value(3),
      target: value(4),
      request_processing_time: Number(value(5)),
      target_processing_time: Number(value(6)),
      response_processing_time: Number(value(7)),
      elb_status_code: value(8),
      target_status_code: value(9),
      received_bytes: Number(value(10)),
      sent_bytes: Number(value(11)),
      ...rest,
      trailing: values.slice(HEAD.length + REST_FIELDS.length),
    },
  };
}

/** Prints an entry as its line, except for the number of decimals and quotes around fields that need none. */
export function printEntry(entry: LogEntry): string {
  const head = [
    entry.type,
    entry.time,
    entry.elb,
    entry.client,
    entry.target,
    seconds(entry.request_processing_time),
    seconds(entry.target_processing_time),
    seconds(entry.response_processing_time),
    entry.elb_status_code,
    entry.target_status_code,
    String(entry.received_bytes),
    String(entry.sent_bytes),
  ];
  const rest: string[] = [];
  for (const name of REST_FIELDS) {
    const value = entry[name];
    if (value === undefined) break;
    rest.push(QUOTED_FIELDS.has(name) ? `"${value}"` : value);
  }
  return [...head, ...rest, ...entry.trailing.map((value) => `"${value}"`)].join(' ');
}

/**
 * Splits "10.0.0.1:80", "[2001:db8::1]:80" or "-"; null if there is no address. An IPv6 address without brackets ends
 * at the last colon, as the log always adds a port.
 */
export function addressAndPort(text: string): { address: string; port: number } | null {
  const match = /^(?:\[([^\]]+)\]|(.+)):([0-9]{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2];
  return address === undefined ? null : { address, port: Number(match?.[3]) };
}

/**
 * Converts a log time to epoch milliseconds, with microseconds as a fraction; null for "-" and anything that is not a
 * time.
 */
export function instant(time: string | undefined): number | null {
  const micros = microseconds(time);
  return micros === null ? null : micros / 1000;
}

/**
 * Wall duration in seconds: time - request_creation_time. Null if either is missing. The log prints
 * request_creation_time with six decimals but fills only three, so the result is up to a millisecond too long.
 */
export function elapsed(entry: Pick<LogEntry, 'time' | 'request_creation_time'>): number | null {
  const end = microseconds(entry.time);
  const start = microseconds(entry.request_creation_time);
  return end === null || start === null ? null : (end - start) / 1_000_000;
}

/** Returns the fields that a signature is read from; a field missing from a short line counts as "-". */
export function signatureFieldsOf(entry: LogEntry): SignatureFields {
  return signatureFields({
    ...entry,
    elapsed: elapsed(entry),
    error_reason: entry.error_reason ?? '-',
    actions_executed: entry.actions_executed ?? '-',
    target_group_arn: entry.target_group_arn ?? '-',
  });
}

/** Splits a list field: target_port_list and target_status_code_list use spaces, actions_executed commas. */
export function listMembers(list: string | undefined): string[] {
  return list === undefined || list === '-' ? [] : list.split(/[ ,]+/).filter((member) => member !== '');
}

/** Fields are separated by one space; a quoted field may hold spaces. */
function fieldsOf(line: string, quoteEnd: RegExp): { values: string[]; quoted: boolean[] } | { rejected: string } {
  if (line === '') return { rejected: 'it is empty' };
  const values: string[] = [];
  const quoted: boolean[] = [];
  let at = 0;
  while (at <= line.length) {
    const index = values.length;
    const inQuotes = line[at] === '"';
    const found = inQuotes ? indexFrom(line, quoteEnd, at + 1) : line.indexOf(' ', at);
    if (inQuotes && found === -1) return { rejected: `${fieldLabel(index)} opens a quote that is never closed` };
    const end = found === -1 ? line.length : found;
    const value = line.slice(inQuotes ? at + 1 : at, end);
    const next = inQuotes ? end + 1 : end;
    if (!inQuotes && value === '') return { rejected: `${fieldLabel(index)} is empty` };
    if ((next < line.length && line[next] !== ' ') || (!inQuotes && value.includes('"')))
      return { rejected: `${fieldLabel(index)} has a quote inside` };
    values.push(value);
    quoted.push(inQuotes);
    at = next + 1;
  }
  return { values, quoted };
}

function indexFrom(text: string, pattern: RegExp, start: number): number {
  pattern.lastIndex = start;
  return pattern.exec(text)?.index ?? -1;
}

/**
 * Fields with a distinctive form reveal that earlier fields were split wrongly, for example after an unescaped quote.
 */
function misplacedField(rest: Pick<LogEntry, (typeof REST_FIELDS)[number]>, quoted: boolean[]): string | null {
  for (const name of ['request_line', 'user_agent'] as const) {
    const index = HEAD.length + REST_FIELDS.indexOf(name);
    if (rest[name] !== undefined && !quoted[index]) return `${fieldLabel(index)} is not a quoted ${name}`;
  }
  const { matched_rule_priority: priority, request_creation_time: created } = rest;
  if (priority !== undefined && !priorityShape.test(priority))
    return `${fieldLabel(HEAD.length + REST_FIELDS.indexOf('matched_rule_priority'))} is not a valid matched_rule_priority`;
  if (created !== undefined && !(timeShape.test(created) && (created === '-' || microseconds(created) !== null)))
    return `${fieldLabel(HEAD.length + REST_FIELDS.indexOf('request_creation_time'))} is not a valid request_creation_time`;
  return null;
}

function otherLog(line: string): string | null {
  const kind = lineKind(line);
  if (kind === 'connection-log') return 'it is a line of a connection log';
  return kind === 'health-check-log' ? 'it is a line of a health-check log' : null;
}

const MOMENT = /^([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.]([0-9]{1,9}))?Z$/;

/** Caches the last day: a log spans few days, and parsing a date takes longer than everything else. */
let lastDay = { day: '', start: Number.NaN };

/** Whole microseconds since the epoch: exact in a double for the next two centuries. */
function microseconds(time: string | undefined): number | null {
  if (time === undefined || time === '-') return null;
  const [, day, hour = 0, minute = 0, second = 0, decimals = ''] = MOMENT.exec(time) ?? [];
  if (day === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  if (day !== lastDay.day) lastDay = { day, start: startOf(day) };
  if (Number.isNaN(lastDay.start)) return null;
  const whole = lastDay.start + (Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1000;
  return whole * 1000 + Number(decimals.padEnd(6, '0').slice(0, 6));
}

/** Epoch milliseconds; NaN for a day that does not exist. */
function startOf(day: string): number {
  const start = Date.parse(`${day}T00:00:00Z`);
  // Date.parse turns 31 February into 3 March.
  return Number.isNaN(start) || new Date(start).toISOString().slice(0, 10) !== day ? Number.NaN : start;
}

function seconds(value: number): string {
  if (value === -1) return '-1';
  const short = value.toFixed(3);
  return Number(short) === value ? short : value.toFixed(9).replace(/0+$/, '');
}

const fieldLabel = (index: number) => `field ${index + 1}`;
