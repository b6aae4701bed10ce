/** Copies the access-log files that a diagnosis read, line by line, without client addresses and query strings. */

import { createWriteStream } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip, gzipSync } from 'node:zlib';
import type { AccessLog } from '../../evidence/access-log.ts';
import type { Question } from '../../evidence/question.ts';
import { MAX_LINE } from '../access-log/embedded/columns.ts';
import { lineKind, mayBeEntry, parseLine } from '../access-log/entry.ts';
import { expansionLimit } from '../access-log/expansion-limit.ts';
import { healthCheckLines } from '../access-log/health-checks.ts';
import {
  canMatter,
  inspectFile,
  logFilesIn,
  parseFileName,
  readPieces,
  redactExcerpt,
  SMALL_PIECE,
} from '../access-log/log-files.ts';
import { resourceOf } from '../find-load-balancer.ts';
import { type Pseudonym, redactEntry } from './redact.ts';

interface SaveLogsOptions {
  question: Question;
  idleTimeoutSeconds: number;
  /** Unreadable files as found by the diagnosis. */
  unreadable: AccessLog['files']['unreadable'];
  pseudonym: Pseudonym;
  /** Path segments that many different clients requested. */
  common: ReadonlySet<string>;
}

/** Inputs of the line redaction. */
type LineRedaction = Pick<SaveLogsOptions, 'pseudonym' | 'common'>;

/**
 * Copies log files from one logs/ folder to another under the same names. Files outside the window are left out; only
 * the names are kept of logs of other kinds and of files that could not be read or fetched; a partly readable file is
 * cut off after the readable part. Returns why files could not be read, by name: their placeholders may be unreadable
 * for another reason.
 */
export async function saveLogs(from: string, to: string, saving: SaveLogsOptions): Promise<Record<string, string>> {
  const { question, idleTimeoutSeconds, unreadable } = saving;
  const reasons = Object.fromEntries(unreadable.map(({ file, reason }) => [file, reason]));
  const wanted = {
    name: question.loadBalancer.name,
    id: resourceOf(question.loadBalancer.arn)?.split('/')[2] ?? null,
  };
  await mkdir(to, { recursive: true });
  const { files: present } = await logFilesIn(from);
  for (const { file } of unreadable) if (!present.includes(file)) await createFile(join(to, file), WITHHELD);
  for (const file of present) {
    const name = parseFileName(file);
    const isAccessLog = name.kind === 'access-log';
    if (isAccessLog && !canMatter(name, wanted, question, idleTimeoutSeconds)) continue;
    await createFile(join(to, file), '');
    if (isAccessLog) await copyRedacted(join(from, file), join(to, file), reasons[file] !== undefined, saving);
    if (name.kind === 'health-check-log' && canMatter(name, wanted, question, idleTimeoutSeconds))
      await copyHealthChecks(join(from, file), join(to, file)).catch(() => {});
  }
  return reasons;
}

/** Neither gzip nor text, whatever the file name suggests. */
const WITHHELD = 'content withheld\0';

