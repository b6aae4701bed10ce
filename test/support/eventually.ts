import { vi } from 'vitest';

/** Repeats an expectation until it holds. The limit is generous, because other tests use the same machine. */
export const eventually = <T>(look: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(look, { timeout: 90_000, interval: 20 });
