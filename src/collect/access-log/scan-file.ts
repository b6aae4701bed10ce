/** One file, decompressed piece by piece, into columns. */
import type { Account, Columns, Place } from './columns.ts';
import { contentOf, faultOf, SMALL_PIECE } from './files.ts';

export interface ScanFile {
  path: string;
  compressed: boolean;
  /** By the original file name. */
  node: string | null;
  /** It has been found damaged: it is read in small pieces, so that little is lost. */
  damaged: boolean;
}

export interface Scanned {
  account: Account;
  /** Places that no file read before in this thread had. */
  places: Place[];
  /** What is wrong with the file, or null. */
  fault: string | null;
}

/** Reads a file to its end, or as far as it can be read. */
export async function scanFile(columns: Columns, { path, compressed, node, damaged }: ScanFile): Promise<Scanned> {
  columns.begin(node);
  let fault: string | null = null;
  try {
    for await (const piece of damaged ? contentOf(path, compressed, SMALL_PIECE) : contentOf(path, compressed)) {
      columns.feed(piece);
    }
  } catch (error) {
    fault = faultOf(error);
  }
  return { account: columns.end(), places: columns.takePlaces(), fault };
}
