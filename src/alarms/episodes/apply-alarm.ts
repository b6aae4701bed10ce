/** Applies an alarm event to the episodes of a load balancer, in any order of events. Pure. */

import type { Episode } from '../../runs/episode.ts';
import { type Alarm, alarmEventId, alarmKey } from '../alarm-event.ts';
import { askedErrors, watchedInstead } from '../asked-errors.ts';
import {
  type EpisodeRecord,
  type History,
  idOfHistory,
  isUpToDate,
  type NewAction,
  withPending,
} from './episode-record.ts';

const MINUTE = 60_000;

/** An ALARM this soon after the end reopens the episode. */
export const REOPEN_WITHIN = 10 * MINUTE;
/** A late ALARM without a known end joins an episode that opened at most this long after it. */
const JOIN_WITHIN = 10 * MINUTE;
/** An episode silent for this long takes no new alarms: its end was lost, and its thread is too old to be read. */
const SILENCE_LIMIT = 6 * 60 * MINUTE;
/** Limits of a history; the oldest entries are dropped. */
const MAX_EPISODES = 20;
const MAX_ALARMS = 100;
const MAX_EVENTS = 500;

/**
 * `opened`: needs a new thread. `joined`, `repeated`, `reopened`: uses an existing thread. `ended`: an alarm left
 * ALARM. `known`: a duplicate. `stale`: older than the recorded state. `quiet`: belongs to no episode.
 */
export type Transition = 'opened' | 'joined' | 'repeated' | 'reopened' | 'ended' | 'known' | 'stale' | 'quiet';

/** Details of an event beyond the alarm. */
interface EventContext {
  /** Epoch milliseconds. */
  from: number;
  now: number;
  sentences: readonly string[];
  /** Run id for a new episode; the same when the change is retried. */
  run: string;
}

/**
 * Returns the history with the event applied, and the kind of transition. Returns the same history if nothing changes.
 */
export function applyAlarm(
  history: History,
  alarm: Alarm,
  context: EventContext,
): { history: History; transition: Transition } {
  const key = alarmKey(alarm);
  const last = history.alarms[key];
  const at = Date.parse(alarm.changedAt);
  const age = last === undefined ? 1 : at - Date.parse(last.changedAt);
  const id = alarmEventId(alarm);
  if (age === 0 || history.episodes.some(({ events }) => events.includes(id))) return { history, transition: 'known' };
  if (alarm.state !== 'ALARM') {
    if (age < 0) return { history, transition: 'stale' };
    const updated = withAlarmState(history, key, alarm);
    const isAffected = ({ episode }: EpisodeRecord): boolean => isIn(episode, key, 'ALARM');
    if (!updated.episodes.some(isAffected)) return { history: updated, transition: 'quiet' };
    const episodes = updated.episodes.map((record) => (isAffected(record) ? endAlarm(record, key, alarm) : record));
    return { history: { ...updated, episodes }, transition: 'ended' };
  }
  if (age < 0) return applyLateAlarm(history, key, alarm, last ?? { state: 'OK', changedAt: alarm.changedAt }, context);
  const updated = withAlarmState(history, key, alarm);
  const open = updated.episodes.findLast(
    ({ episode, heardAt }) => episode.closedAt === null && at - Date.parse(heardAt) < SILENCE_LIMIT,
  );
  const match = open ?? updated.episodes.findLast((record) => coversAlarm(record, at, null));
  if (match === undefined) {
    const episodes = updated.episodes.map((record) => markEndUnknown(record, key, alarm.changedAt));
    return { history: addEpisode({ ...updated, episodes }, key, alarm, context, null), transition: 'opened' };
  }
  const wasThere = match.episode.alarms.some(({ arn }) => arn === key);
  const transition = match.episode.closedAt !== null ? 'reopened' : wasThere ? 'repeated' : 'joined';
  return { history: replaceRecord(updated, match, joinEpisode(match, key, alarm, alarm, context)), transition };
}

