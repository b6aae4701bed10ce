/** Records alarms received over HTTPS before SNS gets its response, and keeps them until they are handled. */

import * as z from 'zod';
import { pauseAfter } from '../runs/store/backoff.ts';
import { openDocuments } from '../runs/store/document.ts';
import { Lease, leaseFor } from '../runs/store/lease.ts';
import type { Store } from '../runs/store/store.ts';
import { Alarm, alarmEventId } from './alarm-event.ts';

const IntakeRecord = z.object({
  schema: z.literal(1),
  recordedAt: z.iso.datetime(),
  alarm: Alarm,
  lease: Lease,
  /** Number of attempts; absent in records of earlier versions. */
  tries: z.number().int().default(1),
});
type IntakeRecord = z.infer<typeof IntakeRecord>;

interface IntakeParts {
  store: Store;
  owner: string;
  now: () => number;
  log: { error(fields: object, text: string): void };
}

export interface Intake {
  /**
   * Records an event under a lease of this process and returns the number of attempts; null if another process is
   * handling it. Rejects when the store is down.
   */
  record(alarm: Alarm): Promise<number | null>;
  /** Removes the record of a handled event. */
  complete(alarm: Alarm): Promise<void>;
  /** Takes over events whose lease expired: their process ended, or could not handle them. */
  claimAbandoned(): Promise<{ alarm: Alarm; tries: number }[]>;
}

/**
 * Milliseconds, doubled with each attempt for growing pauses. Never renewed: the episode's lease keeps two processes
 * from applying the same event twice.
 */
const LEASE = 45_000;
const LONGEST_LEASE = 15 * 60_000;
/** Milliseconds until an alarm is given up. SNS has its response, so no dead-letter queue receives it. */
const GIVE_UP_AFTER = 6 * 60 * 60_000;
const PREFIX = 'alarms/intake/';

export function openIntake({ store, owner, now, log }: IntakeParts): Intake {
  const records = openDocuments(store, IntakeRecord, (key, why) =>
    log.error({ key, why }, 'a recorded alarm cannot be read'),
  );
  const keyFor = (alarm: Alarm): string => `${PREFIX}${alarmEventId(alarm)}.json`;
  const lease = (tries: number) => leaseFor(owner, now(), pauseAfter(tries, { first: LEASE, longest: LONGEST_LEASE }));
  const isTaken = (there: IntakeRecord): boolean => Date.parse(there.lease.until) > now();

  return {
    record: (alarm) =>
      records.change(keyFor(alarm), (there): { document: IntakeRecord; result: number | null } => {
        if (there !== null && isTaken(there)) return { document: there, result: null };
        const recordedAt = there?.recordedAt ?? new Date(now()).toISOString();
        const tries = (there?.tries ?? 0) + 1;
        return { document: { schema: 1, recordedAt, alarm, lease: lease(tries), tries }, result: tries };
      }),
    complete: (alarm) => store.remove(keyFor(alarm)),
    async claimAbandoned() {
      const claimed: { alarm: Alarm; tries: number }[] = [];
      for (const key of await store.list(PREFIX)) {
        const one = await records.change(
          key,
          (there): { document: IntakeRecord | null; result: IntakeRecord | null } => {
            if (there === null || isTaken(there)) return { document: there, result: null };
            const tries = there.tries + 1;
            const next = { ...there, tries, lease: lease(tries) };
            return { document: next, result: next };
          },
        );
        if (one === null) continue;
        if (now() - Date.parse(one.recordedAt) <= GIVE_UP_AFTER) claimed.push(one);
        else {
          log.error({ alarm: one.alarm.name, tries: one.tries }, 'gave up on a recorded alarm');
          await store.remove(key);
        }
      }
      return claimed;
    },
  };
}
