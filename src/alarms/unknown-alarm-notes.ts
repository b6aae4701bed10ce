/** Short notes about alarms that name no load balancer: each alarm gets one, whatever else it says later. */
import * as z from 'zod';
import { openDocuments } from '../runs/store/document.ts';
import type { Store } from '../runs/store/store.ts';
import type { Poster } from '../slack/delivery/slack-poster.ts';
import { describeAlarm } from '../slack/messages/alarm-notes.ts';
import { unknownAlarmMessage } from '../slack/messages/index.ts';
import type { AffectedLoadBalancers } from './affected-load-balancers.ts';
import { type Alarm, alarmKey, shortHash } from './alarm-event.ts';
import { channelFor, otherChannel, possibleAccounts, type Routing } from './alarm-routes.ts';
import { translateOutage, Unavailable } from './retryable.ts';
import { MAX_THREADS, POST_TIMEOUT, RATE_PERIOD } from './thread-rate-limit.ts';

const Note = z.object({
  schema: z.literal(1),
  alarm: z.string(),
  at: z.iso.datetime(),
  channel: z.string(),
  /** When its post was begun; null while it is not. */
  posting: z.iso.datetime().nullable(),
  ts: z.string().nullable(),
});
type Note = z.infer<typeof Note>;

/** Notes of one channel within the last minutes: as many as threads. */
const Rate = z.object({ schema: z.literal(1), posted: z.array(z.iso.datetime()) });

export interface AlarmNotesParts {
  store: Store;
  poster: Pick<Poster, 'post' | 'find'>;
  routing: Routing;
  log: { error(fields: object, text: string): void; warn(fields: object, text: string): void };
  now: () => number;
}

/** Why there is no thread: it names none, too many, or the sentences say why it is not known. */
export type NoThreadReason = Pick<AffectedLoadBalancers, 'loadBalancers' | 'sentences'>;

export interface AlarmNotes {
  /** Ends when the note stands. Throws Unavailable when it does not yet. */
  postNote(alarm: Alarm, about: NoThreadReason): Promise<'noted' | 'already' | 'too-many' | 'no-channel'>;
}

export function openAlarmNotes({ store, poster, routing, log, now }: AlarmNotesParts): AlarmNotes {
  const notes = openDocuments(store, Note, (key, why) =>
    log.error({ key, why }, 'a note about an alarm cannot be read'),
  );

  const rates = openDocuments(store, Rate, (key, why) =>
    log.error({ key, why }, 'the notes of a channel cannot be counted'),
  );

  /** How many notes the channel had within the last minutes, with this one. */
  function countNotes(channel: string): Promise<number> {
    return translateOutage('store', () =>
      rates.change(`alarms/rates/${shortHash(channel)}.json`, (there) => {
        const recent = (there?.posted ?? []).filter((at) => now() - Date.parse(at) < RATE_PERIOD);
        if (recent.length >= MAX_THREADS) return { document: there, result: recent.length + 1 };
        const posted = [...recent, new Date(now()).toISOString()];
        return { document: { schema: 1, posted }, result: posted.length };
      }),
    );
  }

  async function postNote(
    alarm: Alarm,
    { loadBalancers, sentences }: NoThreadReason,
  ): ReturnType<AlarmNotes['postNote']> {
    const route = { loadBalancer: null, alarm: alarm.name, accounts: possibleAccounts(alarm.account, routing) };
    const channel = channelFor(route, routing);
    if (channel === null) {
      log.warn({ alarm: alarm.name }, 'nothing is diagnosed for an alarm, and no channel may read about its account');
      return 'no-channel';
    }
    const key = `alarms/notes/${shortHash(alarmKey(alarm))}.json`;
    const at = new Date(now()).toISOString();
    const claim = await translateOutage('store', () =>
      notes.change(
        key,
        (there): { document: Note | null; result: 'done' | 'wait' | { channel: string; doubtful: boolean } } => {
          if (there?.ts != null) return { document: there, result: 'done' };
          const begun = there?.posting ?? null;
          if (there && begun !== null && now() - Date.parse(begun) < POST_TIMEOUT)
            return { document: there, result: 'wait' };
          const before: Note = there ?? { schema: 1, alarm: alarm.name, at, channel, posting: null, ts: null };
          return {
            document: { ...before, posting: at },
            result: { channel: before.channel, doubtful: begun !== null },
          };
        },
      ),
    );
    if (claim === 'done') return 'already';
    if (claim === 'wait') throw new Unavailable('busy', 'this note is being posted');
    const count = claim.doubtful ? 1 : await countNotes(claim.channel);
    if (count > MAX_THREADS) {
      log.warn(
        { alarm: alarm.name, channel: claim.channel },
        'nothing is diagnosed for an alarm, and its channel has notes enough',
      );
      await translateOutage('store', () =>
        notes.change(key, (there) => ({ document: there && { ...there, posting: null }, result: null })),
      );
      return 'too-many';
    }
    const last =
      count === MAX_THREADS ? ['Further alarms like this one are only in the log for the next five minutes.'] : [];
    const content = unknownAlarmMessage({
      alarm: alarm.name,
      why:
        loadBalancers.length > 1
          ? { loadBalancers: loadBalancers.length }
          : sentences.length > 0
            ? 'unknown'
            : 'names-none',
      sentences: [...sentences.slice(0, 2), ...last, ...describeAlarm(alarm)],
    });
    const marker = `note-${shortHash(alarmKey(alarm))}`;
    const updateNote = (change: Partial<Note>) =>
      translateOutage('store', () =>
        notes.change(key, (there) => ({ document: there && { ...there, ...change }, result: null })),
      );
    for (const to of new Set([claim.channel, otherChannel(route, claim.channel, routing) ?? claim.channel])) {
      const target = { channel: to, thread: null };
      const found = claim.doubtful ? await translateOutage('slack', () => poster.find(target, marker)) : null;
      const posted =
        found !== null && found !== 'may-not-look'
          ? found
          : await translateOutage('slack', () => poster.post(target, content, marker));
      if ('ts' in posted) {
        await updateNote({ channel: to, ts: posted.ts, posting: null });
        return 'noted';
      }
      // It may stand all the same: looked for after a while.
      if (posted.refused === 'unreachable') throw new Unavailable('slack', posted.code);
      log.error({ channel: to, code: posted.code, alarm: alarm.name }, 'a note about an alarm was refused');
    }
    await updateNote({ posting: null });
    throw new Unavailable('channel', 'no channel takes the note');
  }

  return { postNote };
}
