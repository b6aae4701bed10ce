/**
 * Reads the health-check logs of a live load balancer beside its access log, from wherever they are delivered: S3, by the
 * attributes or as a vended delivery, or a log group. If it cannot be read, the access log is read all the same.
 */

import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cost, FailedHealthChecks } from '../../evidence/access-log.ts';
import { LOGS_COMPLETE_AFTER } from '../../query/recheck.ts';
import { AccessLogError } from '../access-log/access-log-error.ts';
import { filterEvents } from '../access-log/cloudwatch-logs/log-events.ts';
import { messageFiles } from '../access-log/cloudwatch-logs/message-files.ts';
import { NO_COST, s3Usd } from '../access-log/cost.ts';
import { isReadable, type VendedDelivery } from '../access-log/deliveries.ts';
import type { LogReadRequest } from '../access-log/embedded/log-reader.ts';
import { failedHealthChecks, readHealthChecks } from '../access-log/health-checks.ts';
import { inspectFile, isParquet, logFilesIn } from '../access-log/log-files.ts';
import { healthCheckPlace, type LogPlace, placeInArn } from '../access-log/log-place.ts';
import { download, listHealthChecks } from '../access-log/s3-log.ts';
import { vendedPlace } from '../access-log/vended/vended-place.ts';
import { makeTemporaryFolder } from '../temporary-folder.ts';
import type { LiveAccessLogOptions } from './live-log-read.ts';
import { logGroupOf, secondsAround } from './log-group-reader.ts';
import type { LogListing } from './log-listing.ts';

interface HealthCheckReading {
  options: Pick<
    LiveAccessLogOptions,
    'session' | 'question' | 'attributes' | 'loadBalancerArn' | 'keepIn' | 'isReadApart'
  >;
  /** Vended deliveries of the health-check log. */
  deliveries: readonly VendedDelivery[];
  /** Places of the access log: unnamed objects in the same folders are read with it. */
  accessLogPlaces: readonly LogPlace[];
  listing: LogListing;
  idleTimeoutSeconds: number;
  signal: AbortSignal;
}

export interface ReadHealthChecks {
  healthChecks: FailedHealthChecks[];
  /** Files with health checks of this load balancer, fetched or made of log events. */
  files: number;
  cost: Cost;
  /** Why none could be read; null if that was not denied. */
  refusal: AccessLogError | null;
}

const NOTHING: ReadHealthChecks = { healthChecks: [], files: 0, cost: NO_COST, refusal: null };

/** Fetches the logs of one source into the folder. */
type Source = (folder: string) => Promise<Cost>;

