/** The bytes of log files → narrow columns, by a scanner and, for what that hands over, by the parser of entry.ts. */
import type { Window } from '../../../evidence/evidence.ts';
import { statusRanges } from '../../../query/statuses.ts';
import { instant, type LogEntry, mayBeEntry, parseLine } from '../entry.ts';
import type { WantedLoadBalancer } from '../log-files.ts';
import { CLIENT_FAILURES } from '../queries.ts';
import { route } from '../request-route.ts';
import { BATCH, type LineColumns, type OpenScanner, openScanner, type Scanner, type TargetAndNode } from './scanner.ts';

export interface ColumnsOptions {
  loadBalancer: WantedLoadBalancer;
  window: Window;
  /** As asked: "gateway", "502", "5xx", "elb-502". */
  statuses: readonly string[];
}

/** Bytes: what a column of 32 bits holds. More are as good as the most. */
const MOST_RECEIVED = 2_147_483_647;

/** Bytes. A longer line is no entry, and is not held in memory. */
export const MAX_LINE = 16_777_216;

/** Bytes that a file gives at once, at most: what the caches of a core hold. */
const PIECE = 1 << 18;

/** Entries of the load balancer: `rows` in each column, and the failures among them. */
export interface Batch extends LineColumns {
  rows: number;
  failures: FailureRows;
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

/** The lines of one file after another to batches. */
export class Columns {
  readonly #options: ColumnsOptions;
  readonly #emit: (batch: Batch) => void;
  readonly #scanner: Scanner;
  readonly #isFailed: Uint8Array;
  /** Places since the last time they were taken, and all that were ever met. */
  #places: TargetAndNode[] = [];
  readonly #known = new Set<number>();
  #failures: FailureRows = { rows: [], details: [] };
  #counts: LineCounts = emptyCounts();
  #node = '-';
  /** Bytes at the beginning of the input: those of a line whose end has not come yet. */
  #kept = 0;
  /** The beginning of a line that is too long for the input, in the pieces it came in, and its length. */
  #rest: Buffer[] = [];
  #restLength = 0;
  /** Inside of a line that is too long. */
  #isSkipping = false;

