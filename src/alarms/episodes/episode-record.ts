/**
 * What alarms have said about one load balancer: its episodes, and what is still to be done for their threads. One object of the store
 * for each load balancer, so that every change of it is one conditional write. Pure: news in, history out, in whatever order they come.
 */
import * as z from 'zod';
import { ALARM_STATES, Episode } from '../../runs/episode.ts';
import { Lease } from '../../runs/run.ts';
import { type Alarm, hashOf, idOfNews, keyOf } from '../alarm-event.ts';

const Iso = z.iso.datetime();
const MINUTE = 60_000;

/** An ALARM so soon after the end goes on with the same episode. */
export const FLAPS = 10 * MINUTE;
/** An ALARM that comes late, and whose end is not known yet, joins an episode that began at most so long after it. */
const JOINS = 10 * MINUTE;
/**
 * An episode that nothing was heard of for so long takes no new alarms: its end was never told, and nobody sees a thread of yesterday.
 */
const FORGOTTEN = 6 * 60 * MINUTE;
/** Older ones are dropped. */
const EPISODES = 20;
const ALARMS = 100;
const NEWS = 500;

export const Kept = z.object({
  episode: Episode,
  /** Where the window begins. */
  from: Iso,
  /** When something was last heard of it. */
  heardAt: Iso,
  /** What it has taken in: the same news change nothing. */
  news: z.array(z.string()),
  /** Null until its thread was given one. */
  channel: z.string().nullable(),
  /** What the thread begins with: that it is in another channel than it should be, or what could not be looked up. */
  sentences: z.array(z.string()),
  /** So many of them were said. */
  said: z.number().int(),
  /** Its thread stands, and the run is recorded. */
  opened: z.boolean(),
  /** Set while a storm keeps it from a thread. */
  waitsSince: Iso.nullable(),
  /** It was over before there was room for its thread: the note of the storm is all that is told. */
  dropped: z.boolean(),
  /** Counts changes of the episode; what the root message shows is `shown`. */
  version: z.number().int(),
  shown: z.number().int(),
  /** How often it ended. The question is to be asked again for `askFor`, and was for `asked`; likewise the replies. */
  askFor: z.number().int(),
  asked: z.number().int(),
  closings: z.number().int(),
  told: z.number().int(),
  toldAt: Iso.nullable(),
});
export type Kept = z.infer<typeof Kept>;

const Known = z.object({ state: z.enum(ALARM_STATES), changedAt: Iso });

export const History = z.object({
  schema: z.literal(1),
  /** ARN of the load balancer. */
  loadBalancer: z.string(),
  /** How to find it again. */
  ref: z.object({ name: z.string(), arn: z.string().nullable(), account: z.string(), region: z.string() }),
  /** By alarm. */
  alarms: z.record(z.string(), Known),
  /** Oldest first. */
  episodes: z.array(Kept),
  /** Who works on the threads. */
  lease: Lease.nullable(),
});
export type History = z.infer<typeof History>;

/**
 * `opened`: a thread is due. `joined`, `repeated`, `reopened`: the thread that is there. `ended`: one alarm, or all is well again.
 * `known`: told before. `stale`: older than what is known. `quiet`: of no episode.
 */
export type Learned = 'opened' | 'joined' | 'repeated' | 'reopened' | 'ended' | 'known' | 'stale' | 'quiet';

/** What the news are about beyond the alarm. */
export interface Circumstances {
  /** Epoch milliseconds. */
  from: number;
  now: number;
  sentences: readonly string[];
  /** The id of a run for a new episode: the same when asked again for the same news. */
  run: string;
}

/** Keys of the store have no capital letters, nor colons. */
export const idOfHistory = (loadBalancer: string): string => hashOf(loadBalancer);
export const keyOfHistory = (id: string): string => `alarms/load-balancers/${id}.json`;
/** The history that an episode is in. */
export const historyOfEpisode = (episode: string): string => episode.split('-')[0] ?? '';

export const emptyHistory = (ref: History['ref'], loadBalancer: string): History => ({
  schema: 1,
  loadBalancer,
  ref,
  alarms: {},
  episodes: [],
  lease: null,
});

