/**
 * Muted load balancers and alarms, which open no threads for some hours. One document in the run store, so that all
 * replicas know.
 */
import * as z from 'zod';
import { openDocuments } from './store/document.ts';
import type { Store } from './store/store.ts';

const Iso = z.iso.datetime();

const Mute = z.object({
  kind: z.enum(['load-balancer', 'alarm']),
  /** ARN of the load balancer; absent in older records of alarms. */
  loadBalancer: z.string().optional(),
  /** ARN of the load balancer or the alarm, as its episode has it. */
  key: z.string(),
  name: z.string(),
  /** Slack ID of the person who muted it. */
  user: z.string(),
  at: Iso,
  until: Iso,
});
export type Mute = z.infer<typeof Mute>;

const MutesDocument = z.object({ schema: z.literal(1), mutes: z.array(Mute) });

/** The subject of a thread, existing or not. */
interface MuteSubject {
  loadBalancer: string;
  alarms: readonly string[];
}

export interface Mutes {
  /** Mutes for this many hours; a longer mute stays. */
  add(
    what: readonly Pick<Mute, 'kind' | 'key' | 'name' | 'loadBalancer'>[],
    user: string,
    hours: number,
  ): Promise<Mute[]>;
  /** Returns the mutes of the subject that were in force. */
  remove(subject: MuteSubject): Promise<Mute[]>;
  /** The mute that covers a load balancer or every one of the alarms; null if a thread should open. */
  find(subject: MuteSubject): Promise<Mute | null>;
  /** All current mutes, the first to end first. */
  all(): Promise<Mute[]>;
}

const KEY = 'alarms/mutes.json';
const HOUR = 3_600_000;
/** Maximum number of mutes; people cannot set more in a day. */
const MOST = 500;

/** `now` returns epoch milliseconds. All reject when the store cannot be reached. */
export function openMutes(
  store: Store,
  { now, log }: { now: () => number; log: { error(fields: object, text: string): void } },
): Mutes {
  const documents = openDocuments(store, MutesDocument, (key, why) => log.error({ key, why }, 'mutes cannot be read'));
  const current = (mutes: readonly Mute[]): Mute[] => mutes.filter(({ until }) => Date.parse(until) > now());
  return {
    add: (what, user, hours) =>
      documents.change(KEY, (stored) => {
        const before = current(stored?.mutes ?? []);
        const at = new Date(now()).toISOString();
        const until = new Date(now() + hours * HOUR).toISOString();
        const added = what.map((one): Mute => {
          const longer = before.find(({ key }) => key === one.key && isLater(key, before, until));
          return longer ?? { ...one, user, at, until };
        });
        const others = before.filter(({ key }) => !added.some((one) => one.key === key));
        return { document: { schema: 1, mutes: [...others, ...added].slice(-MOST) }, result: added };
      }),
    remove: (subject) =>
      documents.change(KEY, (stored) => {
        const before = current(stored?.mutes ?? []);
        const removed = before.filter((mute) => isAbout(mute, subject));
        const mutes = before.filter((mute) => !removed.includes(mute));
        return { document: stored === null ? null : { schema: 1, mutes }, result: removed };
      }),
    async all() {
      return current((await documents.read(KEY))?.mutes ?? []).sort(byEnd);
    },
    async find(subject) {
      const mutes = current((await documents.read(KEY))?.mutes ?? []).filter((mute) => isAbout(mute, subject));
      const ofLoadBalancer = mutes.find(({ kind }) => kind === 'load-balancer');
      if (ofLoadBalancer !== undefined) return ofLoadBalancer;
      const isMuted = subject.alarms.every((alarm) => mutes.some(({ key }) => key === alarm));
      return isMuted ? (mutes.toSorted(byEnd)[0] ?? null) : null;
    },
  };
}

const byEnd = (a: Mute, b: Mute): number =>
  a.until === b.until ? (a.key < b.key ? -1 : 1) : a.until < b.until ? -1 : 1;

const isLater = (key: string, mutes: readonly Mute[], until: string): boolean =>
  mutes.some((mute) => mute.key === key && mute.until > until);

const isAbout = ({ kind, key }: Mute, { loadBalancer, alarms }: MuteSubject): boolean =>
  kind === 'load-balancer' ? key === loadBalancer : alarms.includes(key);
