/**
 * Finds the lines in the bytes of a file. Lines in the ordinary form become columns and texts of failures; all other
 * lines go to the parser of entry.ts. The scanner itself is WebAssembly (wasm/scan-lines.ts). `exactScanner` sends
 * every line to the parser: tests compare the WebAssembly scanner with it, and it is the fallback without WebAssembly
 * (node --jitless) and in a checkout that was never built.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { Window } from '../../../evidence/question.ts';
import { errorCode } from '../../../problem.ts';
import { CLOUDFRONT_AGENT } from '../cloudfront-agent.ts';
import { type Global, type InflateModule, Inflater } from './inflater.ts';
import { hashPlace, hashText } from './keys.ts';

/** Rows of the columns. */
export const BATCH = 65_536;

/** Columns of equal length. Keys are whole numbers below 2^53, equal for equal things. */
export interface LineColumns {
  /** Microseconds since the epoch. */
  ended: Float64Array;
  place: Float64Array;
  /** Key of the address without port. */
  client: Float64Array;
  route: Float64Array;
  /** The last eight hexadecimal digits of the trace id as a number; 0 if they are not hexadecimal. */
  sample: Uint32Array;
  /** target_processing_time in milliseconds; -1000 for -1. */
  targetMs: Int32Array;
  /** received_bytes, at most 2^31 - 1. */
  received: Int32Array;
  /** -1 for "-". */
  status: Int16Array;
  targetStatus: Int16Array;
}

/** A target and a load balancer node, as the log names them. */
export interface TargetAndNode {
  key: number;
  target_group_arn: string;
  target: string;
  /** "-" if unknown. */
  node: string;
}

/** A route and its key. */
export interface NamedRoute {
  key: number;
  route_text: string;
}

/** What to look for in a log. */
interface ScanQuestion {
  /** The first bytes of the load balancer field and the space after it. */
  wanted: Buffer;
  /** Whether to report the load balancers that match `wanted`. */
  byName: boolean;
  /** 1 for each status from 0 to 999 that is a failure; failures inside the window are reported with their texts. */
  isFailed: Uint8Array;
  window: Window;
}

/** Callbacks for what a scanner cannot handle itself. */
export interface ScanEvents {
  /** A line at [from, to) of the input, without its line break; never blank. */
  exactly(from: number, to: number): void;
  /** A failure of the window, whose row is filled. `detail`: see failure-detail.ts. */
  failed(row: number, detail: string): void;
  /** A matching load balancer, the first time it appears in this file. */
  named(name: string): void;
  /** Whether a place is known, by its key. */
  isKnown(place: number): boolean;
  /** A place that is not known yet. */
  met(place: TargetAndNode): void;
}

export interface Scanner {
  /** Buffer for the bytes of the file. */
  readonly input: Buffer;
  /** Decompresses into `input`; null without WebAssembly. */
  readonly inflater: Inflater | null;
  /** BATCH rows long. */
  readonly columns: LineColumns;
  /** Rows that are filled. */
  rows: number;
  /** Lines of the file so far, including blank ones. */
  line: number;
  /** Lines of the file that were not handed over, and how many of these belong to other load balancers. */
  readonly entries: number;
  readonly others: number;
  /** May be set while a line is handed over: the scan then stops after that line. */
  isFull: boolean;
  begin(node: string): void;
  /** Ends the handing over of routes with a slow answer or a 400: no more of them are kept. */
  ignoreRoutes(): void;
  /**
   * Scans the lines of [from, to) of the input up to the last whole one, or until the columns are full; returns where
   * the first unscanned line starts. May overwrite the byte at `to`.
   */
  scan(from: number, to: number): number;
  hashText(text: string): number;
  hashPlace(target_group_arn: string, target: string, node: string): number;
}

export type OpenScanner = (question: ScanQuestion, events: ScanEvents) => Scanner;

/** The built module: next to the bundle, or in dist/ of a checkout. */
const IS_SOURCE = import.meta.url.endsWith('.ts');
const MODULE = new URL(IS_SOURCE ? '../../../../dist/scan-lines.wasm' : './scan-lines.wasm', import.meta.url);

/** The part of WebAssembly used here; Node's types lack it. */
declare const WebAssembly:
  | {
      Module: new (bytes: Uint8Array) => object;
      Instance: new (module: object, imports: object) => { exports: unknown };
    }
  | undefined;

