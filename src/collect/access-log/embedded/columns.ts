/**
 * Turns the bytes of log files into narrow columns: a scanner reads ordinary lines, the parser of entry.ts the rest.
 */
import type { Window } from '../../../evidence/question.ts';
import { isCloudFrontAgent } from '../cloudfront-agent.ts';
import { instant, type LogEntry, mayBeEntry, parseLine } from '../entry.ts';
import { failedStatuses } from '../failed-statuses.ts';
import type { WantedLoadBalancer } from '../log-files.ts';
import { route } from '../request-route.ts';
import { NAMED_ROUTES, SLOW_MS } from '../slow-limits.ts';
import { writeFailureDetail } from './failure-detail.ts';
import { HISTORY, type Inflater } from './inflater.ts';
import {
  BATCH,
  type LineColumns,
  type NamedRoute,
  type OpenScanner,
  openScanner,
  type Scanner,
  type TargetAndNode,
} from './scanner.ts';

export interface ColumnsOptions {
  loadBalancer: WantedLoadBalancer;
  window: Window;
  /** Status words from the question: "gateway", "502", "5xx", "elb-502". */
  statuses: readonly string[];
}

/** Bytes: the maximum of a 32-bit column. Larger values are clamped to it. */
const MOST_RECEIVED = 2_147_483_647;

/** Bytes. A longer line is not an entry, and is not held in memory. */
export const MAX_LINE = 16_777_216;

/** Maximum bytes read from a file at once: fits the caches of a core. */
const PIECE = 1 << 17;

/** Bytes: a longer unfinished line is copied out of the input. */
const LONGEST_KEPT = 1 << 17;

/** Entries of the load balancer: `rows` in each column, and the failures among them. */
export interface Batch extends LineColumns {
  rows: number;
  failures: FailureRows;
}

/** Failed entries of the window, by their row in the batch. */
export interface FailureRows {
  rows: number[];
  /** See failure-detail.ts. */
  details: string[];
}

/** Maximum failures of a batch: their texts are far larger than a row. */
const BATCH_FAILURES = 2048;

/** Line counts of one file; lines = entries + rejected. Entries include those of other load balancers. */
export interface LineCounts {
  lines: number;
  entries: number;
  rejected: number;
  otherLoadBalancers: number;
  /**
   * app/name/id of load balancers with the wanted name, when only a name was given; incomplete if there are very many.
   */
  namesakes: string[];
  /** The first rejected line, truncated, and its number from 1. */
  firstRejected: { line: number; text: string } | null;
  /** The first line that is not blank, truncated. */
  firstLine: string | null;
}

const KEPT_OF_REJECTED = 4096;
const KEPT_NAMESAKES = 100;

/** Turns the lines of one file after another into batches. */
export class Columns {
  readonly #options: ColumnsOptions;
  readonly #emit: (batch: Batch) => void;
  readonly #scanner: Scanner;
  readonly #isFailed: Uint8Array;
  /** Places found since `takePlaces` was last called, and the keys of all places found. */
  #places: TargetAndNode[] = [];
  readonly #known = new Set<number>();
  /** The same of routes with a slow answer or a 400, at most one more than NAMED_ROUTES. */
  #namedRoutes: NamedRoute[] = [];
  readonly #knownRoutes = new Set<number>();
  #failures: FailureRows = { rows: [], details: [] };
  #counts: LineCounts = emptyCounts();
  #node = '-';
  /** An unfinished line: [start, end) of the input. */
  #start = 0;
  #end = 0;
  /** The start of a line too long for the input, in the pieces it arrived in, and its length. */
  #rest: Buffer[] = [];
  #restLength = 0;
  /** True inside a line that exceeds MAX_LINE. */
  #isSkipping = false;

