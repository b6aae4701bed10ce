/** One file, decompressed piece by piece, into columns. */

import { type GunzipSink, gunzipWhole } from '../gunzip.ts';
import { fileErrorText, readPieces, SMALL_PIECE } from '../log-files.ts';
import { isTranslated } from '../vended/translate-lines.ts';
import type { Columns, LineCounts } from './columns.ts';
import type { TargetAndNode } from './scanner.ts';

export interface FileToScan {
  path: string;
  compressed: boolean;
  /** By the original file name. */
  node: string | null;
  readMode: ReadMode;
}

/**
 * How a file is read, each for what could not be read in the way before it: at once is by far the fastest and takes whole files alone; a
 * stream takes every file that is sound, and says what is wrong with one that is not; of which little is lost in small pieces.
 */
export type ReadMode = 'at-once' | 'as-a-stream' | 'in-small-pieces';

export interface ScannedFile {
  counts: LineCounts;
  /** Places that no file read before in this thread had. */
  places: TargetAndNode[];
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
  return { counts: columns.end(), places: columns.takePlaces(), fault };
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

/** Refuses a file whose lines have to be translated: a stream does that. */
function linesAsTheyAre(sink: GunzipSink): GunzipSink {
  let next: ReturnType<GunzipSink['room']> | null = null;
  let isBeginning = true;
  return {
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
