/** JSON objects in a store: read with their shape checked, and changed by compare and swap. */
import { setTimeout as wait } from 'node:timers/promises';
import type * as z from 'zod';
import { Problem } from '../../problem.ts';
import type { Store } from './store.ts';

/** Milliseconds between two attempts, at most. */
const LONGEST_PAUSE = 250;
/** Somebody else has won so often only where something else is wrong. */
const MAX_ATTEMPTS = 100;
/** Objects that are read or written at the same time for one purpose. */
const CONCURRENCY = 8;

export const serialize = (content: unknown): string => `${JSON.stringify(content, null, 2)}\n`;

/** What is there has not the shape that it should have. */
export class UnreadableObject extends Problem {
  constructor(key: string, why: string) {
    super(`${key} of the run store cannot be read: ${why}.`, 2);
  }
}

/** Whether the store could not do what was asked of it, as against an object in it that is wrong. It may later. */
export const isOutage = (error: unknown): error is Problem =>
  error instanceof Problem && error.exitCode === 2 && !(error instanceof UnreadableObject);

/** Throws UnreadableObject when what is there has another shape. */
export function parseObject<T>(key: string, body: string, shape: z.ZodType<T>): T {
  let content: unknown;
  try {
    content = JSON.parse(body);
  } catch {
    throw new UnreadableObject(key, 'it is not JSON');
  }
  const read = shape.safeParse(content);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new UnreadableObject(key, `${issue?.path.join('.') || 'all of it'}: ${issue?.message}`);
}

/**
 * Reads, changes and writes, and again when somebody wrote meanwhile; `change` may so be called several times. It is given null where
 * there is no object, and gives null where nothing is to be written. What is there in the end.
 */
export async function changeObject<T>(
  store: Store,
  key: string,
  shape: z.ZodType<T>,
  change: (there: T | null) => Promise<T | null> | T | null,
): Promise<T | null> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const stored = await store.read(key);
    const there = stored === null ? null : parseObject(key, stored.body, shape);
    const next = await change(there);
    if (next === null) return there;
    const body = serialize(next);
    if (body === stored?.body) return next;
    const version = await store.write(key, body, stored === null ? 'absent' : { version: stored.version });
    if (version !== null) return next;
    await wait(Math.random() * Math.min(attempt * 10, LONGEST_PAUSE));
  }
  throw new Problem(`${key} of the run store is being written by others all the time.`, 2);
}

/** Does something with all of them, some at a time. When one fails no other is begun, and it throws once those under way have ended. */
export async function forEachLimited<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const left = [...all];
  const worker = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
  };
  const workers = Array.from({ length: Math.min(CONCURRENCY, all.length) }, () =>
    worker().catch((error) => {
      left.length = 0;
      throw error;
    }),
  );
  const failed = (await Promise.allSettled(workers)).find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
