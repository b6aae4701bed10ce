/**
 * The access log in S3: selects the objects that a question needs, and downloads them.
 * Layout:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-file-format
 */

import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { Window } from '../../evidence/question.ts';
import { byText } from '../../format/by-text.ts';
import { mapLimited } from '../map-limited.ts';
import { accessLogErrorFrom } from './access-log-error.ts';
import { canMatter, isLogFile, type ParsedFileName, parseFileName, type WantedLoadBalancer } from './log-files.ts';
import type { LogPlace, VendedLayout } from './log-place.ts';
import { canHoldEntries, folderOfDay, type ObjectInFolder } from './vended/vended-place.ts';

export interface LogObject {
  key: string;
  /** Compressed. */
  bytes: number;
}

const DAY_MS = 86_400_000;
const INTERVAL_MS = 300_000;

/**
 * Range of interval ends of files that may hold a relevant entry, matching canMatter. Epoch milliseconds, both
 * inclusive.
 */
export function fileEndRange({ from, to }: Window, idleTimeoutSeconds: number): Window {
  const margin = idleTimeoutSeconds * 1000;
  return { from: from - margin, to: to + margin + 2 * INTERVAL_MS };
}

/**
 * Returns the days ("yyyy/mm/dd", UTC) whose folders may hold a file of the window, ascending. A folder is named after
 * the day of delivery, which is the day when the interval ends or the next.
 */
export function deliveryDays(ends: Window, now: number): string[] {
  const last = Math.min(ends.to + DAY_MS, Math.max(now, ends.from));
  const first = Math.floor(ends.from / DAY_MS);
  const count = Math.floor(last / DAY_MS) - first + 1;
  return Array.from({ length: count }, (_, index) =>
    new Date((first + index) * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '/'),
  );
}

/** Days whose folders may hold files of the window; one more at each end if the folders use local time. */
export const daysOf = ({ vended }: LogPlace, ends: Window, now: number): string[] =>
  vended?.isLocalTime === true
    ? deliveryDays({ from: ends.from - DAY_MS, to: ends.to + DAY_MS }, now + DAY_MS)
    : deliveryDays(ends, now);

/** Prefix of the names of health-check logs. */
const HEALTH_CHECKS = 'health_check_log_';

/**
 * Key prefix of one load balancer on one day, with `kind` before the account for another log; the interval's end
 * follows.
 */
export function dayPrefix({ root, account, region, loadBalancer }: LogPlace, day: string, kind = ''): string {
  const { name, id } = loadBalancer;
  return `${root}${day}/${kind}${account}_elasticloadbalancing_${region}_app.${name}.${id}_`;
}

/** Formats epoch milliseconds as "20140215T2340Z", rounded down to the minute. */
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

/**
 * Lists the objects that the window needs, by key: each day, only keys from its first interval to its last. Rejects
 * with AccessLogError.
 */
export async function listWindow(options: ListOptions): Promise<LogObject[]> {
  if (options.place.vended !== undefined) return withoutOwnFiles(await listVended(options, options.place.vended));
  return await listOfKind(options, '');
}

/**
 * Where the load balancer wrote files of its own to the same folder, the vended ones hold the same requests. Files named
 * like its own are kept if there are no others: AWS does not say how it names vended objects.
 */
function withoutOwnFiles(found: LogObject[]): LogObject[] {
  const unnamed = found.filter(({ key }) => parseFileName(key).loadBalancer === null);
  return unnamed.length > 0 ? unnamed : found;
}

/** Larger health-check logs are not worth the time to fetch them. */
const MOST_HEALTH_CHECK_BYTES = 64_000_000;

/**
 * Lists the health-check logs of the window, by key; none if they are very large. Objects of a vended delivery whose names
 * do not say what they are may be health-check logs too, unless `isNamedOnly`. Rejects with AccessLogError.
 */
export async function listHealthChecks(options: ListOptions, isNamedOnly: boolean): Promise<LogObject[]> {
  const { vended } = options.place;
  if (vended === undefined) return smallEnough(await listOfKind(options, HEALTH_CHECKS));
  const found = await listVended(options, vended, ['health-check-log', 'access-log']);
  const named = found.filter(({ key }) => parseFileName(key).kind === 'health-check-log');
  return smallEnough(named.length > 0 || isNamedOnly ? named : found);
}

const smallEnough = (objects: LogObject[]): LogObject[] =>
  objects.reduce((sum, { bytes }) => sum + bytes, 0) <= MOST_HEALTH_CHECK_BYTES ? objects : [];

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
        // Keys of one load balancer are sorted by interval end.
        if (name.end !== null && name.end > ends.to) break;
        if (name.loadBalancer !== null && canMatter(name, wanted, window, idleTimeoutSeconds)) found.push(object);
      }
      return found;
    }),
  );
  return days.flat().sort((a, b) => byText(a.key, b.key));
}

