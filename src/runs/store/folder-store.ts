/**
 * A store in a local folder, one file per object. Several processes may share it: each write replaces the whole file
 * under a lock of its key, so only one of several conditional writes wins. Several machines should share an S3 prefix
 * instead.
 */
import { createHash, randomUUID } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { access, constants, type FileHandle, mkdir, open, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { byText } from '../../format/by-text.ts';
import { WRITE_FAILURES } from '../../format/write-failures.ts';
import { errorCode, Problem } from '../../problem.ts';
import { folderLocks } from './folder-lock.ts';
import { assertKey, assertPrefix } from './key.ts';
import type { ExpectedVersion, Store, StoredObject } from './store.ts';

/** Folders for files being written and for locks; keys of objects never begin with a dot. */
const UNFINISHED = '.unfinished';
const LOCKS = '.locks';

/** Milliseconds. Older unfinished files were left by a crashed process. */
const UNFINISHED_TTL = 3_600_000;

/** Attempts to write into a folder that another process is removing because it was empty. */
const MAX_ATTEMPTS = 10;

/**
 * Opens the folder, creating it if needed. Once `write` resolves, the object survives a crash of the process or the
 * machine. The version of an object is a hash of its content. Throws Problem (exit 2) when the folder cannot be written
 * to.
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
        withLock(key, async (assertHeld) => {
          if (!isAsExpected(expected === 'any' ? null : await readStored(path), expected)) return null;
          await replace(root, path, body, assertHeld);
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
        return keys.filter((key) => after === undefined || key > after).sort(byText);
      });
    },

    async remove(key) {
      const path = pathOf(key);
      await withExplanation(() =>
        withLock(key, async (assertHeld) => {
          assertHeld();
          rmSync(path, { force: true });
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
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errorCode(error))) return null;
    throw error;
  }
}

const isAsExpected = (there: StoredObject | null, expected: ExpectedVersion): boolean =>
  expected === 'any' || (expected === 'absent' ? there === null : there?.version === expected.version);

/** Replaces a file: readers see the old or the new one, never a part. Resolves once content and name are on disk. */
async function replace(root: string, path: string, body: string, assertHeld: () => void): Promise<void> {
  const unfinished = join(root, UNFINISHED, randomUUID());
  try {
    await withFile(unfinished, 'wx', async (file) => {
      await file.writeFile(body);
      await file.sync();
    });
    for (let attempt = 1; ; attempt++) {
      try {
        const made = await mkdir(dirname(path), { recursive: true });
        assertHeld();
        renameSync(unfinished, path);
        for (const folder of changedFolders(path, made)) await syncFolder(folder);
        return;
      } catch (error) {
        // Another process removed the folder, or one above it, because it was empty.
        if (errorCode(error) !== 'ENOENT' || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** Folders with a new entry: the file's own, and the parents of created folders. `made`: the topmost created folder. */
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
    // Some systems cannot sync a folder, and a removed folder needs no sync.
    if (!['EPERM', 'EACCES', 'EISDIR', 'EINVAL', 'ENOENT'].includes(errorCode(error))) throw error;
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

/** Collects keys below a folder that begin with the prefix; skips folders that cannot hold any. */
async function walk(dir: string, folder: string, prefix: string, keys: string[]): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error) => {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error))) return [];
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

/** Removes the folder and its parents while they are empty. */
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

const REASONS: Readonly<Record<string, string>> = { ...WRITE_FAILURES, ENOENT: 'it cannot be created' };
/** Codes for which another place helps. */
const NOT_WRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOENT']);

function explain(dir: string, error: unknown): unknown {
  const code = errorCode(error);
  if (code === '' || error instanceof Problem) return error;
  const remedy = NOT_WRITABLE.has(code) ? ' Mount a volume there, or set runs.folder or runs.s3.bucket.' : '';
  return new Problem(
    `Run records cannot be kept in ${dir}: ${REASONS[code] ?? code}${placeOf(dir, error)}.${remedy}`,
    2,
  );
}

/** Names the file in the error unless it is the folder itself. */
function placeOf(dir: string, error: unknown): string {
  const path = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : '';
  const isInside =
    path.startsWith(`${resolve(dir)}/`) && !path.includes(`/${UNFINISHED}`) && !path.includes(`/${LOCKS}`);
  return isInside ? ` (${basename(path)})` : '';
}
