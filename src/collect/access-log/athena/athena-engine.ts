/**
 * Runs a statement in Athena: start, wait, page through the answer; stops the query when time runs out. Errors come
 * back as one clause with the remedy.
 * https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { AthenaClient, QueryExecution, WorkGroupConfiguration } from '@aws-sdk/client-athena';
import { formatBytes as size } from '../../../format/amounts.ts';
import {
  AccessLogError,
  accessDenied,
  accessLogErrorFrom,
  missingPermissionIn,
  stoppedError,
} from '../access-log-error.ts';
import type { Statement } from './statement.ts';

/** Where queries run, and with which settings. */
export interface AthenaPlace {
  athena: AthenaClient;
  region: string;
  partition: string;
  account: string;
  workGroup: string;
  catalog: string;
  database: string;
  /** "s3://bucket/folder/" for results, for workgroups without their own location; null for none. */
  outputLocation: string | null;
  signal: AbortSignal;
}

/** A workgroup's settings for queries; null if they could not be read. */
export interface WorkGroup {
  /** Scanned bytes at which Athena cancels a query; null for no limit. */
  cutoff: number | null;
  /** Whether the workgroup's results location overrides any other, or is managed by Athena. */
  hasOwnOutput: boolean;
  enforces: boolean;
}

interface QueryResult {
  /** Text as Athena prints it; null for NULL. */
  rows: (string | null)[][];
  bytesScanned: number;
}

/** A query that ended without an answer, and the bytes it scanned nevertheless. */
export class QueryError extends AccessLogError {
  readonly bytesScanned: number;

  constructor(error: AccessLogError, bytesScanned: number) {
    super(error.kind, error.message, error);
    this.bytesScanned = bytesScanned;
  }
}

const workGroupArn = ({ partition, region, account, workGroup }: AthenaPlace): string =>
  `arn:${partition}:athena:${region}:${account}:workgroup/${workGroup}`;

/**
 * Reads the workgroup; null when access is denied, as queries may still be allowed. Rejects with AccessLogError for any
 * other reason.
 */
export async function readWorkGroup(place: AthenaPlace): Promise<WorkGroup | null> {
  const { GetWorkGroupCommand } = await import('@aws-sdk/client-athena');
  try {
    const { WorkGroup: found } = await place.athena.send(new GetWorkGroupCommand({ WorkGroup: place.workGroup }), {
      abortSignal: place.signal,
    });
    if (found?.State === 'DISABLED')
      throw new AccessLogError('not-found', `the Athena workgroup ${place.workGroup} is disabled`);
    return toWorkGroup(found?.Configuration ?? {});
  } catch (error) {
    const refusal = queryError(error, 'athena:GetWorkGroup', place);
    if (refusal.kind === 'denied') return null;
    throw refusal;
  }
}

function toWorkGroup(configuration: WorkGroupConfiguration): WorkGroup {
  const { BytesScannedCutoffPerQuery: cutoff, EnforceWorkGroupConfiguration: enforces } = configuration;
  return {
    cutoff: cutoff ?? null,
    hasOwnOutput:
      configuration.ResultConfiguration?.OutputLocation !== undefined ||
      configuration.ManagedQueryResultsConfiguration?.Enabled === true,
    // Managed results do not accept another location either.
    enforces: enforces === true || configuration.ManagedQueryResultsConfiguration?.Enabled === true,
  };
}

/** Milliseconds before the second poll of a query, the growth factor of each pause, and the longest pause. */
const [FIRST_PAUSE, GROWTH, LONGEST_PAUSE] = [50, 1.05, 2000];
/** Milliseconds to wait before starting a query again when too many are running. */
const BUSY_PAUSES = [1000, 2000, 4000, 8000, 16_000];
const STOP_TIMEOUT = 5000;
const PAGE = 1000;

interface RunOptions {
  place: AthenaPlace;
  workGroup: WorkGroup | null;
  statement: Statement;
  /** Called while waiting, with a status of a few words. */
  progress: (status: string) => void;
  /** Give up at the first refusal or failure: the answer can do without this query. */
  isOptional?: boolean;
}

