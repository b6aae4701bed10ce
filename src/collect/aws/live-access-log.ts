import type { CostEstimate } from '../../evidence/access-log.ts';
import type { CollectionFailure, LogLimitation } from '../../evidence/collected.ts';
import { type DeliveredLog, deliveredLogWords } from '../../evidence/delivered-log.ts';
import { formatBytes as size } from '../../format/amounts.ts';
import { plural } from '../../format/wording.ts';
import { lookBackQuestion } from '../../query/look-back.ts';
import { AccessLogError } from '../access-log/access-log-error.ts';
import { estimateAthena, estimateS3 } from '../access-log/cost.ts';
import { deliveredIn, deliveriesWords, type FoundDeliveries, NO_DELIVERIES } from '../access-log/deliveries.ts';
import { limitationFrom, logLimitation } from '../access-log/log-limitation.ts';
import { type LogPlace, logPlace } from '../access-log/log-place.ts';
import { idleTimeoutOf, searchCommand } from '../incident/incident-collectors.ts';
import { readByAthena } from './athena-log-reader.ts';
import { beginDeliveryLookup, type DeliveryLookup } from './delivery-lookup.ts';
import { readHealthCheckLogs } from './health-check-reader.ts';
import type { LiveAccessLog, LiveAccessLogOptions, LogEngine } from './live-log-read.ts';
import { withEarlier, withHealthChecks, withLaterNotes, withOtherLogs } from './log-answers.ts';
import type { EngineChoice, LogFileReading } from './log-file-reading.ts';
import { readLogGroup } from './log-group-reader.ts';
import { bytesOf, type ListedObjects, LogListing, objectsIn } from './log-listing.ts';
import { type LogSource, logSources } from './log-sources.ts';
import { ReadCost } from './read-cost.ts';
import { readFromS3 } from './s3-log-reader.ts';

/**
 * Preloads an engine's modules, the most likely first, so that they are ready when the log has been located. Call while
 * a request is in flight. Rejects if a module cannot be loaded; using it then reports the error again.
 */
