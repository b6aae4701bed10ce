/**
 * The embedded engine: reads access-log files with DuckDB in this process and answers the questions of queries.ts.
 *
 * One scan of the raw lines (scan.ts); the few lines that SQL cannot place are decided by the parser of entry.ts.
 */
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type DuckDBAppender, type DuckDBConnection, DuckDBInstance, type JS } from '@duckdb/node-api';
import type { AccessLog, FailedRequest, FailureShape, IdleGaps, Question } from '../../evidence.ts';
import { FAILURE_LIMIT } from '../../evidence.ts';
import { lineKind, parseLine } from './entry.ts';
import {
  byText,
  canMatter,
  copyReadable,
  examine,
  linesOf,
  logFilesIn,
  look,
  parseFileName,
  redacted,
  type WantedLoadBalancer,
} from './files.ts';
import { GAP_BIN_SECONDS, GAP_BINS, gapHorizon, gapRequests } from './gap-limits.ts';
import * as queries from './queries.ts';
import {
  BLANK,
  CREATE_DECIDED,
  createLineTable,
  DOUBTFUL,
  decided,
  ENTRY,
  INSERT_DECIDED,
  KEPT_OF_REJECTED,
  OTHER_LOAD_BALANCER,
  placesSql,
  REJECTED,
  relationsSql,
  type Scan,
  scanSql,
} from './scan.ts';

export { redacted } from './files.ts';

export interface ReadOptions {
  /** A folder with log files at any depth, or the files themselves. */
  folder: string | readonly string[];
  question: Question;
  /** Of the load balancer; 60 when it is not known. */
  idleTimeoutSeconds: number;
  /** Called as the work goes on. */
  progress?: (step: Progress) => void;
}

export interface Progress {
  step: 'listed' | 'read' | 'answered';
  /** Files and compressed bytes that are to be read; lines once they have been. */
  files: number;
  bytes: number;
  lines: number;
}

/** Lines of one file by what became of them: lines = entries + rejected. Entries include those of other load balancers. */
export interface FileAccount {
  file: string;
  lines: number;
  entries: number;
  rejected: number;
}

const MEMORY_LIMIT = '512MB';
/** From this many compressed bytes on, only one line in `NAMED_ONE_IN` names its place; rare places are looked up afterwards. */
const NAME_ALL_BELOW = 4_000_000;
const NAMED_ONE_IN = 64;
/** Up to this many compressed bytes every checksum is verified; beyond, only those of files that look wrong. */
const VERIFY_ALL_BELOW = 4_000_000;
/** Bytes. A longer line makes the engine give up, then it gets another chance with the larger buffers: small ones are faster. */
const ORDINARY_LINE = 1_048_576;
const MAX_LINE = 16_777_216;
/** The first, one for files the engine gives up on, one for files of which it missed a part. */
const ATTEMPTS = 3;
const FILES_AT_ONCE = 16;
const ROUTE_LIMIT = 200;

/** Throws when the folder cannot be listed or the engine itself fails; a file that cannot be read is named in `files.unreadable`. */
export async function readAccessLog(options: ReadOptions): Promise<AccessLog> {
  return (await readAccounted(options)).log;
}