/** Lists objects of a vended delivery, of these kinds by their names: for each day, those modified in time. */
async function listVended(
  options: ListOptions,
  layout: VendedLayout,
  kinds: readonly ParsedFileName['kind'][] = ['access-log'],
): Promise<LogObject[]> {
  const { place, window, idleTimeoutSeconds, now } = options;
  const ends = fileEndRange(window, idleTimeoutSeconds);
  const folders = new Set(daysOf(place, ends, now).map((day) => folderOfDay(layout, day)));
  const found = await Promise.all(
    [...folders].map(async (folder) => {
      const own: LogObject[] = [];
      for await (const { key, bytes, modified } of everyObject(options, folder))
        if (canHoldEntries({ key, modified }, place, { ends, window, idleTimeoutSeconds, kinds }))
          own.push({ key, bytes });
      return own;
    }),
  );
  return found.flat().sort((a, b) => byText(a.key, b.key));
}

/** Maximum pages of a thousand keys to list of one day before the count is abandoned. */
const DAY_PAGES = 100;

/**
 * Sums the compressed bytes of everything in the folders of the days, for every load balancer: what a scan of these
 * partitions reads if it skips no file. Null if a day holds too many objects to count. Rejects with AccessLogError.
 */
export async function bytesOfDays(options: ListOptions): Promise<number | null> {
  const { place, window, idleTimeoutSeconds, now } = options;
  const days = await Promise.all(
    daysOf(place, fileEndRange(window, idleTimeoutSeconds), now).map(async (day) => {
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

/** Yields log files of the load balancer whose key starts with the prefix; see `everyObject`. */
export async function* objects(
  options: Pick<ListOptions, 's3' | 'place' | 'signal'>,
  prefix: string,
  startAfter?: string,
): AsyncGenerator<LogObject> {
  for await (const { key, bytes } of everyObject(options, prefix, startAfter))
    if (/[.]log(?:[.]gz)?$/.test(key)) yield { key, bytes };
}

/**
 * Yields objects whose key starts with the prefix, in key order; listing stops when the consumer does. Rejects with
 * AccessLogError.
 */
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

/** Connections; docs/scale.md has what bench/download.ts says of other numbers. */
const AT_ONCE = 24;
/** Attempts per download that breaks off; the client itself retries failed calls. */
const ATTEMPTS = 3;

interface DownloadOptions {
  s3: S3Client;
  place: LogPlace;
  objects: readonly LogObject[];
  folder: string;
  signal: AbortSignal;
  /** Connections; AT_ONCE if absent. */
  atOnce?: number;
  /** Called when a file is whole, with its name below the folder and the totals so far. */
  onArrival?: (file: string, totals: { files: number; bytes: number }) => void;
}

export interface DownloadResult {
  files: number;
  bytes: number;
  /** Objects that could not be downloaded, by name below the folder; sorted by file. */
  missing: { file: string; reason: string }[];
}

/**
 * Where an object is stored below the folder: its day and its name, with an extension that marks it as a log. Keys with
 * ".." must not lead out of the folder.
 */
function localFileOf({ root }: LogPlace, key: string): string {
  const folders = dirname(key.slice(root.length)).split('/');
  const name = basename(key);
  return join(...folders.map((part) => (part === '..' ? '_' : part)), isLogFile(key) ? name : `${name}.log`);
}

/**
 * Downloads the objects into the folder, several at once. Rejects with AccessLogError if none can be read, or when
 * stopped; an object that fails while others succeed is listed in `missing`.
 */
export async function download(options: DownloadOptions): Promise<DownloadResult> {
  const { place, folder, objects, signal, atOnce = AT_ONCE } = options;
  await mkdir(folder, { recursive: true });
  for (const day of new Set(objects.map(({ key }) => dirname(localFileOf(place, key)))))
    await mkdir(join(folder, day), { recursive: true });
  const result: DownloadResult = { files: 0, bytes: 0, missing: [] };
  // The largest first, so that no large file starts last.
  const sorted = [...objects].sort((a, b) => b.bytes - a.bytes || byText(a.key, b.key));
  const errors: Error[] = [];
  await mapLimited(sorted, atOnce, async (object) => {
    const file = localFileOf(place, object.key);
    try {
      const bytes = await downloadOne(options, object, join(folder, file));
      result.bytes += bytes;
      result.files += 1;
      options.onArrival?.(file, result);
    } catch (error) {
      const resource = `${bucketArn(place)}/${place.root}*`;
      const refusal = accessLogErrorFrom(error, { action: 's3:GetObject', resource, region: place.region });
      if (signal.aborted) throw refusal;
      errors.push(refusal);
      result.missing.push({ file, reason: refusal.message });
      // If all of the first ones are refused, the rest will be too.
      if (result.files === 0 && errors.length >= atOnce) throw refusal;
    }
  });
  const [first] = errors;
  if (first !== undefined && result.files === 0) throw first;
  result.missing.sort((a, b) => byText(a.file, b.file));
  return result;
}

/** Downloads one object; returns the bytes written. */
async function downloadOne({ s3, place, signal }: DownloadOptions, { key }: LogObject, to: string): Promise<number> {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3');
  for (let attempt = 1; ; attempt++) {
    // A refused request is not worth repeating; only the body may break off.
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
