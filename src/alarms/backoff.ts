/** Growing pauses between attempts at what keeps failing, each thing by its name. Of this process: another one tries for itself. */

const FIRST = 15_000;
const LONGEST = 5 * 60_000;

export interface Pauses {
  /** Why it is not tried now; null when it may be. */
  why(name: string): string | null;
  /** From one failure to the next the pause doubles. */
  failed(name: string, why: string): void;
  worked(name: string): void;
}

/** `now`: epoch milliseconds. */
export function openPauses(now: () => number): Pauses {
  const pauses = new Map<string, { until: number; length: number; why: string }>();
  return {
    why(name) {
      const pause = pauses.get(name);
      return pause !== undefined && now() < pause.until ? pause.why : null;
    },
    failed(name, why) {
      const before = pauses.get(name);
      const length = before === undefined ? FIRST : Math.min(before.length * 2, LONGEST);
      pauses.set(name, { until: now() + length, length, why });
    },
    worked(name) {
      pauses.delete(name);
    },
  };
}
