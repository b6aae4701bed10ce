/** Repeats work at intervals, and waits for running work at the end. */

interface Loop {
  /** Runs the work now and after each interval. Never rejects. */
  start(): Promise<void>;
  stop(): void;
}

/** `interval`: milliseconds. The loop does not keep the process alive. */
export function openLoop(interval: number, work: () => Promise<void>, onFailure: (error: unknown) => void): Loop {
  let timer: NodeJS.Timeout | null = null;
  const run = () => work().catch(onFailure);
  return {
    start() {
      timer ??= setInterval(() => void run(), interval).unref();
      return run();
    },
    stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
  };
}

/** Resolves when the work ends, or after `milliseconds` at the latest. Never rejects. */
export async function settleWithin(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await Promise.race([work.then(() => {}).catch(() => {}), late]);
  clearTimeout(timer);
}
