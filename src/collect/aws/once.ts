export type Lazy<T> = () => Promise<T>;

/** Starts the work when it is first wanted, and once. */
export function once<T>(start: Lazy<T>): Lazy<T> {
  let started: Promise<T> | null = null;
  return () => {
    started ??= start();
    return started;
  };
}
