/** The contract of every run store. */
import { describe, expect, it } from 'vitest';
import { Problem } from '../../../src/problem.ts';
import type { Store } from '../../../src/runs/store/store.ts';

/** `open` gives another opening of one store that is empty before each test; `fresh` empties it. */
export function describeStore(name: string, fresh: () => Promise<() => Promise<Store>>): void {
  describe(name, () => {
    const opened = async () => (await fresh())();

    it('reads what was written, with the version the write gave', async () => {
      const store = await opened();
      const body = '{"söme":"texts 🙂"}\n';
      const version = await store.write('runs/a/run.json', body, 'absent');
      expect(version).toEqual(expect.any(String));
      expect(await store.read('runs/a/run.json')).toEqual({ body, version });
    });

    it('has null for what is not there, also where something is below or above', async () => {
      const store = await opened();
      await store.write('runs/a/run.json', '1', 'absent');
      expect(await store.read('runs/b/run.json')).toBeNull();
      expect(await store.read('runs/a')).toBeNull();
      expect(await store.read('runs/a/run.json/deeper')).toBeNull();
    });

    it('holds an empty object', async () => {
      const store = await opened();
      const version = await store.write('open/a', '', 'absent');
      expect(version).not.toBeNull();
      expect(await store.read('open/a')).toEqual({ body: '', version });
    });

    it('writes what must be absent only once', async () => {
      const store = await opened();
      expect(await store.write('a', 'first', 'absent')).not.toBeNull();
      expect(await store.write('a', 'second', 'absent')).toBeNull();
      expect((await store.read('a'))?.body).toBe('first');
    });

    it('writes over the version that was read and no other', async () => {
      const store = await opened();
      const first = await store.write('a', 'first', 'absent');
      const second = await store.write('a', 'second', { version: first ?? '' });
      expect(second).not.toBeNull();
      expect(await store.write('a', 'third', { version: first ?? '' })).toBeNull();
      expect(await store.read('a')).toEqual({ body: 'second', version: second });
    });

    it('does not write over a version of what has been removed', async () => {
      const store = await opened();
      const first = await store.write('a', 'first', 'absent');
      await store.remove('a');
      expect(await store.write('a', 'second', { version: first ?? '' })).toBeNull();
      expect(await store.read('a')).toBeNull();
      expect(await store.write('a', 'third', 'absent')).not.toBeNull();
    });

    it('writes whatever is there where it is told to', async () => {
      const store = await opened();
      expect(await store.write('a', 'first', 'any')).not.toBeNull();
      const version = await store.write('a', 'second', 'any');
      expect(await store.read('a')).toEqual({ body: 'second', version });
    });

    it('removes, also what is not there', async () => {
      const store = await opened();
      await store.write('runs/a/run.json', '1', 'absent');
      await store.remove('runs/a/run.json');
      await store.remove('runs/a/run.json');
      expect(await store.read('runs/a/run.json')).toBeNull();
      expect(await store.list('')).toEqual([]);
    });

    it('lists keys by their beginning, ascending, from after one on', async () => {
      const store = await opened();
      const keys = [
        'runs/a/run.json',
        'runs/a.b',
        'runs/a/incident/aws/x.json',
        'runs/b/run.json',
        'open/a',
        'runs2/a',
      ];
      for (const key of keys) await store.write(key, key, 'absent');
      expect(await store.list('')).toEqual([...keys].sort());
      expect(await store.list('runs/')).toEqual(keys.filter((key) => key.startsWith('runs/')).sort());
      expect(await store.list('runs/a')).toEqual(['runs/a.b', 'runs/a/incident/aws/x.json', 'runs/a/run.json']);
      expect(await store.list('runs/a/')).toEqual(['runs/a/incident/aws/x.json', 'runs/a/run.json']);
      expect(await store.list('runs/', 'runs/a/incident/aws/x.json')).toEqual(['runs/a/run.json', 'runs/b/run.json']);
      expect(await store.list('runs/', 'runs/a/m')).toEqual(['runs/a/run.json', 'runs/b/run.json']);
      expect(await store.list('nothing/')).toEqual([]);
    });

    it.each([
      '',
      '/a',
      'a/',
      'a//b',
      '../a',
      'a/../b',
      'a/./b',
      '.hidden',
      'a/.locks',
      'A',
      'a b',
      'a\0',
      'a\\b',
      'ä',
      '%2e%2e/a',
    ])('refuses the key %j', async (key) => {
      const store = await opened();
      await expect(store.read(key)).rejects.toThrow(Problem);
      await expect(store.write(key, '', 'any')).rejects.toThrow(Problem);
      await expect(store.remove(key)).rejects.toThrow(Problem);
      expect(await store.list('')).toEqual([]);
    });

    it('has one winner of 50 who write at once, each round', { timeout: 120_000 }, async () => {
      const open = await fresh();
      const stores = await Promise.all([open(), open(), open(), open(), open()]);
      const writers = Array.from({ length: 50 }, (_, at) => at);
      let version: string | null = null;
      for (let round = 0; round < 4; round++) {
        const expected = version === null ? 'absent' : { version };
        const answers: (string | null)[] = await Promise.all(
          writers.map((writer) => stores[writer % 5]?.write('runs/a/run.json', `${round} ${writer}`, expected) ?? null),
        );
        const winners = answers.flatMap((answer, writer) => (answer === null ? [] : [{ answer, writer }]));
        expect(winners).toHaveLength(1);
        version = winners[0]?.answer ?? null;
        expect(await stores[0]?.read('runs/a/run.json')).toEqual({ body: `${round} ${winners[0]?.writer}`, version });
      }
    });

    it('loses no change of those that read, change and write again', async () => {
      const open = await fresh();
      const stores = await Promise.all([open(), open()]);
      await stores[0]?.write('counter', '0', 'absent');
      const increment = async (store: Store) => {
        for (;;) {
          const there = await store.read('counter');
          if (there === null) throw new Error('lost');
          if ((await store.write('counter', `${Number(there.body) + 1}`, { version: there.version })) !== null) return;
        }
      };
      await Promise.all(Array.from({ length: 12 }, (_, at) => increment(stores[at % 2] as Store)));
      expect((await stores[0]?.read('counter'))?.body).toBe('12');
    });

    it('holds what is as large as an incident with many errors', async () => {
      const store = await opened();
      const body = JSON.stringify(Array.from({ length: 60_000 }, (_, at) => `/a/route/é/${at}`));
      const version = await store.write('big', body, 'absent');
      expect(await store.read('big')).toEqual({ body, version });
    });
  });
}
