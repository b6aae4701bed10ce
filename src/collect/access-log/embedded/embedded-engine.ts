/**
 * The embedded engine: reads access-log files in this process. Each line is read once into narrow columns (scan.ts,
 * columns.ts), which are counted when all files have been read (answer-log.ts). Text is kept only for failures, places
 * and slow routes. The answers are those that Athena gives for the same lines (athena/rollups-sql.ts).
 */
import { resolve } from 'node:path';
import type { AccessLog, FailedHealthChecks } from '../../../evidence/access-log.ts';
import type { Question } from '../../../evidence/question.ts';
import { byText } from '../../../format/by-text.ts';
import { errorMessage, Problem } from '../../../problem.ts';
import { mapLimited } from '../../map-limited.ts';
import { stoppedError } from '../access-log-error.ts';
import { lineKind } from '../entry.ts';
import { failedHealthChecks, readHealthChecks } from '../health-checks.ts';
import {
  canMatter,
  inspectFile,
  logFilesIn,
  parseFileName,
  redactExcerpt,
  type WantedLoadBalancer,
} from '../log-files.ts';
import { answerLog } from './answer-log.ts';
import { countHere } from './count-traffic.ts';
import { EntryStore } from './entry-store.ts';
import { type FilesToScan, openReaders, type Readers, type SizedFileToScan, scan } from './scan.ts';
import type { ScannedFile } from './scan-file.ts';

export interface ReadOptions {
  /** A folder with log files at any depth, or the files themselves. */
  folder: string | readonly string[];
  /** Files below the folder that are still being written; nothing else in it is read. */
  arriving?: ArrivingFiles;
  question: Question;
  /** The load balancer's idle timeout; 60 if unknown. */
  idleTimeoutSeconds: number;
  /** Called as the work progresses. */
  progress?: (step: ReadProgress) => void;
  /** Stops the read. */
  signal?: AbortSignal;
}

/** Log files that are read one after another as soon as each is whole. */
export interface ArrivingFiles {
  /** How many are expected, and their compressed bytes. */
  count: number;
  bytes: number;
  /** Names below the folder, each once the file is whole. Ends early if some never arrive. */
  names: AsyncIterable<string>;
}

export interface ReadProgress {
  step: 'listed' | 'read' | 'answered';
  /** Files and compressed bytes to read; lines once they have been read. */
  files: number;
  bytes: number;
  lines: number;
}

/** Line counts of one file: lines = entries + rejected. Entries include those of other load balancers. */
interface FileCounts {
  file: string;
  lines: number;
  entries: number;
  rejected: number;
}

/** Maximum load balancers named when there are several. */
const NAMES_SHOWN = 10;
const FILES_AT_ONCE = 16;

/**
 * Reads log files and answers the question. Throws when the folder cannot be listed, AccessLogError when `signal`
 * aborts, a Problem (exit 2) when the engine itself fails, and a Problem (exit 1) with the candidates when only a load
 * balancer name was given and the log has entries of several. Lists files that cannot be read in `files.unreadable`.
 */
export async function readAccessLog(options: ReadOptions): Promise<AccessLog> {
  return (await readWithFileCounts(options)).log;
}

/** Like readAccessLog, with the line counts of each file that was read, sorted by file. */
export async function readWithFileCounts(options: ReadOptions): Promise<{ log: AccessLog; accounts: FileCounts[] }> {
  return await new LogFileReader(options).run();
}

/** A file to read. */
interface Source extends SizedFileToScan {
  file: string;
}

interface SourceCounts extends FileCounts {
  bytes: number;
  otherLoadBalancers: number;
  /** A line that is not an entry, and its number from 1. */
  firstRejected: { line: number; text: string } | null;
}

class LogFileReader {
  readonly #options: ReadOptions;
  readonly #wanted: WantedLoadBalancer;
  readonly #unreadable = new Map<string, { reason: string; lines: number }>();
  #outsideWindow = 0;
  readonly #named = { 'connection-log': 0, 'health-check-log': 0 };
  /** Health-check logs of the window by their names, and those recognised by content. */
  readonly #healthCheckLogs: { file: string; original: string }[] = [];

  constructor(options: ReadOptions) {
    this.#options = options;
    this.#wanted = wantedLoadBalancer(options.question);
  }

