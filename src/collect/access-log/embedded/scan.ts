/**
 * Reads all files into columns: in this thread if they are small, else in one thread per core. Rereads damaged files.
 * One of them can count the traffic afterwards.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { PlaceRow } from '../place-traffic.ts';
import { type Batch, Columns, type ColumnsOptions } from './columns.ts';
import { type CountedTraffic, type Counting, countHere, type TrafficRequest } from './count-traffic.ts';
import type { TrafficEntries } from './entry-batch.ts';
import { type FileToScan, type ReadMode, type ScannedFile, scanFile } from './scan-file.ts';
import type { MessageFromWorker, MessageToWorker, WorkerOptions } from './scan-worker.ts';

/** Compressed bytes up to which starting a thread takes longer than reading. */
const ALONE_UP_TO = 4_000_000;

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './scan-worker.ts' : './scan-worker.js', import.meta.url);

const READ_MODES: readonly ReadMode[] = ['at-once', 'as-a-stream', 'in-small-pieces'];

export interface SizedFileToScan extends Omit<FileToScan, 'readMode'> {
  /** As stored, compressed or not. */
  bytes: number;
}

/**
 * Receives batches. A file may be read in several passes; every pass has its own number, and ends with `keep` or
 * `discard`.
 */
export interface BatchSink {
  /** Takes entries of one pass; batches of different passes may interleave. */
  batch(pass: number, batch: Batch): void;
  /** Keeps everything of the pass. `found`: the file's places and routes that this thread had not met before. */
  keep(pass: number, found: FoundNames): void;
  /** Discards everything of the pass: the file is damaged and will be read again as far as possible. */
  discard(pass: number): void;
}

export type FoundNames = Pick<ScannedFile, 'places' | 'namedRoutes'>;

/** Files to read, in this order. They may still be arriving: their number and size are known before. */
export interface FilesToScan<File extends SizedFileToScan> {
  count: number;
  bytes: number;
  files: AsyncIterable<File>;
}

/** Threads that read files, or this thread in their place. */
export interface Readers {
  all: readonly ScanReader[];
  /** Counts the traffic that was read, in a thread if there is one. */
  count(request: TrafficRequest): Counting;
  close(): Promise<void>;
}

/** Starts the threads, which may be before the first file arrives. The caller closes them. */
export function openReaders({ count, bytes }: Omit<FilesToScan<never>, 'files'>, options: ColumnsOptions): Readers {
  const isSmall = bytes <= ALONE_UP_TO;
  const threads = isSmall ? 1 : Math.min(availableParallelism(), count);
  const open = () => (isSmall ? readerHere(options) : readerInThread(options));
  const first = open();
  const all = [first, ...Array.from({ length: threads - 1 }, open)];
  return {
    all,
    count: (request) => first.count(request),
    async close() {
      await Promise.all(all.map((reader) => reader.close()));
    },
  };
}

/**
 * Returns results in no particular order; a damaged file contributes what could be read. Throws if a thread ends early,
 * and the reason of `signal` once that aborts.
 */
export async function scan<File extends SizedFileToScan>(
  readers: Readers,
  files: AsyncIterable<File>,
  sink: BatchSink,
  signal?: AbortSignal,
): Promise<{ file: File; result: ScannedFile }[]> {
  const waiting = files[Symbol.asyncIterator]();
  const scanned: { file: File; result: ScannedFile }[] = [];
  let taken = 0;
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(signal?.reason);
  signal?.addEventListener('abort', stop);
  try {
    const work = Promise.all(
      readers.all.map(async (reader) => {
        for (let next = await waiting.next(); !next.done; next = await waiting.next()) {
          signal?.throwIfAborted();
          const file = next.value;
          const firstPass = READ_MODES.length * taken;
          taken += 1;
          let places: ScannedFile['places'] = [];
          let namedRoutes: ScannedFile['namedRoutes'] = [];
          let fault: string | null = null;
          for (const [time, readMode] of READ_MODES.entries()) {
            const pass = firstPass + time;
            const one = await reader.read({ ...file, readMode }, (batch) => sink.batch(pass, batch));
            // A pass names a place or a route once per thread, so keep those of earlier passes.
            places = [...places, ...one.places];
            namedRoutes = [...namedRoutes, ...one.namedRoutes];
            const isLast = readMode === 'in-small-pieces';
            // Smaller pieces may fail in another way; the stream already reported the fault.
            if (!isLast) fault = one.fault;
            if (isLast || fault === null) {
              scanned.push({ file, result: { ...one, fault } });
              sink.keep(pass, { places, namedRoutes });
              break;
            }
            sink.discard(pass);
          }
        }
      }),
    );
    await Promise.race([work, stopped.promise]);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
  return scanned;
}

interface ScanReader {
  read(file: FileToScan, take: (batch: Batch) => void): Promise<ScannedFile>;
  count(request: TrafficRequest): Counting;
  close(): Promise<unknown>;
}

function readerHere(options: ColumnsOptions): ScanReader {
  let deliver: (batch: Batch) => void = () => {};
  const columns = new Columns(options, (batch) => deliver(batch));
  return {
    read(file, take) {
      deliver = take;
      return scanFile(columns, file);
    },
    count: countHere,
    close: async () => {},
  };
}

function readerInThread(options: ColumnsOptions): ScanReader {
  const pending = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(WORKER, { workerData: { options, pending } satisfies WorkerOptions });
  let deliver: (batch: Batch) => void = () => {};
  let reading = Promise.withResolvers<ScannedFile>();
  const places = Promise.withResolvers<PlaceRow[]>();
  const counting = Promise.withResolvers<CountedTraffic>();
  // Nobody may be waiting when the thread ends, and an unhandled rejection would end the process.
  for (const { promise } of [places, counting]) promise.catch(() => {});
  const fail = (error: Error) => {
    reading.reject(error);
    places.reject(error);
    counting.reject(error);
  };
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error('a thread ended before its work')));
  worker.on('message', (message: MessageFromWorker) => {
    try {
      if ('scanned' in message) {
        reading.resolve(message.scanned);
        return;
      }
      if ('places' in message) {
        places.resolve(message.places);
        return;
      }
      if ('counted' in message) {
        counting.resolve(message.counted);
        return;
      }
      deliver(message.batch);
      Atomics.sub(pending, 0, 1);
      Atomics.notify(pending, 0);
    } catch (error) {
      reading.reject(error);
    }
  });
  return {
    read(file, take) {
      deliver = take;
      reading = Promise.withResolvers<ScannedFile>();
      const { path, compressed, node, readMode } = file;
      worker.postMessage({ path, compressed, node, readMode } satisfies MessageToWorker);
      return reading.promise;
    },
    count({ entries, question }) {
      worker.postMessage({ entries: toSend(entries), question } satisfies MessageToWorker);
      return { places: places.promise, traffic: counting.promise };
    },
    async close() {
      reading.promise.catch(() => {});
      worker.removeAllListeners('message');
      await worker.terminate();
    },
  };
}

/** Columns are shared with the thread; everything else is copied. */
function toSend({ batches, places, routes, namedRoutes, failures }: TrafficEntries): TrafficEntries {
  const { place, route, dispatched, routeTexts } = failures;
  return {
    ...{ batches, places, routes, namedRoutes },
    failures: {
      place: Uint32Array.from(place),
      route: Uint32Array.from(route),
      dispatched: Float64Array.from(dispatched),
      routeTexts,
    },
  };
}
