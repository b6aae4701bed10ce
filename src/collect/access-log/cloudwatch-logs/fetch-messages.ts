/**
 * Fetches the messages of a window from a log group by the cheaper of two calls; queries split the window into slices.
 */

import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import PQueue from 'p-queue';
import { AccessLogError } from '../access-log-error.ts';
import { askInsights, insightsCommand, type LogGroup, ROWS_AT_MOST, type Seconds } from './insights.ts';
import { filterEvents, logEventsCommand } from './log-events.ts';

/** Returns the bytes a log group received in a time range; null if unknown. */
export async function incomingBytes(
  metrics: CloudWatchClient,
  { name, signal }: Pick<LogGroup, 'name' | 'signal'>,
  { from, to }: Seconds,
): Promise<number | null> {
  const { GetMetricDataCommand } = await import('@aws-sdk/client-cloudwatch');
  const minute = (seconds: number) => new Date(Math.floor(seconds / 60) * 60_000);
  try {
    const { MetricDataResults = [] } = await metrics.send(
      new GetMetricDataCommand({
        StartTime: minute(from),
        EndTime: minute(to + 60),
        MetricDataQueries: [
          {
            Id: 'bytes',
            MetricStat: {
              Metric: {
                Namespace: 'AWS/Logs',
                MetricName: 'IncomingBytes',
                Dimensions: [{ Name: 'LogGroupName', Value: name }],
              },
              Period: 60,
              Stat: 'Sum',
            },
          },
        ],
      }),
      { abortSignal: signal },
    );
    const values = MetricDataResults.flatMap(({ Values = [] }) => Values);
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
  } catch {
    return null;
  }
}

/** Bytes; up to this size, events are filtered, which is free, not queried. */
const FILTER_BELOW = 20_000_000;
/** Pages of up to 1 MB. */
const FILTER_PAGES = 40;
/** Approximate bytes of an event, for the initial number of slices. */
const EVENT_BYTES = 700;
/** Rows per slice to aim for, below the limit of a query. */
const ROWS_AIMED_AT = ROWS_AT_MOST * 0.6;
/** Bytes; larger windows are not fetched. */
const FETCH_AT_MOST = 2_000_000_000;
const QUERIES_AT_ONCE = 4;

export interface FetchedMessages {
  messages: string[];
  /** Epoch seconds with more messages than a query returns; some of their messages are missing. */
  cut: number[];
  /** The AWS CLI command that fetches the same. */
  command: string;
}

export interface FetchOptions {
  group: LogGroup;
  range: Seconds;
  /** Bytes of the whole group in the range; null if unknown. */
  bytes: number | null;
  /** Whether queries are allowed: their cost is bounded, or no limit was set. */
  mayQuery: boolean;
  /** Called with the bytes that each query scanned. */
  onScan: (bytes: number) => unknown;
}

/** Whether messages are fetched without a query. */
export const isFiltered = (bytes: number | null, mayQuery: boolean): boolean =>
  bytes === null ? !mayQuery : bytes <= FILTER_BELOW;

/** Returns the load balancer's messages in the range. Rejects with AccessLogError. */
export async function fetchMessages(options: FetchOptions): Promise<FetchedMessages> {
  const { group, range, bytes, mayQuery } = options;
  if (isFiltered(bytes, mayQuery)) {
    const messages = await filterEvents(group, range, FILTER_PAGES);
    if (messages !== null) return { messages, cut: [], command: logEventsCommand(group, range) };
    if (!mayQuery)
      throw new AccessLogError(
        'too-much',
        `the log group ${group.name} holds more than can be read without a query, and what a query costs is not known: allow cloudwatch:GetMetricData, or ask without --max-usd`,
      );
  }
  if (bytes !== null && bytes > FETCH_AT_MOST)
    throw new AccessLogError(
      'too-much',
      `the log group ${group.name} received ${(bytes / 1e9).toFixed(1)} GB in the window, and ${FETCH_AT_MOST / 1e9} GB at most are fetched: ask for a shorter window`,
    );
  return await queryInSlices(options);
}

async function queryInSlices({ group, range, bytes, onScan }: FetchOptions): Promise<FetchedMessages> {
  const seconds = range.to - range.from + 1;
  const slices = Math.min(seconds, Math.max(1, Math.ceil((bytes ?? 0) / EVENT_BYTES / ROWS_AIMED_AT)));
  const edge = (index: number) => range.from + Math.floor((seconds * index) / slices);
  const queue = new PQueue({ concurrency: QUERIES_AT_ONCE });
  const cut: number[] = [];
  const read = async ({ from, to }: Seconds): Promise<string[]> => {
    const { messages, isFull } = await queue.add(() => askInsights(group, { from, to }, onScan));
    if (!isFull) return messages;
    if (from === to) {
      cut.push(from);
      return messages;
    }
    const middle = Math.floor((from + to) / 2);
    const halves = await Promise.all([read({ from, to: middle }), read({ from: middle + 1, to })]);
    return halves.flat();
  };
  const all = Array.from({ length: slices }, (_, index) => read({ from: edge(index), to: edge(index + 1) - 1 }));
  try {
    const messages = (await Promise.all(all)).flat();
    return { messages, cut: cut.sort((a, b) => a - b), command: insightsCommand(group, range) };
  } finally {
    // After a failure, drop the waiting queries: each costs money.
    queue.clear();
  }
}
