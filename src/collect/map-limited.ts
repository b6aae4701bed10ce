/** Parallel work with a limit. */
import PQueue from 'p-queue';

/**
 * Returns the results in the order of the items, with at most `concurrency` items in work at once. After a failure,
 * starts no more work and throws once running work has ended.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const queue = new PQueue({ concurrency });
  try {
    return await Promise.all(items.map((item) => queue.add(() => work(item))));
  } catch (error) {
    queue.clear();
    await queue.onIdle();
    throw error;
  }
}
