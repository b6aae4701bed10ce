/** Temporary folders, needed only during a read. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem } from '../problem.ts';

const REASONS: Record<string, string> = {
  EACCES: 'there is no permission to write to it',
  EDQUOT: 'the quota is used up',
  ENOENT: 'it does not exist',
  ENOSPC: 'the disk is full',
  EROFS: 'it is read-only',
};

/**
 * Makes a folder that the caller removes. Throws Problem (exit 2) if the folder for temporary files is not writable.
 */
export async function makeTemporaryFolder(prefix: string): Promise<string> {
  const parent = tmpdir();
  try {
    return await mkdtemp(join(parent, prefix));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new Problem(
      `Temporary files cannot be written to ${parent}: ${REASONS[code] ?? code}. Mount a volume there, or set TMPDIR to a folder that can be written to.`,
      2,
    );
  }
}
