/** `alb502 diagnose my-alb last 15m`: a load balancer in AWS and a question in words in, the diagnosis on stdout. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attributes } from '../aws.ts';
import type { LiveAccessLog } from '../collect/live/access-log.ts';
import { interrupted } from '../collect/live/call.ts';
import { searchOf } from '../collect/recorded.ts';
import { type Collector, collect, type Progress } from '../collect.ts';
import { readConfig } from '../config.ts';
import { diagnose } from '../diagnose.ts';
import type { Diagnosis } from '../diagnosis.ts';
import type { AccessLog, Collected, Question } from '../evidence.ts';
import { Problem } from '../problem.ts';
import { parseQuery, resolve } from '../query.ts';
import { type DiagnoseOptions, hasColour, type Run, render } from './diagnose.ts';
import { sessionsFor } from './sessions.ts';

/** What a live run is given by whoever starts it. `now` in epoch milliseconds. */
export interface Surroundings {
  now: number;
  signal: AbortSignal;
  progress?: Progress;
  /** What is being done for the access log, in a few words. */
  doing?: (words: string) => void;
  /** A folder in which fetched log files are kept, in logs/; null to keep none. */
  keepIn?: string | null;
  /** Called once with what metrics and configuration say, when that is known before the access log. */
  provisional?: (diagnosis: Diagnosis) => void;
}

export async function diagnoseLive(words: string[], options: DiagnoseOptions): Promise<void> {
  const { save } = options;
  const saving = save === undefined ? null : { dir: save, ...(await import('../save.ts')) };
  await saving?.assertSaveable(saving.dir, null);
  const { openProgress } = await import('../progress.ts');
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once('SIGINT', interrupt);
  const { progress, doing, soFar, close } = await openProgress(process.stderr, hasColour(process.stderr));
  // Log files that are fetched are kept until they are saved.
  const keepIn = saving && (await mkdtemp(join(tmpdir(), 'alb502-live-')));
  try {
    const { diagnosis, hasLogFiles, ...known } = await judgeLive(words.join(' '), options, {
      now: Date.now(),
      signal: interruption.signal,
      progress,
      doing,
      provisional: ({ verdict }) => soFar(verdict.summary),
      keepIn,
    });
    close();
    if (saving) {
      const incident = keepIn !== null && hasLogFiles ? { dir: keepIn, logs: true } : null;
      await saving.saveIncident(saving.dir, { ...known, incident });
      process.stderr.write(`Saved to ${saving.dir}, redacted; alb502 diagnose --from ${saving.dir} reads it.\n`);
    }
    process.stdout.write(await render(diagnosis, options));
  } finally {
    close();
    process.removeListener('SIGINT', interrupt);
    if (keepIn) await rm(keepIn, { recursive: true, force: true });
  }
}

/** A run whose log files, if `hasLogFiles`, lie in logs/ of the folder they were to be kept in. */
export type LiveRun = Run & { hasLogFiles: boolean };

/** Answers one question about a load balancer in AWS. Throws Problem, exit 130 when `signal` aborts. */
export async function judgeLive(words: string, options: DiagnoseOptions, surroundings: Surroundings): Promise<LiveRun> {
  const { now, signal, progress, doing = () => {}, provisional, keepIn = null } = surroundings;
  const query = parseQuery(words);
  if (query.loadBalancer === null) {
    throw new Problem(
      'Which load balancer? Name it, such as alb502 diagnose my-alb last 15m, or a recorded incident with --from <dir>.',
      1,
    );
  }
  const window = resolve(query, { now });
  const limit = maxUsd(options);
  const config = await readConfig(options.config);
  const { evidenceSeconds, accessLogSeconds } = config.deadlines;
  const limits = { signal, deadline: evidenceSeconds * 1000 };
  const sessions = await sessionsFor(query.loadBalancer, config.accounts, options, limits);
  try {
    const { findLive } = await import('../collect/live/load-balancer.ts');
    const finding = findLive(query.loadBalancer, sessions);
    // Loading takes as long as a call: it goes on meanwhile.
    const [found, { liveCollectors }, { readLiveAccessLog }] = await Promise.all([
      finding,
      import('../collect/live.ts'),
      import('../collect/live/access-log.ts'),
    ]);
    const { name, arn, session } = found;
    const question: Question = { loadBalancer: { name, arn }, ...window, now, statuses: query.statuses };
    const log: { read: LiveAccessLog | null } = { read: null };
    const accessLog = (attributes: () => Promise<Collected<Attributes>>): Collector<AccessLog> => ({
      source: searchOf(question),
      collect: async () => {
        const read = await readLiveAccessLog({
          session,
          question,
          attributes: await attributes(),
          loadBalancerArn: arn,
          engine: options.engine ?? 'auto',
          athena: config.athena,
          maxUsd: limit ?? config.maxUsd,
          keepIn,
          deadline: accessLogSeconds * 1000,
          progress: doing,
        });
        log.read = read;
        return read.log;
      },
    });
    const collectors = liveCollectors({ found, question, accessLog });
    const evidence = await collect(collectors, progress, (early) => provisional?.(diagnose(question, early)));
    if (signal.aborted) throw interrupted();
    const diagnosis = diagnose(question, evidence);
    const { kept = null, cost = diagnosis.cost } = log.read ?? {};
    // What was spent in vain was spent too.
    return { question, evidence, diagnosis: { ...diagnosis, cost }, hasLogFiles: kept !== null && 'folder' in kept };
  } finally {
    for (const session of sessions) session.close();
  }
}

/** US dollars; null without the option. Throws Problem (exit 1) for what is no amount. */
function maxUsd({ maxUsd: text }: DiagnoseOptions): number | null {
  if (text === undefined) return null;
  const usd = Number(text);
  if (text.trim() !== '' && usd >= 0 && usd < Number.POSITIVE_INFINITY) return usd;
  throw new Problem(`--max-usd needs an amount of US dollars, such as --max-usd 0.50, not "${text}".`, 1);
}
