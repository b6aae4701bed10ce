/**
 * Decompresses a whole file into the memory of a scanner, piece by piece, with the decompressor of wasm/inflate.ts. Node's
 * streams take about twice as long: they allocate memory and switch threads for every piece. The result is checked
 * against the file's trailer; callers use a stream when anything is wrong.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { expansionLimit } from '../expansion-limit.ts';
import { assertPlainFile, OPEN_PLAINLY } from '../open-file.ts';
import { HISTORY, type Inflater } from './inflater.ts';

/** Receives the decompressed bytes in the input of a scanner. */
export interface GunzipSink {
  /** Null without WebAssembly. */
  readonly inflater: Inflater | null;
  /**
   * Returns where to write the next bytes: at most `length` bytes of `bytes`, from `at` on. The last HISTORY bytes of the
   * file must still be in front of `at`.
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
    const content = inflateAll(inflater, sink, read, expansionLimit(fstatSync(file).size));
    if (content === null) return false;
    while (inflater.rest().length <= TRAILER && read() > 0);
    const trailer = inflater.rest();
    return (
      trailer.length === TRAILER &&
      trailer.readUInt32LE(0) === content.checksum &&
      trailer.readUInt32LE(4) === content.length % 2 ** 32
    );
  } finally {
    closeSync(file);
  }
}

/** Bytes: CRC-32 and length of the content, 4 each. */
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

/** Flags of a gzip header: https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1 */
const IS_TEXT = 1;
const HAS_NAME = 8;
const NAME_AT = 10;

/** Returns the length of a gzip header. Null if it is no gzip header, or has optional fields other than a file name. */
function headerLength(bytes: Buffer): number | null {
  if (bytes.length < NAME_AT || bytes.readUIntBE(0, 3) !== 0x1f8b08) return null;
  const flags = (bytes[3] ?? 0) & ~IS_TEXT;
  if (flags === 0) return NAME_AT;
  const nameEnd = bytes.indexOf(0, NAME_AT);
  return flags === HAS_NAME && nameEnd !== -1 ? nameEnd + 1 : null;
}
