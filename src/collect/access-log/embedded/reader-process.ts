/** The child process of log-reader.ts: reads log files on request until its parent disconnects. */
import { Problem } from '../../../problem.ts';
import { readAccessLog } from './embedded-engine.ts';
import type { LogReadAnswer, LogReadRequest } from './log-reader.ts';

// Ctrl-C reaches every process of a terminal; the parent decides when this one stops.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
// process.exit() would wait for the threads.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

process.on('message', (request: LogReadRequest) => {
  // A rejection ends the process, and the parent restarts it.
  void answer(request).then((message) => process.send?.(message));
});

async function answer(request: LogReadRequest): Promise<LogReadAnswer> {
  try {
    return { log: await readAccessLog(request) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { problem: { message: error.message, exitCode: error.exitCode } };
  }
}
