/**
 * Reads the access log of a live load balancer: finds it, chooses the best engine, and reports the cost. Both engines
 * give the same answer: Athena scans the log in place, or DuckDB reads its downloaded files here.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Config } from '../../config.ts';
import type { Attributes } from '../../evidence/aws.ts';
import { deliveredLogWords } from '../../evidence/delivered-log.ts';
import type {
  AccessLog,
  Collected,
  CollectionFailure,
  Cost,
  CostEstimate,
  LogLimitation,
  Question,
  LogReadMethod as Read,
} from '../../evidence/evidence.ts';
import { command } from '../../format/command.ts';
import { plural } from '../../format/wording.ts';
import { lookBackQuestion } from '../../query/look-back.ts';
import { formatBytes as size } from '../../render/phrases.ts';
import { AccessLogError } from '../access-log/access-log-error.ts';
import { assertAffordable } from '../access-log/affordable.ts';
import {
  type ClosedConnections,
  planSearch,
  type Rollups,
  readGaps,
  readRollups,
} from '../access-log/athena/answers.ts';
import {
  type AthenaPlace,
  QueryError,
  readWorkGroup,
  runQuery,
  type WorkGroup,
} from '../access-log/athena/athena-engine.ts';
import { failedRows, gaps, type LogScope, rollups, type Statement } from '../access-log/athena/sql.ts';
import { findTable, type LogTable } from '../access-log/athena/table.ts';
import {
  athenaUsd,
  estimateAthena,
  estimateS3,
  estimateWords,
  MOST_QUERIES,
  NO_COST,
  priceWords,
  s3Usd,
  sumOfEstimates,
} from '../access-log/cost.ts';
import { deliveriesWords, type FoundDeliveries, NO_DELIVERIES } from '../access-log/deliveries.ts';
import { byText } from '../access-log/log-files.ts';
import { limitationFrom, logLimitation } from '../access-log/log-limitation.ts';
import {
  bytesOfDays,
  deliveryDays,
  download,
  endStamp,
  fileEndRange,
  type LogObject,
  type LogPlace,
  listHealthChecks,
  listWindow,
  logPlace,
} from '../access-log/s3-log.ts';
import { folderOfDay, type VendedLayout } from '../access-log/vended/vended-place.ts';
import { idleTimeoutOf, searchCommand } from '../incident/incident-collectors.ts';
import { makeTemporaryFolder } from '../temporary-folder.ts';
import { beginDeliveryLookup, type DeliveryLookup } from './delivery-lookup.ts';
import { firstCalls } from './first-calls.ts';
import { readLogGroup } from './log-group-reader.ts';
import { type LogSource, logSources } from './log-sources.ts';
import type { Session } from './session.ts';
import { watchThrottling } from './throttle-watch.ts';

/** How to read the log: `auto` takes the cheapest way. */
export type LogEngine = 'athena' | 'duckdb' | 'cloudwatch-logs' | 'auto';

export interface LiveAccessLogOptions {
  /** Its signal stops all work. */
  session: Pick<Session, 'client' | 'signal' | 'place' | 'deadline'>;
  question: Question;
  attributes: Collected<Attributes>;
  loadBalancerArn: string;
  /** A lookup that the caller started and will stop; if absent, one is started here. */
  deliveries?: DeliveryLookup;
  /**
   * `duckdb`: downloads the files from S3. `auto`: downloads small logs and uses Athena for large ones if a table
   * exists.
   */
  engine: LogEngine;
  athena: Config['athena'];
  /** Limit in US dollars on the most a read may cost; null for no limit. */
  maxUsd: number | null;
  /** Whether the limit was given for this question; false if it comes from the configuration. */
  isMaxUsdGiven?: boolean;
  /** Part of the limit that earlier attempts at this question spent; 0 if absent. */
  spentUsd?: number;
  /** Where to keep log files, below `logs/`, for --save; null to keep none. The caller removes the folder. */
  keepIn: string | null;
  /** Read log files in a child process, which may crash. */
  isReadApart?: boolean;
  /** Bytes of a log group that are fetched whole; more is counted by queries. 2 GB if absent. */
  fetchAtMost?: number;
  /** Milliseconds for the whole read. */
  deadline: number;
  /** Called with the current status, in a few words. */
  progress?: (status: string) => void;
  /** Called before the log is read, with a sentence: the engine, why, and the estimated cost. */
  onEstimate?: (sentence: string) => void;
}

