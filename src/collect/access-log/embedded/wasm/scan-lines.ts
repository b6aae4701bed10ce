/**
 * Turns lines in the ordinary form into columns, in WebAssembly with SIMD. This is AssemblyScript
 * (https://www.assemblyscript.org): TypeScript syntax with machine types. compile.mjs builds dist/scan-lines.wasm from
 * it, which scanner.ts loads.
 * A line in any other form, and the first slow answer or 400 of each route, is handed to `exactly`, which parses it with
 * entry.ts. So the rule here is: take a line only when entry.ts would read the same from it; when in doubt, do not take
 * it. Nothing is written before the whole line has been checked.
 * Memory: small tables, those of inflate.ts and checksum.ts, then the input, then the columns. Every load may read up to 16 bytes past its subject.
 */

// biome-ignore-all lint/correctness/noPrecisionLoss: numbers of 64 bits.

import { CHECKSUM_END } from './checksum';

export { REST, REST_SIZE, shorten } from './checksum';
export {
  addPacked,
  inflate,
  inflated,
  keepPacked,
  PACKED,
  skipPacked,
  startInflate,
} from './inflate';

/** Rows of the columns. */
export const BATCH: i32 = 65_536;

export const INPUT_SIZE: usize = 524_288;

/** Start of "app/name/id " of the wanted load balancer, at most `TEXT_SIZE` bytes. */
export const WANTED: usize = 1024;
let wantedLength: usize = 0;
/** The load balancer of the last line, with the space after it. */
const ELB: usize = 2048;
let elbLength: usize = 0;
let isOurs: bool = false;
/** Address of the node that wrote the file, at most `TEXT_SIZE` bytes; a longer one gets length 0. */
export const NODE: usize = 3072;
let nodeLength: usize = 0;
let nodeHash: u64 = 0;
export const TEXT_SIZE: usize = 512;
/** 1 for each status that counts as a failure. */
export const FAILED: usize = 4096;
/** The text of a route, at most `ROUTE_LENGTH` bytes. */
const ROUTE: usize = 6144;
/** Texts to be hashed. */
export const SCRATCH: usize = 8192;
export const SCRATCH_SIZE: usize = 8192;
/** A hash table with open addressing: the keys of the places seen so far. */
const MET: usize = 16_384;
const MET_SLOTS: u64 = 4096;
const MET_PROBES: u64 = 8;
/**
 * Where the texts of a failure that follow its twelfth field start and end: route, trace id, priority, actions, error
 * reason and reason of the classification; both 0 for a missing field.
 */
const KEPT: usize = 7168;
const ROUTE_TEXT: usize = 0;
const TRACE_ID: usize = 1;
const PRIORITY: usize = 2;
const ACTIONS: usize = 3;
const ERROR_REASON: usize = 4;
const CLASSIFICATION_REASON: usize = 5;
/** The user agent of CloudFront, at most `TEXT_SIZE` bytes. */
export const CLOUDFRONT: usize = 7424;
let cloudFrontLength: usize = 0;
/** The text of a failure, in the form of failure-detail.ts. It fits, because longer lines are not taken. */
export const DETAIL: usize = 49_152;
const LONGEST_FAILURE: usize = 15_000;

export const INPUT: usize = CHECKSUM_END;
export const ENDED: usize = INPUT + INPUT_SIZE + 64;
export const PLACE: usize = ENDED + 8 * BATCH;
export const CLIENT: usize = PLACE + 8 * BATCH;
export const ROUTE_KEY: usize = CLIENT + 8 * BATCH;
export const SAMPLE: usize = ROUTE_KEY + 8 * BATCH;
export const TARGET_MS: usize = SAMPLE + 4 * BATCH;
export const RECEIVED: usize = TARGET_MS + 4 * BATCH;
export const STATUS: usize = RECEIVED + 4 * BATCH;
export const TARGET_STATUS: usize = STATUS + 2 * BATCH;

/** A hash table with open addressing: the keys of the routes handed over so far. Sparse: it never holds more than NAMED_ROUTES. */
const SLOW: usize = TARGET_STATUS + 2 * BATCH + 64;
const SLOW_SLOTS: u64 = 32_768;
const SLOW_PROBES: u64 = 16;
/** The same as in slow-limits.ts. */
const SLOW_MS: i32 = 100;
const BAD_REQUEST: i32 = 400;

/** Rows that are filled. */
export let rows: i32 = 0;
/** Lines of the file so far, including blank ones. */
export let line: i32 = 0;
/** Lines taken here, and how many of them belong to other load balancers. */
export let entries: i32 = 0;
export let others: i32 = 0;
/** Microseconds since the epoch: from inclusive, to exclusive. */
let windowFrom: i64 = 0;
let windowTo: i64 = 0;
/** Whether to report every matching load balancer, and whether the one in ELB has been reported. */
let byName: i32 = 0;
let isNamed: i32 = 0;
/** Set to end `scan` after the line that is being handed over. */
let isFull: i32 = 0;
/** Whether routes are no longer handed over. */
let areRoutesIgnored: i32 = 0;

