/** Temporary folders, needed only during a read. */
import { rmSync } from 'node:fs';
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WRITE_FAILURES } from '../format/write-failures.ts';
import { errorCode, Problem } from '../problem.ts';

const REASONS: Readonly<Record<string, string>> = { ...WRITE_FAILURES, ENOENT: 'it does not exist' };

/** Folders to remove at a signal; null in a process that stops by itself. */
let made: string[] | null = null;

/** Removes the folders when one of these signals ends the process, as closing a terminal does. */
export function removeFoldersAt(signals: readonly NodeJS.Signals[]): void {
  made = [];
  for (const signal of signals)
    process.once(signal, () => {
      for (const folder of made ?? []) removeNow(folder);
      process.kill(process.pid, signal);
    });
}

function removeNow(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // A thread may still be writing to it, and the process ends now.
  }
}

/**
 * Makes a folder that the caller removes, and returns its path without links. Throws Problem (exit 2) if the folder for temporary files is not writable.
 */
export async function makeTemporaryFolder(prefix: string): Promise<string> {
  const parent = tmpdir();
  try {
    const folder = await mkdtemp(join(await realpath(parent), prefix));
    made?.push(folder);
    return folder;
  } catch (error) {
    const code = errorCode(error);
    throw new Problem(
      `Temporary files cannot be written to ${parent}: ${REASONS[code] ?? code}. Mount a volume there, or set TMPDIR to a folder that can be written to.`,
      2,
    );
  }
}
