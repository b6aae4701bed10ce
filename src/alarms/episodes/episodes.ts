/**
 * Episodes of alarms: what is heard is recorded first, and then the threads are made to show it. Everything that is to be done follows
 * from what is recorded, and is noted when done, so that whoever holds the lease can go on where another has left off.
 */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { LoadBalancerRef } from '../../investigate/investigator.ts';
import { Problem } from '../../problem.ts';
import { type IncidentTimes, incidentWindow } from '../../query/alarm-window.ts';
import type { Episode } from '../../runs/episode.ts';
import { isUnderWay, newRunId, type Run } from '../../runs/run.ts';
import type { RunStore } from '../../runs/runs.ts';
import { openBackoffs } from '../../runs/store/backoff.ts';
import { type Documents, openDocuments } from '../../runs/store/document.ts';
import type { Store } from '../../runs/store/store.ts';
import type { Poster } from '../../slack/delivery/slack-poster.ts';
import { sentencesMessage, stormMessage, wrongChannelSentence } from '../../slack/messages/alarm-notes.ts';
import { episodeClosedMessage } from '../../slack/messages/index.ts';
import type { Message } from '../../slack/messages/message.ts';
import type { OpenResult } from '../../slack/thread/open.ts';
import { closeReplyKey } from '../../slack/thread/show.ts';
import type { SlackThreads } from '../../slack/thread/slack-threads.ts';
import { type Alarm, alarmEventId, shortHash } from '../alarm-event.ts';
import { channelFor, otherChannel, type Routing } from '../alarm-routes.ts';

import { translateOutage, Unavailable } from '../retryable.ts';
import { admit, ChannelState, emptyChannel, POST_TIMEOUT, withdraw } from '../thread-rate-limit.ts';
import {
  applyAlarm,
  type EpisodeRecord,
  emptyHistory,
  History,
  historyOfEpisode,
  idOfHistory,
  isUpToDate,
  keyOfHistory,
  type Transition,
} from './episode-record.ts';

/** News of one load balancer. */
export interface AlarmEvent {
  alarm: Alarm;
  /** ARN. */
  loadBalancer: string;
  ref: LoadBalancerRef;
  /** Where the window begins, epoch milliseconds. */
  from: number;
  /** What could not be looked up. */
  sentences: readonly string[];
}

export interface EpisodeTrackerParts {
  store: Store;
  runs: Pick<RunStore, 'read' | 'diagnosis'>;
  threads: Pick<SlackThreads, 'open' | 'askAgain' | 'refresh' | 'reply'>;
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

export interface EpisodeTracker {
  /** Records the news; ends when its thread stands, or when a storm keeps it from one and the channel was told. Throws Unavailable. */
  handleAlarm(event: AlarmEvent): Promise<Transition>;
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
const POLL_INTERVAL = 1000;
/** How long a thread is waited for that another process opens. */
const MAX_WAIT_FOR_OTHERS = 120_000;
/** One reply for an end, and none for each of many: an alarm that flaps says so in the headline. */
const MIN_REPLY_INTERVAL = 30 * 60_000;
/** Edits of a note that counts, at most that often. */
const MIN_NOTE_EDIT_INTERVAL = 2000;
/** An answer takes no longer. */
const MAX_RERUN_TIME = 15 * 60_000;

const BUSY = 'alarms/busy/';
/** Milliseconds from the note of work to the record of it, at most. */
const MARKER_GRACE = 60_000;
const busyMarkerTime = (key: string): number => Number(key.split('/').at(-1)?.split('-')[0]);
const CHANNELS = 'alarms/channels/';
const keyOfChannel = (channel: string): string => `${CHANNELS}${shortHash(channel)}.json`;

type EpisodeTask = { kind: 'open' | 'drop' | 'refresh' | 'say' | 'ask' | 'reply'; record: EpisodeRecord };

interface ActiveDrain {
  ended: Promise<void>;
  /** Something was recorded: look again. */
  wake(): void;
}

export function openEpisodeTracker(parts: EpisodeTrackerParts): EpisodeTracker {
  const { store, runs, threads, poster, routing, log, now = Date.now, mostThreads } = parts;
  const sleep = parts.sleep ?? ((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)));
  const owner = parts.owner ?? `${hostname()}-${process.pid}-${shortHash(`${Math.random()}`).slice(0, 8)}`;
  const reportUnreadable = (key: string, why: string) =>
    log.error({ key, why }, 'what was recorded of alarms cannot be read');
  const histories: Documents<History> = openDocuments(store, History, reportUnreadable);
  const channels: Documents<ChannelState> = openDocuments(store, ChannelState, reportUnreadable);
  const drains = new Map<string, ActiveDrain>();
  const noteUpdates = new Map<string, Promise<void>>();
  /** When this process noted work for a load balancer the last time. */
  const markedAt = new Map<string, number>();
  const reruns = new Map<string, Promise<void>>();
  /** Of load balancers that cannot be gone on with, of runs that cannot be asked again, of channels where nothing else is left to try. */
  const backoffs = openBackoffs(now);
  let isStopping = false;

