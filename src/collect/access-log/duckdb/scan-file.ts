/** One file, decompressed piece by piece, into columns. */

import { gunzipped } from '../gunzip.ts';
import { contentOf, faultOf, SMALL_PIECE } from '../log-files.ts';
import type { Account, Columns, Place } from './columns.ts';

export interface ScanFile {
  path: string;
  compressed: boolean;
  /** By the original file name. */
  node: string | null;
  way: Way;
}

/**
 * How a file is read, each for what could not be read in the way before it: at once is by far the fastest and takes whole files alone; a
 * stream takes every file that is sound, and says what is wrong with one that is not; of which little is lost in small pieces.
 */
export type Way = 'at-once' | 'as-a-stream' | 'in-small-pieces';

export interface Scanned {
  account: Account;
  /** Places that no file read before in this thread had. */
  places: Place[];
  /** What is wrong with the file, or null. */
  fault: string | null;
}

/** Reads a file to its end, or as far as it can be read. */
export async function scanFile(columns: Columns, file: ScanFile): Promise<Scanned> {
  columns.begin(file.node);
  let fault: string | null = null;
  try {
    await feed(columns, file);
  } catch (error) {
    fault = faultOf(error);
  }
  return { account: columns.end(), places: columns.takePlaces(), fault };
}

async function feed(columns: Columns, { path, compressed, way }: ScanFile): Promise<void> {
  if (way === 'at-once' && compressed) {
    if (!gunzipped(path, (piece) => columns.feed(piece))) throw new Error('it cannot be read at once');
    return;
  }
  const pieces = way === 'in-small-pieces' ? contentOf(path, compressed, SMALL_PIECE) : contentOf(path, compressed);
  for await (const piece of pieces) columns.feed(piece);
}
