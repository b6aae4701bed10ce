/** Opens files in folders that strangers filled, and may still change. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Fails for a link in place of the file, and does not wait for the other end of a pipe. */
export const OPEN_PLAINLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Opens a regular file. Rejects for anything else; checked after opening, since a path may be swapped before. */
export async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path, OPEN_PLAINLY);
  const info = await file.stat();
  if (info.isFile()) return file;
  await file.close();
  throw new Error(info.isDirectory() ? 'it is a folder' : 'it is not a file');
}
