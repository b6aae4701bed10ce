/** Reads the access log of a live load balancer from S3: each file of the window is read as soon as it is downloaded. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { AccessLog } from '../../evidence/access-log.ts';
import { formatBytes as size } from '../../format/amounts.ts';
import { byText } from '../../format/by-text.ts';
import { command } from '../../format/command.ts';
import { plural } from '../../format/wording.ts';
import { assertAffordable } from '../access-log/affordable.ts';
import { estimateS3, estimateWords, s3Usd } from '../access-log/cost.ts';
import type { LogReader } from '../access-log/embedded/log-reader.ts';
import type { LogPlace, VendedLayout } from '../access-log/log-place.ts';
import { type DownloadResult, download, endStamp, type LogObject } from '../access-log/s3-log.ts';
import { reorderFiles } from '../access-log/vended/reorder-files.ts';
import { folderOfDay } from '../access-log/vended/vended-place.ts';
import { searchCommand } from '../incident/incident-collectors.ts';
import { makeTemporaryFolder } from '../temporary-folder.ts';
import { firstCalls } from './first-calls.ts';
import type { LiveAccessLog } from './live-log-read.ts';
import type { LogFileReading } from './log-file-reading.ts';
import { bytesOf, type LogListing } from './log-listing.ts';

/** Rejects with AccessLogError. */
export async function readFromS3(reading: LogFileReading, objects: readonly LogObject[]): Promise<LiveAccessLog> {
  const { options, place, listing, idleTimeoutSeconds, why, notes, cost } = reading;
  const { question, keepIn } = options;
  const estimate = estimateS3(objects.length, bytesOf(objects), listing.days.length);
  assertAffordable(estimate, options);
  options.progress?.(`fetching ${estimateWords(estimate)} (${why.source})`);
  const counted = `${plural(objects.length, 'file')}, ${size(bytesOf(objects))}`;
  const method = cost.begin(place, `from S3 directly: ${counted}, ${why.words}`, estimate);
  const temporary = keepIn ?? (await makeTemporaryFolder('alb502-'));
  const folder = join(temporary, 'logs');
  const stopping = new AbortController();
  const signal = AbortSignal.any([reading.signal, stopping.signal]);
  const names = new Readable({ objectMode: true, read() {} });
  // Opened while the first files download.
  const calls = firstCalls();
  const opening = calls.sent.then(() => openReader(options.isReadApart));
  const arriving = { count: objects.length, bytes: bytesOf(objects), names };
  const readFiles = opening.then((reader) => reader.read({ folder, arriving, question, idleTimeoutSeconds }, signal));
  const fetched = fetchFiles({ ...reading, signal }, { objects, folder, onFile: (file) => names.push(file) }).finally(
    () => {
      calls.stop();
      names.push(null);
    },
  );
  // Nobody reads what still arrives.
  readFiles.catch(() => stopping.abort());
  try {
    await Promise.allSettled([fetched, readFiles]);
    if (stopping.signal.aborted && !reading.signal.aborted) await readFiles;
    const { missing } = await fetched;
    const log = await readFiles;
    const notFetched = missing.map((one) => ({ ...one, lines: 0 }));
    const unreadable = [...log.files.unreadable, ...notFetched].sort((a, b) => byText(a.file, b.file));
    const value: AccessLog = {
      ...log,
      files: { ...log.files, unreadable },
      cost: cost.total,
      reading: method,
      ...(notes.length > 0 ? { unanswered: [...notes] } : {}),
    };
    return {
      log: { status: 'collected', source: commandsOf(reading), value },
      cost: cost.total,
      toSave: keepIn === null ? null : { folder: keepIn },
    };
  } finally {
    await opening.then(
      (reader) => reader.close(),
      () => {},
    );
    if (keepIn === null) await rm(temporary, { recursive: true, force: true });
  }
}

async function openReader(isReadApart = false): Promise<LogReader> {
  const { openReaderApart, openReaderHere } = await import('../access-log/embedded/log-reader.ts');
  return await (isReadApart ? openReaderApart() : openReaderHere());
}

interface FilesToFetch {
  objects: readonly LogObject[];
  folder: string;
  /** Called with the name of each file when it is whole. */
  onFile: (file: string) => void;
}

/** Downloads the log files. */
async function fetchFiles(
  { options, place, listing, signal, cost }: LogFileReading,
  { objects, folder, onFile }: FilesToFetch,
): Promise<DownloadResult> {
  const { s3 } = await listing.request(place);
  const order = place.vended?.order;
  const unordered: string[] = [];
  const fetched = await download({
    ...{ s3, place, objects, folder, signal },
    onArrival: (file, { files, bytes }) => {
      if (order === undefined) onFile(file);
      else unordered.push(file);
      options.progress?.(`fetched ${files} of ${objects.length} log files, ${size(bytes)}`);
    },
  });
  if (order !== undefined) await reorderFiles(folder, unordered, order);
  for (const file of unordered) onFile(file);
  options.progress?.('reading log files');
  cost.spend({ bytesScanned: fetched.bytes, usd: s3Usd(fetched.files, listing.days.length), queries: 0 });
  return fetched;
}

/** The commands that download the window's files and search them. */
function commandsOf({ options, place, listing }: LogFileReading): string {
  const copies =
    place.vended === undefined ? copiesByName(place, listing) : copiesByFolder(place, place.vended, listing);
  return [...copies, searchCommand(options.question)].join(' && ');
}

function copiesByName({ bucket, root, loadBalancer }: LogPlace, { ends, days }: LogListing): string[] {
  const stamp = commonStart(endStamp(ends.from), endStamp(ends.to));
  const names = `*_app.${loadBalancer.name}.${loadBalancer.id}_${stamp}*`;
  return days.map(
    (day) => command`aws s3 cp ${`s3://${bucket}/${root}${day}/`} logs --recursive --exclude ${'*'} --include ${names}`,
  );
}

function copiesByFolder(place: LogPlace, layout: VendedLayout, listing: LogListing): string[] {
  const { bucket } = place;
  const folders = new Set(listing.daysOf(place).map((day) => folderOfDay(layout, day)));
  return [...folders].map((folder) => command`aws s3 cp ${`s3://${bucket}/${folder}`} logs --recursive`);
}

function commonStart(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return a.slice(0, length);
}
