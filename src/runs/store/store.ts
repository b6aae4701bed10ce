/**
 * Where runs, episodes and alarms are kept: objects by key, written on the condition that nobody else has written meanwhile. A folder
 * by default; an S3 prefix when several replicas share them.
 */

/** What was read, and the version it has: to be given back with the next write. */
export interface StoredObject {
  body: string;
  version: string;
}

/** A version that was read; `absent` where there must be no object yet; `any` for what only one writer writes. */
export type ExpectedVersion = { version: string } | 'absent' | 'any';

/** Keys are parts of lower-case letters, digits, ".", "_" and "-", joined by "/". Every method throws a Problem (exit 2) when the store cannot be reached. */
export interface Store {
  read(key: string): Promise<StoredObject | null>;
  /** The new version; null when the object is not as expected, and nothing was written. */
  write(key: string, body: string, expected: ExpectedVersion): Promise<string | null>;
  /** Keys that begin with `prefix`, ascending; from after `after` on. */
  list(prefix: string, after?: string): Promise<string[]>;
  /** Removes an object; one that is not there is no error. */
  remove(key: string): Promise<void>;
  /** Epoch milliseconds by the clock of the store, where it has one: by it replicas agree when a lease lapses, whatever their own clocks say. */
  now?(): number;
}
