/**
 * Decompresses a file at once, piece by piece, into the memory of a scanner. Node's streams allocate new memory for every
 * piece and use threads to fill it, which costs half as much again as the decompression of a log; and the decompression
 * in WebAssembly (wasm/inflate.ts) takes two thirds of the time of Node's. Its result is checked against the file's trailer,
 * and callers fall back to a stream when anything is wrong.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { expansionLimit } from '../expansion-limit.ts';
import { assertPlainFile, OPEN_PLAINLY } from '../open-file.ts';

/** How far decompression looks back, bytes. */
export const HISTORY = 32_768;

/** Decompresses DEFLATE data into the input of a scanner. */
export interface Inflater {
  /** Starts a file. */
  start(): void;
  /** Adds compressed bytes; `read` writes them and returns their number, 0 if there are no more. Returns that number. */
  add(read: (to: Buffer) => number): number;
  /** The compressed bytes that are not decompressed yet. */
  rest(): Buffer;
  /** Skips compressed bytes. */
  skip(length: number): void;
  /**
   * Decompresses to [at, at + length) of the input, of which `history` bytes before `at` are still those of the file.
   * `done` means that the data has ended and was sound, as far as that can be known without its checksum.
   */
  inflate(at: number, length: number, history: number): { state: InflateState; written: number };
  /** Continues the CRC-32 of the file with bytes of the input, from 0 on. */
  checksum(at: number, length: number, before: number): number;
}

export type InflateState = 'done' | 'needs-input' | 'needs-room' | 'damaged';

/** Receives the decompressed bytes in its memory. */
export interface GunzipSink {
  /** Null without WebAssembly. */
  readonly inflater: Inflater | null;
  /**
   * Returns where to write the next bytes: from `at` on in `bytes`, the input of the scanner, at most `length`. The
   * HISTORY bytes before `at` must be those written before, as far as there are that many.
   */
  room(): { bytes: Buffer; at: number; length: number };
  /** Informs the sink that `length` bytes were written. */
  filled(length: number): void;
}

/**
 * Fills the sink piece by piece. Returns false if the file is damaged, holds more than one member, expands too far, or
 * cannot be read this way; the sink may then have received part of it. Throws like `assertPlainFile`.
 */
export function gunzipWhole(path: string, sink: GunzipSink): boolean {
  const { inflater } = sink;
  const file = openSync(path, OPEN_PLAINLY);
  try {
    assertPlainFile(file, path);
    if (inflater === null) return false;
    const read = () => inflater.add((to) => readSync(file, to, 0, to.length, null));
    inflater.start();
    read();
    const header = headerLength(inflater.rest());
    if (header === null) return false;
    inflater.skip(header);
    const sum = inflateAll(inflater, sink, read, expansionLimit(fstatSync(file).size));
    if (sum === null) return false;
    while (inflater.rest().length <= TRAILER && read() > 0);
    const trailer = inflater.rest();
    return (
      trailer.length === TRAILER &&
      trailer.readUInt32LE(0) === sum.checksum &&
      trailer.readUInt32LE(4) === sum.length % 2 ** 32
    );
  } finally {
    closeSync(file);
  }
}

/** CRC-32 and length, 4 bytes each. */
const TRAILER = 8;

/** Returns null if the data is damaged or expands to more than `limit` bytes. */
function inflateAll(
  inflater: Inflater,
  sink: GunzipSink,
  read: () => number,
  limit: number,
): { checksum: number; length: number } | null {
  let checksum = 0;
  let total = 0;
  for (;;) {
    const { at, length } = sink.room();
    const { state, written } = inflater.inflate(at, length, Math.min(total, HISTORY));
    total += written;
    if (state === 'damaged' || total > limit) return null;
    if (written > 0) {
      checksum = inflater.checksum(at, written, checksum);
      sink.filled(written);
    }
    if (state === 'done') return { checksum, length: total };
    if (state === 'needs-input') read();
  }
}

/** Bits of the flags of a gzip header: https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1 */
const IS_TEXT = 1;
const HAS_NAME = 8;
const NAME_AT = 10;

/** The length of a gzip header; null if there is none, or if it has fields that no log has. */
function headerLength(bytes: Buffer): number | null {
  if (bytes.length < NAME_AT || bytes.readUIntBE(0, 3) !== 0x1f8b08) return null;
  const flags = (bytes[3] ?? 0) & ~IS_TEXT;
  if (flags === 0) return NAME_AT;
  const nameEnd = bytes.indexOf(0, NAME_AT);
  return flags === HAS_NAME && nameEnd !== -1 ? nameEnd + 1 : null;
}
