/** What is written to stderr: progress and remarks, never the diagnosis. */
import { escapeControls } from '../format/escape-control-characters.ts';

/** A line that nothing in it can break or make the terminal act on: names in it may be of strangers. */
export function printNotice(text: string): void {
  process.stderr.write(`${escapeControls(text)}\n`);
}
