/** Alarms that came over HTTPS: recorded before SNS is answered, and kept until they are taken in. */
import * as z from 'zod';
import { Lease } from '../runs/run.ts';
import type { Store } from '../runs/store.ts';
import { Alarm, idOfNews } from './alarm.ts';
import { openObjects } from './objects.ts';

const Recorded = z.object({ schema: z.literal(1), recordedAt: z.iso.datetime(), alarm: Alarm, lease: Lease });
type Recorded = z.infer<typeof Recorded>;

export interface IntakeParts {
  store: Store;
  owner: string;
  now: () => number;
  log: { error(fields: object, text: string): void };
}

export interface Intake {
  /** Records news under a lease of this process; false where they are recorded by a process that is at it. Rejects when the store is down. */
  record(alarm: Alarm): Promise<boolean>;
  /** News are taken in: their record is removed. */
  done(alarm: Alarm): Promise<void>;
  /** Recorded by processes that are no more: under a lease of this one from now on. */
  abandoned(): Promise<Alarm[]>;
}

/** Milliseconds. It is not renewed: two that take in the same news do so once, for the lease of the episode decides. */
const LEASE = 45_000;
const PREFIX = 'alarms/intake/';

export function openIntake({ store, owner, now, log }: IntakeParts): Intake {
  const records = openObjects(store, Recorded, (key, why) =>
    log.error({ key, why }, 'a recorded alarm cannot be read'),
  );
  const keyFor = (alarm: Alarm): string => `${PREFIX}${idOfNews(alarm)}.json`;
  const lease = () => ({ owner, until: new Date(now() + LEASE).toISOString() });
  const isTaken = (there: Recorded): boolean => Date.parse(there.lease.until) > now();

  return {
    record: (alarm) =>
      records.change(keyFor(alarm), (there) => {
        if (there !== null && isTaken(there)) return { object: there, result: false };
        const recordedAt = there?.recordedAt ?? new Date(now()).toISOString();
        return { object: { schema: 1, recordedAt, alarm, lease: lease() }, result: true };
      }),
    done: (alarm) => store.remove(keyFor(alarm)),
    async abandoned() {
      const found: Alarm[] = [];
      for (const key of await store.list(PREFIX)) {
        const alarm = await records.change(key, (there): { object: Recorded | null; result: Alarm | null } => {
          if (there === null || isTaken(there)) return { object: there, result: null };
          return { object: { ...there, lease: lease() }, result: there.alarm };
        });
        if (alarm !== null) found.push(alarm);
      }
      return found;
    },
  };
}
