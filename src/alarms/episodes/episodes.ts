/**
 * Episodes of alarms: what is heard is recorded first, and then the threads are made to show it. Everything that is to be done follows
 * from what is recorded, and is noted when done, so that whoever holds the lease can go on where another has left off.
 */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { LoadBalancerRef } from '../../investigate/investigator.ts';
import { Problem } from '../../problem.ts';
import { type Course, windowOf } from '../../query/alarm-window.ts';
import type { Episode } from '../../runs/episode.ts';
import { newRunId, type Run } from '../../runs/run.ts';
import type { Runs } from '../../runs/runs.ts';
import { type Objects, openObjects } from '../../runs/store/document.ts';
import type { Store } from '../../runs/store/store.ts';
import type { Poster } from '../../slack/delivery/slack-poster.ts';
import { elsewhereSentence, sentencesMessage, stormMessage } from '../../slack/messages/alarm-notes.ts';
import { episodeClosedMessage } from '../../slack/messages/index.ts';
import type { Message } from '../../slack/messages/message.ts';
import type { Opened, Threads } from '../../slack/thread/open.ts';
import { keyOfEnd } from '../../slack/thread/show.ts';
import { type Alarm, hashOf, idOfNews } from '../alarm-event.ts';
import { channelFor, otherChannel, type Routing } from '../alarm-routes.ts';
import { openPauses } from '../backoff.ts';
import { reach, Unavailable } from '../retryable.ts';
import { admit, ChannelState, emptyChannel, POST_LOST, withdrawn } from '../thread-rate-limit.ts';
import {
  emptyHistory,
  History,
  historyOfEpisode,
  idOfHistory,
  isSettled,
  type Kept,
  keyOfHistory,
  type Learned,
  learn,
} from './episode-record.ts';

/** News of one load balancer. */
export interface News {
  alarm: Alarm;
  /** ARN. */
  loadBalancer: string;
  ref: LoadBalancerRef;
  /** Where the window begins, epoch milliseconds. */
  from: number;
  /** What could not be looked up. */
  sentences: readonly string[];
}

export interface EpisodesParts {
  store: Store;
  runs: Pick<Runs, 'read' | 'diagnosis'>;
  threads: Pick<Threads, 'open' | 'askAgain' | 'refresh' | 'reply'>;
  poster: Pick<Poster, 'post' | 'edit' | 'find'>;
  routing: Routing;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Who has the leases: other than any process before. */
  owner?: string;
  /** Epoch milliseconds. */
  now?: () => number;
  sleep?: (milliseconds: number) => Promise<unknown>;
  /** New threads of a channel within five minutes. */
  mostThreads?: number;
}

export interface Episodes {
  /** Records the news; ends when its thread stands, or when a storm keeps it from one and the channel was told. Throws Unavailable. */
  tell(news: News): Promise<Learned>;
  episode(id: string): Promise<Episode | null>;
  /** Goes on with whatever is not done, here or by a process that is no more. */
  resume(): Promise<void>;
  /** Ends when nothing is being done any more. */
  idle(): Promise<void>;
  stop(milliseconds: number): Promise<void>;
}

/** Milliseconds. A lease outlives two failed renewals. */
const LEASE = 60_000;
const RENEW = 20_000;
/** How often it is looked whether another process is done. */
const LOOK = 1000;
/** How long a thread is waited for that another process opens. */
const OTHERS = 120_000;
/** One reply for an end, and none for each of many: an alarm that flaps says so in the headline. */
const REPLIES_APART = 30 * 60_000;
/** Edits of a note that counts, at most that often. */
const NOTES_APART = 2000;
/** An answer takes no longer. */
const LONGEST_ASK = 15 * 60_000;

const BUSY = 'alarms/busy/';
/** Milliseconds from the note of work to the record of it, at most. */
const NOTED_FOR = 60_000;
const timeOfNote = (key: string): number => Number(key.split('/').at(-1)?.split('-')[0]);
const CHANNELS = 'alarms/channels/';
const keyOfChannel = (channel: string): string => `${CHANNELS}${hashOf(channel)}.json`;

