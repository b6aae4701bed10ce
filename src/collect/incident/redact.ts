/** A log line without what identifies a person: query strings and client addresses. Pure. */
import { isIPv6 } from 'node:net';
import { addressAndPort, ENTRY_HEAD, type LogEntry, parseLine } from '../access-log/entry.ts';

/** Replaces an address by one that stands for it everywhere. */
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
 * Gives addresses in the order in which they are met: 198.18.0.1, 198.18.0.2, … and 240.0.0.0/4 once those are used up; 2001:db8::1,
 * … for IPv6. The same address gets the same pseudonym.
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

/** A URL up to its query or fragment. */
const withoutQuery = (url: string): string => /^[^?#]*/.exec(url)?.[0] ?? url;

/** A request line up to its query or fragment, and the HTTP version. The URL may hold spaces, the version be missing. */
function redactRequest(request: string): string {
  const version = / (?:HTTP\/[0-9.]+|-) ?$/.exec(request)?.[0] ?? '';
  return withoutQuery(request.slice(0, request.length - version.length)) + version;
}

/** How a field is redacted; all others stay. */
const FIELD_REDACTIONS = new Map([
  ['request_line', redactRequest],
  ['redirect_url', withoutQuery],
  ['transformed_uri', withoutQuery],
]);

const entryHead = new RegExp(ENTRY_HEAD);
const HEAD_FIELDS = 12;

/**
 * The line of an entry, redacted; every other byte is as it was. Null for a line whose first fields are not those of an entry. What
 * follows them may be broken: then all from the first question mark to the HTTP version is dropped.
 */
export function redactEntry(line: string, pseudonym: Pseudonym): string | null {
  const text = line.trimEnd();
  const head = entryHead.exec(text)?.[0];
  if (head === undefined) return null;
  const parsed = parseLine(text);
  const rest = text.slice(head.length);
  const redacted = 'entry' in parsed ? redactFields(rest, parsed.entry) : redactBroken(rest);
  return redactHead(head, pseudonym) + redacted + line.slice(text.length);
}

function redactHead(head: string, pseudonym: Pseudonym): string {
  const fields = head.split(' ');
  return fields.map((field, index) => (index === 3 ? redactClient(field, pseudonym) : field)).join(' ');
}

/** `rest` is the line after its first twelve fields; the entry says how long each field is. */
function redactFields(rest: string, entry: LogEntry): string {
  const { trailing, ...fields } = entry;
  let redacted = '';
  let at = 0;
  for (const [name, value] of Object.entries(fields).slice(HEAD_FIELDS)) {
    const text = String(value);
    const quote = rest[at] === '"' ? '"' : '';
    redacted += quote + (FIELD_REDACTIONS.get(name)?.(text) ?? text) + quote;
    at += text.length + 2 * quote.length;
    // The space that ends the field; fields that are not known here, and what ends the line, stay as they are.
    redacted += rest.slice(at, at + 1);
    at += 1;
  }
  return redacted + rest.slice(at);
}

const redactBroken = (rest: string): string =>
  rest.replace(/[?#].*(?= HTTP\/[0-9.]+")|[?#](?!.* HTTP\/[0-9.]+").*?(?="|$)/, '');
