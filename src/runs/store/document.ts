/** Objects of the store that many change: read, changed and written on the condition that nobody wrote meanwhile; again when somebody did. */
import { setTimeout as pause } from 'node:timers/promises';
import type * as z from 'zod';
import { Unavailable } from '../../alarms/retryable.ts';
import type { Store } from './store.ts';

/** What becomes of an object, and what was learned by it. The object itself where it stays as it is; null where there was none and is none. */
export type ObjectChange<T, R> = (object: T | null) => { object: T | null; result: R };

export interface JsonCollection<T> {
  read(key: string): Promise<T | null>;
  /** Changes of one process that wait for the same object are made in one go. Rejects when the store cannot be reached. */
  change<R>(key: string, change: ObjectChange<T, R>): Promise<R>;
}

/** Milliseconds between attempts, doubled from one to the next, and at most so many attempts. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 1000;
const ATTEMPTS = 30;

interface PendingChange<T> {
  apply(object: T | null): T | null;
  settle(): void;
  fail(error: unknown): void;
}

/** `broken` is told of an object that is not what it should be; it counts as absent. */
export function openJsonCollection<T>(
  store: Store,
  schema: z.ZodType<T>,
  onUnreadable: (key: string, why: string) => void,
): JsonCollection<T> {
  const pending = new Map<string, PendingChange<T>[]>();

  return {
    read: async (key) => (await load(key)).object,
    change<R>(key: string, change: ObjectChange<T, R>): Promise<R> {
      const { promise, resolve, reject } = Promise.withResolvers<R>();
      let result: { of: R } | null = null;
      const entry: PendingChange<T> = {
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
      const there = pending.get(key);
      if (there) there.push(entry);
      else {
        pending.set(key, [entry]);
        void flush(key);
      }
      return promise;
    },
  };

  async function flush(key: string): Promise<void> {
    for (;;) {
      // Whatever is asked until the object was read goes into the same write.
      const batch = [...(pending.get(key) ?? [])];
      if (batch.length === 0) break;
      try {
        await writeBatch(key, batch);
        for (const entry of batch) entry.settle();
      } catch (error) {
        for (const entry of batch) entry.fail(error);
      }
      pending.set(
        key,
        (pending.get(key) ?? []).filter((entry) => !batch.includes(entry)),
      );
    }
    pending.delete(key);
  }

  async function writeBatch(key: string, batch: PendingChange<T>[]): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) {
        const longest = Math.min(FIRST_PAUSE * 2 ** attempt, LONGEST_PAUSE);
        // Two that write at the same moment do so again at different ones.
        await pause(longest * (0.5 + Math.random() / 2));
      }
      const before = await load(key);
      const after = batch.reduce<T | null>((object, entry) => entry.apply(object), before.object);
      if (after === before.object || after === null) return;
      const expected = before.version === null ? ('absent' as const) : { version: before.version };
      if ((await store.write(key, JSON.stringify(after), expected)) !== null) return;
    }
    throw new Unavailable('busy', `${key} is written by others all the time`);
  }

  async function load(key: string): Promise<{ object: T | null; version: string | null }> {
    const found = await store.read(key);
    if (found === null) return { object: null, version: null };
    const { body, version } = found;
    try {
      const read = schema.safeParse(JSON.parse(body));
      if (read.success) return { object: read.data, version };
      onUnreadable(key, read.error.issues[0]?.message ?? 'of another shape');
    } catch {
      onUnreadable(key, 'not JSON');
    }
    return { object: null, version };
  }
}
