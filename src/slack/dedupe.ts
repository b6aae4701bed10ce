/** Recognizes deliveries seen before: Slack repeats requests that were not acknowledged. */

export interface Deduplicator {
  /** True for the first use of a key within its lifetime. */
  isFirst(key: string): boolean;
}

/** Remembers at most `most` keys, each for this many milliseconds; the oldest are forgotten first. */
export function openDeduplicator({
  milliseconds,
  most,
  now,
}: {
  milliseconds: number;
  most: number;
  now(): number;
}): Deduplicator {
  // Insertion order is age order: entries are never renewed.
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
