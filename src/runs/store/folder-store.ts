/**
 * A store in a folder of this machine: an object is a file. Several processes may share it: a file is replaced as a whole, and under a
 * lock of its key, so that of several conditional writes one wins. Several machines should share an S3 prefix instead.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  access,
  constants,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Problem } from '../../problem.ts';
import { folderLocks } from './folder-lock.ts';
import { assertKey, assertPrefix, byKey } from './key.ts';
import type { ExpectedVersion, Store, StoredObject } from './store.ts';

/** Beside the objects, whose keys never begin with a dot: files being written, and locks. */
const UNFINISHED = '.unfinished';
const LOCKS = '.locks';

/** Milliseconds. What is older was left by a process that ended in the middle. */
const UNFINISHED_TTL = 3_600_000;

/** Writing into a folder that is just being removed because it was empty. */
const MAX_ATTEMPTS = 10;

/**
 * Opens the folder, and makes it where there is none. Writes survive a crash of the process or the machine once `write`
 * has answered. The version of an object is a hash of its content. Throws Problem (exit 2) when the folder cannot be written to.
 */
export async function openFolderStore(dir: string): Promise<Store> {
  const root = resolve(dir);
  const withExplanation = <T>(work: () => Promise<T>): Promise<T> =>
    work().catch((error) => Promise.reject(explain(dir, error)));

  await withExplanation(async () => {
    await Promise.all([UNFINISHED, LOCKS].map((each) => mkdir(join(root, each), { recursive: true })));
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
    await clean(join(root, UNFINISHED));
  });
  const withLock = folderLocks(join(root, LOCKS));

  const pathOf = (key: string): string => {
    assertKey(key);
    return join(root, ...key.split('/'));
  };

  return {
    async read(key) {
      const path = pathOf(key);
      return withExplanation(() => readStored(path));
    },

    async write(key, body, expected) {
      const path = pathOf(key);
      return withExplanation(() =>
        withLock(key, async () => {
          if (!isAsExpected(expected === 'any' ? null : await readStored(path), expected)) return null;
          await replace(root, path, body);
          return versionOf(body);
        }),
      );
    },

    async list(prefix, after) {
      assertPrefix(prefix);
      const at = prefix.lastIndexOf('/') + 1;
      const folder = prefix.slice(0, at);
      return withExplanation(async () => {
        const keys: string[] = [];
        await walk(join(root, folder), folder, prefix, keys);
        return keys.filter((key) => after === undefined || key > after).sort(byKey);
      });
    },

    async remove(key) {
      const path = pathOf(key);
      await withExplanation(() =>
        withLock(key, async () => {
          await rm(path, { force: true });
          await removeEmpty(root, dirname(path));
        }),
      );
    },
  };
}

const versionOf = (body: string): string => createHash('sha256').update(body).digest('hex').slice(0, 32);

async function readStored(path: string): Promise<StoredObject | null> {
  try {
    const body = await readFile(path, 'utf8');
    return { body, version: versionOf(body) };
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error))) return null;
    throw error;
  }
}

const isAsExpected = (there: StoredObject | null, expected: ExpectedVersion): boolean =>
  expected === 'any' || (expected === 'absent' ? there === null : there?.version === expected.version);

/** Readers see the old or the new file, never a part. File and name are on disk before this resolves. */
async function replace(root: string, path: string, body: string): Promise<void> {
  const unfinished = join(root, UNFINISHED, randomUUID());
  try {
    await withFile(unfinished, 'wx', async (file) => {
      await file.writeFile(body);
      await file.sync();
    });
    for (let attempt = 1; ; attempt++) {
      try {
        const made = await mkdir(dirname(path), { recursive: true });
        await rename(unfinished, path);
        for (const folder of changedFolders(path, made)) await syncFolder(folder);
        return;
      } catch (error) {
        // Somebody removed the folder, or one above it while it was made, as it was empty.
        if (codeOf(error) !== 'ENOENT' || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** The folders that have a new name in them: that of the file, and those above it where it is in new ones. `made`: the first new one. */
function changedFolders(path: string, made: string | undefined): string[] {
  const folders = [dirname(path)];
  if (made === undefined) return folders;
  for (let folder = dirname(path); folder !== dirname(made) && folder !== dirname(folder); ) {
    folder = dirname(folder);
    folders.push(folder);
  }
  return folders;
}

async function syncFolder(folder: string): Promise<void> {
  try {
    await withFile(folder, 'r', (file) => file.sync());
  } catch (error) {
    // Some systems cannot sync a folder, and a removed folder needs none.
    if (!['EPERM', 'EACCES', 'EISDIR', 'EINVAL', 'ENOENT'].includes(codeOf(error))) throw error;
  }
}

async function withFile(path: string, flags: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags);
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

/** Keys below a folder that begin with the prefix; folders that cannot hold one are not looked into. */
async function walk(dir: string, folder: string, prefix: string, keys: string[]): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error) => {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return [];
    throw error;
  });
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const key = `${folder}${entry.name}`;
    if (entry.isFile()) {
      if (key.startsWith(prefix)) keys.push(key);
    } else if (entry.isDirectory()) {
      const inner = `${key}/`;
      if (inner.startsWith(prefix) || prefix.startsWith(inner)) await walk(join(dir, entry.name), inner, prefix, keys);
    }
  }
}

/** Removes the folder and those above it as long as they are empty. */
async function removeEmpty(root: string, folder: string): Promise<void> {
  for (let each = folder; each !== root && each !== dirname(each); each = dirname(each)) {
    try {
      await rmdir(each);
    } catch {
      return;
    }
  }
}

async function clean(unfinished: string): Promise<void> {
  for (const name of await readdir(unfinished)) {
    const path = join(unfinished, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > UNFINISHED_TTL) await rm(path, { force: true });
  }
}

const REASONS: Record<string, string> = {
  EACCES: 'there is no permission to',
  EPERM: 'there is no permission to',
  EROFS: 'it is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  ENOENT: 'it cannot be created',
  ENOTDIR: 'a file is in its place',
  EEXIST: 'a file is in its place',
  EISDIR: 'a folder is in the place of a file',
  EMFILE: 'too many files are open',
};

function explain(dir: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === '' || error instanceof Problem) return error;
  return new Problem(`Run records cannot be kept in ${dir}: ${REASONS[code] ?? code}${placeOf(dir, error)}.`, 2);
}

/** Which file it is about, where it is not the folder itself. */
function placeOf(dir: string, error: unknown): string {
  const path = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : '';
  const isInside =
    path.startsWith(`${resolve(dir)}/`) && !path.includes(`/${UNFINISHED}`) && !path.includes(`/${LOCKS}`);
  return isInside ? ` (${basename(path)})` : '';
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
