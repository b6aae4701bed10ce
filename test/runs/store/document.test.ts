/** Documents that several processes change. */
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { openDocuments } from '../../../src/runs/store/document.ts';
import type { Store } from '../../../src/runs/store/store.ts';
import { memoryStore } from '../../support/alarms/process.ts';

const Count = z.object({ count: z.number() });
type Count = z.infer<typeof Count>;
const one = (there: Count | null) => ({
  document: { count: (there?.count ?? 0) + 1 },
  result: (there?.count ?? 0) + 1,
});
const unread: string[] = [];
const open = (store: Store) => openDocuments(store, Count, (key, why) => unread.push(`${key}: ${why}`));

/** Answers after a while, so that others come in between. */
const slow = (store: Store): Store => {
  const later = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
  return {
    ...store,
    read: (key) => later().then(() => store.read(key)),
    write: (key, body, expected) => later().then(() => store.write(key, body, expected)),
  };
};

describe('documents', () => {
  it('keep the changes of several processes, and each gets its own result', async () => {
    const store = memoryStore();
    const processes = [open(slow(store)), open(slow(store)), open(slow(store))];
    const results = await Promise.all(
      processes.flatMap((objects) => Array.from({ length: 100 }, () => objects.change('a/count', one))),
    );
    expect(await open(store).read('a/count')).toEqual({ count: 300 });
    expect(new Set(results).size).toBe(300);
  });

  it('are written once for all waiting changes, and not when nothing changes', async () => {
    const store = memoryStore();
    let writes = 0;
    const counting: Store = {
      ...slow(store),
      write: (...given) => {
        writes += 1;
        return store.write(...given);
      },
    };
    const objects = open(counting);
    await Promise.all(Array.from({ length: 50 }, () => objects.change('a/count', one)));
    expect(writes).toBeLessThanOrEqual(2);
    expect(await objects.change('a/count', (there) => ({ document: there, result: there?.count }))).toBe(50);
    expect(await objects.change('a/none', (there) => ({ document: there, result: 'nothing' }))).toBe('nothing');
    expect(writes).toBeLessThanOrEqual(2);
  });

  it('reject every waiting change while the store is down, and work again afterwards', async () => {
    const store = memoryStore();
    let isDown = true;
    const objects = open({
      ...store,
      read: (key) => (isDown ? Promise.reject(new Error('down')) : store.read(key)),
    });
    const all = await Promise.allSettled([objects.change('a/count', one), objects.change('a/count', one)]);
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    isDown = false;
    expect(await objects.change('a/count', one)).toBe(1);
  });

  it('fail only the change that throws', async () => {
    const documents = open(memoryStore());
    const all = await Promise.allSettled([
      documents.change('a/count', one),
      documents.change('a/count', () => Promise.reject(new Error('no'))),
      documents.change('a/count', one),
    ]);
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await documents.read('a/count')).toEqual({ count: 2 });
  });

  it('give up with a sentence when other processes win every time', { timeout: 60_000 }, async () => {
    const documents = open({ ...memoryStore(), write: async () => null });
    await expect(documents.change('a/count', one)).rejects.toThrow(
      'Could not update a/count of the run store: 100 write conflicts in a row.',
    );
  });

  it.each(['no JSON', '{"count":"many"}'])('that are %s count as absent, and it is said', async (body) => {
    const store = memoryStore();
    await store.write('a/count', body, 'absent');
    unread.length = 0;
    expect(await open(store).change('a/count', one)).toBe(1);
    expect(unread).toHaveLength(1);
  });
});
