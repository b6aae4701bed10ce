/**
 * Stores runs, episodes and alarms as objects by key; a conditional write fails if another process wrote meanwhile. A
 * folder by default; an S3 prefix for several replicas.
 */

/** Most objects to read or write in parallel. */
export const STORE_CONCURRENCY = 8;

/** An object and its version, which the next write passes back. */
export interface StoredObject {
  body: string;
  version: string;
}

/** The version that was read; `absent` when no object may exist yet; `any` for objects with one writer. */
export type ExpectedVersion = { version: string } | 'absent' | 'any';

/**
 * Keys are parts of lower-case letters, digits, ".", "_" and "-", joined by "/". Every method throws a Problem (exit 2)
 * when the store cannot be reached.
 */
export interface Store {
  read(key: string): Promise<StoredObject | null>;
  /** Returns the new version; null, without writing, when the object is not as expected. */
  write(key: string, body: string, expected: ExpectedVersion): Promise<string | null>;
  /** Lists keys that begin with `prefix`, ascending, starting after `after`. */
  list(prefix: string, after?: string): Promise<string[]>;
  /** Removes an object; a missing one is no error. */
  remove(key: string): Promise<void>;
  /** Epoch milliseconds by the store's clock, if it has one: replicas use it to agree on when a lease expires. */
  now?(): number;
}
