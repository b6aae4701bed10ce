/** `alb502 diagnose my-alb last 15m`: diagnoses a load balancer in AWS and prints the diagnosis on stdout. */

import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTemporaryFolder } from '../collect/temporary-folder.ts';
import type { Question } from '../evidence/question.ts';
import { DEFAULT_STATUSES } from '../evidence/statuses.ts';
import { command } from '../format/command.ts';
import type { InvestigationOptions, InvestigationResult } from '../investigate/investigator.ts';
import { type EarlierLooks, investigateLive, type LiveInvestigationSettings } from '../investigate/live.ts';
import { investigateUntilFinal, REAL_WAIT_CLOCK, type WaitClock, type WaitResult } from '../investigate/until-final.ts';
import { Problem } from '../problem.ts';
import { parseQuestion } from '../query/parse-question.ts';
import { resolveWindow, windowReading } from '../query/window.ts';
import { type DiagnoseOptions, isRedacted, parseLookBack } from './diagnose-options.ts';
import { hasColour, rendererFor } from './output.ts';
import { printNotice } from './print-notice.ts';
import { readConfig } from './read-config.ts';

/** Options of an investigation, with the time of the question in epoch milliseconds. */
export type TimedInvestigationOptions = InvestigationOptions & { now: number };

/** `dir`: folder of the answer's log files; null if there are none. */
type ResultWithLogFolder = InvestigationResult & { dir: string | null };

/** Prints the diagnosis. Throws Problem; an interrupted wait first prints the findings so far. */
export async function diagnoseLive(
  words: string[],
  options: DiagnoseOptions,
  time: WaitClock = REAL_WAIT_CLOCK,
): Promise<void> {
  const { save } = options;
  const saving = save === undefined ? null : { dir: save, ...(await import('../collect/incident/save.ts')) };
  await saving?.assertSaveable(saving.dir, null);
  const { nameOrArn, question, settings, note } = await readQuestion(words.join(' '), options, time.clock());
  if (note !== null) printNotice(note);
  const interruption = new AbortController();
  // Keep this listener after the first Ctrl-C: log-update ends the process at a signal without another listener.
  const interrupt = () => {
    if (interruption.signal.aborted) process.exit(130);
    interruption.abort();
  };
  process.on('SIGINT', interrupt);
  // Keep fetched log files until they are saved.
  const temporaryFolder = saving && (await makeTemporaryFolder('alb502-live-'));
  const earlierLooks: EarlierLooks = new Map();
  const investigate = async (now: number, spentUsd: number): Promise<ResultWithLogFolder> => {
    const { openProgressDisplay } = await import('./terminal-progress.ts');
    const { listener, showAccessLogStatus, showInterimVerdict, close } = await openProgressDisplay(
      process.stderr,
      hasColour(process.stderr),
    );
    const notices: string[] = [];
    try {
      const keepIn = temporaryFolder && (await mkdtemp(join(temporaryFolder, 'ask-')));
      const answer = await investigateLive(
        nameOrArn,
        { ...question, now },
        { ...settings, spentUsd, earlierLooks },
        {
          signal: interruption.signal,
          progress: listener,
          onAccessLogStatus: showAccessLogStatus,
          // On a terminal, the checklist already shows the estimate.
          ...(process.stderr.isTTY ? {} : { onEstimate: printNotice }),
          onInterimDiagnosis: async (diagnosis) => {
            const { interimWords } = await import('../render/outline.ts');
            const interim = interimWords(diagnosis);
            if (interim !== null) showInterimVerdict(interim);
          },
          onNotice: (sentence) => notices.push(sentence),
          preload: () => rendererFor(options),
          keepIn,
          isRedacted: isRedacted(options),
        },
      );
      return { ...answer, dir: answer.hasLogFiles ? keepIn : null };
    } finally {
      close();
      for (const notice of notices) printNotice(notice);
    }
  };
  try {
    const { result, problem }: WaitResult<ResultWithLogFolder> = options.wait
      ? await investigateUntilFinal((now, { usd }) => investigate(now, usd), {
          window: question,
          now: question.now,
          signal: interruption.signal,
          time,
          onWait: async (interim, nextAt) => {
            const { waitMessage } = await import('./wait-message.ts');
            for (const line of waitMessage(interim, nextAt)) printNotice(line);
          },
          onLogFailure: (reason) => printNotice(`The access log could not be read again: ${reason}.`),
          onReplaced: async ({ dir }) => {
            if (dir !== null) await rm(dir, { recursive: true, force: true });
          },
        })
      : { result: await investigate(question.now, 0), problem: null };
    const { diagnosis, dir } = result;
    // Print the diagnosis even if saving fails, since reading it was paid for.
    const saved = saving?.saveIncident(saving.dir, {
      ...result,
      incident: dir === null ? null : { dir, logs: true },
    });
    const unsaved = await saved?.then(
      () => null,
      (error: unknown) => ({ error }),
    );
    if (unsaved === null)
      printNotice(`Saved to ${save}, redacted; ${command`alb502 diagnose --from ${save ?? ''}`} reads it.`);
    const render = await rendererFor(options);
    process.stdout.write(render(diagnosis));
    if (problem !== null) throw problem;
    if (unsaved) throw unsaved.error;
    if (options.wait && diagnosis.provisional) printNotice(notFinalMessage(result));
  } finally {
    process.removeListener('SIGINT', interrupt);
    if (temporaryFolder) await rm(temporaryFolder, { recursive: true, force: true });
  }
}