/** Runs a statement; runs it once more if Athena marks the error as retryable. Rejects with QueryError. */
export async function runQuery(options: RunOptions): Promise<QueryResult> {
  const first = await runOnce(options);
  if ('rows' in first) return first;
  if (!first.isRetryable || options.isOptional) throw new QueryError(first.error, first.bytesScanned);
  const second = await runOnce(options);
  const bytesScanned = first.bytesScanned + second.bytesScanned;
  if ('rows' in second) return { ...second, bytesScanned };
  throw new QueryError(second.error, bytesScanned);
}

interface QueryFailure {
  error: AccessLogError;
  bytesScanned: number;
  isRetryable: boolean;
}

async function runOnce(options: RunOptions): Promise<QueryResult | QueryFailure> {
  const { place } = options;
  let id: string | null = null;
  let lastExecution: QueryExecution | undefined;
  try {
    id = await startQuery(options);
    const started = performance.now();
    lastExecution = await pollQuery(place.athena, id, place.signal, (execution) => {
      lastExecution = execution;
      options.progress(progressText(execution, performance.now() - started));
    });
    const [bytesScanned, finished] = [bytesScannedBy(lastExecution), id];
    id = null;
    const { State: state } = lastExecution.Status ?? {};
    if (state === 'SUCCEEDED') return { rows: await fetchRows(place, finished), bytesScanned };
    return {
      error: failedQueryError(lastExecution, place),
      bytesScanned,
      isRetryable: lastExecution.Status?.AthenaError?.Retryable === true,
    };
  } catch (error) {
    const waiting = lastExecution?.Status?.State === 'QUEUED' && place.signal.aborted;
    const failure = waiting ? queuedTooLong(place) : queryError(error, 'athena:GetQueryExecution', place);
    if (id !== null) lastExecution = (await stopQuery(place.athena, id)) ?? lastExecution;
    return { error: failure, bytesScanned: bytesScannedBy(lastExecution), isRetryable: false };
  }
}

const bytesScannedBy = (execution: QueryExecution | undefined): number =>
  execution?.Statistics?.DataScannedInBytes ?? 0;

async function startQuery({ place, workGroup, statement, progress, isOptional }: RunOptions): Promise<string> {
  const { StartQueryExecutionCommand } = await import('@aws-sdk/client-athena');
  const { outputLocation, catalog, database, signal } = place;
  const sendsOutput = outputLocation !== null && workGroup?.enforces !== true;
  for (const wait of isOptional ? [null] : [...BUSY_PAUSES, null]) {
    if (signal.aborted) throw stoppedError('athena:StartQueryExecution');
    try {
      // Not cancelled by the signal: the id of a started query is needed to stop it.
      const { QueryExecutionId: id } = await place.athena.send(
        new StartQueryExecutionCommand({
          QueryString: statement.sql,
          ...(statement.parameters.length > 0 ? { ExecutionParameters: statement.parameters } : {}),
          QueryExecutionContext: { Catalog: catalog, Database: database },
          WorkGroup: place.workGroup,
          ...(sendsOutput ? { ResultConfiguration: { OutputLocation: outputLocation } } : {}),
        }),
      );
      if (id === undefined) throw new AccessLogError('failed', 'Athena started a query without an id');
      return id;
    } catch (error) {
      const isBusy = error instanceof Error && error.name === 'TooManyRequestsException';
      if (!isBusy || wait === null) throw queryError(error, 'athena:StartQueryExecution', place);
      progress('Athena has too many queries running; waiting for a place');
      await pause(wait, undefined, { signal });
    }
  }
  throw stoppedError('athena:StartQueryExecution');
}

