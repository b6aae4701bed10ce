/**
 * Decompresses a file at once, piece by piece, into the caller's memory.
 * Node's streams allocate new memory for every piece and use threads to fill it, which costs half as much again as the
 * decompression of a log. The handle below a stream, which gunzipSync and npm's unpacking also drive, is undocumented.
 * So the result is checked against the file's trailer, and callers fall back to a stream when anything is wrong.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { constants, createGunzip, type Gunzip } from 'node:zlib';
import { expansionLimit } from './expansion-limit.ts';
import { assertPlainFile, OPEN_PLAINLY } from './open-file.ts';

/** Bytes. */
const COMPRESSED = 1 << 16;

const input = Buffer.allocUnsafeSlow(COMPRESSED);

/** Receives the decompressed bytes. */
export interface GunzipSink {
  /** Returns where to write the next bytes: in `bytes` from `at` on, at most `length`. */
  room(): { bytes: Buffer; at: number; length: number };
  /** Informs the sink that `length` bytes were written. */
  filled(length: number): void;
}

interface Handle {
  writeSync(
    flush: number,
    from: Buffer,
    fromOffset: number,
    fromLength: number,
    to: Buffer,
    toOffset: number,
    toLength: number,
  ): void;
  onerror: (message: string) => void;
}

/** Returns a stream's handle and how much of its output and input is left; null if this Node version lacks them. */
function handleOf(gunzip: Gunzip): { handle: Handle; left: Uint32Array } | null {
  const { _handle: handle, _writeState: left } = gunzip as Gunzip & {
    _handle?: Partial<Handle>;
    _writeState?: unknown;
  };
  const isKnown = typeof handle?.writeSync === 'function' && typeof handle.onerror === 'function';
  return isKnown && left instanceof Uint32Array && left.length === 2 ? { handle: handle as Handle, left } : null;
}

/**
 * Fills the sink piece by piece. Returns false if the file is damaged, holds more than one member, expands too far, or
 * cannot be read this way; the sink may then have received part of it. Throws like `assertPlainFile`.
 */
export function gunzipWhole(path: string, sink: GunzipSink): boolean {
  const gunzip = createGunzip();
  const file = openSync(path, OPEN_PLAINLY);
  try {
    const internals = handleOf(gunzip);
    assertPlainFile(file, path);
    if (internals === null) return false;
    const { handle, left } = internals;
    let isWhole = true;
    handle.onerror = () => {
      isWhole = false;
    };
    const limit = expansionLimit(fstatSync(file).size);
    let total = 0;
    let length = 0;
    for (let read = COMPRESSED; read > 0; ) {
      read = readSync(file, input, 0, COMPRESSED, null);
      length = lastWord(length, read);
      let at = 0;
      let room = 0;
      while (room === 0) {
        const flush = read > 0 ? constants.Z_NO_FLUSH : constants.Z_FINISH;
        const { bytes, at: start, length: most } = sink.room();
        handle.writeSync(flush, input, at, read - at, bytes, start, most);
        if (!isWhole) return false;
        room = left[0] ?? most;
        at = read - (left[1] ?? 0);
        total += most - room;
        if (total > limit) return false;
        if (room < most) sink.filled(most - room);
      }
      if (at < read) return false;
    }
    return total % 2 ** 32 === length;
  } finally {
    closeSync(file);
    gunzip.close();
  }
}

/**
 * Returns the last four bytes read so far, which hold the content's length: `before` is the previous value, `read` the
 * number of new input bytes.
 */
function lastWord(before: number, read: number): number {
  let word = before;
  for (let at = Math.max(0, read - 4); at < read; at += 1) word = ((word >>> 8) | ((input[at] ?? 0) << 24)) >>> 0;
  return word;
}