  async function handleAlarm({ alarm, loadBalancer, ref, from, sentences }: AlarmEvent): Promise<Transition> {
    const id = idOfHistory(loadBalancer);
    const about = { from, sentences, now: now(), run: newRunId(now()) };
    const result = await translateOutage('store', async () => {
      await markBusy(id);
      return histories.change(keyOfHistory(id), (there) => {
        const before = there ?? emptyHistory(ref, loadBalancer);
        const { history, transition } = applyAlarm(before, alarm, about);
        const isFree = before.lease === null || before.lease.owner === owner || Date.parse(before.lease.until) <= now();
        const hasWork = history.episodes.some((record) => !isUpToDate(record));
        const next = isFree && hasWork ? { ...history, lease: leaseNow() } : history;
        return {
          document: next === before ? there : next,
          result: { history: next, learned: transition, isMine: isFree },
        };
      });
    });
    const eventId = alarmEventId(alarm);
    log.info({ alarm: alarm.name, loadBalancer: ref.name, state: alarm.state, learned: result.learned }, 'alarm');
    const withEvent = (history: History) => history.episodes.filter((record) => record.news.includes(eventId));
    const drained = drain(id, result.isMine ? result.history : null);
    const affected = withEvent(result.history);
    if (affected.every(isAnnounced)) {
      // What is left to do for the thread is recorded, and is gone on with by whoever comes after a crash.
      drained.catch(() => {});
      return result.learned;
    }
    await waitUntilAnnounced(id, eventId, drained);
    return result.learned;
  }

  const isAnnounced = ({ opened, waitsSince, dropped, episode: { closedAt } }: EpisodeRecord): boolean =>
    opened || waitsSince !== null || (dropped && closedAt !== null);

  /** Waits until the threads with these news stand: opened here, or by another process that has the lease. */
  async function waitUntilAnnounced(id: string, eventId: string, drained: Promise<void>): Promise<void> {
    let failure: unknown = null;
    let isEnded = false;
    const ended = drained.then(
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
      const history = await translateOutage('store', () => histories.read(keyOfHistory(id)));
      const affected = history?.episodes.filter((record) => record.news.includes(eventId)) ?? [];
      if (affected.every(isAnnounced)) return;
      if (failure !== null) throw failure;
      if (isStopping) throw new Unavailable('stopping', 'alb502 is being stopped');
      if (isEnded) {
        if (now() - begun > MAX_WAIT_FOR_OTHERS)
          throw new Unavailable('busy', 'another process does not open the thread');
        // Somebody else has the lease: until they are done, or are no more.
        await sleep(POLL_INTERVAL);
        const again = drain(id, null);
        again.catch((error: unknown) => {
          failure = error;
        });
        await Promise.race([again.catch(() => {}), sleep(POLL_INTERVAL)]);
        continue;
      }
      await Promise.race([ended, announcement.promise, sleep(POLL_INTERVAL)]);
    }
  }

  /** Settled and made anew each time a thread of this process stands. */
  let announcement = Promise.withResolvers<void>();
  function signalAnnounced(): void {
    announcement.resolve();
    announcement = Promise.withResolvers<void>();
  }

