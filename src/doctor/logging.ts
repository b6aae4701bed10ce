/** Checks whether the access log of one load balancer is on, arrives and is readable. */

import { constants, gunzipSync } from 'node:zlib';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { S3Client } from '@aws-sdk/client-s3';
import { AccessLogError } from '../collect/access-log/access-log-error.ts';
import {
  ALB_ACCESS_LOGS,
  deliveriesWords,
  type FoundDeliveries,
  findDeliveries,
  isReadable,
} from '../collect/access-log/deliveries.ts';
import { parseFileName } from '../collect/access-log/log-files.ts';
import { healthCheckPlace, type LogPlace, logPlace } from '../collect/access-log/log-place.ts';
import { bucketArn, dayPrefix, type LogObject, listWindow, objects } from '../collect/access-log/s3-log.ts';
import { streamFollower } from '../collect/access-log/vended/firehose-streams.ts';
import type { Session } from '../collect/aws/session.ts';
import { resourceOf } from '../collect/find-load-balancer.ts';
import type { Attributes } from '../evidence/aws.ts';
import { deliveredLogWords } from '../evidence/delivered-log.ts';
import { command } from '../format/command.ts';
import { number, utcTime } from '../format/wording.ts';
import { bucketPolicy, legacyPrincipal } from './bucket-policy.ts';
import type { DoctorFinding } from './finding.ts';
import { logCostsText } from './log-costs.ts';
import { readBeginning } from './log-object.ts';
import { probeCall } from './probe.ts';
import { checkVendedLog, vendedPlaceOf } from './vended-log.ts';

const MINUTE = 60_000;
/** Files for requests older than this have arrived. */
const DELIVERED_AFTER = 15 * MINUTE;
const LOOK_BACK = 60 * MINUTE;

export interface LoggingReport {
  findings: DoctorFinding[];
  /** Where the log is in S3, by the attributes or else vended; null if it is not there. */
  place: LogPlace | null;
  /** First line of the newest file; null when no file is readable. */
  line: string | null;
}

export async function checkLogging(
  session: Session,
  arn: string,
  attributes: Attributes,
  now: number,
): Promise<LoggingReport> {
  const place = logPlace(attributes, arn);
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(session.deadline)]);
  const delivered = await findDeliveries({
    logs: session.client(CloudWatchLogsClient),
    resourceArn: arn,
    logType: ALB_ACCESS_LOGS,
    region: session.place.region,
    signal,
  });
  const found = await streamFollower(session, signal)(delivered, arn);
  if (place === null)
    return {
      findings: [
        found.deliveries.some(isReadable)
          ? { about: 'Access log', state: 'ok', text: 'access_logs.s3.enabled is false; the vended log is read' }
          : loggingOffFinding(session, arn, attributes, found),
        ...deliveryFindings(found),
        ...(await checkVendedLog(session, arn, found, now)),
        ...healthCheckFindings(attributes, arn, found),
        ...(await costFindings(session, arn, now)),
      ],
      place: vendedPlaceOf(arn, found),
      line: null,
    };
  const findings: DoctorFinding[] = [
    { about: 'Access log', state: 'ok', text: `on, to s3://${place.bucket}/${place.root}` },
    ...deliveryFindings(found),
    ...(await checkVendedLog(session, arn, found, now)),
    ...healthCheckFindings(attributes, arn, found),
    ...mixedFindings(attributes),
    ...(await costFindings(session, arn, now)),
  ];
  let files: LogObject[];
  try {
    const window = { from: now - LOOK_BACK, to: now };
    const { signal, deadline } = session;
    const abort = AbortSignal.any([signal, AbortSignal.timeout(deadline)]);
    files = await listWindow({
      s3: session.client(S3Client),
      place,
      window,
      idleTimeoutSeconds: 0,
      now,
      signal: abort,
    });
  } catch (error) {
    if (!(error instanceof AccessLogError) || session.signal.aborted) throw error;
    const isDenied = error.kind === 'denied';
    findings.push({
      about: 'Log files',
      state: 'missing',
      text: isDenied ? `s3:ListBucket was denied on ${bucketArn(place)}` : error.message,
      ...(isDenied ? { allow: { action: 's3:ListBucket', resource: bucketArn(place) } } : {}),
    });
    return { findings, place, line: null };
  }
  findings.push(await deliveryFinding(session, place, arn, files, now));
  const newest = files.toSorted((a, b) => endOf(a) - endOf(b)).at(-1) ?? (await newestOfDays(session, place, now));
  if (newest === null) {
    const text = `s3:GetObject: no log file of this load balancer was delivered in the last ${DAYS_BACK} days`;
    findings.push({ about: 'Log files', state: 'untried', text });
    return { findings, place, line: null };
  }
  const { finding, beginning } = await readBeginning(session, place, newest, 'Log files');
  findings.push(finding);
  return { findings, place, line: beginning === null ? null : firstLineIn(beginning) };
}

