/** Objects of the store that many change: read, changed and written on the condition that nobody wrote meanwhile; again when somebody did. */
import { setTimeout as pause } from 'node:timers/promises';
import type * as z from 'zod';
import { Unavailable } from '../../alarms/retryable.ts';
import type { Store } from './store.ts';

/** What becomes of an object, and what was learned by it. The object itself where it stays as it is; null where there was none and is none. */
export type Change<T, R> = (object: T | null) => { object: T | null; result: R };

export interface Objects<T> {
  read(key: string): Promise<T | null>;
  /** Changes of one process that wait for the same object are made in one go. Rejects when the store cannot be reached. */
  change<R>(key: string, change: Change<T, R>): Promise<R>;
}

/** Milliseconds between attempts, doubled from one to the next, and at most so many attempts. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 1000;
const ATTEMPTS = 30;

interface Waiting<T> {
  apply(object: T | null): T | null;
  settle(): void;
  fail(error: unknown): void;
}

/** `broken` is told of an object that is not what it should be; it counts as absent. */
export function openObjects<T>(
  store: Store,
  schema: z.ZodType<T>,
  broken: (key: string, why: string) => void,
): Objects<T> {
  const waiting = new Map<string, Waiting<T>[]>();

  return {
    read: async (key) => (await stored(key)).object,
    change<R>(key: string, change: Change<T, R>): Promise<R> {
      const { promise, resolve, reject } = Promise.withResolvers<R>();
      let result: { of: R } | null = null;
      const entry: Waiting<T> = {
        apply(object) {
          const changed = change(object);
          result = { of: changed.result };
          return changed.object;
        },
        settle() {
          if (result !== null) resolve(result.of);
        },
        fail: reject,
      };
      const there = waiting.get(key);
      if (there) there.push(entry);
      else {
        waiting.set(key, [entry]);
        void work(key);
      }
      return promise;
    },
  };

  async function work(key: string): Promise<void> {
    for (;;) {
      // Whatever is asked until the object was read goes into the same write.
      const batch = [...(waiting.get(key) ?? [])];
      if (batch.length === 0) break;
      try {
        await written(key, batch);
        for (const entry of batch) entry.settle();
      } catch (error) {
        for (const entry of batch) entry.fail(error);
      }
      waiting.set(
        key,
        (waiting.get(key) ?? []).filter((entry) => !batch.includes(entry)),
      );
    }
    waiting.delete(key);
  }

  async function written(key: string, batch: Waiting<T>[]): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) {
        const longest = Math.min(FIRST_PAUSE * 2 ** attempt, LONGEST_PAUSE);
        // Two that write at the same moment do so again at different ones.
        await pause(longest * (0.5 + Math.random() / 2));
      }
      const before = await stored(key);
      const after = batch.reduce<T | null>((object, entry) => entry.apply(object), before.object);
      if (after === before.object || after === null) return;
      const expected = before.version === null ? ('absent' as const) : { version: before.version };
      if ((await store.write(key, JSON.stringify(after), expected)) !== null) return;
    }
    throw new Unavailable('busy', `${key} is written by others all the time`);
  }

  async function stored(key: string): Promise<{ object: T | null; version: string | null }> {
    const found = await store.read(key);
    if (found === null) return { object: null, version: null };
    const { body, version } = found;
    try {
      const read = schema.safeParse(JSON.parse(body));
      if (read.success) return { object: read.data, version };
      broken(key, read.error.issues[0]?.message ?? 'of another shape');
    } catch {
      broken(key, 'not JSON');
    }
    return { object: null, version };
  }
}