/** The history with the news, and what they were. The same history when they change nothing. */
export function learn(history: History, alarm: Alarm, about: Circumstances): { history: History; learned: Learned } {
  const key = keyOf(alarm);
  const known = history.alarms[key];
  const at = Date.parse(alarm.changedAt);
  const age = known === undefined ? 1 : at - Date.parse(known.changedAt);
  const id = idOfNews(alarm);
  if (age === 0 || history.episodes.some(({ news }) => news.includes(id))) return { history, learned: 'known' };
  if (alarm.state !== 'ALARM') {
    if (age < 0) return { history, learned: 'stale' };
    const noted = noting(history, key, alarm);
    const isConcerned = ({ episode }: Kept): boolean => isIn(episode, key, 'ALARM');
    if (!noted.episodes.some(isConcerned)) return { history: noted, learned: 'quiet' };
    const episodes = noted.episodes.map((kept) => (isConcerned(kept) ? ending(kept, key, alarm) : kept));
    return { history: { ...noted, episodes }, learned: 'ended' };
  }
  if (age < 0) return late(history, key, alarm, known ?? { state: 'OK', changedAt: alarm.changedAt }, about);
  const noted = noting(history, key, alarm);
  const open = noted.episodes.findLast(
    ({ episode, heardAt }) => episode.closedAt === null && at - Date.parse(heardAt) < FORGOTTEN,
  );
  const found = open ?? noted.episodes.findLast((kept) => reaches(kept, at, null));
  if (found === undefined) {
    const episodes = noted.episodes.map((kept) => superseded(kept, key, alarm.changedAt));
    return { history: withNew({ ...noted, episodes }, key, alarm, about, null), learned: 'opened' };
  }
  const wasThere = found.episode.alarms.some(({ arn }) => arn === key);
  const learned = found.episode.closedAt !== null ? 'reopened' : wasThere ? 'repeated' : 'joined';
  return { history: replaced(noted, found, joining(found, key, alarm, alarm, about)), learned };
}

/** An ALARM that came after newer news of the same alarm. It has had its thread, or gets one that is over already. */
function late(
  history: History,
  key: string,
  alarm: Alarm,
  known: { state: Alarm['state']; changedAt: string },
  about: Circumstances,
): { history: History; learned: Learned } {
  const at = Date.parse(alarm.changedAt);
  const ended = known.state === 'ALARM' ? null : Date.parse(known.changedAt);
  const found =
    history.episodes.findLast((kept) => reaches(kept, at, ended)) ??
    // An earlier time of what this alarm is in now: the news between were lost, or are to come.
    (known.state === 'ALARM' ? history.episodes.findLast(({ episode }) => isIn(episode, key, 'ALARM')) : undefined);
  if (found === undefined) return { history: withNew(history, key, alarm, about, known), learned: 'opened' };
  const there = found.episode.alarms.find(({ arn }) => arn === key);
  // What was heard of it since stands.
  const since = { state: known.state, changedAt: known.changedAt, reason: there?.reason ?? alarm.reason };
  const now = there !== undefined && there.changedAt >= known.changedAt ? there : since;
  return {
    history: replaced(history, found, joining(found, key, alarm, now, about)),
    learned: there ? 'repeated' : 'joined',
  };
}

/** Whether an ALARM of that moment, that ended then, belongs to the episode. */
function reaches({ episode, heardAt }: Kept, at: number, ended: number | null): boolean {
  const openedAt = Date.parse(episode.openedAt);
  const end = episode.closedAt === null ? Date.parse(heardAt) + FORGOTTEN : Date.parse(episode.closedAt) + FLAPS;
  return at <= end && (ended === null ? at >= openedAt - JOINS : ended >= openedAt - FLAPS);
}

/** An alarm that begins anew is not in ALARM since then any more: its end was never told. */
function superseded(kept: Kept, key: string, changedAt: string): Kept {
  if (!isIn(kept.episode, key, 'ALARM')) return kept;
  const alarms = kept.episode.alarms.map((alarm) =>
    alarm.arn === key
      ? { ...alarm, state: 'INSUFFICIENT_DATA' as const, changedAt, reason: 'Its end was never told.' }
      : alarm,
  );
  const closedAt = endOf(alarms);
  return { ...kept, version: kept.version + 1, episode: { ...kept.episode, alarms, closedAt } };
}

const isIn = ({ alarms }: Episode, key: string, state: Alarm['state']): boolean =>
  alarms.some((alarm) => alarm.arn === key && alarm.state === state);

const noting = (history: History, key: string, { state, changedAt }: Alarm): History => {
  const others = Object.entries(history.alarms).filter(([other]) => other !== key);
  const newest = others.sort(([, a], [, b]) => (a.changedAt < b.changedAt ? 1 : -1)).slice(0, ALARMS - 1);
  return { ...history, alarms: { ...Object.fromEntries(newest.reverse()), [key]: { state, changedAt } } };
};

