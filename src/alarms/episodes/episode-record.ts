/**
 * History of the alarms of one load balancer: its episodes, and the pending actions for their threads. Each load
 * balancer has one document in the store, so that every change is one conditional write. Pure.
 */
import * as z from 'zod';
import { ALARM_STATES, Episode } from '../../runs/episode.ts';
import { Lease } from '../../runs/store/lease.ts';
import { shortHash } from '../alarm-event.ts';

const Iso = z.iso.datetime();

/** Numbers the actions of an episode, so that an action replaced while it runs stays pending. */
const numbered = { number: z.number().int() };

/**
 * Actions on a posted thread. `refresh`: show the current state of the episode. `say`: post these sentences.
 * `ask-again`: diagnose the whole episode again. `tell-end`: reply that the episode ended for the `end`-th time.
 */
export const PendingAction = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('refresh'), ...numbered }),
  z.object({ kind: z.literal('say'), sentences: z.array(z.string()).min(1), ...numbered }),
  z.object({ kind: z.literal('say-misplaced'), channel: z.string(), code: z.string().nullable(), ...numbered }),
  z.object({ kind: z.literal('ask-again'), ...numbered }),
  z.object({ kind: z.literal('tell-end'), end: z.number().int(), ...numbered }),
]);
export type PendingAction = z.infer<typeof PendingAction>;

/**
 * `none`: not opened yet. `waiting`: held back by a storm and listed in the channel's note, or muted by a person
 * (`isMuted`). `dropped`: ended before it could have a thread. `open`: posted, and its run is recorded.
 */
const EpisodeThread = z.discriminatedUnion('state', [
  z.object({ state: z.literal('none') }),
  z.object({ state: z.literal('waiting'), since: Iso, isMuted: z.boolean().optional() }),
  z.object({ state: z.literal('dropped') }),
  z.object({ state: z.literal('open') }),
]);

export const EpisodeRecord = z.object({
  episode: Episode,
  /** Start of the window. */
  from: Iso,
  /** Time of the last event. */
  heardAt: Iso,
  /** Ids of the applied alarm events; a duplicate changes nothing. */
  events: z.array(z.string()),
  /** Null until a channel is chosen. */
  channel: z.string().nullable(),
  thread: EpisodeThread,
  /** Sentences for the thread: a wrong channel, or lookups that failed. */
  sentences: z.array(z.string()),
  /** Number of ends so far. */
  ends: z.number().int(),
  /** Time of the last reply about an end. */
  endToldAt: Iso.nullable(),
  /** In order of creation; at most one of each kind except `say`. */
  pending: z.array(PendingAction),
  /** The number of the last action. */
  actions: z.number().int(),
});
export type EpisodeRecord = z.infer<typeof EpisodeRecord>;

const AlarmStateRecord = z.object({ state: z.enum(ALARM_STATES), changedAt: Iso });

export const History = z.object({
  schema: z.literal(2),
  /** ARN of the load balancer. */
  loadBalancer: z.string(),
  /** Reference for finding the load balancer again. */
  ref: z.object({ name: z.string(), arn: z.string().nullable(), account: z.string(), region: z.string() }),
  /** By key of the alarm. */
  alarms: z.record(z.string(), AlarmStateRecord),
  /** Oldest first. */
  episodes: z.array(EpisodeRecord),
  /** Held by the process that works on the threads. */
  lease: Lease.nullable(),
});
export type History = z.infer<typeof History>;

/** A hash, because store keys allow no capital letters or colons. */
export const idOfHistory = (loadBalancer: string): string => shortHash(loadBalancer);
export const keyOfHistory = (id: string): string => `alarms/load-balancers/${id}.json`;
/** Id of the history that contains the episode. */
export const historyOfEpisode = (episode: string): string => episode.split('-')[0] ?? '';

export const emptyHistory = (ref: History['ref'], loadBalancer: string): History => ({
  schema: 2,
  loadBalancer,
  ref,
  alarms: {},
  episodes: [],
  lease: null,
});

/** An action without its number. */
export type NewAction =
  | { kind: 'refresh' | 'ask-again' }
  | { kind: 'say'; sentences: string[] }
  | { kind: 'say-misplaced'; channel: string; code: string | null }
  | { kind: 'tell-end'; end: number };

/** Adds actions; each replaces a pending one of its kind, except `say`. */
export function withPending(record: EpisodeRecord, ...more: readonly NewAction[]): EpisodeRecord {
  let [pending, actions] = [record.pending, record.actions];
  for (const action of more) {
    actions += 1;
    const others = pending.filter(({ kind }) => kind === 'say' || kind !== action.kind);
    pending = [...others, { ...action, number: actions }];
  }
  return { ...record, pending, actions };
}

/** Removes completed actions; those of the same kind added meanwhile stay. */
export const withDone = (record: EpisodeRecord, done: readonly PendingAction[]): EpisodeRecord => ({
  ...record,
  pending: record.pending.filter(({ number }) => !done.some((one) => one.number === number)),
});

/** Whether nothing is left to do: the thread is current, or the episode ended without a thread during a storm. */
export function isUpToDate({ thread, pending, episode }: EpisodeRecord): boolean {
  if (thread.state === 'open') return pending.length === 0;
  return thread.state === 'dropped' && episode.closedAt !== null;
}

/** Whether the channel shows the episode, in a thread or in a storm note. */
export const isAnnounced = ({ thread, episode }: EpisodeRecord): boolean =>
  thread.state === 'open' || thread.state === 'waiting' || (thread.state === 'dropped' && episode.closedAt !== null);
