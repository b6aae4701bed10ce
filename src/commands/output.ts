/** Renders a diagnosis for stdout. */
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { DiagnoseOptions } from './diagnose-options.ts';

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
