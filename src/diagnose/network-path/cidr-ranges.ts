/** Addresses and ports as boxes of integers; subtracting boxes leaves the part that no rule covers. */
import ipaddr from 'ipaddr.js';

export type AddressFamily = 4 | 6;

/** Both ends are inclusive. */
export interface IntegerRange {
  low: bigint;
  high: bigint;
}

export interface AddressPortRange {
  addresses: IntegerRange;
  ports: IntegerRange;
}

export const ports = (from: number, to: number = from): IntegerRange => ({ low: BigInt(from), high: BigInt(to) });

/** Every address of a family. */
export const allAddresses = (family: AddressFamily): IntegerRange => ({
  low: 0n,
  high: (1n << (family === 4 ? 32n : 128n)) - 1n,
});

export interface ParsedRange {
  family: AddressFamily;
  range: IntegerRange;
}

/** Caches parsed ranges: the same few blocks are looked up for each of thousands of targets. */
const parsedRanges = new Map<string, ParsedRange | null>();
const KEPT_RANGES = 20_000;

/** Parses "10.0.1.0/24", "fd00::/8" or a single address; null for anything else. */
export function parseRange(text: string): Readonly<ParsedRange> | null {
  const known = parsedRanges.get(text);
  if (known !== undefined) return known;
  const parsed = readRange(text);
  if (parsedRanges.size >= KEPT_RANGES) parsedRanges.clear();
  parsedRanges.set(text, parsed);
  return parsed;
}

/** No address has such a character. An instance id does, and the parser takes long to refuse it. */
const NO_ADDRESS = /[^\w.:%/]/;

function readRange(text: string): ParsedRange | null {
  if (NO_ADDRESS.test(text)) return null;
  const [address = '', prefix] = text.split('/');
  if (!ipaddr.isValid(address)) return null;
  const bytes = ipaddr.parse(address).toByteArray();
  const family: AddressFamily = bytes.length === 4 ? 4 : 6;
  const bits = family === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  if (!Number.isInteger(length) || length < 0 || length > bits) return null;
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const size = 1n << BigInt(bits - length);
  const low = value - (value % size);
  return { family, range: { low, high: low + size - 1n } };
}

export const contains = (outer: IntegerRange, inner: IntegerRange): boolean =>
  outer.low <= inner.low && inner.high <= outer.high;

function overlapOf(a: IntegerRange, b: IntegerRange): IntegerRange | null {
  const low = larger(a.low, b.low);
  const high = -larger(-a.high, -b.high);
  return low <= high ? { low, high } : null;
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);

export function intersect(box: AddressPortRange, other: AddressPortRange): AddressPortRange | null {
  const addresses = overlapOf(box.addresses, other.addresses);
  const shared = overlapOf(box.ports, other.ports);
  return addresses && shared ? { addresses, ports: shared } : null;
}

/** Cuts one box out of another; returns the rest as at most four boxes without overlap. */
export function subtract(box: AddressPortRange, hole: AddressPortRange): AddressPortRange[] {
  const common = intersect(box, hole);
  if (!common) return [box];
  const { addresses, ports: portRange } = box;
  return [
    { addresses: { low: addresses.low, high: common.addresses.low - 1n }, ports: portRange },
    { addresses: { low: common.addresses.high + 1n, high: addresses.high }, ports: portRange },
    { addresses: common.addresses, ports: { low: portRange.low, high: common.ports.low - 1n } },
    { addresses: common.addresses, ports: { low: common.ports.high + 1n, high: portRange.high } },
  ].filter((part) => part.addresses.low <= part.addresses.high && part.ports.low <= part.ports.high);
}

export const volume = (boxes: readonly AddressPortRange[]): bigint =>
  boxes.reduce(
    (sum, { addresses, ports: p }) => sum + (addresses.high - addresses.low + 1n) * (p.high - p.low + 1n),
    0n,
  );

/** Share of `whole` that `part` covers, 0 to 1. */
export function coveredShare(part: readonly AddressPortRange[], whole: readonly AddressPortRange[]): number {
  const all = volume(whole);
  return all === 0n ? 0 : Number((volume(part) * 1_000_000n) / all) / 1_000_000;
}

/** The distinct ranges, ascending, adjacent ones merged. */
function mergeRanges(ranges: readonly IntegerRange[]): IntegerRange[] {
  const result: IntegerRange[] = [];
  for (const range of [...ranges].sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0))) {
    const last = result[result.length - 1];
    if (last && range.low <= last.high + 1n) last.high = larger(range.high, last.high);
    else result.push({ ...range });
  }
  return result;
}

/** "8080" or "1024-32767", joined with commas. */
export const portText = (ranges: readonly IntegerRange[]): string =>
  mergeRanges(ranges)
    .map(({ low, high }) => (low === high ? `${low}` : `${low}-${high}`))
    .join(', ');

/** "10.0.1.5", "10.0.1.0/24" or "10.0.1.5-10.0.1.9", joined with commas. */
export const addressText = (ranges: readonly IntegerRange[], family: AddressFamily): string =>
  mergeRanges(ranges)
    .map((range) => rangeText(range, family))
    .join(', ');

function rangeText({ low, high }: IntegerRange, family: AddressFamily): string {
  if (low === high) return oneAddress(low, family);
  const size = high - low + 1n;
  const isBlock = (size & (size - 1n)) === 0n && low % size === 0n;
  if (!isBlock) return `${oneAddress(low, family)}-${oneAddress(high, family)}`;
  const hostBits = size.toString(2).length - 1;
  return `${oneAddress(low, family)}/${(family === 4 ? 32 : 128) - hostBits}`;
}

function oneAddress(value: bigint, family: AddressFamily): string {
  const length = family === 4 ? 4 : 16;
  const bytes = Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 255n));
  return ipaddr.fromByteArray(bytes).toString();
}