  /** Does what is to be done for a load balancer, once at a time in this process. */
  function drain(id: string, history: History | null): Promise<void> {
    const there = drains.get(id);
    if (there !== undefined) {
      there.wake();
      return there.ended;
    }
    let isWoken = false;
    let next = Promise.withResolvers<void>();
    const wake = () => {
      isWoken = true;
      next.resolve();
    };
    /** Settles at the next poke, or at once when there was one since it was last asked. */
    const nextWake = async (): Promise<void> => {
      await next.promise;
      isWoken = false;
      next = Promise.withResolvers();
    };
    const run = async (): Promise<void> => {
      let given = history;
      do {
        isWoken = false;
        await runWithLease(id, given, nextWake);
        given = null;
      } while (isWoken && !isStopping);
    };
    const ended = run().finally(() => drains.delete(id));
    ended.catch(() => {});
    drains.set(id, { ended, wake });
    return ended;
  }

  const leaseNow = () => ({ owner, until: new Date(now() + LEASE).toISOString() });

  async function runWithLease(id: string, given: History | null, nextWake: () => Promise<void>): Promise<void> {
    const key = keyOfHistory(id);
    let history = given ?? (await translateOutage('store', () => acquireLease(key)));
    if (history === null) return;
    const renewal = setInterval(() => {
      histories
        .change(key, (there) => ({
          // Somebody else has it by now, where this process was held up for too long.
          document: there?.lease?.owner === owner ? { ...there, lease: leaseNow() } : there,
          result: null,
        }))
        .catch((error: unknown) => log.warn({ err: error }, 'lease of an alarm not renewed'));
    }, RENEW).unref();
    // Kept from a thread by a storm: tried once now, and again when resumed.
    const tried = new Set<string>();
    try {
      for (;;) {
        const next: EpisodeTask | null = isStopping ? null : nextTask(history, tried);
        if (next !== null) {
          history = await perform(key, history, next, tried);
          continue;
        }
        const mine = isStopping ? [] : history.episodes.flatMap(({ episode: { run } }) => reruns.get(run) ?? []);
        if (mine.length > 0) {
          await Promise.race([...mine, nextWake(), sleep(5 * POLL_INTERVAL)]);
          history = (await translateOutage('store', () => histories.read(key))) ?? history;
          continue;
        }
        const released = await translateOutage('store', () =>
          histories.change(key, (there) => {
            if (there === null) return { document: null, result: null };
            if (!isStopping && nextTask(there, tried) !== null) return { document: there, result: there };
            return { document: there.lease?.owner === owner ? { ...there, lease: null } : there, result: null };
          }),
        );
        if (released === null) break;
        history = released;
      }
    } catch (error) {
      await histories
        .change(key, (there) => ({
          document: there?.lease?.owner === owner ? { ...there, lease: null } : there,
          result: null,
        }))
        .catch(() => {});
      throw error;
    } finally {
      clearInterval(renewal);
    }
  }

  /** The history with the lease; null while another process has it, or when there is nothing to do. */
  function acquireLease(key: string): Promise<History | null> {
    return histories.change(key, (there) => {
      if (there === null || there.episodes.every(isUpToDate)) return { document: there, result: null };
      const { lease } = there;
      if (lease !== null && lease.owner !== owner && Date.parse(lease.until) > now())
        return { document: there, result: null };
      const next = { ...there, lease: leaseNow() };
      return { document: next, result: next };
    });
  }

  function nextTask({ episodes }: History, tried: ReadonlySet<string>): EpisodeTask | null {
    for (const record of episodes) {
      const { episode, opened, waitsSince, version, shown, sentences, said, askFor, asked, closings, told } = record;
      if (isUpToDate(record)) continue;
      if (!opened) {
        if (waitsSince !== null && episode.closedAt !== null) return { kind: 'drop', record };
        if (!tried.has(episode.id)) return { kind: 'open', record };
        continue;
      }
      if (version > shown) return { kind: 'refresh', record };
      if (sentences.length > said) return { kind: 'say', record };
      if (reruns.has(episode.run) || backoffs.pausedReason(episode.run) !== null) continue;
      if (askFor > asked) return { kind: 'ask', record };
      if (closings > told) return { kind: 'reply', record };
    }
    return null;
  }

