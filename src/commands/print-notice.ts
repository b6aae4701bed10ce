/** Writes progress and notices to stderr, never the diagnosis. */
import { escapeControls } from '../format/escape-control-characters.ts';

/** Writes one line, with control characters escaped, since names in it may come from strangers. */
export function printNotice(text: string): void {
  process.stderr.write(`${escapeControls(text)}\n`);
}
