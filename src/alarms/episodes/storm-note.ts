/** Posts the storm note of a channel once, and edits it as the number of waiting threads changes. */

import { postOnce } from '../../slack/delivery/post-once.ts';
import { stormMessage } from '../../slack/messages/alarm-notes.ts';
import type { Message } from '../../slack/messages/message.ts';
import { shortHash } from '../alarm-event.ts';
import { translateOutage, Unavailable } from '../retryable.ts';
import { type ChannelState, isFull } from '../thread-rate-limit.ts';
import { assertNotPaused, type EpisodesContext } from './episodes-context.ts';

type StormNote = NonNullable<ChannelState['note']>;

/** Least milliseconds between two edits of a note. */
const MIN_EDIT_INTERVAL = 2_000;

export const CHANNELS = 'alarms/channels/';
export const keyOfChannel = (channel: string): string => `${CHANNELS}${shortHash(channel)}.json`;

/** Whether the posted note is missing or outdated. */
export const isNoteBehind = ({ note }: ChannelState): boolean =>
  note !== null && (note.post?.state !== 'posted' || note.version > note.shown);

/** Posts or updates the note, one update at a time per channel. Throws Unavailable. */
export function updateStormNote(context: EpisodesContext, channel: string): Promise<void> {
  const { noteUpdates } = context;
  const existing = noteUpdates.get(channel);
  if (existing !== undefined) return existing;
  const work = writeNote(context, channel).finally(() => noteUpdates.delete(channel));
  noteUpdates.set(channel, work);
  return work;
}

async function writeNote(context: EpisodesContext, channel: string): Promise<void> {
  assertNotPaused(context, channel);
  const note = await readNote(context, channel);
  if (note === null) return;
  if (note.post?.state !== 'posted') await postNote(context, channel, note);
  else if (note.version > note.shown) await editNote(context, channel, note.post.ts);
}

const readNote = ({ channels }: EpisodesContext, channel: string): Promise<StormNote | null> =>
  translateOutage('store', async () => (await channels.read(keyOfChannel(channel)))?.note ?? null);

/** Posts the note, unless another process is posting it. */
async function postNote(context: EpisodesContext, channel: string, note: StormNote): Promise<void> {
  const { poster, backoffs, now } = context;
  const target = { channel, thread: null };
  const posted = await postOnce({
    now,
    find: () => poster.find(target, note.id),
    post: () => poster.post(target, messageOf(note), note.id),
    record: (change) =>
      changeNote(context, channel, (current) => {
        const { record, result } = change(current?.post ?? null);
        if (current === null || record === current.post) return { note: current, result };
        const shown = record?.state === 'posted' ? Math.max(current.shown, note.version) : current.shown;
        return { note: { ...current, post: record, shown }, result };
      }),
  });
  if (typeof posted === 'string') return;
  if ('ts' in posted) return backoffs.recordSuccess(channel);
  const why = `the note of a storm: ${posted.code}`;
  if (posted.refused === 'unreachable') throw new Unavailable('slack', why);
  backoffs.recordFailure(channel, why);
  throw new Unavailable('channel', why);
}

const messageOf = (note: StormNote): Message => stormMessage({ ...note, isFull: isFull(note) });

async function editNote(context: EpisodesContext, channel: string, ts: string): Promise<void> {
  await context.sleep(MIN_EDIT_INTERVAL);
  const latest = await readNote(context, channel);
  if (latest?.post?.state !== 'posted' || latest.post.ts !== ts) return;
  const edited = await translateOutage('slack', () => context.poster.edit(channel, ts, messageOf(latest)));
  if ('refused' in edited && edited.refused === 'unreachable') throw new Unavailable('slack', edited.code);
  await changeNote(context, channel, (current) => ({
    note: current && { ...current, shown: Math.max(current.shown, latest.version) },
    result: null,
  }));
}

function changeNote<R>(
  { channels }: EpisodesContext,
  channel: string,
  change: (note: StormNote | null) => { note: StormNote | null; result: R },
): Promise<R> {
  return translateOutage('store', () =>
    channels.change(keyOfChannel(channel), (stored) => {
      const before = stored?.note ?? null;
      const { note, result } = change(before);
      return { document: stored === null || note === before ? stored : { ...stored, note }, result };
    }),
  );
}
