/** JSON documents in a store: validated when read, changed by compare-and-swap. */
import { setTimeout as wait } from 'node:timers/promises';
import type * as z from 'zod';
import { Problem } from '../../problem.ts';
import { jitteredPause } from './backoff.ts';
import type { Store } from './store.ts';

/** The document to write, and the result for the caller. The same document, or null, means no write. */
interface DocumentChange<T, R> {
  document: T | null;
  result: R;
}

export interface Documents<T> {
  /** Null when there is none. Throws UnreadableDocument unless malformed documents count as absent. */
  read(key: string): Promise<T | null>;
  /**
   * Reads, changes and writes a document. Retries when another process wrote meanwhile, so `change` may run several
   * times. Pending changes of this process to the same document share one write, in order; a change that throws rejects
   * alone. Rejects with WriteConflict after too many conflicts, and with Problem when the store cannot be reached.
   */
  change<R>(
    key: string,
    change: (current: T | null) => DocumentChange<T, R> | Promise<DocumentChange<T, R>>,
  ): Promise<R>;
}

/** Milliseconds between two attempts. */
const PAUSES = { first: 10, longest: 250 };
/** More conflicts than this mean that something else is wrong. */
const MAX_ATTEMPTS = 100;

/** The stored document is malformed. */
export class UnreadableDocument extends Problem {
  constructor(key: string, why: string) {
    super(`${key} of the run store cannot be read: ${why}.`, 2);
  }
}

/** Other processes kept changing the document first. */
export class WriteConflict extends Problem {
  constructor(key: string) {
    super(`Could not update ${key} of the run store: ${MAX_ATTEMPTS} write conflicts in a row.`, 2);
  }
}

/** Whether the store failed and may succeed later; false for a malformed document. */
export const isOutage = (error: unknown): error is Problem =>
  error instanceof Problem && error.exitCode === 2 && !(error instanceof UnreadableDocument);

export const serialize = (content: unknown): string => `${JSON.stringify(content, null, 2)}\n`;

/** Parses and validates a document. Throws UnreadableDocument. */
export function parseDocument<T>(key: string, body: string, shape: z.ZodType<T>): T {
  let content: unknown;
  try {
    content = JSON.parse(body);
  } catch {
    throw new UnreadableDocument(key, 'it is not JSON');
  }
  const read = shape.safeParse(content);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const place = issue?.path.join('.') ?? '';
  throw new UnreadableDocument(key, `${place === '' ? '' : `${place}: `}${issue?.message}`);
}

interface WaitingChange<T> {
  /** Returns the changed document. Rejects when the change throws. */
  apply(current: T | null): Promise<T | null>;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Opens documents of one shape. `onUnreadable` receives malformed documents, which then count as absent; without it,
 * reading one throws.
 */
export function openDocuments<T>(
  store: Store,
  shape: z.ZodType<T>,
  onUnreadable?: (key: string, why: string) => void,
): Documents<T> {
  const waiting = new Map<string, WaitingChange<T>[]>();

  async function load(key: string): Promise<{ document: T | null; body: string | null; version: string | null }> {
    const found = await store.read(key);
    if (found === null) return { document: null, body: null, version: null };
    try {
      return { document: parseDocument(key, found.body, shape), ...found };
    } catch (error) {
      if (onUnreadable === undefined || !(error instanceof UnreadableDocument)) throw error;
      onUnreadable(key, error.message);
      return { document: null, ...found };
    }
  }

  async function writeChanges(key: string): Promise<void> {
    for (let all = waiting.get(key); all !== undefined && all.length > 0; all = waiting.get(key)) {
      // Changes requested so far share one write; later ones go into the next.
      const taken = [...all];
      const batch = [...taken];
      try {
        await writeBatch(key, batch);
        for (const change of batch) change.resolve();
      } catch (error) {
        for (const change of batch) change.reject(error);
      }
      waiting.set(
        key,
        (waiting.get(key) ?? []).filter((change) => !taken.includes(change)),
      );
    }
    waiting.delete(key);
  }

  /** Removes changes that throw from the batch. */
  async function writeBatch(key: string, batch: WaitingChange<T>[]): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const before = await load(key);
      let after = before.document;
      for (const change of [...batch]) {
        try {
          after = await change.apply(after);
        } catch (error) {
          change.reject(error);
          batch.splice(batch.indexOf(change), 1);
        }
      }
      if (after === before.document || after === null) return;
      const body = serialize(after);
      if (body === before.body) return;
      const expected = before.version === null ? 'absent' : { version: before.version };
      if ((await store.write(key, body, expected)) !== null) return;
      await wait(jitteredPause(attempt, PAUSES));
    }
    throw new WriteConflict(key);
  }

  return {
    read: async (key) => (await load(key)).document,
    change<R>(key: string, change: (current: T | null) => DocumentChange<T, R> | Promise<DocumentChange<T, R>>) {
      const { promise, resolve, reject } = Promise.withResolvers<R>();
      let last: DocumentChange<T, R> | null = null;
      const entry: WaitingChange<T> = {
        async apply(current) {
          last = await change(current);
          return last.document;
        },
        resolve() {
          if (last !== null) resolve(last.result);
        },
        reject,
      };
      const others = waiting.get(key);
      if (others !== undefined) others.push(entry);
      else {
        waiting.set(key, [entry]);
        void writeChanges(key);
      }
      return promise;
    },
  };
}
