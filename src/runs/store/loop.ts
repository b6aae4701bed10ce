/** Work that is looked for again and again, and the end of all work that is under way. */

export interface Loop {
  /** Does the work now, and again after each interval from then on. Rejects never. */
  start(): Promise<void>;
  stop(): void;
}

/** `interval`: milliseconds. A loop keeps no process alive. */
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

/** Ends when the work does, and after so many milliseconds at the latest. Rejects never. */
export async function settleWithin(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await Promise.race([work.then(() => {}).catch(() => {}), late]);
  clearTimeout(timer);
}