/** The line at [from, to). */
declare function exactly(from: usize, to: usize): void;
/** A failure of the window: its row is filled, and its text is in DETAIL, up to `to`. */
declare function failed(row: i32, to: usize): void;
/** Reports a load balancer that has the wanted name. */
declare function named(from: usize, to: usize): void;
/** Reports a place that is new or found no free slot; if `node` is 0, its node is that of the file. */
declare function met(
  key: f64,
  group: usize,
  groupEnd: usize,
  target: usize,
  targetEnd: usize,
  node: usize,
  nodeEnd: usize,
): void;

const LINE_FEED: u8 = 10;
const RETURN: u8 = 13;
const RETURN_AND_LINE_FEED: u16 = 0x0a0d;
const SPACE: u8 = 32;
const QUOTE: u8 = 34;
const DASH: u8 = 45;
const DOT: u8 = 46;
const SLASH: u8 = 47;
const COLON: u8 = 58;
const SEMICOLON: u8 = 59;
/** A space and a quote. */
const OPENING: u16 = 0x2220;
/** The bytes ` "-"`: most quoted fields are empty. */
const EMPTY: u32 = 0x222d2220;
const ROUTE_LENGTH: usize = 200;
const MOST_RECEIVED: u64 = 2_147_483_647;

/**
 * Returned for a part that is not in the ordinary form. Otherwise a function that reads a part returns where it ends:
 * positions are passed on, because locals stay in registers and variables of the module do not.
 */
const OTHER_FORM: usize = 0;

/** Sets what to look for. WANTED, CLOUDFRONT and FAILED must be filled. */
export function ask(length: usize, agentLength: usize, name: i32, from: i64, to: i64): void {
  wantedLength = length;
  cloudFrontLength = agentLength;
  byName = name;
  windowFrom = from;
  windowTo = to;
}

/** Starts a file. NODE must be filled. */
export function begin(length: usize): void {
  nodeLength = length;
  nodeHash = hash(NODE, NODE + length);
  line = 0;
  entries = 0;
  others = 0;
  isNamed = 0;
}

export function setFull(value: i32): void {
  isFull = value;
}

export function ignoreRoutes(): void {
  areRoutesIgnored = 1;
}

/**
 * Scans the lines of [from, to) up to the last whole one, or until the columns are full; returns where the first
 * unscanned line starts. Overwrites the byte at `to`.
 */
export function scan(from: usize, to: usize): usize {
  // No field is read beyond a line feed, so nobody need know where a line ends before reading it.
  store<u8>(to, LINE_FEED);
  let start = from;
  while (rows < BATCH && isFull === 0) {
    const taken = take(start, to);
    const lineFeed = taken === OTHER_FORM ? find(LINE_FEED, start, to) : taken;
    if (lineFeed >= to) break;
    line += 1;
    if (taken === OTHER_FORM) {
      const last = lineFeed > start && load<u8>(lineFeed - 1) === RETURN ? lineFeed - 1 : lineFeed;
      if (last > start) exactly(start, last);
    }
    start = lineFeed + 1;
  }
  return start;
}

/** Values of the current line, held until it has been checked to its end. */
let ended: i64 = 0;
let clientKey: u64 = 0;
let clientEnd: usize = 0;
let target: usize = 0;
let targetEnd: usize = 0;
let targetMs: i32 = 0;
let status: i32 = 0;
let targetStatus: i32 = 0;
let received: i32 = 0;
let routeKey: u64 = 0;
let group: usize = 0;
let groupEnd: usize = 0;
let sample: u32 = 0;
let node: usize = 0;
let nodeEnd: usize = 0;
let created: i64 = 0;
/** Whether it is a failure of the window, whose texts are kept. */
let isFailure: bool = false;
let isByCloudFront: bool = false;

/**
 * Takes a line into the columns; returns its line feed. OTHER_FORM also if its route must be named, or if it does not
 * end before `to`.
 */
function take(from: usize, to: usize): usize {
  let at = takeHead(from);
  if (at !== OTHER_FORM) at = takeNumbers(at);
  if (at === OTHER_FORM) return OTHER_FORM;
  isFailure = isOurs && status >= 0 && load<u8>(FAILED + status) === 1 && ended >= windowFrom && ended < windowTo;
  at = takeRequest(at);
  if (at !== OTHER_FORM) at = takeGroup(at);
  if (at !== OTHER_FORM) at = takeTrace(at);
  if (at !== OTHER_FORM) at = takeRule(at);
  const end = at === OTHER_FORM ? OTHER_FORM : takeTail(at);
  if (end === OTHER_FORM) return OTHER_FORM;
  const lineFeed = load<u8>(end) === LINE_FEED ? end : end + 1;
  if (lineFeed >= to || (isFailure && end - from > LONGEST_FAILURE)) return OTHER_FORM;
  if (isOurs && (targetMs >= SLOW_MS || targetStatus === BAD_REQUEST) && isNewRoute()) return OTHER_FORM;
  entries += 1;
  if (isOurs) write();
  else others += 1;
  if (isFailure) failed(rows - 1, writeDetail(from));
  return lineFeed;
}

/** Remembers where a text of the line is. */
function keep(text: usize, from: usize, to: usize): void {
  store<u32>(KEPT + 8 * text, <u32>from);
  store<u32>(KEPT + 8 * text, <u32>to, 4);
}

