/** Posts one short note for each alarm whose load balancer is unknown. */
import * as z from 'zod';
import { list } from '../format/wording.ts';
import { timeOfDay } from '../render/phrases.ts';
import { type Documents, openDocuments } from '../runs/store/document.ts';
import { PostRecord } from '../runs/store/post-record.ts';
import type { Store } from '../runs/store/store.ts';
import { postOnce } from '../slack/delivery/post-once.ts';
import type { Poster, PostResult } from '../slack/delivery/slack-poster.ts';
import { unknownAlarmMessage } from '../slack/messages/index.ts';
import type { Message } from '../slack/messages/message.ts';
import type { AffectedLoadBalancers } from './affected-load-balancers.ts';
import { type Alarm, alarmKey, shortHash } from './alarm-event.ts';
import { channelFor, mayShow, otherChannel, possibleAccounts, type Routing } from './alarm-routes.ts';
import { translateOutage, Unavailable } from './retryable.ts';
import { MAX_THREADS, RATE_PERIOD, upgradePost } from './thread-rate-limit.ts';

const NoteRecord = z.object({
  schema: z.literal(1),
  alarm: z.string(),
  at: z.iso.datetime(),
  /** Channel where the note is posted or will be tried next. */
  channel: z.string(),
  post: PostRecord.nullable(),
});
type NoteRecord = z.infer<typeof NoteRecord>;

/** Parses a note written by any release. */
const StoredNote: z.ZodType<NoteRecord> = z.preprocess(upgradePost, NoteRecord);

/** Notes posted in one channel within `RATE_PERIOD`; the limit is that of threads. */
const Rate = z.object({ schema: z.literal(1), posted: z.array(z.iso.datetime()) });

interface AlarmNotesParts {
  store: Store;
  poster: Pick<Poster, 'post' | 'find'>;
  routing: Routing;
  log: { error(fields: object, text: string): void; warn(fields: object, text: string): void };
  /** Epoch milliseconds. */
  now: () => number;
}

/** Why there is no thread: the alarm names no load balancer or too many, or the lookup failed with `sentences`. */
export type NoThreadReason = Pick<AffectedLoadBalancers, 'loadBalancers' | 'accounts' | 'sentences'>;

export interface AlarmNotes {
  /** Resolves when the note is posted or not needed. Throws Unavailable. */
  postNote(alarm: Alarm, about: NoThreadReason): Promise<'noted' | 'already' | 'too-many' | 'no-channel'>;
}

interface NotesContext extends AlarmNotesParts {
  notes: Documents<NoteRecord>;
  rates: Documents<z.infer<typeof Rate>>;
}

export function openAlarmNotes(parts: AlarmNotesParts): AlarmNotes {
  const report = (what: string) => (key: string, why: string) => parts.log.error({ key, why }, what);
  const context: NotesContext = {
    ...parts,
    notes: openDocuments(parts.store, StoredNote, report('a note about an alarm cannot be read')),
    rates: openDocuments(parts.store, Rate, report('the notes of a channel cannot be counted')),
  };
  return { postNote: (alarm, about) => postNote(context, alarm, about) };
}

