/** Queries a time range in slices, and halves each slice whose answer is full. */
import PQueue from 'p-queue';
import type { Seconds } from './insights.ts';

const QUERIES_AT_ONCE = 4;

/**
 * Calls `take` with each complete answer, in no order. Returns the epoch seconds that are full on their own, ascending;
 * for these, `take` gets only a part. Rejects as `ask` does.
 */
export async function inHalves<Row>(
  range: Seconds,
  slices: number,
  ask: (slice: Seconds) => Promise<{ rows: Row[]; isFull: boolean }>,
  take: (rows: Row[], slice: Seconds) => Promise<void> | void,
): Promise<number[]> {
  const seconds = range.to - range.from + 1;
  const count = Math.min(seconds, Math.max(1, slices));
  const edge = (index: number) => range.from + Math.floor((seconds * index) / count);
  const queue = new PQueue({ concurrency: QUERIES_AT_ONCE });
  const full: number[] = [];
  const read = async ({ from, to }: Seconds): Promise<void> => {
    // Call `take` within the turn, so that waiting answers never outnumber running queries.
    const isHalved = await queue.add(async () => {
      const { rows, isFull } = await ask({ from, to });
      if (isFull && from < to) return true;
      if (isFull) full.push(from);
      await take(rows, { from, to });
      return false;
    });
    if (!isHalved) return;
    const middle = Math.floor((from + to) / 2);
    await Promise.all([read({ from, to: middle }), read({ from: middle + 1, to })]);
  };
  try {
    await Promise.all(
      Array.from({ length: count }, (_, index) => read({ from: edge(index), to: edge(index + 1) - 1 })),
    );
    return full.sort((a, b) => a - b);
  } finally {
    // After a failure, drop the waiting queries: each costs money.
    queue.clear();
  }
}