/** Writes the text of the failure whose line starts at `from` to DETAIL; returns its end. */
function writeDetail(from: usize): usize {
  let to = DETAIL;
  let start = from;
  for (let field = 1; field <= 12; field += 1) {
    const stop = fieldEnd(start);
    if (field === 4) to = append(to, start, clientEnd);
    else if (field === 1 || (field >= 6 && field <= 8) || field >= 11) to = append(to, start, stop);
    start = stop + 1;
  }
  to = appendKept(to, ROUTE_TEXT);
  to = appendKept(to, TRACE_ID);
  to = appendKept(to, PRIORITY);
  to = appendMoment(to, created);
  to = appendKept(to, ACTIONS);
  to = appendKept(to, ERROR_REASON);
  to = appendKept(to, CLASSIFICATION_REASON);
  store<u8>(to, isByCloudFront ? 49 : 48);
  return to + 1;
}

/** Appends a text and a quote; returns the end. */
function append(to: usize, from: usize, until: usize): usize {
  memory.copy(to, from, until - from);
  store<u8>(to + until - from, QUOTE);
  return to + until - from + 1;
}

/** "-" for a missing field. */
function appendKept(to: usize, text: usize): usize {
  const from = <usize>load<u32>(KEPT + 8 * text);
  if (from !== 0) return append(to, from, <usize>load<u32>(KEPT + 8 * text, 4));
  store<u8>(to, DASH);
  store<u8>(to, QUOTE, 1);
  return to + 2;
}

/** Microseconds since the epoch in digits, nothing for -1. */
function appendMoment(to: usize, moment: i64): usize {
  let digits: usize = 0;
  for (let rest = moment; rest > 0; rest /= 10) digits += 1;
  let rest = moment;
  for (let p = to + digits; p > to; rest /= 10) store<u8>(--p, <u8>(48 + (rest % 10)));
  store<u8>(to + digits, QUOTE);
  return to + digits + 1;
}

function write(): void {
  if (byName !== 0 && isNamed === 0) {
    isNamed = 1;
    named(ELB, ELB + elbLength - 1);
  }
  const ownNode = node === 0 ? nodeHash : hash(node, nodeEnd);
  const place = key(mix(mix(hash(target, targetEnd), hash(group, groupEnd)), ownNode));
  if (!isMet(place)) met(<f64>place, group, groupEnd, target, targetEnd, node, nodeEnd);
  const row = <usize>rows;
  store<f64>(ENDED + 8 * row, <f64>ended);
  store<f64>(PLACE + 8 * row, <f64>place);
  store<f64>(CLIENT + 8 * row, <f64>clientKey);
  store<f64>(ROUTE_KEY + 8 * row, <f64>routeKey);
  store<u32>(SAMPLE + 4 * row, sample);
  store<i32>(TARGET_MS + 4 * row, targetMs);
  store<i32>(RECEIVED + 4 * row, received);
  store<i16>(STATUS + 2 * row, <i16>status);
  store<i16>(TARGET_STATUS + 2 * row, <i16>targetStatus);
  rows += 1;
}

/** Returns whether the line is the first slow answer or 400 of its route in the window; true again if its route found no free slot. */
function isNewRoute(): bool {
  if (areRoutesIgnored !== 0 || targetStatus < 0 || ended < windowFrom || ended >= windowTo) return false;
  for (let probe: u64 = 0; probe < SLOW_PROBES; probe += 1) {
    const slot = SLOW + <usize>((routeKey + probe) % SLOW_SLOTS) * 8;
    const other = load<u64>(slot);
    if (other === routeKey) return false;
    if (other === 0) {
      store<u64>(slot, routeKey);
      return true;
    }
  }
  return true;
}

/** Returns whether the place is in one of the slots of its key; if not, stores it when a slot is free. */
function isMet(place: u64): bool {
  for (let probe: u64 = 0; probe < MET_PROBES; probe += 1) {
    const slot = MET + <usize>((place + probe) % MET_SLOTS) * 8;
    const other = load<u64>(slot);
    if (other === place) return true;
    if (other === 0) {
      store<u64>(slot, place);
      return false;
    }
  }
  return false;
}

/** Fields 1 to 5: type, time, load balancer, client, target. */
function takeHead(from: usize): usize {
  const bytes = v128.load(from);
  const isLetter = withinRange(bytes, 97, 26);
  const typeEnd = from + ctz(~i8x16.bitmask(v128.or(isLetter, withinRange(bytes, 48, 10))));
  if ((i8x16.bitmask(isLetter) & 1) === 0 || load<u8>(typeEnd) !== SPACE) return OTHER_FORM;
  const time = typeEnd + 1;
  ended = moment(time);
  if (ended < 0 || load<u8>(time + 27) !== SPACE) return OTHER_FORM;
  const client = takeLoadBalancer(time + 28);
  if (client === OTHER_FORM) return OTHER_FORM;

  const stop = fieldEnd(client);
  clientEnd = portColon(client, stop);
  if (clientEnd === OTHER_FORM) return OTHER_FORM;
  clientKey = key(hash(client, clientEnd));

  target = stop + 1;
  targetEnd = fieldEnd(target);
  const isNone = targetEnd === target + 1 && load<u8>(target) === DASH;
  if (!isNone && portColon(target, targetEnd) === OTHER_FORM) return OTHER_FORM;
  return load<u8>(targetEnd) === SPACE ? targetEnd : OTHER_FORM;
}

