/** A worker thread of scan.ts: reads one file after another on request; one thread then counts the traffic. */
import { parentPort, workerData } from 'node:worker_threads';
import type { PlaceRow } from '../place-traffic.ts';
import { type Batch, Columns, type ColumnsOptions } from './columns.ts';
import { type CountedTraffic, countTraffic, type TrafficRequest } from './count-traffic.ts';
import { type FileToScan, type ScannedFile, scanFile } from './scan-file.ts';

export type MessageToWorker = FileToScan | TrafficRequest;

/** `batch` belongs to the last requested file; `scanned` ends it. `counted` follows `places`. */
export type MessageFromWorker =
  | { batch: Batch }
  | { scanned: ScannedFile }
  | { places: PlaceRow[] }
  | { counted: CountedTraffic };

export interface WorkerOptions {
  options: ColumnsOptions;
  /** One number in shared memory: batches posted but not yet consumed. */
  pending: Int32Array;
}

/** Maximum unconsumed batches of a thread. */
const MAX_PENDING = 4;

const port = parentPort;
if (port === null) throw new Error('scan-worker.ts is no program of its own');

const post = (message: MessageFromWorker): void => port.postMessage(message);

const { options, pending } = workerData as WorkerOptions;

const columns = new Columns(options, (batch) => {
  // Without this wait, a reader faster than its consumer would fill the memory with batches.
  for (let count = Atomics.load(pending, 0); count >= MAX_PENDING; count = Atomics.load(pending, 0)) {
    Atomics.wait(pending, 0, count);
  }
  Atomics.add(pending, 0, 1);
  post({ batch });
});

port.on('message', (message: MessageToWorker) => {
  if ('entries' in message) {
    post({ counted: countTraffic(message, (places) => post({ places })) });
    return;
  }
  // A rejection ends the thread and reaches its owner as an error.
  void scanFile(columns, message).then((scanned) => post({ scanned }));
});