  async function perform(
    key: string,
    history: History,
    { kind, record }: EpisodeTask,
    tried: Set<string>,
  ): Promise<History> {
    const update = (change: (current: EpisodeRecord) => EpisodeRecord): Promise<History> =>
      saveProgress(key, record, change, history);
    const { run } = record.episode;
    switch (kind) {
      case 'open':
        return openThread(history, record, tried, update);
      case 'drop': {
        // The note says so when it is shown next.
        await translateOutage('store', () =>
          channels.change(keyOfChannel(record.channel ?? ''), (there) => ({
            document: there && withdraw(there, record.episode.id),
            result: null,
          })),
        );
        return update((current) => ({ ...current, waitsSince: null, dropped: true }));
      }
      case 'refresh': {
        await refreshThread(run);
        return update((current) => ({ ...current, shown: Math.max(current.shown, record.version) }));
      }
      case 'say': {
        const sentences = record.sentences.slice(record.said);
        await postReply(run, `about-${shortHash(sentences.join(' '))}`, sentencesMessage(sentences));
        return update((current) => ({ ...current, said: Math.max(current.said, record.sentences.length) }));
      }
      case 'ask': {
        rerunDiagnosis(key, record);
        return history;
      }
      case 'reply': {
        const at = new Date(now()).toISOString();
        const isSoon = record.toldAt !== null && now() - Date.parse(record.toldAt) < MIN_REPLY_INTERVAL;
        const isDue = record.episode.closedAt !== null && !isSoon;
        const message = isDue ? await closingMessage(record) : null;
        if (message !== null) {
          await postReply(run, closeReplyKey(record.closings), message);
          // What was said of an end before, or an answer that came meanwhile.
          const isPassed = JSON.stringify(await closingMessage(record)) !== JSON.stringify(message);
          if (isPassed || record.toldAt !== null) await refreshThread(run);
        }
        return update((current) => ({
          ...current,
          told: Math.max(current.told, record.closings),
          toldAt: isDue ? at : current.toldAt,
        }));
      }
    }
  }

  /** Notes that something is done, in whatever the history has become meanwhile. */
  async function saveProgress(
    key: string,
    record: EpisodeRecord,
    change: (current: EpisodeRecord) => EpisodeRecord,
    before: History,
  ): Promise<History> {
    return translateOutage('store', () =>
      histories.change(key, (there) => {
        const current = there ?? before;
        const episodes = current.episodes.map((one) => (one.episode.id === record.episode.id ? change(one) : one));
        const next = { ...current, episodes };
        return { document: next, result: next };
      }),
    );
  }

  async function openThread(
    { ref }: History,
    record: EpisodeRecord,
    tried: Set<string>,
    update: (change: (current: EpisodeRecord) => EpisodeRecord) => Promise<History>,
  ): Promise<History> {
    const { episode } = record;
    const [alarm] = episode.alarms;
    const alarmName = alarm?.name ?? '';
    const accounts = [ref.account, ...(ref.arn?.split(':')[4] ? [ref.arn.split(':')[4] ?? ''] : [])];
    const subject = { loadBalancer: ref.name, alarm: alarmName, accounts };
    const channel = record.channel ?? channelFor(subject, routing);
    if (channel === null) throw new Unavailable('channel', `no route has a channel for ${alarmName}`);
    assertNotPaused(channel);
    const isAdmitted = await admitThread(channel, record, ref.name, alarmName);
    if (!isAdmitted) {
      tried.add(episode.id);
      await updateStormNote(channel);
      const history = await update((current) => ({
        ...current,
        channel,
        waitsSince: current.waitsSince ?? new Date(now()).toISOString(),
        // It was reopened: what ends now is to leave the note once more.
        dropped: false,
      }));
      signalAnnounced();
      return history;
    }
    const window = incidentWindow(Date.parse(record.from), incidentTimesOf(record));
    const opened = await translateOutage('slack', () =>
      threads.open({
        askedBy: { kind: 'alarm', alarmName, episode: episode.id },
        question: { loadBalancer: ref, ...window, now: now(), statuses: ['5xx'] },
        channel,
        parentTs: null,
        id: episode.run,
        fresh: true,
      }),
    );
    if ('refused' in opened)
      return handleRefusal(opened, channel, otherChannel(subject, channel, routing), record, update);
    if ('ended' in opened) opened.ended.catch(() => {});
    backoffs.recordSuccess(channel);
    const run = await waitForRoot('same' in opened ? opened.same : opened.opened);
    const history = await update((current) => ({
      ...current,
      channel,
      opened: true,
      waitsSince: null,
      dropped: false,
      shown: Math.max(current.shown, record.version),
      // The first question is about all that was recorded by then.
      asked: Math.max(current.asked, record.askFor),
      episode: { ...current.episode, run: run.id },
    }));
    log.info({ run: run.id, episode: episode.id, channel, alarm: alarmName }, 'thread opened');
    signalAnnounced();
    return history;
  }

