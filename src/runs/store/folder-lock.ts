/** Locks keys: a queue within this process, lock files between processes. */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync, rmSync } from 'node:fs';
import { open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { errorCode, Problem } from '../../problem.ts';
import { jitteredPause } from './backoff.ts';

/** Milliseconds. */
const MAX_WAIT = 20_000;
/** Age at which a lock may be broken if its owner cannot be checked: on another machine or container, or unreadable. */
const UNREADABLE_TTL = 10_000;
/** Interval at which a working owner renews its lock, so that the lock never gets that old. */
const RENEW_INTERVAL = 2_000;
const PAUSES = { first: 1, longest: 25 };

/**
 * Runs the work while holding the lock of the key. The work calls `assertHeld` in the same turn in which its change
 * becomes visible: a process that was stopped for some time may have lost the lock, and then the work is repeated.
 */
type WithLock = <T>(key: string, work: (assertHeld: () => void) => Promise<T>) => Promise<T>;

class LockLost extends Error {}

interface LockOwner {
  /** The machine or container in which `pid` is valid. */
  machine: string;
  pid: number;
  /** Unique per process, since the system reuses process numbers. */
  token: string;
}

/**
 * On Linux: host name, boot id and PID namespace; without /proc a name of this process alone, so that only age breaks the
 * locks of others. Elsewhere only the host name.
 */
function machineOf(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return [hostname(), boot, readlinkSync('/proc/self/ns/pid')].join(' ');
  } catch {
    return process.platform === 'linux' ? `${hostname()} ${randomUUID()}` : hostname();
  }
}

/**
 * Scope in which process numbers are unique. Containers may share a host name, and each has a process 1, so the PID
 * namespace distinguishes them (pid_namespaces(7)).
 */
export const MACHINE = machineOf();

const SELF: LockOwner = { machine: MACHINE, pid: process.pid, token: randomUUID() };

/** Opens locks as files in an existing folder. The next process breaks a lock whose owner has ended. */
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
      for (;;) {
        await acquire(path, key);
        const renewal = setInterval(() => void renew(path), RENEW_INTERVAL).unref();
        try {
          return await work(() => assertOwn(path));
        } catch (error) {
          if (!(error instanceof LockLost)) throw error;
        } finally {
          clearInterval(renewal);
          if (isOwn(path)) rmSync(path, { force: true });
        }
      }
    } finally {
      done();
      if (queues.get(key) === line) queues.delete(key);
    }
  };
}

async function acquire(path: string, key: string): Promise<void> {
  const since = performance.now();
  for (let attempt = 1; !(await tryCreate(path)); attempt++) {
    if (await isAbandoned(path)) await breakLock(path);
    else if (performance.now() - since > MAX_WAIT)
      throw new Problem(`${key} has been locked by another process for ${MAX_WAIT / 1000} seconds.`, 2);
    else await wait(jitteredPause(attempt, PAUSES));
  }
}

function assertOwn(path: string): void {
  if (!isOwn(path)) throw new LockLost();
}

function isOwn(path: string): boolean {
  try {
    return parseOwner(readFileSync(path, 'utf8'))?.token === SELF.token;
  } catch {
    return false;
  }
}

async function renew(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => {});
}

/** False when the lock file exists. */
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
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Whether the owner of the lock has ended. */
async function isAbandoned(path: string): Promise<boolean> {
  const owner = parseOwner(await readFile(path, 'utf8').catch(() => ''));
  if (owner !== null && owner.machine === SELF.machine) {
    if (owner.pid === SELF.pid) return owner.token !== SELF.token;
    return !isAlive(owner.pid);
  }
  const stats = await stat(path).catch(() => null);
  return stats !== null && Date.now() - stats.mtimeMs > UNREADABLE_TTL;
}

/**
 * Removes an abandoned lock. Needs a lock of its own: a slower process could otherwise remove the lock that another has
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

function parseOwner(text: string): LockOwner | null {
  try {
    const owner: Partial<LockOwner> | null = JSON.parse(text);
    const { machine, pid, token } = owner ?? {};
    return machine !== undefined && pid !== undefined && token !== undefined ? { machine, pid, token } : null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // The process exists but belongs to another user.
    return errorCode(error) === 'EPERM';
  }
}
