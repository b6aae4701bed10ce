/** Downloads the standard log of a distribution from S3, up to a limit, and counts its errors. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { formatBytes } from '../../format/amounts.ts';
import { command } from '../../format/command.ts';
import { AccessLogError } from '../access-log/access-log-error.ts';
import { s3Usd } from '../access-log/cost.ts';
import { fileErrorText, inspectFile, isParquet, logFilesIn, readContent } from '../access-log/log-files.ts';
import type { LogPlace } from '../access-log/log-place.ts';
import { download, everyObject, type LogObject } from '../access-log/s3-log.ts';
import type { ClientSettings } from '../aws/sdk-clients.ts';
import { makeTemporaryFolder } from '../temporary-folder.ts';
import type { EdgeDelivery, EdgeLogAnswer } from './edge-delivery.ts';
import { canHoldRecords, edgeLogKeys } from './edge-log-keys.ts';
import { type EdgeCounter, edgeCounter, edgeFieldName, edgeLineReader } from './edge-records.ts';

/** CloudFront may deliver to a bucket in another region. */
class AnyRegionS3Client extends S3Client {
  constructor(settings: ClientSettings) {
    super({ ...settings, followRegionRedirects: true });
  }
}

/** Limits: compressed bytes to read, keys to list, bytes after decompression. */
const [MOST_BYTES, MOST_KEYS, MOST_TEXT] = [50_000_000, 20_000, 1_500_000_000];

/** Counts the errors in the log files of a window. Rejects with AccessLogError. */
export async function readEdgeLogFiles(reading: EdgeDelivery): Promise<EdgeLogAnswer> {
  const { call, distribution, delivery, question } = reading;
  const keys = edgeLogKeys(delivery, distribution, question);
  if (keys === null) throw new AccessLogError('failed', 'its bucket is unknown');
  const place = placeOf(reading, keys);
  const s3 = call.session.client(AnyRegionS3Client);
  const signal = call.options.abortSignal;
  const { objects, bytes, isWhole } = await objectsOf({ s3, place, signal }, keys.prefixes, reading);
  if (bytes > MOST_BYTES)
    throw new AccessLogError(
      'too-much',
      `its files of the window have ${formatBytes(bytes)}, and ${formatBytes(MOST_BYTES)} at most are read: ask for a shorter window`,
    );
  const counter = edgeCounter(question, distribution);
  const incomplete = isWhole ? [] : [`more than ${MOST_KEYS} objects lie there`];
  const folder = await makeTemporaryFolder('alb502-');
  try {
    const logs = join(folder, 'edge');
    const { missing } =
      objects.length === 0 ? { missing: [] } : await download({ s3, place, objects, folder: logs, signal });
    for (const { file, reason } of missing) incomplete.push(`${file}: ${reason}`);
    if (objects.length > 0) incomplete.push(...(await countFiles(logs, counter, reading)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const { requests, errors, untimed } = counter.counted();
  if (untimed > 0) incomplete.push(`${untimed} records have no time`);
  return {
    requests,
    errors,
    incomplete,
    cost: { bytesScanned: bytes, usd: s3Usd(objects.length, keys.prefixes.length), queries: 0 },
    source: keys.prefixes
      .map(
        (prefix) =>
          command`aws s3 cp ${`s3://${keys.bucket}/${keys.root}`} edge --recursive --exclude ${'*'} --include ${`${prefix.slice(keys.root.length)}*`}`,
      )
      .join(' && '),
  };
}

function placeOf(
  { call, distribution, delivery }: EdgeDelivery,
  { bucket, root }: { bucket: string; root: string },
): LogPlace {
  const [, partition = 'aws', , , account = ''] = distribution.arn.split(':');
  return {
    bucket,
    root,
    account,
    partition,
    region: call.session.place.region,
    loadBalancer: { name: distribution.id, id: '' },
    format: delivery.format,
  };
}

async function objectsOf(
  options: Parameters<typeof everyObject>[0],
  prefixes: readonly string[],
  { distribution, question }: EdgeDelivery,
) {
  const objects: LogObject[] = [];
  let [bytes, looked] = [0, 0];
  for (const prefix of prefixes)
    for await (const object of everyObject(options, prefix)) {
      looked += 1;
      if (looked > MOST_KEYS) return { objects, bytes, isWhole: false };
      if (!canHoldRecords(object, distribution.id, question)) continue;
      objects.push(object);
      bytes += object.bytes;
    }
  return { objects, bytes, isWhole: true };
}

/** Counts the records in the files; returns why some were not read, or only in part. */
async function countFiles(folder: string, counter: EdgeCounter, { delivery }: EdgeDelivery): Promise<string[]> {
  const faults: string[] = [];
  let text = 0;
  const { files } = await logFilesIn(folder);
  for (const file of files) {
    const path = join(folder, file);
    try {
      if (await isParquet(path)) {
        const { parquetRecords } = await import('../access-log/vended/parquet-lines.ts');
        for await (const record of parquetRecords(path, isNeeded))
          counter.add(Object.fromEntries(Object.entries(record).map(([name, value]) => [edgeFieldName(name), value])));
        continue;
      }
      const ends = await inspectFile(path);
      if ('fault' in ends) {
        faults.push(`${file}: ${ends.fault}`);
        continue;
      }
      const read = edgeLineReader(delivery);
      let rest = '';
      for await (const piece of readContent(path, ends.compressed)) {
        text += piece.length;
        if (text > MOST_TEXT) return [...faults, 'its files expand too far'];
        const lines = (rest + piece.toString('utf8')).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) addLine(counter, read(line));
      }
      addLine(counter, read(rest));
    } catch (error) {
      faults.push(`${file}: ${fileErrorText(error)}`);
    }
  }
  return faults;
}

function addLine(counter: EdgeCounter, record: ReturnType<ReturnType<typeof edgeLineReader>>): void {
  if (record !== null) counter.add(record);
}

const NEEDED = [
  'date',
  'time',
  'timestamp',
  'timestamp-ms',
  'sc-status',
  'x-edge-result-type',
  'x-edge-detailed-result-type',
  'x-host-header',
];
const isNeeded = (column: string): boolean => NEEDED.includes(edgeFieldName(column));
