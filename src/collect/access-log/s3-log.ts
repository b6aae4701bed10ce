/**
 * The access log where S3 keeps it: where that is, which objects a question needs, and how they get here.
 * Layout: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-file-format
 */

import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { Attributes } from '../../evidence/aws.ts';
import type { Window } from '../../evidence/evidence.ts';
import { accessLogErrorFrom } from './access-log-error.ts';
import { byText, canMatter, isLogFile, parseFileName, type WantedLoadBalancer } from './log-files.ts';
import { canHoldEntries, folderOfDay, type ObjectInFolder, type VendedLayout } from './vended/vended-place.ts';

/** Where a load balancer delivers its access log. */
export interface LogPlace {
  bucket: string;
  /** The key of all log files of this account and region, up to and with the slash before the year. */
  root: string;
  account: string;
  region: string;
  /** aws, aws-cn, aws-us-gov */
  partition: string;
  loadBalancer: { name: string; id: string };
  /** Of a vended delivery; absent where the load balancer writes its own files. */
  vended?: VendedLayout;
  /** Health-check logs are delivered beside it, to the same bucket and prefix. */
  hasHealthChecks?: boolean;
  /** Of a vended delivery, as `DeliveredLog` has it. */
  format?: string | null;
}

export interface LogObject {
  key: string;
  /** Compressed. */
  bytes: number;
}

const ARN = /^arn:([^:]+):elasticloadbalancing:([^:]+):([0-9]{12}):loadbalancer\/app\/([^/]+)\/([^/]+)$/;
const DAY_MS = 86_400_000;
const INTERVAL_MS = 300_000;

/** Null when the attributes say that delivery to S3 is off, or name no bucket. Throws RangeError for what is no ARN of an Application Load Balancer. */
export function logPlace(attributes: Attributes, loadBalancerArn: string): LogPlace | null {
  const { account, region, ...rest } = placeInArn(loadBalancerArn);
  const bucket = attributes['access_logs.s3.bucket'] ?? '';
  if (attributes['access_logs.s3.enabled'] !== 'true' || bucket === '') return null;
  const prefix = (attributes['access_logs.s3.prefix'] ?? '').replace(/^[/]+|[/]+$/g, '');
  const root = `${prefix === '' ? '' : `${prefix}/`}AWSLogs/${account}/elasticloadbalancing/${region}/`;
  const hasHealthChecks =
    attributes['health_check_logs.s3.enabled'] === 'true' &&
    ['bucket', 'prefix'].every(
      (name) => (attributes[`health_check_logs.s3.${name}`] ?? '') === (attributes[`access_logs.s3.${name}`] ?? ''),
    );
  return { bucket, root, account, region, ...rest, ...(hasHealthChecks ? { hasHealthChecks } : {}) };
}

/** What the ARN of a load balancer says of its place. Throws RangeError for what is no ARN of an Application Load Balancer. */
export function placeInArn(
  loadBalancerArn: string,
): Pick<LogPlace, 'account' | 'region' | 'partition' | 'loadBalancer'> {
  const [, partition, region, account, name, id] = ARN.exec(loadBalancerArn) ?? [];
  if (!partition || !region || !account || !name || !id)
    throw new RangeError(`${loadBalancerArn} is not the ARN of an Application Load Balancer`);
  return { account, region, partition, loadBalancer: { name, id } };
}

/** The times within which a file must end to hold an entry that matters, as canMatter has it. Epoch milliseconds, both inclusive. */
export function fileEndRange({ from, to }: Window, idleTimeoutSeconds: number): Window {
  const margin = idleTimeoutSeconds * 1000;
  return { from: from - margin, to: to + margin + 2 * INTERVAL_MS };
}

/**
 * The days ("yyyy/mm/dd", UTC) whose folders can hold a file of the window, ascending. A folder is named after the day of delivery, which
 * is that of the end of the interval or the next.
 */
export function deliveryDays(ends: Window, now: number): string[] {
  const last = Math.min(ends.to + DAY_MS, Math.max(now, ends.from));
  const first = Math.floor(ends.from / DAY_MS);
  const count = Math.floor(last / DAY_MS) - first + 1;
  return Array.from({ length: count }, (_, index) =>
    new Date((first + index) * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '/'),
  );
}

/** What the names of health-check logs begin with. */
const HEALTH_CHECKS = 'health_check_log_';

/** The keys of one load balancer on one day begin with this, those of another kind with `kind` before the account; the end of the interval follows. */
export function dayPrefix({ root, account, region, loadBalancer }: LogPlace, day: string, kind = ''): string {
  const { name, id } = loadBalancer;
  return `${root}${day}/${kind}${account}_elasticloadbalancing_${region}_app.${name}.${id}_`;
}

