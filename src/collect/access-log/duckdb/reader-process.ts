/** The program of log-reader.ts: reads log files, as it is told, until whoever started it is gone. */
import { Problem } from '../../../problem.ts';
import { openDuckDb, readAccessLog } from './duckdb-engine.ts';
import type { LogReadAnswer, LogReadRequest } from './log-reader.ts';

const engine = openDuckDb();

// Ctrl-C reaches every process of a terminal: whoever started this one decides what becomes of it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
// process.exit() would wait for a query that runs.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

process.on('message', (request: LogReadRequest) => {
  // A rejection ends the process, and it is started again.
  void answer(request).then((message) => process.send?.(message));
});

async function answer(request: LogReadRequest): Promise<LogReadAnswer> {
  try {
    return { log: await readAccessLog({ ...request, engine: await engine }) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { problem: { message: error.message, exitCode: error.exitCode } };
  }
}