export async function preloadEngine(engine: LogEngine, isReadApart: boolean): Promise<void> {
  await import('@aws-sdk/client-s3');
  if (engine !== 'athena' && isReadApart) await import('../access-log/embedded/log-reader.ts');
  else if (engine !== 'athena') await import('../access-log/embedded/embedded-engine.ts');
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

/**
 * Like `readLiveAccessLog`, and also reads the longer time of `lookBack` into `earlier`. If that fails, keeps the first
 * answers and adds the reason. Both reads count against `maxUsd`.
 */
export async function readWithLookBack(options: LiveAccessLogOptions): Promise<LiveAccessLog> {
  return await lookBack(options, await readLiveAccessLog(options));
}

/** Adds the answers over the longer time of the question's `lookBack` to a read. */
export async function lookBack(options: LiveAccessLogOptions, read: LiveAccessLog): Promise<LiveAccessLog> {
  const longer = lookBackQuestion(options.question);
  if (longer === null || read.log.status === 'unavailable') return read;
  options.progress?.('looking back');
  const spentUsd = (options.spentUsd ?? 0) + read.cost.usd;
  // What CloudWatch counted in the window says nothing of the time before.
  const back = await readLiveAccessLog({ ...options, question: longer, spentUsd, counted502s: undefined });
  return withEarlier(read, read.log, back, longer);
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
  readonly #listing: LogListing;
  readonly #cost: ReadCost;

  constructor(options: LiveAccessLogOptions, deliveries: DeliveryLookup | null) {
    this.#options = options;
    this.#deliveries = deliveries;
    this.#signal = AbortSignal.any([options.session.signal, AbortSignal.timeout(options.deadline)]);
    this.#idleTimeoutSeconds = idleTimeoutOf(options.attributes);
    this.#listing = new LogListing(options, this.#idleTimeoutSeconds, this.#signal);
    this.#cost = new ReadCost(options.onEstimate);
  }

  async run(): Promise<LiveAccessLog> {
    const { attributes, loadBalancerArn, engine } = this.#options;
    try {
      const legacy = attributes.status === 'collected' ? logPlace(attributes.value, loadBalancerArn) : null;
      // Listed while the deliveries are looked up; they seldom change where the log is read.
      if (legacy !== null && engine !== 'cloudwatch-logs') this.#listing.list(legacy).catch(() => {});
      const isNeeded = legacy === null || engine === 'cloudwatch-logs';
      const found = isNeeded ? await this.#deliveries?.found : await this.#deliveries?.foundInTime();
      const sources = logSources(legacy, found ?? NO_DELIVERIES, this.#options);
      return sources.length === 0
        ? this.#withoutLog(found ?? NO_DELIVERIES)
        : await this.#readWithHealthChecks(sources, found ?? NO_DELIVERIES);
    } catch (error) {
      if (!(error instanceof AccessLogError)) throw error;
      const { failure } = error;
      const { slowDowns } = this.#listing;
      const slowed = `; S3 asked to slow down ${plural(slowDowns, 'time')}: ask again in some minutes, or use Athena`;
      const reason = slowDowns > 0 && error.kind === 'stopped' ? `${failure.reason}${slowed}` : failure.reason;
      return this.#unavailable(searchCommand(this.#options.question), { ...failure, reason }, await this.#delivered());
    }
  }

  /** Reads the health-check log beside the access log, whichever way that is read. */
  async #readWithHealthChecks(sources: readonly LogSource[], found: FoundDeliveries): Promise<LiveAccessLog> {
    const stopping = new AbortController();
    const reading = readHealthCheckLogs({
      ...{ options: this.#options, deliveries: found.healthChecks, listing: this.#listing },
      accessLogPlaces: sources.flatMap((source) => ('place' in source ? [source.place] : [])),
      idleTimeoutSeconds: this.#idleTimeoutSeconds,
      signal: AbortSignal.any([this.#signal, stopping.signal]),
    });
    reading.catch(() => {});
    try {
      return withHealthChecks(await this.#readFirstOf(sources), await reading);
    } catch (error) {
      stopping.abort();
      // What is fetched is removed before the caller goes on.
      await reading.catch(() => {});
      throw error;
    }
  }

  /** Reads the first source that has entries; if no source has any, returns the last one that could be read. */
  async #readFirstOf(sources: readonly LogSource[]): Promise<LiveAccessLog> {
    const notes: LogLimitation[] = [];
    let empty: { read: LiveAccessLog; later: number } | null = null;
    let refusal: AccessLogError | null = null;
    for (const source of sources) {
      const where = deliveredLogWords(source.log);
      try {
        const read = await this.#readSource(source, notes);
        if (read.log.status === 'unavailable' || read.log.value.entries > 0) return read;
        empty ??= { read, later: notes.length + 1 };
        notes.push(logLimitation(`${where} has no entries for this load balancer in the window.`));
      } catch (error) {
        if (!(error instanceof AccessLogError) || this.#signal.aborted) throw error;
        refusal ??= error;
        notes.push(limitationFrom(`The access log was not read from ${where}: ${error.reason}.`, error.failure));
      }
    }
    if (empty !== null) return withLaterNotes(empty.read, notes.slice(empty.later));
    throw refusal ?? new Error('a log was neither read nor refused');
  }

  async #readSource(source: LogSource, notes: readonly LogLimitation[]): Promise<LiveAccessLog> {
    if ('place' in source) return await this.#readFiles(source.place, notes);
    return await readLogGroup({
      options: this.#options,
      delivery: source.delivery,
      idleTimeoutSeconds: this.#idleTimeoutSeconds,
      signal: this.#signal,
      why: source.why,
      notes: [...notes],
      spend: (cost) => this.#cost.spend(cost),
    });
  }

  async price(): Promise<CostEstimate | null> {
    const { attributes, loadBalancerArn, engine } = this.#options;
    if (attributes.status === 'unavailable') return null;
    try {
      const place = logPlace(attributes.value, loadBalancerArn);
      const listed = place === null ? null : await this.#listing.list(place);
      if (place === null || listed === null || 'refusal' in listed) return null;
      const { objects } = listed;
      const isFetched = engine === 'duckdb' || (engine === 'auto' && bytesOf(objects) <= FETCH_UP_TO);
      return isFetched
        ? estimateS3(objects.length, bytesOf(objects), this.#listing.days.length)
        : estimateAthena(objects.length, bytesOf(objects), await this.#listing.bytesOfDays(place), null);
    } catch (error) {
      if (error instanceof AccessLogError) return null;
      throw error;
    }
  }

  /** Where the log is delivered; undefined if that is not known soon. */
  async #delivered(): Promise<DeliveredLog[] | undefined> {
    const found = await this.#deliveries?.foundInTime();
    return found ? deliveredIn(found) : undefined;
  }

  #unavailable(
    source: string,
    { kind, reason, iamStatement }: CollectionFailure,
    delivered: DeliveredLog[] | undefined,
  ): LiveAccessLog {
    const log = { status: 'unavailable', source, kind, reason, iamStatement, delivered } as const;
    return { log, cost: this.#cost.total, toSave: null };
  }

  #withoutLog(found: FoundDeliveries): LiveAccessLog {
    const { attributes } = this.#options;
    const iamStatement = found.refusal?.iamStatement ?? null;
    const delivered = deliveredIn(found);
    if (attributes.status === 'unavailable')
      return this.#unavailable(
        attributes.source,
        {
          kind: attributes.kind ?? 'failed',
          iamStatement: attributes.iamStatement ?? iamStatement,
          reason: `where its access log goes is unknown (${attributes.reason})`,
        },
        delivered,
      );
    const reason = `access logging to S3 is off (access_logs.s3.enabled is false), ${deliveriesWords(found)}`;
    const kind = found.refusal?.failure.kind ?? 'failed';
    return this.#unavailable(attributes.source, { kind, reason, iamStatement }, delivered);
  }

  async #readFiles(place: LogPlace, notes: readonly LogLimitation[]): Promise<LiveAccessLog> {
    const { engine } = this.#options;
    this.#options.progress?.('listing log files');
    const reading = {
      ...{ options: this.#options, place, notes, why: AS_REQUESTED, listing: this.#listing, cost: this.#cost },
      ...{ idleTimeoutSeconds: this.#idleTimeoutSeconds, signal: this.#signal },
    };
    const listingFiles = this.#listing.list(place);
    if (engine === 'athena') return await readByAthena(reading, listingFiles);
    const listed = await listingFiles;
    return engine === 'duckdb' ? await readFromS3(reading, objectsIn(listed)) : await readByEither(reading, listed);
  }
}

/** Downloads small logs; uses Athena for large ones if a table exists, and downloads the files if Athena fails. */
async function readByEither(reading: LogFileReading, listed: ListedObjects): Promise<LiveAccessLog> {
  const bytes = 'refusal' in listed ? null : bytesOf(listed.objects);
  if (bytes !== null && bytes <= FETCH_UP_TO) {
    const words = `little enough to be fetched (up to ${size(FETCH_UP_TO)})`;
    return await readFromS3({ ...reading, why: { source: `${size(bytes)} are little`, words } }, objectsIn(listed));
  }
  try {
    return await readByAthena({ ...reading, why: whyAthena(bytes) }, listed);
  } catch (error) {
    if (!(error instanceof AccessLogError) || reading.signal.aborted) throw error;
    if ('refusal' in listed) {
      const statements = [listed.refusal.iamStatement, error.iamStatement].filter((one) => one !== null);
      throw new AccessLogError(error.kind, `${listed.refusal.message}; and ${error.reason}`, {
        iamStatement: statements.length === 0 ? null : statements.join(',\n'),
      });
    }
    if (bytes !== null && bytes > FETCH_AT_MOST)
      throw new AccessLogError(error.kind, `${error.reason}; and ${size(bytes)} are too much to download`, {
        iamStatement: error.iamStatement,
      });
    const note = limitationFrom(`Athena did not read the access log: ${error.reason}.`, error.failure);
    const why = { source: 'Athena did not', words: `since ${error.message}` };
    return await readFromS3({ ...reading, why, notes: [...reading.notes, note] }, objectsIn(listed));
  }
}

/** `bytes`: size of the window's files; null if they cannot be listed. */
function whyAthena(bytes: number | null): EngineChoice {
  const unlisted = 'the log files may not be listed';
  return bytes === null
    ? { source: unlisted, words: `since ${unlisted}` }
    : {
        source: `${size(bytes)} are much`,
        words: `more than is fetched where there is a table (${size(FETCH_UP_TO)})`,
      };
}

const AS_REQUESTED: EngineChoice = { source: 'as asked', words: 'as asked' };

/**
 * Compressed bytes: `auto` downloads up to the first value; above the second it does not download even if Athena fails.
 */
const [FETCH_UP_TO, FETCH_AT_MOST] = [256_000_000, 4_000_000_000];
