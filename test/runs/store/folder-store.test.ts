import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { folderLocks, MACHINE } from '../../../src/runs/store/folder-lock.ts';
import { openFolderStore } from '../../../src/runs/store/folder-store.ts';
import { temporaryFolder } from '../../support/incident/folder.ts';

// Tests may run as root, whom no folder refuses.
vi.mock(import('node:fs/promises'), async (original) => {
  const actual = await original();
  return { ...actual, access: vi.fn(actual.access) };
});

const INCREMENT = join(import.meta.dirname, '../../support/runs/increment.ts');

const increment = (dir: string, times: number): ChildProcess =>
  spawn(process.execPath, [INCREMENT, dir, String(times)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });

const ended = async (child: ChildProcess): Promise<unknown> => (await once(child, 'exit'))[0];

/** The only lock of a folder, as taken by another process. */
async function lockOf(dir: string): Promise<string> {
  const locked = folderLocks(dir);
  let path = '';
  await locked('a', async () => {
    path = join(dir, readdirSync(dir)[0] ?? '');
  });
  return path;
}

/** The number of a process that has ended. */
async function ofTheDead(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await ended(child);
  return child.pid ?? 0;
}

describe('a folder shared by several processes', () => {
  it('keeps every change', async () => {
    const dir = temporaryFolder();
    const children = Array.from({ length: 4 }, () => increment(dir, 50));
    expect(await Promise.all(children.map(ended))).toEqual([0, 0, 0, 0]);
    const store = await openFolderStore(dir);
    expect((await store.read('counter'))?.body).toBe('200');
  });

  // Needs namespaces, which Linux lets not everybody make.
  const CONTAINED = ['--user', '--map-root-user', '--mount', '--pid', '--fork', 'sh', '-c'];
  const canContain = spawnSync('unshare', [...CONTAINED, 'mount -t proc proc /proc']).status === 0;
  it.skipIf(!canContain).each([
    { proc: 'a /proc each', prepare: 'mount -t proc proc /proc' },
    { proc: 'no /proc', prepare: 'mount -t tmpfs tmpfs /proc' },
  ])('loses no change of containers with the same host name, process id 1 and $proc', async ({ prepare }) => {
    const contained = (dir: string): ChildProcess =>
      spawn('unshare', [...CONTAINED, `${prepare} && exec "$@"`, 'sh', process.execPath, INCREMENT, dir, '40'], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    const dir = temporaryFolder();
    const containers = Array.from({ length: 3 }, () => contained(dir));
    expect(await Promise.all(containers.map(ended))).toEqual([0, 0, 0]);
    expect((await (await openFolderStore(dir)).read('counter'))?.body).toBe('120');
  });

  it('keeps every change when processes are killed during one', async () => {
    const dir = temporaryFolder();
    const doomed = Array.from({ length: 3 }, () => increment(dir, 1_000_000));
    const store = await openFolderStore(dir);
    while (Number((await store.read('counter'))?.body ?? 0) < 60) await new Promise((done) => setTimeout(done, 5));
    for (const child of doomed) child.kill('SIGKILL');
    await Promise.all(doomed.map(ended));
    const before = Number((await store.read('counter'))?.body);
    expect(await ended(increment(dir, 20))).toBe(0);
    expect((await store.read('counter'))?.body).toBe(String(before + 20));
  });
});

it('repeats a change whose process was stopped until another broke its lock', async () => {
  const dir = temporaryFolder();
  const [store, locks] = [await openFolderStore(dir), join(dir, '.locks')];
  const version = (await store.write('a', 'before', 'absent')) ?? '';
  // Takes long enough to be written.
  const change = store.write('a', 'late'.repeat(4_000_000), { version });
  while (readdirSync(join(dir, '.unfinished')).length === 0) await new Promise((done) => setImmediate(done));
  const lock = join(locks, readdirSync(locks)[0] ?? '');
  writeFileSync(lock, JSON.stringify(OF_ANOTHER_CONTAINER));
  writeFileSync(join(dir, 'a'), 'of another process');
  while (readdirSync(join(dir, '.unfinished')).length > 0) await new Promise((done) => setImmediate(done));
  expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('of another process');
  expect(readFileSync(lock, 'utf8')).toBe(JSON.stringify(OF_ANOTHER_CONTAINER));
  rmSync(lock);
  expect(await change).toBe(null);
  expect((await store.read('a'))?.body).toBe('of another process');
});

/** Each container counts its processes from one. */
const OF_ANOTHER_CONTAINER = { machine: `${hostname()} boot pid:[1]`, pid: process.pid, token: 'x' };

describe('a lock', () => {
  const lock = (owner: unknown) => (typeof owner === 'string' ? owner : JSON.stringify(owner));

  it.each([
    ['a process that has ended', async () => ({ machine: MACHINE, pid: await ofTheDead(), token: 'x' }), 0],
    ['the process that had this number before', async () => ({ machine: MACHINE, pid: process.pid, token: 'x' }), 0],
    ['another machine, a while ago', async () => ({ machine: 'another', pid: 1, token: 'x' }), 60_000],
    ['another container of the same host name, a while ago', async () => OF_ANOTHER_CONTAINER, 60_000],
    ['a process of release 0.1, a while ago', async () => ({ host: hostname(), pid: process.pid, token: 'x' }), 60_000],
    ['an owner that wrote no name, a while ago', async () => '', 60_000],
  ])('of %s is broken', async (_, owner, age) => {
    const dir = temporaryFolder();
    const path = await lockOf(dir);
    writeFileSync(path, lock(await owner()));
    const then = (Date.now() - age) / 1000;
    utimesSync(path, then, then);
    const locked = folderLocks(dir);
    let [inside, most] = [0, 0];
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((done) => setTimeout(done, 1));
      inside--;
    };
    await Promise.all([locked('a', work), folderLocks(dir)('a', work), folderLocks(dir)('a', work)]);
    expect(most).toBe(1);
    expect(readdirSync(dir)).toEqual([]);
  });

  it.each([
    ['a process that lives', { machine: MACHINE, pid: process.ppid, token: 'x' }],
    ['another machine', { machine: 'another', pid: 1, token: 'x' }],
    ['another container with the same host name and our process id', OF_ANOTHER_CONTAINER],
    ['an owner that has not yet written its name', ''],
  ])('of %s is respected', async (_, owner) => {
    const dir = temporaryFolder();
    const path = await lockOf(dir);
    writeFileSync(path, lock(owner));
    const state = { isTaken: false };
    const taken = folderLocks(dir)('a', async () => {
      state.isTaken = true;
    });
    await new Promise((done) => setTimeout(done, 100));
    expect(state.isTaken).toBe(false);
    rmSync(path);
    await taken;
    expect(state.isTaken).toBe(true);
  });

  it('is released when the work fails', async () => {
    const locked = folderLocks(temporaryFolder());
    await expect(locked('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await locked('a', async () => 'yes')).toBe('yes');
  });

  it('blocks no other key', async () => {
    const locked = folderLocks(temporaryFolder());
    expect(await locked('a', () => locked('b', async () => 'both'))).toBe('both');
  });
});

describe('the folder itself', () => {
  it('stores objects as files with their own names', async () => {
    const dir = join(temporaryFolder(), 'new', 'folder');
    const store = await openFolderStore(dir);
    await store.write('runs/a/run.json', '{}', 'absent');
    expect(readFileSync(join(dir, 'runs/a/run.json'), 'utf8')).toBe('{}');
  });

  it('has no empty folders and no unfinished files', async () => {
    const dir = temporaryFolder();
    const store = await openFolderStore(dir);
    await store.write('runs/a/run.json', '{}', 'absent');
    await store.remove('runs/a/run.json');
    expect(readdirSync(dir, { recursive: true }).sort()).toEqual(['.locks', '.unfinished']);
  });

  it('loses old unfinished files at the next cleanup', async () => {
    const dir = temporaryFolder();
    await openFolderStore(dir);
    for (const name of ['old', 'new']) writeFileSync(join(dir, '.unfinished', name), '');
    utimesSync(join(dir, '.unfinished', 'old'), 1, 1);
    await openFolderStore(dir);
    expect(readdirSync(join(dir, '.unfinished'))).toEqual(['new']);
  });

  it('is refused when it is a file', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    await expect(openFolderStore(file)).rejects.toThrow(
      `Run records cannot be kept in ${file}: a file is in its place.`,
    );
  });

  it.each(['EACCES', 'EPERM'])('says that permission is denied, and what helps, on %s', async (code) => {
    const dir = temporaryFolder();
    vi.mocked(access).mockRejectedValueOnce(Object.assign(new Error(code), { code }));
    await expect(openFolderStore(dir)).rejects.toThrow(
      `Run records cannot be kept in ${dir}: permission is denied. Mount a volume there, or set runs.folder or runs.s3.bucket.`,
    );
  });

  it('reports which file cannot be written', async () => {
    const dir = temporaryFolder();
    const store = await openFolderStore(dir);
    mkdirSync(join(dir, 'run.json'));
    await expect(store.write('run.json', '', 'any')).rejects.toThrow(
      `Run records cannot be kept in ${dir}: a folder is in the place of a file`,
    );
    expect(readdirSync(join(dir, '.unfinished'))).toEqual([]);
  });
});
