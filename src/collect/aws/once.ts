export type Lazy<T> = () => Promise<T>;

/** Starts the work on first use, and only once. */
export function once<T>(start: Lazy<T>): Lazy<T> {
  let started: Promise<T> | null = null;
  return () => {
    started ??= start();
    return started;
  };
}