/** Field 3; usually equal to that of the line before. */
function takeLoadBalancer(at: usize): usize {
  if (elbLength > 0 && isEqual(at, ELB, elbLength)) return at + elbLength;
  const stop = fieldEnd(at);
  const length = stop - at;
  if (load<u8>(stop) !== SPACE || length >= TEXT_SIZE) return OTHER_FORM;
  let slashes = 0;
  let part = 0;
  for (let p = at; p < stop; p += 1) {
    if (load<u8>(p) !== SLASH) part += 1;
    else if (part === 0) return OTHER_FORM;
    else {
      part = 0;
      slashes += 1;
    }
  }
  if (slashes !== 2 || part === 0) return OTHER_FORM;
  elbLength = length + 1;
  memory.copy(ELB, at, elbLength);
  isOurs = elbLength >= wantedLength && isEqual(ELB, WANTED, wantedLength);
  isNamed = 0;
  return stop + 1;
}

/** Fields 6 to 12, each after a space: three times, two statuses, two byte counts. */
function takeNumbers(from: usize): usize {
  let at = duration(from);
  if (at === OTHER_FORM) return OTHER_FORM;
  at = duration(at);
  targetMs = readMs;
  if (at === OTHER_FORM) return OTHER_FORM;
  at = duration(at);
  if (at === OTHER_FORM) return OTHER_FORM;
  at = statusField(at);
  status = readStatus;
  if (at === OTHER_FORM) return OTHER_FORM;
  at = statusField(at);
  targetStatus = readStatus;
  if (at === OTHER_FORM) return OTHER_FORM;
  const bytes = at + 1;
  at = wholeField(at);
  if (at === OTHER_FORM) return OTHER_FORM;
  received = <i32>min<u64>(wholeNumber(bytes, at), MOST_RECEIVED);
  return wholeField(at);
}

/** Fields 13 to 16: request, user agent, two TLS fields. */
function takeRequest(at: usize): usize {
  if (load<u16>(at) !== OPENING) return OTHER_FORM;
  const to = isOurs ? takeRoute(at + 2) : asciiQuote(at + 2);
  if (to === OTHER_FORM) return OTHER_FORM;
  const agent = to + 3;
  const agentEnd = skipQuoted(to + 1);
  if (agentEnd === OTHER_FORM) return OTHER_FORM;
  isByCloudFront = agentEnd - 1 - agent === cloudFrontLength && isEqual(agent, CLOUDFRONT, cloudFrontLength);
  const cipherEnd = skipPlain(agentEnd);
  return cipherEnd === OTHER_FORM ? OTHER_FORM : skipPlain(cipherEnd);
}

/** Field 17: target group. */
function takeGroup(at: usize): usize {
  group = at + 1;
  groupEnd = skipPlain(at);
  return groupEnd;
}

/** Fields 18 to 20: trace id, domain name, certificate. */
function takeTrace(at: usize): usize {
  if (load<u16>(at) !== OPENING) return OTHER_FORM;
  const trace = at + 2;
  const to = asciiQuote(trace);
  if (to === OTHER_FORM || to - trace < 8) return OTHER_FORM;
  sample = hexadecimal(to - 8);
  if (isFailure) keep(TRACE_ID, trace, to);
  const domainEnd = skipQuoted(to + 1);
  return domainEnd === OTHER_FORM ? OTHER_FORM : skipQuoted(domainEnd);
}

/** Fields 21 and 22: priority of the rule, creation time. */
function takeRule(from: usize): usize {
  const first = from + 1;
  if (load<u8>(from) !== SPACE) return OTHER_FORM;
  let at = first;
  let byte = load<u8>(at);
  if (byte === DASH) at += load<u8>(at + 1) === 49 ? 2 : 1;
  else {
    while (isDigit(byte)) byte = load<u8>(++at);
    if (at === first) return OTHER_FORM;
  }
  if (load<u8>(at) !== SPACE) return OTHER_FORM;
  if (isFailure) keep(PRIORITY, first, at);
  created = -1;
  if (load<u8>(at + 1) === DASH && load<u8>(at + 2) === SPACE) return at + 2;
  created = moment(at + 1);
  return created >= 0 && load<u8>(at + 28) === SPACE ? at + 28 : OTHER_FORM;
}

/** Fields 23 and later, however many there are, up to the end of the line; the 34th is the address of the node. */
function takeTail(from: usize): usize {
  node = 0;
  if (isFailure) memory.fill(KEPT + 8 * ACTIONS, 0, 3 * 8);
  let at = from;
  for (let field = 23; load<u8>(at) === SPACE; field += 1) {
    const isQuoted = load<u8>(at + 1) === QUOTE;
    const first = at + (isQuoted ? 2 : 1);
    at = isQuoted ? skipQuoted(at) : skipPlain(at);
    if (at === OTHER_FORM || (isQuoted && field === 34)) return OTHER_FORM;
    if (isFailure && !keepText(field, first, isQuoted ? at - 1 : at)) return OTHER_FORM;
    if (field === 34 && !(at === first + 1 && load<u8>(first) === DASH)) {
      node = first;
      nodeEnd = at;
    }
  }
  const isEnd = load<u8>(at) === LINE_FEED || load<u16>(at) === RETURN_AND_LINE_FEED;
  return isEnd && (node !== 0 || nodeLength > 0) ? at : OTHER_FORM;
}