export interface LiveAccessLog {
  log: Collected<AccessLog>;
  /** Includes the cost of failed attempts. */
  cost: Cost;
  /** Input of --save: a folder with log files in `logs/`, or the answers of Athena. */
  toSave: { folder: string } | { answers: AccessLog } | null;
}

/**
 * Preloads an engine's modules, the most likely first, so that they are ready when the log has been located. Call while
 * a request is in flight. Rejects if a module cannot be loaded; using it then reports the error again.
 */
export async function preloadEngine(engine: LogEngine, isReadApart: boolean): Promise<void> {
  await import('@aws-sdk/client-s3');
  if (engine !== 'athena' && isReadApart) await import('../access-log/duckdb/log-reader.ts');
  else if (engine !== 'athena') await import('../access-log/duckdb/duckdb-engine.ts');
  else await Promise.all([import('@aws-sdk/client-athena'), import('@aws-sdk/client-glue')]);
}

/** Reads the log. Does not reject on errors from AWS: the answer contains the reason. */
export async function readLiveAccessLog(options: LiveAccessLogOptions): Promise<LiveAccessLog> {
  const { session, loadBalancerArn, deliveries } = options;
  const lookup = deliveries ?? beginDeliveryLookup(session, loadBalancerArn);
  try {
    const read = await new LiveLogReader(options, lookup).run();
    return read.log.status === 'collected' ? withOtherLogs(read, read.log, await lookup.foundInTime()) : read;
  } finally {
    if (deliveries === undefined) lookup.stop();
  }
}

/** Adds the other places where the log can be read; unchanged if those are unknown. */
function withOtherLogs(read: LiveAccessLog, log: CollectedLog, found: FoundDeliveries | null): LiveAccessLog {
  const { reading } = log.value;
  const from = reading?.from;
  if (reading === undefined || found === null || found.deliveries.length === 0) return read;
  const others = found.deliveries
    .filter(({ service, name }) => service !== from?.service || !isSamePlace(name, from.name))
    .map(({ service, name, format }) => ({ service, name, format }));
  if (others.length === 0) return read;
  return withAnswers(read, { ...log, value: { ...log.value, reading: { ...reading, others } } });
}

/**
 * Like `readLiveAccessLog`, and reads the longer time that `lookBack` asks for into `earlier`. If that fails, keeps the
 * first answers and adds the reason. Both reads count against `maxUsd`.
 */
export async function readWithLookBack(options: LiveAccessLogOptions): Promise<LiveAccessLog> {
  return await lookBack(options, await readLiveAccessLog(options));
}

/** Adds to a read the answers over the longer time that the question's `lookBack` asks for. */
export async function lookBack(options: LiveAccessLogOptions, read: LiveAccessLog): Promise<LiveAccessLog> {
  const longer = lookBackQuestion(options.question);
  if (longer === null || read.log.status === 'unavailable') return read;
  options.progress?.('looking back');
  const spentUsd = (options.spentUsd ?? 0) + read.cost.usd;
  const back = await readLiveAccessLog({ ...options, question: longer, spentUsd });
  const cost = {
    bytesScanned: read.cost.bytesScanned + back.cost.bytesScanned,
    usd: read.cost.usd + back.cost.usd,
    queries: read.cost.queries + back.cost.queries,
  };
  const own = { ...read.log.value, cost, reading: sumOfReadings(read.log.value.reading, back) };
  if (back.log.status === 'unavailable') {
    const sentence = `The access log was not read back to ${new Date(longer.from).toISOString()}: ${back.log.reason}.`;
    const note = limitationFrom(sentence, back.log);
    const value = { ...own, unanswered: [...(own.unanswered ?? []), note] };
    return withAnswers({ ...read, cost }, { ...read.log, value });
  }
  const log = { ...read.log, value: { ...own, earlier: { from: longer.from, log: back.log.value } } };
  // Files of both reads share a folder; if Athena answered one of them, only answers can be kept.
  const isByFiles = back.toSave !== null && 'folder' in back.toSave;
  return isByFiles ? withAnswers({ ...read, cost }, log) : { log, cost, toSave: read.toSave && { answers: log.value } };
}

/** Describes the first read, with the estimates of both added. */
function sumOfReadings(first: Read | undefined, { log }: LiveAccessLog): Read | undefined {
  const second = log.status === 'collected' ? log.value.reading : undefined;
  return first && second ? { ...first, estimate: sumOfEstimates(first.estimate, second.estimate) } : first;
}

