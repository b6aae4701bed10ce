/** `alb502 diagnose my-alb last 15m`: a load balancer in AWS and a question in words in, the diagnosis on stdout. */
import { type Collector, collect, type Progress } from '../collect.ts';
import { readConfig } from '../config.ts';
import { diagnose } from '../diagnose.ts';
import type { Diagnosis } from '../diagnosis.ts';
import type { AccessLog, Question } from '../evidence.ts';
import { Problem } from '../problem.ts';
import { parseQuery, resolve } from '../query.ts';
import { type DiagnoseOptions, hasColour, type Run, render } from './diagnose.ts';
import { sessionsFor } from './sessions.ts';

/** What a live run is given by whoever starts it. `now` in epoch milliseconds. */
export interface Surroundings {
  now: number;
  signal: AbortSignal;
  progress?: Progress;
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
  const { progress, close } = await openProgress(process.stderr, hasColour(process.stderr));
  try {
    const { diagnosis, ...known } = await judgeLive(words.join(' '), options, {
      now: Date.now(),
      signal: interruption.signal,
      progress,
    });
    close();
    await saving?.saveIncident(saving.dir, { ...known, incident: null });
    if (saving)
      process.stderr.write(`Saved to ${saving.dir}, redacted; alb502 diagnose --from ${saving.dir} reads it.\n`);
    process.stdout.write(await render(diagnosis, options));
  } finally {
    close();
    process.removeListener('SIGINT', interrupt);
  }
}

/** Answers one question about a load balancer in AWS. Throws Problem, exit 130 when `signal` aborts. */
export async function judgeLive(words: string, options: DiagnoseOptions, surroundings: Surroundings): Promise<Run> {
  const { now, signal, progress, provisional } = surroundings;
  const query = parseQuery(words);
  if (query.loadBalancer === null) {
    throw new Problem(
      'Which load balancer? Name it, such as alb502 diagnose my-alb last 15m, or a recorded incident with --from <dir>.',
      1,
    );
  }
  const window = resolve(query, { now });
  const config = await readConfig(options.config);
  const sessions = await sessionsFor(query.loadBalancer, config.accounts, options, {
    signal,
    deadline: config.deadlines.evidenceSeconds * 1000,
  });
  try {
    const { findLive } = await import('../collect/live/load-balancer.ts');
    const finding = findLive(query.loadBalancer, sessions);
    // Loading takes as long as a call: it goes on meanwhile.
    const [found, { liveCollectors }] = await Promise.all([finding, import('../collect/live.ts')]);
    const { name, arn } = found;
    const question: Question = { loadBalancer: { name, arn }, ...window, now, statuses: query.statuses };
    const collectors = liveCollectors({ found, question, accessLog: () => notRead });
    const evidence = await collect(collectors, progress, (early) => provisional?.(diagnose(question, early)));
    return { question, evidence, diagnosis: diagnose(question, evidence) };
  } finally {
    for (const session of sessions) session.close();
  }
}

const source = 'aws s3 ls --recursive s3://<access_logs.s3.bucket>/<access_logs.s3.prefix>/AWSLogs/';
const notRead: Collector<AccessLog> = {
  source,
  collect: () => ({ status: 'unavailable', source, reason: 'this version reads no access log in AWS' }),
};
