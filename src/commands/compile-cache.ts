/** Compiled code is kept from one run to the next: much of the time until the first call is spent on compiling. */
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Keeps it in the folder for temporary files, in one of our own that nobody else can write to: what lies there is run. Without such a
 * folder it is not kept, and nothing is said about it. NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE are respected, as by Node.
 */
export function keepCompiledCode(
  folder: string = join(tmpdir(), `alb502-code-${process.getuid?.() ?? 'own'}`),
): boolean {
  if (process.env.NODE_COMPILE_CACHE) return false;
  try {
    if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    if (!isOurs(folder)) return false;
    return enableCompileCache(folder).directory !== undefined;
  } catch {
    return false;
  }
}

/** A folder, no link to one, of this user, that only this user can write to. Windows has a folder for temporary files for each user. */
function isOurs(folder: string): boolean {
  const folderStat = lstatSync(folder);
  if (!folderStat.isDirectory()) return false;
  return process.getuid === undefined || (folderStat.uid === process.getuid() && (folderStat.mode & 0o077) === 0);
}
