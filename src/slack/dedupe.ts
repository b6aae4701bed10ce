/** What came already: Slack delivers again what it saw no answer to. */

export interface Seen {
  /** True the first time a key comes within its time. */
  first(key: string): boolean;
}

/** Remembers at most `most` keys, each for so many milliseconds; the oldest go first. */
export function openSeen({ milliseconds, most, now }: { milliseconds: number; most: number; now(): number }): Seen {
  // Insertion order is order of time: nothing is ever renewed.
  const until = new Map<string, number>();
  return {
    first(key) {
      const moment = now();
      for (const [old, end] of until) {
        if (end > moment && until.size < most) break;
        until.delete(old);
      }
      if (until.has(key)) return false;
      until.set(key, moment + milliseconds);
      return true;
    },
  };
}
