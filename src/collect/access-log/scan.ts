/** All files into columns: in this thread when they are small, else in one for each core. A damaged file is read twice. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type Batch, Columns, type ColumnsOptions } from './columns.ts';
import { type ScanFile, type Scanned, scanFile } from './scan-file.ts';
import type { FromWorker } from './scan-worker.ts';

/** Up to this many compressed bytes a thread would take longer to begin than to read. */
const ALONE_BELOW = 4_000_000;

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './scan-worker.ts' : './scan-worker.js', import.meta.url);

export interface ToScan extends ScanFile {
  /** Compressed, or as it is. */
  bytes: number;
}

export interface Taking {
  /** Entries of the file at this index, which may come from any file at any time. */
  batch(file: number, batch: Batch): void;
  /** The file at this index is damaged: what came of it is void, and comes again as far as it can be read. */
  void(file: number): Promise<void>;
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
          const take = (batch: Batch) => taking.batch(index, batch);
          const first = await reader.read(file, take);
          if (first.fault === null) {
            scanned[index] = first;
            continue;
          }
          await taking.void(index);
          const again = await reader.read({ ...file, damaged: true }, take);
          // What the first look named is not named again.
          scanned[index] = { ...again, places: [...first.places, ...again.places], fault: first.fault };
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
  const worker = new Worker(WORKER, { workerData: options });
  let taking: (batch: Batch) => void = () => {};
  let reading = Promise.withResolvers<Scanned>();
  const fail = (why: unknown) => {
    reading.reject(why instanceof Error ? why : new Error(`a thread ended with ${String(why)}`));
  };
  worker.on('error', fail);
  worker.on('exit', fail);
  worker.on('message', (message: FromWorker) => {
    try {
      if ('batch' in message) taking(message.batch);
      else reading.resolve(message.scanned);
    } catch (error) {
      reading.reject(error);
    }
  });
  return {
    read(file, take) {
      taking = take;
      reading = Promise.withResolvers<Scanned>();
      const { path, compressed, node, damaged } = file;
      worker.postMessage({ path, compressed, node, damaged } satisfies ScanFile);
      return reading.promise;
    },
    async close() {
      worker.removeAllListeners();
      await worker.terminate();
    },
  };
}
