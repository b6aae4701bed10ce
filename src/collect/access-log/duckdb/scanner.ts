/**
 * Finds the lines in the bytes of a file and turns those in the ordinary form into columns; every other one is handed to the parser of
 * entry.ts. The scanner proper is WebAssembly (wasm/scan-lines.ts). `exactScanner` hands over every line: what the other one says is
 * tested against it, and it serves where there is no WebAssembly (node --jitless) and in a checkout that was never built.
 */
import { readFileSync } from 'node:fs';
import type { Window } from '../../../evidence/evidence.ts';
import { hashPlace, hashText } from './keys.ts';

/** Rows of the columns. */
export const BATCH = 65_536;

/** Columns of the same length. Keys are whole numbers below 2^53, equal exactly for equal things. */
export interface LineColumns {
  /** Microseconds since the epoch. */
  ended: BigInt64Array<ArrayBuffer>;
  place: BigInt64Array<ArrayBuffer>;
  /** Key of the address without port. */
  client: BigInt64Array<ArrayBuffer>;
  route: BigInt64Array<ArrayBuffer>;
  /** The last eight hexadecimal digits of the trace id as a number; 0 where they are none. */
  sample: Uint32Array<ArrayBuffer>;
  /** target_processing_time in milliseconds; -1000 for -1. */
  targetMs: Int32Array<ArrayBuffer>;
  /** received_bytes, at most 2^31 - 1. */
  received: Int32Array<ArrayBuffer>;
  /** -1 for "-". */
  status: Int16Array<ArrayBuffer>;
  targetStatus: Int16Array<ArrayBuffer>;
}

/** A place as the log names it. */
export interface TargetAndNode {
  key: number;
  target_group_arn: string;
  target: string;
  /** "-" where it is not known. */
  node: string;
}

/** What is to be looked for in a log. */
export interface ScanQuestion {
  /** The bytes that the field of the load balancer and the space behind it begin with. */
  wanted: Buffer;
  /** Whether the load balancers that begin so have to be named. */
  byName: boolean;
  /** 1 for each status from 0 to 999 that is a failure, which inside of the window is handed over. */
  isFailed: Uint8Array;
  window: Window;
}

/** What a scanner cannot deal with itself. */
export interface ScanEvents {
  /** A line at [from, to) of the input, without its line break; never a blank one. */
  exactly(from: number, to: number): void;
  /** A load balancer that was wanted and not met in this file before. */
  named(name: string): void;
  /** Whether a place is known, by its key. */
  isKnown(place: number): boolean;
  /** A place that is not known. */
  met(place: TargetAndNode): void;
}

export interface Scanner {
  /** Where the bytes of the file are put, and what it can hold of them. */
  readonly input: Buffer;
  /** Of BATCH rows. */
  readonly columns: LineColumns;
  /** Rows that are filled. */
  rows: number;
  /** Lines of the file up to now, blank ones included. */
  line: number;
  /** Lines of the file that were not handed over, and how many of these are of other load balancers. */
  readonly entries: number;
  readonly others: number;
  /** Set while a line is handed over: no other one is before the next `scan`. */
  isFull: boolean;
  begin(node: string): void;
  /** The lines of [from, to) of the input up to the last whole one, or until the columns are full; returns where the first untaken one begins. */
  scan(from: number, to: number): number;
  hashText(text: string): number;
  hashPlace(target_group_arn: string, target: string, node: string): number;
}

export type OpenScanner = (question: ScanQuestion, events: ScanEvents) => Scanner;

/** The built module: beside the bundle, or where a checkout has it. */
const IS_SOURCE = import.meta.url.endsWith('.ts');
const MODULE = new URL(IS_SOURCE ? '../../../../dist/scan-lines.wasm' : './scan-lines.wasm', import.meta.url);

/** What is used of it; the types of Node leave it out. */
declare const WebAssembly:
  | {
      Module: new (bytes: Uint8Array) => object;
      Instance: new (module: object, imports: object) => { exports: unknown };
    }
  | undefined;