/** Keeps field 23, 25 or 29 of a failure; false if it is not ASCII. */
function keepText(field: i32, from: usize, to: usize): bool {
  if (field !== 23 && field !== 25 && field !== 29) return true;
  for (let p = from; p < to; p += 1) if (load<u8>(p) > 126) return false;
  keep(field === 23 ? ACTIONS : field === 25 ? ERROR_REASON : CLASSIFICATION_REASON, from, to);
  return true;
}

/** Skips a space and a quoted field. */
function skipQuoted(at: usize): usize {
  if (load<u32>(at) === EMPTY) return at + 4;
  if (load<u16>(at) !== OPENING) return OTHER_FORM;
  let p = at + 2;
  while (true) {
    const bytes = v128.load(p);
    const either = v128.or(i8x16.eq(bytes, i8x16.splat(QUOTE)), i8x16.eq(bytes, i8x16.splat(LINE_FEED)));
    const found = i8x16.bitmask(either);
    if (found !== 0) return load<u8>(p + ctz(found)) === QUOTE ? p + ctz(found) + 1 : OTHER_FORM;
    p += 16;
  }
}

/** Skips a space and an unquoted field. What follows it must be a space or the end of the line. */
function skipPlain(at: usize): usize {
  const first = at + 1;
  const stop = fieldEnd(first);
  return load<u8>(at) === SPACE && stop > first ? stop : OTHER_FORM;
}

/** Returns the first such byte of [from, to), or `to`. */
function find(byte: u8, from: usize, to: usize): usize {
  const wanted = i8x16.splat(byte);
  for (let p = from; p < to; p += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(p), wanted));
    if (found !== 0) return min(p + ctz(found), to);
  }
  return to;
}

/** Returns the first byte from here on that an unquoted field cannot contain; a line feed is one. */
function fieldEnd(from: usize): usize {
  let p = from;
  while (true) {
    const bytes = v128.load(p);
    const found = i8x16.bitmask(v128.or(outside(bytes, 33), i8x16.eq(bytes, i8x16.splat(QUOTE))));
    if (found !== 0) return p + ctz(found);
    p += 16;
  }
}

/** Returns the closing quote. A control character, or a byte that is not ASCII, in front of it is another form. */
function asciiQuote(from: usize): usize {
  let p = from;
  while (true) {
    const bytes = v128.load(p);
    const found = i8x16.bitmask(v128.or(outside(bytes, 32), i8x16.eq(bytes, i8x16.splat(QUOTE))));
    if (found !== 0) return load<u8>(p + ctz(found)) === QUOTE ? p + ctz(found) : OTHER_FORM;
    p += 16;
  }
}

/** Marks bytes below `least` and above "~". Adding 1 makes both the lowest signed numbers. */
function outside(bytes: v128, least: i8): v128 {
  return i8x16.lt_s(i8x16.add(bytes, i8x16.splat(1)), i8x16.splat(least + 1));
}

/** Marks bytes that are one of the `count` values from `first` on. */
function withinRange(bytes: v128, first: u8, count: u8): v128 {
  return i8x16.le_u(i8x16.sub(bytes, i8x16.splat(first)), i8x16.splat(count - 1));
}

/** Returns the colon before the port of one to five digits at the end of [from, to). */
function portColon(from: usize, to: usize): usize {
  // Digits of the 16 bytes in front of `to`, the last of them in bit 15.
  const others = ~i8x16.bitmask(withinRange(v128.load(to - 16), 48, 10)) & 0xffff;
  const digits = <usize>clz(others) - 16;
  const colon = to - 1 - digits;
  const isPort = digits >= 1 && digits <= 5 && load<u8>(to) === SPACE;
  return isPort && colon > from && load<u8>(colon) === COLON ? colon : OTHER_FORM;
}

function isEqual(a: usize, b: usize, length: usize): bool {
  let index: usize = 0;
  for (; index + 8 <= length; index += 8) if (load<u64>(a + index) !== load<u64>(b + index)) return false;
  for (; index < length; index += 1) if (load<u8>(a + index) !== load<u8>(b + index)) return false;
  return true;
}

function isDigit(byte: u8): bool {
  return <u8>(byte - 48) < 10;
}

/** The first six bytes of eight. */
const SIX: u64 = 0x0000_ffff_ffff_ffff;
const ZEROS: u64 = 0x3030_3030_3030_3030;
const SIGNS: u64 = 0x8080_8080_8080_8080;
/** "0.000 " */
const ZERO_SECONDS: u64 = 0x2030_3030_2e30;
/** Adding this sets the sign of a byte that is no digit, or not 0 in the place of "." and " ". */
const UP_TO_SIGN: u64 = 0x7f76_7676_7f76;

