/** Growing pauses between attempts. Not p-retry: it owns the loop and the clock, and tests here control both. */

/** Pauses in milliseconds: the first, which doubles after each attempt, and the longest. */
interface PauseRange {
  first: number;
  longest: number;
}

/** Milliseconds to wait after attempt number `attempt`, counted from one. */
export const pauseAfter = (attempt: number, { first, longest }: PauseRange): number =>
  Math.min(first * 2 ** (attempt - 1), longest);

/** Like `pauseAfter`, shortened at random by up to half, so that colliding processes retry at different times. */
export const jitteredPause = (attempt: number, range: PauseRange): number =>
  pauseAfter(attempt, range) * (0.5 + Math.random() / 2);

/** Pauses after repeated failures, by name. Kept in memory, so each process backs off on its own. */
export interface Backoffs {
  /** Why `name` must wait; null when it may be tried now. */
  pausedReason(name: string): string | null;
  /** Doubles the pause from one failure to the next. */
  recordFailure(name: string, why: string): void;
  recordSuccess(name: string): void;
}

/** `now`: epoch milliseconds. */
export function openBackoffs(now: () => number, range: PauseRange = { first: 15_000, longest: 300_000 }): Backoffs {
  const failures = new Map<string, { until: number; count: number; why: string }>();
  return {
    pausedReason(name) {
      const failure = failures.get(name);
      return failure !== undefined && now() < failure.until ? failure.why : null;
    },
    recordFailure(name, why) {
      const count = (failures.get(name)?.count ?? 0) + 1;
      failures.set(name, { until: now() + pauseAfter(count, range), count, why });
    },
    recordSuccess(name) {
      failures.delete(name);
    },
  };
}
