/** Why an alarm event cannot be handled now but can later. */
import { isOutage, WriteConflict } from '../runs/store/document.ts';

/**
 * `aws`: the lookup of the alarm's load balancers failed. `busy`: too much other work. `channel`: neither the channel
 * nor an alternative accepts the thread.
 */
type Dependency = 'store' | 'slack' | 'aws' | 'busy' | 'channel' | 'stopping';

export class Unavailable extends Error {
  readonly dependency: Dependency;

  constructor(dependency: Dependency, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Unavailable';
    this.dependency = dependency;
  }
}

/** Turns an outage into a retryable `Unavailable`; rethrows everything else. */
export async function translateOutage<T>(dependency: 'store' | 'slack', act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!isOutage(error)) throw error;
    throw new Unavailable(error instanceof WriteConflict ? 'busy' : dependency, error.message, { cause: error });
  }
}
