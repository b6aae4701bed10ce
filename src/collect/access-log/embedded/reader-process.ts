/** The child process of log-reader.ts: reads log files on request until its parent disconnects. */
import { Readable } from 'node:stream';
import { Problem } from '../../../problem.ts';
import { type ReadOptions, readAccessLog } from './embedded-engine.ts';
import type { LogReadAnswer, MessageToReader } from './log-reader.ts';

// Ctrl-C reaches every process of a terminal; the parent decides when this one stops.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
// process.exit() would wait for the threads.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

/** Names of the files that have arrived for the last request. */
let names = new Readable();

process.on('message', (message: MessageToReader) => {
  if ('arrived' in message) {
    names.push(message.arrived);
    return;
  }
  const { arriving, ...request } = message;
  names = new Readable({ objectMode: true, read() {} });
  const options = arriving === undefined ? request : { ...request, arriving: { ...arriving, names } };
  // A rejection ends the process, and the parent restarts it.
  void answer(options).then((answered) => process.send?.(answered));
});

async function answer(request: ReadOptions): Promise<LogReadAnswer> {
  try {
    return { log: await readAccessLog(request) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { problem: { message: error.message, exitCode: error.exitCode } };
  }
}
