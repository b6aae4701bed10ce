/** Decompresses DEFLATE data into the input of a scanner (wasm/inflate.ts), and computes its checksum (wasm/checksum.ts). */
import { crc32 } from 'node:zlib';

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
  inflated: Global<number>;
  startInflate(): void;
  keepPacked(): number;
  addPacked(count: number): void;
  skipPacked(count: number): void;
  inflate(from: number, to: number, history: number): number;
  shorten(from: number, size: number, state: number): void;
}

/** Bytes: the farthest that DEFLATE data can refer back. */
export const HISTORY = 32_768;

/** In the order of their numbers in the module. */
const STATES = ['done', 'needs-input', 'needs-room', 'damaged'] as const;

/** Bytes read at once; PACKED also has room for what the last read left over. */
const READ = 65_536;

/** zlib's crc32 inverts its state before and after, so this value stands for the state 0. */
const STATE_ZERO = 0xffff_ffff;

export class Inflater {
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

  /** Starts a file. */
  start(): void {
    this.#module.startInflate();
  }

  /** Adds the compressed bytes that `read` writes. `read` returns their number, 0 at the end of the file; so does this. */
  add(read: (to: Buffer) => number): number {
    const at = this.#packed + this.#module.keepPacked();
    const count = read(this.#memory.subarray(at, at + READ));
    this.#module.addPacked(count);
    return count;
  }

  /** Returns the compressed bytes that are still to be decompressed. */
  rest(): Buffer {
    return this.#memory.subarray(this.#packed, this.#packed + this.#module.keepPacked());
  }

  /** Skips compressed bytes. */
  skip(length: number): void {
    this.#module.skipPacked(length);
  }

  /**
   * Decompresses to [at, at + length) of the input. The `history` bytes in front of `at` belong to the same file. `done`:
   * the data has ended; whether it is sound, the checksum shows.
   */
  inflate(at: number, length: number, history: number): { state: (typeof STATES)[number]; written: number } {
    const from = this.#input + at;
    const state = STATES[this.#module.inflate(from, from + length, history)] ?? 'damaged';
    return { state, written: this.#module.inflated.value - from };
  }

  /** Returns the CRC-32 of a file after these bytes of the input; `before` is the value in front of them, 0 at first. */
  checksum(at: number, length: number, before: number): number {
    const from = this.#input + at;
    const whole = length - (length % 16);
    // Fewer bytes are not worth shortening.
    if (whole < 2 * this.#shortened.length) return crc32(this.#memory.subarray(from, from + length), before);
    this.#module.shorten(from, whole, ~before);
    return crc32(this.#memory.subarray(from + whole, from + length), crc32(this.#shortened, STATE_ZERO));
  }
}
