/** Reads one file into columns, decompressing it piece by piece. */

import { fileErrorText, readPieces, SMALL_PIECE } from '../log-files.ts';
import { isTranslated } from '../vended/translate-lines.ts';
import type { Columns, LineCounts } from './columns.ts';
import { type GunzipSink, gunzipWhole } from './gunzip.ts';
import type { NamedRoute, TargetAndNode } from './scanner.ts';

export interface FileToScan {
  path: string;
  compressed: boolean;
  /** Taken from the original file name. */
  node: string | null;
  readMode: ReadMode;
}

/**
 * How a file is read; each mode is the fallback for the one before it. `at-once` is by far the fastest but reads only
 * intact files; `as-a-stream` reads every sound file and reports what is wrong with a damaged one; `in-small-pieces`
 * loses little of a damaged file.
 */
export type ReadMode = 'at-once' | 'as-a-stream' | 'in-small-pieces';

export interface ScannedFile {
  counts: LineCounts;
  /** Places, and routes with a slow answer or a 400, that no earlier file of this thread contained. */
  places: TargetAndNode[];
  namedRoutes: NamedRoute[];
  /** What is wrong with the file, or null. */
  fault: string | null;
}

/** Reads a file to its end, or as far as it can be read. */
export async function scanFile(columns: Columns, file: FileToScan): Promise<ScannedFile> {
  columns.begin(file.node);
  let fault: string | null = null;
  try {
    await feed(columns, file);
  } catch (error) {
    fault = fileErrorText(error);
  }
  return { counts: columns.end(), places: columns.takePlaces(), namedRoutes: columns.takeNamedRoutes(), fault };
}

async function feed(columns: Columns, { path, compressed, readMode }: FileToScan): Promise<void> {
  if (readMode === 'at-once' && compressed) {
    if (!gunzipWhole(path, linesAsTheyAre(columns))) throw new Error('it cannot be read at once');
    return;
  }
  const pieces =
    readMode === 'in-small-pieces' ? readPieces(path, compressed, SMALL_PIECE) : readPieces(path, compressed);
  for await (const piece of pieces) columns.feed(piece);
}

/** Rejects a file whose lines must be translated, so that it is read as a stream. */
function linesAsTheyAre(sink: GunzipSink): GunzipSink {
  let next: ReturnType<GunzipSink['room']> | null = null;
  let isBeginning = true;
  return {
    inflater: sink.inflater,
    room() {
      next = sink.room();
      return next;
    },
    filled(length) {
      if (isBeginning && next !== null && isTranslated(next.bytes.subarray(next.at, next.at + length)))
        throw new Error('it cannot be read at once');
      isBeginning = false;
      sink.filled(length);
    },
  };
}
