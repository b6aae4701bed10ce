/**
 * Log lines as bytes → narrow columns. A line in the ordinary form of the load balancer is read here, byte by byte and once; every other
 * one, and every failure of the window, by the parser of entry.ts. Pure, and written for speed: a line in an unusual form is only slower.
 */
import type { Window } from '../../../evidence/evidence.ts';
import { statusRanges } from '../../../query/statuses.ts';
import { instant, type LogEntry, parseLine } from '../entry.ts';
import type { WantedLoadBalancer } from '../log-files.ts';
import { CLIENT_FAILURES } from '../queries.ts';
import { ROUTE_LENGTH, route } from '../request-route.ts';

export interface ColumnsOptions {
  loadBalancer: WantedLoadBalancer;
  window: Window;
  /** As asked: "gateway", "502", "5xx", "elb-502". */
  statuses: readonly string[];
}

/** Rows of a batch, at most. */
export const BATCH = 65_536;

/** Bytes: what a column of 32 bits holds. More are as good as the most. */
const MOST_RECEIVED = 2_147_483_647;

/** Bytes. A longer line is no entry, and is not held in memory. */
export const MAX_LINE = 16_777_216;

/** Entries of the load balancer, in columns of the same length. Keys are whole numbers below 2^53, equal exactly for equal things. */
export interface Batch {
  rows: number;
  /** Microseconds since the epoch. */
  ended: BigInt64Array<ArrayBuffer>;
  place: BigInt64Array<ArrayBuffer>;
  /** Key of the address without port. */
  client: BigInt64Array<ArrayBuffer>;
  route: BigInt64Array<ArrayBuffer>;
  /** -1 for "-". */
  status: Int16Array<ArrayBuffer>;
  targetStatus: Int16Array<ArrayBuffer>;
  /** target_processing_time in milliseconds; -1000 for -1. */
  targetMs: Int32Array<ArrayBuffer>;
  /** received_bytes, at most MOST_RECEIVED. */
  received: Int32Array<ArrayBuffer>;
  sample: Uint32Array<ArrayBuffer>;
  failures: FailureRows;
}

/** A place as the log names it. */
export interface TargetAndNode {
  key: number;
  target_group_arn: string;
  target: string;
  /** "-" where it is not known. */
  node: string;
}

/** Failed entries of the window, by their rows in the batch. */
export interface FailureRows {
  rows: number[];
  /** The texts of each in the order of DETAIL, with a quote between them: no field holds one. */
  details: string[];
}

/** What is kept as text of a failure. `created`: microseconds since the epoch, or nothing. */
export const FAILURE_DETAIL = [
  'request_type',
  'client_address',
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'received_bytes',
  'sent_bytes',
  'route_text',
  'trace_id',
  'matched_rule_priority',
  'created',
  'actions_executed',
  'error_reason',
  'classification_reason',
] as const;

type TextsOf<Names extends readonly string[]> = { readonly [Index in keyof Names]: string | number };

/** Failures of a batch, at most: their texts are far larger than a row. */
const BATCH_FAILURES = 2048;

/** What became of the lines of one file; lines = entries + rejected. Entries are those of every load balancer. */
export interface LineCounts {
  lines: number;
  entries: number;
  rejected: number;
  otherLoadBalancers: number;
  /** app/name/id of those that have the name asked for, where it was asked by name alone; some of them where there are very many. */
  namesakes: string[];
  /** The first rejected line and its number from 1, cut. */
  firstRejected: { line: number; text: string } | null;
  /** The first line that is not blank, cut. */
  firstLine: string | null;
}

const KEPT_OF_REJECTED = 4096;
const KEPT_NAMESAKES = 100;

const SPACE = 32;
const QUOTE = 34;
const DASH = 45;
const DOT = 46;
const SLASH = 47;
const ZERO = 48;
const COLON = 58;
const SEMICOLON = 59;
const QUESTION = 63;
const HASH = 35;

/** Two hashes of 32 bits make one of 53. */
const SEED_A = 0x9747b28c;
const SEED_B = 0x3c6ef372;
const FACTOR_A = 0x01000193;
const FACTOR_B = 0x85ebca6b;