/** Polls a query until it ends, in any state. `onWait`: called after each poll of an unfinished query. */
export async function pollQuery(
  athena: Pick<AthenaClient, 'send'>,
  id: string,
  signal: AbortSignal,
  onWait: (execution: QueryExecution) => void = () => {},
): Promise<QueryExecution> {
  const { GetQueryExecutionCommand } = await import('@aws-sdk/client-athena');
  for (let looks = 1; ; looks++) {
    const { QueryExecution: execution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId: id }), {
      abortSignal: signal,
    });
    const state = execution?.Status?.State;
    if (execution !== undefined && (state === 'SUCCEEDED' || state === 'FAILED' || state === 'CANCELLED'))
      return execution;
    if (execution !== undefined) onWait(execution);
    await pause(pollPause(looks), undefined, { signal });
  }
}

function progressText(execution: QueryExecution, elapsedMs: number): string {
  const scanned = bytesScannedBy(execution);
  const state = execution.Status?.State === 'QUEUED' ? 'queued' : 'running';
  return `Athena: ${state} ${Math.round(elapsedMs / 1000)} s${scanned > 0 ? `, ${size(scanned)} read` : ''}`;
}

/**
 * Returns the milliseconds to wait after this many polls. On average an answer is noticed half a pause late, and a
 * pause is a twentieth of the elapsed time: 0.1 s late after 3 s, 1 s late after 40 s. The client retries throttled
 * calls with backoff.
 */
export const pollPause = (looks: number): number => Math.min(LONGEST_PAUSE, FIRST_PAUSE * GROWTH ** (looks - 1));

/** Fetches all rows except the first, which holds the column names. */
async function fetchRows(place: AthenaPlace, id: string): Promise<QueryResult['rows']> {
  const { GetQueryResultsCommand } = await import('@aws-sdk/client-athena');
  const rows: QueryResult['rows'] = [];
  let next: string | undefined;
  do {
    const page = await place.athena
      .send(
        new GetQueryResultsCommand({
          QueryExecutionId: id,
          MaxResults: PAGE,
          ...(next === undefined ? {} : { NextToken: next }),
        }),
        { abortSignal: place.signal },
      )
      .catch((error: unknown) => {
        throw queryError(error, 'athena:GetQueryResults', place);
      });
    const found = (page.ResultSet?.Rows ?? []).map(({ Data: data = [] }) =>
      data.map(({ VarCharValue: value }) => value ?? null),
    );
    rows.push(...(next === undefined ? found.slice(1) : found));
    next = page.NextToken;
  } while (next !== undefined);
  return rows;
}

/**
 * Stops a query and returns its final state, with the bytes scanned; null if unknown. Ignores the signal that ended the
 * query.
 */
export async function stopQuery(athena: Pick<AthenaClient, 'send'>, id: string): Promise<QueryExecution | null> {
  const { GetQueryExecutionCommand, StopQueryExecutionCommand } = await import('@aws-sdk/client-athena');
  const abortSignal = AbortSignal.timeout(STOP_TIMEOUT);
  try {
    await athena.send(new StopQueryExecutionCommand({ QueryExecutionId: id }), { abortSignal });
    const { QueryExecution: execution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId: id }), {
      abortSignal,
    });
    return execution ?? null;
  } catch {
    // Nothing more can be done; the reason for stopping matters more.
    return null;
  }
}

const queuedTooLong = ({ workGroup }: AthenaPlace): AccessLogError =>
  new AccessLogError(
    'stopped',
    `Athena kept the query waiting in its queue (workgroup ${workGroup}: too many queries in this account at once), so it was cancelled`,
  );

/** Describes a query that FAILED or was CANCELLED: https://docs.aws.amazon.com/athena/latest/ug/error-reference.html */
function failedQueryError({ Status: status }: QueryExecution, place: AthenaPlace): AccessLogError {
  const reason = status?.StateChangeReason ?? status?.AthenaError?.ErrorMessage ?? 'it gave no reason';
  if (status?.State === 'CANCELLED' && !/limit was exceeded/i.test(reason))
    return new AccessLogError('failed', 'the Athena query was cancelled by someone else');
  return translateMessage(reason, place);
}

function queryError(error: unknown, action: string, place: AthenaPlace): AccessLogError {
  if (error instanceof AccessLogError) return error;
  if (error instanceof Error && error.name === 'InvalidRequestException') return translateMessage(error.message, place);
  return accessLogErrorFrom(error, { action, resource: workGroupArn(place), region: place.region });
}

