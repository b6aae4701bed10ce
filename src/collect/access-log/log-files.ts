/**
 * The files of an access log: lists them, parses their names, selects the relevant ones and checks that they are
 * intact.
 * Names:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-file-format
 */

import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import type { Window } from '../../evidence/question.ts';
import { byText } from '../../format/by-text.ts';
import { errorCode, errorMessage } from '../../problem.ts';
import { redactWords } from '../../redact/plain-words.ts';
import { lineKind } from './entry.ts';
import { EXPANDS_TOO_FAR, expansionLimit } from './expansion-limit.ts';
import { openFile } from './open-file.ts';
import { translatedPieces } from './vended/translate-lines.ts';

/** Facts from a file name; null for those it lacks. */
export interface ParsedFileName {
  kind: 'access-log' | 'connection-log' | 'health-check-log';
  /** `{ name, id }` of app/name/id. */
  loadBalancer: { name: string; id: string } | null;
  /** Epoch milliseconds: the end of the five minutes it covers. */
  end: number | null;
  /** Address of the load balancer node. */
  node: string | null;
}

/** The requested load balancer; its name is enough without an id. */
export interface WantedLoadBalancer {
  name: string;
  id: string | null;
}

const INTERVAL_MS = 300_000;
const NAME =
  /_app[.]([^_.]+)[.]([^_.]+)_([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})(?:([0-9]{2}))?Z_([0-9a-fA-F.:]+)_[^_]+[.]log(?:[.]gz)?$/;
const STAMP = /_([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})?Z[_.]/;

