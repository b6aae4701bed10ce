/**
 * Limits the threads that alarms open in a channel within some minutes. Beyond the limit, the channel gets one note
 * that counts and lists the waiting episodes and is edited as they change. A listed episode gets its thread once there
 * is room, if it is still in ALARM. Pure.
 */
import * as z from 'zod';
import { MessageTs, PostRecord } from '../runs/store/post-record.ts';

const Iso = z.iso.datetime();
const MINUTE = 60_000;

/** New threads in one channel within `RATE_PERIOD` milliseconds. */
export const MAX_THREADS = 10;
export const RATE_PERIOD = 5 * MINUTE;
/** Most listed episodes. Further ones are listed once there is room; until then the note says "at least". */
const MAX_LISTED = 500;

/** Whether more episodes may wait than the note lists. */
export const isFull = ({ waiting }: NonNullable<ChannelState['note']>): boolean => waiting.length >= MAX_LISTED;

const WaitingEpisode = z.object({ episode: z.string(), loadBalancer: z.string(), alarm: z.string(), at: Iso });

export const ChannelState = z.object({
  schema: z.literal(1),
  channel: z.string(),
  /** Threads opened within `RATE_PERIOD`. */
  opened: z.array(z.object({ episode: z.string(), at: Iso })),
  note: z
    .object({
      id: z.string(),
      since: Iso,
      lastAt: Iso,
      /** Null until posting starts. */
      post: PostRecord.nullable(),
      /** All alarms, and those without a thread by name. */
      count: z.number().int(),
      waiting: z.array(WaitingEpisode),
      /** Number of listed alarms that got a thread later. */
      later: z.number().int(),
      version: z.number().int(),
      shown: z.number().int(),
    })
    .nullable(),
});
export type ChannelState = z.infer<typeof ChannelState>;

const PostOf01 = z.looseObject({ ts: MessageTs.nullable(), posting: Iso.nullable() });

/** Converts the fields `ts` and `posting` of release 0.1 into a post record; returns anything else unchanged. */
export function upgradePost(stored: unknown): unknown {
  const old = PostOf01.safeParse(stored);
  if (!old.success) return stored;
  const { ts, posting, ...same } = old.data;
  if (ts !== null) return { ...same, post: { state: 'posted', ts } };
  return { ...same, post: posting === null ? null : { state: 'posting', since: posting, attempt: 'of release 0.1' } };
}

/** Parses a channel written by any release. */
export const StoredChannel: z.ZodType<ChannelState> = z.preprocess((stored) => {
  const channel = z.looseObject({ note: z.unknown() }).safeParse(stored);
  return channel.success ? { ...channel.data, note: upgradePost(channel.data.note) } : stored;
}, ChannelState);

export const emptyChannel = (channel: string): ChannelState => ({ schema: 1, channel, opened: [], note: null });

/**
 * Whether an episode may open its thread now; repeated calls give the same answer. A refused episode is listed in the
 * note if there is room.
 */
export function admit(
  state: ChannelState,
  request: { episode: string; loadBalancer: string; alarm: string; hasWaited: boolean },
  now: number,
  most: number = MAX_THREADS,
): { state: ChannelState; isAdmitted: boolean } {
  const { episode, loadBalancer, alarm, hasWaited } = request;
  const at = new Date(now).toISOString();
  const opened = state.opened.filter((one) => now - Date.parse(one.at) < RATE_PERIOD);
  const { note } = state;
  if (opened.some((one) => one.episode === episode)) return { state, isAdmitted: true };
  const isListed = note?.waiting.some((one) => one.episode === episode) ?? false;
  if (opened.length < most) {
    const isLater = isListed || hasWaited;
    const left = note && {
      ...note,
      count: note.count + (isLater && !isListed ? 1 : 0),
      waiting: note.waiting.filter((one) => one.episode !== episode),
      later: note.later + (isLater ? 1 : 0),
      version: note.version + (isLater ? 1 : 0),
    };
    return { state: { ...state, opened: [...opened, { episode, at }], note: left }, isAdmitted: true };
  }
  if (isListed || (note !== null && isFull(note))) return { state, isAdmitted: false };
  const entry = { episode, loadBalancer, alarm, at };
  // No episode waits and the channel was quiet: a new storm gets its own note.
  const isOver = note !== null && note.waiting.length === 0 && now - Date.parse(note.lastAt) > 2 * RATE_PERIOD;
  const next: NonNullable<ChannelState['note']> =
    note === null || isOver
      ? {
          id: `storm-${at.replaceAll(/\D/g, '')}`,
          since: at,
          lastAt: at,
          post: null,
          count: 1,
          waiting: [entry],
          later: 0,
          version: 1,
          shown: 0,
        }
      : {
          ...note,
          lastAt: at,
          count: note.count + 1,
          waiting: [...note.waiting, entry],
          version: note.version + 1,
        };
  return { state: { ...state, opened, note: next }, isAdmitted: false };
}

/** Removes an episode that ended or got its thread elsewhere from the note. */
export function withdraw(state: ChannelState, episode: string): ChannelState {
  const { note } = state;
  if (!note?.waiting.some((one) => one.episode === episode)) return state;
  const waiting = note.waiting.filter((one) => one.episode !== episode);
  return { ...state, note: { ...note, waiting, version: note.version + 1 } };
}
