/**
 * The embedded engine: reads access-log files in this process and answers the questions of queries.ts with DuckDB.
 * Each line is read once into narrow columns (scan.ts, columns.ts) that DuckDB holds; text is kept only for failures
 * and places.
 */
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type JS } from '@duckdb/node-api';
import type {
  AccessLog,
  FailedHealthChecks,
  FailedRequest,
  FailureShape,
  IdleGaps,
  Question,
  RouteTraffic,
  ScaleCount,
  SlowRoute,
  UnansweredRun,
} from '../../../evidence/evidence.ts';
import { FAILURE_LIMIT, OUTAGE_LIMIT } from '../../../evidence/evidence.ts';
import { errorMessage, Problem } from '../../../problem.ts';
import { mapLimited } from '../../map-limited.ts';
import { makeTemporaryFolder } from '../../temporary-folder.ts';
import { stoppedError } from '../access-log-error.ts';
import { lineKind } from '../entry.ts';
import { groupGaps } from '../gap-answers.ts';
import { gapHorizon, gapRequestLimits } from '../gap-limits.ts';
import { failedHealthChecks, readHealthChecks } from '../health-checks.ts';
import {
  byText,
  canMatter,
  inspectFile,
  logFilesIn,
  parseFileName,
  redactExcerpt,
  type WantedLoadBalancer,
} from '../log-files.ts';
import { byTargetAndTime, outageSlot } from '../outage-limits.ts';
import * as queries from '../queries.ts';
import { BAD_ROUTES, SLOW_ROUTES } from '../slow-limits.ts';
import { gapsByRequest } from './gaps-by-request.ts';
import { FAILURE, openRelations } from './relations.ts';
import { type SizedFileToScan, scan } from './scan.ts';
import type { ScannedFile } from './scan-file.ts';
import type { TargetAndNode } from './scanner.ts';

export { redactExcerpt } from '../log-files.ts';

export interface ReadOptions {
  /** A folder with log files at any depth, or the files themselves. */
  folder: string | readonly string[];
  question: Question;
  /** The load balancer's idle timeout; 60 if unknown. */
  idleTimeoutSeconds: number;
  /** Called as the work progresses. */
  progress?: (step: ReadProgress) => void;
  /** An engine that the caller opened beforehand and will close. */
  engine?: DuckDbEngine;
  /** Stops the read, even in the middle of a query. */
  signal?: AbortSignal;
}

/** An empty DuckDB for one read. */
export interface DuckDbEngine {
  connection: DuckDBConnection;
  close(): Promise<void>;
}