  /** A channel that took nothing, and no other is left for what belongs in it, is not tried again each time somebody looks. */
  function assertNotPaused(channel: string): void {
    const why = backoffs.pausedReason(channel);
    if (why !== null) throw new Unavailable('channel', why);
  }

  const incidentTimesOf = ({ heardAt, episode: { closedAt } }: EpisodeRecord): IncidentTimes => ({
    now: now(),
    heardAt: Date.parse(heardAt),
    closedAt: closedAt === null ? null : Date.parse(closedAt),
  });

  /** The run once its root message stands, which another process may be posting. */
  async function waitForRoot(run: Run): Promise<Run> {
    const begun = now();
    let current: Run | null = run;
    while (current !== null && current.thread.root === null) {
      if (current.state === 'failed' || now() - begun > LEASE) break;
      await sleep(POLL_INTERVAL);
      current = await translateOutage('store', () => runs.read(run.id));
    }
    if (current === null || current.thread.root === null)
      throw new Unavailable('slack', 'the thread does not stand yet');
    return current;
  }

  async function handleRefusal(
    opened: Extract<OpenResult, { refused: string }>,
    channel: string,
    other: string | null,
    { episode }: EpisodeRecord,
    update: (change: (current: EpisodeRecord) => EpisodeRecord) => Promise<History>,
  ): Promise<History> {
    const { reason, refusal, refused: sentence } = opened;
    if (reason === 'too-many') throw new Unavailable('busy', sentence);
    if (reason === 'store') throw new Unavailable('store', sentence);
    if (reason === 'closing') throw new Unavailable('stopping', sentence);
    if (reason === 'defect') throw new Error(sentence);
    if (refusal === undefined || refusal.refused === 'unreachable') throw new Unavailable('slack', sentence);
    log.error({ channel, code: refusal.code, episode: episode.id }, 'the channel of an alarm takes no thread');
    if (other === null) {
      backoffs.recordFailure(channel, sentence);
      throw new Unavailable('channel', sentence);
    }
    // The run that was refused stays in its channel: the thread is that of another one.
    const run = newRunId(now());
    const why =
      refusal.refused === 'not-in-channel' ? 'alb502 is not in it; invite it there' : `Slack says ${refusal.code}`;
    return update((current) => ({
      ...current,
      channel: other,
      sentences: [...current.sentences, wrongChannelSentence(channel, why)],
      episode: { ...current.episode, run },
    }));
  }

  function rerunDiagnosis(key: string, record: EpisodeRecord): void {
    const { run } = record.episode;
    const rerun = async (): Promise<void> => {
      await threads
        .askAgain(run, incidentWindow(Date.parse(record.from), incidentTimesOf(record)))
        .catch(ignoreRemovedRun);
      // Another process may be at it.
      const begun = now();
      for (;;) {
        const current = await runs.read(run);
        if (current === null || !isUnderWay(current) || isStopping || now() - begun > MAX_RERUN_TIME) break;
        await sleep(2 * POLL_INTERVAL);
      }
    };
    const ended = rerun()
      .then(async () => {
        backoffs.recordSuccess(run);
        // A stop leaves it to whoever comes next.
        if (!isStopping) await saveRerun(key, record);
      })
      .catch((error: unknown) => {
        backoffs.recordFailure(run, String(error));
        log.error({ run, err: error }, 'the question of an alarm could not be asked again');
      })
      .finally(() => reruns.delete(run));
    reruns.set(run, ended);
  }