/** What `duration` read: milliseconds, -1000 for -1. */
let readMs: i32 = 0;

/** Reads a space, then -1 or seconds with three decimals, up to the next space. */
function duration(at: usize): usize {
  if (load<u8>(at) !== SPACE) return OTHER_FORM;
  const first = at + 1;
  const digits = (load<u64>(first) ^ ZERO_SECONDS) & SIX;
  if (((digits | (digits + UP_TO_SIGN)) & SIGNS) !== 0) return otherDuration(first);
  readMs = <i32>(
    ((digits & 15) * 1000 + ((digits >> 16) & 15) * 100 + ((digits >> 24) & 15) * 10 + ((digits >> 32) & 15))
  );
  return first + 5;
}

/** Reads -1, or seconds with up to six digits before the point; starts behind the space. */
function otherDuration(first: usize): usize {
  let at = first;
  let byte = load<u8>(at);
  if (byte === DASH) {
    readMs = -1000;
    return load<u8>(at + 1) === 49 && load<u8>(at + 2) === SPACE ? at + 2 : OTHER_FORM;
  }
  let value: i32 = 0;
  for (; isDigit(byte) && at < first + 7; byte = load<u8>(++at)) value = value * 10 + byte - 48;
  if (byte !== DOT || at === first || at > first + 6) return OTHER_FORM;
  for (let decimal = 0; decimal < 3; decimal += 1) {
    byte = load<u8>(++at);
    if (!isDigit(byte)) return OTHER_FORM;
    value = value * 10 + byte - 48;
  }
  readMs = value;
  return load<u8>(++at) === SPACE ? at : OTHER_FORM;
}

/** What `statusField` read, -1 for "-". */
let readStatus: i32 = 0;

/** Reads a space, then three digits or "-", up to the next space. */
function statusField(at: usize): usize {
  if (load<u8>(at) !== SPACE) return OTHER_FORM;
  const a = load<u8>(at + 1);
  if (a === DASH && load<u8>(at + 2) === SPACE) {
    readStatus = -1;
    return at + 2;
  }
  const b = load<u8>(at + 2);
  const c = load<u8>(at + 3);
  if (!isDigit(a) || !isDigit(b) || !isDigit(c) || load<u8>(at + 4) !== SPACE) return OTHER_FORM;
  readStatus = (<i32>a - 48) * 100 + (<i32>b - 48) * 10 + c - 48;
  return at + 4;
}

/** Skips a space, then one to fifteen digits up to the next space. */
function wholeField(at: usize): usize {
  if (load<u8>(at) !== SPACE) return OTHER_FORM;
  const digits = <usize>ctz(~i8x16.bitmask(withinRange(v128.load(at + 1), 48, 10)));
  const stop = at + 1 + digits;
  return digits >= 1 && digits <= 15 && load<u8>(stop) === SPACE ? stop : OTHER_FORM;
}

/** The number at [from, to), one to fifteen digits. */
function wholeNumber(from: usize, to: usize): u64 {
  const digits = to - from;
  if (digits <= 8) return eightDigits((load<u64>(from) ^ ZEROS) << (8 * (8 - <u64>digits)));
  let value: u64 = 0;
  for (let p = from; p < to; p += 1) value = value * 10 + load<u8>(p) - 48;
  return value;
}

/** The number of eight digits, one in each byte, the lowest byte first. */
function eightDigits(digits: u64): u64 {
  const pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
  const fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
  return (fours * 10_000 + (fours >> 32)) & 0xffff_ffff;
}

/** Reads eight hexadecimal digits as a number; returns 0 for anything else. */
function hexadecimal(from: usize): u32 {
  const bytes = v128.load64_zero(from);
  const digit = withinRange(bytes, 48, 10);
  const letter = withinRange(v128.or(bytes, i8x16.splat(32)), 97, 6);
  if ((i8x16.bitmask(v128.or(digit, letter)) & 0xff) !== 0xff) return 0;
  // A letter has bit 6 set, and its low four bits are 1 to 6.
  const text = load<u64>(from);
  const nibbles = (text & 0x0f0f_0f0f_0f0f_0f0f) + ((text >> 6) & 0x0101_0101_0101_0101) * 9;
  const pairs = ((nibbles << 4) | (nibbles >> 8)) & 0x00ff_00ff_00ff_00ff;
  const fours = (pairs | (pairs >> 8)) & 0x0000_ffff_0000_ffff;
  return bswap<u32>(<u32>(fours | (fours >> 16)));
}

/** The last minute that was read, as its sixteen bytes of text and in microseconds. */
let minuteDate: u64 = 0;
let minuteRest: u64 = 0;
let minuteStart: i64 = -1;

/** Reads "2026-03-10T09:00:00.213197Z" as microseconds since the epoch; returns -1 for any other form. */
function moment(p: usize): i64 {
  if (minuteStart < 0 || load<u64>(p) !== minuteDate || load<u64>(p + 8) !== minuteRest) {
    const start = minute(p);
    if (start < 0) return -1;
    minuteDate = load<u64>(p);
    minuteRest = load<u64>(p + 8);
    minuteStart = start;
  }
  if (load<u8>(p + 16) !== COLON || load<u8>(p + 19) !== DOT || load<u8>(p + 26) !== 90) return -1;
  const second = number(p + 17, 2);
  const micros = sixDigits(p + 20);
  if (second < 0 || second > 59 || micros < 0) return -1;
  return minuteStart + <i64>second * 1_000_000 + micros;
}

