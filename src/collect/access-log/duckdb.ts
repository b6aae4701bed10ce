/**
 * The embedded engine: reads access-log files with DuckDB in this process and answers the questions of queries.ts.
 *
 * One scan of the raw lines. What each line must show to be an entry for certain is tested in SQL; a line that fails the shape of its first
 * twelve fields is rejected; the few that are neither are decided by the parser of entry.ts. Entries are kept narrow (keys and numbers),
 * text only for failures and for a sample that names the places.
 */
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type JS } from '@duckdb/node-api';
import type { AccessLog, FailedRequest, FailureShape, IdleGaps, Question } from '../../evidence.ts';
import { FAILURE_LIMIT } from '../../evidence.ts';
import { addressAndPort, ENTRY_HEAD, instant, type LogEntry, lineKind, parseLine } from './entry.ts';
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
import * as queries from './queries.ts';
import { ROUTE_LENGTH, ROUTE_REWRITES, route } from './route.ts';

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
const MAX_LINE = 16_777_216;
/** The first, one for files the engine gives up on, one for files of which it missed a part. */
const ATTEMPTS = 3;
const FILES_AT_ONCE = 16;
const ROUTE_LIMIT = 200;
const GAP_HORIZON_SECONDS = 180;
const GAP_BIN_SECONDS = 0.01;
const GAP_BINS = 200;
const GAP_EXAMINED = 400;
const GAP_CONTROLS_EACH = 40;
const GAP_CONTROLS = 2000;
/** Gaps computed for one target group, about; more traffic gets fewer controls, then fewer failures. */
const GAP_BUDGET = 4_000_000;

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
        await connection.run(this.#loadSql(bytes));
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

  /** The relation `line`: every line of every file, once. */
  #loadSql(bytes: number): string {
    const { question } = this.#options;
    const named = bytes <= NAME_ALL_BELOW ? 1 : NAMED_ONE_IN;
    const wantedElb =
      this.#wanted.id === null
        ? `starts_with(head[3], ${literal(`app/${this.#wanted.name}/`)})`
        : `head[3] = ${literal(`app/${this.#wanted.name}/${this.#wanted.id}`)}`;
    const from = queries.whole(question.from * 1000);
    const to = queries.whole(question.to * 1000);
    const asked = askedSql('status', question.statuses);
    return `
      CREATE TABLE line AS
      WITH text AS (
        SELECT file_index::BIGINT AS file, coalesce(l, '') AS l
        FROM read_csv([${this.#sources.map(({ path }) => literal(path)).join(', ')}], columns = {'l': 'VARCHAR'}, auto_detect = false,
          header = false, delim = '\n', quote = '', escape = '', strict_mode = false, max_line_size = ${MAX_LINE},
          buffer_size = ${2 * MAX_LINE})),
      quoted AS (SELECT file, l, string_split(l, '"') AS q FROM text),
      split AS (
        SELECT file, l, q, string_split(q[1], ' ') AS head, string_split(q[5], ' ') AS tls, string_split(q[11], ' ') AS rule,
          epoch_us(try_cast(string_split(q[1], ' ')[2] AS TIMESTAMP)) AS ended
        FROM quoted),
      judged AS (
        SELECT *, CASE
            WHEN l = '' THEN ${BLANK}
            WHEN ${PLAIN_LINE} THEN CASE WHEN ${wantedElb} THEN ${ENTRY} ELSE ${OTHER} END
            WHEN NOT regexp_matches(rtrim(l, ${WHITE_SPACE}), ${literal(ENTRY_HEAD)}) THEN ${REJECTED}
            ELSE ${DOUBTFUL} END AS kind
        FROM split),
      named AS (
        SELECT *, CASE WHEN kind = ${ENTRY} THEN coalesce(nullif(nullif(string_split(q[31], ' ')[2], ''), '-'),
            [${this.#sources.map(({ node }) => literal(node ?? '-')).join(', ')}][file + 1]) END AS node,
          CASE WHEN kind = ${ENTRY} THEN ${ROUTE} END AS route_text,
          CASE WHEN kind = ${ENTRY} THEN coalesce(try_cast(head[9] AS SMALLINT), -1) END AS status,
          CASE WHEN kind = ${ENTRY} THEN coalesce(try_cast('0x' || right(q[6], 8) AS UINTEGER), 0) END AS sample
        FROM judged),
      keyed AS (
        SELECT *, kind = ${ENTRY} AND ended >= ${from} AND ended < ${to} AS in_window, coalesce(${asked}, false) AS asked,
          coalesce(status BETWEEN 500 AND 599 OR status = 460 OR ${asked}, false) AS failed
        FROM named)
      SELECT file::UINTEGER AS file, strlen(l)::UINTEGER AS size, kind::UTINYINT AS kind,
        CASE WHEN kind = ${ENTRY} THEN ended END AS ended,
        CASE WHEN kind = ${ENTRY} THEN hash(tls[4], head[5], node) END AS place,
        CASE WHEN kind = ${ENTRY} THEN hash(${CLIENT}) END AS client,
        CASE WHEN kind = ${ENTRY} THEN hash(route_text) END AS route,
        status::SMALLINT AS status,
        CASE WHEN kind = ${ENTRY} THEN coalesce(try_cast(head[10] AS SMALLINT), -1)::SMALLINT END AS target_status,
        CASE WHEN kind = ${ENTRY} THEN round(try_cast(head[7] AS DOUBLE) * 1000)::INTEGER END AS target_ms,
        sample::UINTEGER AS sample, in_window, asked, failed,
        CASE
          WHEN kind = ${ENTRY} AND (failed OR sample % ${named} = 0) THEN concat_ws('"', tls[4], head[5], node,
            head[1], ${CLIENT}, head[6], head[7], head[8], head[11], head[12], route_text, q[6], rule[2], rule[3], q[12], q[16], coalesce(q[24], '-'))
          WHEN kind = ${REJECTED} THEN left(l, ${PREFIX})
          WHEN kind = ${DOUBTFUL} THEN l END AS detail
      FROM keyed`;
  }

  /** Lines that SQL cannot place with certainty: the parser decides, and its entries join the others. */
  async #decideDoubtful(connection: DuckDBConnection): Promise<void> {
    const named = this.#wanted;
    await connection.run(`CREATE TABLE decided (file UINTEGER, kind UTINYINT, ended BIGINT, target_group_arn VARCHAR, target VARCHAR, node VARCHAR,
      client VARCHAR, route VARCHAR, status SMALLINT, target_status SMALLINT, target_ms INTEGER, sample UINTEGER, detail VARCHAR)`);
    const result = await connection.stream(`SELECT file, detail FROM line WHERE kind = ${DOUBTFUL}`);
    const appender = await connection.createAppender('decided');
    let found = 0;
    for await (const rows of result.yieldRowsJs()) {
      for (const [file, text] of rows) {
        found += 1;
        const line = String(text);
        const parsed = parseLine(line);
        const entry = 'entry' in parsed ? parsed.entry : null;
        const at = entry === null ? null : instant(entry.time);
        appender.appendUInteger(Number(file));
        if (entry === null || at === null) {
          appender.appendUTinyInt(REJECTED);
          for (let column = 0; column < 10; column++) appender.appendNull();
          appender.appendVarchar([...line].slice(0, PREFIX).join(''));
          appender.endRow();
          continue;
        }
        const own =
          named.id === null
            ? entry.elb.startsWith(`app/${named.name}/`)
            : entry.elb === `app/${named.name}/${named.id}`;
        const fields = detailOf(entry, this.#sources[Number(file)]?.node ?? '-');
        appender.appendUTinyInt(own ? ENTRY : OTHER);
        appender.appendBigInt(BigInt(Math.round(at * 1000)));
        for (const index of [0, 1, 2, 4, 10]) appender.appendVarchar(fields[index] ?? '-');
        appender.appendSmallInt(statusNumber(entry.elb_status_code));
        appender.appendSmallInt(statusNumber(entry.target_status_code));
        appender.appendInteger(Math.round(entry.target_processing_time * 1000));
        appender.appendUInteger(sampleOf(entry.trace_id ?? '-'));
        appender.appendVarchar(fields.join('"'));
        appender.endRow();
      }
    }
    appender.closeSync();
    const { question } = this.#options;
    const asked = askedSql('status', question.statuses);
    if (found > 0) {
      await connection.run(`
        INSERT INTO line
        SELECT file, NULL, kind, ended, CASE WHEN kind = ${ENTRY} THEN hash(target_group_arn, target, node) END,
          CASE WHEN kind = ${ENTRY} THEN hash(client) END, CASE WHEN kind = ${ENTRY} THEN hash(route) END, status, target_status, target_ms,
          sample, kind = ${ENTRY} AND ended >= ${queries.whole(question.from * 1000)} AND ended < ${queries.whole(question.to * 1000)},
          coalesce(${asked}, false), coalesce(status BETWEEN 500 AND 599 OR status = 460 OR ${asked}, false), detail
        FROM decided`);
    }
  }

  /** What became of the lines of each file; files of other logs leave the list, damaged ones are named. */
  async #account(connection: DuckDBConnection): Promise<Account[]> {
    const rows = await select(
      connection,
      `SELECT file, count_if(kind <> ${BLANK} AND kind <> ${DOUBTFUL}) AS lines, count_if(kind IN (${ENTRY}, ${OTHER})) AS entries,
        count_if(kind = ${REJECTED}) AS rejected, count_if(kind = ${OTHER}) AS others, sum(size + 1) AS size,
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
    const all = this.#sources;
    this.#sources = rows.flatMap((row) => all[number(row, 'file')] ?? []);
    await connection.run(this.#loadSql(0).replace('CREATE TABLE line', 'CREATE TABLE again'));
    this.#sources = all;
    await connection.run(`INSERT INTO place ${placesSql('again')} AND place NOT IN (SELECT place FROM place)`);
    await connection.run('DROP TABLE again');
  }

  async #answer(connection: DuckDBConnection, accounts: Account[]): Promise<AccessLog> {
    const sum = (of: (account: Account) => number) => accounts.reduce((total, account) => total + of(account), 0);
    await connection.run(`
      CREATE VIEW entry AS SELECT ended, place, client, route, status, target_status, target_ms, sample::BIGINT AS sample, in_window, asked, failed
        FROM line WHERE kind = ${ENTRY};
      CREATE TABLE place AS ${placesSql('line')};
      CREATE TABLE failure AS SELECT row_number() OVER (ORDER BY ${queries.FAILURE_ORDER}) AS id, * FROM (${FAILURES});`);
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
    const horizonSeconds = Math.max(1, Math.min(this.#options.idleTimeoutSeconds, GAP_HORIZON_SECONDS));
    const horizon = Math.round(horizonSeconds * 1_000_000);
    const work = await select(connection, queries.gapWork(FAILURE_LIMIT));
    const [most] = work
      .map((row) => {
        const spans = Math.max(1, number(row, 'span') / horizon);
        return { closed: number(row, 'closed'), each: Math.max(1, number(row, 'completions') / spans) };
      })
      .sort((a, b) => b.each - a.each);
    if (most === undefined) return [];
    const requests = Math.max(200, Math.floor(GAP_BUDGET / most.each));
    const examined = Math.min(GAP_EXAMINED, Math.max(50, Math.floor(requests / 4)));
    const atMost = Math.min(examined, Math.max(...work.map((row) => number(row, 'closed'))));
    const controlsEach = Math.max(
      2,
      Math.min(GAP_CONTROLS_EACH, Math.floor(Math.min(GAP_CONTROLS, requests) / atMost)),
    );
    const rows = await select(
      connection,
      queries.gaps({
        horizon,
        binMicroseconds: GAP_BIN_SECONDS * 1_000_000,
        examined,
        controlsEach,
        bins: GAP_BINS,
        shown: FAILURE_LIMIT,
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
    for await (const { number, text } of linesOf(source.original, source.compressed)) {
      if (text === '' || (prefixes !== null && !prefixes.has(text.slice(0, SURE_PREFIX)))) continue;
      if (isFirst(text)) return { file: source.file, line: number, text: redacted(text) };
    }
    return null;
  }
}

/** What a line turned out to be. */
const ENTRY = 0;
const OTHER = 1;
const REJECTED = 2;
const DOUBTFUL = 3;
const BLANK = 4;

/** Characters kept of a rejected line to find it again, and those compared. */
const PREFIX = 64;
const SURE_PREFIX = 24;

const WHITE_SPACE = "' ' || chr(9) || chr(11) || chr(12) || chr(13)";

/** Between quoted fields there is one space, or unquoted fields with one space before, between and after. */
const PLAIN_LINE = `
  coalesce(ended IS NOT NULL AND len(head) = 13 AND head[13] = '' AND len(q) IN (17, 21, 25, 31, 35)
    AND q[3] = ' ' AND q[7] = ' ' AND q[9] = ' ' AND q[13] = ' ' AND q[15] = ' '
    AND len(tls) = 5 AND tls[1] = '' AND tls[2] <> '' AND tls[3] <> '' AND tls[4] <> '' AND tls[5] = ''
    AND regexp_matches(q[1], ${literal(ENTRY_HEAD)})
    AND regexp_full_match(q[11], ${literal(' (?:-1|-|[0-9]+) (?:-|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,6})?Z) ')})
    AND (rule[3] = '-' OR try_cast(rule[3] AS TIMESTAMP) IS NOT NULL)
    AND CASE len(q)
      WHEN 17 THEN q[17] = ''
      WHEN 21 THEN q[17] = ' ' AND q[19] = ' ' AND q[21] = ''
      ELSE q[17] = ' ' AND q[19] = ' ' AND q[21] = ' ' AND q[23] = ' ' AND CASE len(q)
        WHEN 25 THEN regexp_full_match(q[25], '(?: [^ ]+)?')
        WHEN 31 THEN regexp_full_match(q[25], ' [^ ]+ ') AND q[27] = ' ' AND q[29] = ' ' AND regexp_full_match(q[31], '(?: [!-~]+)?')
        ELSE regexp_full_match(q[25], ' [^ ]+ ') AND q[27] = ' ' AND q[29] = ' ' AND regexp_full_match(q[31], ' [^ ]+ ') AND q[33] = ' '
          AND q[35] = '' END END, false)`;

/** "[2001:db8::1]:443" and "192.0.2.1:443" without the port. */
const CLIENT = `CASE WHEN starts_with(head[4], '[') THEN string_split(head[4], ']')[1] || ']' ELSE regexp_replace(head[4], ':[0-9]+$', '') END`;

const rewritten = (text: string, rewrites: readonly { match: string; to: string }[]): string =>
  rewrites.reduce(
    (inner, { match, to }) => `regexp_replace(${inner}, ${literal(match)}, ${literal(to.replaceAll('$', '\\'))}, 'g')`,
    text,
  );

const ROUTE = `left(${rewritten('q[2]', ROUTE_REWRITES)}, ${ROUTE_LENGTH})`;

const DETAIL = [
  'target_group_arn',
  'target',
  'node',
  'request_type',
  'client_address',
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'received_bytes',
  'sent_bytes',
  'route_text',
  'trace_id',
  'matched_rule_priority',
  'request_creation_time',
  'actions_executed',
  'error_reason',
  'classification_reason',
] as const;

/** The values of DETAIL for an entry; quotes in them as the load balancer writes them. */
function detailOf(entry: LogEntry, fileNode: string): string[] {
  const client = addressAndPort(entry.client);
  const values: Record<(typeof DETAIL)[number], string> = {
    target_group_arn: entry.target_group_arn ?? '-',
    target: entry.target,
    node: entry.ip_address === undefined || entry.ip_address === '-' ? fileNode : entry.ip_address,
    request_type: entry.type,
    client_address: client === null ? entry.client : entry.client.replace(/:[0-9]+$/, ''),
    request_processing_time: String(entry.request_processing_time),
    target_processing_time: String(entry.target_processing_time),
    response_processing_time: String(entry.response_processing_time),
    received_bytes: String(entry.received_bytes),
    sent_bytes: String(entry.sent_bytes),
    route_text: route(entry.request_line ?? '-'),
    trace_id: entry.trace_id ?? '-',
    matched_rule_priority: entry.matched_rule_priority ?? '-',
    request_creation_time: entry.request_creation_time ?? '-',
    actions_executed: entry.actions_executed ?? '-',
    error_reason: entry.error_reason ?? '-',
    classification_reason: entry.classification_reason ?? '-',
  };
  return DETAIL.map((name) => values[name].replaceAll('"', '\\x22'));
}

const DETAIL_NUMBERS: readonly string[] = [
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'received_bytes',
  'sent_bytes',
];

const FAILURES = `
  SELECT * EXCLUDE (request_creation_time), epoch_us(try_cast(request_creation_time AS TIMESTAMP)) AS created
  FROM (
    SELECT ended, place, client, route, status, target_status, target_ms, sample::BIGINT AS sample, in_window, asked, failed,
      ${DETAIL.map((name, index) => (DETAIL_NUMBERS.includes(name) ? `d[${index + 1}]::DOUBLE AS ${name}` : `d[${index + 1}] AS ${name}`)).join(', ')}
    FROM (SELECT *, string_split(detail, '"') AS d FROM line WHERE kind = ${ENTRY} AND failed AND in_window))`;

const placesSql = (table: string): string => `
  SELECT place, d[1] AS target_group_arn, d[2] AS target, d[3] AS node
  FROM (
    SELECT place, string_split(min(detail), '"') AS d
    FROM ${table} WHERE kind = ${ENTRY} AND detail IS NOT NULL GROUP BY place)
  WHERE true`;

/** A text as SQL writes it. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function wantedOf({ loadBalancer: { name, arn } }: Question): WantedLoadBalancer {
  const [, full, id] = /app[/]([^/]+)[/]([^/]+)$/.exec(arn ?? name) ?? [];
  return { name: full ?? name, id: id ?? null };
}

/** A condition on a status number. Throws RangeError when a status is neither "502" nor "5xx" in form. */
function askedSql(column: string, statuses: readonly string[]): string {
  const conditions = statuses.map((status) => {
    if (/^[0-9]xx$/i.test(status)) return `${column} BETWEEN ${status[0]}00 AND ${status[0]}99`;
    if (/^[0-9]{3}$/.test(status)) return `${column} = ${Number(status)}`;
    throw new RangeError(`${status} is not a status`);
  });
  return `(${conditions.length === 0 ? 'false' : conditions.join(' OR ')})`;
}

const statusNumber = (text: string): number => (text === '-' ? -1 : Number(text));
const statusText = (value: JS | undefined): string =>
  Number(value) < 0 ? '-' : String(Number(value)).padStart(3, '0');

/** As the scan has it: the last eight digits of a trace id as a number. */
function sampleOf(trace_id: string): number {
  const digits = [...trace_id].slice(-8).join('');
  return /^[0-9a-fA-F]{1,8}$/.test(digits) ? Number.parseInt(digits, 16) : 0;
}

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
