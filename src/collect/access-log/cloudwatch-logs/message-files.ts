/** Keeps messages of a log group as the lines of log files. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { VendedDelivery } from '../deliveries.ts';
import { delimitedLine } from '../vended/translate-lines.ts';
import type { MessageSink } from './fetch-messages.ts';

/**
 * Creates a file in this folder for each part. Removes files of a shorter read first, because these messages include
 * theirs.
 */
export async function messageFiles(folder: string, delivery: VendedDelivery): Promise<MessageSink> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return async (messages, from) => {
    // An empty file counts as damaged.
    if (messages.length === 0) return;
    await writeFile(join(folder, `log-events-${from}.log`), linesOf(messages, delivery));
  };
}

/** Turns each message into one line; plain messages use the delivery's field order. */
function linesOf(messages: readonly string[], { format, fields, delimiter }: VendedDelivery): string {
  const isPlain = format === 'plain' && fields.length > 0 && delimiter !== null;
  return messages
    .map((message) => message.trimEnd().replaceAll(/[\r\n]+/g, ' '))
    .map((line) => `${(isPlain ? delimitedLine(line, fields, delimiter) : null) ?? line}\n`)
    .join('');
}
