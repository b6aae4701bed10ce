/** CloudWatch Logs and its metrics on 127.0.0.1: deliveries, queries and events, with refusals on request. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { DeliveriesOfAccount } from './deliveries.ts';
import { runQuery } from './query-language.ts';

export interface LogEvent {
  /** Epoch milliseconds. */
  timestamp: number;
  message: string;
}

export interface LogsOfAccount extends Partial<DeliveriesOfAccount> {
  /** An operation that is denied. */
  denied?: string;
  /** Of every log group that `eventsByGroup` does not name. */
  events?: LogEvent[];
  eventsByGroup?: Record<string, LogEvent[]>;
  /** Rows that a query returns at most. */
  rows?: number;
  /** Rows on a page of results. */
  rowsOnPage?: number;
  /** What IncomingBytes says of the window; nothing when absent. */
  incomingBytes?: number;
  /** What a query that counts answers. */
  counts?: Record<string, string>[];
  /** Destinations of Firehose streams, by name. */
  streams?: Record<string, object[]>;
  /** Queries never end; they have scanned so many bytes. */
  isStuck?: boolean;
  scannedSoFar?: number;
}

interface StartedQuery {
  logGroupName: string;
  startTime: number;
  endTime: number;
  queryString: string;
  stopped: boolean;
}

export interface LocalLogs {
  endpoint: string;
  /** Operations in the order they came. */
  asked: string[];
  queries: StartedQuery[];
}

const DENIED_ON = {
  logs: 'arn:aws:logs:eu-west-1:123456789012:delivery:*',
  firehose: 'arn:aws:firehose:eu-west-1:123456789012:deliverystream/alb-logs',
  cloudwatch: '*',
};

function serviceOf(api: string): keyof typeof DENIED_ON {
  if (api.startsWith('Firehose')) return 'firehose';
  return api.startsWith('GraniteServiceVersion') ? 'cloudwatch' : 'logs';
}

class Refusal extends Error {}

const PAGE = 2;
const EVENTS_ON_PAGE = 100;

interface Input {
  nextToken?: string;
  queryId?: string;
  logGroupName?: string;
  startTime?: number;
  endTime?: number;
  queryString?: string;
  filterPattern?: string;
  DeliveryStreamName?: string;
}

/** Serves until the test is over. */
export async function serveLogs(account: LogsOfAccount): Promise<LocalLogs> {
  const asked: string[] = [];
  const queries: StartedQuery[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const input: Input = JSON.parse(Buffer.concat(chunks).toString() || '{}');
    const [api = '', operation = ''] = String(request.headers['x-amz-target']).split('.');
    const service = serviceOf(api);
    asked.push(operation);
    response.setHeader('Content-Type', 'application/x-amz-json-1.1');
    if (operation === account.denied) {
      const message = `User: x is not authorized to perform: ${service}:${operation} on resource: ${DENIED_ON[service]} because no policy allows it`;
      response.writeHead(400).end(JSON.stringify({ __type: 'AccessDeniedException', message }));
      return;
    }
    try {
      response.end(JSON.stringify(answer(account, queries, operation, input)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      response.writeHead(400).end(JSON.stringify({ __type: error.message, message: error.message }));
    }
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, asked, queries };
}

function answer(account: LogsOfAccount, queries: StartedQuery[], operation: string, input: Input): unknown {
  const lists: Record<string, [string, readonly unknown[]]> = {
    DescribeDeliverySources: ['deliverySources', account.sources ?? []],
    DescribeDeliveries: ['deliveries', account.deliveries ?? []],
    DescribeDeliveryDestinations: ['deliveryDestinations', account.destinations ?? []],
  };
  const [name, items] = lists[operation] ?? [];
  if (name !== undefined && items !== undefined)
    return { [name]: pageOf(items, input, PAGE), ...tokenOf(items, input, PAGE) };
  if (operation === 'DescribeDeliveryStream') {
    const Destinations = account.streams?.[input.DeliveryStreamName ?? ''];
    if (Destinations === undefined) throw new Refusal('ResourceNotFoundException');
    return { DeliveryStreamDescription: { Destinations } };
  }
  const { incomingBytes, isStuck } = account;
  const events = account.eventsByGroup?.[input.logGroupName ?? ''] ?? account.events ?? [];
  if (operation === 'GetMetricData')
    return { MetricDataResults: [{ Id: 'bytes', Values: incomingBytes === undefined ? [] : [incomingBytes] }] };
  if (operation === 'FilterLogEvents') {
    const text = input.filterPattern?.replaceAll('"', '') ?? '';
    const { startTime = 0, endTime = 0 } = input;
    const found = events.filter(
      ({ timestamp, message }) => timestamp >= startTime && timestamp <= endTime && message.includes(text),
    );
    return { events: pageOf(found, input, EVENTS_ON_PAGE), ...tokenOf(found, input, EVENTS_ON_PAGE) };
  }
  if (operation === 'StartQuery') {
    const { logGroupName = '', startTime = 0, endTime = 0, queryString = '' } = input;
    if (!/^(?:fields|filter) /.test(queryString)) throw new Refusal('MalformedQueryException');
    queries.push({ logGroupName, startTime, endTime, queryString, stopped: false });
    return { queryId: String(queries.length - 1) };
  }
  const query = queries[Number(input.queryId)];
  if (query === undefined) throw new Refusal('ResourceNotFoundException');
  if (operation === 'StopQuery') {
    query.stopped = true;
    return { success: true };
  }
  if (!isStuck && account.counts !== undefined && query.queryString.includes('| stats '))
    return {
      status: 'Complete',
      results: account.counts.map((row) => Object.entries(row).map(([field, value]) => ({ field, value }))),
      statistics: { recordsMatched: 1000, bytesScanned: incomingBytes ?? 0 },
    };
  if (isStuck) return { status: 'Running', results: [], statistics: { bytesScanned: account.scannedSoFar ?? 0 } };
  return resultsOf(account, query, input);
}

function resultsOf(
  { events = [], rows = 100_000, rowsOnPage = 10_000 }: LogsOfAccount,
  query: StartedQuery,
  input: Input,
) {
  // Whole seconds, both inclusive.
  const scanned = events.filter(
    ({ timestamp }) => timestamp >= query.startTime * 1000 && timestamp < (query.endTime + 1) * 1000,
  );
  const { found, matched } = runQuery(query.queryString, scanned);
  const shown = found.slice(0, rows);
  return {
    status: 'Complete',
    results: pageOf(shown, input, rowsOnPage).map((row) => [
      ...Object.entries(row).map(([field, value]) => ({ field, value })),
      { field: '@ptr', value: 'x' },
    ]),
    ...tokenOf(shown, input, rowsOnPage),
    statistics: {
      recordsMatched: matched,
      recordsScanned: scanned.length,
      bytesScanned: scanned.reduce((sum, { message }) => sum + message.length, 0),
    },
  };
}

const startOf = ({ nextToken }: Input): number => Number(nextToken ?? 0);

const pageOf = <Item>(items: readonly Item[], input: Input, size: number): Item[] =>
  items.slice(startOf(input), startOf(input) + size);

const tokenOf = (items: readonly unknown[], input: Input, size: number): { nextToken?: string } =>
  startOf(input) + size < items.length ? { nextToken: String(startOf(input) + size) } : {};
