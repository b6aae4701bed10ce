/**
 * Records of vended access logs → lines as the load balancer writes them to S3. Pure. The fields are those of the line, in its order:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-logs.html
 * AWS does not say whether numbers are numbers or text, nor how times and quotes are written: all of them are taken.
 */
import { QUOTED_FIELDS, REST_FIELDS } from '../entry.ts';

/** The 34 fields in the order of the line. `client_port` and `target_port` hold "address:port". */
export const VENDED_FIELDS = [
  'type',
  'time',
  'elb',
  'client_port',
  'target_port',
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'elb_status_code',
  'target_status_code',
  'received_bytes',
  'sent_bytes',
  ...REST_FIELDS,
] as const;

type VendedField = (typeof VENDED_FIELDS)[number];

/** Fields without quotes in a line: no space may be in them. */
const BARE: ReadonlySet<string> = new Set<VendedField>(VENDED_FIELDS.filter((field) => !QUOTED_FIELDS.has(field)));

const TIMES: ReadonlySet<string> = new Set<VendedField>(['time', 'request_creation_time']);

/** One record by the names of its fields, values as JSON has them. */
export type VendedRecord = Readonly<Record<string, unknown>>;

/**
 * The line of an access log, a connection log or a health-check log; null for any other record, and for one that makes no line. Fields
 * that are missing count as "-".
 */
export function lineOfRecord(record: VendedRecord): string | null {
  if ('target_addr' in record) return healthCheckLine(record);
  if ('listener_port' in record) return connectionLine(record);
  if (record.elb === undefined || record.time === undefined) return null;
  const values: string[] = [];
  for (const field of VENDED_FIELDS) {
    const value = record[field];
    const text = TIMES.has(field) ? timeText(value) : valueText(value);
    // An empty text between quotes is what the client sent.
    if (!BARE.has(field)) values.push(`"${value === '' ? '' : escapeField(text)}"`);
    else if (isBare(text)) values.push(text);
    else return null;
  }
  return values.join(' ');
}

const isBare = (text: string): boolean => /^[^\s"\p{Cc}]+$/u.test(text);

function healthCheckLine(record: VendedRecord): string | null {
  const values = [
    'type',
    'time',
    'latency',
    'target_addr',
    'target_group_id',
    'status',
    'status_code',
    'reason_code',
    'elb',
    'ip_address',
  ].map((field) => (field === 'time' ? timeText(record[field]) : valueText(record[field])));
  return values.every(isBare) ? values.join(' ') : null;
}

function connectionLine(record: VendedRecord): string | null {
  const values = [
    timeText(record.timestamp ?? record.time),
    ...['client_ip', 'client_port', 'listener_port', 'tls_protocol', 'tls_cipher', 'tls_handshake_latency'].map(
      (field) => valueText(record[field]),
    ),
  ];
  return values.every(isBare) ? `${values.join(' ')} "-"` : null;
}

/** Text as it is, numbers without an exponent, "-" for nothing. */
function valueText(value: unknown): string {
  if (typeof value === 'string') return value === '' ? '-' : value;
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? value.map(valueText).join(' ') : '-';
}

const numberText = (value: number): string => {
  const text = String(value);
  return text.includes('e') ? value.toFixed(9).replace(/[.]?0+$/, '') : text;
};

/** Numbers below this are seconds since the epoch, above it milliseconds. */
const MILLISECONDS_FROM = 100_000_000_000;

/** ISO 8601 with a Z. */
function timeText(value: unknown): string {
  if (typeof value === 'number' && value > 0 && value < 1e15)
    return new Date(value < MILLISECONDS_FROM ? value * 1000 : value).toISOString();
  const text = valueText(value);
  const [, day, time, decimals = ''] =
    /^([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})([.][0-9]{1,9})?(?:Z|[+]00(?::?00)?)?$/.exec(text) ??
    [];
  return day === undefined ? text : `${day}T${time}${decimals}Z`;
}

/** Quotes and control characters as the load balancer writes them: \x22, \x0a. */
const escapeField = (text: string): string =>
  /["\p{Cc}]/u.test(text)
    ? text.replace(/["\p{Cc}]/gu, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`)
    : text;