  async run(): Promise<{ log: AccessLog; accounts: FileCounts[] }> {
    const read = await this.#readEntries();
    const healthChecks = await this.#readHealthChecks();
    return healthChecks.length === 0 ? read : { ...read, log: { ...read.log, healthChecks } };
  }

  /** Skips unreadable health-check logs; they do not limit what the access log shows. */
  async #readHealthChecks(): Promise<FailedHealthChecks[]> {
    const inOrder = this.#healthCheckLogs.toSorted((a, b) => byText(a.file, b.file));
    const read = await mapLimited(inOrder, FILES_AT_ONCE, async ({ original }) => {
      const ends = await inspectFile(original);
      return 'fault' in ends ? [] : await readHealthChecks(original, ends.compressed, this.#wanted).catch(() => []);
    });
    return failedHealthChecks(read.flat(), this.#options.question);
  }

  async #readEntries(): Promise<{ log: AccessLog; accounts: FileCounts[] }> {
    const { folder, arriving } = this.#options;
    const files =
      arriving === undefined || typeof folder !== 'string'
        ? await this.#listed()
        : { ...arriving, files: this.#arriving(folder, arriving.names) };
    this.#reportProgress('listed', files, 0);
    const store = new EntryStore(this.#options.question.statuses);
    if (files.count === 0) return { log: await this.#answer(store, [], countHere), accounts: [] };
    try {
      return await this.#read(store, files);
    } catch (error) {
      if (this.#options.signal?.aborted) throw stoppedError('reading log files');
      // Faults of single files are reported per file; this is an engine failure, and an answer without the log would
      // hide it.
      if (error instanceof Problem) throw error;
      const [why = ''] = errorMessage(error).split('\n');
      throw new Problem(`The access log could not be read to its end: ${why.replace(/[.]?\s*$/, '')}.`, 2);
    }
  }

  async #read(store: EntryStore, files: FilesToScan<Source>): Promise<{ log: AccessLog; accounts: FileCounts[] }> {
    const { question, signal } = this.#options;
    const { statuses, from, to } = question;
    const readers = openReaders(files, { loadBalancer: this.#wanted, window: { from, to }, statuses });
    try {
      const scanned = await scan(readers, files.files, store, signal);
      scanned.sort((a, b) => byText(a.file.file, b.file.file));
      this.#assertOneLoadBalancer(scanned.map(({ result }) => result));
      const accounts = this.#countFiles(scanned);
      const lines = accounts.reduce((sum, account) => sum + account.lines, 0);
      this.#reportProgress('read', files, lines);
      const log = await this.#answer(store, accounts, readers.count);
      this.#reportProgress('answered', files, lines);
      return {
        log,
        accounts: accounts.map(({ file, lines, entries, rejected }) => ({ file, lines, entries, rejected })),
      };
    } finally {
      await readers.close();
    }
  }

  #reportProgress(step: ReadProgress['step'], { count, bytes }: FilesToScan<Source>, lines: number): void {
    this.#options.progress?.({ step, files: count, bytes, lines });
  }

  /** Selects the files to read, the largest first, so that no thread starts a large file when the others are done. */
  async #listed(): Promise<FilesToScan<Source>> {
    const { folder } = this.#options;
    const { files: listed, unreadable } =
      typeof folder === 'string' ? await logFilesIn(folder) : { files: [...folder].sort(byText), unreadable: [] };
    const files = listed.map((file) => ({
      file,
      original: typeof folder === 'string' ? resolve(folder, file) : resolve(file),
    }));
    for (const { file, fault } of unreadable) this.#unreadable.set(file, { reason: fault, lines: 0 });
    const chosen = await mapLimited(files, FILES_AT_ONCE, ({ file, original }) => this.#choose(file, original));
    const sources = chosen.filter((source) => source !== null).sort((a, b) => b.bytes - a.bytes);
    const bytes = sources.reduce((sum, source) => sum + source.bytes, 0);
    return { count: sources.length, bytes, files: inTurn(sources) };
  }

  /** The files to read among those that arrive. */
  async *#arriving(folder: string, names: AsyncIterable<string>): AsyncGenerator<Source> {
    for await (const file of names) {
      const source = await this.#choose(file, resolve(folder, file));
      if (source !== null) yield source;
    }
  }

  /** Null if the file is not to be read, by its name, its interval end or its first bytes. */
  async #choose(file: string, original: string): Promise<Source | null> {
    const { question, idleTimeoutSeconds } = this.#options;
    const name = parseFileName(file);
    if (name.kind !== 'access-log') this.#named[name.kind] += 1;
    if (name.kind === 'health-check-log' && canMatter(name, this.#wanted, question, idleTimeoutSeconds))
      this.#healthCheckLogs.push({ file, original });
    if (name.kind !== 'access-log') return null;
    if (!canMatter(name, this.#wanted, question, idleTimeoutSeconds)) {
      this.#outsideWindow += 1;
      return null;
    }
    const ends = await inspectFile(original);
    if ('fault' in ends) {
      this.#unreadable.set(file, { reason: ends.fault, lines: 0 });
      return null;
    }
    return { file, path: original, node: name.node, compressed: ends.compressed, bytes: ends.bytes };
  }

  /** Throws if two load balancers share the name: their entries would be added together. */
  #assertOneLoadBalancer(scanned: readonly ScannedFile[]): void {
    const namesakes = [...new Set(scanned.flatMap(({ counts }) => counts.namesakes))].sort(byText);
    if (namesakes.length <= 1) return;
    throw new Problem(`'${this.#wanted.name}' matches ${namesakes.length} load balancers: ${listNames(namesakes)}.`, 1);
  }

  /** Counts the lines of each file, drops files of other logs and lists damaged ones. */
  #countFiles(scanned: readonly { file: Source; result: ScannedFile }[]): SourceCounts[] {
    return scanned.flatMap(({ file: { file, path, bytes }, result: one }): SourceCounts[] => {
      const { lines, entries, rejected, otherLoadBalancers, firstRejected, firstLine } = one.counts;
      const kind = entries === 0 && rejected > 0 ? (lineKind(firstLine ?? '') ?? 'access-log') : 'access-log';
      if (kind !== 'access-log') {
        this.#named[kind] += 1;
        if (kind === 'health-check-log') this.#healthCheckLogs.push({ file, original: path });
        return [];
      }
      if (one.fault !== null) this.#unreadable.set(file, { reason: one.fault, lines: lines - rejected });
      return [{ file, bytes, lines, entries, rejected, otherLoadBalancers, firstRejected }];
    });
  }

  #files(accounts: readonly SourceCounts[]): AccessLog['files'] {
    return {
      read: accounts.length,
      outsideWindow: this.#outsideWindow,
      connectionLogs: this.#named['connection-log'],
      healthCheckLogs: this.#named['health-check-log'],
      bytes: accounts.reduce((sum, account) => sum + account.bytes, 0),
      unreadable: [...this.#unreadable]
        .map(([file, { reason, lines }]) => ({ file, reason, lines }))
        .sort((a, b) => byText(a.file, b.file)),
    };
  }

  async #answer(store: EntryStore, accounts: readonly SourceCounts[], count: Readers['count']): Promise<AccessLog> {
    const { question, idleTimeoutSeconds } = this.#options;
    const sum = (of: (account: SourceCounts) => number) => accounts.reduce((total, account) => total + of(account), 0);
    const withReject = accounts.filter((account) => account.rejected > 0);
    return {
      files: this.#files(accounts),
      lines: sum((account) => account.lines),
      entries: sum((account) => account.entries),
      rejected: {
        lines: sum((account) => account.rejected),
        files: withReject.length,
        first: withReject[0] ? firstRejectedOf(withReject[0]) : null,
      },
      otherLoadBalancers: sum((account) => account.otherLoadBalancers),
      ...(await answerLog(store.entries(), question, idleTimeoutSeconds, count)),
    };
  }
}

async function* inTurn<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

const firstRejectedOf = ({ file, firstRejected }: SourceCounts): AccessLog['rejected']['first'] =>
  firstRejected === null ? null : { file, line: firstRejected.line, text: redactExcerpt(firstRejected.text) };

function wantedLoadBalancer({ loadBalancer: { name, arn } }: Question): WantedLoadBalancer {
  const [, full, id] = /app[/]([^/]+)[/]([^/]+)$/.exec(arn ?? name) ?? [];
  return { name: full ?? name, id: id ?? null };
}

function listNames(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