  async function saveRerun(key: string, { episode: { id }, askFor }: EpisodeRecord): Promise<void> {
    await histories.change(key, (there) => {
      const episodes = there?.episodes.map((one) =>
        one.episode.id === id ? { ...one, asked: Math.max(one.asked, askFor) } : one,
      );
      return { document: there && episodes ? { ...there, episodes } : there, result: null };
    });
  }

  /** How it ended, with the errors and the verdict of the newest answer; null when its run was removed. */
  async function closingMessage({ episode }: EpisodeRecord): Promise<Message | null> {
    return translateOutage('store', async () => {
      const run = await runs.read(episode.run);
      if (run === null) return null;
      return episodeClosedMessage({ run, diagnosis: await runs.diagnosis(run.id), episode });
    });
  }

  const refreshThread = (run: string): Promise<void> =>
    translateOutage('slack', () => threads.refresh(run).catch(ignoreRemovedRun));

  async function postReply(run: string, key: string, message: Message): Promise<void> {
    const posted = await translateOutage('slack', () => threads.reply(run, key, message).catch(ignoreRemovedRun));
    if (posted === undefined || posted === 'already' || 'ts' in posted) return;
    if (posted.refused === 'unreachable') throw new Unavailable('slack', `Slack did not answer (${posted.code})`);
    log.error({ run, code: posted.code }, 'Slack did not take a reply about an alarm');
  }

  /** Whether the channel has room for a thread more. */
  function admitThread(
    channel: string,
    { episode, waitsSince }: EpisodeRecord,
    loadBalancer: string,
    alarm: string,
  ): Promise<boolean> {
    const request = { episode: episode.id, loadBalancer, alarm, hasWaited: waitsSince !== null };
    return translateOutage('store', () =>
      channels.change(keyOfChannel(channel), (there) => {
        const before = there ?? emptyChannel(channel);
        const { state, isAdmitted } = admit(before, request, now(), mostThreads);
        return { document: state, result: isAdmitted };
      }),
    );
  }

  /** Makes the note of a storm stand and say what it should. Throws Unavailable. */
  function updateStormNote(channel: string): Promise<void> {
    const there = noteUpdates.get(channel);
    if (there !== undefined) return there;
    const work = writeStormNote(channel).finally(() => noteUpdates.delete(channel));
    noteUpdates.set(channel, work);
    return work;
  }

  async function writeStormNote(channel: string): Promise<void> {
    const key = keyOfChannel(channel);
    const change = <R>(by: (note: NonNullable<ChannelState['note']>) => { note: ChannelState['note']; result: R }) =>
      translateOutage('store', () =>
        channels.change(key, (there): { document: ChannelState | null; result: R | null } => {
          if (there?.note == null) return { document: there, result: null };
          const { note, result } = by(there.note);
          return { document: note === there.note ? there : { ...there, note }, result };
        }),
      );
    const target = { channel, thread: null };
    assertNotPaused(channel);
    const due = await change((note) => {
      const isPosting = note.posting !== null && now() - Date.parse(note.posting) < POST_TIMEOUT;
      if (note.ts !== null || isPosting) return { note, result: { note, doubtful: false, mayPost: false } };
      const doubtful = note.posting !== null;
      return { note: { ...note, posting: new Date(now()).toISOString() }, result: { note, doubtful, mayPost: true } };
    });
    if (due === null) return;
    if (due.note.ts === null) {
      if (!due.mayPost) return;
      const { note } = due;
      const found = due.doubtful ? await translateOutage('slack', () => poster.find(target, note.id)) : null;
      const posted =
        found !== null && found !== 'may-not-look'
          ? found
          : await translateOutage('slack', () => poster.post(target, stormMessage(note), note.id));
      if ('refused' in posted) {
        // What was refused was not posted; only what had no answer may have been.
        const why = `the note of a storm: ${posted.code}`;
        if (posted.refused === 'unreachable') throw new Unavailable('slack', why);
        await change((current) => ({ note: { ...current, posting: null }, result: null }));
        backoffs.recordFailure(channel, why);
        throw new Unavailable('channel', why);
      }
      backoffs.recordSuccess(channel);
      await change((current) => ({
        note: { ...current, ts: posted.ts, posting: null, shown: note.version },
        result: null,
      }));
      return;
    }
    const { ts, version, shown } = due.note;
    if (version <= shown) return;
    await sleep(MIN_NOTE_EDIT_INTERVAL);
    const latest = (await translateOutage('store', () => channels.read(key)))?.note;
    if (latest == null || latest.ts !== ts) return;
    const edited = await translateOutage('slack', () => poster.edit(channel, ts, stormMessage(latest)));
    if ('refused' in edited && edited.refused === 'unreachable') throw new Unavailable('slack', edited.code);
    await change((current) => ({ note: { ...current, shown: Math.max(current.shown, latest.version) }, result: null }));
  }