const combineHashes = (a: number, b: number): number => {
  let x = a ^ (a >>> 15);
  x = Math.imul(x, 0x2c1b3c6d);
  x ^= x >>> 12;
  let y = b ^ (b >>> 16);
  y = Math.imul(y, 0x297a2d39);
  y ^= y >>> 15;
  return (x >>> 0) * 0x200000 + ((y >>> 0) & 0x1fffff);
};

/** The key of a text: that of its bytes in UTF-8. */
export function hashText(text: string): number {
  const bytes = Buffer.from(text);
  let a = SEED_A;
  let b = SEED_B;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    a = Math.imul(a ^ byte, FACTOR_A);
    b = Math.imul(b ^ byte, FACTOR_B);
  }
  return combineHashes(a, b);
}

/** No part holds a space: they are fields without quotes. */
const hashPlace = (target_group_arn: string, target: string, node: string): number =>
  hashText(`${target} ${target_group_arn} ${node}`);

const newBatch = (): Batch => ({
  rows: 0,
  ended: new BigInt64Array(BATCH),
  place: new BigInt64Array(BATCH),
  client: new BigInt64Array(BATCH),
  route: new BigInt64Array(BATCH),
  status: new Int16Array(BATCH),
  targetStatus: new Int16Array(BATCH),
  targetMs: new Int32Array(BATCH),
  received: new Int32Array(BATCH),
  sample: new Uint32Array(BATCH),
  failures: { rows: [], details: [] },
});

const truncateBatch = (rows: number, batch: Batch): Batch => ({
  rows,
  ended: batch.ended.slice(0, rows),
  place: batch.place.slice(0, rows),
  client: batch.client.slice(0, rows),
  route: batch.route.slice(0, rows),
  status: batch.status.slice(0, rows),
  targetStatus: batch.targetStatus.slice(0, rows),
  targetMs: batch.targetMs.slice(0, rows),
  received: batch.received.slice(0, rows),
  sample: batch.sample.slice(0, rows),
  failures: batch.failures,
});

/** The 64-bit columns of a batch as pairs of 32 bits, the lower ones first: a BigInt for each value would be an object for each value. */
const asInt32Words = ({ ended, place, client, route }: Batch) => ({
  ended: new Int32Array(ended.buffer),
  place: new Int32Array(place.buffer),
  client: new Int32Array(client.buffer),
  route: new Int32Array(route.buffer),
});

/** A whole number below 2^53. */
function put64(words: Int32Array, row: number, value: number): void {
  words[2 * row] = value;
  words[2 * row + 1] = Math.floor(value / 0x1_0000_0000);
}

/** The lines of one file after another to batches. */
export class Columns {
  readonly #options: ColumnsOptions;
  readonly #wanted: Buffer;
  /** The last load balancer met, where one is asked for by name alone. */
  #namesake: Buffer = Buffer.alloc(0);
  readonly #isFailed: Uint8Array;
  readonly #emit: (batch: Batch) => void;
  /** Places by key, since the last time they were taken. */
  #places = new Map<number, TargetAndNode>();
  #known = new Set<number>();
  #batch = newBatch();
  #words = asInt32Words(this.#batch);
  #counts: LineCounts = emptyCounts();
  #node = '-';
  #nodeBytes: Uint8Array = Buffer.from('-');
  /** The beginning of a line, in the pieces it came in, and its length. */
  #rest: Buffer[] = [];
  #restLength = 0;
  /** Inside of a line that is too long. */
  #isSkipping = false;
  #line = 0;
  /** The day of the last line, as a number YYYYMMDD, and its start in seconds. */
  #day = 0;
  #dayStart = 0;
  /** Microseconds since the epoch. A number of this size that a function returns is an object; one in an array is not. */
  readonly #moment = new Float64Array(1);
  /** Places met lately, each at the place that its key gives it. */
  readonly #recentPlaces = new Float64Array(256);

