/** Growing pauses between attempts at what keeps failing, each thing by its name. Of this process: another one tries for itself. */

const FIRST = 15_000;
const LONGEST = 5 * 60_000;

export interface Backoffs {
  /** Why it is not tried now; null when it may be. */
  pausedReason(name: string): string | null;
  /** From one failure to the next the pause doubles. */
  recordFailure(name: string, why: string): void;
  recordSuccess(name: string): void;
}

/** `now`: epoch milliseconds. */
export function openBackoffs(now: () => number): Backoffs {
  const backoffs = new Map<string, { until: number; length: number; why: string }>();
  return {
    pausedReason(name) {
      const pause = backoffs.get(name);
      return pause !== undefined && now() < pause.until ? pause.why : null;
    },
    recordFailure(name, why) {
      const before = backoffs.get(name);
      const length = before === undefined ? FIRST : Math.min(before.length * 2, LONGEST);
      backoffs.set(name, { until: now() + length, length, why });
    },
    recordSuccess(name) {
      backoffs.delete(name);
    },
  };
}
