/**
 * Redacts a log line for sharing: replaces client addresses, and keeps only what src/redact allows of client-written
 * text. Pure.
 */
import { isIPv6 } from 'node:net';
import {
  redactHost,
  redactReason,
  redactRequestLine,
  redactUrl,
  redactUserAgent,
  traceRoot,
} from '../../redact/log-fields.ts';
import { redactWords } from '../../redact/plain-words.ts';
import { addressAndPort, ENTRY_HEAD, type LogEntry, parseLine } from '../access-log/entry.ts';

/** Replaces an address by its pseudonym, the same everywhere. */
export type Pseudonym = (address: string) => string;

const TEST_NETWORK = 0xc6_12_00_00; // 198.18.0.0/15, for benchmarks (RFC 2544)
const TEST_NETWORK_SIZE = 2 ** 17;
const RESERVED_NETWORK = 0xf0_00_00_00; // 240.0.0.0/4, reserved (RFC 1112)

const dotted = (address: number): string => [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');

const ipv4 = (ordinal: number): string =>
  dotted(ordinal < TEST_NETWORK_SIZE ? TEST_NETWORK + ordinal : RESERVED_NETWORK + ordinal - TEST_NETWORK_SIZE);

/** In 2001:db8::/32, for documentation (RFC 3849). */
const ipv6 = (ordinal: number): string => {
  const high = Math.floor(ordinal / 0x1_0000);
  return high === 0
    ? `2001:db8::${ordinal.toString(16)}`
    : `2001:db8::${high.toString(16)}:${(ordinal % 0x1_0000).toString(16)}`;
};

/**
 * Assigns addresses in order of appearance: 198.18.0.1, 198.18.0.2, … and 240.0.0.0/4 once those are used up;
 * 2001:db8::1, … for IPv6. The same address gets the same pseudonym.
 */
export function pseudonyms(): Pseudonym {
  const assigned = new Map<string, string>();
  const next = { ipv4: 1, ipv6: 1 };
  return (address) => {
    const existing = assigned.get(address);
    if (existing !== undefined) return existing;
    const pseudonym = isIPv6(address) ? ipv6(next.ipv6++) : ipv4(next.ipv4++);
    assigned.set(address, pseudonym);
    return pseudonym;
  };
}

/** "203.0.113.7:443" with the address replaced and the port kept; brackets stay. */
function redactClient(client: string, pseudonym: Pseudonym): string {
  const parts = addressAndPort(client);
  if (parts === null) return client;
  const replaced = pseudonym(parts.address);
  return client.startsWith('[')
    ? `[${replaced}]:${parts.port}`
    : `${replaced}:${client.slice(client.lastIndexOf(':') + 1)}`;
}

type FieldRedaction = (text: string, common: ReadonlySet<string>) => string;

/** How each field is redacted; other known fields are written by the load balancer alone and stay. */
const FIELD_REDACTIONS = new Map<string, FieldRedaction>([
  ['request_line', redactRequestLine],
  ['user_agent', redactUserAgent],
  ['trace_id', traceRoot],
  ['domain_name', redactHost],
  ['redirect_url', redactUrl],
  ['error_reason', redactReason],
  ['classification_reason', redactReason],
  ['transformed_host', redactHost],
  ['transformed_uri', redactUrl],
]);

const entryHead = new RegExp(ENTRY_HEAD);
const HEAD_FIELDS = 12;

/**
 * Redacts the line of an entry; text written by the load balancer stays. Null for a line that is not an entry.
 * `common`: path segments to keep although they are not plain words.
 */
export function redactEntry(line: string, pseudonym: Pseudonym, common: ReadonlySet<string>): string | null {
  const text = line.trimEnd();
  const head = entryHead.exec(text)?.[0];
  const parsed = parseLine(text);
  if (head === undefined || !('entry' in parsed)) return null;
  return (
    redactHead(head, pseudonym) + redactFields(text.slice(head.length), parsed.entry, common) + line.slice(text.length)
  );
}

function redactHead(head: string, pseudonym: Pseudonym): string {
  const fields = head.split(' ');
  return fields.map((field, index) => (index === 3 ? redactClient(field, pseudonym) : field)).join(' ');
}

/**
 * `rest` is the line after its first twelve fields; the entry gives the length of each field. Of unknown new fields,
 * only words stay.
 */
function redactFields(rest: string, entry: LogEntry, common: ReadonlySet<string>): string {
  const { trailing, ...fields } = entry;
  const known = Object.entries(fields).slice(HEAD_FIELDS);
  let redacted = '';
  let at = 0;
  for (const [name, value] of [...known, ...trailing.map((text) => ['', text] as const)]) {
    const text = String(value);
    const quote = rest[at] === '"' ? '"' : '';
    const redact = name === '' ? redactWords : FIELD_REDACTIONS.get(name);
    redacted += quote + (redact?.(text, common) ?? text) + quote;
    at += text.length + 2 * quote.length;
    // The space after the field.
    redacted += rest.slice(at, at + 1);
    at += 1;
  }
  return redacted + rest.slice(at);
}