  /** Throws RangeError for a word that is no status. */
  constructor(options: ColumnsOptions, emit: (batch: Batch) => void) {
    this.#options = options;
    this.#emit = emit;
    const { name, id } = options.loadBalancer;
    this.#wanted = Buffer.from(id === null ? `app/${name}/` : `app/${name}/${id} `);
    // As `failedSql` has it.
    const ranges = [{ from: 500, to: 599 }, ...statusRanges(options.statuses)];
    this.#isFailed = Uint8Array.from({ length: 1000 }, (_, status) =>
      CLIENT_FAILURES.includes(status) || ranges.some(({ from, to }) => status >= from && status <= to) ? 1 : 0,
    );
  }

  /** Begins a file; `node` is that of its name. */
  begin(node: string | null): void {
    this.#counts = emptyCounts();
    this.#namesake = Buffer.alloc(0);
    this.#node = node ?? '-';
    this.#nodeBytes = Buffer.from(this.#node);
    this.#dropHeld();
    this.#isSkipping = false;
    this.#line = 0;
  }

  /** The next bytes of the file. */
  feed(piece: Buffer): void {
    let from = 0;
    if (this.#isSkipping || this.#restLength > 0) {
      const end = piece.indexOf(10);
      if (end === -1) {
        this.#hold(piece);
        return;
      }
      if (this.#isSkipping) this.#isSkipping = false;
      else {
        this.#parseHeldLine(piece.subarray(0, end));
      }
      from = end + 1;
    }
    for (let end = piece.indexOf(10, from); end !== -1; end = piece.indexOf(10, from)) {
      this.#parseLine(piece, from, end);
      from = end + 1;
    }
    if (from < piece.length) this.#hold(piece.subarray(from));
  }

  /** Ends the file. */
  end(): LineCounts {
    if (this.#restLength > 0) this.#parseHeldLine(Buffer.alloc(0));
    this.flush();
    return this.#counts;
  }

  /** Hands out what is not handed out yet. */
  flush(): void {
    const { rows } = this.#batch;
    if (rows === 0) return;
    if (rows > BATCH / 4) {
      this.#emit(this.#batch);
      this.#batch = newBatch();
      this.#words = asInt32Words(this.#batch);
      return;
    }
    // Of little, a copy goes, and the large columns are filled again.
    this.#emit(truncateBatch(rows, this.#batch));
    this.#batch.rows = 0;
    this.#batch.failures = { rows: [], details: [] };
  }

  /** Places that were met for the first time. */
  takePlaces(): TargetAndNode[] {
    const places = [...this.#places.values()];
    this.#places = new Map();
    return places;
  }

  #hold(piece: Buffer): void {
    if (this.#isSkipping) return;
    // A copy: the piece may be used again by whoever read it.
    this.#rest.push(Buffer.from(piece));
    this.#restLength += piece.length;
    if (this.#restLength <= MAX_LINE) return;
    const text = Buffer.concat(this.#rest, KEPT_OF_REJECTED).toString();
    this.#dropHeld();
    this.#isSkipping = true;
    this.#line += 1;
    this.#reject(text);
  }

  #dropHeld(): void {
    this.#rest = [];
    this.#restLength = 0;
  }

  /** The line that is held, with its end. */
  #parseHeldLine(piece: Buffer): void {
    const line = Buffer.concat([...this.#rest, piece]);
    this.#dropHeld();
    this.#parseLine(line, 0, line.length);
  }

  #parseLine(bytes: Buffer, start: number, lineFeed: number): void {
    const end = lineFeed > start && bytes[lineFeed - 1] === 13 ? lineFeed - 1 : lineFeed;
    this.#line += 1;
    if (end === start) return;
    if (this.#counts.firstLine === null)
      this.#counts.firstLine = bytes.toString('utf8', start, Math.min(end, start + KEPT_OF_REJECTED));
    if (this.#batch.rows === BATCH || this.#batch.failures.rows.length === BATCH_FAILURES) this.flush();
    if (!this.#parseFast(bytes, start, end)) this.#parseExactly(bytes.toString('utf8', start, end));
  }

  #reject(text: string): void {
    this.#counts.lines += 1;
    this.#counts.rejected += 1;
    this.#counts.firstRejected ??= { line: this.#line, text: text.slice(0, KEPT_OF_REJECTED) };
  }

  #parseExactly(text: string): void {
    // A byte order mark is no part of the first line.
    const parsed = parseLine(this.#line === 1 ? text.replace(/^\uFEFF/, '') : text);
    if ('rejected' in parsed) {
      this.#reject(text);
      return;
    }
    const account = this.#counts;
    account.lines += 1;
    account.entries += 1;
    const { entry } = parsed;
    const { name, id } = this.#options.loadBalancer;
    const isOurs = id === null ? entry.elb.startsWith(`app/${name}/`) : entry.elb === `app/${name}/${id}`;
    if (!isOurs) {
      account.otherLoadBalancers += 1;
      return;
    }
    if (id === null) this.#rememberName(Buffer.from(entry.elb), 0, Buffer.byteLength(entry.elb));
    this.#addEntry(entry);
  }

  /** Notes the load balancer at [from, to). */
  #rememberName(bytes: Buffer, from: number, to: number): void {
    const last = this.#namesake;
    let index = 0;
    while (index < last.length && bytes[from + index] === last[index]) index += 1;
    if (index === last.length && from + index === to) return;
    this.#namesake = Buffer.from(bytes.subarray(from, to));
    const { namesakes } = this.#counts;
    const name = this.#namesake.toString();
    if (namesakes.length < KEPT_NAMESAKES && !namesakes.includes(name)) namesakes.push(name);
  }

  #isInWindow(ended: number): boolean {
    const { from, to } = this.#options.window;
    return ended >= from * 1000 && ended < to * 1000;
  }

  /** A quote that a tool put back behind a backslash becomes what the load balancer wrote. */
  #addEntry(entry: LogEntry): void {
    const client_address = entry.client.replace(/:[0-9]+$/, '');
    const node = entry.ip_address === undefined || entry.ip_address === '-' ? this.#node : asWritten(entry.ip_address);
    const target_group_arn = asWritten(entry.target_group_arn ?? '-');
    const place = hashPlace(target_group_arn, entry.target, node);
    this.#rememberPlace(place, target_group_arn, entry.target, node);
    const route_text = asWritten(route(entry.request_line ?? '-'));
    const trace_id = asWritten(entry.trace_id ?? '-');
    const ended = Math.round((instant(entry.time) ?? 0) * 1000);
    const status = statusNumber(entry.elb_status_code);

    const batch = this.#batch;
    const words = this.#words;
    const row = batch.rows;
    batch.rows = row + 1;
    put64(words.ended, row, ended);
    put64(words.place, row, place);
    put64(words.client, row, hashText(client_address));
    put64(words.route, row, hashText(route_text));
    batch.status[row] = status;
    batch.targetStatus[row] = statusNumber(entry.target_status_code);
    batch.targetMs[row] = Math.round(entry.target_processing_time * 1000);
    batch.received[row] = Math.min(MOST_RECEIVED, entry.received_bytes);
    batch.sample[row] = sampleOf(trace_id);
    if (status < 0 || this.#isFailed[status] === 0 || !this.#isInWindow(ended)) return;

    const created = instant(entry.request_creation_time);
    const detail: TextsOf<typeof FAILURE_DETAIL> = [
      entry.type,
      client_address,
      entry.request_processing_time,
      entry.target_processing_time,
      entry.response_processing_time,
      entry.received_bytes,
      entry.sent_bytes,
      route_text,
      trace_id,
      entry.matched_rule_priority ?? '-',
      created === null ? '' : Math.round(created * 1000),
      asWritten(entry.actions_executed ?? '-'),
      asWritten(entry.error_reason ?? '-'),
      asWritten(entry.classification_reason ?? '-'),
    ];
    batch.failures.rows.push(row);
    batch.failures.details.push(detail.join('"'));
  }

  #rememberPlace(place: number, target_group_arn: string, target: string, node: string): void {
    if (this.#known.has(place)) return;
    this.#known.add(place);
    this.#places.set(place, { key: place, target_group_arn, target, node });
  }

  /**
   * Reads a line in the ordinary form; false when it is not in that form, or is a failure of the window: then nothing has been noted.
   *
   * Positions are offsets into `bytes`; reads beyond the end give undefined, which is equal to nothing and ends every loop.
   */
  #parseFast(bytes: Buffer, start: number, end: number): boolean {
    let at = start;
    let byte = bytes[at] as number;
    // 1 type
    if (byte < 97 || byte > 122) return false;
    while ((byte >= 97 && byte <= 122) || (byte >= ZERO && byte <= 57)) byte = bytes[++at] as number;
    if (byte !== SPACE) return false;
    // 2 time: 2026-03-10T09:00:00.213197Z
    if (!this.#readMoment(bytes, at + 1) || bytes[at + 28] !== SPACE) return false;
    const ended = this.#moment[0] as number;
    at += 29;
    // 3 elb
    const elb = at;
    const wanted = this.#wanted;
    let isOurs = true;
    for (let index = 0; index < wanted.length; index += 1) {
      if (bytes[at + index] !== wanted[index]) {
        isOurs = false;
        break;
      }
    }
    let part = 0;
    let slashes = 0;
    for (byte = bytes[at] as number; byte !== SPACE; byte = bytes[++at] as number) {
      if (byte === SLASH) {
        if (part === 0) return false;
        part = 0;
        slashes += 1;
      } else if (byte === QUOTE || at >= end) return false;
      else part += 1;
    }
    if (slashes !== 2 || part === 0) return false;
    const elbEnd = at;
    // 4 client
    let a = SEED_A;
    let b = SEED_B;
    let colon = at;
    let colonA = 0;
    let colonB = 0;
    const client = at + 1;
    at = client;
    for (byte = bytes[at] as number; byte !== SPACE; byte = bytes[++at] as number) {
      if (byte === COLON) {
        colon = at;
        colonA = a;
        colonB = b;
      } else if (byte === QUOTE || byte > 126 || at >= end) return false;
      a = Math.imul(a ^ byte, FACTOR_A);
      b = Math.imul(b ^ byte, FACTOR_B);
    }
    if (!isPort(bytes, client, colon, at)) return false;
    const clientKey = combineHashes(colonA, colonB);
    // 5 target
    a = SEED_A;
    b = SEED_B;
    const target = at + 1;
    at = target;
    colon = at;
    for (byte = bytes[at] as number; byte !== SPACE; byte = bytes[++at] as number) {
      if (byte === COLON) colon = at;
      else if (byte === QUOTE || byte > 126 || at >= end) return false;
      a = Math.imul(a ^ byte, FACTOR_A);
      b = Math.imul(b ^ byte, FACTOR_B);
    }
    const targetEnd = at;
    if (!isPort(bytes, target, colon, at) && !(at === target + 1 && bytes[target] === DASH)) return false;
    a = Math.imul(a ^ SPACE, FACTOR_A);
    b = Math.imul(b ^ SPACE, FACTOR_B);
    // 6 to 8 times: -1, or seconds with three decimals
    let targetMs = 0;
    for (let field = 6; field <= 8; field += 1) {
      at += 1;
      byte = bytes[at] as number;
      let value = -1000;
      if (byte === DASH) {
        if (bytes[at + 1] !== 49) return false;
        at += 2;
      } else {
        const first = at;
        value = 0;
        for (; byte >= ZERO && byte <= 57; byte = bytes[++at] as number) value = value * 10 + byte - ZERO;
        if (byte !== DOT || at === first || at > first + 6) return false;
        for (let decimal = 0; decimal < 3; decimal += 1) {
          byte = bytes[++at] as number;
          if (!(byte >= ZERO && byte <= 57)) return false;
          value = value * 10 + byte - ZERO;
        }
        at += 1;
      }
      if (bytes[at] !== SPACE) return false;
      if (field === 7) targetMs = value;
    }
    // 9 and 10 statuses
    const status = statusAt(bytes, at + 1);
    if (status === -2) return false;
    at += status === -1 ? 2 : 4;
    if (bytes[at] !== SPACE) return false;
    const targetStatus = statusAt(bytes, at + 1);
    if (targetStatus === -2) return false;
    at += targetStatus === -1 ? 2 : 4;
    if (bytes[at] !== SPACE) return false;
    if (isOurs && status >= 0 && this.#isFailed[status] === 1 && this.#isInWindow(ended)) return false;
    // 11 and 12 bytes
    let received = 0;
    for (let field = 11; field <= 12; field += 1) {
      const first = ++at;
      let value = 0;
      for (byte = bytes[at] as number; byte >= ZERO && byte <= 57; byte = bytes[++at] as number)
        value = value * 10 + byte - ZERO;
      if (field === 11) received = Math.min(value, MOST_RECEIVED);
      if (byte !== SPACE || at === first || at > first + 15) return false;
    }
    // 13 request
    if (bytes[++at] !== QUOTE) return false;
    const request = at + 1;
    at = requestEnd(bytes, request, end);
    if (at === -1) return false;
    const routeKey = isOurs ? routeKeyOf(bytes, request, at) : 0;
    if (routeKey === -1) return false;
    // 14 user agent
    if (bytes[at + 1] !== SPACE || bytes[at + 2] !== QUOTE) return false;
    at += 3;
    while (bytes[at] !== QUOTE) if (++at >= end) return false;
    // 15 and 16 TLS
    if (bytes[at + 1] !== SPACE) return false;
    at += 2;
    for (let field = 15; field <= 16; field += 1) {
      const first = at;
      for (byte = bytes[at] as number; byte !== SPACE; byte = bytes[++at] as number) {
        if (byte === QUOTE || at >= end) return false;
      }
      if (at === first) return false;
      at += 1;
    }
    // 17 target group
    const group = at;
    for (byte = bytes[at] as number; byte !== SPACE; byte = bytes[++at] as number) {
      if (byte === QUOTE || byte > 126 || at >= end) return false;
      a = Math.imul(a ^ byte, FACTOR_A);
      b = Math.imul(b ^ byte, FACTOR_B);
    }
    const groupEnd = at;
    if (at === group) return false;
    a = Math.imul(a ^ SPACE, FACTOR_A);
    b = Math.imul(b ^ SPACE, FACTOR_B);
    // 18 trace id
    if (bytes[++at] !== QUOTE) return false;
    const trace = ++at;
    while (bytes[at] !== QUOTE) if (++at >= end) return false;
    const sample = at - trace < 8 ? -1 : hexAt(bytes, at - 8);
    if (sample === -1) return false;
    // 19 and 20 domain name, certificate
    for (let field = 19; field <= 20; field += 1) {
      if (bytes[at + 1] !== SPACE || bytes[at + 2] !== QUOTE) return false;
      at += 3;
      while (bytes[at] !== QUOTE) if (++at >= end) return false;
    }
    // 21 rule
    if (bytes[++at] !== SPACE) return false;
    byte = bytes[++at] as number;
    if (byte === DASH) at += bytes[at + 1] === 49 ? 2 : 1;
    else {
      const first = at;
      for (; byte >= ZERO && byte <= 57; byte = bytes[++at] as number);
      if (at === first) return false;
    }
    if (bytes[at] !== SPACE) return false;
    // 22 creation time
    if (bytes[at + 1] === DASH && bytes[at + 2] === SPACE) at += 2;
    else {
      if (!this.#readMoment(bytes, at + 1)) return false;
      at += 28;
    }
    if (bytes[at] !== SPACE) return false;
    // 23 and on: whatever fields there are, in quotes or without
    let node = -1;
    let nodeEnd = -1;
    for (let field = 23; at < end; field += 1) {
      // Here is the space before the field.
      byte = bytes[++at] as number;
      if (at >= end) return false;
      if (byte === QUOTE) {
        if (field === 34) return false;
        at += 1;
        while (bytes[at] !== QUOTE) if (++at >= end) return false;
        at += 1;
      } else {
        const first = at;
        for (; at < end && byte !== SPACE; byte = bytes[++at] as number)
          if (byte === QUOTE || byte > 126 || byte < SPACE) return false;
        if (at === first) return false;
        if (field === 34) {
          node = first;
          nodeEnd = at;
        }
      }
      if (at < end && bytes[at] !== SPACE) return false;
    }
    const account = this.#counts;
    account.lines += 1;
    account.entries += 1;
    if (!isOurs) {
      account.otherLoadBalancers += 1;
      return true;
    }
    if (this.#options.loadBalancer.id === null) this.#rememberName(bytes, elb, elbEnd);
    const isNamed = node !== -1 && !(nodeEnd === node + 1 && bytes[node] === DASH);
    const from = isNamed ? bytes : this.#nodeBytes;
    const last = isNamed ? nodeEnd : this.#nodeBytes.length;
    for (let index = isNamed ? node : 0; index < last; index += 1) {
      byte = from[index] as number;
      a = Math.imul(a ^ byte, FACTOR_A);
      b = Math.imul(b ^ byte, FACTOR_B);
    }
    const place = combineHashes(a, b);
    if (this.#recentPlaces[a & 255] !== place) {
      this.#recentPlaces[a & 255] = place;
      const own = isNamed ? bytes.toString('latin1', node, nodeEnd) : this.#node;
      this.#rememberPlace(
        place,
        bytes.toString('latin1', group, groupEnd),
        bytes.toString('latin1', target, targetEnd),
        own,
      );
    }
    const batch = this.#batch;
    const row = batch.rows;
    batch.rows = row + 1;
    const words = this.#words;
    put64(words.ended, row, ended);
    put64(words.place, row, place);
    put64(words.client, row, clientKey);
    put64(words.route, row, routeKey);
    batch.status[row] = status;
    batch.targetStatus[row] = targetStatus;
    batch.targetMs[row] = targetMs;
    batch.received[row] = received;
    batch.sample[row] = sample;
    return true;
  }

  /** "2026-03-10T09:00:00.213197Z" to `#moment`; false when it is not just that. A day after the 28th may not exist. */
  #readMoment(bytes: Buffer, at: number): boolean {
    if (bytes[at + 4] !== DASH || bytes[at + 7] !== DASH || bytes[at + 10] !== 84 || bytes[at + 26] !== 90)
      return false;
    if (bytes[at + 13] !== COLON || bytes[at + 16] !== COLON || bytes[at + 19] !== DOT) return false;
    const year = digits(bytes, at, 4);
    const month = digits(bytes, at + 5, 2);
    const day = digits(bytes, at + 8, 2);
    const hour = digits(bytes, at + 11, 2);
    const minute = digits(bytes, at + 14, 2);
    const second = digits(bytes, at + 17, 2);
    const micros = digits(bytes, at + 20, 6);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 28 || hour < 0 || hour > 23) return false;
    if (minute < 0 || minute > 59 || second < 0 || second > 59 || micros < 0) return false;
    const date = year * 10_000 + month * 100 + day;
    if (date !== this.#day) {
      this.#day = date;
      this.#dayStart = Date.UTC(year, month - 1, day) / 1000;
    }
    this.#moment[0] = (this.#dayStart + hour * 3600 + minute * 60 + second) * 1_000_000 + micros;
    return true;
  }
}

const emptyCounts = (): LineCounts => ({
  lines: 0,
  entries: 0,
  rejected: 0,
  otherLoadBalancers: 0,
  namesakes: [],
  firstRejected: null,
  firstLine: null,
});

const asWritten = (text: string): string => (text.includes('\\"') ? text.replaceAll('\\"', '\\x22') : text);

const statusNumber = (text: string): number => (text === '-' ? -1 : Number(text));

/** The last eight characters of a trace id as a hexadecimal number, 0 when they are none. */
function sampleOf(trace_id: string): number {
  const end = [...trace_id].slice(-8).join('');
  return /^[0-9a-fA-F]{1,8}$/.test(end) ? Number.parseInt(end, 16) : 0;
}

/** A number of so many digits; negative when there is another character. */
function digits(bytes: Buffer, at: number, count: number): number {
  let value = 0;
  for (let index = 0; index < count; index += 1) {
    const digit = (bytes[at + index] as number) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** -1 for "-", -2 for what is no status. */
function statusAt(bytes: Buffer, at: number): number {
  if (bytes[at] === DASH) return -1;
  const status = digits(bytes, at, 3);
  return status < 0 ? -2 : status;
}

/** Whether [from, to) is an address, `colon`, and one to five digits. */
function isPort(bytes: Buffer, from: number, colon: number, to: number): boolean {
  if (colon <= from || to - colon < 2 || to - colon > 6) return false;
  for (let at = colon + 1; at < to; at += 1) {
    const byte = bytes[at] as number;
    if (byte < ZERO || byte > 57) return false;
  }
  return true;
}

const HEX = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(digit) ? 255 : digit;
});

/** Eight hexadecimal digits as a number; 0 when they are not that, -1 when a character is not ASCII. */
function hexAt(bytes: Buffer, at: number): number {
  let value = 0;
  let isHex = true;
  for (let index = 0; index < 8; index += 1) {
    const byte = bytes[at + index] as number;
    if (byte > 126) return -1;
    const digit = HEX[byte] as number;
    if (digit === 255) isHex = false;
    value = value * 16 + digit;
  }
  return isHex ? value : 0;
}

/** Where the quoted request ends; -1 when it does not, or holds what is not ASCII. */
function requestEnd(bytes: Buffer, from: number, end: number): number {
  let at = from;
  for (let byte = bytes[at] as number; byte !== QUOTE; byte = bytes[++at] as number) {
    if (byte > 126 || at >= end) return -1;
  }
  return at;
}

/**
 * The key of the route of "METHOD http(s)://host/path?query HTTP/1.1", as keyOf(route(request)); -1 when the request is not in that form.
 * Segments that are ids count as ":id"; parameters behind a segment count as nothing.
 */
function routeKeyOf(bytes: Buffer, from: number, end: number): number {
  let at = from;
  let a = SEED_A;
  let b = SEED_B;
  let byte = bytes[at] as number;
  for (; byte >= 65 && byte <= 90; byte = bytes[++at] as number) {
    a = Math.imul(a ^ byte, FACTOR_A);
    b = Math.imul(b ^ byte, FACTOR_B);
  }
  if (byte !== SPACE || at === from) return -1;
  a = Math.imul(a ^ SPACE, FACTOR_A);
  b = Math.imul(b ^ SPACE, FACTOR_B);
  const method = at - from;
  // " HTTP/1.1" or " HTTP/2.0"
  const last = end - 9;
  if (
    last <= at ||
    bytes[last] !== SPACE ||
    bytes[last + 1] !== 72 ||
    bytes[last + 5] !== SLASH ||
    bytes[last + 7] !== DOT
  )
    return -1;
  if (bytes[last + 2] !== 84 || bytes[last + 3] !== 84 || bytes[last + 4] !== 80) return -1;
  const version = bytes[last + 6] as number;
  const minor = bytes[last + 8] as number;
  if (version < ZERO || version > 57 || minor < ZERO || minor > 57) return -1;
  // "http://" or "https://"
  at += 1;
  if (bytes[at] !== 104 || bytes[at + 1] !== 116 || bytes[at + 2] !== 116 || bytes[at + 3] !== 112) return -1;
  at += bytes[at + 4] === 115 ? 5 : 4;
  if (bytes[at] !== COLON || bytes[at + 1] !== SLASH || bytes[at + 2] !== SLASH) return -1;
  at += 3;
  // Host: without a path the parser is asked.
  for (byte = bytes[at] as number; byte !== SLASH; byte = bytes[++at] as number) {
    if (byte === QUESTION || byte === HASH || byte === SPACE || at >= last) return -1;
  }
  // Nothing is cut: an id of one digit grows by two characters.
  let length = method + 1;
  while (byte === SLASH) {
    a = Math.imul(a ^ SLASH, FACTOR_A);
    b = Math.imul(b ^ SLASH, FACTOR_B);
    const beforeA = a;
    const beforeB = b;
    const first = ++at;
    let numbers = 0;
    let others = 0;
    let dashes = 0;
    for (
      byte = bytes[at] as number;
      at < last && byte !== SLASH && byte !== QUESTION && byte !== HASH && byte !== SEMICOLON;
      byte = bytes[++at] as number
    ) {
      if (byte === SPACE) return -1;
      a = Math.imul(a ^ byte, FACTOR_A);
      b = Math.imul(b ^ byte, FACTOR_B);
      if (byte >= ZERO && byte <= 57) numbers += 1;
      else if (byte === DASH) dashes += 1;
      else if (HEX[byte] === 255) others += 1;
    }
    const size = at - first;
    if (others === 0 && isId(bytes, first, size, numbers, dashes)) {
      a = Math.imul(Math.imul(Math.imul(beforeA ^ COLON, FACTOR_A) ^ 105, FACTOR_A) ^ 100, FACTOR_A);
      b = Math.imul(Math.imul(Math.imul(beforeB ^ COLON, FACTOR_B) ^ 105, FACTOR_B) ^ 100, FACTOR_B);
      length += 4;
    } else length += 1 + size;
    if (byte === SEMICOLON) {
      for (; at < last && byte !== SLASH && byte !== QUESTION && byte !== HASH; byte = bytes[++at] as number)
        if (byte === SPACE) return -1;
    }
    if (at >= last) break;
  }
  for (; at < last; at += 1) if (bytes[at] === SPACE) return -1;
  return length > ROUTE_LENGTH ? -1 : combineHashes(a, b);
}

/** Whether a segment of hexadecimal characters, `numbers` of them digits, and dashes is an id: see ID_SEGMENT. */
function isId(bytes: Buffer, first: number, size: number, numbers: number, dashes: number): boolean {
  if (dashes === 0) return numbers > 0 && (numbers === size || size >= 8);
  return (
    dashes === 4 &&
    size === 36 &&
    bytes[first + 8] === DASH &&
    bytes[first + 13] === DASH &&
    bytes[first + 18] === DASH &&
    bytes[first + 23] === DASH
  );
}
