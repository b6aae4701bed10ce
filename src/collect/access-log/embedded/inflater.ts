/** The decompression of wasm/inflate.ts and the checksum of wasm/checksum.ts, in the memory of a scanner. */
import { crc32 } from 'node:zlib';
import type { Inflater, InflateState } from './gunzip.ts';

/** An exported global of a WebAssembly module. */
export interface Global<T> {
  value: T;
}

/** Exports of the module. Addresses and sizes refer to its memory, which never grows. */
export interface InflateModule {
  memory: { buffer: ArrayBuffer };
  INPUT: Global<number>;
  PACKED: Global<number>;
  REST: Global<number>;
  REST_SIZE: Global<number>;
  /** Where the decompressed bytes end. */
  inflated: Global<number>;
  startInflate(): void;
  keepPacked(): number;
  addPacked(count: number): void;
  skipPacked(count: number): void;
  inflate(from: number, to: number, history: number): number;
  shorten(from: number, size: number, state: number): void;
}

/** By what `inflate` returns. */
const STATES: readonly InflateState[] = ['done', 'needs-input', 'needs-room', 'damaged'];

/** Bytes read at once: with those kept, they fit PACKED. */
const READ = 65_536;

/** The state of a CRC-32 is the complement of its value. */
const STATE_ZERO = 0xffff_ffff;

export class ModuleInflater implements Inflater {
  readonly #module: InflateModule;
  readonly #memory: Buffer;
  readonly #input: number;
  readonly #packed: number;
  readonly #shortened: Buffer;

  constructor(module: InflateModule) {
    this.#module = module;
    this.#memory = Buffer.from(module.memory.buffer);
    this.#input = module.INPUT.value;
    this.#packed = module.PACKED.value;
    this.#shortened = this.#memory.subarray(module.REST.value, module.REST.value + module.REST_SIZE.value);
  }

  start(): void {
    this.#module.startInflate();
  }

  add(read: (to: Buffer) => number): number {
    const at = this.#packed + this.#module.keepPacked();
    const count = read(this.#memory.subarray(at, at + READ));
    this.#module.addPacked(count);
    return count;
  }

  rest(): Buffer {
    return this.#memory.subarray(this.#packed, this.#packed + this.#module.keepPacked());
  }

  skip(length: number): void {
    this.#module.skipPacked(length);
  }

  inflate(at: number, length: number, history: number): { state: InflateState; written: number } {
    const from = this.#input + at;
    const state = STATES[this.#module.inflate(from, from + length, history)] ?? 'damaged';
    return { state, written: this.#module.inflated.value - from };
  }

  checksum(at: number, length: number, before: number): number {
    const from = this.#input + at;
    const whole = length - (length % 16);
    // Shortening less than twice the rest saves nothing.
    if (whole < 2 * this.#shortened.length) return crc32(this.#memory.subarray(from, from + length), before);
    this.#module.shorten(from, whole, ~before);
    return crc32(this.#memory.subarray(from + whole, from + length), crc32(this.#shortened, STATE_ZERO));
  }
}