type Work = { kind: 'open' | 'drop' | 'refresh' | 'say' | 'ask' | 'reply'; kept: Kept };

interface Settling {
  ended: Promise<void>;
  /** Something was recorded: look again. */
  poke(): void;
}

export function openEpisodes(parts: EpisodesParts): Episodes {
  const { store, runs, threads, poster, routing, log, now = Date.now, mostThreads } = parts;
  const sleep = parts.sleep ?? ((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)));
  const owner = parts.owner ?? `${hostname()}-${process.pid}-${hashOf(`${Math.random()}`).slice(0, 8)}`;
  const broken = (key: string, why: string) => log.error({ key, why }, 'what was recorded of alarms cannot be read');
  const histories: Objects<History> = openObjects(store, History, broken);
  const channels: Objects<ChannelState> = openObjects(store, ChannelState, broken);
  const settling = new Map<string, Settling>();
  const telling = new Map<string, Promise<void>>();
  /** When this process noted work for a load balancer the last time. */
  const marked = new Map<string, number>();
  const asking = new Map<string, Promise<void>>();
  /** Of load balancers that cannot be gone on with, of runs that cannot be asked again, of channels where nothing else is left to try. */
  const pauses = openPauses(now);
  let isStopping = false;

  async function tell({ alarm, loadBalancer, ref, from, sentences }: News): Promise<Learned> {
    const id = idOfHistory(loadBalancer);
    const about = { from, sentences, now: now(), run: newRunId(now()) };
    const recorded = await reach('store', async () => {
      await mark(id);
      return histories.change(keyOfHistory(id), (there) => {
        const before = there ?? emptyHistory(ref, loadBalancer);
        const { history, learned } = learn(before, alarm, about);
        const isFree = before.lease === null || before.lease.owner === owner || Date.parse(before.lease.until) <= now();
        const hasWork = history.episodes.some((kept) => !isSettled(kept));
        const next = isFree && hasWork ? { ...history, lease: leaseNow() } : history;
        return { object: next === before ? there : next, result: { history: next, learned, isMine: isFree } };
      });
    });
    const news = idOfNews(alarm);
    log.info({ alarm: alarm.name, loadBalancer: ref.name, state: alarm.state, learned: recorded.learned }, 'alarm');
    const isIn = (history: History) => history.episodes.filter((kept) => kept.news.includes(news));
    const work = settle(id, recorded.isMine ? recorded.history : null);
    const concerned = isIn(recorded.history);
    if (concerned.every(stands)) {
      // What is left to do for the thread is recorded, and is gone on with by whoever comes after a crash.
      work.catch(() => {});
      return recorded.learned;
    }
    await stand(id, news, work);
    return recorded.learned;
  }

  const stands = ({ opened, waitsSince, dropped, episode: { closedAt } }: Kept): boolean =>
    opened || waitsSince !== null || (dropped && closedAt !== null);

  /** Waits until the threads with these news stand: opened here, or by another process that has the lease. */
  async function stand(id: string, news: string, work: Promise<void>): Promise<void> {
    let failure: unknown = null;
    let isEnded = false;
    const ended = work.then(
      () => {
        isEnded = true;
      },
      (error: unknown) => {
        isEnded = true;
        failure = error;
      },
    );
    const begun = now();
    for (;;) {
      const history = await reach('store', () => histories.read(keyOfHistory(id)));
      const concerned = history?.episodes.filter((kept) => kept.news.includes(news)) ?? [];
      if (concerned.every(stands)) return;
      if (failure !== null) throw failure;
      if (isStopping) throw new Unavailable('stopping', 'alb502 is being stopped');
      if (isEnded) {
        if (now() - begun > OTHERS) throw new Unavailable('busy', 'another process does not open the thread');
        // Somebody else has the lease: until they are done, or are no more.
        await sleep(LOOK);
        const again = settle(id, null);
        again.catch((error: unknown) => {
          failure = error;
        });
        await Promise.race([again.catch(() => {}), sleep(LOOK)]);
        continue;
      }
      await Promise.race([ended, standing.promise, sleep(LOOK)]);
    }
  }

  /** Settled and made anew each time a thread of this process stands. */
  let standing = Promise.withResolvers<void>();
  function announce(): void {
    standing.resolve();
    standing = Promise.withResolvers<void>();
  }

  /** Does what is to be done for a load balancer, once at a time in this process. */
  function settle(id: string, history: History | null): Promise<void> {
    const there = settling.get(id);
    if (there !== undefined) {
      there.poke();
      return there.ended;
    }
    let isPoked = false;
    let next = Promise.withResolvers<void>();
    const poke = () => {
      isPoked = true;
      next.resolve();
    };
    /** Settles at the next poke, or at once when there was one since it was last asked. */
    const poked = async (): Promise<void> => {
      await next.promise;
      isPoked = false;
      next = Promise.withResolvers();
    };
    const run = async (): Promise<void> => {
      let given = history;
      do {
        isPoked = false;
        await work(id, given, poked);
        given = null;
      } while (isPoked && !isStopping);
    };
    const ended = run().finally(() => settling.delete(id));
    ended.catch(() => {});
    settling.set(id, { ended, poke });
    return ended;
  }

  const leaseNow = () => ({ owner, until: new Date(now() + LEASE).toISOString() });

  async function work(id: string, given: History | null, poked: () => Promise<void>): Promise<void> {
    const key = keyOfHistory(id);
    let history = given ?? (await reach('store', () => leased(key)));
    if (history === null) return;
    const renewal = setInterval(() => {
      histories
        .change(key, (there) => ({
          // Somebody else has it by now, where this process was held up for too long.
          object: there?.lease?.owner === owner ? { ...there, lease: leaseNow() } : there,
          result: null,
        }))
        .catch((error: unknown) => log.warn({ err: error }, 'lease of an alarm not renewed'));
    }, RENEW).unref();
    // Kept from a thread by a storm: tried once now, and again when resumed.
    const tried = new Set<string>();
    try {
      for (;;) {
        const next: Work | null = isStopping ? null : nextOf(history, tried);
        if (next !== null) {
          history = await done(key, history, next, tried);
          continue;
        }
        const mine = isStopping ? [] : history.episodes.flatMap(({ episode: { run } }) => asking.get(run) ?? []);
        if (mine.length > 0) {
          await Promise.race([...mine, poked(), sleep(5 * LOOK)]);
          history = (await reach('store', () => histories.read(key))) ?? history;
          continue;
        }
        const released = await reach('store', () =>
          histories.change(key, (there) => {
            if (there === null) return { object: null, result: null };
            if (!isStopping && nextOf(there, tried) !== null) return { object: there, result: there };
            return { object: there.lease?.owner === owner ? { ...there, lease: null } : there, result: null };
          }),
        );
        if (released === null) break;
        history = released;
      }
    } catch (error) {
      await histories
        .change(key, (there) => ({
          object: there?.lease?.owner === owner ? { ...there, lease: null } : there,
          result: null,
        }))
        .catch(() => {});
      throw error;
    } finally {
      clearInterval(renewal);
    }
  }

  /** The history with the lease; null while another process has it, or when there is nothing to do. */
  function leased(key: string): Promise<History | null> {
    return histories.change(key, (there) => {
      if (there === null || there.episodes.every(isSettled)) return { object: there, result: null };
      const { lease } = there;
      if (lease !== null && lease.owner !== owner && Date.parse(lease.until) > now())
        return { object: there, result: null };
      const next = { ...there, lease: leaseNow() };
      return { object: next, result: next };
    });
  }

  function nextOf({ episodes }: History, tried: ReadonlySet<string>): Work | null {
    for (const kept of episodes) {
      const { episode, opened, waitsSince, version, shown, sentences, said, askFor, asked, closings, told } = kept;
      if (isSettled(kept)) continue;
      if (!opened) {
        if (waitsSince !== null && episode.closedAt !== null) return { kind: 'drop', kept };
        if (!tried.has(episode.id)) return { kind: 'open', kept };
        continue;
      }
      if (version > shown) return { kind: 'refresh', kept };
      if (sentences.length > said) return { kind: 'say', kept };
      if (asking.has(episode.run) || pauses.why(episode.run) !== null) continue;
      if (askFor > asked) return { kind: 'ask', kept };
      if (closings > told) return { kind: 'reply', kept };
    }
    return null;
  }

  async function done(key: string, history: History, { kind, kept }: Work, tried: Set<string>): Promise<History> {
    const note = (change: (current: Kept) => Kept): Promise<History> => noted(key, kept, change, history);
    const { run } = kept.episode;
    switch (kind) {
      case 'open':
        return opening(history, kept, tried, note);
      case 'drop': {
        // The note says so when it is shown next.
        await reach('store', () =>
          channels.change(keyOfChannel(kept.channel ?? ''), (there) => ({
            object: there && withdrawn(there, kept.episode.id),
            result: null,
          })),
        );
        return note((current) => ({ ...current, waitsSince: null, dropped: true }));
      }
      case 'refresh': {
        await refreshed(run);
        return note((current) => ({ ...current, shown: Math.max(current.shown, kept.version) }));
      }
      case 'say': {
        const sentences = kept.sentences.slice(kept.said);
        await replied(run, `about-${hashOf(sentences.join(' '))}`, sentencesMessage(sentences));
        return note((current) => ({ ...current, said: Math.max(current.said, kept.sentences.length) }));
      }
      case 'ask': {
        ask(key, kept);
        return history;
      }
      case 'reply': {
        const at = new Date(now()).toISOString();
        const isSoon = kept.toldAt !== null && now() - Date.parse(kept.toldAt) < REPLIES_APART;
        const isDue = kept.episode.closedAt !== null && !isSoon;
        const message = isDue ? await closing(kept) : null;
        if (message !== null) {
          await replied(run, keyOfEnd(kept.closings), message);
          // What was said of an end before, or an answer that came meanwhile.
          const isPassed = JSON.stringify(await closing(kept)) !== JSON.stringify(message);
          if (isPassed || kept.toldAt !== null) await refreshed(run);
        }
        return note((current) => ({
          ...current,
          told: Math.max(current.told, kept.closings),
          toldAt: isDue ? at : current.toldAt,
        }));
      }
    }
  }

  /** Notes that something is done, in whatever the history has become meanwhile. */
  async function noted(key: string, kept: Kept, change: (current: Kept) => Kept, before: History): Promise<History> {
    return reach('store', () =>
      histories.change(key, (there) => {
        const current = there ?? before;
        const episodes = current.episodes.map((one) => (one.episode.id === kept.episode.id ? change(one) : one));
        const next = { ...current, episodes };
        return { object: next, result: next };
      }),
    );
  }

  async function opening(
    { ref }: History,
    kept: Kept,
    tried: Set<string>,
    note: (change: (current: Kept) => Kept) => Promise<History>,
  ): Promise<History> {
    const { episode } = kept;
    const [alarm] = episode.alarms;
    const alarmName = alarm?.name ?? '';
    const accounts = [ref.account, ...(ref.arn?.split(':')[4] ? [ref.arn.split(':')[4] ?? ''] : [])];
    const routed = { loadBalancer: ref.name, alarm: alarmName, accounts };
    const channel = kept.channel ?? channelFor(routed, routing);
    if (channel === null) throw new Unavailable('channel', `no route has a channel for ${alarmName}`);
    assertTried(channel);
    const isAdmitted = await admitted(channel, kept, ref.name, alarmName);
    if (!isAdmitted) {
      tried.add(episode.id);
      await told(channel);
      const history = await note((current) => ({
        ...current,
        channel,
        waitsSince: current.waitsSince ?? new Date(now()).toISOString(),
        // It was reopened: what ends now is to leave the note once more.
        dropped: false,
      }));
      announce();
      return history;
    }
    const window = windowOf(Date.parse(kept.from), courseOf(kept));
    const opened = await reach('slack', () =>
      threads.open({
        askedBy: { kind: 'alarm', alarmName, episode: episode.id },
        inquiry: { loadBalancer: ref, ...window, now: now(), statuses: ['5xx'] },
        channel,
        within: null,
        id: episode.run,
        fresh: true,
      }),
    );
    if ('refused' in opened) return refused(opened, channel, otherChannel(routed, channel, routing), kept, note);
    if ('ended' in opened) opened.ended.catch(() => {});
    pauses.worked(channel);
    const run = await rooted('same' in opened ? opened.same : opened.opened);
    const history = await note((current) => ({
      ...current,
      channel,
      opened: true,
      waitsSince: null,
      dropped: false,
      shown: Math.max(current.shown, kept.version),
      // The first question is about all that was recorded by then.
      asked: Math.max(current.asked, kept.askFor),
      episode: { ...current.episode, run: run.id },
    }));
    log.info({ run: run.id, episode: episode.id, channel, alarm: alarmName }, 'thread opened');
    announce();
    return history;
  }

  /** A channel that took nothing, and no other is left for what belongs in it, is not tried again each time somebody looks. */
  function assertTried(channel: string): void {
    const why = pauses.why(channel);
    if (why !== null) throw new Unavailable('channel', why);
  }

  const courseOf = ({ heardAt, episode: { closedAt } }: Kept): Course => ({
    now: now(),
    heardAt: Date.parse(heardAt),
    closedAt: closedAt === null ? null : Date.parse(closedAt),
  });

  /** The run once its root message stands, which another process may be posting. */
  async function rooted(run: Run): Promise<Run> {
    const begun = now();
    let current: Run | null = run;
    while (current !== null && current.thread.root === null) {
      if (current.state === 'failed' || now() - begun > LEASE) break;
      await sleep(LOOK);
      current = await reach('store', () => runs.read(run.id));
    }
    if (current === null || current.thread.root === null)
      throw new Unavailable('slack', 'the thread does not stand yet');
    return current;
  }

  async function refused(
    opened: Extract<Opened, { refused: string }>,
    channel: string,
    other: string | null,
    { episode }: Kept,
    note: (change: (current: Kept) => Kept) => Promise<History>,
  ): Promise<History> {
    const { because, refusal, refused: sentence } = opened;
    if (because === 'too-many') throw new Unavailable('busy', sentence);
    if (because === 'store') throw new Unavailable('store', sentence);
    if (because === 'closing') throw new Unavailable('stopping', sentence);
    if (because === 'defect') throw new Error(sentence);
    if (refusal === undefined || refusal.refused === 'unreachable') throw new Unavailable('slack', sentence);
    log.error({ channel, code: refusal.code, episode: episode.id }, 'the channel of an alarm takes no thread');
    if (other === null) {
      pauses.failed(channel, sentence);
      throw new Unavailable('channel', sentence);
    }
    // The run that was refused stays in its channel: the thread is that of another one.
    const run = newRunId(now());
    const why =
      refusal.refused === 'not-in-channel' ? 'alb502 is not in it; invite it there' : `Slack says ${refusal.code}`;
    return note((current) => ({
      ...current,
      channel: other,
      sentences: [...current.sentences, elsewhereSentence(channel, why)],
      episode: { ...current.episode, run },
    }));
  }

  function ask(key: string, kept: Kept): void {
    const { run } = kept.episode;
    const asked = async (): Promise<void> => {
      await threads.askAgain(run, windowOf(Date.parse(kept.from), courseOf(kept))).catch(unlessGone);
      // Another process may be at it.
      const begun = now();
      for (;;) {
        const state = (await runs.read(run))?.state;
        if ((state !== 'looking' && state !== 'queued') || isStopping || now() - begun > LONGEST_ASK) break;
        await sleep(2 * LOOK);
      }
    };
    const ended = asked()
      .then(async () => {
        pauses.worked(run);
        // A stop leaves it to whoever comes next.
        if (!isStopping) await noteAsked(key, kept);
      })
      .catch((error: unknown) => {
        pauses.failed(run, String(error));
        log.error({ run, err: error }, 'the question of an alarm could not be asked again');
      })
      .finally(() => asking.delete(run));
    asking.set(run, ended);
  }

  async function noteAsked(key: string, { episode: { id }, askFor }: Kept): Promise<void> {
    await histories.change(key, (there) => {
      const episodes = there?.episodes.map((one) =>
        one.episode.id === id ? { ...one, asked: Math.max(one.asked, askFor) } : one,
      );
      return { object: there && episodes ? { ...there, episodes } : there, result: null };
    });
  }

  /** How it ended, with the errors and the verdict of the newest answer; null when its run was removed. */
  async function closing({ episode }: Kept): Promise<Message | null> {
    return reach('store', async () => {
      const run = await runs.read(episode.run);
      if (run === null) return null;
      return episodeClosedMessage({ run, diagnosis: await runs.diagnosis(run.id), episode });
    });
  }

  const refreshed = (run: string): Promise<void> => reach('slack', () => threads.refresh(run).catch(unlessGone));

  async function replied(run: string, key: string, message: Message): Promise<void> {
    const posted = await reach('slack', () => threads.reply(run, key, message).catch(unlessGone));
    if (posted === undefined || posted === 'already' || 'ts' in posted) return;
    if (posted.refused === 'unreachable') throw new Unavailable('slack', `Slack did not answer (${posted.code})`);
    log.error({ run, code: posted.code }, 'Slack did not take a reply about an alarm');
  }

  /** Whether the channel has room for a thread more. */
  function admitted(
    channel: string,
    { episode, waitsSince }: Kept,
    loadBalancer: string,
    alarm: string,
  ): Promise<boolean> {
    const asking = { episode: episode.id, loadBalancer, alarm, hasWaited: waitsSince !== null };
    return reach('store', () =>
      channels.change(keyOfChannel(channel), (there) => {
        const before = there ?? emptyChannel(channel);
        const { state, isAdmitted } = admit(before, asking, now(), mostThreads);
        return { object: state, result: isAdmitted };
      }),
    );
  }

  /** Makes the note of a storm stand and say what it should. Throws Unavailable. */
  function told(channel: string): Promise<void> {
    const there = telling.get(channel);
    if (there !== undefined) return there;
    const work = noteTold(channel).finally(() => telling.delete(channel));
    telling.set(channel, work);
    return work;
  }

  async function noteTold(channel: string): Promise<void> {
    const key = keyOfChannel(channel);
    const change = <R>(by: (note: NonNullable<ChannelState['note']>) => { note: ChannelState['note']; result: R }) =>
      reach('store', () =>
        channels.change(key, (there): { object: ChannelState | null; result: R | null } => {
          if (there?.note == null) return { object: there, result: null };
          const { note, result } = by(there.note);
          return { object: note === there.note ? there : { ...there, note }, result };
        }),
      );
    const target = { channel, thread: null };
    assertTried(channel);
    const due = await change((note) => {
      const isPosting = note.posting !== null && now() - Date.parse(note.posting) < POST_LOST;
      if (note.ts !== null || isPosting) return { note, result: { note, doubtful: false, mayPost: false } };
      const doubtful = note.posting !== null;
      return { note: { ...note, posting: new Date(now()).toISOString() }, result: { note, doubtful, mayPost: true } };
    });
    if (due === null) return;
    if (due.note.ts === null) {
      if (!due.mayPost) return;
      const { note } = due;
      const found = due.doubtful ? await reach('slack', () => poster.find(target, note.id)) : null;
      const posted =
        found !== null && found !== 'may-not-look'
          ? found
          : await reach('slack', () => poster.post(target, stormMessage(note), note.id));
      if ('refused' in posted) {
        // What was refused was not posted; only what had no answer may have been.
        const why = `the note of a storm: ${posted.code}`;
        if (posted.refused === 'unreachable') throw new Unavailable('slack', why);
        await change((current) => ({ note: { ...current, posting: null }, result: null }));
        pauses.failed(channel, why);
        throw new Unavailable('channel', why);
      }
      pauses.worked(channel);
      await change((current) => ({
        note: { ...current, ts: posted.ts, posting: null, shown: note.version },
        result: null,
      }));
      return;
    }
    const { ts, version, shown } = due.note;
    if (version <= shown) return;
    await sleep(NOTES_APART);
    const latest = (await reach('store', () => channels.read(key)))?.note;
    if (latest == null || latest.ts !== ts) return;
    const edited = await reach('slack', () => poster.edit(channel, ts, stormMessage(latest)));
    if ('refused' in edited && edited.refused === 'unreachable') throw new Unavailable('slack', edited.code);
    await change((current) => ({ note: { ...current, shown: Math.max(current.shown, latest.version) }, result: null }));
  }

  async function episode(id: string): Promise<Episode | null> {
    const history = await histories.read(keyOfHistory(historyOfEpisode(id)));
    return history?.episodes.find((kept) => kept.episode.id === id)?.episode ?? null;
  }

  /**
   * Notes that there may be work for a load balancer, before the news that make it: a note without work does no harm, work without a
   * note would not be resumed. Each note is another object, so that whoever removes one removes none that they have not seen.
   */
  async function mark(id: string): Promise<void> {
    const at = now();
    if (at - (marked.get(id) ?? Number.NEGATIVE_INFINITY) < NOTED_FOR / 2) return;
    // The time in it says how old it is to whoever removes what is old.
    const key = `${BUSY}${id}/${String(at).padStart(15, '0')}-${hashOf(owner).slice(0, 8)}`;
    await store.write(key, JSON.stringify({ at: new Date(at).toISOString() }), 'any');
    marked.set(id, at);
  }

  async function resume(): Promise<void> {
    const notes = Map.groupBy(await store.list(BUSY), (key) => key.slice(BUSY.length).split('/')[0] ?? '');
    for (const [id, keys] of notes) {
      if (isStopping) return;
      if (settling.has(id)) continue;
      const history = await histories.read(keyOfHistory(id));
      if (history === null || history.episodes.every(isSettled)) {
        // The news that a young one was made for may not be recorded yet.
        for (const key of keys) if (now() - timeOfNote(key) > NOTED_FOR) await store.remove(key);
      }
      // It takes as long as an answer does: nobody who resumes waits for that.
      else if (pauses.why(id) === null) void goneOn(id);
    }
    for (const key of await store.list(CHANNELS)) {
      const state = await channels.read(key);
      if (state?.note != null && (state.note.ts === null || state.note.version > state.note.shown))
        told(state.channel).catch((error: unknown) => log.warn({ err: error }, 'a note waits to be shown'));
    }
  }

  /** What is down is back soon after it is there again; for whatever else is wrong somebody has to do something. */
  async function goneOn(id: string): Promise<void> {
    try {
      await settle(id, null);
      pauses.worked(id);
    } catch (error) {
      const isDown = error instanceof Unavailable && error.missing !== 'channel';
      if (!isDown) pauses.failed(id, error instanceof Error ? error.message : String(error));
      log.warn({ err: error }, 'an alarm waits to be gone on with');
    }
  }

  async function idle(): Promise<void> {
    while (settling.size > 0 || asking.size > 0 || telling.size > 0) {
      await Promise.allSettled([
        ...[...settling.values()].map(({ ended }) => ended),
        ...asking.values(),
        ...telling.values(),
      ]);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async function stop(milliseconds: number): Promise<void> {
    isStopping = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([idle(), late]);
    clearTimeout(timer);
  }

  return { tell, episode, resume, idle, stop };
}

/** Of a run that was removed, for it is so old, nothing is shown or asked any more. */
function unlessGone(error: unknown): undefined {
  if (!(error instanceof Problem && error.exitCode === 1)) throw error;
}
