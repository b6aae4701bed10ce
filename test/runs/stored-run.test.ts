/** Runs that release 0.1 wrote, as it wrote them (records-0.1), read by this release. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isOpen, type Run } from '../../src/runs/run.ts';
import { openRunStore } from '../../src/runs/runs.ts';
import { memoryStore } from '../support/alarms/process.ts';

const FOLDER = join(import.meta.dirname, 'records-0.1');
const record = (name: string): string => readFileSync(join(FOLDER, `${name}.json`), 'utf8');

async function readBack(body: string): Promise<Run> {
  const { id } = JSON.parse(body) as { id: string };
  const store = memoryStore();
  await store.write(`runs/${id}/run.json`, body, 'absent');
  const run = await openRunStore(store, { retentionDays: 90 }).read(id);
  if (run === null) throw new Error('The run is not there.');
  return run;
}

const empty = { kind: 'empty' };
const update = { kind: 'update' };

describe('a run of release 0.1', () => {
  it.each([
    ['running-root-being-posted', { state: 'running', attempts: 0, outbox: { kind: 'posting', message: 'root' } }],
    ['running-root-posted', { state: 'running', attempts: 0, outbox: update }],
    ['running-checklist-being-posted', { state: 'running', outbox: { kind: 'posting', message: 'checklist' } }],
    [
      'answered-verdict-being-posted',
      { state: 'partial', attempts: 1, outbox: { kind: 'posting', message: 'verdict' } },
    ],
    ['answered-and-shown', { state: 'partial', attempts: 1, outbox: empty, replies: {} }],
    [
      'end-being-told',
      {
        outbox: empty,
        replies: { 'closed-1': { state: 'posting', since: expect.stringMatching(/^2026-11-20T02:51/) } },
      },
    ],
    [
      'reply-unsure',
      { replies: { 'closed-1': { state: 'unsure' }, 'about-1': { state: 'posted', ts: '1763700000.000005' } } },
    ],
    [
      'provisional',
      { state: 'provisional', nextAttemptAt: '2026-11-20T02:50:00.000Z', thread: { parentTs: '1763000000.000001' } },
    ],
    ['interrupted', { state: 'interrupted', nextAttemptAt: null }],
    ['failed', { state: 'failed', failure: expect.stringMatching(/^Something broke/), outbox: empty }],
  ])('is read unchanged: %s', async (name, expected) => {
    const run = await readBack(record(name));
    expect(run).toMatchObject(expected);
    expect(Object.keys(run)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(asks|askAgainAt|posting|extras)$/)]),
    );
  });

  it('is resumed when release 0.1 would have resumed it', async () => {
    const names = readdirSync(FOLDER).map((file) => file.replace('.json', ''));
    const open: string[] = [];
    for (const name of names) if (isOpen(await readBack(record(name)))) open.push(name);
    expect(open).toEqual([
      'answered-verdict-being-posted',
      'provisional',
      'running-checklist-being-posted',
      'running-root-being-posted',
      'running-root-posted',
    ]);
  });

  it('has the current shape after a change', async () => {
    const store = memoryStore();
    const body = record('provisional');
    const { id } = JSON.parse(body) as { id: string };
    await store.write(`runs/${id}/run.json`, body, 'absent');
    const runs = openRunStore(store, { retentionDays: 90 });
    const changed = await runs.change(id, (run) => ({ ...run, attempts: 2 }));
    expect(await runs.read(id)).toEqual(changed);
    expect(JSON.parse(store.objects.get(`runs/${id}/run.json`)?.body ?? '')).toMatchObject({ schema: 2, attempts: 2 });
  });
});