/**
 * Reads "2026-03-10T09:00" as microseconds since the epoch; returns -1 for any other form, or a day that may not
 * exist.
 */
function minute(p: usize): i64 {
  if (load<u8>(p + 4) !== DASH || load<u8>(p + 7) !== DASH || load<u8>(p + 10) !== 84 || load<u8>(p + 13) !== COLON)
    return -1;
  const year = number(p, 4);
  const month = number(p + 5, 2);
  const day = number(p + 8, 2);
  const hour = number(p + 11, 2);
  const minute = number(p + 14, 2);
  if (year < 1970 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59)
    return -1;
  const isShort = month === 4 || month === 6 || month === 9 || month === 11;
  if (day > (month === 2 ? 28 : isShort ? 30 : 31)) return -1;
  // Days since 1 March of year 0: years that start in March have the leap day at their end.
  const from = month > 2 ? year : year - 1;
  const days = from * 365 + from / 4 - from / 100 + from / 400 + (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
  return (<i64>(days - 719_468) * 1440 + hour * 60 + minute) * 60_000_000;
}

/** Reads a number of this many digits; returns -1 if there is any other character. */
function number(from: usize, digits: usize): i32 {
  let value: i32 = 0;
  for (let p = from; p < from + digits; p += 1) {
    const byte = load<u8>(p);
    if (!isDigit(byte)) return -1;
    value = value * 10 + byte - 48;
  }
  return value;
}

/** Reads a number of six digits, all at once; returns -1 if there is any other character. */
function sixDigits(from: usize): i32 {
  const bytes = (load<u64>(from) & SIX) | (ZEROS & ~SIX);
  const digits = bytes - ZEROS;
  // A byte below "0" borrows and one above "9" carries, which sets its sign or that of a neighbour.
  if (((bytes | digits | (bytes + 0x4646_4646_4646_4646)) & SIGNS) !== 0) return -1;
  const pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
  return <i32>((pairs & 0xff) * 10_000 + ((pairs >> 16) & 0xff) * 100 + ((pairs >> 32) & 0xff));
}

/**
 * Computes the key of the route of "METHOD http(s)://host/path?query HTTP/1.1", as request-route.ts defines it; returns
 * the closing quote. OTHER_FORM also if the route is too long to keep whole.
 */
function takeRoute(from: usize): usize {
  const method = v128.load(from);
  const letters = <usize>ctz(~i8x16.bitmask(withinRange(method, 65, 26)));
  if (letters === 0 || letters > 15 || load<u8>(from + letters) !== SPACE) return OTHER_FORM;
  v128.store(ROUTE, method);
  let text = ROUTE + letters + 1;
  const url = from + letters + 1;
  // " HTTP/1.1" or " HTTP/2.0", and no other space.
  const last = fieldEnd(url);
  if (load<u8>(last) !== SPACE || load<u32>(last + 1) !== 0x50545448 || load<u8>(last + 5) !== SLASH) return OTHER_FORM;
  if (!isDigit(load<u8>(last + 6)) || load<u8>(last + 7) !== DOT || !isDigit(load<u8>(last + 8))) return OTHER_FORM;
  if (load<u8>(last + 9) !== QUOTE) return OTHER_FORM;
  // "http", then "://" or "s://".
  if (load<u32>(url) !== 0x70747468) return OTHER_FORM;
  const scheme = url + (load<u8>(url + 4) === 115 ? 5 : 4);
  if (load<u8>(scheme) !== COLON || load<u16>(scheme + 1) !== 0x2f2f) return OTHER_FORM;

  let p = partEnd(scheme + 3, last);
  if (p >= last || load<u8>(p) !== SLASH) return OTHER_FORM;
  while (p < last && load<u8>(p) === SLASH) {
    store<u8>(text++, SLASH);
    const first = ++p;
    p = partEnd(first, last);
    if (isId(first, p) || isHashedFile(first, p)) {
      // ":id" and a byte that the next store overwrites.
      store<u32>(text, 0x64693a);
      text += 3;
    } else {
      if (text - ROUTE + (p - first) > ROUTE_LENGTH) return OTHER_FORM;
      for (let q = first; q < p; q += 16) v128.store(text + (q - first), v128.load(q));
      text += p - first;
    }
    if (text - ROUTE > ROUTE_LENGTH) return OTHER_FORM;
    while (p < last && load<u8>(p) === SEMICOLON) p = partEnd(p + 1, last);
  }
  routeKey = key(hash(ROUTE, text));
  if (isFailure) keep(ROUTE_TEXT, ROUTE, text);
  return last + 9;
}

/** Returns the first "/", "?", "#" or ";" of [from, to), or `to`. */
function partEnd(from: usize, to: usize): usize {
  for (let p = from; p < to; p += 16) {
    const bytes = v128.load(p);
    const either = v128.or(i8x16.eq(bytes, i8x16.splat(SLASH)), i8x16.eq(bytes, i8x16.splat(63)));
    const other = v128.or(i8x16.eq(bytes, i8x16.splat(35)), i8x16.eq(bytes, i8x16.splat(SEMICOLON)));
    const found = i8x16.bitmask(v128.or(either, other));
    if (found !== 0) return min(p + ctz(found), to);
  }
  return to;
}

/** Returns whether a segment is a whole number, a UUID or a hexadecimal id: ID_SEGMENT of request-route.ts. */
function isId(from: usize, to: usize): bool {
  const size = to - from;
  let digits: usize = 0;
  let dashes: usize = 0;
  for (let p = from; p < to; p += 16) {
    const bytes = v128.load(p);
    const within: i32 = to - p >= 16 ? 0xffff : (1 << (<i32>(to - p))) - 1;
    const digit = i8x16.bitmask(withinRange(bytes, 48, 10)) & within;
    const dash = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(DASH))) & within;
    const letter = i8x16.bitmask(withinRange(v128.or(bytes, i8x16.splat(32)), 97, 6));
    if ((digit | dash | (letter & within)) !== within) return false;
    digits += popcnt(digit);
    dashes += popcnt(dash);
  }
  if (dashes === 0) return digits > 0 && (digits === size || size >= 8);
  if (dashes !== 4 || size !== 36) return false;
  return (
    load<u8>(from + 8) === DASH &&
    load<u8>(from + 13) === DASH &&
    load<u8>(from + 18) === DASH &&
    load<u8>(from + 23) === DASH
  );
}