/** Reports vended deliveries, and refused calls for them. */
function deliveryFindings({ deliveries, refusal }: FoundDeliveries): DoctorFinding[] {
  const about = 'Vended log';
  const named = deliveries.map(
    (one): DoctorFinding => ({ about, state: 'ok', text: `delivered to ${deliveredLogWords(one)}` }),
  );
  if (refusal === null) return named;
  const { action, resource } = refusal.permission ?? {};
  const unknown = action?.startsWith('firehose:')
    ? 'where the stream writes'
    : 'where else the access log is delivered';
  return [
    ...named,
    {
      about,
      state: 'missing',
      text: `${refusal.message}: ${unknown} is unknown`,
      ...(action === undefined || typeof resource !== 'string'
        ? {}
        : { allow: { action, resource: action.startsWith('logs:') ? '*' : resource } }),
    },
  ];
}

/** Reports where the health-check log goes. A refused call for deliveries is reported with the access log. */
function healthCheckFindings(
  attributes: Attributes,
  arn: string,
  { healthChecks, refusal }: FoundDeliveries,
): DoctorFinding[] {
  const about = 'Health-check log';
  const own = healthCheckPlace(attributes, arn);
  const places = [
    ...(own === null ? [] : [`on, to s3://${own.bucket}/${own.root}`]),
    ...healthChecks.map((one) => `delivered to ${deliveredLogWords(one)}`),
  ];
  if (places.length > 0) return places.map((text) => ({ about, state: 'ok', text }));
  if (refusal !== null) return [];
  const text =
    'off: when and why a target was unhealthy during an incident is unknown; DescribeTargetHealth tells only its state now';
  return [{ about, state: 'note', text }];
}

function loggingOffFinding(
  session: Session,
  loadBalancerArn: string,
  attributes: Attributes,
  found: FoundDeliveries,
): DoctorFinding {
  const bucket = attributes['access_logs.s3.bucket'] || '<bucket>';
  const [, partition = 'aws', region = '', account = ''] =
    /^arn:([^:]+):elasticloadbalancing:([^:]+):(\d+)/.exec(loadBalancerArn) ?? [];
  const root = `AWSLogs/${account}/elasticloadbalancing/${region}/`;
  return {
    about: 'Access log',
    state: 'missing',
    text: `off (access_logs.s3.enabled is false), ${deliveriesWords(found)}. To switch it on (alb502 setup logs prints each step), in ${session.place.region}, with a bucket encrypted with SSE-S3 that has the policy below, before the command:`,
    remedy: `${bucketPolicy({ partition, region, account, bucket, root })}
${command`aws elbv2 modify-load-balancer-attributes --load-balancer-arn ${loadBalancerArn} --attributes Key=access_logs.s3.enabled,Value=true ${`Key=access_logs.s3.bucket,Value=${bucket}`}`}`,
  };
}

/** Reports what the log costs in each place; nothing without traffic, or if CloudWatch does not answer. */
async function costFindings(session: Session, arn: string, now: number): Promise<DoctorFinding[]> {
  const answer = await probeCall(session, 'cloudwatch:GetMetricData', (options) =>
    recentTraffic(session, arn, now, options),
  );
  if (!('value' in answer) || answer.value.requests === 0) return [];
  const perMonth = (answer.value.requests / (LOOK_BACK - DELIVERED_AFTER)) * MONTH;
  return [{ about: 'Cost of logs', state: 'note', text: logCostsText(perMonth) }];
}

const MONTH = 30 * 24 * 60 * MINUTE;

/** Reports other logs in the folder of the access log: a table over it reads their lines as rows of NULL. */
function mixedFindings(attributes: Attributes): DoctorFinding[] {
  const folder = (kind: string) =>
    `${attributes[`${kind}.s3.bucket`] ?? ''}/${(attributes[`${kind}.s3.prefix`] ?? '').replace(/^\/+|\/+$/g, '')}`;
  const mixed = ['connection_logs', 'health_check_logs'].filter(
    (kind) => attributes[`${kind}.s3.enabled`] === 'true' && folder(kind) === folder('access_logs'),
  );
  return mixed.map((kind) => ({
    about: 'Access log',
    state: 'note',
    text: `${kind} has the same bucket and prefix: a table over this folder has rows of NULL for its lines, and every query pays for them. Another ${kind}.s3.prefix separates them`,
  }));
}

