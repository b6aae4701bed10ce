/** Keys of a store: what every kind of it can hold as it is. Pure. */
import { Problem } from '../../problem.ts';

/** A part begins with a letter or a digit, so that it is no hidden file, and neither "." nor "..". */
const KEY = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/;
/** S3 has at most 1,024 bytes, file systems 255 in a part. */
const LONGEST = 512;
const LONGEST_PART = 128;

const PREFIX = /^(?:[a-z0-9][a-z0-9._-]*(?:\/|$))*$/;

/** Throws when it is no key: a mistake of the caller, or an attempt to leave the store. */
export function assertKey(key: string): void {
  const isShort = key.length <= LONGEST && key.split('/').every((part) => part.length <= LONGEST_PART);
  if (!isShort || !KEY.test(key))
    throw new Problem(`${JSON.stringify(key.slice(0, 80))} is not a key of the store.`, 2);
}

/** A prefix is the beginning of a key; "" is that of all. */
export function assertPrefix(prefix: string): void {
  if (prefix.length > LONGEST || !PREFIX.test(prefix))
    throw new Problem(`${JSON.stringify(prefix.slice(0, 80))} is not the beginning of a key of the store.`, 2);
}

/** In the order of S3, which is that of bytes; keys are ASCII. */
export const byKey = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