/** A delivery names bucket and prefix; a read names the folder below them. */
const isSamePlace = (delivered: string | null, read: string | null): boolean =>
  delivered !== null && read !== null && (read === delivered || read.startsWith(`${delivered}/`));

type CollectedLog = Extract<LiveAccessLog['log'], { status: 'collected' }>;

function withAnswers(read: LiveAccessLog, log: CollectedLog): LiveAccessLog {
  const { toSave } = read;
  return { ...read, log, toSave: toSave !== null && 'answers' in toSave ? { answers: log.value } : toSave };
}

/**
 * Estimates the cost of reading the log for this question; null if it cannot be estimated. Lists files but reads none.
 */
export const estimateLiveAccessLog = (options: LiveAccessLogOptions): Promise<CostEstimate | null> =>
  new LiveLogReader(options, null).price();

class LiveLogReader {
  readonly #options: LiveAccessLogOptions;
  readonly #signal: AbortSignal;
  readonly #idleTimeoutSeconds: number;
  readonly #deliveries: DeliveryLookup | null;
  #cost: Cost = NO_COST;
  /** Answers of S3 that asked to slow down. */
  #slowDowns = 0;
  /** Cost of all queries that were started. */
  #estimate: CostEstimate | null = null;

  constructor(options: LiveAccessLogOptions, deliveries: DeliveryLookup | null) {
    this.#options = options;
    this.#deliveries = deliveries;
    this.#signal = AbortSignal.any([options.session.signal, AbortSignal.timeout(options.deadline)]);
    this.#idleTimeoutSeconds = idleTimeoutOf(options.attributes);
  }

  async run(): Promise<LiveAccessLog> {
    const { attributes, loadBalancerArn } = this.#options;
    try {
      const legacy = attributes.status === 'collected' ? logPlace(attributes.value, loadBalancerArn) : null;
      const found = legacy === null ? await this.#deliveries?.found : await this.#deliveries?.foundInTime();
      const sources = logSources(legacy, found ?? NO_DELIVERIES, this.#options);
      return sources.length === 0 ? this.#withoutLog(found ?? NO_DELIVERIES) : await this.#readFirstOf(sources);
    } catch (error) {
      if (!(error instanceof AccessLogError)) throw error;
      const { failure } = error;
      const slowed = `; S3 asked to slow down ${plural(this.#slowDowns, 'time')}: ask again in some minutes, or use Athena`;
      const reason = this.#slowDowns > 0 && error.kind === 'stopped' ? `${failure.reason}${slowed}` : failure.reason;
      return this.#unavailable(searchCommand(this.#options.question), { ...failure, reason });
    }
  }

  /** Reads the first source that has entries; if none has, returns the last one that could be read. */
  async #readFirstOf(sources: readonly LogSource[]): Promise<LiveAccessLog> {
    const notes: LogLimitation[] = [];
    let empty: LiveAccessLog | null = null;
    let refusal: AccessLogError | null = null;
    for (const source of sources) {
      const where = deliveredLogWords(source.log);
      try {
        const read = await this.#readSource(source, notes);
        if (read.log.status === 'unavailable' || read.log.value.entries > 0) return read;
        empty ??= read;
        notes.push(logLimitation(`${where} has no entry of this load balancer in the window.`));
      } catch (error) {
        if (!(error instanceof AccessLogError) || this.#signal.aborted) throw error;
        refusal ??= error;
        notes.push(limitationFrom(`The access log was not read from ${where}: ${error.reason}.`, error.failure));
      }
    }
    if (empty !== null) return empty;
    throw refusal ?? new Error('a log was neither read nor refused');
  }

  async #readSource(source: LogSource, notes: readonly LogLimitation[]): Promise<LiveAccessLog> {
    if ('place' in source) return await this.#read(source.place, notes);
    return await readLogGroup({
      options: this.#options,
      delivery: source.delivery,
      idleTimeoutSeconds: this.#idleTimeoutSeconds,
      signal: this.#signal,
      why: source.why,
      notes: [...notes],
      spend: (cost) => this.#spend(cost),
    });
  }

