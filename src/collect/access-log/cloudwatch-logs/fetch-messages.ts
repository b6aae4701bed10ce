/**
 * Fetches the messages of a window from a log group by the cheaper of two calls; queries split the window into slices.
 */

import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { formatBytes } from '../../../format/amounts.ts';
import type { Command } from '../../../format/command.ts';
import { AccessLogError, accessLogErrorFrom } from '../access-log-error.ts';
import { inHalves } from './in-halves.ts';
import { askRows, insightsCommand, type LogGroup, messagesQuery, ROWS_AT_MOST, type Seconds } from './insights.ts';
import { filterEvents, logEventsCommand } from './log-events.ts';

/** Bytes that a log group received in a time range, or why they are unknown. */
export type ReceivedBytes = { bytes: number } | { bytes: null; refusal: AccessLogError };

/** Never rejects: a small log group is read without knowing its size. */
export async function incomingBytes(
  metrics: CloudWatchClient,
  { name, region, signal }: Pick<LogGroup, 'name' | 'region' | 'signal'>,
  { from, to }: Seconds,
): Promise<ReceivedBytes> {
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
    if (values.length > 0) return { bytes: values.reduce((sum, value) => sum + value, 0) };
    return { bytes: null, refusal: new AccessLogError('not-found', 'CloudWatch has no IncomingBytes for that time') };
  } catch (error) {
    const action = 'cloudwatch:GetMetricData';
    return { bytes: null, refusal: accessLogErrorFrom(error, { action, resource: '*', region }) };
  }
}

/** For a log group that is too large to read for free, if the cost of a query is unknown. */
export function costUnknown({ name }: Pick<LogGroup, 'name'>, refusal: AccessLogError): AccessLogError {
  const { kind, message, permission, iamStatement } = refusal;
  return new AccessLogError(
    kind === 'denied' ? 'denied' : 'too-much',
    `the log group ${name} holds more than is read without a query, and what a query costs is unknown (${message})`,
    { permission, iamStatement, remedy: `${kind === 'denied' ? 'allow it, or ' : ''}ask for a shorter window` },
  );
}

/** Bytes; up to this size, events are filtered, which is free, not queried. */
const FILTER_BELOW = 20_000_000;
/** Pages of up to 1 MB. */
const FILTER_PAGES = 40;
/** Approximate bytes of an event, for the initial number of slices. */
export const EVENT_BYTES = 700;
/** Rows per slice to aim for, below the limit of a query. */
const ROWS_AIMED_AT = ROWS_AT_MOST * 0.6;

interface FetchedMessages {
  /** Epoch seconds with more messages than a query returns; some of their messages are missing. */
  cut: number[];
  /** The AWS CLI command that fetches the same messages. */
  command: Command;
}

interface FetchOptions {
  group: LogGroup;
  range: Seconds;
  /** Of the messages in the range. */
  received: ReceivedBytes;
  /** Whether queries are allowed: their cost is bounded, or no limit was set. */
  mayQuery: boolean;
  /** Maximum bytes of messages to fetch. */
  atMost: number;
  /** Called with the messages of each slice, in no order. */
  take: MessageSink;
  /** Called with the bytes that each query scanned. */
  onScan: (bytes: number) => unknown;
}

/** Keeps the messages of the slice that begins at `from`, epoch seconds. */
export type MessageSink = (messages: readonly string[], from: number) => Promise<void>;

/** Whether messages are fetched without a query. */
export const isFiltered = (bytes: number | null, mayQuery: boolean): boolean =>
  bytes === null ? !mayQuery : bytes <= FILTER_BELOW;

/** Fetches the load balancer's messages in the range. Rejects with AccessLogError. */
export async function fetchMessages(options: FetchOptions): Promise<FetchedMessages> {
  const { group, range, received, mayQuery, take } = options;
  if (isFiltered(received.bytes, mayQuery)) {
    const messages = await filterEvents(group, range, FILTER_PAGES);
    if (messages !== null) {
      await take(messages, range.from);
      return { cut: [], command: logEventsCommand(group, range) };
    }
    if (!mayQuery)
      throw received.bytes === null
        ? costUnknown(group, received.refusal)
        : new AccessLogError(
            'too-much',
            `the log group ${group.name} holds more than is read without a query, and a query could cost more than allowed: raise --max-usd, or maxUsd of the configuration`,
          );
  }
  return await queryMessages({ ...options, bytes: received.bytes }, messagesQuery(group));
}

/** Fetches the messages that a query returns. Rejects with AccessLogError. */
export async function queryMessages(
  { group, range, bytes, atMost, take, onScan }: Omit<FetchOptions, 'mayQuery' | 'received'> & { bytes: number | null },
  query: string,
): Promise<FetchedMessages> {
  let fetched = 0;
  const cut = await inHalves(
    range,
    Math.ceil((bytes ?? 0) / EVENT_BYTES / ROWS_AIMED_AT),
    (slice) => askRows(group, slice, { query, limit: ROWS_AT_MOST }, onScan),
    async (rows, { from }) => {
      const messages = rows.flatMap((row) => row['@message'] ?? []);
      fetched += messages.reduce((sum, { length }) => sum + length, 0);
      if (fetched > atMost)
        throw new AccessLogError(
          'too-much',
          `the log group ${group.name} holds more than the ${formatBytes(atMost)} that are fetched at most: ask for a shorter window`,
        );
      await take(messages, from);
    },
  );
  return { cut, command: insightsCommand(group, range, query) };
}
