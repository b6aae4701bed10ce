/** `alb502 diagnose my-alb last 15m`: a load balancer in AWS and a question in words in, the diagnosis on stdout. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../config.ts';
import { investigateLive } from '../investigate/live.ts';
import type { Investigation, Surroundings } from '../investigate.ts';
import { Problem } from '../problem.ts';
import { parseQuery, resolve } from '../query.ts';
import { type DiagnoseOptions, hasColour, render } from './diagnose.ts';

/** As for every investigation, and the moment it is asked, in epoch milliseconds. */
export type LiveSurroundings = Surroundings & { now: number };

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

/** Answers one question about a load balancer in AWS. Throws Problem, exit 130 when `signal` aborts. */
export async function judgeLive(
  words: string,
  options: DiagnoseOptions,
  { now, ...surroundings }: LiveSurroundings,
): Promise<Investigation> {
  const { loadBalancer, statuses, ...query } = parseQuery(words);
  if (loadBalancer === null) {
    throw new Problem(
      'Which load balancer? Name it, such as alb502 diagnose my-alb last 15m, or a recorded incident with --from <dir>.',
      1,
    );
  }
  const window = resolve(query, { now });
  const limit = maxUsd(options);
  const config = await readConfig(options.config);
  const { region, profile, engine } = options;
  const place = { config, region, profile, engine, maxUsd: limit };
  return investigateLive(loadBalancer, { ...window, now, statuses }, place, surroundings);
}

/** US dollars; null without the option. Throws Problem (exit 1) for what is no amount. */
function maxUsd({ maxUsd: text }: DiagnoseOptions): number | null {
  if (text === undefined) return null;
  const usd = Number(text);
  if (text.trim() !== '' && usd >= 0 && usd < Number.POSITIVE_INFINITY) return usd;
  throw new Problem(`--max-usd needs an amount of US dollars, such as --max-usd 0.50, not "${text}".`, 1);
}
