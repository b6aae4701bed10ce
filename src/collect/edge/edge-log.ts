/**
 * Reads the 5xx in the standard logs of CloudFront distributions, v2 or legacy, from S3 or CloudWatch Logs, at a bounded cost.
 */

import { deliveredLogWords } from '../../evidence/delivered-log.ts';
import type { EdgeErrorCount, EdgeLog } from '../../evidence/edge.ts';
import { sumOfCosts } from '../../evidence/sum-of-costs.ts';
import { list } from '../../format/wording.ts';
import { AccessLogError } from '../access-log/access-log-error.ts';
import { NO_COST } from '../access-log/cost.ts';
import { findDeliveries, isReadable } from '../access-log/deliveries.ts';
import { openSession } from '../aws/session.ts';
import type { EdgeDelivery, EdgeLogAnswer, EdgeLogReading } from './edge-delivery.ts';
import { readEdgeLogFiles } from './edge-log-files.ts';
import { readEdgeLogGroup } from './edge-log-group.ts';
import { type EdgePart, edgeLimitation } from './edge-part.ts';
import { countError, sortedErrors } from './edge-records.ts';
import { type EdgeLogPlace, findLegacyLog } from './legacy-log.ts';

/** CloudFront's log deliveries are configured in this region (developer guide, "Configure standard logging (v2)"). */
const GLOBAL_REGION: Record<string, string> = { aws: 'us-east-1', 'aws-cn': 'cn-northwest-1' };
const LOG_TYPE = 'ACCESS_LOGS';

/** Returns null if there is no distribution, or none has a readable log. */
export async function readEdgeLog({
  call,
  question,
  distributions,
  remainingUsd,
}: EdgeLogReading): Promise<EdgePart<EdgeLog | null>> {
  const [first] = distributions;
  if (first === undefined) return { value: null, limitations: [] };
  const { place, signal, deadline } = call.session;
  const region = GLOBAL_REGION[first.arn.split(':')[1] ?? ''] ?? place.region;
  const global = openSession({ ...place, region }, { signal, deadline });
  try {
    const parts: EdgePart<EdgeLog | null>[] = [];
    // In sequence: each may spend what the previous ones left.
    for (const distribution of distributions) {
      const spent = parts.reduce((sum, { value }) => sum + (value?.cost.usd ?? 0), 0);
      const left = async () => {
        const usd = await remainingUsd();
        return usd === null ? null : usd - spent;
      };
      parts.push(await readDistribution({ call, question, distribution, global, remainingUsd: left }));
    }
    return {
      value: mergedLogs(parts.flatMap(({ value }) => value ?? [])),
      limitations: parts.flatMap(({ limitations }) => limitations),
    };
  } finally {
    global.close();
  }
}

async function readDistribution(reading: Omit<EdgeDelivery, 'delivery'>): Promise<EdgePart<EdgeLog | null>> {
  const { call, distribution, global } = reading;
  const { CloudWatchLogsClient } = await import('@aws-sdk/client-cloudwatch-logs');
  const found = await findDeliveries({
    logs: global.client(CloudWatchLogsClient),
    resourceArn: distribution.arn,
    logType: LOG_TYPE,
    region: global.place.region,
    signal: call.options.abortSignal,
  });
  const nothing = (sentence: string, error: AccessLogError | null = found.refusal) => ({
    value: null,
    limitations: [edgeLimitation('log', sentence, error?.failure)],
  });
  const which = `the standard log of CloudFront distribution ${distribution.id}`;
  const legacy = found.deliveries.length === 0 ? await findLegacyLog(call, distribution) : { value: null };
  const own = 'value' in legacy && legacy.value !== null ? [legacy.value] : [];
  const readable: EdgeLogPlace[] = [...found.deliveries.filter(isReadable), ...own].sort((a, b) => rank(a) - rank(b));
  if (readable.length === 0 && found.refusal !== null)
    return nothing(`Could not check where ${which} is: ${found.refusal.reason}.`);
  if ('reason' in legacy)
    return {
      value: null,
      limitations: [edgeLimitation('log', `Could not check where ${which} is: ${legacy.reason}.`, legacy)],
    };
  if (readable.length === 0 && found.deliveries.length === 0)
    return nothing(
      `CloudFront distribution ${distribution.id} delivers no standard log: how many 5xx it made itself is unknown.`,
    );
  if (readable.length === 0)
    return nothing(`Could not read ${which}: it goes to ${list(found.deliveries.map(deliveredLogWords))}.`);
  let refusal: AccessLogError | null = null;
  for (const delivery of readable) {
    try {
      return logPart({ ...reading, delivery }, await readDelivery({ ...reading, delivery }));
    } catch (error) {
      if (!(error instanceof AccessLogError)) throw error;
      refusal ??= error;
    }
  }
  return nothing(`Could not read ${which}: ${refusal?.reason ?? 'nobody answered'}.`, refusal);
}

/** Files are cheapest to read. */
const rank = ({ service }: EdgeLogPlace): number => (service === 's3' ? 0 : 1);

const readDelivery = (reading: EdgeDelivery): Promise<EdgeLogAnswer> =>
  reading.delivery.service === 's3' ? readEdgeLogFiles(reading) : readEdgeLogGroup(reading);

function logPart({ distribution, delivery }: EdgeDelivery, answer: EdgeLogAnswer): EdgePart<EdgeLog> {
  const { errors, requests, cost, source, incomplete } = answer;
  return {
    value: { where: deliveredLogWords(delivery), source, requests, errors: [...errors], cost },
    limitations: incomplete.map((sentence) =>
      edgeLimitation(
        'log',
        `The standard log of CloudFront distribution ${distribution.id} was read in part: ${sentence}.`,
      ),
    ),
  };
}

function mergedLogs(logs: readonly EdgeLog[]): EdgeLog | null {
  if (logs.length === 0) return null;
  const errors = new Map<string, EdgeErrorCount>();
  for (const { requests, ...error } of logs.flatMap((log) => log.errors)) countError(errors, error, requests);
  const counts = logs.map(({ requests }) => requests);
  return {
    where: list([...new Set(logs.map(({ where }) => where))]),
    source: [...new Set(logs.map(({ source }) => source))].join(' && '),
    requests: counts.reduce((sum, one) => (sum === null || one === null ? null : sum + one), 0),
    errors: sortedErrors([...errors.values()]),
    cost: logs.reduce((sum, { cost }) => sumOfCosts(sum, cost), NO_COST),
  };
}
