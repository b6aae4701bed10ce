/** Tries the calls that read a vended access log, each once and small. Nothing is queried. */

import {
  CloudWatchLogsClient,
  FilterLogEventsCommand,
  GetQueryResultsCommand,
  StartQueryCommand,
  StopQueryCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { S3Client } from '@aws-sdk/client-s3';
import { AccessLogError } from '../collect/access-log/access-log-error.ts';
import { type FoundDeliveries, isReadable } from '../collect/access-log/deliveries.ts';
import { type LogPlace, placeInArn } from '../collect/access-log/log-place.ts';
import { bucketArn, type LogObject, listWindow } from '../collect/access-log/s3-log.ts';
import { vendedPlace } from '../collect/access-log/vended/vended-place.ts';
import { interruptedProblem } from '../collect/aws/call.ts';
import type { Session } from '../collect/aws/session.ts';
import type { DoctorFinding } from './finding.ts';
import { readBeginning } from './log-object.ts';
import { type Probe, probeFinding } from './probe.ts';

const ABOUT = 'Vended log';
const MINUTE = 60_000;
const LOOK_BACK = 60 * MINUTE;

/** Where the first vended log in S3 is; null without one. */
export const vendedPlaceOf = (arn: string, { deliveries }: FoundDeliveries): LogPlace | null =>
  placesIn(arn, deliveries)[0] ?? null;

const placesIn = (arn: string, deliveries: FoundDeliveries['deliveries']): LogPlace[] =>
  deliveries.filter(({ service }) => service === 's3').flatMap((one) => vendedPlace(one, arn, null) ?? []);

/** Reports for each readable delivery whether it can be read. */
export async function checkVendedLog(
  session: Session,
  arn: string,
  { deliveries }: FoundDeliveries,
  now: number,
): Promise<DoctorFinding[]> {
  const groups = deliveries.filter((one) => one.service === 'cloudwatch-logs' && isReadable(one));
  const found = await Promise.all([
    ...groups.map(({ name }) => checkLogGroup(session, arn, name ?? '', now)),
    ...placesIn(arn, deliveries).map((place) => checkFiles(session, place, now)),
  ]);
  return found.flat();
}

/** Not a query: CloudWatch Logs refuses it when it is started, so that nothing runs. */
const NO_QUERY = 'alb502 may start queries';
/** A nonexistent query id: an allowed call gets "not found". */
const NO_ID = '00000000-0000-0000-0000-000000000000';

async function checkLogGroup(session: Session, arn: string, name: string, now: number): Promise<DoctorFinding[]> {
  const { partition, region, account } = placeInArn(arn);
  const logs = session.client(CloudWatchLogsClient);
  const group = `arn:${partition}:logs:${region}:${account}:log-group:${name}:*`;
  const [from, to] = [now - MINUTE, now];
  const probe = (action: string, resource: string, without: string, call: Probe['call']): Probe => ({
    action: `logs:${action}`,
    ...{ resource, without, call },
  });
  const probes = [
    probe('FilterLogEvents', group, 'a small log group cannot be read', (options) =>
      logs.send(new FilterLogEventsCommand({ logGroupName: name, startTime: from, endTime: to, limit: 1 }), options),
    ),
    probe('StartQuery', group, 'a log group of more than 20 MB in the window cannot be read', (options) =>
      logs.send(
        new StartQueryCommand({
          logGroupName: name,
          startTime: Math.floor(from / 1000),
          endTime: Math.floor(to / 1000),
          queryString: NO_QUERY,
        }),
        options,
      ),
    ),
    probe('GetQueryResults', '*', 'the answers of queries cannot be had', (options) =>
      logs.send(new GetQueryResultsCommand({ queryId: NO_ID }), options),
    ),
    probe('StopQuery', '*', 'a query goes on, and costs, after an interruption', (options) =>
      logs.send(new StopQueryCommand({ queryId: NO_ID }), options),
    ),
  ];
  const missing = (await Promise.all(probes.map((one) => probeFinding(session, one)))).filter((one) => one !== null);
  return missing.length === 0
    ? [{ about: ABOUT, state: 'ok', text: `the log group ${name} can be read and queried` }]
    : missing;
}

async function checkFiles(session: Session, place: LogPlace, now: number): Promise<DoctorFinding[]> {
  const where = `s3://${place.bucket}/${place.root}`;
  let files: LogObject[];
  try {
    files = await listWindow({
      s3: session.client(S3Client),
      place,
      window: { from: now - LOOK_BACK, to: now },
      idleTimeoutSeconds: 0,
      now,
      signal: AbortSignal.any([session.signal, AbortSignal.timeout(session.deadline)]),
    });
  } catch (error) {
    if (session.signal.aborted) throw interruptedProblem();
    if (!(error instanceof AccessLogError)) throw error;
    const isDenied = error.kind === 'denied';
    return [
      {
        about: ABOUT,
        state: 'missing',
        text: `its files cannot be listed: ${error.message}`,
        ...(isDenied ? { allow: { action: 's3:ListBucket', resource: bucketArn(place) } } : {}),
      },
    ];
  }
  const newest = files.at(-1);
  if (newest === undefined)
    return [{ about: ABOUT, state: 'untried', text: `s3:GetObject: no file came to ${where} in the last hour` }];
  return [(await readBeginning(session, place, newest, `${ABOUT} files`)).finding];
}
