/** `alb502 diagnose my-alb last 15m`: a load balancer in AWS and a question in words in, the diagnosis on stdout. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../config.ts';
import { visibleDiagnosis } from '../format/escape-control-characters.ts';
import { clock } from '../format/wording.ts';
import type { Investigation, Surroundings } from '../investigate/investigator.ts';
import { type Ask, investigateLive, type Place } from '../investigate/live.ts';
import { TIME, type Time, untilFinal, type Waited } from '../investigate/until-final.ts';
import { Problem } from '../problem.ts';
import { dayMeant, parseQuery, resolve } from '../query/parse-question.ts';
import { completenessSentence, headline } from '../render/phrases.ts';
import { type DiagnoseOptions, hasColour, lookBackOf, rendererFor } from './diagnose-command.ts';

/** As for every investigation, and the moment it is asked, in epoch milliseconds. */
export type LiveSurroundings = Surroundings & { now: number };

/** Where the log files of an answer are kept; null where none are. */
type Kept = Investigation & { dir: string | null };

/** Throws Problem; what was known before an interruption ended the waiting is printed first. */
export async function diagnoseLive(words: string[], options: DiagnoseOptions, time: Time = TIME): Promise<void> {
  const { save } = options;
  const saving = save === undefined ? null : { dir: save, ...(await import('../collect/incident/save.ts')) };
  await saving?.assertSaveable(saving.dir, null);
  const { asked, question, place, note } = await readQuestion(words.join(' '), options, time.clock());
  if (note !== null) tell(note);
  const interruption = new AbortController();
  // Kept for the second time: what draws on a terminal ends the process at a signal that nobody listens to any more.
  const interrupt = () => {
    if (interruption.signal.aborted) process.exit(130);
    interruption.abort();
  };
  process.on('SIGINT', interrupt);
  // Log files that are fetched are kept until they are saved.
  const keeping = saving && (await mkdtemp(join(tmpdir(), 'alb502-live-')));
  const ask = async (now: number, spentUsd: number): Promise<Kept> => {
    const { openProgress } = await import('./terminal-progress.ts');
    const { progress, doing, soFar, close } = await openProgress(process.stderr, hasColour(process.stderr));
    const notices: string[] = [];
    try {
      const keepIn = keeping && (await mkdtemp(join(keeping, 'ask-')));
      const answer = await investigateLive(
        asked,
        { ...question, now },
        { ...place, spentUsd },
        {
          signal: interruption.signal,
          progress,
          doing,
          // On a terminal it is drawn beside the steps.
          ...(process.stderr.isTTY ? {} : { estimated: tell }),
          provisional: ({ verdict }) => soFar(verdict.summary),
          notice: (sentence) => notices.push(sentence),
          ahead: () => rendererFor(options),
          keepIn,
        },
      );
      return { ...answer, dir: answer.hasLogFiles ? keepIn : null };
    } finally {
      close();
      for (const notice of notices) tell(notice);
    }
  };
  try {
    const { known, problem }: Waited<Kept> = options.wait
      ? await untilFinal((now, { usd }) => ask(now, usd), {
          window: question,
          now: question.now,
          signal: interruption.signal,
          time,
          waits: (known, again) => tell(waitingFor(known, again)),
          failed: (reason) => tell(`The access log could not be read again: ${reason}.`),
          replaced: async ({ dir }) => {
            if (dir !== null) await rm(dir, { recursive: true, force: true });
          },
        })
      : { known: await ask(question.now, 0), problem: null };
    const { diagnosis, dir } = known;
    // What was asked and paid for is printed, also when it cannot be saved.
    const saved = saving?.saveIncident(saving.dir, {
      ...known,
      incident: dir === null ? null : { dir, logs: true },
    });
    const unsaved = await saved?.then(
      () => null,
      (error: unknown) => ({ error }),
    );
    if (unsaved === null) tell(`Saved to ${save}, redacted; alb502 diagnose --from ${save} reads it.`);
    const render = await rendererFor(options);
    process.stdout.write(render(diagnosis));
    if (problem !== null) throw problem;
    if (unsaved) throw unsaved.error;
    if (options.wait && diagnosis.provisional) tell(notFinal(known));
  } finally {
    process.removeListener('SIGINT', interrupt);
    if (keeping) await rm(keeping, { recursive: true, force: true });
  }
}

/** What a person who waits is told each time: enough to act on, and when there is more. */
export function waitingFor({ diagnosis }: Investigation, again: number): string {
  const shown = visibleDiagnosis(diagnosis);
  return [
    `${headline(shown)}, asking again at ${clock(again)}`,
    shown.verdict.summary,
    `${completenessSentence(shown)}.`,
  ].join('\n');
}

const notFinal = ({ evidence }: Investigation): string =>
  evidence.accessLog.status === 'collected'
    ? 'This stays provisional: the log could not be read to its end.'
    : 'Nothing is waited for: the access log could not be read.';

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Answers one question about a load balancer in AWS. Throws Problem, exit 130 when `signal` aborts. */
export async function judgeLive(
  words: string,
  options: DiagnoseOptions,
  { now, ...surroundings }: LiveSurroundings,
): Promise<Investigation> {
  const { asked, question, place } = await readQuestion(words, options, now);
  return investigateLive(asked, question, place, surroundings);
}

interface LiveQuestion {
  /** The load balancer as it was typed. */
  asked: string;
  question: Ask;
  place: Place;
  /** A sentence for a person where the window may not be the one that was meant; null else. */
  note: string | null;
}

/** The window is settled here: asked again, it is the same. Throws Problem (exit 1). */
async function readQuestion(words: string, options: DiagnoseOptions, now: number): Promise<LiveQuestion> {
  const { loadBalancer, statuses, ...query } = parseQuery(words);
  if (loadBalancer === null) {
    throw new Problem(
      'Which load balancer? Name it, such as alb502 diagnose my-alb last 15m, or a recorded incident with --from <dir>.',
      1,
    );
  }
  const window = resolve(query, { now });
  const limit = maxUsd(options);
  const lookBack = lookBackOf(options);
  const config = await readConfig(options.config);
  const { region, profile, engine } = options;
  return {
    asked: loadBalancer,
    question: { ...window, now, statuses, ...(lookBack === null ? {} : { lookBack }) },
    place: { config, region, profile, engine, maxUsd: limit },
    note: dayMeant(query, window, now),
  };
}

/** US dollars; null without the option. Throws Problem (exit 1) for what is no amount. */
function maxUsd({ maxUsd: text }: DiagnoseOptions): number | null {
  if (text === undefined) return null;
  const usd = Number(text);
  if (text.trim() !== '' && usd >= 0 && usd < Number.POSITIVE_INFINITY) return usd;
  throw new Problem(`--max-usd needs an amount of US dollars, such as --max-usd 0.50, not "${text}".`, 1);
}
