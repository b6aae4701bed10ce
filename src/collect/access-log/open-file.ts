/** Opens files in folders that strangers filled, and may still change. */
import { constants, fstatSync, readlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errorCode } from '../../problem.ts';

/** Fails for a link in place of the file, and does not wait for the other end of a pipe. */
export const OPEN_PLAINLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Opens a regular file. Rejects like `assertPlainFile`, and for a link in place of the file. */
export async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path, OPEN_PLAINLY);
  try {
    assertPlainFile(file.fd, path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Throws unless an open file is a regular one that lies at `path`, which contains no links. Checked after opening,
 * since a folder of the path may be swapped for a link before.
 */
export function assertPlainFile(file: number, path: string): void {
  const info = fstatSync(file);
  if (!info.isFile()) throw new Error(info.isDirectory() ? 'it is a folder' : 'it is not a file');
  const place = placeOf(file);
  if (place !== null && place !== path) throw new Error('a folder above it is a link');
}

/** Where an open file lies; null where there is no /proc, as on macOS. */
function placeOf(file: number): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${file}`);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