/** Returns whether a segment is a file name with a hash before up to three extensions: HASHED_FILE of request-route.ts. */
function isHashedFile(from: usize, to: usize): bool {
  if (find(DOT, from, to) === to) return false;
  let last = to;
  for (let extensions = 0; extensions < 3; extensions += 1) {
    let dot = last - 1;
    while (dot > from && isLetterOrDigit(load<u8>(dot))) dot -= 1;
    if (dot <= from || load<u8>(dot) !== DOT || !isLetter(load<u8>(dot + 1))) return false;
    if (endsInHash(from, dot)) return true;
    last = dot;
  }
  return false;
}

/** Returns whether the text ends in six hexadecimal characters or more, or in eight letters and digits, that look like a hash. */
function endsInHash(from: usize, to: usize): bool {
  let digits = 0;
  let p = to;
  for (; p > from && isHexadecimal(load<u8>(p - 1)); p -= 1) if (isDigit(load<u8>(p - 1))) digits += 1;
  if (digits > 0 && to - p >= 6 && (p === from || isSeparator(load<u8>(p - 1)))) return true;
  if (to - from < 9 || (load<u8>(to - 9) !== DASH && load<u8>(to - 9) !== DOT)) return false;
  let isMixed = false;
  let isBase32 = true;
  for (p = to - 8; p < to; p += 1) {
    const byte = load<u8>(p);
    if (!isLetterOrDigit(byte)) return false;
    if (isDigit(byte) && p < to - 1) isMixed = true;
    if (byte > 90 || byte === 48 || byte === 49 || byte === 56 || byte === 57) isBase32 = false;
  }
  return isMixed || isBase32;
}

/** With bit 5 set, a letter of either case is a small one. */
function isLetter(byte: u8): bool {
  return <u8>((byte | 32) - 97) < 26;
}

function isHexadecimal(byte: u8): bool {
  return isDigit(byte) || <u8>((byte | 32) - 97) < 6;
}

function isLetterOrDigit(byte: u8): bool {
  return isDigit(byte) || isLetter(byte);
}

/** "-", "." or "_". */
function isSeparator(byte: u8): bool {
  return byte === DASH || byte === DOT || byte === 95;
}

const FACTOR: u64 = 0x9e3779b97f4a7c15;

function mix(state: u64, word: u64): u64 {
  const product = (state ^ word) * FACTOR;
  return product ^ (product >> 32);
}

/** Same as hashBytes in keys.ts. */
function hash(from: usize, to: usize): u64 {
  let state = mix(0, <u64>(to - from));
  let p = from;
  for (; p + 8 <= to; p += 8) state = mix(state, load<u64>(p));
  const rest = <u64>(to - p);
  return rest === 0 ? state : mix(state, load<u64>(p) & (((<u64>1) << (8 * rest)) - 1));
}

/** Returns a key below 2^53, which a double holds exactly. */
function key(state: u64): u64 {
  return mix(state, FACTOR) >> 11;
}

/** Returns the key of the text in SCRATCH. */
export function keyOfText(length: usize): f64 {
  return <f64>key(hash(SCRATCH, SCRATCH + length));
}

/** Returns the key of a place, whose target, group and node follow each other in SCRATCH. */
export function keyOfPlace(targetLength: usize, groupLength: usize, length: usize): f64 {
  const groupAt = SCRATCH + targetLength;
  const nodeAt = groupAt + groupLength;
  return <f64>key(mix(mix(hash(SCRATCH, groupAt), hash(groupAt, nodeAt)), hash(nodeAt, SCRATCH + length)));
}