async function deliveryFinding(
  session: Session,
  place: LogPlace,
  arn: string,
  files: readonly LogObject[],
  now: number,
): Promise<DoctorFinding> {
  const about = 'Delivery';
  const newest = files.length === 0 ? null : Math.max(...files.map(endOf));
  const arrived = newest === null ? 'no file ended in the last hour' : `the newest file ended at ${utcTime(newest)}`;
  const traffic = await probeCall(session, 'cloudwatch:GetMetricData', (options) =>
    recentTraffic(session, arn, now, options),
  );
  if (!('value' in traffic)) return { about, state: 'note', text: `${arrived}; ${traffic.reason}` };
  const { requests, last } = traffic.value;
  if (last === null)
    return {
      about,
      state: 'note',
      text: `${arrived}; CloudWatch counts no request from an hour ago to 15 minutes ago`,
    };
  const counted = `CloudWatch counts ${number(requests)} requests from an hour ago to 15 minutes ago, the last at ${utcTime(last)}`;
  if (newest !== null && newest > last) return { about, state: 'ok', text: `${arrived}; ${counted}` };
  const legacy = legacyPrincipal(place);
  const older = legacy === null ? '' : ` An older policy may name {"AWS":"${legacy}"} instead.`;
  return {
    about,
    state: 'missing',
    text: `logging is on, but the log does not arrive: ${counted}, and ${arrived}. Delivery needs this policy on the bucket ${place.bucket}, which must be in ${place.region} and encrypted with SSE-S3 (not KMS).${older}`,
    remedy: bucketPolicy({ ...place, bucket: place.bucket }),
  };
}

/** Returns CloudWatch's count of requests whose log files should have arrived, and the minute of the last one. */
async function recentTraffic(session: Session, arn: string, now: number, options: { abortSignal: AbortSignal }) {
  const minute = Math.floor(now / MINUTE) * MINUTE;
  const { MetricDataResults = [] } = await session.client(CloudWatchClient).send(
    new GetMetricDataCommand({
      StartTime: new Date(minute - LOOK_BACK),
      EndTime: new Date(minute - DELIVERED_AFTER),
      MetricDataQueries: [
        {
          Id: 'requests',
          MetricStat: {
            Metric: {
              Namespace: 'AWS/ApplicationELB',
              MetricName: 'RequestCount',
              Dimensions: [{ Name: 'LoadBalancer', Value: resourceOf(arn) ?? '' }],
            },
            Period: 60,
            Stat: 'Sum',
          },
        },
      ],
    }),
    options,
  );
  const points = MetricDataResults.flatMap(({ Timestamps = [], Values = [] }) =>
    Timestamps.map((time, i) => ({ time: time.getTime(), value: Values[i] ?? 0 })),
  ).filter(({ value }) => value > 0);
  return {
    requests: points.reduce((sum, { value }) => sum + value, 0),
    last: points.length === 0 ? null : Math.max(...points.map(({ time }) => time)),
  };
}

const DAY = 24 * 60 * MINUTE;
/** Days searched for a file: an idle load balancer writes none. */
const DAYS_BACK = 14;

/** Returns the newest file of the last days; null when there is none or the listing is refused. */
async function newestOfDays(session: Session, place: LogPlace, now: number): Promise<LogObject | null> {
  const s3 = session.client(S3Client);
  const answer = await probeCall(session, 's3:ListBucket', async ({ abortSignal }) => {
    for (let back = 0; back < DAYS_BACK; back++) {
      const day = new Date(now - back * DAY).toISOString().slice(0, 10).replaceAll('-', '/');
      let newest: LogObject | null = null;
      for await (const object of objects({ s3, place, signal: abortSignal }, dayPrefix(place, day))) newest = object;
      if (newest !== null) return newest;
    }
    return null;
  });
  return 'value' in answer ? answer.value : null;
}

const endOf = ({ key }: LogObject): number => parseFileName(key).end ?? 0;

/** Returns the first line of a gzip file's beginning; null when it is not gzipped text. */
function firstLineIn(beginning: Uint8Array): string | null {
  try {
    const text = gunzipSync(beginning, { finishFlush: constants.Z_SYNC_FLUSH }).toString('utf8');
    return text.includes('\n') ? (text.split('\n')[0] ?? null) : null;
  } catch {
    return null;
  }
}
