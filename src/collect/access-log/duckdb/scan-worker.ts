/** A thread of its own for scan.ts: reads one file after another, as it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Batch, Columns, type ColumnsOptions } from './columns.ts';
import { type ScanFile, type Scanned, scanFile } from './scan-file.ts';

/** `batch` belongs to the file that was asked for last; `scanned` ends it. */
export type FromWorker = { batch: Batch } | { scanned: Scanned };

export interface ForWorker {
  options: ColumnsOptions;
  /** One number in shared memory: batches that were handed out and are not taken yet. */
  untaken: Int32Array;
}

/** Batches of a thread, at most. */
const UNTAKEN = 4;

const port = parentPort;
if (port === null) throw new Error('scan-worker.ts is no program of its own');

const tell = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

const { options, untaken } = workerData as ForWorker;

const columns = new Columns(options, (batch) => {
  // Who reads faster than the batches are taken would fill the memory with them.
  for (let count = Atomics.load(untaken, 0); count >= UNTAKEN; count = Atomics.load(untaken, 0)) {
    Atomics.wait(untaken, 0, count);
  }
  Atomics.add(untaken, 0, 1);
  const { ended, place, client, route, status, targetStatus, targetMs, sample } = batch;
  tell(
    { batch },
    [ended, place, client, route, status, targetStatus, targetMs, sample].map(({ buffer }) => buffer),
  );
});

port.on('message', (file: ScanFile) => {
  // A rejection ends the thread, and is an error of whoever began it.
  void scanFile(columns, file).then((scanned) => tell({ scanned }));
});
