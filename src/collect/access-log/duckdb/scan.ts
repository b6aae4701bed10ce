/** All files into columns: in this thread when they are small, else in one for each core. A damaged file is read again. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type Batch, Columns, type ColumnsOptions } from './columns.ts';
import { type ScanFile, type Scanned, scanFile, type Way } from './scan-file.ts';
import type { ForWorker, FromWorker } from './scan-worker.ts';

/** Up to this many compressed bytes a thread would take longer to begin than to read. */
const ALONE_BELOW = 4_000_000;

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './scan-worker.ts' : './scan-worker.js', import.meta.url);

const WAYS: readonly Way[] = ['at-once', 'as-a-stream', 'in-small-pieces'];

export interface ToScan extends Omit<ScanFile, 'way'> {
  /** Compressed, or as it is. */
  bytes: number;
}

/** A file may be looked at more than once; no two looks have the same number. */
export interface Taking {
  /** Entries of one look, which may come between those of any other. */
  batch(look: number, batch: Batch): void;
  /** What came of the look is void: the file is damaged, and comes again as far as it can be read. */
  void(look: number): void;
}

/** In the order of the files; of a damaged one, what could be read of it. Throws when a thread ends before its work. */
export async function scan(files: readonly ToScan[], options: ColumnsOptions, taking: Taking): Promise<Scanned[]> {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const threads = bytes <= ALONE_BELOW ? 1 : Math.min(availableParallelism(), files.length);
  const readers = Array.from({ length: threads }, () =>
    bytes <= ALONE_BELOW ? readerHere(options) : readerInThread(options),
  );
  // The largest first, so that no thread is left with one while the others are done.
  const waiting = files.map((file, index) => ({ file, index })).sort((a, b) => a.file.bytes - b.file.bytes);
  const scanned: Scanned[] = [];
  try {
    await Promise.all(
      readers.map(async (reader) => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
          const { file, index } = next;
          let places: Scanned['places'] = [];
          let fault: string | null = null;
          for (const [time, way] of WAYS.entries()) {
            const look = time * files.length + index;
            const one = await reader.read({ ...file, way }, (batch) => taking.batch(look, batch));
            // What a look named is not named again by the next one.
            places = [...places, ...one.places];
            const isLast = way === 'in-small-pieces';
            // Smaller pieces of a file may be at fault in another way: the stream has said what is wrong with it.
            if (!isLast) fault = one.fault;
            scanned[index] = { ...one, places, fault };
            if (isLast || fault === null) break;
            taking.void(look);
          }
        }
      }),
    );
  } finally {
    await Promise.all(readers.map((reader) => reader.close()));
  }
  return scanned;
}

interface Reader {
  read(file: ScanFile, take: (batch: Batch) => void): Promise<Scanned>;
  close(): Promise<unknown>;
}

function readerHere(options: ColumnsOptions): Reader {
  let taking: (batch: Batch) => void = () => {};
  const columns = new Columns(options, (batch) => taking(batch));
  return {
    read(file, take) {
      taking = take;
      return scanFile(columns, file);
    },
    close: async () => {},
  };
}

function readerInThread(options: ColumnsOptions): Reader {
  const untaken = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(WORKER, { workerData: { options, untaken } satisfies ForWorker });
  let taking: (batch: Batch) => void = () => {};
  let reading = Promise.withResolvers<Scanned>();
  worker.on('error', (error) => reading.reject(error));
  worker.on('exit', () => reading.reject(new Error('a thread ended before its work')));
  worker.on('message', (message: FromWorker) => {
    try {
      if ('scanned' in message) {
        reading.resolve(message.scanned);
        return;
      }
      taking(message.batch);
      Atomics.sub(untaken, 0, 1);
      Atomics.notify(untaken, 0);
    } catch (error) {
      reading.reject(error);
    }
  });
  return {
    read(file, take) {
      taking = take;
      reading = Promise.withResolvers<Scanned>();
      const { path, compressed, node, way } = file;
      worker.postMessage({ path, compressed, node, way } satisfies ScanFile);
      return reading.promise;
    },
    async close() {
      // An error that another thread is about to have stays heard: unheard, it would end the process.
      worker.removeAllListeners('message');
      await worker.terminate();
    },
  };
}