  /** Throws RangeError for a word that is no status. */
  constructor(options: ColumnsOptions, emit: (batch: Batch) => void, open: OpenScanner = openScanner) {
    this.#options = options;
    this.#emit = emit;
    const { name, id } = options.loadBalancer;
    // As `failedSql` has it.
    const ranges = [{ from: 500, to: 599 }, ...statusRanges(options.statuses)];
    this.#isFailed = Uint8Array.from({ length: 1000 }, (_, status) =>
      CLIENT_FAILURES.includes(status) || ranges.some(({ from, to }) => status >= from && status <= to) ? 1 : 0,
    );
    this.#scanner = open(
      {
        wanted: Buffer.from(id === null ? `app/${name}/` : `app/${name}/${id} `),
        byName: id === null,
        isFailed: this.#isFailed,
        window: options.window,
      },
      {
        exactly: (from, to) => this.#parseBytes(from, to),
        named: (loadBalancer) => this.#rememberName(loadBalancer),
        isKnown: (place) => this.#known.has(place),
        met: (place) => this.#rememberPlace(place),
      },
    );
  }

  /** Begins a file; `node` is that of its name. */
  begin(node: string | null): void {
    this.#counts = emptyCounts();
    this.#node = node ?? '-';
    this.#kept = 0;
    this.#dropHeld();
    this.#isSkipping = false;
    this.#scanner.begin(this.#node);
  }

  /** Where the next bytes of the file may be written: in `bytes` from `at` on, at most `length`. Then `filled` takes them. */
  room(): { bytes: Buffer; at: number; length: number } {
    return { bytes: this.#scanner.input, at: this.#kept, length: PIECE };
  }

  /** So many bytes of the file are where `room` said. */
  filled(length: number): void {
    const { input } = this.#scanner;
    const to = this.#kept + length;
    let from = 0;
    if (this.#isSkipping || this.#restLength > 0) {
      const lineFeed = input.subarray(0, to).indexOf(10);
      if (lineFeed === -1) {
        this.#hold(input.subarray(0, to));
        return;
      }
      if (this.#isSkipping) this.#isSkipping = false;
      else this.#parseHeldLine(input.subarray(0, lineFeed));
      from = lineFeed + 1;
    }
    from = this.#scan(from, to);
    this.#kept = to - from;
    if (this.#kept + PIECE <= input.length) input.copyWithin(0, from, to);
    else {
      this.#hold(input.subarray(from, to));
      this.#kept = 0;
    }
  }

  /** The next bytes of the file. */
  feed(piece: Buffer): void {
    for (let from = 0; from < piece.length; from += PIECE) {
      const { bytes, at } = this.room();
      this.filled(piece.copy(bytes, at, from, from + PIECE));
    }
  }

  /** Ends the file. */
  end(): LineCounts {
    const { input } = this.#scanner;
    if (this.#restLength > 0) this.#parseHeldLine(Buffer.alloc(0));
    else if (this.#kept > 0) {
      input[this.#kept] = 10;
      this.#scan(0, this.#kept + 1);
    }
    this.flush();
    const counts = this.#counts;
    counts.lines += this.#scanner.entries;
    counts.entries += this.#scanner.entries;
    counts.otherLoadBalancers += this.#scanner.others;
    return counts;
  }

  /** Hands out what is not handed out yet. */
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
      ended: columns.ended.slice(0, rows),
      place: columns.place.slice(0, rows),
      client: columns.client.slice(0, rows),
      route: columns.route.slice(0, rows),
      sample: columns.sample.slice(0, rows),
      targetMs: columns.targetMs.slice(0, rows),
      received: columns.received.slice(0, rows),
      status: columns.status.slice(0, rows),
      targetStatus: columns.targetStatus.slice(0, rows),
    });
  }

  /** Places that were met for the first time. */
  takePlaces(): TargetAndNode[] {
    return this.#places.splice(0);
  }

  /** The whole lines of [from, to) of the input; returns where the rest begins. */
  #scan(from: number, to: number): number {
    for (let start = from; ; this.flush()) {
      start = this.#scanner.scan(start, to);
      if (this.#scanner.rows < BATCH && !this.#scanner.isFull) return start;
    }
  }

  #hold(piece: Buffer): void {
    if (this.#isSkipping) return;
    // A copy: the input is filled again.
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

  /** The line that is held, with its end. */
  #parseHeldLine(piece: Buffer): void {
    const line = Buffer.concat([...this.#rest, piece]);
    this.#dropHeld();
    this.#scanner.line += 1;
    this.#parse(line.toString().replace(/\r$/, ''));
    if (this.#scanner.rows === BATCH || this.#scanner.isFull) this.flush();
  }

  /** What cannot be an entry is counted without being read: a file may hold millions of such lines. */
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
    // A file whose first line is an entry needs no second look.
    if (counts.lines === 0 && this.#scanner.entries === 0) counts.firstLine = text.slice(0, KEPT_OF_REJECTED);
    counts.lines += 1;
    counts.rejected += 1;
    counts.firstRejected ??= { line: this.#scanner.line, text: text.slice(0, KEPT_OF_REJECTED) };
  }

  #parse(text: string): void {
    // A byte order mark is no part of the first line.
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

  /** A quote that a tool put back behind a backslash becomes what the load balancer wrote. */
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
    columns.ended[row] = BigInt(ended);
    columns.place[row] = BigInt(place);
    columns.client[row] = BigInt(scanner.hashText(client_address));
    columns.route[row] = BigInt(scanner.hashText(route_text));
    columns.sample[row] = sampleOf(trace_id);
    columns.targetMs[row] = Math.round(entry.target_processing_time * 1000);
    columns.received[row] = Math.min(MOST_RECEIVED, entry.received_bytes);
    columns.status[row] = status;
    columns.targetStatus[row] = statusNumber(entry.target_status_code);
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
    this.#failures.rows.push(row);
    this.#failures.details.push(detail.join('"'));
    if (this.#failures.rows.length === BATCH_FAILURES) scanner.isFull = true;
  }

  #rememberPlace(place: TargetAndNode): void {
    if (this.#known.has(place.key)) return;
    this.#known.add(place.key);
    this.#places.push(place);
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
  const end = trace_id.slice(-8);
  return /^[0-9a-fA-F]{1,8}$/.test(end) ? Number.parseInt(end, 16) : 0;
}
