/**
 * Runs queries of CloudWatch Logs Insights. Limits and parameters:
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { CloudWatchLogsClient, GetQueryResultsCommandOutput } from '@aws-sdk/client-cloudwatch-logs';
import { type Command, command } from '../../../format/command.ts';
import { AccessLogError, accessLogErrorFrom, stoppedError } from '../access-log-error.ts';

/** A log group, and the text that identifies the load balancer in its messages. */
export interface LogGroup {
  logs: CloudWatchLogsClient;
  name: string;
  /** arn:…:log-group:NAME */
  arn: string;
  region: string;
  /** "app/name/id", without characters that are special in queries; null if the group has a single source. */
  loadBalancer: string | null;
  signal: AbortSignal;
}

/** Whole epoch seconds, both inclusive. */
export interface Seconds {
  from: number;
  to: number;
}

/** Most rows of a query that AWS allows. */
export const ROWS_AT_MOST = 100_000;

/** Milliseconds between two polls of a query: the first pause, and the longest. */
const [FIRST_LOOK, LATER_LOOKS] = [200, 1000];

/**
 * Returns a query for all messages that mention the load balancer, in any format; parsing them later drops messages of
 * other load balancers.
 */
export const messagesQuery = ({ loadBalancer }: LogGroup): string =>
  `fields @message${loadBalancer === null ? '' : ` | filter @message like "${loadBalancer}"`} | sort @timestamp asc`;

/** The AWS CLI command for the query. */
export const insightsCommand = ({ name }: LogGroup, { from, to }: Seconds, query: string): Command =>
  command`aws logs start-query --log-group-name ${name} --start-time ${from} --end-time ${to} --limit ${ROWS_AT_MOST} --query-string ${query}`;

/** A query, and the most rows it may return. */
interface InsightsQuery {
  query: string;
  limit: number;
}

/**
 * Rejects with AccessLogError, and stops a query that it gives up. `onScan`: called once with the bytes scanned; for a
 * query that did not finish, with those of the last answer.
 */
export async function askRows(
  group: LogGroup,
  { from, to }: Seconds,
  { query, limit }: InsightsQuery,
  onScan: (bytes: number) => unknown,
): Promise<{ rows: Record<string, string>[]; isFull: boolean }> {
  const { logs, name, signal } = group;
  const { StartQueryCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  const { queryId } = await logs
    .send(new StartQueryCommand({ logGroupName: name, startTime: from, endTime: to, queryString: query, limit }), {
      abortSignal: signal,
    })
    .catch((error: unknown) => {
      throw refusalOf(group, error, 'logs:StartQuery');
    });
  if (queryId === undefined) throw new AccessLogError('failed', 'CloudWatch Logs began a query without an id');
  try {
    const complete = await completed(group, queryId, onScan);
    const rows = await allRows(group, queryId, complete);
    // A grouped query matches more records than it returns rows.
    const isGrouped = query.includes('| stats ');
    const matched = isGrouped ? 0 : (complete.statistics?.recordsMatched ?? 0);
    return { rows, isFull: rows.length >= limit || matched > rows.length };
  } catch (error) {
    if (signal.aborted) await stopQuery(group, queryId);
    throw error;
  }
}

async function completed(
  group: LogGroup,
  queryId: string,
  onScan: (bytes: number) => unknown,
): Promise<GetQueryResultsCommandOutput> {
  let scanned = 0;
  try {
    for (let wait = FIRST_LOOK; ; wait = Math.min(LATER_LOOKS, wait * 2)) {
      const answer = await results(group, queryId);
      scanned = answer.statistics?.bytesScanned ?? scanned;
      if (answer.status === 'Complete') return answer;
      if (answer.status !== 'Scheduled' && answer.status !== 'Running' && answer.status !== 'Unknown')
        throw new AccessLogError(
          'failed',
          `the query of the log group ${group.name} ended as ${answer.status ?? 'nothing'}`,
        );
      await pause(wait, undefined, { signal: group.signal }).catch(() => {
        throw stoppedError('logs:GetQueryResults');
      });
    }
  } finally {
    onScan(scanned);
  }
}

async function allRows(
  group: LogGroup,
  queryId: string,
  first: GetQueryResultsCommandOutput,
): Promise<Record<string, string>[]> {
  const rows: Record<string, string>[] = [];
  for (let page = first; ; page = await results(group, queryId, page.nextToken)) {
    for (const row of page.results ?? [])
      rows.push(Object.fromEntries(row.map(({ field, value }) => [field ?? '', value ?? ''])));
    if (page.nextToken === undefined) return rows;
  }
}

async function results(group: LogGroup, queryId: string, nextToken?: string): Promise<GetQueryResultsCommandOutput> {
  const { GetQueryResultsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  return await group.logs
    .send(new GetQueryResultsCommand({ queryId, ...(nextToken === undefined ? {} : { nextToken }) }), {
      abortSignal: group.signal,
    })
    .catch((error: unknown) => {
      throw refusalOf({ ...group, arn: '*' }, error, 'logs:GetQueryResults');
    });
}

const STOP_WITHIN_MS = 2000;

/** A query keeps running, and costing, until it is stopped. */
async function stopQuery({ logs }: LogGroup, queryId: string): Promise<void> {
  const { StopQueryCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  await logs
    .send(new StopQueryCommand({ queryId }), { abortSignal: AbortSignal.timeout(STOP_WITHIN_MS) })
    .catch(() => {});
}

/** `arn`: of the log group, or `*` for an action without resources. */
export function refusalOf({ arn, region, name }: LogGroup, error: unknown, action: string): AccessLogError {
  if (error instanceof Error && error.name === 'ResourceNotFoundException')
    return new AccessLogError('not-found', `the log group ${name} does not exist`);
  return accessLogErrorFrom(error, { action, resource: arn === '*' ? '*' : `${arn}:*`, region });
}