/** As readAccessLog, with the account of each file that was read, sorted by file. */
export async function readAccounted(options: ReadOptions): Promise<{ log: AccessLog; accounts: FileAccount[] }> {
  const temporary = await mkdtemp(join(tmpdir(), 'alb502-'));
  try {
    return await new Reading(options, temporary).run();
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** A file to be read, under a name of our own (`path`): what users call their files never gets into SQL. */
interface Source {
  file: string;
  original: string;
  path: string;
  compressed: boolean;
  bytes: number;
  length: number | null;
  node: string | null;
  /** It has been replaced by a copy that can be read without doubt. */
  readable: boolean;
}

interface Account extends FileAccount {
  source: Source;
  otherLoadBalancers: number;
  /** Bytes of the lines and their breaks. */
  size: number;
  /** Lines with the blank ones. */
  feeds: number;
}

type Row = Record<string, JS>;

class Reading {
  readonly #options: ReadOptions;
  readonly #temporary: string;
  readonly #wanted: WantedLoadBalancer;
  readonly #unreadable = new Map<string, { reason: string; lines: number }>();
  #outsideWindow = 0;
  readonly #named = { 'connection-log': 0, 'health-check-log': 0 };
  #sources: Source[] = [];

  constructor(options: ReadOptions, temporary: string) {
    this.#options = options;
    this.#temporary = temporary;
    this.#wanted = wantedOf(options.question);
  }

  async run(): Promise<{ log: AccessLog; accounts: FileAccount[] }> {
    await this.#list();
    const bytes = this.#sources.reduce((sum, source) => sum + source.bytes, 0);
    this.#tell('listed', bytes, 0);
    if (bytes <= VERIFY_ALL_BELOW) await this.#examine(this.#sources.filter(({ compressed }) => compressed));
    if (this.#sources.length === 0) return { log: this.#nothing(), accounts: [] };

    const { connection, accounts } = await this.#load(bytes);
    try {
      const lines = accounts.reduce((sum, account) => sum + account.lines, 0);
      this.#tell('read', bytes, lines);
      const log = await this.#answer(connection, accounts);
      this.#tell('answered', bytes, lines);
      return {
        log,
        accounts: accounts.map(({ file, lines, entries, rejected }) => ({ file, lines, entries, rejected })),
      };
    } finally {
      connection.closeSync();
    }
  }

  #tell(step: Progress['step'], bytes: number, lines: number): void {
    this.#options.progress?.({ step, files: this.#sources.length, bytes, lines });
  }

  /** Which files to read, by their names and ends. */
  async #list(): Promise<void> {
    const { folder, question, idleTimeoutSeconds } = this.#options;
    const files =
      typeof folder === 'string'
        ? (await logFilesIn(folder)).map((file) => ({ file, original: resolve(folder, file) }))
        : folder.map((file) => ({ file, original: resolve(file) })).sort((a, b) => byText(a.file, b.file));
    const chosen = files.flatMap(({ file, original }) => {
      const name = parseFileName(file);
      if (name.kind !== 'access-log') this.#named[name.kind] += 1;
      else if (!canMatter(name, this.#wanted, question, idleTimeoutSeconds)) this.#outsideWindow += 1;
      else return [{ file, original, node: name.node }];
      return [];
    });
    const looked = await eachOf(chosen, async (one) => ({ ...one, ends: await look(one.original) }));
    for (const { file, original, node, ends } of looked) {
      if ('fault' in ends) {
        this.#unreadable.set(file, { reason: ends.fault, lines: 0 });
        continue;
      }
      const path = join(this.#temporary, `${this.#sources.length}.log${ends.compressed ? '.gz' : ''}`);
      await symlink(original, path);
      this.#sources.push({ file, original, path, node, readable: false, ...ends });
    }
  }

  /** Reads files as streams. A readable copy takes the place of one that is damaged, which is named, and of one that is not UTF-8. */
  async #examine(sources: readonly Source[]): Promise<void> {
    await eachOf(sources, async (source) => {
      const { fault, isUtf8 } = await examine(source.original, source.compressed);
      if (fault !== null) this.#unreadable.set(source.file, { reason: fault, lines: 0 });
      if (fault !== null || !isUtf8) await this.#copy(source);
    });
  }

  async #copy(source: Source): Promise<void> {
    const path = join(this.#temporary, `${this.#sources.indexOf(source)}.copy.log`);
    await copyReadable(source.original, source.compressed, path);
    source.path = path;
    source.readable = true;
  }

  /**
   * Reads all lines and accounts for them. When the engine gives up, it does so for all files: then each is examined, and a new engine
   * reads what is readable. When it was content with a part of a file that is whole, it gets a copy.
   */
  async #load(bytes: number): Promise<{ connection: DuckDBConnection; accounts: Account[] }> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.#open();
      try {
        await this.#scan(connection, 'line', this.#sources, {
          namedOneIn: bytes <= NAME_ALL_BELOW ? 1 : NAMED_ONE_IN,
          maxLineBytes: attempt === 1 ? ORDINARY_LINE : MAX_LINE,
        });
        await this.#decideDoubtful(connection);
        const accounts = await this.#account(connection);
        const short = await this.#inDoubt(accounts);
        if (short.length === 0) return { connection, accounts: await this.#withoutOtherLogs(accounts) };
        for (const source of short) await this.#copy(source);
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await this.#examine(this.#sources);
      }
      connection.closeSync();
    }
  }

  async #open(): Promise<DuckDBConnection> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(availableParallelism()),
      memory_limit: MEMORY_LIMIT,
      temp_directory: this.#temporary,
      preserve_insertion_order: 'false',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    return await instance.connect();
  }

  /** The table `line`: every line of every file, once. */
  async #scan(
    connection: DuckDBConnection,
    table: string,
    files: readonly Source[],
    more: Pick<Scan, 'namedOneIn' | 'maxLineBytes'>,
  ) {
    const { question } = this.#options;
    await connection.run(createLineTable(table));
    const { statuses, from, to } = question;
    await connection.run(
      scanSql(table, { files, loadBalancer: this.#wanted, window: { from, to }, statuses, ...more }),
    );
  }

  /** Lines that SQL cannot place with certainty: the parser decides, and its entries join the others. */
  async #decideDoubtful(connection: DuckDBConnection): Promise<void> {
    const { name, id } = this.#wanted;
    const result = await connection.stream(`SELECT file, detail FROM line WHERE kind = ${DOUBTFUL}`);
    let appender: DuckDBAppender | null = null;
    for await (const rows of result.yieldRowsJs()) {
      for (const [file, text] of rows) {
        if (appender === null) {
          await connection.run(CREATE_DECIDED);
          appender = await connection.createAppender('decided');
        }
        appender.appendUInteger(Number(file));
        const parsed = parseLine(String(text));
        if ('rejected' in parsed) {
          appender.appendUTinyInt(REJECTED);
          for (let column = 0; column < 5; column++) appender.appendNull();
          appender.appendVarchar([...String(text)].slice(0, KEPT_OF_REJECTED).join(''));
        } else {
          const { entry } = parsed;
          const isOurs = id === null ? entry.elb.startsWith(`app/${name}/`) : entry.elb === `app/${name}/${id}`;
          const row = decided(entry, this.#sources[Number(file)]?.node ?? null);
          appender.appendUTinyInt(isOurs ? ENTRY : OTHER_LOAD_BALANCER);
          appender.appendBigInt(BigInt(row.ended));
          appender.appendSmallInt(row.status);
          appender.appendSmallInt(row.target_status);
          appender.appendInteger(row.target_ms);
          appender.appendUInteger(row.sample);
          appender.appendVarchar(row.detail);
        }
        appender.endRow();
      }
    }
    if (appender === null) return;
    appender.closeSync();
    await connection.run(INSERT_DECIDED);
  }

  /** What became of the lines of each file; files of other logs leave the list, damaged ones are named. */
  async #account(connection: DuckDBConnection): Promise<Account[]> {
    const rows = await select(
      connection,
      `SELECT file, count_if(kind <> ${BLANK} AND kind <> ${DOUBTFUL}) AS lines, count_if(kind IN (${ENTRY}, ${OTHER_LOAD_BALANCER})) AS entries,
        count_if(kind = ${REJECTED}) AS rejected, count_if(kind = ${OTHER_LOAD_BALANCER}) AS others, sum(size + 1) AS size,
        count(size) AS feeds
      FROM line GROUP BY file`,
    );
    const counted = new Map(rows.map((row) => [number(row, 'file'), row]));
    return this.#sources.map((source, index) => {
      const row = counted.get(index);
      const of = (name: string) => (row === undefined ? 0 : number(row, name));
      return {
        source,
        file: source.file,
        lines: of('lines'),
        entries: of('entries'),
        rejected: of('rejected'),
        otherLoadBalancers: of('others'),
        size: of('size'),
        feeds: of('feeds'),
      };
    });
  }

  /**
   * Compares the length of what was read with the last bytes of each compressed file. Where they differ, the file is read as a stream: it
   * may be damaged, then it is named; it may be whole all the same (several members, line breaks of two bytes). Returns the whole ones of
   * which lines are missing.
   */
  async #inDoubt(accounts: readonly Account[]): Promise<Source[]> {
    const short: Source[] = [];
    for (const { source, size, feeds } of accounts) {
      const isRight = source.length === size % 2 ** 32 || source.length === (size - 1) % 2 ** 32;
      if (!source.compressed || source.readable || isRight) continue;
      const { fault, lineFeeds } = await examine(source.original, true);
      if (fault !== null) this.#unreadable.set(source.file, { reason: fault, lines: 0 });
      else if (feeds < lineFeeds) short.push(source);
    }
    return short;
  }

  /** Leaves out files that hold no entry and begin as another log does; says of damaged ones how many lines were used. */
  async #withoutOtherLogs(accounts: readonly Account[]): Promise<Account[]> {
    const kept: Account[] = [];
    for (const account of accounts) {
      const { source } = account;
      const kind = account.entries === 0 && account.rejected > 0 ? await kindOf(source) : 'access-log';
      const damage = this.#unreadable.get(source.file);
      if (kind !== 'access-log') {
        this.#named[kind] += 1;
        this.#unreadable.delete(source.file);
      } else {
        kept.push(account);
        if (damage !== undefined) damage.lines = account.lines;
      }
    }
    return kept;
  }

  #files(accounts: readonly Account[]): AccessLog['files'] {
    return {
      read: accounts.length,
      outsideWindow: this.#outsideWindow,
      connectionLogs: this.#named['connection-log'],
      healthCheckLogs: this.#named['health-check-log'],
      bytes: accounts.reduce((sum, { source }) => sum + source.bytes, 0),
      unreadable: [...this.#unreadable]
        .map(([file, { reason, lines }]) => ({ file, reason, lines }))
        .sort((a, b) => byText(a.file, b.file)),
    };
  }

  #nothing(): AccessLog {
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
      retriedOk: 0,
      routes: [],
      idleGaps: [],
    };
  }

  /** Text of the places that the sample did not name. */
  async #nameRarePlaces(connection: DuckDBConnection): Promise<void> {
    const rows = await select(
      connection,
      `SELECT DISTINCT file FROM line WHERE kind = ${ENTRY} AND place NOT IN (SELECT place FROM place) ORDER BY file`,
    );
    if (rows.length === 0) return;
    const files = rows.flatMap((row) => this.#sources[number(row, 'file')] ?? []);
    await this.#scan(connection, 'again', files, { namedOneIn: 1, maxLineBytes: MAX_LINE });
    await connection.run(`INSERT INTO place ${placesSql('again')} AND place NOT IN (SELECT place FROM place)`);
    await connection.run('DROP TABLE again');
  }

  async #answer(connection: DuckDBConnection, accounts: Account[]): Promise<AccessLog> {
    const sum = (of: (account: Account) => number) => accounts.reduce((total, account) => total + of(account), 0);
    await connection.run(`
      ${relationsSql(this.#options.question, this.#options.question.statuses)}
      CREATE TABLE failure AS ${queries.FAILURE};`);
    await this.#nameRarePlaces(connection);
    await connection.run(`CREATE TABLE retried AS ${queries.RETRIED}`);

    const [overview] = await select(connection, queries.OVERVIEW);
    const [failed] = await select(connection, queries.FAILED);
    if (overview === undefined || failed === undefined) throw new Error('a count came back without a row');
    const shown = await select(connection, queries.failures(FAILURE_LIMIT));
    const text = (row: Row, name: string) => String(row[name]);
    const node = (row: Row) => (row.node === '-' ? null : text(row, 'node'));

    const clients = new Map<string, number>();
    const clientNumber = (address: string) => {
      const known = clients.get(address);
      if (known !== undefined) return known;
      clients.set(address, clients.size + 1);
      return clients.size;
    };
    const failures = shown.map((row): FailedRequest => {
      const at = number(row, 'ended');
      return {
        at: at / 1000,
        elapsed: row.created === null ? null : (at - number(row, 'created')) / 1_000_000,
        client: clientNumber(String(row.client_address)),
        route: text(row, 'route_text'),
        node: node(row),
        type: text(row, 'request_type'),
        target: text(row, 'target'),
        request_processing_time: number(row, 'request_processing_time'),
        target_processing_time: number(row, 'target_processing_time'),
        response_processing_time: number(row, 'response_processing_time'),
        elb_status_code: statusText(row.status),
        target_status_code: statusText(row.target_status),
        received_bytes: number(row, 'received_bytes'),
        sent_bytes: number(row, 'sent_bytes'),
        target_group_arn: text(row, 'target_group_arn'),
        trace_id: text(row, 'trace_id'),
        matched_rule_priority: text(row, 'matched_rule_priority'),
        actions_executed: text(row, 'actions_executed'),
        error_reason: text(row, 'error_reason'),
        classification_reason: text(row, 'classification_reason'),
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
        first: withReject[0] ? await this.#firstRejected(connection, withReject[0].source) : null,
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
          elapsed: elapsedOf(row.elapsed),
          error_reason: text(row, 'error_reason'),
          fixedResponse: row.fixed_response === true,
          hasTarget: row.has_target === true,
          hasTargetGroup: row.has_target_group === true,
          count: number(row, 'failures'),
          retriedOk: number(row, 'retried'),
        }),
      ),
      failedClients: number(failed, 'clients'),
      retriedOk: number(failed, 'retried'),
      routes: (await select(connection, queries.routes(ROUTE_LIMIT))).map((row) => ({
        route: text(row, 'route_text'),
        requests: number(row, 'requests'),
        failures: number(row, 'failures'),
        succeeded: number(row, 'succeeded'),
        succeededMs: number(row, 'succeeded_ms'),
        succeededMaxMs: number(row, 'succeeded_max_ms'),
      })),
      idleGaps: await this.#idleGaps(connection, indexOf),
    };
  }

  async #idleGaps(connection: DuckDBConnection, indexOf: Map<number, number>): Promise<IdleGaps[]> {
    const horizonSeconds = gapHorizon(this.#options.idleTimeoutSeconds);
    const horizon = Math.round(horizonSeconds * 1_000_000);
    const work = await select(connection, queries.gapWork(FAILURE_LIMIT));
    if (work.length === 0) return [];
    const rows = await select(
      connection,
      queries.gaps({
        horizon,
        binMicroseconds: GAP_BIN_SECONDS * 1_000_000,
        bins: GAP_BINS,
        shown: FAILURE_LIMIT,
        groups: work.map((row) =>
          gapRequests(
            { closed: number(row, 'closed'), completions: number(row, 'completions'), span: number(row, 'span') },
            horizon,
          ),
        ),
      }),
    );
    const groups: IdleGaps[] = [];
    for (const row of rows) {
      const closed = Array.isArray(row.closed) ? row.closed.map((id) => indexOf.get(Number(id)) ?? -1) : [];
      const controls = number(row, 'controls');
      if (row.bin === null) {
        const target_group_arn = String(row.target_group_arn);
        groups.push({
          target_group_arn,
          binSeconds: GAP_BIN_SECONDS,
          horizon: horizonSeconds,
          examined: closed,
          controls,
          bins: [],
        });
      } else {
        groups.at(-1)?.bins.push({ gap: number(row, 'bin') / 1_000_000, failures: closed, controls });
      }
    }
    return groups;
  }

  async #firstRejected(
    connection: DuckDBConnection,
    source: Source,
  ): Promise<{ file: string; line: number; text: string } | null> {
    const file = this.#sources.indexOf(source);
    const rows = await select(
      connection,
      `SELECT DISTINCT detail FROM line WHERE kind = ${REJECTED} AND file = ${queries.whole(file)} LIMIT 1000`,
    );
    // Where a thousand different lines were rejected the first one is not far.
    const prefixes = rows.length < 1000 ? new Set(rows.map((row) => String(row.detail).slice(0, SURE_PREFIX))) : null;
    const isFirst = (line: string) => 'rejected' in parseLine(line);
    // What was read: a copy where the file itself was damaged.
    for await (const { number, text } of linesOf(source.path, source.compressed && !source.readable)) {
      if (text === '' || (prefixes !== null && !prefixes.has(text.slice(0, SURE_PREFIX)))) continue;
      if (isFirst(text)) return { file: source.file, line: number, text: redacted(text) };
    }
    return null;
  }
}

