/**
 * What alarms have said about one load balancer: its episodes, and the pending actions for their threads. One document in the store
 * for each load balancer, so that every change of it is one conditional write. Pure.
 */
import * as z from 'zod';
import { ALARM_STATES, Episode } from '../../runs/episode.ts';
import { Lease } from '../../runs/store/lease.ts';
import { shortHash } from '../alarm-event.ts';

const Iso = z.iso.datetime();

/** Counts the actions of an episode: an action that was replaced while it was done stays pending. */
const numbered = { number: z.number().int() };

/**
 * Actions on a posted thread. `refresh`: show the current state of the episode. `say`: post these sentences. `say-misplaced`: post
 * that the thread belongs in another channel, which Slack refused with `code` (null: alb502 is not in it). `ask-again`: ask the question
 * over the whole episode. `tell-end`: reply that it ended, for the time `end`.
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
 * `none`: to be opened. `waiting`: a storm keeps it from one; listed in the note of the channel. `dropped`: it was over before there was
 * room, so the note is all that is told. `open`: it stands, and the run is recorded.
 */
const EpisodeThread = z.discriminatedUnion('state', [
  z.object({ state: z.literal('none') }),
  z.object({ state: z.literal('waiting'), since: Iso }),
  z.object({ state: z.literal('dropped') }),
  z.object({ state: z.literal('open') }),
]);

export const EpisodeRecord = z.object({
  episode: Episode,
  /** Where the window begins. */
  from: Iso,
  /** When something was last heard of it. */
  heardAt: Iso,
  /** Ids of the alarm events it has taken in: the same event changes nothing. */
  events: z.array(z.string()),
  /** Null until its thread was given one. */
  channel: z.string().nullable(),
  thread: EpisodeThread,
  /** What was or is to be said below the thread: what could not be looked up. */
  sentences: z.array(z.string()),
  /** How often it ended. */
  ends: z.number().int(),
  /** When a reply last told an end. */
  endToldAt: Iso.nullable(),
  /** At most one of a kind, but for `say`; in the order in which they came up. */
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
  /** How to find it again. */
  ref: z.object({ name: z.string(), arn: z.string().nullable(), account: z.string(), region: z.string() }),
  /** By alarm. */
  alarms: z.record(z.string(), AlarmStateRecord),
  /** Oldest first. */
  episodes: z.array(EpisodeRecord),
  /** Who works on the threads. */
  lease: Lease.nullable(),
});
export type History = z.infer<typeof History>;

/** Keys of the store have no capital letters, nor colons. */
export const idOfHistory = (loadBalancer: string): string => shortHash(loadBalancer);
export const keyOfHistory = (id: string): string => `alarms/load-balancers/${id}.json`;
/** The history that an episode is in. */
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

/** Adds an action; it replaces a pending one of its kind. */
export function withPending(record: EpisodeRecord, ...more: readonly NewAction[]): EpisodeRecord {
  let [pending, actions] = [record.pending, record.actions];
  for (const action of more) {
    actions += 1;
    const others = pending.filter(({ kind }) => kind === 'say' || kind !== action.kind);
    pending = [...others, { ...action, number: actions }];
  }
  return { ...record, pending, actions };
}

/** Removes a completed action. One of the same kind added meanwhile stays. */
export const withDone = (record: EpisodeRecord, done: readonly PendingAction[]): EpisodeRecord => ({
  ...record,
  pending: record.pending.filter(({ number }) => !done.some((one) => one.number === number)),
});

/** Whether nothing is left to do: the thread is current, or a storm kept the episode from a thread and it is over. */
export function isUpToDate({ thread, pending, episode }: EpisodeRecord): boolean {
  if (thread.state === 'open') return pending.length === 0;
  return thread.state === 'dropped' && episode.closedAt !== null;
}

/** Whether the channel knows of it, by a thread or by the note of a storm. */
export const isAnnounced = ({ thread, episode }: EpisodeRecord): boolean =>
  thread.state === 'open' || thread.state === 'waiting' || (thread.state === 'dropped' && episode.closedAt !== null);
