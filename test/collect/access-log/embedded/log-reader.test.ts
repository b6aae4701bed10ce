/** A reading that is stopped ends at once, and a crash of the engine ends nothing but the reading. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AccessLogError } from '../../../../src/collect/access-log/access-log-error.ts';
import { readAccessLog } from '../../../../src/collect/access-log/embedded/embedded-engine.ts';
import { openReaderApart, openReaderHere } from '../../../../src/collect/access-log/embedded/log-reader.ts';
import { openReaders, scan } from '../../../../src/collect/access-log/embedded/scan.ts';
import { Problem } from '../../../../src/problem.ts';
import { line, quarterHour as question, writeLogs } from '../../../support/access-log/log-file.ts';
import { temporaryFolder } from '../../../support/incident/folder.ts';

const processes = vi.hoisted((): { started: ChildProcess[]; atStart: (child: ChildProcess) => void } => ({
  started: [],
  atStart: () => {},
}));
const reading = vi.hoisted((): { begun: () => void } => ({ begun: () => {} }));

vi.mock('node:child_process', async (original) => {
  const real = await original<typeof import('node:child_process')>();
  const fork = (...parameters: [string | URL, object]) => {
    const child = real.fork(...parameters);
    processes.started.push(child);
    processes.atStart(child);
    return child;
  };
  return { ...real, fork };
});

/** Calls `reading.begun` when the first lines have been read. */
vi.mock('../../../../src/collect/access-log/embedded/entry-store.ts', async (original) => {
  const real = await original<typeof import('../../../../src/collect/access-log/embedded/entry-store.ts')>();
  class EntryStore extends real.EntryStore {
    override batch(...parameters: Parameters<(typeof real.EntryStore)['prototype']['batch']>): void {
      reading.begun();
      super.batch(...parameters);
    }
  }
  return { ...real, EntryStore };
});

const never = new AbortController().signal;

function request() {
  const folder = temporaryFolder();
  writeLogs(folder, { 'a.log': [line(), line({ status: '502' })] });
  return { folder, question, idleTimeoutSeconds: 60 };
}

/** Like `request`, with files that arrive one after another: the second not before the first is being read. */
function arrivingRequest() {
  const asked = request();
  writeLogs(asked.folder, { 'b.log': [line({ status: '504' })] });
  const { promise, resolve: begin } = Promise.withResolvers<void>();
  reading.begun = begin;
  async function* names(isHeldBack: boolean) {
    yield 'a.log';
    if (isHeldBack) await promise;
    yield 'b.log';
  }
  const arriving = (isHeldBack: boolean) => ({ count: 3, bytes: 1000, names: names(isHeldBack) });
  return { asked, arriving };
}

const foldersOfReaders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('alb502-reader-'));
const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;

beforeEach(() => {
  processes.started.length = 0;
  processes.atStart = () => {};
  reading.begun = () => {};
  vi.unstubAllEnvs();
});