/** Epoch milliseconds to "20140215T2340Z", the minute begun. */
export const endStamp = (time: number): string =>
  `${new Date(time).toISOString().slice(0, 16).replaceAll(/[-:]/g, '')}Z`;

export interface ListOptions {
  s3: S3Client;
  place: LogPlace;
  window: Window;
  idleTimeoutSeconds: number;
  now: number;
  signal: AbortSignal;
}

/** The objects the window needs, by key. Of each day only the keys from its first interval to its last are listed. Rejects with AccessLogError. */
export async function listWindow(options: ListOptions): Promise<LogObject[]> {
  if (options.place.vended !== undefined) return await listVended(options, options.place.vended);
  return await listOfKind(options, '');
}

/** More of them is not worth the time it takes to fetch. */
const MOST_HEALTH_CHECK_BYTES = 64_000_000;

/** The health-check logs of the window, by key; none where they are delivered elsewhere, may not be listed, or are very large. */
export async function listHealthChecks(options: ListOptions): Promise<LogObject[]> {
  if (options.place.hasHealthChecks !== true) return [];
  const found = await listOfKind(options, HEALTH_CHECKS).catch(() => []);
  return found.reduce((sum, { bytes }) => sum + bytes, 0) <= MOST_HEALTH_CHECK_BYTES ? found : [];
}

async function listOfKind(options: ListOptions, kind: string): Promise<LogObject[]> {
  const { place, window, idleTimeoutSeconds, now } = options;
  const ends = fileEndRange(window, idleTimeoutSeconds);
  const wanted: WantedLoadBalancer = place.loadBalancer;
  const days = await Promise.all(
    deliveryDays(ends, now).map(async (day) => {
      const prefix = dayPrefix(place, day, kind);
      const found: LogObject[] = [];
      for await (const object of objects(options, prefix, `${prefix}${endStamp(ends.from)}`)) {
        const name = parseFileName(object.key);
        // Keys of one load balancer are in the order of their end.
        if (name.end !== null && name.end > ends.to) break;
        if (name.loadBalancer !== null && canMatter(name, wanted, window, idleTimeoutSeconds)) found.push(object);
      }
      return found;
    }),
  );
  return days.flat().sort((a, b) => byText(a.key, b.key));
}

/** Objects of a vended delivery: of each day those that were changed in time. */
async function listVended(options: ListOptions, layout: VendedLayout): Promise<LogObject[]> {
  const { place, window, idleTimeoutSeconds, now } = options;
  const ends = fileEndRange(window, idleTimeoutSeconds);
  const folders = new Set(deliveryDays(ends, now).map((day) => folderOfDay(layout, day)));
  const found = await Promise.all(
    [...folders].map(async (folder) => {
      const own: LogObject[] = [];
      for await (const { key, bytes, modified } of everyObject(options, folder))
        if (canHoldEntries({ key, modified }, place, { ends, window, idleTimeoutSeconds })) own.push({ key, bytes });
      return own;
    }),
  );
  return found.flat().sort((a, b) => byText(a.key, b.key));
}

/** Pages of a thousand keys that are listed of one day before the count is given up. */
const DAY_PAGES = 100;

/**
 * Compressed bytes of all that lies in the folders of the days, of every load balancer: what a scan of these partitions reads when no
 * file is left out. Null when a day holds more than is worth counting. Rejects with AccessLogError.
 */
export async function bytesOfDays(options: ListOptions): Promise<number | null> {
  const { place, window, idleTimeoutSeconds, now } = options;
  const days = await Promise.all(
    deliveryDays(fileEndRange(window, idleTimeoutSeconds), now).map(async (day) => {
      let [bytes, count] = [0, 0];
      const listed =
        place.vended === undefined
          ? objects(options, `${place.root}${day}/`)
          : everyObject(options, folderOfDay(place.vended, day));
      for await (const object of listed) {
        bytes += object.bytes;
        count += 1;
        if (count >= DAY_PAGES * 1000) return null;
      }
      return bytes;
    }),
  );
  return days.reduce((sum, bytes) => (sum === null || bytes === null ? null : sum + bytes), 0);
}

/** Files of a load balancer whose key begins with the prefix, as `everyObject`. */
export async function* objects(
  options: Pick<ListOptions, 's3' | 'place' | 'signal'>,
  prefix: string,
  startAfter?: string,
): AsyncGenerator<LogObject> {
  for await (const { key, bytes } of everyObject(options, prefix, startAfter))
    if (/[.]log(?:[.]gz)?$/.test(key)) yield { key, bytes };
}

