/** Objects read or written in parallel. */
const CONCURRENCY = 8;

/**
 * Runs the work for each item, a few at a time. After a failure, starts no more work and throws once running work has
 * ended.
 */
export async function forEachLimited<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const left = [...all];
  const worker = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
  };
  const workers = Array.from({ length: Math.min(CONCURRENCY, all.length) }, () =>
    worker().catch((error) => {
      left.length = 0;
      throw error;
    }),
  );
  const failed = (await Promise.allSettled(workers)).find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