describe('a separate process', () => {
  it('gives the same answers, and ends when closed', async () => {
    const before = foldersOfReaders();
    const asked = request();
    const reader = await openReaderApart();
    const [folder] = foldersOfReaders().filter((name) => !before.includes(name));
    expect(folder).toBeDefined();
    expect(await reader.read(asked, never)).toEqual(await readAccessLog(asked));
    await reader.close();
    expect(processes.started.map(isRunning)).toEqual([false]);
    expect(existsSync(`${tmpdir()}/${folder}`)).toBe(false);
  });

  it('gets no secret from the environment', async () => {
    vi.stubEnv('SLACK_BOT_TOKEN', 'xoxb-secret');
    const reader = await openReaderApart();
    await reader.read(request(), never);
    const [child] = processes.started;
    if (process.platform === 'linux')
      expect(readFileSync(`/proc/${child?.pid}/environ`, 'utf8')).not.toContain('xoxb-secret');
    await reader.close();
  });

  it('is restarted after one crash', async () => {
    processes.atStart = (child) => {
      if (processes.started.length === 1) child.kill('SIGSEGV');
    };
    const asked = request();
    const reader = await openReaderApart();
    expect(await reader.read(asked, never)).toEqual(await readAccessLog(asked));
    expect(processes.started.map(({ signalCode }) => signalCode)).toEqual(['SIGSEGV', null]);
    await reader.close();
  });

  it('reads files as they arrive, and all of them again after a crash', async () => {
    processes.atStart = (child) => {
      if (processes.started.length === 1) child.kill('SIGSEGV');
    };
    const { asked, arriving } = arrivingRequest();
    const reader = await openReaderApart();
    expect(await reader.read({ ...asked, arriving: arriving(false) }, never)).toEqual(await readAccessLog(asked));
    await reader.close();
  });

  it('is given up after a second crash', async () => {
    processes.atStart = (child) => child.kill('SIGSEGV');
    const reader = await openReaderApart();
    await expect(reader.read(request(), never)).rejects.toEqual(
      new Problem('The access log could not be read to its end: the process that reads it ended 2 times (SIGSEGV).', 2),
    );
    await reader.close();
  });

  it('reports an invalid question', async () => {
    const folder = temporaryFolder();
    writeLogs(folder, {
      'a.log': [line({ elb: 'app/shop/1111111111111111' }), line({ elb: 'app/shop/2222222222222222' })],
    });
    const reader = await openReaderApart();
    const asked = { folder, question: { ...question, loadBalancer: { name: 'shop', arn: null } } };
    await expect(reader.read({ ...asked, idleTimeoutSeconds: 60 }, never)).rejects.toEqual(
      new Problem("'shop' matches 2 load balancers: app/shop/1111111111111111, app/shop/2222222222222222.", 1),
    );
    await reader.close();
  });

  it.each(['in the middle of its work', 'before it was asked'])('is killed when stopped %s', async (when) => {
    const stopping = new AbortController();
    const reader = await openReaderApart();
    // It does nothing from now on, as in a read that takes for ever.
    processes.started[0]?.kill('SIGSTOP');
    if (when === 'before it was asked') stopping.abort();
    const reading = reader.read(request(), stopping.signal);
    stopping.abort();
    await expect(reading).rejects.toBeInstanceOf(AccessLogError);
    await reader.close();
    expect(processes.started.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL']);
  });
});

describe('this process', () => {
  it('reads a file while the next one is still arriving', async () => {
    const { asked, arriving } = arrivingRequest();
    const reader = await openReaderHere();
    const read = await reader.read({ ...asked, arriving: arriving(true) }, never);
    expect(read.files.read).toBe(2);
    expect(read).toEqual(await readAccessLog(asked));
  });

  it('stops in the middle of a file', async () => {
    const stopping = new AbortController();
    reading.begun = () => stopping.abort();
    const reader = await openReaderHere();
    await expect(reader.read(request(), stopping.signal)).rejects.toMatchObject({ kind: 'stopped' });
    await reader.close();
  });

  it('stops reading threads', async () => {
    const folder = temporaryFolder();
    const lines = Array<string>(20_000).fill(line());
    writeLogs(folder, { 'a.log': lines, 'b.log': lines });
    const stopping = new AbortController();
    const files = Readable.from(
      ['a.log', 'b.log'].map((file) => ({ path: `${folder}/${file}`, compressed: false, node: null, bytes: 1 })),
    );
    const options = { loadBalancer: { name: 'shop', id: null }, window: question, statuses: ['5xx'] };
    const sink = { batch: () => stopping.abort(new Error('enough')), keep: () => {}, discard: () => {} };
    // So large that threads are taken.
    const readers = openReaders({ count: 2, bytes: 100_000_000 }, options);
    await expect(scan(readers, files, sink, stopping.signal)).rejects.toThrow('enough');
    await readers.close();
  });
});
