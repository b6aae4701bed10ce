/** Exclusive use of a document for a limited time: a crashed process loses it automatically. */
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

/** Whether another owner holds the lease now. */
export const isLeasedByOther = (lease: Lease | null, owner: string, now: number): boolean =>
  lease !== null && lease.owner !== owner && Date.parse(lease.until) > now;

/** Runs the work while renewing the lease, then releases it. `onFailure` receives failed renewals. */
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
