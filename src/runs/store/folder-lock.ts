/** Locks of keys: within this process by waiting in line, between processes by files that say who has them. */
import { createHash, randomUUID } from 'node:crypto';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Problem } from '../../problem.ts';

/** Milliseconds. */
const MAX_WAIT = 20_000;
/** Of who cannot be asked whether they still live: other machines, and who did not come to write down their name. */
const UNREADABLE_TTL = 10_000;
const LONGEST_PAUSE = 25;

/** Does something while nobody else has the lock of the key. */
export type WithLock = <T>(key: string, work: () => Promise<T>) => Promise<T>;

interface Owner {
  host: string;
  pid: number;
  /** Of the process: another one may have had its number before. */
  token: string;
}

const SELF: Owner = { host: hostname(), pid: process.pid, token: randomUUID() };

/** Locks as files in a folder that is there. One that a process left when it ended is broken by who wants it next. */
export function folderLocks(dir: string): WithLock {
  const queues = new Map<string, Promise<void>>();

  return async (key, work) => {
    const before = queues.get(key) ?? Promise.resolve();
    const { promise: mine, resolve: done } = Promise.withResolvers<void>();
    const line = before.then(() => mine);
    queues.set(key, line);
    await before;
    try {
      const path = join(dir, createHash('sha256').update(key).digest('hex').slice(0, 32));
      await acquire(path, key);
      try {
        return await work();
      } finally {
        await rm(path, { force: true });
      }
    } finally {
      done();
      if (queues.get(key) === line) queues.delete(key);
    }
  };
}

async function acquire(path: string, key: string): Promise<void> {
  const since = performance.now();
  for (let pause = 1; !(await tryCreate(path)); pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
    if (await isAbandoned(path)) await breakLock(path);
    else if (performance.now() - since > MAX_WAIT)
      throw new Problem(`${key} has been locked by another process for ${MAX_WAIT / 1000} seconds.`, 2);
    else await wait(pause * (0.5 + Math.random()));
  }
}

/** False when there is one already. */
async function tryCreate(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(JSON.stringify(SELF));
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Whether who took it has ended. */
async function isAbandoned(path: string): Promise<boolean> {
  const owner = parseOwner(await readFile(path, 'utf8').catch(() => ''));
  if (owner !== null && owner.host === SELF.host) {
    if (owner.pid === SELF.pid) return owner.token !== SELF.token;
    return !isAlive(owner.pid);
  }
  const stats = await stat(path).catch(() => null);
  return stats !== null && Date.now() - stats.mtimeMs > UNREADABLE_TTL;
}

/**
 * Removes a lock that was left. Under a lock of its own: who found it left a moment ago may otherwise remove the one that somebody has
 * taken since.
 */
async function breakLock(path: string): Promise<void> {
  const breakPath = `${path}.break`;
  if (!(await tryCreate(breakPath))) {
    if (await isAbandoned(breakPath)) await rm(breakPath, { force: true });
    else await wait(1);
    return;
  }
  try {
    if (await isAbandoned(path)) await rm(path, { force: true });
  } finally {
    await rm(breakPath, { force: true });
  }
}

function parseOwner(text: string): Owner | null {
  try {
    const owner: Partial<Owner> | null = JSON.parse(text);
    const { host, pid, token } = owner ?? {};
    return host !== undefined && pid !== undefined && token !== undefined ? { host, pid, token } : null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, and belongs to somebody else.
    return codeOf(error) === 'EPERM';
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
