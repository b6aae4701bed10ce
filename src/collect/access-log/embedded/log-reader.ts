/**
 * Reads log files in this process, or in a child process that may crash and can be killed in the middle of its work.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { rm } from 'node:fs/promises';
import type { AccessLog } from '../../../evidence/access-log.ts';
import { Problem } from '../../../problem.ts';
import { makeTemporaryFolder } from '../../temporary-folder.ts';
import { stoppedError } from '../access-log-error.ts';
import type { ArrivingFiles, ReadOptions } from './embedded-engine.ts';

export type LogReadRequest = Pick<ReadOptions, 'folder' | 'arriving' | 'question' | 'idleTimeoutSeconds'>;

/** To the child process: a request, and the names of arriving files as they come; null after the last one. */
export type MessageToReader =
  | (Omit<LogReadRequest, 'arriving'> & { arriving?: Omit<ArrivingFiles, 'names'> })
  | { arrived: string | null };

/** The child process's answer. */
export type LogReadAnswer = { log: AccessLog } | { problem: { message: string; exitCode: Problem['exitCode'] } };

/** A reader, opened while the files are still downloading. */
export interface LogReader {
  /** See readAccessLog. */
  read(request: LogReadRequest, signal: AbortSignal): Promise<AccessLog>;
  close(): Promise<void>;
}

/** Opens a reader in this process. */
export async function openReaderHere(): Promise<LogReader> {
  const { readAccessLog } = await import('./embedded-engine.ts');
  return { read: (request, signal) => readAccessLog({ ...request, signal }), close: async () => {} };
}

const PROGRAM = new URL(
  import.meta.url.endsWith('.ts') ? './reader-process.ts' : './reader-process.js',
  import.meta.url,
);

/** How often a process that exits before it answers is restarted. */
const RESTARTS = 1;

/**
 * Opens a reader in a child process, so that a crash or a lack of memory ends only that process. An abort kills it at any time.
 * `read` throws a Problem (exit 2) if every attempt exited without an answer.
 */
export async function openReaderApart(): Promise<LogReader> {
  const temporary = await makeTemporaryFolder('alb502-reader-');
  let running = startProcess(temporary);
  return {
    async read({ arriving, ...asked }, signal) {
      const { names, ...expected } = arriving ?? { names: null };
      const request = names === null ? asked : { ...asked, arriving: expected as Omit<ArrivingFiles, 'names'> };
      const arrivals = names === null ? null : keepArrivals(names);
      for (let restarts = 0; ; restarts++) {
        const answer = await ask(running, request, arrivals, signal);
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
  /** Resolves to how it ended, in a few words. Never rejects. */
  ended: Promise<string>;
}

/** Starts the child process without credentials: it only reads files. */
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

/** Passes on names as they arrive, and all earlier ones to a process that is started later. */
interface Arrivals {
  passTo(take: (arrived: string | null) => void): void;
}

function keepArrivals(names: AsyncIterable<string>): Arrivals {
  const kept: (string | null)[] = [];
  let pass: (arrived: string | null) => void = () => {};
  const add = (arrived: string | null) => {
    kept.push(arrived);
    pass(arrived);
  };
  const keep = async () => {
    for await (const name of names) add(name);
  };
  void keep().finally(() => add(null));
  return {
    passTo(take) {
      pass = take;
      for (const arrived of kept) take(arrived);
    },
  };
}

/** Throws AccessLogError after the signal aborts and the process has been killed. */
async function ask(
  { child, ended }: ReaderProcess,
  request: MessageToReader,
  arrivals: Arrivals | null,
  signal: AbortSignal,
): Promise<LogReadAnswer | { ended: string }> {
  const stop = () => child.kill('SIGKILL');
  signal.addEventListener('abort', stop);
  try {
    if (signal.aborted) stop();
    const answered = Promise.withResolvers<LogReadAnswer>();
    child.once('message', (answer: LogReadAnswer) => answered.resolve(answer));
    // A send error is ignored: it means that the process has exited, and `ended` says more.
    const send = (message: MessageToReader) => void child.send(message, () => {});
    send(request);
    arrivals?.passTo((arrived) => send({ arrived }));
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