  async function episode(id: string): Promise<Episode | null> {
    const history = await histories.read(keyOfHistory(historyOfEpisode(id)));
    return history?.episodes.find((record) => record.episode.id === id)?.episode ?? null;
  }

  /**
   * Notes that there may be work for a load balancer, before the news that make it: a note without work does no harm, work without a
   * note would not be resumed. Each note is another object, so that whoever removes one removes none that they have not seen.
   */
  async function markBusy(id: string): Promise<void> {
    const at = now();
    if (at - (markedAt.get(id) ?? Number.NEGATIVE_INFINITY) < MARKER_GRACE / 2) return;
    // The time in it says how old it is to whoever removes what is old.
    const key = `${BUSY}${id}/${String(at).padStart(15, '0')}-${shortHash(owner).slice(0, 8)}`;
    await store.write(key, JSON.stringify({ at: new Date(at).toISOString() }), 'any');
    markedAt.set(id, at);
  }

  async function resume(): Promise<void> {
    const notes = Map.groupBy(await store.list(BUSY), (key) => key.slice(BUSY.length).split('/')[0] ?? '');
    for (const [id, keys] of notes) {
      if (isStopping) return;
      if (drains.has(id)) continue;
      const history = await histories.read(keyOfHistory(id));
      if (history === null || history.episodes.every(isUpToDate)) {
        // The news that a young one was made for may not be recorded yet.
        for (const key of keys) if (now() - busyMarkerTime(key) > MARKER_GRACE) await store.remove(key);
      }
      // It takes as long as an answer does: nobody who resumes waits for that.
      else if (backoffs.pausedReason(id) === null) void resumeOne(id);
    }
    for (const key of await store.list(CHANNELS)) {
      const state = await channels.read(key);
      if (state?.note != null && (state.note.ts === null || state.note.version > state.note.shown))
        updateStormNote(state.channel).catch((error: unknown) => log.warn({ err: error }, 'a note waits to be shown'));
    }
  }

  /** What is down is back soon after it is there again; for whatever else is wrong somebody has to do something. */
  async function resumeOne(id: string): Promise<void> {
    try {
      await drain(id, null);
      backoffs.recordSuccess(id);
    } catch (error) {
      const isDown = error instanceof Unavailable && error.dependency !== 'channel';
      if (!isDown) backoffs.recordFailure(id, error instanceof Error ? error.message : String(error));
      log.warn({ err: error }, 'an alarm waits to be gone on with');
    }
  }

  async function idle(): Promise<void> {
    while (drains.size > 0 || reruns.size > 0 || noteUpdates.size > 0) {
      await Promise.allSettled([
        ...[...drains.values()].map(({ ended }) => ended),
        ...reruns.values(),
        ...noteUpdates.values(),
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

  return { handleAlarm, episode, resume, idle, stop };
}

/** Of a run that was removed, for it is so old, nothing is shown or asked any more. */
function ignoreRemovedRun(error: unknown): undefined {
  if (!(error instanceof Problem && error.exitCode === 1)) throw error;
}
