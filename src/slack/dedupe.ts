/** What came already: Slack delivers again what it saw no answer to. */

export interface Deduplicator {
  /** True the first time a key comes within its time. */
  isFirst(key: string): boolean;
}

/** Remembers at most `most` keys, each for so many milliseconds; the oldest go first. */
export function openDeduplicator({
  milliseconds,
  most,
  now,
}: {
  milliseconds: number;
  most: number;
  now(): number;
}): Deduplicator {
  // Insertion order is order of time: nothing is ever renewed.
  const expiries = new Map<string, number>();
  return {
    isFirst(key) {
      const moment = now();
      for (const [old, end] of expiries) {
        if (end > moment && expiries.size < most) break;
        expiries.delete(old);
      }
      if (expiries.has(key)) return false;
      expiries.set(key, moment + milliseconds);
      return true;
    },
  };
}