const notFinalMessage = ({ evidence }: InvestigationResult): string =>
  evidence.accessLog.status === 'collected'
    ? 'The diagnosis stays provisional, because the log could not be read completely.'
    : 'Not waiting, because the access log could not be read.';

/** Answers one question about a load balancer in AWS. Throws Problem; exit 130 when `signal` aborts. */
export async function investigateWords(
  words: string,
  options: DiagnoseOptions,
  { now, ...investigationOptions }: TimedInvestigationOptions,
): Promise<InvestigationResult> {
  const { nameOrArn, question, settings } = await readQuestion(words, options, now);
  return investigateLive(nameOrArn, question, settings, investigationOptions);
}

interface LiveRequest {
  /** The load balancer as typed. */
  nameOrArn: string;
  question: Omit<Question, 'loadBalancer'>;
  settings: LiveInvestigationSettings;
  /** Sentence on how the times were read; null if none were typed. */
  note: string | null;
}

/** Parses the question and fixes its window, so that retries use the same. Throws Problem (exit 1). */
async function readQuestion(words: string, options: DiagnoseOptions, now: number): Promise<LiveRequest> {
  const { loadBalancer, statuses, ...parsed } = parseQuestion(words);
  if (loadBalancer === null) {
    throw new Problem(
      'Which load balancer? Try: alb502 diagnose my-alb last 15m, or --from <dir> for a recorded incident.',
      1,
    );
  }
  const window = resolveWindow(parsed, { now }, loadBalancer);
  const limit = parseMaxUsd(options);
  const lookBack = parseLookBack(options);
  const config = await readConfig(options.config);
  const { region, profile, engine } = options;
  return {
    nameOrArn: loadBalancer,
    question: {
      ...window,
      now,
      statuses: statuses ?? [...DEFAULT_STATUSES],
      ...(lookBack === null ? {} : { lookBack }),
    },
    settings: { config, region, profile, engine, maxUsd: limit },
    note: windowReading(parsed, window, now),
  };
}

/** Returns US dollars; null without the option. Throws Problem (exit 1) for an invalid amount. */
function parseMaxUsd({ maxUsd: text }: DiagnoseOptions): number | null {
  if (text === undefined) return null;
  const usd = Number(text);
  if (text.trim() !== '' && usd >= 0 && usd < Number.POSITIVE_INFINITY) return usd;
  throw new Problem(`Didn't understand --max-usd "${text}". Use an amount in US dollars: --max-usd 0.50.`, 1);
}