/** Opens DuckDB in memory; it spills to a temporary folder. */
export async function openDuckDb(): Promise<DuckDbEngine> {
  const temporary = await makeTemporaryFolder('alb502-');
  try {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(availableParallelism()),
      memory_limit: MEMORY_LIMIT,
      temp_directory: temporary,
      preserve_insertion_order: 'false',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    return {
      connection,
      async close() {
        connection.closeSync();
        await rm(temporary, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

export interface ReadProgress {
  step: 'listed' | 'read' | 'answered';
  /** Files and compressed bytes to read; lines once they have been read. */
  files: number;
  bytes: number;
  lines: number;
}

/** Line counts of one file: lines = entries + rejected. Entries include those of other load balancers. */
export interface FileCounts {
  file: string;
  lines: number;
  entries: number;
  rejected: number;
}

const MEMORY_LIMIT = '512MB';
/** Rows that DuckDB gives to one thread; with fewer rows, other threads only spin until the query is done. */
const ROW_GROUP = 122_880;
/** Columns of a failure that are shown; `detail` is the values of FAILURE_DETAIL, joined by a quote. */
const SHOWN_COLUMNS = ['id', 'ended', 'place', 'status', 'target_status', 'detail', 'retried_ok'];
/** Maximum load balancers named when there are several. */
const NAMES_SHOWN = 10;
const FILES_AT_ONCE = 16;
const ROUTE_LIMIT = 200;

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

type DuckDbRow = Record<string, JS>;

class LogFileReader {
  readonly #options: ReadOptions;
  readonly #wanted: WantedLoadBalancer;
  readonly #unreadable = new Map<string, { reason: string; lines: number }>();
  #outsideWindow = 0;
  readonly #named = { 'connection-log': 0, 'health-check-log': 0 };
  /** Health-check logs of the window by their names, and those recognised by content. */
  #healthCheckLogs: { file: string; original: string }[] = [];
  #sources: Source[] = [];

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
    const read = await mapLimited(this.#healthCheckLogs, FILES_AT_ONCE, async ({ original }) => {
      const ends = await inspectFile(original);
      return 'fault' in ends ? [] : await readHealthChecks(original, ends.compressed, this.#wanted).catch(() => []);
    });
    return failedHealthChecks(read.flat(), this.#options.question);
  }

  async #readEntries(): Promise<{ log: AccessLog; accounts: FileCounts[] }> {
    await this.#list();
    const bytes = this.#sources.reduce((sum, source) => sum + source.bytes, 0);
    this.#reportProgress('listed', bytes, 0);
    if (this.#sources.length === 0) return { log: this.#emptyLog(), accounts: [] };
    try {
      return await this.#read(bytes);
    } catch (error) {
      if (this.#options.signal?.aborted) throw stoppedError('reading log files');
      // Faults of single files are reported per file; this is an engine failure, and an answer without the log would
      // hide it.
      if (error instanceof Problem) throw error;
      // After its first line, a DuckDB error contains a stack and advice for DuckDB's developers.
      const [why = ''] = errorMessage(error).split('\n');
      throw new Problem(`The access log could not be read to its end: ${why.replace(/[.]?\s*$/, '')}.`, 2);
    }
  }

  async #read(bytes: number): Promise<{ log: AccessLog; accounts: FileCounts[] }> {
    const { engine = null, signal } = this.#options;
    const opened = engine ?? (await openDuckDb());
    const { connection } = opened;
    const stopInterrupting = interruptAtAbort(connection, signal);
    try {
      const { statuses, from, to } = this.#options.question;
      const relations = await openRelations(connection, this.#options.question);
      const scanned = await scan(
        this.#sources,
        { loadBalancer: this.#wanted, window: { from, to }, statuses },
        relations,
        signal,
      );
      this.#assertOneLoadBalancer(scanned);
      const accounts = this.#countFiles(scanned);
      const places = await relations.complete(
        scanned.flatMap((one) => one.places),
        scanned.flatMap((one) => one.namedRoutes),
      );
      const lines = accounts.reduce((sum, account) => sum + account.lines, 0);
      this.#reportProgress('read', bytes, lines);
      if (lines <= ROW_GROUP) await connection.run('SET threads = 1');
      const log = await this.#answer(connection, accounts, places);
      this.#reportProgress('answered', bytes, lines);
      return {
        log,
        accounts: accounts.map(({ file, lines, entries, rejected }) => ({ file, lines, entries, rejected })),
      };
    } finally {
      stopInterrupting();
      if (engine === null) await opened.close();
    }
  }

  #reportProgress(step: ReadProgress['step'], bytes: number, lines: number): void {
    this.#options.progress?.({ step, files: this.#sources.length, bytes, lines });
  }

  /** Selects the files to read, by their names and interval ends. */
  async #list(): Promise<void> {
    const { folder, question, idleTimeoutSeconds } = this.#options;
    const { files: listed, unreadable } =
      typeof folder === 'string' ? await logFilesIn(folder) : { files: [...folder].sort(byText), unreadable: [] };
    const files = listed.map((file) => ({
      file,
      original: typeof folder === 'string' ? resolve(folder, file) : resolve(file),
    }));
    for (const { file, fault } of unreadable) this.#unreadable.set(file, { reason: fault, lines: 0 });
    const chosen = files.flatMap(({ file, original }) => {
      const name = parseFileName(file);
      if (name.kind !== 'access-log') this.#named[name.kind] += 1;
      if (name.kind === 'health-check-log' && canMatter(name, this.#wanted, question, idleTimeoutSeconds))
        this.#healthCheckLogs.push({ file, original });
      if (name.kind !== 'access-log') return [];
      if (!canMatter(name, this.#wanted, question, idleTimeoutSeconds)) this.#outsideWindow += 1;
      else return [{ file, original, node: name.node }];
      return [];
    });
    const inspected = await mapLimited(chosen, FILES_AT_ONCE, async (one) => ({
      ...one,
      ends: await inspectFile(one.original),
    }));
    for (const { file, original, node, ends } of inspected) {
      if ('fault' in ends) {
        this.#unreadable.set(file, { reason: ends.fault, lines: 0 });
        continue;
      }
      this.#sources.push({
        file,
        path: original,
        node,
        compressed: ends.compressed,
        bytes: ends.bytes,
      });
    }
  }

  /** Throws if two load balancers share the name: their entries would be added together. */
  #assertOneLoadBalancer(scanned: readonly ScannedFile[]): void {
    const namesakes = [...new Set(scanned.flatMap(({ counts }) => counts.namesakes))].sort(byText);
    if (namesakes.length <= 1) return;
    throw new Problem(`'${this.#wanted.name}' matches ${namesakes.length} load balancers: ${listNames(namesakes)}.`, 1);
  }

  /** Counts the lines of each file, drops files of other logs and lists damaged ones. */
  #countFiles(scanned: readonly ScannedFile[]): SourceCounts[] {
    return this.#sources.flatMap(({ file, path, bytes }, index): SourceCounts[] => {
      const one = scanned[index];
      if (one === undefined) throw new Error(`${file} was not read`);
      const { lines, entries, rejected, otherLoadBalancers, firstRejected, firstLine } = one.counts;
      const kind = entries === 0 && rejected > 0 ? (lineKind(firstLine ?? '') ?? 'access-log') : 'access-log';
      if (kind !== 'access-log') {
        this.#named[kind] += 1;
        if (kind === 'health-check-log') this.#healthCheckLogs.push({ file, original: path });
        return [];
      }
      if (one.fault !== null) this.#unreadable.set(file, { reason: one.fault, lines });
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

  #emptyLog(): AccessLog {
    return {
      files: this.#files([]),
      lines: 0,
      entries: 0,
      rejected: { lines: 0, files: 0, first: null },
      otherLoadBalancers: 0,
      oldest: null,
      newest: null,
      requests: 0,
      minutes: [],
      targets: [],
      statuses: [],
      failures: [],
      failuresTotal: 0,
      failureShapes: [],
      failedClients: 0,
      clientAddresses: [],
      retriedOk: 0,
      routes: [],
      slowest: { answeredMs: 0, routes: [] },
      badRequestRoutes: [],
      idleGaps: [],
      outages: [],
    };
  }

  async #answer(
    connection: DuckDBConnection,
    accounts: SourceCounts[],
    places: ReadonlyMap<number, TargetAndNode>,
  ): Promise<AccessLog> {
    const sum = (of: (account: SourceCounts) => number) => accounts.reduce((total, account) => total + of(account), 0);
    await connection.run(
      `CREATE TABLE failure AS ${FAILURE}; DROP VIEW failing; DROP TABLE failed_line; CREATE TABLE retried AS ${queries.RETRIED};`,
    );

    const [overview] = await select(connection, queries.OVERVIEW);
    const [failed] = await select(connection, queries.FAILED);
    if (overview === undefined || failed === undefined) throw new Error('a count came back without a row');
    // Fetching text from DuckDB is slow, so one text holds all texts of a failure, and places come from memory.
    const shown = await select(
      connection,
      `SELECT ${SHOWN_COLUMNS.join(', ')} FROM (${queries.failures(FAILURE_LIMIT)}) ORDER BY id`,
    );
    const text = (row: DuckDbRow, name: string) => String(row[name]);
    const node = (row: DuckDbRow) => (row.node === '-' ? null : text(row, 'node'));

    const clients = new Map<string, number>();
    const clientNumber = (address: string) => {
      const known = clients.get(address);
      if (known !== undefined) return known;
      clients.set(address, clients.size + 1);
      return clients.size;
    };
    const byCloudFront = new Set<number>();
    const failures = shown.map((row): FailedRequest => {
      const at = number(row, 'ended');
      const place = places.get(number(row, 'place'));
      if (place === undefined) throw new Error('a failure came back without its place');
      const [type = '', client = '', request, target, response, received, sent, ...texts] = text(row, 'detail').split(
        '"',
      );
      const [route = '', trace = '', priority = '', created, actions = '', reason = '', classification = '', edge] =
        texts;
      if (edge === '1') byCloudFront.add(clientNumber(client));
      return {
        at: at / 1000,
        elapsed: created === '' ? null : (at - Number(created)) / 1_000_000,
        client: clientNumber(client),
        route,
        node: place.node === '-' ? null : place.node,
        type,
        target: place.target,
        request_processing_time: Number(request),
        target_processing_time: Number(target),
        response_processing_time: Number(response),
        elb_status_code: statusText(row.status),
        target_status_code: statusText(row.target_status),
        received_bytes: Number(received),
        sent_bytes: Number(sent),
        target_group_arn: place.target_group_arn,
        trace_id: trace,
        matched_rule_priority: priority,
        actions_executed: actions,
        error_reason: reason,
        classification_reason: classification,
        retriedOk: row.retried_ok === true,
      };
    });
    const indexOf = new Map(shown.map((row, index) => [number(row, 'id'), index]));

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
      oldest: overview.oldest === null ? null : number(overview, 'oldest') / 1000,
      newest: overview.newest === null ? null : number(overview, 'newest') / 1000,
      requests: number(overview, 'requests'),
      minutes: (await select(connection, queries.MINUTES)).map((row) => ({
        minute: number(row, 'minute') / 1000,
        requests: number(row, 'requests'),
      })),
      targets: (await select(connection, queries.TARGETS)).map((row) => ({
        target_group_arn: text(row, 'target_group_arn'),
        target: text(row, 'target'),
        node: node(row),
        requests: number(row, 'requests'),
        failures: number(row, 'failures'),
        badRequests: number(row, 'bad_requests'),
        firstSeen: number(row, 'first_seen') / 1000,
        lastSeen: number(row, 'last_seen') / 1000,
        firstSuccess: row.first_success === null ? null : number(row, 'first_success') / 1000,
        lastSuccess: row.last_success === null ? null : number(row, 'last_success') / 1000,
      })),
      statuses: (await select(connection, queries.STATUSES)).map((row) => ({
        target_group_arn: text(row, 'target_group_arn'),
        elb_status_code: statusText(row.status),
        target_status_code: statusText(row.target_status),
        requests: number(row, 'requests'),
      })),
      failures,
      failuresTotal: number(overview, 'failures'),
      failureShapes: (await select(connection, queries.FAILURE_SHAPES)).map(
        (row): FailureShape => ({
          minute: number(row, 'minute') / 1000,
          elb_status_code: statusText(row.status),
          target_status_code: statusText(row.target_status),
          request_processing_time: row.request_time === -1 ? -1 : 0,
          target_processing_time: row.target_time === -1 ? -1 : 0,
          response_processing_time: row.response_time === -1 ? -1 : 0,
          elapsed: elapsedClass(row.elapsed),
          error_reason: text(row, 'error_reason'),
          fixedResponse: row.fixed_response === true,
          hasTarget: row.has_target === true,
          hasTargetGroup: row.has_target_group === true,
          count: number(row, 'failures'),
          retriedOk: number(row, 'retried'),
          first: number(row, 'first_seen') / 1000,
          last: number(row, 'last_seen') / 1000,
        }),
      ),
      failedClients: number(failed, 'clients'),
      clientAddresses: [...clients.keys()],
      ...(byCloudFront.size === 0 ? {} : { cloudFrontClients: [...byCloudFront].sort((a, b) => a - b) }),
      retriedOk: number(failed, 'retried'),
      routes: await this.#routes(connection),
      slowest: slowestOf(await select(connection, queries.slowRoutes(SLOW_ROUTES))),
      badRequestRoutes: (await select(connection, queries.badRequestRoutes(BAD_ROUTES))).map((row) => ({
        target_group_arn: text(row, 'target_group_arn'),
        route: text(row, 'route_text'),
        requests: number(row, 'requests'),
      })),
      idleGaps: await this.#idleGaps(connection, indexOf, failures),
      outages: await this.#outages(connection),
    };
  }

  async #outages(connection: DuckDBConnection): Promise<UnansweredRun[]> {
    const rows = await select(connection, queries.outages(outageSlot(this.#options.question), OUTAGE_LIMIT));
    const time = (row: DuckDbRow, name: string) => (row[name] === null ? null : number(row, name) / 1000);
    return rows
      .map((row) => ({
        target_group_arn: String(row.target_group_arn),
        target: String(row.target),
        lastAnswer: time(row, 'last_answer'),
        nextAnswer: time(row, 'next_answer'),
        first: number(row, 'first') / 1000,
        last: number(row, 'last') / 1000,
        failures: number(row, 'failures'),
      }))
      .sort(byTargetAndTime);
  }

  async #idleGaps(
    connection: DuckDBConnection,
    indexOf: Map<number, number>,
    failures: readonly FailedRequest[],
  ): Promise<IdleGaps[]> {
    const horizon = Math.round(gapHorizon(this.#options.idleTimeoutSeconds) * 1_000_000);
    const work = await select(connection, queries.gapWork(FAILURE_LIMIT));
    if (work.length === 0) return [];
    const groups = work.map((row) =>
      gapRequestLimits(
        { closed: number(row, 'closed'), completions: number(row, 'completions'), span: number(row, 'span') },
        horizon,
      ),
    );
    await connection.run(`CREATE TABLE gap_request AS ${queries.gapRequests({ shown: FAILURE_LIMIT, groups })}`);
    const requests = await select(connection, 'SELECT * EXCLUDE (place, dispatched) FROM gap_request ORDER BY request');
    const gapsOf = await gapsByRequest(connection, horizon, requests.length);
    const rowOf = (id: JS | undefined) => indexOf.get(Number(id)) ?? -1;
    return groupGaps(
      requests.map((row) => {
        const peer = number(row, 'peer');
        return {
          target_group_arn: String(row.target_group_arn),
          horizon: number(row, 'reach') / 1_000_000,
          gaps: gapsOf[number(row, 'request')] ?? [],
          ...(peer === 0
            ? { failure: rowOf(row.n) }
            : {
                peer: rowOf(peer),
                answered: number(row, 'answers'),
                client: row.asking === null ? null : (failures[rowOf(row.asking)]?.client ?? null),
              }),
        };
      }),
    );
  }

  async #routes(connection: DuckDBConnection): Promise<RouteTraffic[]> {
    const scales = new Map<string, ScaleCount[]>();
    for (const row of await select(connection, queries.routeScales(ROUTE_LIMIT))) {
      const key = `${row.scale} ${row.route_text}`;
      const own = scales.get(key) ?? [];
      own.push({ step: number(row, 'step'), requests: number(row, 'requests') });
      scales.set(key, own);
    }
    return (await select(connection, queries.routes(ROUTE_LIMIT))).map((row) => {
      const route = String(row.route_text);
      return {
        route,
        requests: number(row, 'requests'),
        failures: number(row, 'failures'),
        succeeded: number(row, 'succeeded'),
        succeededMs: number(row, 'succeeded_ms'),
        succeededMaxMs: number(row, 'succeeded_max_ms'),
        times: scales.get(`time ${route}`) ?? [],
        sizes: scales.get(`size ${route}`) ?? [],
      };
    });
  }
}

/** Groups rows by route, in the order of the rows. */
function slowestOf(rows: readonly DuckDbRow[]): NonNullable<AccessLog['slowest']> {
  const routes = new Map<string, SlowRoute>();
  for (const row of rows) {
    const route = String(row.route_text);
    const own = routes.get(route) ?? { route, answeredMs: number(row, 'ms'), times: [] };
    own.times.push({ step: number(row, 'step'), requests: number(row, 'requests') });
    routes.set(route, own);
  }
  return { answeredMs: rows[0] === undefined ? 0 : number(rows[0], 'total_ms'), routes: [...routes.values()] };
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

const statusText = (value: JS | undefined): string =>
  Number(value) < 0 ? '-' : String(Number(value)).padStart(3, '0');

function elapsedClass(value: JS | undefined): FailureShape['elapsed'] {
  return value === 'under-9.5s' || value === '9.5-11s' || value === 'from-11s' ? value : null;
}

/** Milliseconds between two interrupts. */
const INTERRUPT_INTERVAL = 50;

/**
 * Interrupts the running query on abort, because it would keep the process alive. Repeats: a query that is about to
 * start ignores it.
 */
function interruptAtAbort(connection: DuckDBConnection, signal: AbortSignal | undefined): () => void {
  let again: NodeJS.Timeout | null = null;
  const interrupt = () => {
    connection.interrupt();
    again = setTimeout(interrupt, INTERRUPT_INTERVAL);
  };
  signal?.addEventListener('abort', interrupt);
  return () => {
    signal?.removeEventListener('abort', interrupt);
    if (again !== null) clearTimeout(again);
  };
}

async function select(connection: DuckDBConnection, sql: string): Promise<DuckDbRow[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJS();
}

/** Reads a count, sum, time or duration; all are far below 2^53. */
function number(row: DuckDbRow, name: string): number {
  const value = row[name];
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw new TypeError(`${name} is not a number: ${String(value)}`);
  return Number(value);
}
