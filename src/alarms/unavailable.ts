/** Why news of an alarm cannot be taken in now, and can later. */

/** `busy`: so much else is done. `channel`: no channel takes it, not the default either. */
export type Missing = 'store' | 'slack' | 'busy' | 'channel' | 'stopping';

export class Unavailable extends Error {
  readonly missing: Missing;

  constructor(missing: Missing, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Unavailable';
    this.missing = missing;
  }
}