/** Characters compared to find a rejected line again. */
const SURE_PREFIX = 24;

function wantedOf({ loadBalancer: { name, arn } }: Question): WantedLoadBalancer {
  const [, full, id] = /app[/]([^/]+)[/]([^/]+)$/.exec(arn ?? name) ?? [];
  return { name: full ?? name, id: id ?? null };
}

const statusText = (value: JS | undefined): string =>
  Number(value) < 0 ? '-' : String(Number(value)).padStart(3, '0');

function elapsedOf(value: JS | undefined): FailureShape['elapsed'] {
  return value === 'under-9.5s' || value === '9.5-11s' || value === 'from-11s' ? value : null;
}

async function select(connection: DuckDBConnection, sql: string): Promise<Row[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJS();
}

/** A count, sum, time or duration; all are far below 2^53. */
function number(row: Row, name: string): number {
  const value = row[name];
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw new TypeError(`${name} is not a number: ${String(value)}`);
  return Number(value);
}

/** What kind of log a file without entries is, by its first line. */
async function kindOf(source: Source): Promise<'access-log' | 'connection-log' | 'health-check-log'> {
  for await (const { text } of linesOf(source.original, source.compressed)) {
    if (text !== '') return lineKind(text) ?? 'access-log';
  }
  return 'access-log';
}

/** As Promise.all of the results, with a bounded number of files open. */
async function eachOf<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += FILES_AT_ONCE) {
    results.push(...(await Promise.all(items.slice(at, at + FILES_AT_ONCE).map(work))));
  }
  return results;
}
