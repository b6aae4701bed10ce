/** Rewrites downloaded files of a plain delivery whose fields have an order of their own as lines in the usual order. */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { inspectFile, readContent } from '../log-files.ts';
import { delimitedLine } from './translate-lines.ts';

/** Fields and delimiter of plain records, as the delivery names them. */
export interface FieldOrder {
  fields: readonly string[];
  delimiter: string;
}

/** `files`: names below the folder. Leaves a damaged file as it is: reading it says what is wrong. */
export async function reorderFiles(folder: string, files: readonly string[], order: FieldOrder): Promise<void> {
  for (const file of files) {
    const path = join(folder, file);
    const ends = await inspectFile(path);
    if ('fault' in ends) continue;
    const rewritten = `${path}.rewritten`;
    const lines = Readable.from(reorderedLines(readContent(path, ends.compressed), order));
    const writing = createWriteStream(rewritten);
    try {
      await (ends.compressed ? pipeline(lines, createGzip(), writing) : pipeline(lines, writing));
      await rename(rewritten, path);
    } catch {
      await rm(rewritten, { force: true });
    }
  }
}

async function* reorderedLines(
  content: AsyncIterable<Buffer>,
  { fields, delimiter }: FieldOrder,
): AsyncGenerator<string> {
  const reordered = (line: string) => `${delimitedLine(line, fields, delimiter) ?? line}\n`;
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of content) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) yield lines.map(reordered).join('');
  }
  if (rest !== '') yield reordered(rest);
}
