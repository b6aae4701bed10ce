/**
 * Reads the access log of a live load balancer from a CloudWatch Logs log group: downloads the events and reads them
 * like files, or counts them by query if there are too many.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AccessLog, Cost } from '../../evidence/access-log.ts';
import type { LogLimitation } from '../../evidence/collected.ts';
import { logOf } from '../../evidence/delivered-log.ts';
import type { Question, Window } from '../../evidence/question.ts';
import { formatBytes as size } from '../../format/amounts.ts';
import { plural, utcTime } from '../../format/wording.ts';
import { AccessLogError } from '../access-log/access-log-error.ts';
import { assertAffordable, isAffordable } from '../access-log/affordable.ts';
import { countMessages, failuresQuery } from '../access-log/cloudwatch-logs/count-messages.ts';
import {
  EVENT_BYTES,
  fetchMessages,
  incomingBytes,
  isFiltered,
  queryMessages,
  type ReceivedBytes,
} from '../access-log/cloudwatch-logs/fetch-messages.ts';
import { type LogGroup, messagesQuery, type Seconds } from '../access-log/cloudwatch-logs/insights.ts';
import { mergeParts } from '../access-log/cloudwatch-logs/merge-parts.ts';
import { fieldParser } from '../access-log/cloudwatch-logs/message-fields.ts';
import { messageFiles } from '../access-log/cloudwatch-logs/message-files.ts';
import { partToFetch } from '../access-log/cloudwatch-logs/part-to-fetch.ts';
import {
  estimateCounting,
  estimateFilter,
  estimateInsights,
  insightsUsd,
  NO_COST,
  priceWords,
} from '../access-log/cost.ts';
import type { VendedDelivery } from '../access-log/deliveries.ts';
import { gapHorizon } from '../access-log/gap-limits.ts';
import { logLimitation } from '../access-log/log-limitation.ts';
import { placeInArn } from '../access-log/log-place.ts';
import { sum } from '../access-log/place-traffic.ts';
import { makeTemporaryFolder } from '../temporary-folder.ts';
import type { LiveAccessLog, LiveAccessLogOptions } from './live-log-read.ts';

interface LogGroupReading {
  options: LiveAccessLogOptions;
  delivery: VendedDelivery;
  idleTimeoutSeconds: number;
  /** Includes the deadline of the access log. */
  signal: AbortSignal;
  /** Why this log was chosen, as a phrase that ends a sentence. */
  why: string;
  notes: readonly LogLimitation[];
  /** Call for each query; returns the total cost of the read. */
  spend: (cost: Cost) => Cost;
}

/** Seconds after the window within which its last events, and retries, arrive. */
const AFTER = 300;
/** Bytes of a window up to which all messages are fetched. */
const FETCH_AT_MOST = 2_000_000_000;

