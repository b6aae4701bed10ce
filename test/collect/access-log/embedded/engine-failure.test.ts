/** A failure of the engine is reported; partial results would look like an answer. */
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { readAccessLog } from '../../../../src/collect/access-log/embedded/embedded-engine.ts';
import { openReaders, scan } from '../../../../src/collect/access-log/embedded/scan.ts';
import { collect } from '../../../../src/collect/collect.ts';
import { readIncident, recordedCollectors } from '../../../../src/collect/incident/incident-collectors.ts';
import { Problem } from '../../../../src/problem.ts';
import { LOAD_BALANCER, line, quarterHour as question, writeLogs } from '../../../support/access-log/log-file.ts';
import { temporaryFolder } from '../../../support/incident/folder.ts';

const failing = vi.hoisted(() => ({ with: null as Error | null, threads: null as 'at-once' | 'at-work' | null }));

vi.mock('../../../../src/collect/access-log/embedded/entry-store.ts', async (original) => {
  const real = await original<typeof import('../../../../src/collect/access-log/embedded/entry-store.ts')>();
  class EntryStore extends real.EntryStore {
    override keep(...parameters: Parameters<(typeof real.EntryStore)['prototype']['keep']>): void {
      if (failing.with !== null) throw failing.with;
      super.keep(...parameters);
    }
  }
  return { ...real, EntryStore };
});

vi.mock('node:worker_threads', async (original) => {
  const real = await original<typeof import('node:worker_threads')>();
  class Worker extends real.Worker {
    constructor(...parameters: ConstructorParameters<typeof real.Worker>) {
      super(...parameters);
      if (failing.threads === 'at-once') void this.terminate();
      if (failing.threads === 'at-work') this.once('message', () => void this.terminate());
    }
  }
  return { ...real, Worker };
});

function incidentFolder(): string {
  const folder = temporaryFolder();
  const incident = { loadBalancer: LOAD_BALANCER, from: '2026-03-10T12:00:00Z', to: '2026-03-10T12:15:00Z' };
  writeLogs(folder, { 'logs/a.log': [line()], 'incident.json': Buffer.from(JSON.stringify(incident)) });
  return folder;
}

it.each([
  ['Array buffer allocation failed', ''],
  ['a failure has no place', '\n    at read (failure-store.ts)'],
])('%s', async (why, more) => {
  const folder = incidentFolder();
  failing.with = new Error(why + more);
  try {
    const reading = readAccessLog({ folder: join(folder, 'logs'), question, idleTimeoutSeconds: 60 });
    await expect(reading).rejects.toEqual(new Problem(`The access log could not be read to its end: ${why}.`, 2));
    await expect(reading).rejects.toMatchObject({ exitCode: 2 });
    const collecting = collect(recordedCollectors(await readIncident(folder), question));
    await expect(collecting).rejects.toBeInstanceOf(Problem);
  } finally {
    failing.with = null;
  }
});

it('ends the scan if a thread cannot start', async () => {
  const folder = temporaryFolder();
  writeLogs(folder, { 'a.log': [line()], 'b.log': [line()] });
  // So large that threads are taken.
  const scanAll = async (statuses: string[]) => {
    const files = Readable.from(
      ['a.log', 'b.log'].map((file) => ({ path: join(folder, file), compressed: false, node: null, bytes: 1 })),
    );
    const readers = openReaders({ count: 2, bytes: 200_000_000 }, { ...options, statuses });
    try {
      return await scan(readers, files, sink);
    } finally {
      await readers.close();
    }
  };
  const options = { loadBalancer: { name: 'shop', id: null }, window: question };
  const sink = { batch: () => {}, keep: () => {}, discard: () => {} };
  const scanned = await scanAll(['5xx']);
  expect(scanned.map(({ result }) => result.counts.lines)).toEqual([1, 1]);
  await expect(scanAll(['five'])).rejects.toThrow('five is not a status');
});

it.each(['at-once', 'at-work'] as const)('a thread that is killed %s ends the reading', async (when) => {
  const folder = temporaryFolder();
  // More than a thread may hand out before it waits, and than is read without threads.
  const failed = line({ status: '502' }).split(' ').slice(0, 12).join(' ');
  const lines = Array<string>(20_000).fill(failed);
  writeLogs(folder, { 'a.log': lines, 'b.log': lines });
  const read = () => readAccessLog({ folder, question, idleTimeoutSeconds: 60 });
  failing.threads = when;
  try {
    await expect(read()).rejects.toEqual(
      new Problem('The access log could not be read to its end: a thread ended before its work.', 2),
    );
  } finally {
    failing.threads = null;
  }
  expect(await read()).toMatchObject({
    lines: 40_000,
    entries: 40_000,
    failuresTotal: 40_000,
    files: { unreadable: [] },
  });
});
