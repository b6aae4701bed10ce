/** Reads the access log of a live load balancer with Athena, which scans the files in S3. */
import type { AccessLog, CostEstimate, IdleGaps } from '../../evidence/access-log.ts';
import { formatBytes as size } from '../../format/amounts.ts';
import { plural } from '../../format/wording.ts';
import { AccessLogError } from '../access-log/access-log-error.ts';
import { assertAffordable } from '../access-log/affordable.ts';
import { type Rollups, readRollups } from '../access-log/athena/answers.ts';
import {
  type AthenaPlace,
  QueryError,
  readWorkGroup,
  runQuery,
  type WorkGroup,
} from '../access-log/athena/athena-engine.ts';
import type { LogScope } from '../access-log/athena/entry-sql.ts';
import { readGaps, toStatementSearch } from '../access-log/athena/gap-statement.ts';
import { gaps, gapsBeside } from '../access-log/athena/gaps-sql.ts';
import { failedRows, rollups } from '../access-log/athena/rollups-sql.ts';
import type { Statement } from '../access-log/athena/statement.ts';
import { findTable, type LogTable } from '../access-log/athena/table.ts';
import { athenaUsd, estimateAthena, estimateWords, MOST_QUERIES } from '../access-log/cost.ts';
import { type ClosedConnections, planGaps } from '../access-log/gap-search.ts';
import { logLimitation } from '../access-log/log-limitation.ts';
import { estimateBeside, GapsBeside } from './gaps-beside.ts';
import type { LiveAccessLog, LiveAccessLogOptions } from './live-log-read.ts';
import type { LogFileReading } from './log-file-reading.ts';
import { bytesOf, type ListedObjects } from './log-listing.ts';
import type { ClientSettings } from './sdk-clients.ts';

interface AthenaPreparation {
  athenaPlace: AthenaPlace;
  table: LogTable;
  workGroup: WorkGroup | null;
  /** Compressed bytes of all files in the window's partitions; null if unknown or the table has no partitions. */
  dayBytes: number | null;
}

/** Does not wait for the listing of the files. Rejects with AccessLogError. */
export async function readByAthena(
  reading: LogFileReading,
  listingFiles: ListedObjects | Promise<ListedObjects>,
): Promise<LiveAccessLog> {
  const { options, place, listing, why, notes, cost } = reading;
  const pending = [prepare(reading), listingFiles] as const;
  // Awaited in this order, so that of two refusals the same one is always reported.
  await Promise.allSettled(pending);
  const [prepared, listed] = [await pending[0], await pending[1]];
  const { table } = prepared;
  const { estimate, isBeside } = await estimateScan(reading, prepared, listed);
  const counted =
    'refusal' in listed ? '' : `: ${plural(listed.objects.length, 'file')}, ${size(bytesOf(listed.objects))}`;
  const how = `by Athena, table ${table.database}.${table.name}${counted}, ${why.words}`;
  const method = cost.begin(place, how, estimate);
  const scope: LogScope = { table, place, ends: listing.ends, days: listing.days, question: options.question };
  const { answers, edge, idleGaps } = await answersOf(reading, prepared, scope, { listed, isBeside });
  const limitations = [...limitationsOf(scope, answers, listed), ...(edge?.left ?? [])].map(logLimitation);
  const value: AccessLog = {
    files: {
      read: 'refusal' in listed ? 0 : listed.objects.length,
      outsideWindow: 0,
      connectionLogs: 0,
      healthCheckLogs: 0,
      bytes: 'refusal' in listed ? cost.total.bytesScanned : bytesOf(listed.objects),
      unreadable: [],
    },
    ...answers.log,
    rejected: { lines: answers.empty.rows, files: answers.empty.inFiles, first: null },
    idleGaps,
    cost: cost.total,
    reading: method,
    unanswered: [...notes, ...limitations],
  };
  return {
    log: { status: 'collected', source: failedRows(scope), value },
    cost: cost.total,
    toSave: { answers: value },
  };
}

/** Runs the first query. The search for a keep-alive edge runs beside it, or after it if connections closed early. */
async function answersOf(
  reading: LogFileReading,
  prepared: AthenaPreparation,
  scope: LogScope,
  { listed, isBeside }: { listed: ListedObjects; isBeside: boolean },
) {
  const { idleTimeoutSeconds } = reading;
  const first = runStatement(reading, prepared, rollups(scope), { status: 'starting' });
  const beside = isBeside ? searchBeside(reading, prepared, gapsBeside(scope, idleTimeoutSeconds)) : null;
  try {
    const answers = readRollups(await first);
    assertAnswered(prepared.table, answers, listed);
    if (answers.closed === null) return { answers, edge: null, idleGaps: [] };
    const edge = planGapSearch(scope, answers.closed, idleTimeoutSeconds);
    return { answers, edge, idleGaps: await findGaps(reading, prepared, edge, beside) };
  } finally {
    // What it has scanned is part of the cost.
    await beside?.stop();
  }
}

/** Starts the search for a keep-alive edge as soon as CloudWatch is known to have counted 502s. */
function searchBeside(reading: LogFileReading, prepared: AthenaPreparation, statement: Statement): GapsBeside {
  const { session, counted502s = Promise.resolve(null) } = reading.options;
  return new GapsBeside(counted502s, async (stopping) => {
    const { AthenaClient } = await import('@aws-sdk/client-athena');
    /** Calls once, with a short limit. A client of its own: the SDK slows down all calls of a client that was throttled. */
    class ClientBeside extends AthenaClient {
      constructor(settings: ClientSettings) {
        const requestHandler = { ...settings.requestHandler, requestTimeout: BESIDE_CALL_TIMEOUT };
        super({ ...settings, maxAttempts: 1, requestHandler });
      }
    }
    const athenaPlace = { ...prepared.athenaPlace, athena: session.client(ClientBeside) };
    return await runStatement(reading, { ...prepared, athenaPlace }, statement, { stopping });
  });
}