/** Rejects with AccessLogError. */
export async function readLogGroup(reading: LogGroupReading): Promise<LiveAccessLog> {
  const { options, idleTimeoutSeconds } = reading;
  const { question } = options;
  const group = await logGroupOf(options, reading.delivery, reading.signal);
  const range = secondsAround(question, idleTimeoutSeconds);
  options.progress?.('asking what the log group holds');
  const { CloudWatchClient } = await import('@aws-sdk/client-cloudwatch');
  const received = await incomingBytes(options.session.client(CloudWatchClient), group, range);
  const atMost = options.fetchAtMost ?? FETCH_AT_MOST;
  const temporary = await makeTemporaryFolder('alb502-');
  try {
    const { bytes } = received;
    return bytes !== null && bytes > atMost
      ? await countAndFetch(reading, { group, range, bytes, atMost, temporary })
      : await fetchAll(reading, { group, range, received, atMost, temporary });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The seconds whose events may matter for a question. */
export const secondsAround = ({ from, to, now }: Question, idleTimeoutSeconds: number): Seconds => ({
  from: Math.floor(from / 1000) - idleTimeoutSeconds,
  to: Math.floor(Math.min(now, to + (idleTimeoutSeconds + AFTER) * 1000) / 1000),
});

interface SizedLogGroup {
  group: LogGroup;
  range: Seconds;
  /** Maximum bytes to fetch. */
  atMost: number;
  /** A folder that the caller removes afterwards. */
  temporary: string;
}

async function fetchAll(
  reading: LogGroupReading,
  { group, range, received, atMost, temporary }: SizedLogGroup & { received: ReceivedBytes },
): Promise<LiveAccessLog> {
  const { options, delivery, idleTimeoutSeconds, why, notes } = reading;
  const { question, keepIn } = options;
  const { bytes } = received;
  const mayQuery = isAffordable(estimateInsights(bytes), options);
  const estimate = isFiltered(bytes, mayQuery) ? estimateFilter(bytes, mayQuery) : estimateInsights(bytes);
  assertAffordable(estimate, options);
  const how = `from CloudWatch Logs, log group ${group.name}${bytes === null ? '' : `: ${size(bytes)} received`}, ${why}`;
  options.onEstimate?.(`Reading ${how}; estimated ${priceWords(estimate)}.`);
  options.progress?.('fetching log events');
  const folder = join(keepIn ?? temporary, 'logs');
  const fetched = await fetchMessages({
    ...{ group, range, received, mayQuery, atMost },
    take: await messageFiles(folder, delivery),
    onScan: (scanned) => spendScan(reading, scanned),
  });
  const cost = reading.spend(NO_COST);
  options.progress?.('reading log events');
  const { readAccessLog } = await import('../access-log/embedded/embedded-engine.ts');
  const log = await readAccessLog({ folder, question, idleTimeoutSeconds });
  const unanswered = [...notes, ...cutNotes(group, fetched.cut)];
  const value: AccessLog = {
    ...log,
    cost,
    reading: { how, estimate, from: logOf(delivery) },
    ...(unanswered.length > 0 ? { unanswered } : {}),
  };
  return {
    log: { status: 'collected', source: fetched.command, value },
    cost,
    toSave: keepIn === null ? null : { folder: keepIn },
  };
}

/**
 * Counts all messages by query, and fetches the failures and all messages of the minutes with the most failures. Those
 * minutes answer the questions that need the requests around a failure.
 */
async function countAndFetch(
  reading: LogGroupReading,
  { group, range, bytes, atMost, temporary }: SizedLogGroup & { bytes: number },
): Promise<LiveAccessLog> {
  const { options, delivery, idleTimeoutSeconds, why, notes } = reading;
  const { question } = options;
  const take = fieldParser(delivery);
  if (take === null)
    throw new AccessLogError(
      'too-much',
      `the log group ${group.name} received ${size(bytes)} in the window, more than the ${size(atMost)} that are fetched, and the order of its fields is not one that a query can count by: ask for a shorter window`,
    );
  const estimate = estimateCounting(bytes, atMost);
  assertAffordable(estimate, options);
  const how = `from CloudWatch Logs, log group ${group.name}: ${size(bytes)} received, counted by query (over ${size(atMost)}), ${why}`;
  options.onEstimate?.(`Reading ${how}; estimated ${priceWords(estimate)}.`);
  options.progress?.('counting log events');
  const onScan = (scanned: number) => spendScan(reading, scanned);
  const counts = await countMessages({ group, range, take, asked: question }, onScan);
  if (counts.places.length === 0 && counts.rejected > 0)
    throw new AccessLogError(
      'failed',
      `none of the ${plural(counts.rejected, 'message')} of the log group ${group.name} has the form of an access log in ${delivery.format ?? 'JSON'}`,
    );
  options.progress?.('fetching log events of failures');
  const { readAccessLog } = await import('../access-log/embedded/embedded-engine.ts');
  const fetchPart = async (name: string, slice: Seconds, query: string, of: { bytes: number; atMost: number }) => {
    const folder = join(temporary, name);
    const sink = await messageFiles(folder, delivery);
    return { folder, ...(await queryMessages({ group, range: slice, ...of, take: sink, onScan }, query)) };
  };
  const failures = sum(counts.minutes.map((one) => one.failures));
  const part = partToFetch(counts.minutes, question, {
    lines: Math.floor(atMost / EVENT_BYTES / 2),
    before: gapHorizon(idleTimeoutSeconds) * 1000,
  });
  const [failed, inPart] = await Promise.all([
    fetchPart('failures', range, failuresQuery(group, take, question), { bytes: failures * EVENT_BYTES, atMost }),
    part === null
      ? null
      : fetchPart('part', around(part, idleTimeoutSeconds), messagesQuery(group), {
          bytes: atMost,
          // The messages of the part were counted, so the fetch needs no limit.
          atMost: Number.POSITIVE_INFINITY,
        }),
  ]);
  const cost = reading.spend(NO_COST);
  options.progress?.('reading log events');
  const failedLog = await readAccessLog({ folder: failed.folder, question, idleTimeoutSeconds });
  const partLog =
    part === null || inPart === null
      ? null
      : await readAccessLog({ folder: inPart.folder, question: { ...question, ...part }, idleTimeoutSeconds });
  const merged = mergeParts({
    counts,
    failed: failedLog,
    whole: part === null || partLog === null ? null : { part, log: partLog },
  });
  const cut = [...new Set([...counts.cut, ...failed.cut, ...(inPart?.cut ?? [])])].sort((a, b) => a - b);
  const unanswered = [...notes, ...partNotes(group, part), ...cutNotes(group, cut)];
  const value: AccessLog = {
    ...merged,
    cost,
    reading: { how, estimate, from: logOf(delivery) },
    ...(unanswered.length > 0 ? { unanswered } : {}),
  };
  return {
    log: { status: 'collected', source: failed.command, value },
    cost,
    toSave: options.keepIn === null ? null : { answers: value },
  };
}

/** Seconds within which the events of a time are written and a client tries again. */
const RETRIES = 60;

const around = ({ from, to }: Window, idleTimeoutSeconds: number): Seconds => ({
  from: Math.floor(from / 1000) - Math.ceil(gapHorizon(idleTimeoutSeconds)),
  to: Math.ceil(to / 1000) + RETRIES,
});

const spendScan = ({ spend }: LogGroupReading, scanned: number): Cost =>
  spend({ bytesScanned: scanned, usd: insightsUsd(scanned), queries: 1 });

const partNotes = ({ name }: LogGroup, part: Window | null): LogLimitation[] =>
  part === null
    ? []
    : [
        logLimitation(
          `The log group ${name} is too large to be fetched whole. All requests were counted and all errors read; retries, keep-alive gaps, unanswered runs and the share of errors on a route come from ${utcTime(part.from)} to ${utcTime(part.to)}.`,
        ),
      ];

/** The log group of a delivery. Rejects with AccessLogError if it is unknown. */
export async function logGroupOf(
  { session, loadBalancerArn }: Pick<LiveAccessLogOptions, 'session' | 'loadBalancerArn'>,
  delivery: VendedDelivery,
  signal: AbortSignal,
): Promise<LogGroup> {
  const { account, region, partition, loadBalancer } = placeInArn(loadBalancerArn);
  const id = `app/${loadBalancer.name}/${loadBalancer.id}`;
  // Characters of load balancer names:
  // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
  if (!/^app\/[A-Za-z0-9-]+\/[A-Za-z0-9]+$/.test(id)) throw new RangeError(`${id} is not the name of a load balancer`);
  if (delivery.name === null) throw new AccessLogError('failed', 'the log group of the delivery is unknown');
  const { CloudWatchLogsClient } = await import('@aws-sdk/client-cloudwatch-logs');
  return {
    logs: session.client(CloudWatchLogsClient),
    name: delivery.name,
    arn: `arn:${partition}:logs:${region}:${account}:log-group:${delivery.name}`,
    region,
    loadBalancer: id,
    signal,
  };
}

const cutNotes = ({ name }: LogGroup, cut: readonly number[]): LogLimitation[] => {
  const [first] = cut;
  return first === undefined
    ? []
    : [
        logLimitation(
          `The log group ${name} has more than 100,000 events in ${plural(cut.length, 'second')}, the first at ${utcTime(first * 1000)}: some of them were not read.`,
        ),
      ];
};
