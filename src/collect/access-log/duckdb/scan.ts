/** All files into columns: in this thread when they are small, else in one for each core. A damaged file is read again. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type Batch, Columns, type ColumnsOptions } from './columns.ts';
import { type FileToScan, type ReadMode, type ScannedFile, scanFile } from './scan-file.ts';
import type { MessageFromWorker, WorkerOptions } from './scan-worker.ts';

/** Up to this many compressed bytes a thread would take longer to begin than to read. */
const ALONE_BELOW = 4_000_000;

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './scan-worker.ts' : './scan-worker.js', import.meta.url);

const READ_MODES: readonly ReadMode[] = ['at-once', 'as-a-stream', 'in-small-pieces'];

export interface SizedFileToScan extends Omit<FileToScan, 'readMode'> {
  /** Compressed, or as it is. */
  bytes: number;
}

/** A file may be looked at more than once; no two looks have the same number. */
export interface BatchSink {
  /** Entries of one look, which may come between those of any other. */
  batch(pass: number, batch: Batch): void;
  /** What came of the look is void: the file is damaged, and comes again as far as it can be read. */
  discard(pass: number): void;
}

/**
 * In the order of the files; of a damaged one, what could be read of it. Throws when a thread ends before its work, and the reason of
 * `signal` once that aborts.
 */
export async function scan(
  files: readonly SizedFileToScan[],
  options: ColumnsOptions,
  sink: BatchSink,
  signal?: AbortSignal,
): Promise<ScannedFile[]> {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const threads = bytes <= ALONE_BELOW ? 1 : Math.min(availableParallelism(), files.length);
  const readers = Array.from({ length: threads }, () =>
    bytes <= ALONE_BELOW ? readerHere(options) : readerInThread(options),
  );
  // The largest first, so that no thread is left with one while the others are done.
  const waiting = files.map((file, index) => ({ file, index })).sort((a, b) => a.file.bytes - b.file.bytes);
  const scanned: ScannedFile[] = [];
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(signal?.reason);
  signal?.addEventListener('abort', stop);
  try {
    const work = Promise.all(
      readers.map(async (reader) => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
          signal?.throwIfAborted();
          const { file, index } = next;
          let places: ScannedFile['places'] = [];
          let fault: string | null = null;
          for (const [time, readMode] of READ_MODES.entries()) {
            const pass = time * files.length + index;
            const one = await reader.read({ ...file, readMode }, (batch) => sink.batch(pass, batch));
            // What a look named is not named again by the next one.
            places = [...places, ...one.places];
            const isLast = readMode === 'in-small-pieces';
            // Smaller pieces of a file may be at fault in another way: the stream has said what is wrong with it.
            if (!isLast) fault = one.fault;
            scanned[index] = { ...one, places, fault };
            if (isLast || fault === null) break;
            sink.discard(pass);
          }
        }
      }),
    );
    await Promise.race([work, stopped.promise]);
  } finally {
    signal?.removeEventListener('abort', stop);
    await Promise.all(readers.map((reader) => reader.close()));
  }
  return scanned;
}

interface ScanReader {
  read(file: FileToScan, take: (batch: Batch) => void): Promise<ScannedFile>;
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
    close: async () => {},
  };
}

function readerInThread(options: ColumnsOptions): ScanReader {
  const pending = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(WORKER, { workerData: { options, pending } satisfies WorkerOptions });
  let deliver: (batch: Batch) => void = () => {};
  let reading = Promise.withResolvers<ScannedFile>();
  worker.on('error', (error) => reading.reject(error));
  worker.on('exit', () => reading.reject(new Error('a thread ended before its work')));
  worker.on('message', (message: MessageFromWorker) => {
    try {
      if ('scanned' in message) {
        reading.resolve(message.scanned);
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
      worker.postMessage({ path, compressed, node, readMode } satisfies FileToScan);
      return reading.promise;
    },
    async close() {
      // An error that another thread is about to have stays heard: unheard, it would end the process.
      reading.promise.catch(() => {});
      worker.removeAllListeners('message');
      await worker.terminate();
    },
  };
}