  async price(): Promise<CostEstimate | null> {
    const { attributes, loadBalancerArn, engine, question } = this.#options;
    if (attributes.status === 'unavailable') return null;
    try {
      const place = logPlace(attributes.value, loadBalancerArn);
      const listed = place === null ? null : await this.#list(place);
      if (place === null || listed === null || 'refusal' in listed) return null;
      const { objects } = listed;
      const days = deliveryDays(fileEndRange(question, this.#idleTimeoutSeconds), question.now).length;
      const isFetched = engine === 'duckdb' || (engine === 'auto' && bytesOf(objects) <= FETCH_BELOW);
      return isFetched
        ? estimateS3(objects.length, bytesOf(objects), days)
        : estimateAthena(objects.length, bytesOf(objects), await this.#bytesOfDays(place), null);
    } catch (error) {
      if (error instanceof AccessLogError) return null;
      throw error;
    }
  }

  #unavailable(source: string, { kind, reason, iamStatement }: CollectionFailure): LiveAccessLog {
    const log = { status: 'unavailable', source, kind, reason, iamStatement } as const;
    return { log, cost: this.#cost, toSave: null };
  }

  #reportStatus(status: string): void {
    this.#options.progress?.(status);
  }

  #withoutLog(found: FoundDeliveries): LiveAccessLog {
    const { attributes } = this.#options;
    const iamStatement = found.refusal?.iamStatement ?? null;
    if (attributes.status === 'unavailable')
      return this.#unavailable(attributes.source, {
        kind: attributes.kind ?? 'failed',
        iamStatement: attributes.iamStatement ?? iamStatement,
        reason: `where its access log goes is not known (${attributes.reason})`,
      });
    const reason = `access logging to S3 is off (access_logs.s3.enabled is false), ${deliveriesWords(found)}`;
    return this.#unavailable(attributes.source, { kind: 'failed', reason, iamStatement });
  }

  async #read(place: LogPlace, notes: readonly LogLimitation[] = []): Promise<LiveAccessLog> {
    const read = await this.#readPlace(place);
    if (notes.length === 0 || read.log.status === 'unavailable') return read;
    const unanswered = [...notes, ...(read.log.value.unanswered ?? [])];
    return withAnswers(read, { ...read.log, value: { ...read.log.value, unanswered } });
  }

  async #readPlace(place: LogPlace): Promise<LiveAccessLog> {
    const { engine } = this.#options;
    this.#reportStatus('listing log files');
    if (engine === 'athena') {
      const pending = [this.#prepare(place), this.#list(place)] as const;
      await Promise.allSettled(pending);
      return await this.#readByAthena(place, await pending[0], await pending[1], AS_REQUESTED);
    }
    const listed = await this.#list(place);
    if (engine === 'duckdb') return await this.#readFromS3(place, objectsIn(listed), AS_REQUESTED);
    return await this.#readByEither(place, listed);
  }

  /** Downloads small logs; uses Athena for large ones if a table exists, and downloads the files if Athena fails. */
  async #readByEither(place: LogPlace, listed: ObjectListing): Promise<LiveAccessLog> {
    const bytes = 'refusal' in listed ? null : bytesOf(listed.objects);
    if (bytes !== null && bytes <= FETCH_BELOW)
      return await this.#readFromS3(place, objectsIn(listed), {
        source: `${size(bytes)} are little`,
        words: `little enough to be fetched (up to ${size(FETCH_BELOW)})`,
      });
    const unlisted = 'the log files may not be listed';
    const much: EngineChoice =
      bytes === null
        ? { source: unlisted, words: `since ${unlisted}` }
        : {
            source: `${size(bytes)} are much`,
            words: `more than is fetched where there is a table (${size(FETCH_BELOW)})`,
          };
    try {
      return await this.#readByAthena(place, await this.#prepare(place), listed, much);
    } catch (error) {
      if (!(error instanceof AccessLogError) || this.#signal.aborted) throw error;
      if ('refusal' in listed) {
        const statements = [listed.refusal.iamStatement, error.iamStatement].filter((one) => one !== null);
        throw new AccessLogError(error.kind, `${listed.refusal.message}; and ${error.reason}`, {
          iamStatement: statements.length === 0 ? null : statements.join(',\n'),
        });
      }
      if (bytes !== null && bytes > FETCH_AT_MOST)
        throw new AccessLogError(error.kind, `${error.reason}; and ${size(bytes)} are too much to be fetched`, {
          iamStatement: error.iamStatement,
        });
      const note = limitationFrom(`Athena did not read the access log: ${error.reason}.`, error.failure);
      const words = `since ${error.message}`;
      return await this.#readFromS3(place, objectsIn(listed), { source: 'Athena did not', words }, [note]);
    }
  }

  /** Gathers in parallel everything needed before a query. */
  async #prepare(place: LogPlace): Promise<AthenaPreparation> {
    const { session, athena } = this.#options;
    const [{ AthenaClient }, { GlueClient }] = await Promise.all([
      import('@aws-sdk/client-athena'),
      import('@aws-sdk/client-glue'),
    ]);
    const { database, table: tableName = null } = athena;
    const { account, region, partition } = place;
    const athenaPlace: AthenaPlace = {
      athena: session.client(AthenaClient),
      ...{ account, region, partition, database },
      workGroup: athena.workGroup,
      catalog: athena.catalog,
      outputLocation: athena.outputLocation ?? null,
      signal: this.#signal,
    };
    const choice = { glue: session.client(GlueClient), database, table: tableName, place, signal: this.#signal };
    const pending = [findTable(choice), readWorkGroup(athenaPlace), this.#bytesOfDays(place)] as const;
    // Awaited in this order, so that among several refusals the same one is always reported.
    await Promise.allSettled(pending);
    const [table, workGroup, dayBytes] = [await pending[0], await pending[1], await pending[2]];
    if (table === null)
      throw new AccessLogError(
        'not-found',
        `no table of the database ${database} covers s3://${place.bucket}/${place.root}`,
        { remedy: 'alb502 setup athena --create makes one' },
      );
    return { athenaPlace, table, workGroup, dayBytes: table.partitions.by === 'nothing' ? null : dayBytes };
  }

  /** Size of all files in the folders of the days; null if it cannot be determined. */
  async #bytesOfDays(place: LogPlace): Promise<number | null> {
    try {
      return await bytesOfDays(await this.#listing(place));
    } catch (error) {
      if (error instanceof AccessLogError && error.kind === 'denied') return null;
      throw error;
    }
  }

  async #list(place: LogPlace): Promise<ObjectListing> {
    try {
      return { objects: await listWindow(await this.#listing(place)) };
    } catch (error) {
      if (error instanceof AccessLogError && error.kind === 'denied') return { refusal: error };
      throw error;
    }
  }

  async #readByAthena(
    place: LogPlace,
    prepared: AthenaPreparation,
    listed: ObjectListing,
    why: EngineChoice,
  ): Promise<LiveAccessLog> {
    const { question } = this.#options;
    const { athenaPlace, table, workGroup } = prepared;
    const estimate = this.#assertScannable(prepared, listed);
    const counted =
      'refusal' in listed ? '' : `: ${plural(listed.objects.length, 'file')}, ${size(bytesOf(listed.objects))}`;
    const reading = this.#begin(
      place,
      `by Athena, table ${table.database}.${table.name}${counted}, ${why.words}`,
      estimate,
    );
    const ends = fileEndRange(question, this.#idleTimeoutSeconds);
    const scope: LogScope = { table, place, ends, days: deliveryDays(ends, question.now), question };
    const runStatement = async (statement: Statement, status: string) => {
      this.#reportStatus(`Athena: ${status}`);
      const progress = (words: string) => this.#reportStatus(words);
      try {
        const answer = await runQuery({ place: athenaPlace, workGroup, statement, progress });
        this.#spend({ bytesScanned: answer.bytesScanned, usd: athenaUsd(answer.bytesScanned), queries: 1 });
        return answer.rows;
      } catch (error) {
        // A failed query is free; a cancelled one costs what it scanned.
        if (error instanceof QueryError && error.bytesScanned > 0)
          this.#spend({ bytesScanned: error.bytesScanned, usd: athenaUsd(error.bytesScanned), queries: 1 });
        throw error;
      }
    };
    const rollupAnswers = readRollups(await runStatement(rollups(scope), 'starting'));
    this.#assertAnswered(table, rollupAnswers, listed);
    const edge =
      rollupAnswers.closed === null ? null : planGapSearch(scope, rollupAnswers.closed, this.#idleTimeoutSeconds);
    const idleGaps =
      edge === null ? [] : readGaps(await runStatement(edge.statement, 'looking for a keep-alive edge'), edge.planned);
    const value: AccessLog = {
      files: {
        read: 'refusal' in listed ? 0 : listed.objects.length,
        outsideWindow: 0,
        connectionLogs: 0,
        healthCheckLogs: 0,
        bytes: 'refusal' in listed ? this.#cost.bytesScanned : bytesOf(listed.objects),
        unreadable: [],
      },
      ...rollupAnswers.log,
      rejected: { lines: rollupAnswers.empty.rows, files: rollupAnswers.empty.inFiles, first: null },
      idleGaps,
      cost: this.#cost,
      reading,
      unanswered: [...limitationsOf(scope, rollupAnswers, listed), ...(edge?.left ?? [])].map(logLimitation),
    };
    return {
      log: { status: 'collected', source: failedRows(scope), value },
      cost: this.#cost,
      toSave: { answers: value },
    };
  }

  #assertScannable(prepared: AthenaPreparation, listed: ObjectListing): CostEstimate {
    const { athenaPlace, workGroup, dayBytes } = prepared;
    if (workGroup !== null && !workGroup.hasOwnOutput && athenaPlace.outputLocation === null)
      throw new AccessLogError(
        'not-found',
        `the Athena workgroup ${athenaPlace.workGroup} has no place for results: set athena.outputLocation (ALB502_ATHENA_OUTPUT) to a folder in S3`,
      );
    const cutoff = workGroup?.cutoff ?? null;
    const bytes = 'refusal' in listed ? 0 : bytesOf(listed.objects);
    if (cutoff !== null && bytes > cutoff)
      throw new AccessLogError(
        'too-much',
        `the workgroup ${athenaPlace.workGroup} stops queries at ${size(cutoff)} (BytesScannedCutoffPerQuery), and the log files of the window are ${size(bytes)}: ask for a shorter window`,
      );
    const estimate = estimateAthena('refusal' in listed ? 0 : listed.objects.length, bytes, dayBytes, cutoff);
    if (estimate.atMost === null) this.#assertUnboundedScanAccepted(prepared, listed, estimate);
    else assertAffordable(estimate, this.#options);
    this.#reportStatus(`Athena: ${estimateWords(estimate)}`);
    return estimate;
  }

  /**
   * Naming a limit accepts reading the listed files: the path range excludes all others, whatever else the table
   * covers.
   */
  #assertUnboundedScanAccepted(
    { table, workGroup }: AthenaPreparation,
    listed: ObjectListing,
    listedOnly: CostEstimate,
  ) {
    const { maxUsd, isMaxUsdGiven = false, athena } = this.#options;
    if (maxUsd === null) return;
    const isListed = !('refusal' in listed);
    if (isListed && isMaxUsdGiven) {
      const { bytes, usd } = listedOnly;
      assertAffordable(
        { ...listedOnly, atMost: { bytes: bytes * MOST_QUERIES, usd: usd * MOST_QUERIES } },
        this.#options,
      );
      return;
    }
    const why =
      table.partitions.by === 'nothing'
        ? `the table ${table.database}.${table.name} is not partitioned by day`
        : isListed
          ? 'the folders of its days hold too many files to count'
          : 'the log files may not be listed';
    const cutoff =
      workGroup === null
        ? 'allow athena:GetWorkGroup, should the workgroup have a BytesScannedCutoffPerQuery'
        : `set BytesScannedCutoffPerQuery of the workgroup ${athena.workGroup}`;
    const ways = [
      cutoff,
      ...(table.partitions.by === 'nothing' ? ['make a table by day with alb502 setup athena --create'] : []),
      ...(isListed
        ? [`read from S3 with --engine duckdb, or accept the ${estimateWords(listedOnly)}, with --max-usd`]
        : ['allow s3:ListBucket']),
    ];
    throw new AccessLogError('too-much', `nothing bounds what Athena may read: ${why}`, { remedy: ways.join(', or ') });
  }

  /** Throws if the table shows no rows although files exist. */
  #assertAnswered(table: LogTable, { log, empty }: Rollups, listed: ObjectListing): void {
    const own = `${table.database}.${table.name}`;
    if (empty.rows > 0 && log.entries === 0)
      throw new AccessLogError(
        'failed',
        `every row of the table ${own} is empty: its pattern (input.regex) matches none of the lines; alb502 setup athena prints one that does`,
      );
    if (log.lines === 0 && !('refusal' in listed) && listed.objects.length > 0) {
      const since = table.since === null ? '' : ` (its projection begins on ${table.since})`;
      throw new AccessLogError(
        'failed',
        `the table ${own} shows no row although there are ${plural(listed.objects.length, 'log file')} of the window: its location or its partitions do not lead there${since}`,
      );
    }
  }

  /** S3 may ask to slow down until the time is up, so report it at once. */
  #watched(s3: S3Client): S3Client {
    watchThrottling(s3, () => {
      this.#slowDowns += 1;
      this.#reportStatus(
        `S3 asks to slow down (SlowDown, ${plural(this.#slowDowns, 'time')}): waiting and trying again`,
      );
    });
    return s3;
  }

  async #listing(place: LogPlace) {
    const { session, question } = this.#options;
    const { S3Client } = await import('@aws-sdk/client-s3');
    return {
      s3: this.#watched(session.client(S3Client)),
      place,
      window: question,
      idleTimeoutSeconds: this.#idleTimeoutSeconds,
      now: question.now,
      signal: this.#signal,
    };
  }

  async #readFromS3(
    place: LogPlace,
    objects: readonly LogObject[],
    why: EngineChoice,
    notes: readonly LogLimitation[] = [],
  ): Promise<LiveAccessLog> {
    const { question, keepIn, isReadApart = false } = this.#options;
    const lists = deliveryDays(fileEndRange(question, this.#idleTimeoutSeconds), question.now).length;
    const estimate = estimateS3(objects.length, bytesOf(objects), lists);
    assertAffordable(estimate, this.#options);
    this.#reportStatus(`fetching ${estimateWords(estimate)} (${why.source})`);
    const counted = `${plural(objects.length, 'file')}, ${size(bytesOf(objects))}`;
    const reading = this.#begin(place, `from S3 directly: ${counted}, ${why.words}`, estimate);
    const temporary = keepIn ?? (await makeTemporaryFolder('alb502-'));
    const folder = join(temporary, 'logs');
    // Opened while the files download.
    const calls = firstCalls();
    const opening = calls.sent.then(async () => {
      const { openReaderApart, openReaderHere } = await import('../access-log/duckdb/log-reader.ts');
      return await (isReadApart ? openReaderApart() : openReaderHere());
    });
    opening.catch(() => {});
    let fetchingChecks = Promise.resolve({ files: 0, bytes: 0 });
    try {
      const listing = await this.#listing(place);
      const checks = await listHealthChecks(listing);
      const common = { s3: listing.s3, folder, signal: this.#signal };
      // Without the health-check logs, the access log is still worth reading.
      fetchingChecks = download({ ...common, ...checks }).catch(() => ({ files: 0, bytes: 0 }));
      const fetched = await download({
        ...{ ...common, place, objects },
        onArrival: (arrived, bytes) =>
          this.#reportStatus(`fetched ${arrived} of ${objects.length} log files, ${size(bytes)}`),
      });
      calls.stop();
      const { files, bytes } = await fetchingChecks;
      this.#spend({ bytesScanned: fetched.bytes + bytes, usd: s3Usd(fetched.files + files, lists), queries: 0 });
      this.#reportStatus('reading log files');
      const reader = await opening;
      const request = { folder, question, idleTimeoutSeconds: this.#idleTimeoutSeconds };
      const log = await reader.read(request, this.#signal);
      const missing = fetched.missing.map((one) => ({ ...one, lines: 0 }));
      const unreadable = [...log.files.unreadable, ...missing].sort((a, b) => byText(a.file, b.file));
      const value: AccessLog = {
        ...log,
        files: { ...log.files, unreadable },
        cost: this.#cost,
        reading,
        ...(notes.length > 0 ? { unanswered: [...notes] } : {}),
      };
      return {
        log: { status: 'collected', source: this.#fetchedSource(place), value },
        cost: this.#cost,
        toSave: keepIn === null ? null : { folder: keepIn },
      };
    } finally {
      calls.stop();
      await fetchingChecks;
      await opening.then(
        (reader) => reader.close(),
        () => {},
      );
      if (keepIn === null) await rm(temporary, { recursive: true, force: true });
    }
  }

  /** Announces how the log is read, before it is read. */
  #begin({ bucket, root, format = null }: LogPlace, how: string, estimate: CostEstimate): Read {
    this.#options.onEstimate?.(`Reading ${how}; estimated ${priceWords(estimate)}.`);
    this.#estimate = this.#estimate === null ? estimate : sumOfEstimates(this.#estimate, estimate);
    return { how, estimate: this.#estimate, from: { service: 's3', name: `${bucket}/${root}`, format } };
  }

  /** Adds a cost and returns the total so far. */
  #spend(cost: Cost): Cost {
    const before = this.#cost;
    this.#cost = {
      bytesScanned: before.bytesScanned + cost.bytesScanned,
      usd: before.usd + cost.usd,
      queries: before.queries + cost.queries,
    };
    return this.#cost;
  }

  #vendedSource(place: LogPlace, layout: VendedLayout): string {
    const { question } = this.#options;
    const ends = fileEndRange(question, this.#idleTimeoutSeconds);
    const folders = new Set(deliveryDays(ends, question.now).map((day) => folderOfDay(layout, day)));
    const copies = [...folders].map(
      (folder) => command`aws s3 cp ${`s3://${place.bucket}/${folder}`} logs --recursive`,
    );
    return [...copies, searchCommand(question)].join(' && ');
  }

  /** The commands that download the window's files, and the search in them. */
  #fetchedSource(place: LogPlace): string {
    const { question } = this.#options;
    const ends = fileEndRange(question, this.#idleTimeoutSeconds);
    if (place.vended !== undefined) return this.#vendedSource(place, place.vended);
    const { name, id } = place.loadBalancer;
    const stamp = commonStart(endStamp(ends.from), endStamp(ends.to));
    const copies = deliveryDays(ends, question.now).map(
      (day) =>
        command`aws s3 cp ${`s3://${place.bucket}/${place.root}${day}/`} logs --recursive --exclude ${'*'} --include ${`*_app.${name}.${id}_${stamp}*`}`,
    );
    return [...copies, searchCommand(question)].join(' && ');
  }
}

/** Why an engine was chosen: as a source note next to the commands that repeat the read, and as text for a user. */
interface EngineChoice {
  source: string;
  words: string;
}

const AS_REQUESTED: EngineChoice = { source: 'as asked', words: 'as asked' };

interface AthenaPreparation {
  athenaPlace: AthenaPlace;
  table: LogTable;
  workGroup: WorkGroup | null;
  /** Compressed bytes of all files in the window's partitions; null if unknown or the table has no partitions. */
  dayBytes: number | null;
}

/** The objects of the window, or why they cannot be listed. */
type ObjectListing = { objects: LogObject[] } | { refusal: AccessLogError };

/**
 * Compressed bytes. Up to the first value `auto` downloads files; above the second it does not download even if Athena
 * fails.
 */
const [FETCH_BELOW, FETCH_AT_MOST] = [256_000_000, 4_000_000_000];

const bytesOf = (objects: readonly LogObject[]): number => objects.reduce((sum, { bytes }) => sum + bytes, 0);

function objectsIn(listed: ObjectListing): LogObject[] {
  if ('refusal' in listed) throw listed.refusal;
  return listed.objects;
}

/** What the table could not answer, or did not contain. */
function limitationsOf({ table, days }: LogScope, { empty, log }: Rollups, listed: ObjectListing): string[] {
  const own = `${table.database}.${table.name}`;
  const [first] = days;
  return [
    ...table.limitations,
    ...(empty.rows > 0
      ? [
          `${plural(empty.rows, 'row')} of ${log.lines} of the Athena table ${own} are empty, in ${plural(empty.inFiles, 'file')} (${empty.files[0] ?? ''}): its pattern does not match these lines, or logs of another kind lie there.`,
        ]
      : []),
    ...(table.since !== null && first !== undefined && first < table.since
      ? [`The Athena table ${own} begins on ${table.since}: what was delivered before is not seen.`]
      : []),
    ...('refusal' in listed ? [`How many log files there are is not known: ${listed.refusal.message}.`] : []),
  ];
}

/** Bytes: just below Athena's limit of 262,144 for a statement (StartQueryExecution in the API reference). */
const STATEMENT_LIMIT = 250_000;

/**
 * Plans the second statement for as many target groups as fit: those with the most failures first. `left` lists the
 * others.
 */
function planGapSearch(scope: LogScope, { groups }: ClosedConnections, idleTimeoutSeconds: number) {
  const most = [...groups].sort((a, b) => b.failures.length - a.failures.length);
  for (let count = most.length; ; count--) {
    const searched = new Set(most.slice(0, count));
    const planned = planSearch({ groups: groups.filter((group) => searched.has(group)) }, idleTimeoutSeconds);
    const statement = gaps(scope, planned.search);
    if (count > 1 && Buffer.byteLength(statement.sql) > STATEMENT_LIMIT) continue;
    const skipped = most.slice(count).map(({ target_group_arn }) => target_group_arn);
    const note = `No keep-alive edge was looked for in ${skipped.join(', ')}: there are too many targets for one query.`;
    return { planned, statement, left: skipped.length === 0 ? [] : [note] };
  }
}

function commonStart(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return a.slice(0, length);
}