/** Milliseconds of one call. */
const BESIDE_CALL_TIMEOUT = 5000;

type GapSearchPlan = ReturnType<typeof planGapSearch>;

/** Takes the gaps from the query beside the first if it has found them, or else runs a second one. */
async function findGaps(
  reading: LogFileReading,
  prepared: AthenaPreparation,
  { planned, statement }: GapSearchPlan,
  beside: GapsBeside | null,
): Promise<IdleGaps[]> {
  const found = (await beside?.select(planned)) ?? null;
  if (found !== null) return found;
  // The second query does not wait until it has stopped.
  void beside?.stop();
  const status = 'looking for a keep-alive edge';
  return readGaps(await runStatement(reading, prepared, statement, { status }), planned);
}

/**
 * Runs one statement and adds its cost; returns its rows. `status`: what is shown while it runs; nothing if absent.
 * `stopping`: stops an optional query, which is not retried.
 */
async function runStatement(
  { options, cost }: LogFileReading,
  { athenaPlace, workGroup }: AthenaPreparation,
  statement: Statement,
  { status, stopping }: { status?: string; stopping?: AbortSignal },
) {
  const spend = (bytesScanned: number) => cost.spend({ bytesScanned, usd: athenaUsd(bytesScanned), queries: 1 });
  const progress = (words: string) => {
    if (status !== undefined) options.progress?.(words);
  };
  progress(`Athena: ${status}`);
  const signal = AbortSignal.any([athenaPlace.signal, ...(stopping === undefined ? [] : [stopping])]);
  try {
    const place = { ...athenaPlace, signal };
    const answer = await runQuery({ place, workGroup, statement, progress, isOptional: stopping !== undefined });
    spend(answer.bytesScanned);
    return answer.rows;
  } catch (error) {
    // A failed query is free; a cancelled one costs what it scanned.
    if (error instanceof QueryError && error.bytesScanned > 0) spend(error.bytesScanned);
    throw error;
  }
}

/** Gathers in parallel everything needed before a query. */
async function prepare({ options, place, listing, signal }: LogFileReading): Promise<AthenaPreparation> {
  const { session, athena } = options;
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
    signal,
  };
  const choice = { glue: session.client(GlueClient), database, table: tableName, place, signal };
  const pending = [findTable(choice), readWorkGroup(athenaPlace), listing.bytesOfDays(place)] as const;
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

/**
 * Estimates the cost, with a scan beside the first if that may start. Rejects with AccessLogError if the workgroup or the
 * spending limit forbids the scan.
 */
async function estimateScan(
  { options }: LogFileReading,
  prepared: AthenaPreparation,
  listed: ListedObjects,
): Promise<{ estimate: CostEstimate; isBeside: boolean }> {
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
  if (estimate.atMost === null) assertUnboundedScanAccepted(options, prepared, listed, estimate);
  else assertAffordable(estimate, options);
  const both = await estimateBeside(estimate, !('refusal' in listed), options);
  options.progress?.(`Athena: ${estimateWords(both ?? estimate)}`);
  return { estimate: both ?? estimate, isBeside: both !== null };
}

/**
 * A limit given for this question also accepts reading all listed files: the path range excludes everything else that
 * the table covers.
 */
function assertUnboundedScanAccepted(
  options: LiveAccessLogOptions,
  { table, workGroup }: AthenaPreparation,
  listed: ListedObjects,
  listedOnly: CostEstimate,
): void {
  const { maxUsd, isMaxUsdGiven = false, athena } = options;
  if (maxUsd === null) return;
  const isListed = !('refusal' in listed);
  if (isListed && isMaxUsdGiven) {
    const { bytes, usd } = listedOnly;
    assertAffordable({ ...listedOnly, atMost: { bytes: bytes * MOST_QUERIES, usd: usd * MOST_QUERIES } }, options);
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
function assertAnswered(table: LogTable, { log, empty }: Rollups, listed: ListedObjects): void {
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

/** Limitations: questions that the table cannot answer, and days that it does not contain. */
function limitationsOf({ table, days }: LogScope, { empty, log }: Rollups, listed: ListedObjects): string[] {
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
      ? [`The Athena table ${own} begins on ${table.since}: earlier log files were not read.`]
      : []),
    ...('refusal' in listed ? [`How many log files there are is unknown: ${listed.refusal.message}.`] : []),
  ];
}

/** Bytes: just below Athena's limit of 262,144 for a statement (StartQueryExecution in the API reference). */
const STATEMENT_LIMIT = 250_000;

/**
 * Plans the second statement for as many target groups as fit, those with the most failures first. `left` lists the
 * others.
 */
function planGapSearch(scope: LogScope, { groups }: ClosedConnections, idleTimeoutSeconds: number) {
  const most = [...groups].sort((a, b) => b.failures.length - a.failures.length);
  for (let count = most.length; ; count--) {
    const searched = new Set(most.slice(0, count));
    const planned = planGaps({ groups: groups.filter((group) => searched.has(group)) }, idleTimeoutSeconds);
    const statement = gaps(scope, toStatementSearch(planned));
    if (count > 1 && Buffer.byteLength(statement.sql) > STATEMENT_LIMIT) continue;
    const skipped = most.slice(count).map(({ target_group_arn }) => target_group_arn);
    const note = `No keep-alive edge was looked for in ${skipped.join(', ')}: there are too many targets for one query.`;
    return { planned, statement, left: skipped.length === 0 ? [] : [note] };
  }
}
