/** Caches compiled code between runs: compiling takes much of the time before the first call. */
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Enables the cache in a private subfolder of the temporary folder; no other user may write to it, since the cached
 * code is executed. Without such a folder it silently does without a cache. Respects NODE_COMPILE_CACHE and
 * NODE_DISABLE_COMPILE_CACHE, like Node.
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

/**
 * Whether this is a folder, not a link, that only this user owns and can write to. On Windows each user has a temporary
 * folder.
 */
function isOurs(folder: string): boolean {
  const folderStat = lstatSync(folder);
  if (!folderStat.isDirectory()) return false;
  return process.getuid === undefined || (folderStat.uid === process.getuid() && (folderStat.mode & 0o077) === 0);
}
