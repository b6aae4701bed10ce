/** Writes a line to stderr: progress and remarks, never the diagnosis. */
export function printNotice(text: string): void {
  process.stderr.write(`${text}\n`);
}
