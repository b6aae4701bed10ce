/** `alb502 diagnose`: diagnoses a load balancer or a recorded incident, and prints the diagnosis on stdout. */

import type { ProgressListener } from '../collect/collect.ts';
import type { Incident } from '../collect/incident/incident-collectors.ts';
import { command } from '../format/command.ts';
import type { InvestigationResult } from '../investigate/investigator.ts';
import { Problem } from '../problem.ts';
import { parseQuestion } from '../query/parse-question.ts';
import { resolveWindow } from '../query/window.ts';
import { type DiagnoseOptions, isRedacted, parseLookBack } from './diagnose-options.ts';
import { hasColour, render } from './output.ts';
import { printNotice } from './print-notice.ts';

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
  const evidence = isRedacted ? (await import('../redact/redact-evidence.ts')).redactEvidence(collected) : collected;
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