/** Handles an ALARM that arrived after a newer state of the same alarm. */
function applyLateAlarm(
  history: History,
  key: string,
  alarm: Alarm,
  last: { state: Alarm['state']; changedAt: string },
  context: EventContext,
): { history: History; transition: Transition } {
  const at = Date.parse(alarm.changedAt);
  const ended = last.state === 'ALARM' ? null : Date.parse(last.changedAt);
  const match =
    history.episodes.findLast((record) => coversAlarm(record, at, ended)) ??
    // The alarm's present ALARM began earlier: events in between were lost or are still to come.
    (last.state === 'ALARM' ? history.episodes.findLast(({ episode }) => isIn(episode, key, 'ALARM')) : undefined);
  if (match === undefined) return { history: addEpisode(history, key, alarm, context, last), transition: 'opened' };
  const there = match.episode.alarms.find(({ arn }) => arn === key);
  // Keep the newer state.
  const since = { state: last.state, changedAt: last.changedAt, reason: there?.reason ?? alarm.reason };
  const now = there !== undefined && there.changedAt >= last.changedAt ? there : since;
  return {
    history: replaceRecord(history, match, joinEpisode(match, key, alarm, now, context)),
    transition: there ? 'repeated' : 'joined',
  };
}

/**
 * Whether an ALARM at `at` that ended at `ended` (null without a known end) belongs to the episode. Epoch milliseconds.
 */
function coversAlarm({ episode, heardAt }: EpisodeRecord, at: number, ended: number | null): boolean {
  const openedAt = Date.parse(episode.openedAt);
  const end =
    episode.closedAt === null ? Date.parse(heardAt) + SILENCE_LIMIT : Date.parse(episode.closedAt) + REOPEN_WITHIN;
  return at <= end && (ended === null ? at >= openedAt - JOIN_WITHIN : ended >= openedAt - REOPEN_WITHIN);
}

/** Ends an alarm that starts again: the message about its end was lost. */
function markEndUnknown(record: EpisodeRecord, key: string, changedAt: string): EpisodeRecord {
  if (!isIn(record.episode, key, 'ALARM')) return record;
  const alarms = record.episode.alarms.map((alarm) =>
    alarm.arn === key
      ? { ...alarm, state: 'INSUFFICIENT_DATA' as const, changedAt, reason: 'No message about its end arrived.' }
      : alarm,
  );
  const closedAt = endOf(alarms);
  return withPending({ ...record, episode: { ...record.episode, alarms, closedAt } }, { kind: 'refresh' });
}

const isIn = ({ alarms }: Episode, key: string, state: Alarm['state']): boolean =>
  alarms.some((alarm) => alarm.arn === key && alarm.state === state);

const withAlarmState = (history: History, key: string, { state, changedAt }: Alarm): History => {
  const others = Object.entries(history.alarms).filter(([other]) => other !== key);
  const newest = others.sort(([, a], [, b]) => (a.changedAt < b.changedAt ? 1 : -1)).slice(0, MAX_ALARMS - 1);
  return { ...history, alarms: { ...Object.fromEntries(newest.reverse()), [key]: { state, changedAt } } };
};

const replaceRecord = (history: History, old: EpisodeRecord, by: EpisodeRecord): History => ({
  ...history,
  episodes: history.episodes.map((record) => (record === old ? by : record)),
});

const later = (a: string, b: string): string => (a > b ? a : b);
const earlier = (a: string, b: string): string => (a < b ? a : b);
const iso = (at: number): string => new Date(at).toISOString();

const aboutOf = (alarm: Alarm): Pick<Episode['alarms'][number], 'asks' | 'watches'> => {
  const watches = watchedInstead(alarm);
  return { asks: askedErrors(alarm), ...(watches === null ? {} : { watches }) };
};

type CurrentState = Pick<Alarm, 'state' | 'changedAt' | 'reason'>;

