/**
 * A file decompressed at once, piece by piece into memory of whoever takes it.
 *
 * The streams of Node hand out new memory for every piece, and threads to fill it: for a log that takes half as long again as the
 * decompression. The handle below a stream, which gunzipSync and npm's own unpacking drive as well, is no documented interface. So what comes
 * of it is checked against the end of the file, and whoever reads a file so reads it as a stream when anything is wrong.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { constants, createGunzip, type Gunzip } from 'node:zlib';
import { expansionLimit } from './log-files.ts';

/** Bytes. */
const COMPRESSED = 1 << 16;

const input = Buffer.allocUnsafeSlow(COMPRESSED);

/** Takes what is decompressed. */
export interface GunzipSink {
  /** Where the next bytes may be written: in `bytes` from `at` on, at most `length`. */
  room(): { bytes: Buffer; at: number; length: number };
  /** So many bytes have been. */
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

/** The handle of a stream, and how much of the output and of the input it has left; null where Node has it no more. */
function handleOf(gunzip: Gunzip): { handle: Handle; left: Uint32Array } | null {
  const { _handle: handle, _writeState: left } = gunzip as Gunzip & {
    _handle?: Partial<Handle>;
    _writeState?: unknown;
  };
  const isKnown = typeof handle?.writeSync === 'function' && typeof handle.onerror === 'function';
  return isKnown && left instanceof Uint32Array && left.length === 2 ? { handle: handle as Handle, left } : null;
}

/**
 * Fills the sink with one piece after another. False when the file is damaged, holds more than one member, expands too far, or cannot be
 * read like this: the sink may then have had some of it.
 */
export function gunzipWhole(path: string, sink: GunzipSink): boolean {
  const gunzip = createGunzip();
  const file = openSync(path, 'r');
  try {
    const internals = handleOf(gunzip);
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

/** The last four bytes of what was read up to now, which say how long the content is: `before`, and `read` bytes of the input. */
function lastWord(before: number, read: number): number {
  let word = before;
  for (let at = Math.max(0, read - 4); at < read; at += 1) word = ((word >>> 8) | ((input[at] ?? 0) << 24)) >>> 0;
  return word;
}
