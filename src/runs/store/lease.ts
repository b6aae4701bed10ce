/** Exclusive use of a document for a while: a process that crashes loses it by itself. */
import * as z from 'zod';

export const Lease = z.object({ owner: z.string(), until: z.iso.datetime() });
export type Lease = z.infer<typeof Lease>;

/** Milliseconds. A lease outlives two failed renewals. */
export const LEASE_LENGTH = 60_000;
const RENEW_INTERVAL = 20_000;

/** `now`: epoch milliseconds. */
export const leaseFor = (owner: string, now: number, length: number = LEASE_LENGTH): Lease => ({
  owner,
  until: new Date(now + length).toISOString(),
});

/** Whether somebody else has it at this moment. */
export const isLeasedByOther = (lease: Lease | null, owner: string, now: number): boolean =>
  lease !== null && lease.owner !== owner && Date.parse(lease.until) > now;

/** Does the work while the lease is renewed, and gives it back at the end. `onFailure` hears what the store did not take. */
export async function holdLease<T>(
  lease: {
    renew(): Promise<unknown>;
    release(): Promise<unknown>;
    onFailure(error: unknown, what: 'renew' | 'release'): void;
  },
  work: () => Promise<T>,
): Promise<T> {
  const renewal = setInterval(() => {
    lease.renew().catch((error: unknown) => lease.onFailure(error, 'renew'));
  }, RENEW_INTERVAL).unref();
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await lease.release().catch((error: unknown) => lease.onFailure(error, 'release'));
  }
}