let compiled: object | null | undefined;

/** Opens the WebAssembly scanner. Throws if the bundle is incomplete. */
export const openScanner: OpenScanner = (question, events) => {
  if (compiled === undefined) compiled = compile();
  return compiled === null ? exactScanner(question, events) : new ModuleScanner(compiled, question, events);
};

/** The memory of a module built from older source is laid out differently, so it would read every line wrongly. */
function isOutdated(): boolean {
  if (!IS_SOURCE) return false;
  const built = statSync(MODULE).mtimeMs;
  const sources = new URL('wasm/', import.meta.url);
  const names = readdirSync(sources).filter((name) => name.endsWith('.ts'));
  return names.some((name) => statSync(new URL(name, sources)).mtimeMs > built);
}

function compile(): object | null {
  if (typeof WebAssembly === 'undefined') return null;
  try {
    return isOutdated() ? null : new WebAssembly.Module(readFileSync(MODULE));
  } catch (error) {
    if (IS_SOURCE && errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Exports of wasm/scan-lines.ts. Addresses and sizes refer to its memory, which never grows. */
interface ScanModule extends InflateModule, Record<(typeof ADDRESSES)[number], Global<number>> {
  rows: Global<number>;
  line: Global<number>;
  entries: Global<number>;
  others: Global<number>;
  ask(wantedLength: number, cloudFrontLength: number, byName: number, from: bigint, to: bigint): void;
  begin(nodeLength: number): void;
  setFull(value: number): void;
  ignoreRoutes(): void;
  scan(from: number, to: number): number;
  keyOfText(length: number): number;
  keyOfPlace(targetLength: number, groupLength: number, length: number): number;
}

const ADDRESSES = [
  ...(['INPUT', 'INPUT_SIZE', 'WANTED', 'NODE', 'TEXT_SIZE', 'FAILED', 'SCRATCH', 'SCRATCH_SIZE'] as const),
  ...(['CLOUDFRONT', 'DETAIL'] as const),
  ...(['ENDED', 'PLACE', 'CLIENT', 'ROUTE_KEY', 'SAMPLE', 'TARGET_MS', 'RECEIVED', 'STATUS', 'TARGET_STATUS'] as const),
] as const;

class ModuleScanner implements Scanner {
  readonly input: Buffer;
  readonly inflater: Inflater;
  readonly columns: LineColumns;
  readonly #module: ScanModule;
  readonly #memory: Buffer;
  readonly #scratch: Buffer;
  #node = '-';
  #isFull = false;

  constructor(compiled: object, question: ScanQuestion, events: ScanEvents) {
    if (WebAssembly === undefined) throw new Error('there is no WebAssembly');
    const imports = {
      exactly: (from: number, to: number) =>
        events.exactly(from - this.#module.INPUT.value, to - this.#module.INPUT.value),
      failed: (row: number, to: number) => events.failed(row, this.#text(this.#module.DETAIL.value, to)),
      named: (from: number, to: number) => events.named(this.#text(from, to)),
      met: (
        key: number,
        ...[group, groupEnd, target, targetEnd, node, nodeEnd]: [number, number, number, number, number, number]
      ) => {
        if (events.isKnown(key)) return;
        events.met({
          key,
          target_group_arn: this.#text(group, groupEnd),
          target: this.#text(target, targetEnd),
          node: node === 0 ? this.#node : this.#text(node, nodeEnd),
        });
      },
    };
    const { exports } = new WebAssembly.Instance(compiled, { 'scan-lines': imports });
    const module = exports as ScanModule;
    const { buffer } = module.memory;
    this.#module = module;
    this.inflater = new Inflater(module);
    this.#memory = Buffer.from(buffer);
    this.input = this.#part(module.INPUT, module.INPUT_SIZE);
    this.#scratch = this.#part(module.SCRATCH, module.SCRATCH_SIZE);
    this.columns = {
      ended: new Float64Array(buffer, module.ENDED.value, BATCH),
      place: new Float64Array(buffer, module.PLACE.value, BATCH),
      client: new Float64Array(buffer, module.CLIENT.value, BATCH),
      route: new Float64Array(buffer, module.ROUTE_KEY.value, BATCH),
      sample: new Uint32Array(buffer, module.SAMPLE.value, BATCH),
      targetMs: new Int32Array(buffer, module.TARGET_MS.value, BATCH),
      received: new Int32Array(buffer, module.RECEIVED.value, BATCH),
      status: new Int16Array(buffer, module.STATUS.value, BATCH),
      targetStatus: new Int16Array(buffer, module.TARGET_STATUS.value, BATCH),
    };
    const { wanted, byName, isFailed, window } = question;
    wanted.copy(this.#part(module.WANTED, module.TEXT_SIZE));
    this.#memory.set(isFailed, module.FAILED.value);
    // A longer text matches no line, because the scanner accepts no load balancer field that long.
    const length = Math.min(wanted.length, module.TEXT_SIZE.value + 1);
    const agentLength = this.#memory.write(CLOUDFRONT_AGENT, module.CLOUDFRONT.value);
    module.ask(length, agentLength, Number(byName), BigInt(window.from) * 1000n, BigInt(window.to) * 1000n);
  }

  get rows(): number {
    return this.#module.rows.value;
  }
  set rows(rows: number) {
    this.#module.rows.value = rows;
  }
  get line(): number {
    return this.#module.line.value;
  }
  set line(line: number) {
    this.#module.line.value = line;
  }
  get isFull(): boolean {
    return this.#isFull;
  }
  set isFull(isFull: boolean) {
    this.#isFull = isFull;
    this.#module.setFull(Number(isFull));
  }
  get entries(): number {
    return this.#module.entries.value;
  }
  get others(): number {
    return this.#module.others.value;
  }

  begin(node: string): void {
    const { TEXT_SIZE, NODE } = this.#module;
    const bytes = Buffer.from(node);
    this.#node = node;
    this.#module.begin(bytes.length <= TEXT_SIZE.value ? bytes.copy(this.#memory, NODE.value) : 0);
  }

  ignoreRoutes(): void {
    this.#module.ignoreRoutes();
  }

  scan(from: number, to: number): number {
    const start = this.#module.INPUT.value;
    return this.#module.scan(start + from, start + to) - start;
  }

  hashText(text: string): number {
    const length = Buffer.byteLength(text);
    if (length > this.#scratch.length) return hashText(text);
    this.#scratch.write(text);
    return this.#module.keyOfText(length);
  }

  hashPlace(target_group_arn: string, target: string, node: string): number {
    const [targetLength, groupLength, nodeLength] = [target, target_group_arn, node].map((text) =>
      Buffer.byteLength(text),
    ) as [number, number, number];
    const length = targetLength + groupLength + nodeLength;
    if (length > this.#scratch.length) return hashPlace(target_group_arn, target, node);
    this.#scratch.write(target + target_group_arn + node);
    return this.#module.keyOfPlace(targetLength, groupLength, length);
  }

  #part(address: Global<number>, size: Global<number>): Buffer {
    return this.#memory.subarray(address.value, address.value + size.value);
  }

  #text(from: number, to: number): string {
    return this.#memory.toString('latin1', from, to);
  }
}

/** A scanner that sends every line to the parser. */
export const exactScanner: OpenScanner = (_, events) => {
  const input = Buffer.alloc(INPUT_SIZE);
  return {
    input,
    inflater: null,
    columns: {
      ended: new Float64Array(BATCH),
      place: new Float64Array(BATCH),
      client: new Float64Array(BATCH),
      route: new Float64Array(BATCH),
      sample: new Uint32Array(BATCH),
      targetMs: new Int32Array(BATCH),
      received: new Int32Array(BATCH),
      status: new Int16Array(BATCH),
      targetStatus: new Int16Array(BATCH),
    },
    ...{ rows: 0, line: 0, entries: 0, others: 0, isFull: false },
    ...{ hashText, hashPlace },
    begin() {
      this.line = 0;
    },
    ignoreRoutes() {},
    scan(from, to) {
      let start = from;
      while (this.rows < BATCH && !this.isFull) {
        const lineFeed = input.indexOf(10, start);
        if (lineFeed === -1 || lineFeed >= to) break;
        this.line += 1;
        const end = lineFeed > start && input[lineFeed - 1] === 13 ? lineFeed - 1 : lineFeed;
        if (end > start) events.exactly(start, end);
        start = lineFeed + 1;
      }
      return start;
    },
  };
};

/** Bytes, as in wasm/scan-lines.ts. */
const INPUT_SIZE = 524_288;