/** Parses a file name, with or without its folders. */
export function parseFileName(path: string): ParsedFileName {
  const name = basename(path);
  const kind = name.startsWith('conn_log_')
    ? 'connection-log'
    : name.startsWith('health_check_log_')
      ? 'health-check-log'
      : 'access-log';
  const whole = NAME.exec(name);
  const [, year, month, day, hour, minute, second] = STAMP.exec(name) ?? [];
  const end =
    year === undefined ? Number.NaN : Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second ?? '00'}Z`);
  const [, lb, id] = whole ?? [];
  return {
    kind,
    loadBalancer: lb !== undefined && id !== undefined ? { name: lb, id } : null,
    end: Number.isNaN(end) ? null : end,
    node: whole?.[9] ?? null,
  };
}

/**
 * Returns whether the file may hold a relevant entry of the load balancer. A line is written when its request
 * completes, so entries up to one idle timeout around the window describe its connections, and files of the next
 * interval may hold the last of them. A file name without an interval may hold anything.
 */
export function canMatter(
  name: ParsedFileName,
  wanted: WantedLoadBalancer,
  window: Window,
  idleTimeoutSeconds: number,
): boolean {
  const { loadBalancer, end } = name;
  if (loadBalancer !== null && loadBalancer.name !== wanted.name) return false;
  if (loadBalancer !== null && wanted.id !== null && loadBalancer.id !== wanted.id) return false;
  if (end === null) return true;
  const margin = idleTimeoutSeconds * 1000;
  return end >= window.from - margin && end - INTERVAL_MS <= window.to + margin + INTERVAL_MS;
}

/** Paths relative to a folder, sorted. */
interface LogFolderListing {
  files: string[];
  /** A folder that cannot be listed appears as a pattern: "a/*.log.gz" for the folder a. */
  unreadable: { file: string; fault: string }[];
}

/**
 * Names of log files: the load balancer's own (.log, .log.gz), and vended deliveries, whose names AWS does not
 * document.
 */
const LOG_FILE = /[.](?:log|json|jsonl|ndjson|w3c|parquet|gz)$/;

export const isLogFile = (name: string): boolean => LOG_FILE.test(name);

/** Lists all log files below a folder. Follows no link: it may lead out of a stranger's folder. */
export async function logFilesIn(folder: string): Promise<LogFolderListing> {
  const listed: LogFolderListing = { files: [], unreadable: [] };
  await listBelow(folder, '', listed);
  listed.files.sort(byText);
  listed.unreadable.sort((a, b) => byText(a.file, b.file));
  return listed;
}

async function listBelow(folder: string, below: string, listed: LogFolderListing): Promise<void> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch((error: unknown) => {
    const fault = fileErrorText(error);
    if (fault !== DENIED) throw error;
    listed.unreadable.push({ file: join(below, '*.log.gz'), fault });
    return [];
  });
  for (const entry of entries) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) await listBelow(folder, path, listed);
    else if (!isLogFile(entry.name)) continue;
    else if (entry.isSymbolicLink()) listed.unreadable.push({ file: path, fault: IS_LINK });
    else listed.files.push(path);
  }
}

/** Why a link is not followed. */
export const IS_LINK = 'it is a link';

/** What a file's first bytes and length reveal. */
type FileInspection = { compressed: boolean; bytes: number } | { fault: string };

const PARQUET_MAGIC = 'PAR1';

/** Inspects a file without reading it whole. */
export async function inspectFile(path: string): Promise<FileInspection> {
  try {
    const file = await openFile(path);
    try {
      const { size } = await file.stat();
      if (size === 0) return { fault: 'it is empty' };
      const head = Buffer.alloc(Math.min(size, 1024));
      await file.read(head, 0, head.length, 0);
      const compressed = head[0] === 0x1f && head[1] === 0x8b;
      if (compressed) return size <= 18 ? { fault: 'it is truncated to a gzip header' } : { compressed, bytes: size };
      if (path.endsWith('.gz')) return { fault: 'it is not gzip' };
      if (head.subarray(0, PARQUET_MAGIC.length).toString('latin1') === PARQUET_MAGIC)
        return { compressed, bytes: size };
      const isText = !head.includes(0) || lineKind(head.toString('latin1')) !== null;
      return isText ? { compressed, bytes: size } : { fault: 'it is not text' };
    } finally {
      await file.close();
    }
  } catch (error) {
    return { fault: fileErrorText(error) };
  }
}

const DENIED = 'permission denied';

/** Describes what is wrong with a file, as a clause without a full stop. */
export function fileErrorText(error: unknown): string {
  const code = errorCode(error);
  const known: Record<string, string> = {
    Z_BUF_ERROR: 'it is truncated',
    Z_DATA_ERROR: 'its compressed data is damaged',
    EACCES: DENIED,
    EPERM: DENIED,
    ENOENT: 'it is gone',
    ELOOP: IS_LINK,
    ENXIO: 'it is not a file',
  };
  if (error instanceof Error && error.message === 'incorrect data check')
    return 'its checksum does not match its content';
  if (error instanceof Error && error.message === 'incorrect header check')
    return 'other bytes follow its compressed data';
  if (error instanceof Error && error.message.startsWith('Out of Memory')) return 'its records need too much memory';
  return known[code] ?? errorMessage(error);
}

/**
 * Yields the lines of a file, decompressed, piece by piece; records of vended logs become lines too. If the file is
 * damaged or expands beyond the limit, throws after yielding what was readable. The content of a damaged piece is lost,
 * so small pieces lose less.
 */
export async function* readPieces(path: string, compressed: boolean, pieceBytes = PIECE): AsyncGenerator<Buffer> {
  if (!compressed && (await isParquet(path))) yield* (await import('./vended/parquet-lines.ts')).parquetPieces(path);
  else yield* translatedPieces(readContent(path, compressed, pieceBytes));
}

/** Whether a file starts with the Parquet magic. */
export async function isParquet(path: string): Promise<boolean> {
  const file = await openFile(path);
  try {
    const head = Buffer.alloc(PARQUET_MAGIC.length);
    await file.read(head, 0, head.length, 0);
    return head.toString('latin1') === PARQUET_MAGIC;
  } finally {
    await file.close();
  }
}

/** The content of a file, decompressed. Rejects if it is damaged or expands too far. */
export async function* readContent(path: string, compressed: boolean, pieceBytes = PIECE): AsyncGenerator<Buffer> {
  const handle = await openFile(path);
  const { size } = await handle.stat();
  const file = handle.createReadStream({ highWaterMark: pieceBytes });
  if (!compressed) {
    yield* file;
    return;
  }
  let room = expansionLimit(size);
  const gunzip = createGunzip({ chunkSize: Math.min(PIECE, 8 * pieceBytes) });
  const ready: Buffer[] = [];
  let isOver = false;
  const { promise: broken, resolve: breakOff } = Promise.withResolvers<Error>();
  gunzip.on('error', breakOff);
  // Zero padding after the compressed data ends the file: anything written after that is never consumed.
  const over = new Promise<null>((resolve) => {
    gunzip.on('end', () => {
      isOver = true;
      resolve(null);
    });
  });
  gunzip.on('data', (piece: Buffer) => {
    if (piece.length > room) breakOff(new Error(EXPANDS_TOO_FAR));
    if (room > 0) ready.push(piece.subarray(0, room));
    room -= piece.length;
  });
  // An async iterator of the stream would discard buffered data on an error, so the stream is fed by hand.
  const fed = (feed: (done: () => void) => void) =>
    Promise.race([broken, over, new Promise<null>((done) => feed(() => done(null)))]);
  let given = 0;
  try {
    for await (const chunk of file) {
      const error = isOver ? null : await fed((done) => gunzip.write(chunk, done));
      yield* ready.splice(0);
      if (error !== null) throw error;
      given += chunk.length;
      const untaken: Buffer = isOver ? chunk.subarray(Math.max(0, chunk.length - (given - gunzip.bytesWritten))) : NONE;
      if (untaken.some((byte) => byte !== 0)) throw new Error('incorrect header check');
    }
    const error = isOver ? null : await fed((done) => gunzip.once('end', done).end());
    yield* ready.splice(0);
    if (error !== null) throw error;
  } finally {
    gunzip.destroy();
  }
}

const NONE = Buffer.alloc(0);
const PIECE = 1 << 18;
/** For damaged files. Every reader must use the same size, because it determines how much of a file is readable. */
export const SMALL_PIECE = 1 << 9;

const SHOWN_TEXT = 120;

/**
 * Makes a line that is not an entry safe to show: the words before the first "?", printable ASCII, at most 120
 * characters. Idempotent.
 */
export function redactExcerpt(line: string): string {
  const start = line.slice(0, 4 * SHOWN_TEXT).replace(/[?][\s\S]*$/, '');
  return redactWords(start.replace(/[^ -~]/gu, '.')).slice(0, SHOWN_TEXT);
}