  /** Throws RangeError for a word that is not a status. */
  constructor(options: ColumnsOptions, emit: (batch: Batch) => void, open: OpenScanner = openScanner) {
    this.#options = options;
    this.#emit = emit;
    const { name, id } = options.loadBalancer;
    this.#isFailed = failedStatuses(options.statuses);
    this.#scanner = open(
      {
        wanted: Buffer.from(id === null ? `app/${name}/` : `app/${name}/${id} `),
        byName: id === null,
        isFailed: this.#isFailed,
        window: options.window,
      },
      {
        exactly: (from, to) => this.#parseBytes(from, to),
        failed: (row, detail) => this.#addFailure(row, detail),
        named: (loadBalancer) => this.#rememberName(loadBalancer),
        isKnown: (place) => this.#known.has(place),
        met: (place) => this.#rememberPlace(place),
      },
    );
  }

  /** Starts a file; `node` is the one in its name. */
  begin(node: string | null): void {
    this.#counts = emptyCounts();
    this.#node = node ?? '-';
    this.#start = 0;
    this.#end = 0;
    this.#dropHeld();
    this.#isSkipping = false;
    this.#scanner.begin(this.#node);
  }

  get inflater(): Inflater | null {
    return this.#scanner.inflater;
  }

  /**
   * Returns where to write the next bytes of the file: in `bytes` from `at` on, at most `length`. Call `filled`
   * afterwards. The last HISTORY bytes of the file stay in front of `at`.
   */
  room(): { bytes: Buffer; at: number; length: number } {
    const { input } = this.#scanner;
    if (this.#end + PIECE > input.length) this.#makeRoom(input);
    return { bytes: input, at: this.#end, length: PIECE };
  }

  /** Moves the unfinished line and the last HISTORY bytes to the start of the input. A long line is held outside of it. */
  #makeRoom(input: Buffer): void {
    if (this.#end - this.#start > LONGEST_KEPT) {
      this.#hold(input.subarray(this.#start, this.#end));
      this.#start = this.#end;
    }
    const from = Math.min(this.#start, Math.max(0, this.#end - HISTORY));
    input.copyWithin(0, from, this.#end);
    this.#start -= from;
    this.#end -= from;
  }

  /** Processes `length` bytes of the file, written where `room` said. */
  filled(length: number): void {
    const { input } = this.#scanner;
    const to = this.#end + length;
    let from = this.#start;
    this.#end = to;
    if (this.#isSkipping || this.#restLength > 0) {
      const lineFeed = input.subarray(from, to).indexOf(10);
      if (lineFeed === -1) {
        this.#hold(input.subarray(from, to));
        this.#start = to;
        return;
      }
      if (this.#isSkipping) this.#isSkipping = false;
      else this.#parseHeldLine(input.subarray(from, from + lineFeed));
      from += lineFeed + 1;
    }
    this.#start = this.#scan(from, to);
  }

  /** Processes the next bytes of the file. */
  feed(piece: Buffer): void {
    for (let from = 0; from < piece.length; from += PIECE) {
      const { bytes, at } = this.room();
      this.filled(piece.copy(bytes, at, from, from + PIECE));
    }
  }

  /** Ends the file and returns its line counts. */
  end(): LineCounts {
    const { input } = this.#scanner;
    if (this.#end === input.length) this.#makeRoom(input);
    if (this.#restLength > 0) this.#parseHeldLine(Buffer.alloc(0));
    else if (this.#end > this.#start) {
      input[this.#end] = 10;
      this.#scan(this.#start, this.#end + 1);
    }
    this.flush();
    const counts = this.#counts;
    counts.lines += this.#scanner.entries;
    counts.entries += this.#scanner.entries;
    counts.otherLoadBalancers += this.#scanner.others;
    return counts;
  }

  /** Emits the rows that are still buffered. */
  flush(): void {
    const { rows, columns } = this.#scanner;
    this.#scanner.isFull = false;
    if (rows === 0) return;
    this.#scanner.rows = 0;
    const failures = this.#failures;
    this.#failures = { rows: [], details: [] };
    this.#emit({
      rows,
      failures,
      ended: shared(columns.ended, rows),
      place: shared(columns.place, rows),
      client: shared(columns.client, rows),
      route: shared(columns.route, rows),
      sample: shared(columns.sample, rows),
      targetMs: shared(columns.targetMs, rows),
      received: shared(columns.received, rows),
      status: shared(columns.status, rows),
      targetStatus: shared(columns.targetStatus, rows),
    });
  }

  /** Returns the places found since the last call. */
  takePlaces(): TargetAndNode[] {
    return this.#places.splice(0);
  }

  /** Returns the routes with a slow answer or a 400 found since the last call. */
  takeNamedRoutes(): NamedRoute[] {
    return this.#namedRoutes.splice(0);
  }

  /** Scans the whole lines of [from, to) of the input; returns where the rest starts. */
  #scan(from: number, to: number): number {
    for (let start = from; ; this.flush()) {
      start = this.#scanner.scan(start, to);
      if (this.#scanner.rows < BATCH && !this.#scanner.isFull) return start;
    }
  }

  #hold(piece: Buffer): void {
    if (this.#isSkipping) return;
    // Copied, because the input buffer is reused.
    this.#rest.push(Buffer.from(piece));
    this.#restLength += piece.length;
    if (this.#restLength <= MAX_LINE) return;
    const text = Buffer.concat(this.#rest, KEPT_OF_REJECTED).toString();
    this.#dropHeld();
    this.#isSkipping = true;
    this.#scanner.line += 1;
    this.#reject(text);
  }

  #dropHeld(): void {
    this.#rest = [];
    this.#restLength = 0;
  }

  /** Parses the held line, whose last piece is `piece`. */
  #parseHeldLine(piece: Buffer): void {
    const line = Buffer.concat([...this.#rest, piece]);
    this.#dropHeld();
    this.#scanner.line += 1;
    this.#parse(line.toString().replace(/\r$/, ''));
    if (this.#scanner.rows === BATCH || this.#scanner.isFull) this.flush();
  }

  /** Lines that cannot be entries are counted without being parsed: a file may contain millions of them. */
  #parseBytes(from: number, to: number): void {
    const { input } = this.#scanner;
    const counts = this.#counts;
    if (counts.firstRejected !== null && !mayBeEntry(to - from, input[from] ?? 0)) {
      counts.lines += 1;
      counts.rejected += 1;
    } else this.#parse(input.toString('utf8', from, to));
  }

  #reject(text: string): void {
    const counts = this.#counts;
    // Only files whose first line is not an entry need it later.
    if (counts.lines === 0 && this.#scanner.entries === 0) counts.firstLine = text.slice(0, KEPT_OF_REJECTED);
    counts.lines += 1;
    counts.rejected += 1;
    counts.firstRejected ??= { line: this.#scanner.line, text: text.slice(0, KEPT_OF_REJECTED) };
  }

  #parse(text: string): void {
    // A byte order mark is not part of the first line.
    const parsed = parseLine(this.#scanner.line === 1 ? text.replace(/^\uFEFF/, '') : text);
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
    if (id === null) this.#rememberName(entry.elb);
    this.#addEntry(entry);
  }

  #rememberName(loadBalancer: string): void {
    const { namesakes } = this.#counts;
    if (namesakes.length < KEPT_NAMESAKES && !namesakes.includes(loadBalancer)) namesakes.push(loadBalancer);
  }

  #isInWindow(ended: number): boolean {
    const { from, to } = this.#options.window;
    return ended >= from * 1000 && ended < to * 1000;
  }

  /** Adds an entry; a quote that a tool unescaped to `\"` is restored to what the load balancer wrote. */
  #addEntry(entry: LogEntry): void {
    const client_address = entry.client.replace(/:[0-9]+$/, '');
    const node = entry.ip_address === undefined || entry.ip_address === '-' ? this.#node : asWritten(entry.ip_address);
    const target_group_arn = asWritten(entry.target_group_arn ?? '-');
    const scanner = this.#scanner;
    const place = scanner.hashPlace(target_group_arn, entry.target, node);
    this.#rememberPlace({ key: place, target_group_arn, target: entry.target, node });
    const route_text = asWritten(route(entry.request_line ?? '-'));
    const trace_id = asWritten(entry.trace_id ?? '-');
    const ended = Math.round((instant(entry.time) ?? 0) * 1000);
    const status = statusNumber(entry.elb_status_code);

    const { columns, rows: row } = scanner;
    scanner.rows = row + 1;
    columns.ended[row] = ended;
    columns.place[row] = place;
    columns.client[row] = scanner.hashText(client_address);
    const routeKey = scanner.hashText(route_text);
    columns.route[row] = routeKey;
    columns.sample[row] = sampleOf(trace_id);
    const targetMs = Math.round(entry.target_processing_time * 1000);
    columns.targetMs[row] = targetMs;
    columns.received[row] = Math.min(MOST_RECEIVED, entry.received_bytes);
    columns.status[row] = status;
    columns.targetStatus[row] = statusNumber(entry.target_status_code);
    if (!this.#isInWindow(ended)) return;
    const isSlow = targetMs >= SLOW_MS && entry.target_status_code !== '-';
    if (isSlow || entry.target_status_code === '400') this.#rememberRoute({ key: routeKey, route_text });
    if (status < 0 || this.#isFailed[status] === 0) return;

    const created = instant(entry.request_creation_time);
    const detail = writeFailureDetail({
      request_type: entry.type,
      client_address,
      request_processing_time: entry.request_processing_time,
      target_processing_time: entry.target_processing_time,
      response_processing_time: entry.response_processing_time,
      received_bytes: entry.received_bytes,
      sent_bytes: entry.sent_bytes,
      route_text,
      trace_id,
      matched_rule_priority: entry.matched_rule_priority ?? '-',
      created: created === null ? null : Math.round(created * 1000),
      actions_executed: asWritten(entry.actions_executed ?? '-'),
      error_reason: asWritten(entry.error_reason ?? '-'),
      classification_reason: asWritten(entry.classification_reason ?? '-'),
      by_cloudfront: isCloudFrontAgent(entry.user_agent ?? '-'),
    });
    this.#addFailure(row, detail);
  }

  #addFailure(row: number, detail: string): void {
    this.#failures.rows.push(row);
    this.#failures.details.push(detail);
    if (this.#failures.rows.length === BATCH_FAILURES) this.#scanner.isFull = true;
  }

  #rememberRoute(route: NamedRoute): void {
    if (this.#knownRoutes.has(route.key) || this.#knownRoutes.size > NAMED_ROUTES) return;
    this.#knownRoutes.add(route.key);
    this.#namedRoutes.push(route);
    if (this.#knownRoutes.size > NAMED_ROUTES) this.#scanner.ignoreRoutes();
  }

  #rememberPlace(place: TargetAndNode): void {
    if (this.#known.has(place.key)) return;
    this.#known.add(place.key);
    this.#places.push(place);
  }
}

type Column = Float64Array | Uint32Array | Int32Array | Int16Array;

/** Copies the first rows of a column to shared memory, for the thread that counts the traffic. */
function shared<T extends Column>(column: T, rows: number): T {
  const buffer = new SharedArrayBuffer(rows * column.BYTES_PER_ELEMENT);
  const copy = new (column.constructor as new (buffer: SharedArrayBuffer) => T)(buffer);
  copy.set(column.subarray(0, rows));
  return copy;
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

/** Returns the last eight characters of a trace id as a hexadecimal number, 0 if they are not hexadecimal. */
function sampleOf(trace_id: string): number {
  const end = trace_id.slice(-8);
  return /^[0-9a-fA-F]{1,8}$/.test(end) ? Number.parseInt(end, 16) : 0;
}