async function createFile(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

const GZIP_WITH_COMMENT = Buffer.from([0x1f, 0x8b, 8, 16, 0, 0, 0, 0, 0, 3]);
const NO_BLOCK = Buffer.from([0, 0, 0, 0xff, 0xff]);

/** Bytes: a file of at most this size counts as just a gzip header. */
const SMALLEST_GZIP = 18;

/** A gzip file that ends before its content starts, with a comment in its header. */
const GZIP_CUT_OFF_AT_START = Buffer.concat([GZIP_WITH_COMMENT, Buffer.from('content withheld\0'), NO_BLOCK]);

async function copyRedacted(from: string, to: string, isUnreadable: boolean, redaction: LineRedaction): Promise<void> {
  const ends = await inspectFile(from);
  if ('fault' in ends) {
    await writeFile(to, ends.fault === 'it is empty' ? '' : WITHHELD);
    return;
  }
  const trace = await traceOfOtherLog(from, ends.compressed);
  if (trace !== null && lineKind(trace) === 'health-check-log') return await copyHealthChecks(from, to);
  if (trace !== null) {
    await writeFile(to, ends.compressed ? gzipSync(`${trace}\n`) : `${trace}\n`);
    return;
  }
  let bytes = 0;
  const write = async (level?: number): Promise<void> => {
    bytes = 0;
    const content = readPieces(from, ends.compressed, isUnreadable ? SMALL_PIECE : undefined);
    const lines = Readable.from(redactedLines(content, redaction, (length) => (bytes += length)));
    const file = createWriteStream(to);
    const finishFlush = isUnreadable ? constants.Z_SYNC_FLUSH : constants.Z_FINISH;
    if (!ends.compressed) await pipeline(lines, file);
    else await pipeline(lines, createGzip({ finishFlush, ...(level === undefined ? {} : { level }) }), file);
  };
  await write();
  // Redacted lines compress better than the originals: the copy might exceed the expansion limit or look empty.
  const { size } = await stat(to);
  if (ends.compressed && bytes > 0 && (bytes > expansionLimit(size) || size <= SMALLEST_GZIP))
    await write(constants.Z_NO_COMPRESSION);
  if (isUnreadable && bytes === 0) await writeFile(to, GZIP_CUT_OFF_AT_START);
}

/** Keeps only health checks, which the load balancer itself sends. Leaves the file unchanged if there are none. */
async function copyHealthChecks(from: string, to: string): Promise<void> {
  const ends = await inspectFile(from);
  if ('fault' in ends) return;
  const lines: string[] = [];
  for await (const line of healthCheckLines(from, ends.compressed)) lines.push(`${line}\n`);
  if (lines.length > 0) await writeFile(to, ends.compressed ? gzipSync(lines.join('')) : lines.join(''));
}

/** Lines without line breaks, one character per byte. Too long ones are truncated; the last may lack its line break. */
interface Lines {
  lines: string[];
  isEnded: boolean;
}

/** Yields the lines of a file, many at a time. Stops silently at damage, which the diagnosis has already reported. */
async function* linesIn(content: AsyncIterable<Buffer>): AsyncGenerator<Lines> {
  let begun: string[] = [];
  let length = 0;
  try {
    for await (const bytes of content) {
      const text = bytes.toString('latin1');
      const end = text.lastIndexOf('\n');
      if (end === -1 && length <= MAX_LINE) begun.push(text);
      length += text.length;
      if (end === -1) continue;
      const whole = text.slice(0, end);
      yield { lines: (begun.length === 0 ? whole : begun.join('') + whole).split('\n'), isEnded: true };
      begun = [text.slice(end + 1)];
      length = text.length - end - 1;
    }
  } catch {
    // The readable part has been copied.
  }
  if (length > 0) yield { lines: [begun.join('')], isEnded: false };
}

/** Yields the content of a file with each line redacted, in pieces. */
async function* redactedLines(
  content: AsyncIterable<Buffer>,
  redaction: LineRedaction,
  wrote: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const redactLine = lineRedactor(redaction);
  for await (const { lines, isEnded } of linesIn(content)) {
    const end = isEnded ? '\n' : '';
    const text = lines.map((line) => redactLine(line) + end).join('');
    wrote(text.length);
    // Every byte that is not redacted stays as it was.
    yield Buffer.from(text, 'latin1');
  }
}

/** A line that is not an entry, of which nothing is left. */
const REJECT = '?';

/**
 * Returns each line of a file (one character per byte) as it is saved: entries redacted, the first other line masked,
 * and nothing of those after it, which no diagnosis shows; each is still counted the same way.
 */
function lineRedactor({ pseudonym, common }: LineRedaction): (line: string) => string {
  let isMasked = false;
  return (line) => {
    if (line.trim() === '') return line;
    // A file may contain millions of them.
    if (isMasked && !mayBeEntry(line.length, line.charCodeAt(0))) return REJECT;
    const entry = line.length > MAX_LINE ? null : redactEntry(line, pseudonym, common);
    if (entry !== null) return entry;
    if (isMasked) return REJECT;
    isMasked = true;
    return maskLine(line);
  };
}

/**
 * Masks a line that is not an entry, as diagnoses show it. Masking truncates the line, which must not turn it into an
 * entry or a blank line: a question mark, from which masking drops everything, prevents that.
 */
function maskLine(line: string): string {
  const masked = redactExcerpt(Buffer.from(line.slice(0, MASKED_BYTES), 'latin1').toString('utf8').replace(/\r$/, ''));
  const isAsBefore = (one: string) => one.trim() !== '' && 'rejected' in parseLine(one);
  return [masked, `${masked}?`, `${masked}?"`].find(isAsBefore) ?? REJECT;
}

/** More of a line than an excerpt shows. */
const MASKED_BYTES = 1024;

/**
 * Returns a line that identifies which other log the file is, and nothing else from it; null if the file has entries or
 * is no such log.
 */
async function traceOfOtherLog(path: string, compressed: boolean): Promise<string | null> {
  let trace: string | null = null;
  for await (const { lines } of linesIn(readPieces(path, compressed))) {
    for (const line of lines) {
      const text = line.replace(/\r$/, '');
      if (text === '') continue;
      trace ??= maskedLine(text);
      if (trace === null || 'entry' in parseLine(text)) return null;
    }
  }
  return trace;
}

function maskedLine(line: string): string | null {
  const [first = '', second = ''] = line.split(' ');
  const kind = lineKind(line);
  if (kind === 'connection-log') return `${first} - 0 0 - - - "-"`;
  return kind === 'health-check-log' ? `${first} ${second} - - - PASS` : null;
}