function addEpisode(
  history: History,
  key: string,
  alarm: Alarm,
  { from, sentences, run }: EventContext,
  since: Pick<Alarm, 'state' | 'changedAt'> | null,
): History {
  const { state, changedAt } = since ?? alarm;
  const closedAt = state === 'ALARM' ? null : changedAt;
  const episode: Episode = {
    schema: 1,
    id: `${idOfHistory(history.loadBalancer)}-${run}`,
    loadBalancer: history.loadBalancer,
    openedAt: alarm.changedAt,
    closedAt,
    alarms: [{ arn: key, name: alarm.name, state, changedAt, reason: alarm.reason, times: 1, ...aboutOf(alarm) }],
    repeats: 0,
    run,
  };
  const record = withPending(
    {
      episode,
      from: iso(from),
      heardAt: changedAt,
      events: [alarmEventId(alarm)],
      channel: null,
      thread: { state: 'none' },
      sentences: [...sentences],
      ends: closedAt === null ? 0 : 1,
      endToldAt: null,
      pending: [],
      actions: 0,
    },
    ...toSay(sentences),
    ...toTellEnd(closedAt !== null, 1),
  );
  const episodes = [...history.episodes, record].sort((a, b) => (a.episode.openedAt < b.episode.openedAt ? -1 : 1));
  const surplus = episodes.filter(isUpToDate).slice(0, Math.max(0, episodes.length - MAX_EPISODES));
  return { ...history, episodes: episodes.filter((one) => !surplus.includes(one)) };
}

/** Adds an alarm to an episode. `state`: its present state, which is newer than `event` if the event is late. */
function joinEpisode(
  record: EpisodeRecord,
  key: string,
  event: Alarm,
  state: CurrentState,
  { from, sentences }: EventContext,
): EpisodeRecord {
  const { episode } = record;
  const there = episode.alarms.find(({ arn }) => arn === key);
  const entry = {
    arn: key,
    name: event.name,
    state: state.state,
    changedAt: state.changedAt,
    reason: state.reason,
    times: (there?.times ?? 0) + 1,
    ...aboutOf(event),
  };
  const alarms = there ? episode.alarms.map((alarm) => (alarm === there ? entry : alarm)) : [...episode.alarms, entry];
  const closedAt = endOf(alarms);
  const isReopened = episode.closedAt !== null && closedAt === null;
  const isClosed = episode.closedAt === null && closedAt !== null;
  const ends = record.ends + (isClosed ? 1 : 0);
  const more = sentences.filter((sentence) => !record.sentences.includes(sentence));
  const joined: EpisodeRecord = {
    ...record,
    from: earlier(record.from, iso(from)),
    heardAt: later(record.heardAt, later(event.changedAt, state.changedAt)),
    events: [...record.events, alarmEventId(event)].slice(-MAX_EVENTS),
    sentences: [...record.sentences, ...more],
    ends,
    episode: {
      ...episode,
      alarms,
      openedAt: earlier(episode.openedAt, event.changedAt),
      closedAt,
      repeats: episode.repeats + 1,
    },
  };
  const asks: NewAction[] = isReopened || isClosed ? [{ kind: 'ask-again' }] : [];
  return withPending(joined, { kind: 'refresh' }, ...toSay(more), ...asks, ...toTellEnd(isClosed, ends));
}

const toSay = (sentences: readonly string[]): NewAction[] =>
  sentences.length === 0 ? [] : [{ kind: 'say', sentences: [...new Set(sentences)] }];

const toTellEnd = (isClosed: boolean, end: number): NewAction[] => (isClosed ? [{ kind: 'tell-end', end }] : []);

function endAlarm(record: EpisodeRecord, key: string, alarm: Alarm): EpisodeRecord {
  const { state, changedAt, reason } = alarm;
  const { episode } = record;
  const alarms = episode.alarms.map((one) => (one.arn === key ? { ...one, state, changedAt, reason } : one));
  const closedAt = endOf(alarms);
  const isClosed = closedAt !== null && episode.closedAt === null;
  const ends = record.ends + (isClosed ? 1 : 0);
  const ended: EpisodeRecord = {
    ...record,
    heardAt: later(record.heardAt, changedAt),
    events: [...record.events, alarmEventId(alarm)].slice(-MAX_EVENTS),
    ends,
    episode: { ...episode, alarms, closedAt },
  };
  const asks: NewAction[] = isClosed ? [{ kind: 'ask-again' }] : [];
  return withPending(ended, { kind: 'refresh' }, ...asks, ...toTellEnd(isClosed, ends));
}

/** Time the last alarm left ALARM; null while one is in ALARM. */
function endOf(alarms: Episode['alarms']): string | null {
  if (alarms.some(({ state }) => state === 'ALARM')) return null;
  return alarms.map(({ changedAt }) => changedAt).reduce(later);
}
