/** Why news of an alarm cannot be taken in now, and can later. */
import { isOutage } from '../runs/store/json-object.ts';

/** `aws`: what the alarm is about cannot be looked up. `busy`: so much else is done. `channel`: no channel takes it, not the default either. */
export type Dependency = 'store' | 'slack' | 'aws' | 'busy' | 'channel' | 'stopping';

export class Unavailable extends Error {
  readonly dependency: Dependency;

  constructor(dependency: Dependency, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Unavailable';
    this.dependency = dependency;
  }
}

/** What an outage means to whoever waits: the same is to be tried again. Anything else that is thrown is no outage, and stays what it is. */
export async function translateOutage<T>(dependency: 'store' | 'slack', act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw isOutage(error) ? new Unavailable(dependency, error.message, { cause: error }) : error;
  }
}
