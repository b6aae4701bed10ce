/**
 * Converts records of vended access logs to lines as the load balancer writes them to S3. Pure. The records have the
 * line's fields, in its order:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-logs.html
 * AWS does not document whether numbers are JSON numbers or text, or how times and quotes are written, so all forms are
 * accepted.
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

/** Fields without quotes in a line; their values must not contain spaces. */
const BARE: ReadonlySet<string> = new Set<VendedField>(VENDED_FIELDS.filter((field) => !QUOTED_FIELDS.has(field)));

const TIMES: ReadonlySet<string> = new Set<VendedField>(['time', 'request_creation_time']);

/** A record: JSON values by field name. */
type VendedRecord = Readonly<Record<string, unknown>>;

/**
 * Returns the line of an access-log, connection-log or health-check record; null for any other or invalid record.
 * Missing fields become "-".
 */
export function lineOfRecord(record: VendedRecord): string | null {
  if ('target_addr' in record) return healthCheckLine(record);
  if ('listener_port' in record) return connectionLine(record);
  if (record.elb === undefined || record.time === undefined) return null;
  const values: string[] = [];
  for (const field of VENDED_FIELDS) {
    const value = record[field];
    const text = TIMES.has(field) ? timeText(value) : valueText(value);
    // An empty quoted value is what the client sent.
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

/** Returns text unchanged, numbers without an exponent, and "-" for a missing value. */
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

/** Smaller numbers are epoch seconds, larger ones milliseconds. */
const MILLISECONDS_FROM = 100_000_000_000;

/** Returns the time in ISO 8601 with a Z. */
function timeText(value: unknown): string {
  if (typeof value === 'number' && value > 0 && value < 1e15)
    return new Date(value < MILLISECONDS_FROM ? value * 1000 : value).toISOString();
  const text = valueText(value);
  const [, day, time, decimals = ''] =
    /^([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})([.][0-9]{1,9})?(?:Z|[+]00(?::?00)?)?$/.exec(text) ??
    [];
  return day === undefined ? text : `${day}T${time}${decimals}Z`;
}

/** Escapes quotes and control characters like the load balancer: \x22, \x0a. */
const escapeField = (text: string): string =>
  /["\p{Cc}]/u.test(text)
    ? text.replace(/["\p{Cc}]/gu, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`)
    : text;