type Translation = [
  pattern: RegExp,
  kind: AccessLogError['kind'],
  words: (said: string, place: AthenaPlace) => string,
  remedy?: string,
];

/** Athena's messages in matching order, and what each means here. */
const TRANSLATIONS: readonly Translation[] = [
  [
    /bytes scanned limit was exceeded/i,
    'too-much',
    (_, { workGroup }) =>
      `the query was cancelled at the data limit of the workgroup ${workGroup} (BytesScannedCutoffPerQuery): ask for a shorter window, or raise the limit`,
  ],
  [
    /unable to verify\/create output bucket|no output location|output ?location|results? bucket/i,
    'not-found',
    (said, { workGroup }) =>
      `Athena cannot write its results (${said}): set athena.outputLocation (ALB502_ATHENA_OUTPUT) to a folder in S3 that exists in this region, or give the workgroup ${workGroup} one`,
  ],
  [
    /lake ?formation/i,
    'denied',
    (said) =>
      `Lake Formation does not let the table be read (${said}): it needs SELECT on it, and lakeformation:GetDataAccess`,
  ],
  [
    /SCHEMA_NOT_FOUND|database .*(not found|does not exist)/i,
    'not-found',
    (_, { database }) =>
      `the database ${database} does not exist in the catalog: athena.database (ALB502_ATHENA_DATABASE) names another`,
  ],
  [
    /TABLE_NOT_FOUND|table .*(not found|does not exist)/i,
    'not-found',
    (_, { database }) => `the table is not in the database ${database} any more`,
    'alb502 setup athena --create makes one',
  ],
  [
    /COLUMN_NOT_FOUND|column .*cannot be resolved/i,
    'failed',
    (said) => `a column of the table is not there (${said}): its definition was changed just now, or hides it`,
  ],
  [
    /WorkGroup .*(not found|disabled)|disabled WorkGroup/i,
    'not-found',
    (said) => `${said}; athena.workGroup (ALB502_ATHENA_WORKGROUP) names another`,
  ],
  [
    /HIVE_CANNOT_OPEN_SPLIT.*(403|access ?denied|forbidden)|access ?denied.*(s3|split)|HIVE_.*access ?denied/is,
    'denied',
    (said) =>
      `Athena may not read the log files (${said}): s3:GetObject and s3:ListBucket on the log bucket are needed`,
  ],
  [
    /insufficient permissions|access ?denied|not authorized/i,
    'denied',
    (said) => `Athena lacks a permission (${said})`,
  ],
  [
    /exhausted resources|EXCEEDED_MEMORY|INSUFFICIENT_RESOURCES/i,
    'failed',
    () => 'the query was too large for Athena (it exhausted its resources): ask for a shorter window',
  ],
  [
    /slow ?down|reduce your request rate|HIVE_CANNOT_OPEN_SPLIT.*503/is,
    'failed',
    () => 'S3 asked Athena to slow down (503): ask again in a minute',
  ],
  [/timed? ?out|EXCEEDED_TIME_LIMIT/i, 'failed', () => 'the query took longer than Athena allows'],
];

/** Translates an Athena message. */
function translateMessage(message: string, place: AthenaPlace): AccessLogError {
  const plainMessage = message
    .replace(/\s+/g, ' ')
    .replace(/ ?[(]?(?:You may need to|This query ran against|If this issue persists).*$/i, '')
    .trim()
    .replace(/[.;]+$/, '')
    .slice(0, 300);
  const missing = missingPermissionIn(message);
  if (missing !== null) return accessDenied(missing, /explicit deny/i.test(message));
  const [, kind, words, remedy] = TRANSLATIONS.find(([pattern]) => pattern.test(message)) ?? [];
  return kind === undefined || words === undefined
    ? new AccessLogError('failed', `the Athena query failed: ${plainMessage}`)
    : new AccessLogError(kind, words(plainMessage, place), remedy === undefined ? {} : { remedy });
}