/** Objects whose key begins with the prefix, in the order of their keys; listing ends where the reader stops. Rejects with AccessLogError. */
export async function* everyObject(
  { s3, place, signal }: Pick<ListOptions, 's3' | 'place' | 'signal'>,
  prefix: string,
  startAfter?: string,
): AsyncGenerator<LogObject & ObjectInFolder> {
  const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
  let token: string | undefined;
  do {
    const page: ListObjectsV2CommandOutput = await s3
      .send(
        new ListObjectsV2Command({
          Bucket: place.bucket,
          Prefix: prefix,
          ...(token === undefined ? (startAfter === undefined ? {} : { StartAfter: startAfter }) : {}),
          ...(token === undefined ? {} : { ContinuationToken: token }),
        }),
        { abortSignal: signal },
      )
      .catch((error: unknown) => {
        throw accessLogErrorFrom(error, { action: 's3:ListBucket', resource: bucketArn(place), region: place.region });
      });
    for (const { Key: key, Size: bytes, LastModified: modified } of page.Contents ?? []) {
      if (key !== undefined) yield { key, bytes: bytes ?? 0, modified: modified?.getTime() ?? 0 };
    }
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

export const bucketArn = ({ partition, bucket }: LogPlace): string => `arn:${partition}:s3:::${bucket}`;

const AT_ONCE = 24;
/** Of a download that breaks off; calls that fail are retried by the client. */
const ATTEMPTS = 3;

export interface DownloadOptions {
  s3: S3Client;
  place: LogPlace;
  objects: readonly LogObject[];
  folder: string;
  signal: AbortSignal;
  /** Called after each file with what has arrived so far. */
  onArrival?: (files: number, bytes: number) => void;
}

export interface DownloadResult {
  files: number;
  bytes: number;
  /** Objects that could not be had, by name below the folder; sorted by file. */
  missing: { file: string; reason: string }[];
}

/** Where an object is kept below the folder: its day and its name, under which it is known for a log. */
const localFileOf = ({ root }: LogPlace, key: string): string =>
  join(...dirname(key.slice(root.length)).split('/'), isLogFile(key) ? basename(key) : `${basename(key)}.log`);

/**
 * Brings the objects into the folder, several at once. Rejects with AccessLogError when not one of them can be read, or when stopped; an
 * object that cannot be read while others can is `missing`.
 */
export async function download(options: DownloadOptions): Promise<DownloadResult> {
  const { place, folder, objects, signal } = options;
  await mkdir(folder, { recursive: true });
  for (const day of new Set(objects.map(({ key }) => dirname(localFileOf(place, key)))))
    await mkdir(join(folder, day), { recursive: true });
  const result: DownloadResult = { files: 0, bytes: 0, missing: [] };
  // The largest first, so that none is left for the end.
  const queue = [...objects].sort((a, b) => b.bytes - a.bytes || byText(a.key, b.key));
  const errors: Error[] = [];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const file = localFileOf(place, next.key);
      try {
        const bytes = await downloadOne(options, next, join(folder, file));
        result.bytes += bytes;
        result.files += 1;
        options.onArrival?.(result.files, result.bytes);
      } catch (error) {
        const resource = `${bucketArn(place)}/${place.root}*`;
        const refusal = accessLogErrorFrom(error, { action: 's3:GetObject', resource, region: place.region });
        if (signal.aborted) throw refusal;
        errors.push(refusal);
        result.missing.push({ file, reason: refusal.message });
        // Where the first ones are all refused, the rest will be.
        if (result.files === 0 && errors.length >= AT_ONCE) throw refusal;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const [first] = errors;
  if (first !== undefined && result.files === 0) throw first;
  result.missing.sort((a, b) => byText(a.file, b.file));
  return result;
}

/** Bytes written. */
async function downloadOne({ s3, place, signal }: DownloadOptions, { key }: LogObject, to: string): Promise<number> {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3');
  for (let attempt = 1; ; attempt++) {
    // What is refused is not worth asking again: only the body may break off.
    const { Body: body, ContentLength: length } = await s3.send(
      new GetObjectCommand({ Bucket: place.bucket, Key: key }),
      { abortSignal: signal },
    );
    if (!(body instanceof Readable)) throw new Error(`s3://${place.bucket}/${key} came without a body`);
    const file = createWriteStream(to);
    try {
      await pipeline(body, file, { signal });
      if (length !== undefined && file.bytesWritten !== length)
        throw new Error(`${file.bytesWritten} of ${length} bytes arrived`);
      return file.bytesWritten;
    } catch (error) {
      await rm(to, { force: true });
      if (signal.aborted || attempt === ATTEMPTS) throw error;
    }
  }
}