/** Reads the first source that has health checks of this load balancer. Rejects only if temporary files cannot be written. */
export async function readHealthCheckLogs(reading: HealthCheckReading): Promise<ReadHealthChecks> {
  const sources = sourcesOf(reading);
  if (sources.length === 0) return NOTHING;
  const temporary = await makeTemporaryFolder('alb502-');
  let refusal: AccessLogError | null = null;
  try {
    for (const [index, source] of sources.entries()) {
      const folder = join(temporary, String(index));
      const cost = await source(folder).catch((error: unknown) => {
        if (error instanceof AccessLogError && error.kind === 'denied') refusal ??= error;
        return null;
      });
      const read = cost === null ? NOTHING : { ...(await checksIn(folder, reading)), cost, refusal: null };
      if (read.files === 0) continue;
      const { keepIn } = reading.options;
      if (keepIn !== null) await cp(folder, join(keepIn, 'logs', 'health-checks'), { recursive: true });
      return read;
    }
    return { ...NOTHING, refusal };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Files in S3 cost least; while the window's files are still arriving, a log group has the newest checks. */
function sourcesOf(reading: HealthCheckReading): Source[] {
  const { options, deliveries, accessLogPlaces } = reading;
  const { attributes, loadBalancerArn, question } = options;
  const own = attributes.status === 'collected' ? healthCheckPlace(attributes.value, loadBalancerArn) : null;
  const vended = deliveries
    .filter(({ service }) => service === 's3')
    .flatMap((delivery) => vendedPlace(delivery, loadBalancerArn, null) ?? []);
  const isShared = ({ bucket, vended: layout }: LogPlace) =>
    accessLogPlaces.some((one) => one.bucket === bucket && one.vended?.template === layout?.template);
  const files = [
    ...(own === null ? [] : [fromS3(reading, own, false)]),
    ...vended.map((place) => fromS3(reading, place, isShared(place))),
  ];
  const groups = deliveries
    .filter((delivery) => delivery.service === 'cloudwatch-logs' && isReadable(delivery))
    .map((delivery) => fromLogGroup(reading, delivery));
  return question.now < question.to + LOGS_COMPLETE_AFTER ? [...groups, ...files] : [...files, ...groups];
}

/** `isShared`: objects whose names do not say what they are have already been read. */
const fromS3 =
  ({ listing, signal }: HealthCheckReading, place: LogPlace, isShared: boolean): Source =>
  async (folder) => {
    const request = await listing.request(place);
    const objects = await listHealthChecks(request, isShared);
    if (objects.length === 0) return NO_COST;
    const { files, bytes } = await download({ s3: request.s3, place, objects, folder, signal });
    return { bytesScanned: bytes, usd: s3Usd(files, 0), queries: 0 };
  };

/** Pages of up to 1 MB: some 70,000 checks. Fetching them is free of charge. */
const PAGES = 10;

const fromLogGroup =
  ({ options, idleTimeoutSeconds, signal }: HealthCheckReading, delivery: VendedDelivery): Source =>
  async (folder) => {
    const group = await logGroupOf(options, delivery, signal);
    const range = secondsAround(options.question, idleTimeoutSeconds);
    const messages = await filterEvents(group, range, PAGES);
    if (messages === null || messages.length === 0) return NO_COST;
    const take = await messageFiles(folder, delivery);
    await take(messages, range.from);
    return NO_COST;
  };

async function checksIn(
  folder: string,
  { options, idleTimeoutSeconds, signal }: HealthCheckReading,
): Promise<Pick<ReadHealthChecks, 'healthChecks' | 'files'>> {
  const { question, loadBalancerArn, isReadApart = false } = options;
  await mkdir(folder, { recursive: true });
  const { files } = await logFilesIn(folder);
  const inspected = await Promise.all(
    files.map(async (file) => ({ path: join(folder, file), ends: await inspectFile(join(folder, file)) })),
  );
  const readable = inspected.flatMap(({ path, ends }) => ('fault' in ends ? [] : [{ path, ...ends }]));
  if (isReadApart && (await anyParquet(readable))) {
    const request = { folder, question, idleTimeoutSeconds };
    return await checksReadApart(request, signal).catch(() => ({ healthChecks: [], files: 0 }));
  }
  const { loadBalancer: wanted } = placeInArn(loadBalancerArn);
  const read = await Promise.all(
    readable.map(({ path, compressed }) => readHealthChecks(path, compressed, wanted).catch(() => [])),
  );
  return {
    healthChecks: failedHealthChecks(read.flat(), question),
    files: read.filter(({ length }) => length > 0).length,
  };
}

const anyParquet = async (files: readonly { path: string; compressed: boolean }[]): Promise<boolean> =>
  (await Promise.all(files.map(async ({ path, compressed }) => !compressed && (await isParquet(path))))).includes(true);

/** Parquet is read by DuckDB, which may crash. */
async function checksReadApart(
  request: LogReadRequest,
  signal: AbortSignal,
): Promise<Pick<ReadHealthChecks, 'healthChecks' | 'files'>> {
  const { openReaderApart } = await import('../access-log/embedded/log-reader.ts');
  const reader = await openReaderApart();
  try {
    const { healthChecks = [], files } = await reader.read(request, signal);
    return { healthChecks, files: files.healthCheckLogs };
  } finally {
    await reader.close();
  }
}