const replaced = (history: History, old: Kept, by: Kept): History => ({
  ...history,
  episodes: history.episodes.map((kept) => (kept === old ? by : kept)),
});

const later = (a: string, b: string): string => (a > b ? a : b);
const earlier = (a: string, b: string): string => (a < b ? a : b);
const iso = (at: number): string => new Date(at).toISOString();

type Now = Pick<Alarm, 'state' | 'changedAt' | 'reason'>;

function withNew(
  history: History,
  key: string,
  alarm: Alarm,
  { from, sentences, run }: Circumstances,
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
    alarms: [{ arn: key, name: alarm.name, state, changedAt, reason: alarm.reason, times: 1 }],
    repeats: 0,
    run,
  };
  const kept: Kept = {
    episode,
    from: iso(from),
    heardAt: changedAt,
    news: [idOfNews(alarm)],
    channel: null,
    sentences: [...sentences],
    said: 0,
    opened: false,
    waitsSince: null,
    dropped: false,
    version: 1,
    shown: 0,
    askFor: 0,
    asked: 0,
    closings: closedAt === null ? 0 : 1,
    told: 0,
    toldAt: null,
  };
  const episodes = [...history.episodes, kept].sort((a, b) => (a.episode.openedAt < b.episode.openedAt ? -1 : 1));
  const surplus = episodes.filter(isSettled).slice(0, Math.max(0, episodes.length - EPISODES));
  return { ...history, episodes: episodes.filter((one) => !surplus.includes(one)) };
}

/** `state`: in which the alarm is now, which differs from the news where these are late. */
function joining(kept: Kept, key: string, news: Alarm, state: Now, { from, sentences }: Circumstances): Kept {
  const { episode } = kept;
  const there = episode.alarms.find(({ arn }) => arn === key);
  const entry = {
    arn: key,
    name: news.name,
    state: state.state,
    changedAt: state.changedAt,
    reason: state.reason,
    times: (there?.times ?? 0) + 1,
  };
  const alarms = there ? episode.alarms.map((alarm) => (alarm === there ? entry : alarm)) : [...episode.alarms, entry];
  const closedAt = endOf(alarms);
  const isReopened = episode.closedAt !== null && closedAt === null;
  const isClosed = episode.closedAt === null && closedAt !== null;
  return {
    ...kept,
    from: earlier(kept.from, iso(from)),
    heardAt: later(kept.heardAt, later(news.changedAt, state.changedAt)),
    news: [...kept.news, idOfNews(news)].slice(-NEWS),
    sentences: [...new Set([...kept.sentences, ...sentences])],
    version: kept.version + 1,
    askFor: kept.askFor + (isReopened || isClosed ? 1 : 0),
    closings: kept.closings + (isClosed ? 1 : 0),
    episode: {
      ...episode,
      alarms,
      openedAt: earlier(episode.openedAt, news.changedAt),
      closedAt,
      repeats: episode.repeats + 1,
    },
  };
}

function ending(kept: Kept, key: string, alarm: Alarm): Kept {
  const { state, changedAt, reason } = alarm;
  const { episode } = kept;
  const alarms = episode.alarms.map((one) => (one.arn === key ? { ...one, state, changedAt, reason } : one));
  const closedAt = endOf(alarms);
  const isClosed = closedAt !== null && episode.closedAt === null;
  return {
    ...kept,
    heardAt: later(kept.heardAt, changedAt),
    news: [...kept.news, idOfNews(alarm)].slice(-NEWS),
    version: kept.version + 1,
    askFor: kept.askFor + (isClosed ? 1 : 0),
    closings: kept.closings + (isClosed ? 1 : 0),
    episode: { ...episode, alarms, closedAt },
  };
}

/** When the last alarm left ALARM; null while one is in it. */
function endOf(alarms: Episode['alarms']): string | null {
  if (alarms.some(({ state }) => state === 'ALARM')) return null;
  return alarms.map(({ changedAt }) => changedAt).reduce(later);
}

/** The thread shows and says all there is; or it was kept from one by a storm, and is over. */
export function isSettled(kept: Kept): boolean {
  const { episode, opened, dropped, version, shown, askFor, asked, closings, told, sentences, said } = kept;
  if (!opened) return dropped && episode.closedAt !== null;
  return version === shown && askFor === asked && closings === told && sentences.length === said;
}
