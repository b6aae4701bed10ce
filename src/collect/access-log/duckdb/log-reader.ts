/** Who reads log files with DuckDB: this process, or a process of its own, which may crash and can be killed in a query. */
import { type ChildProcess, fork } from 'node:child_process';
import { rm } from 'node:fs/promises';
import type { AccessLog } from '../../../evidence/evidence.ts';
import { Problem } from '../../../problem.ts';
import { makeTemporaryFolder } from '../../temporary-folder.ts';
import { stoppedError } from '../access-log-error.ts';
import type { ReadOptions } from './duckdb-engine.ts';

/** What is to be read, as it goes to another process. */
export type LogReadRequest = Pick<ReadOptions, 'folder' | 'question' | 'idleTimeoutSeconds'>;

/** What comes back. */
export type LogReadAnswer = { log: AccessLog } | { problem: { message: string; exitCode: Problem['exitCode'] } };

/** Opened while the files come. */
export interface LogReader {
  /** As readAccessLog. */
  read(request: LogReadRequest, signal: AbortSignal): Promise<AccessLog>;
  close(): Promise<void>;
}

/** Reads in this process. */
export async function openReaderHere(): Promise<LogReader> {
  const { openDuckDb, readAccessLog } = await import('./duckdb-engine.ts');
  const engine = await openDuckDb();
  return {
    read: (request, signal) => readAccessLog({ ...request, signal, engine }),
    close: () => engine.close(),
  };
}

const PROGRAM = new URL(
  import.meta.url.endsWith('.ts') ? './reader-process.ts' : './reader-process.js',
  import.meta.url,
);

/** A process that ends before it answers is started again this many times. */
const RESTARTS = 1;

/**
 * Reads in another process, so that a crash of DuckDB ends that one alone. An abort kills it, whatever it does. `read` throws a Problem
 * (exit 2) when it ended without an answer each time.
 */
export async function openReaderApart(): Promise<LogReader> {
  const temporary = await makeTemporaryFolder('alb502-reader-');
  let running = startProcess(temporary);
  return {
    async read(request, signal) {
      for (let restarts = 0; ; restarts++) {
        const answer = await ask(running, request, signal);
        if ('log' in answer) return answer.log;
        if ('problem' in answer) throw new Problem(answer.problem.message, answer.problem.exitCode);
        if (restarts === RESTARTS)
          throw new Problem(
            `The access log could not be read to its end: the process that reads it ended ${restarts + 1} times (${answer.ended}).`,
            2,
          );
        running = startProcess(temporary);
      }
    },
    async close() {
      await kill(running);
      await rm(temporary, { recursive: true, force: true });
    },
  };
}

interface ReaderProcess {
  child: ChildProcess;
  /** How it ended, in a few words. Never rejects. */
  ended: Promise<string>;
}

/** Without credentials: the child process only reads files. */
function startProcess(temporary: string): ReaderProcess {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = fork(PROGRAM, {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
    env: { TMPDIR: temporary, ...(PATH ? { PATH } : {}), ...(NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE } : {}) },
  });
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  child.once('error', (error) => resolve(error.message));
  child.once('exit', (code, signal) => resolve(signal ?? `exit ${code}`));
  return { child, ended };
}

/** Throws AccessLogError once the signal aborts, when the process has been killed. */
async function ask(
  { child, ended }: ReaderProcess,
  request: LogReadRequest,
  signal: AbortSignal,
): Promise<LogReadAnswer | { ended: string }> {
  const stop = () => child.kill('SIGKILL');
  signal.addEventListener('abort', stop);
  try {
    if (signal.aborted) stop();
    const answered = Promise.withResolvers<LogReadAnswer>();
    child.once('message', (answer: LogReadAnswer) => answered.resolve(answer));
    // Why it cannot be sent is that the process has ended, which says more.
    child.send(request, () => {});
    const answer = await Promise.race([answered.promise, ended.then((how) => ({ ended: how }))]);
    if (signal.aborted) throw stoppedError('reading log files');
    return answer;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function kill({ child, ended }: ReaderProcess): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}
