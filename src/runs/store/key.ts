/** Validates keys that every kind of store can hold unchanged. Pure. */
import { Problem } from '../../problem.ts';

/** A part begins with a letter or digit, so it is never a hidden file, "." or "..". */
const KEY = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/;
/** S3 allows 1,024 bytes in a key, file systems 255 in a part. */
const LONGEST = 512;
const LONGEST_PART = 128;

const PREFIX = /^(?:[a-z0-9][a-z0-9._-]*(?:\/|$))*$/;

/** Throws Problem (exit 2) for an invalid key: a caller's mistake or an attempt to leave the store. */
export function assertKey(key: string): void {
  const isShort = key.length <= LONGEST && key.split('/').every((part) => part.length <= LONGEST_PART);
  if (!isShort || !KEY.test(key))
    throw new Problem(`${JSON.stringify(key.slice(0, 80))} is not a key of the store.`, 2);
}

/** Throws Problem (exit 2) unless a key can begin like this; "" begins every key. */
export function assertPrefix(prefix: string): void {
  if (prefix.length > LONGEST || !PREFIX.test(prefix))
    throw new Problem(`${JSON.stringify(prefix.slice(0, 80))} is not the beginning of a key of the store.`, 2);
}
