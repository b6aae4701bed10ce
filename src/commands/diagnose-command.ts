/** `alb502 diagnose`: diagnoses a load balancer or a recorded incident, and prints the diagnosis on stdout. */

import type { LogEngine } from '../collect/aws/live-log-read.ts';
import type { ProgressListener } from '../collect/collect.ts';
import type { Incident } from '../collect/incident/incident-collectors.ts';
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import { command } from '../format/command.ts';
import type { InvestigationResult } from '../investigate/investigator.ts';
import { Problem } from '../problem.ts';
import { parseDuration, parseQuestion } from '../query/parse-question.ts';
import { resolveWindow } from '../query/window.ts';
import { printNotice } from './print-notice.ts';

export interface DiagnoseOptions {
  /** Folder of a recorded incident; without it, a load balancer in AWS is diagnosed. */
  from?: string;
  region?: string;
  profile?: string;
  /** The configuration file. */
  config?: string;
  engine?: LogEngine;
  /** As typed. */
  maxUsd?: string;
  /** How far before the window the access log is also read, for the keep-alive measurement; as typed. */
  lookBack?: string;
  save?: string;
  /** Retries until the diagnosis is final. */
  wait?: true;
  json?: true;
  markdown?: true;
  /** Shows only the parts of requests that are safe to share. */
  redact?: true;
}

export type DiagnosedIncident = Omit<InvestigationResult, 'hasLogFiles'>;

export async function diagnoseCommand(words: string[], options: DiagnoseOptions): Promise<void> {
  const { from, save } = options;
  if (save === '') throw new Problem('--save needs a new or an empty folder, such as --save incident/.', 1);
  if (from === '') throw new Problem('--from needs the folder of a recorded incident, such as --from incident/.', 1);
  // Ctrl-C ends a diagnosis in AWS gracefully.
  (await import('../collect/temporary-folder.ts')).removeFoldersAt(
    from === undefined ? ['SIGTERM', 'SIGHUP'] : ['SIGINT', 'SIGTERM', 'SIGHUP'],
  );
  if (from === undefined) return (await import('./diagnose-live.ts')).diagnoseLive(words, options);
  return diagnoseIncident(words, from, options);
}

async function diagnoseIncident(words: string[], from: string, options: DiagnoseOptions): Promise<void> {
  const { save } = options;
  const lookBack = parseLookBack(options);
  const { readIncident } = await import('../collect/incident/incident-collectors.ts');
  const incident = await readIncident(from);
  const saving = save === undefined ? null : { dir: save, ...(await import('../collect/incident/save.ts')) };
  await saving?.assertSaveable(saving.dir, incident);
  const { diagnosis, ...collected } = await diagnoseRecordingWithProgress(
    incident,
    words.join(' '),
    lookBack,
    isRedacted(options),
  );
  await saving?.saveIncident(saving.dir, { ...collected, incident });
  if (saving)
    printNotice(`Saved to ${saving.dir}, redacted; ${command`alb502 diagnose --from ${saving.dir}`} reads it.`);
  process.stdout.write(await render(diagnosis, options));
}

/** Answers one question about a recorded incident; omitted parts come from the recording. */
export async function diagnoseRecording(
  incident: Incident,
  words: string,
  progress?: ProgressListener,
  lookBack: number | null = null,
  isRedacted = false,
): Promise<DiagnosedIncident> {
  // Import these here: a live diagnosis does not need them before its first call.
  const [{ collect }, { questionToRecording, recordedCollectors }] = await Promise.all([
    import('../collect/collect.ts'),
    import('../collect/incident/incident-collectors.ts'),
  ]);
  const parsed = parseQuestion(words);
  const question = questionToRecording(incident, {
    loadBalancer: parsed.loadBalancer,
    window:
      parsed.window === null
        ? null
        : resolveWindow(parsed, { now: incident.now, window: incident }, parsed.loadBalancer ?? undefined),
    statuses: parsed.statuses,
    lookBack,
  });
  const [collected, { diagnose }] = await Promise.all([
    collect(recordedCollectors(incident, question), progress),
    // Loaded while threads read the log.
    import('../diagnose/diagnose.ts'),
  ]);
  const evidence = isRedacted ? (await import('../redact/access-log.ts')).redactEvidence(collected) : collected;
  return { question, evidence, diagnosis: diagnose(question, evidence) };
}

/** Like `diagnoseRecording`, with progress on stderr if that is a terminal. */
export async function diagnoseRecordingWithProgress(
  incident: Incident,
  words: string,
  lookBack: number | null = null,
  isRedacted = false,
): Promise<DiagnosedIncident> {
  const { openProgressDisplay } = await import('./terminal-progress.ts');
  const { listener, close } = await openProgressDisplay(process.stderr, hasColour(process.stderr));
  try {
    return await diagnoseRecording(incident, words, listener, lookBack, isRedacted);
  } finally {
    close();
  }
}

/** Returns milliseconds; null without the option. Throws Problem (exit 1) for an invalid duration. */
export function parseLookBack({ lookBack: text }: DiagnoseOptions): number | null {
  if (text === undefined) return null;
  const seconds = parseDuration(text);
  if (seconds !== null) return seconds * 1000;
  throw new Problem(`Didn't understand --look-back "${text}". Use a duration of at most 7 days: --look-back 24h.`, 1);
}

/** Markdown is always redacted, since it is meant to be shared; a terminal shows requests as sent. */
export const isRedacted = ({ redact, markdown }: DiagnoseOptions): boolean => redact === true || markdown === true;

/** Renders the diagnosis in the requested format. */
export const render = async (diagnosis: Diagnosis, options: DiagnoseOptions): Promise<string> =>
  (await rendererFor(options))(diagnosis);

/** Loads only the renderer of the requested format. */
export async function rendererFor({ json, markdown }: DiagnoseOptions): Promise<(diagnosis: Diagnosis) => string> {
  if (json) return (await import('../render/json.ts')).renderJson;
  if (markdown) return (await import('../render/markdown.ts')).renderMarkdown;
  const { renderTerminal } = await import('../render/terminal.ts');
  return (diagnosis) =>
    renderTerminal(diagnosis, { columns: process.stdout.columns ?? 80, colour: hasColour(process.stdout) });
}

/** Whether to use colour: on a terminal, unless NO_COLOR or FORCE_COLOR overrides it. */
export function hasColour({ isTTY }: { isTTY?: boolean }): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0';
  return isTTY === true && TERM !== 'dumb';
}