let compiled: object | null | undefined;

/** Throws when the bundle is not whole. */
export const openScanner: OpenScanner = (question, events) => {
  if (compiled === undefined) compiled = compile();
  return compiled === null ? exactScanner(question, events) : new ModuleScanner(compiled, question, events);
};

function compile(): object | null {
  if (typeof WebAssembly === 'undefined') return null;
  try {
    return new WebAssembly.Module(readFileSync(MODULE));
  } catch (error) {
    if (IS_SOURCE && error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

interface Cell<T> {
  value: T;
}

/** What wasm/scan-lines.ts exports. Addresses and sizes are those of its memory, which never grows. */
interface ScanModule extends Record<(typeof ADDRESSES)[number], Cell<number>> {
  memory: { buffer: ArrayBuffer };
  rows: Cell<number>;
  line: Cell<number>;
  entries: Cell<number>;
  others: Cell<number>;
  ask(wantedLength: number, byName: number, from: bigint, to: bigint): void;
  begin(nodeLength: number): void;
  setFull(value: number): void;
  scan(from: number, to: number): number;
  keyOfText(length: number): number;
  keyOfPlace(targetLength: number, groupLength: number, length: number): number;
}

const ADDRESSES = [
  ...(['INPUT', 'INPUT_SIZE', 'WANTED', 'NODE', 'TEXT_SIZE', 'FAILED', 'SCRATCH', 'SCRATCH_SIZE'] as const),
  ...(['ENDED', 'PLACE', 'CLIENT', 'ROUTE_KEY', 'SAMPLE', 'TARGET_MS', 'RECEIVED', 'STATUS', 'TARGET_STATUS'] as const),
] as const;

class ModuleScanner implements Scanner {
  readonly input: Buffer;
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
    this.#memory = Buffer.from(buffer);
    this.input = this.#part(module.INPUT, module.INPUT_SIZE);
    this.#scratch = this.#part(module.SCRATCH, module.SCRATCH_SIZE);
    this.columns = {
      ended: new BigInt64Array(buffer, module.ENDED.value, BATCH),
      place: new BigInt64Array(buffer, module.PLACE.value, BATCH),
      client: new BigInt64Array(buffer, module.CLIENT.value, BATCH),
      route: new BigInt64Array(buffer, module.ROUTE_KEY.value, BATCH),
      sample: new Uint32Array(buffer, module.SAMPLE.value, BATCH),
      targetMs: new Int32Array(buffer, module.TARGET_MS.value, BATCH),
      received: new Int32Array(buffer, module.RECEIVED.value, BATCH),
      status: new Int16Array(buffer, module.STATUS.value, BATCH),
      targetStatus: new Int16Array(buffer, module.TARGET_STATUS.value, BATCH),
    };
    const { wanted, byName, isFailed, window } = question;
    wanted.copy(this.#part(module.WANTED, module.TEXT_SIZE));
    this.#memory.set(isFailed, module.FAILED.value);
    // Of a longer one no line is taken: it is longer than every load balancer that a line is taken of.
    const length = Math.min(wanted.length, module.TEXT_SIZE.value + 1);
    module.ask(length, Number(byName), BigInt(window.from) * 1000n, BigInt(window.to) * 1000n);
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

  #part(address: Cell<number>, size: Cell<number>): Buffer {
    return this.#memory.subarray(address.value, address.value + size.value);
  }

  #text(from: number, to: number): string {
    return this.#memory.toString('latin1', from, to);
  }
}

/** Hands over every line. */
export const exactScanner: OpenScanner = (_, events) => {
  const input = Buffer.alloc(INPUT_SIZE);
  return {
    input,
    columns: {
      ended: new BigInt64Array(BATCH),
      place: new BigInt64Array(BATCH),
      client: new BigInt64Array(BATCH),
      route: new BigInt64Array(BATCH),
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
const INPUT_SIZE = 1_048_576;
