/**
 * Reads the access log of a live load balancer from a CloudWatch Logs log group: downloads the events and reads them
 * like files.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cost, LogLimitation } from '../../evidence/evidence.ts';
import { plural, utcTime } from '../../format/wording.ts';
import { formatBytes as size } from '../../render/phrases.ts';
import { AccessLogError } from '../access-log/access-log-error.ts';
import { assertAffordable } from '../access-log/affordable.ts';
import { fetchMessages, incomingBytes, isFiltered } from '../access-log/cloudwatch-logs/fetch-messages.ts';
import type { LogGroup, Seconds } from '../access-log/cloudwatch-logs/insights.ts';
import { estimateInsights, insightsUsd, NO_COST, priceWords } from '../access-log/cost.ts';
import type { VendedDelivery } from '../access-log/deliveries.ts';
import { logLimitation } from '../access-log/log-limitation.ts';
import { placeInArn } from '../access-log/s3-log.ts';
import { delimitedLine } from '../access-log/vended/translate-lines.ts';
import type { LiveAccessLog, LiveAccessLogOptions } from './live-access-log.ts';

export interface LogGroupReading {
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

/** Rejects with AccessLogError. */
export async function readLogGroup(reading: LogGroupReading): Promise<LiveAccessLog> {
  const { options, delivery, idleTimeoutSeconds, why, notes } = reading;
  const { question, maxUsd, keepIn } = options;
  const group = await logGroup(reading);
  const range: Seconds = {
    from: Math.floor(question.from / 1000) - idleTimeoutSeconds,
    to: Math.floor(Math.min(question.now, question.to + (idleTimeoutSeconds + AFTER) * 1000) / 1000),
  };
  options.progress?.('asking what the log group holds');
  const { CloudWatchClient } = await import('@aws-sdk/client-cloudwatch');
  const bytes = await incomingBytes(options.session.client(CloudWatchClient), group, range);
  const mayQuery = bytes !== null || maxUsd === null;
  const estimate = estimateInsights(bytes, isFiltered(bytes, mayQuery));
  if (mayQuery) assertAffordable(estimate, options);
  const how = `from CloudWatch Logs, log group ${group.name}${bytes === null ? '' : `: ${size(bytes)} received`}, ${why}`;
  options.onEstimate?.(`Reading ${how}; estimated ${priceWords(estimate)}.`);
  options.progress?.('fetching log events');
  const fetched = await fetchMessages({
    group,
    range,
    bytes,
    mayQuery,
    onScan: (scanned) => reading.spend({ bytesScanned: scanned, usd: insightsUsd(scanned), queries: 1 }),
  });
  const cost = reading.spend(NO_COST);
  const temporary = keepIn ?? (await mkdtemp(join(tmpdir(), 'alb502-')));
  try {
    const folder = join(temporary, 'logs');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'log-events.log'), linesOf(fetched.messages, delivery));
    options.progress?.('reading log events');
    const { readAccessLog } = await import('../access-log/duckdb/duckdb-engine.ts');
    const log = await readAccessLog({ folder, question, idleTimeoutSeconds });
    const unanswered = [...notes, ...cutNotes(group, fetched.cut)];
    const { service, name, format } = delivery;
    return {
      log: {
        status: 'collected',
        source: fetched.command,
        value: {
          ...log,
          cost,
          reading: { how, estimate, from: { service, name, format } },
          ...(unanswered.length > 0 ? { unanswered } : {}),
        },
      },
      cost,
      toSave: keepIn === null ? null : { folder: keepIn },
    };
  } finally {
    if (keepIn === null) await rm(temporary, { recursive: true, force: true });
  }
}

async function logGroup({ options, delivery, signal }: LogGroupReading): Promise<LogGroup> {
  const { account, region, partition, loadBalancer } = placeInArn(options.loadBalancerArn);
  const id = `app/${loadBalancer.name}/${loadBalancer.id}`;
  // Characters of load balancer names:
  // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
  if (!/^app\/[A-Za-z0-9-]+\/[A-Za-z0-9]+$/.test(id)) throw new RangeError(`${id} is not the name of a load balancer`);
  if (delivery.name === null) throw new AccessLogError('failed', 'the log group of the delivery is not known');
  const { CloudWatchLogsClient } = await import('@aws-sdk/client-cloudwatch-logs');
  return {
    logs: options.session.client(CloudWatchLogsClient),
    name: delivery.name,
    arn: `arn:${partition}:logs:${region}:${account}:log-group:${delivery.name}`,
    region,
    loadBalancer: id,
    signal,
  };
}

/** Turns each message into one line, plain ones using the delivery's field order. */
function linesOf(messages: readonly string[], { format, fields, delimiter }: VendedDelivery): string {
  const isPlain = format === 'plain' && fields.length > 0 && delimiter !== null;
  return messages
    .map((message) => message.trimEnd().replaceAll(/[\r\n]+/g, ' '))
    .map((line) => `${(isPlain ? delimitedLine(line, fields, delimiter) : null) ?? line}\n`)
    .join('');
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