async function postNote(
  context: NotesContext,
  alarm: Alarm,
  about: NoThreadReason,
): Promise<'noted' | 'already' | 'too-many' | 'no-channel'> {
  const { routing, notes, log } = context;
  const accounts = about.accounts.flatMap((id) => possibleAccounts(id, routing));
  const subject = { loadBalancer: null, alarm: alarm.name, accounts };
  const ownChannel = channelFor(subject, routing);
  if (ownChannel === null) {
    log.warn({ alarm: alarm.name }, 'nothing is diagnosed for an alarm, and no channel may read about its account');
    return 'no-channel';
  }
  const before = await translateOutage('store', () => notes.read(keyOfNote(alarm)));
  if (before?.post?.state === 'posted') return 'already';
  // The configuration may have changed since.
  const channel = before !== null && mayShow(before.channel, subject, routing) ? before.channel : ownChannel;
  // A note that may be posted was counted when it was started.
  const count = before?.post ? 1 : await countNotes(context, channel);
  if (count > MAX_THREADS) {
    log.warn({ alarm: alarm.name, channel }, 'nothing is diagnosed for an alarm, and its channel has notes enough');
    return 'too-many';
  }
  const message = noteMessage(alarm, about, count === MAX_THREADS);
  for (const to of new Set([channel, otherChannel(subject, channel, routing) ?? channel])) {
    const posted = await postNoteIn(context, alarm, to, message);
    if (posted === 'already' || (typeof posted === 'object' && 'ts' in posted)) return 'noted';
    if (posted === 'busy') throw new Unavailable('busy', 'this note is being posted');
    // The note may have been posted: the next attempt searches for it.
    if (posted.refused === 'unreachable') throw new Unavailable('slack', posted.code);
    log.error({ channel: to, code: posted.code, alarm: alarm.name }, 'Slack refused a note about an alarm');
  }
  throw new Unavailable('channel', 'no channel takes the note');
}

const keyOfNote = (alarm: Alarm): string => `alarms/notes/${shortHash(alarmKey(alarm))}.json`;

/** Counts this note; returns the number of notes in the channel within `RATE_PERIOD`. */
function countNotes({ rates, now }: NotesContext, channel: string): Promise<number> {
  return translateOutage('store', () =>
    rates.change(`alarms/rates/${shortHash(channel)}.json`, (stored) => {
      const recent = (stored?.posted ?? []).filter((at) => now() - Date.parse(at) < RATE_PERIOD);
      if (recent.length >= MAX_THREADS) return { document: stored, result: recent.length + 1 };
      const posted = [...recent, new Date(now()).toISOString()];
      return { document: { schema: 1, posted }, result: posted.length };
    }),
  );
}

function noteMessage(alarm: Alarm, { loadBalancers, sentences }: NoThreadReason, isLast: boolean): Message {
  const unclear = sentences.length > 0 ? 'unknown' : 'names-none';
  const last = isLast ? ['For the next five minutes, more alarms like this one go only to the log.'] : [];
  return unknownAlarmMessage({
    alarm: alarm.name,
    why: loadBalancers.length > 1 ? { loadBalancers: loadBalancers.length } : unclear,
    sentences: [...sentences.slice(0, 2), ...last, ...describeAlarm(alarm)],
  });
}

/** Returns sentences about an alarm that names no load balancer. */
function describeAlarm({ state, changedAt, region, account, metrics, reason }: Alarm): string[] {
  const metricNames = metrics.flatMap(({ namespace, name, expression }) =>
    name !== null ? `${namespace ?? ''} ${name}`.trim() : (expression ?? []),
  );
  const place = [...(region === null ? [] : [region]), ...(account === null ? [] : [`account ${account}`])].join(', ');
  return [
    `In ${state} since ${timeOfDay(changedAt)} UTC${place === '' ? '' : ` (${place})`}.`,
    ...(metricNames.length > 0 ? [`${metricNames.length === 1 ? 'Metric' : 'Metrics'}: ${list(metricNames)}.`] : []),
    ...(reason === '' ? [] : [reason]),
  ];
}

function postNoteIn(
  { notes, poster, now }: NotesContext,
  alarm: Alarm,
  channel: string,
  message: Message,
): Promise<PostResult | 'already' | 'busy'> {
  const target = { channel, thread: null };
  const mark = `note-${shortHash(alarmKey(alarm))}`;
  return postOnce({
    now,
    find: () => poster.find(target, mark),
    post: () => poster.post(target, message, mark),
    record: (change) =>
      translateOutage('store', () =>
        notes.change(keyOfNote(alarm), (stored) => {
          const before = stored?.post ?? null;
          const { record, result } = change(before);
          if (record === before) return { document: stored, result };
          const at = stored?.at ?? new Date(now()).toISOString();
          return { document: { schema: 1, alarm: alarm.name, at, channel, post: record }, result };
        }),
      ),
  });
}
