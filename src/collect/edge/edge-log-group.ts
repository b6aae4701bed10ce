/** Counts the errors in a distribution's standard log in CloudWatch Logs: fetches a few megabytes, queries more. */

import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { EdgeErrorCount } from '../../evidence/edge.ts';
import { formatBytes } from '../../format/amounts.ts';
import { command } from '../../format/command.ts';
import { AccessLogError } from '../access-log/access-log-error.ts';
import { assertAffordable } from '../access-log/affordable.ts';
import { costUnknown, incomingBytes, type ReceivedBytes } from '../access-log/cloudwatch-logs/fetch-messages.ts';
import { askRows, type LogGroup, type Seconds } from '../access-log/cloudwatch-logs/insights.ts';
import { filterEvents, logEventsCommand } from '../access-log/cloudwatch-logs/log-events.ts';
import { estimateInsights, insightsUsd, NO_COST } from '../access-log/cost.ts';
import type { EdgeDelivery, EdgeLogAnswer } from './edge-delivery.ts';
import { countError, edgeCounter, edgeFieldName, edgeLineReader, errorOf, sortedErrors } from './edge-records.ts';

/** Limits: bytes to fetch without a query, in pages of 1 MB, and bytes that a query may scan (about one US cent). */
const [FETCH_AT_MOST, PAGES, SCAN_AT_MOST] = [10_000_000, 20, 2_000_000_000];
/** Seconds; an event may be delivered this long after its request. */
const LAG = 600;
const ROWS = 10_000;

/** Counts 5xx by all recorded properties. Names with hyphens need backticks. */
const QUERY =
  'filter `sc-status` >= 500 | stats count(*) as requests by `sc-status`, `x-edge-result-type`, `x-edge-detailed-result-type`, `x-host-header`';

/** Counts the errors in the log group of a window. Rejects with AccessLogError. */
export async function readEdgeLogGroup(reading: EdgeDelivery): Promise<EdgeLogAnswer> {
  const { delivery, distribution, global, question, call } = reading;
  if (delivery.name === null) throw new AccessLogError('failed', 'its log group is unknown');
  const [, partition = 'aws', , , account = ''] = distribution.arn.split(':');
  const { region } = global.place;
  const group: LogGroup = {
    logs: global.client(CloudWatchLogsClient),
    name: delivery.name,
    arn: `arn:${partition}:logs:${region}:${account}:log-group:${delivery.name}`,
    region,
    loadBalancer: null,
    signal: call.options.abortSignal,
  };
  const range: Seconds = {
    from: Math.floor(question.from / 1000),
    to: Math.floor(Math.min(question.now, question.to + LAG * 1000) / 1000),
  };
  const received = await incomingBytes(global.client(CloudWatchClient), group, range);
  const { bytes } = received;
  const messages = bytes === null || bytes <= FETCH_AT_MOST ? await filterEvents(group, range, PAGES) : null;
  return messages === null
    ? await countByQuery(reading, group, range, received)
    : countMessages(reading, messages, logEventsCommand(group, range));
}

function countMessages(
  { delivery, distribution, question }: EdgeDelivery,
  messages: readonly string[],
  source: string,
): EdgeLogAnswer {
  const counter = edgeCounter(question, distribution);
  const read = edgeLineReader(delivery);
  for (const message of messages) {
    const record = read(message.trimEnd());
    if (record !== null) counter.add(record);
  }
  const { requests, errors, untimed } = counter.counted();
  return {
    requests,
    errors,
    source,
    cost: NO_COST,
    incomplete: untimed === 0 ? [] : [`${untimed} records have no time`],
  };
}

async function countByQuery(
  { delivery, distribution, remainingUsd }: EdgeDelivery,
  group: LogGroup,
  range: Seconds,
  received: ReceivedBytes,
): Promise<EdgeLogAnswer> {
  if (delivery.format !== 'json')
    throw new AccessLogError(
      'too-much',
      `the log group ${group.name} holds more than is read without a query, and only JSON can be queried by field`,
    );
  if (received.bytes === null) throw costUnknown(group, received.refusal);
  const { bytes } = received;
  if (bytes > SCAN_AT_MOST)
    throw new AccessLogError(
      'too-much',
      `the log group ${group.name} received ${formatBytes(bytes)} in the window, and ${formatBytes(SCAN_AT_MOST)} at most are queried: ask for a shorter window`,
    );
  const maxUsd = await remainingUsd();
  assertAffordable({ ...estimateInsights(bytes), atMost: { bytes, usd: insightsUsd(bytes) } }, { maxUsd });
  let scanned = 0;
  const { rows, isFull } = await askRows(group, range, { query: QUERY, limit: ROWS }, (one) => {
    scanned += one;
  });
  const errors = new Map<string, EdgeErrorCount>();
  for (const { requests, ...fields } of rows) {
    const record = Object.fromEntries(Object.entries(fields).map(([name, value]) => [edgeFieldName(name), value]));
    countError(errors, errorOf(record, distribution), Number(requests));
  }
  return {
    requests: null,
    errors: sortedErrors([...errors.values()]),
    cost: { bytesScanned: scanned, usd: insightsUsd(scanned), queries: 1 },
    source: command`aws logs start-query --region ${group.region} --log-group-name ${group.name} --start-time ${range.from} --end-time ${range.to} --limit ${ROWS} --query-string ${QUERY}`,
    incomplete: isFull ? [`the 5xx are of more than ${ROWS} kinds, of which the first were counted`] : [],
  };
}
