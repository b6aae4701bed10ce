import { vi } from 'vitest';

/** Waits until it does not throw any more. What is expected is real work, beside other tests that work on the same machine. */
export const eventually = <T>(look: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(look, { timeout: 90_000, interval: 20 });
