/** Alarms: taken from a queue or over HTTPS, made into news of load balancers, and kept until their threads stand. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import * as z from 'zod';
import type { Config } from '../config.ts';
import type { Investigator } from '../investigate/investigator.ts';
import { Problem } from '../problem.ts';
import type { Episode } from '../runs/episode.ts';
import type { RunStore } from '../runs/runs.ts';
import { openDocuments } from '../runs/store/document.ts';
import type { Store } from '../runs/store/store.ts';
import type { HttpRoute } from '../slack/app.ts';
import type { Poster } from '../slack/delivery/slack-poster.ts';
import type { SlackThreads } from '../slack/thread/slack-threads.ts';
import {
  type AffectedLoadBalancers,
  type AlarmLookup,
  fromMessage,
  liveLookup,
  needsLookup,
  resolveLoadBalancer,
} from './affected-load-balancers.ts';
import { type Alarm, alarmEventId, alarmKey, shortHash, unrelatedReason } from './alarm-event.ts';
import { channelFor, type Routing } from './alarm-routes.ts';
import type { Transition } from './episodes/episode-record.ts';
import { openEpisodeTracker } from './episodes/episodes.ts';
import { openIntake } from './intake.ts';
import { readMessage } from './read-message.ts';
import { translateOutage, Unavailable } from './retryable.ts';
import { type FetchText, snsRoute } from './sns.ts';
import { openSqs, type SqsParts } from './sqs.ts';
import { type NoThreadReason, openAlarmNotes } from './unknown-alarm-notes.ts';

/**
 * What became of a message. `handled`: its threads stand, or it changes nothing; it can be deleted. `ignored`: nothing for us. `poison`:
 * not understood. `failed`: something broke that only this message met. `again`: it could not be taken in before the bot was stopped, no
 * channel takes it, or what it is about could not be looked up.
 */
export type MessageOutcome =
  | { outcome: 'handled'; transition: Transition[] }
  | { outcome: 'ignored' | 'poison' | 'failed' | 'again'; why: string };

export interface AlarmProcessorParts {
  config: Pick<Config, 'accounts' | 'deadlines' | 'alarms' | 'runs'>;
  store: Store;
  runs: Pick<RunStore, 'read' | 'diagnosis'>;
  threads: Pick<SlackThreads, 'open' | 'askAgain' | 'refresh' | 'reply'>;
  poster: Pick<Poster, 'post' | 'edit' | 'find'>;
  investigator: Pick<Investigator, 'listLoadBalancers' | 'find'>;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Who has the leases: other than any process before. */
  owner?: string;
  /** Epoch milliseconds. */
  now?: () => number;
  sleep?: (milliseconds: number) => Promise<unknown>;
  /** Which load balancers an alarm is about, where its message does not say: AWS is asked without it. */
  lookup?: AlarmLookup;
  /** New threads of a channel within five minutes. */
  mostThreads?: number;
  /** How certificates and confirmations of SNS are fetched; over HTTPS without it. */
  fetchText?: FetchText;
  sqs?: Pick<SqsParts, 'client' | 'consumers' | 'visibilitySeconds'>;
}

export interface MessageCounts {
  handled: number;
  ignored: number;
  poison: number;
  failed: number;
}

export interface AlarmProcessor {
  /**
   * Takes one message in. Waits while Slack or the store is down, not for a channel to be mended; rejects never. `received`: how often it
   * was, with this time; where nobody counts, it does not come again.
   */
  handle(body: string, received?: number): Promise<MessageOutcome>;
  /** Messages of SNS over HTTPS; none where no topic is configured. */
  routes: HttpRoute[];
  /** Takes messages from the queue from now on, where there is one. */
  start(): Promise<void>;
  /** Goes on with what a crash or a restart left open, and keeps doing so. */
  resume(): Promise<void>;
  /** Takes no more; waits at most so many milliseconds for what is being done. */
  stop(milliseconds: number): Promise<void>;
  /** What the root message of a run shows of its alarms. */
  episode(id: string): Promise<Episode | null>;
  /** Ends when nothing is being done any more. */
  idle(): Promise<void>;
  readonly counts: MessageCounts;
}

/** Milliseconds between attempts while Slack or the store is down: the first, doubled up to the last. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 20_000;
/** Milliseconds, and failures: what fails while others are taken in is no outage, which would keep all of them from being received. */
const SOLO_FAILURE_PERIOD = 2 * 60_000;
const MAX_SOLO_FAILURES = 6;
/** So long a message in hand is looked up again, and so often it is received for that: each keeps others waiting, or costs a receive. */
const MAX_LOOKUP_TIME = 8_000;
const MAX_LOOKUP_RECEIVES = 3;
/** How often it is looked for what was left open. */
const RESUME_INTERVAL = 15_000;
/** Of one alarm; an alarm over more is about no load balancer in particular. */
const MAX_LOAD_BALANCERS = 5;

/** Milliseconds. */
const DAY = 86_400_000;

const LookupRecord = z.object({ schema: z.literal(1), at: z.iso.datetime(), loadBalancers: z.array(z.string()) });

export const routingOf = ({ accounts, alarms }: Pick<Config, 'accounts' | 'alarms'>): Routing => ({
  routes: alarms.routes,
  defaultChannel: alarms.defaultChannel ?? null,
  accounts,
});

export function openAlarmProcessor(parts: AlarmProcessorParts): AlarmProcessor {
  const { config, store, threads, poster, runs, investigator, log, now = Date.now } = parts;
  const sleep = parts.sleep ?? ((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)));
  const owner = parts.owner ?? `${hostname()}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
  const lookup = parts.lookup ?? liveLookup(config);
  const routing = routingOf(config);
  const { sns, sqs } = config.alarms;
  const { mostThreads } = parts;
  const episodes = openEpisodeTracker({
    store,
    runs,
    threads,
    poster,
    routing,
    log,
    owner,
    now,
    sleep,
    ...(mostThreads === undefined ? {} : { mostThreads }),
  });
  const notes = openAlarmNotes({ store, poster, routing, log, now });
  const intake = openIntake({ store, owner, now, log });
  const lookupRecords = openDocuments(store, LookupRecord, (key, why) => log.error({ key, why }, 'unreadable'));
  const shutdown = new AbortController();
  const counts: MessageCounts = { handled: 0, ignored: 0, poison: 0, failed: 0 };
  /** The same news at the same time are taken in once. */
  const inProgress = new Map<string, Promise<MessageOutcome>>();
  let resumeTimer: NodeJS.Timeout | null = null;
  /** News that wait for Slack or the store, and since when. */
  const blockedSince = new Map<string, number>();
  /** When news were taken in the last time. */
  let lastSuccessAt = Number.NEGATIVE_INFINITY;

  /** Nothing is received then. One that waits for long may be the only one that cannot be taken in. */
  const isDown = (): boolean =>
    blockedSince.size > 1 || [...blockedSince.values()].some((since) => now() - since < SOLO_FAILURE_PERIOD);

  async function handle(body: string, received = MAX_LOOKUP_RECEIVES): Promise<MessageOutcome> {
    try {
      const read = readMessage(body);
      if ('alarm' in read) return await handleAlarm(read.alarm, received);
      return 'ignored' in read ? recordIgnored(read.ignored) : recordPoison(read.poison);
    } catch (error) {
      return recordFailure(error, null);
    }
  }

  function recordFailure(error: unknown, alarm: Alarm | null): MessageOutcome {
    const why = error instanceof Error ? error.message : String(error);
    counts.failed += 1;
    log.error({ alarm: alarm?.name, why, err: error }, 'an alarm could not be handled');
    return { outcome: 'failed', why };
  }

  function recordIgnored(why: string): MessageOutcome {
    counts.ignored += 1;
    log.info({ why, ignored: counts.ignored }, 'a message was ignored');
    return { outcome: 'ignored', why };
  }

  function recordPoison(why: string): MessageOutcome {
    counts.poison += 1;
    log.error({ why }, 'a message was not understood');
    return { outcome: 'poison', why };
  }

  function handleAlarm(alarm: Alarm, received: number): Promise<MessageOutcome> {
    const id = alarmEventId(alarm);
    const there = inProgress.get(id);
    if (there !== undefined) return there;
    const work = handleWithRetry(id, alarm, received).finally(() => {
      inProgress.delete(id);
      blockedSince.delete(id);
    });
    inProgress.set(id, work);
    return work;
  }

  /** Tries until it is taken in: what cannot be reached now comes back, and the news are kept meanwhile. */
  async function handleWithRetry(id: string, alarm: Alarm, received: number): Promise<MessageOutcome> {
    const begun = now();
    let failedAt = begun;
    let soloFailures = 0;
    let mayRetryLookup = true;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        const result = await unlessStopping(processAlarm(alarm, mayRetryLookup));
        if (result === undefined) return { outcome: 'again', why: 'alb502 is being stopped' };
        const since = Math.min(...blockedSince.values());
        if (blockedSince.size > 0) log.info({ seconds: Math.round((now() - since) / 1000) }, 'taken in again');
        // Others that wait say so when they fail again.
        blockedSince.clear();
        lastSuccessAt = now();
        if (result.outcome === 'handled') counts.handled += 1;
        return result;
      } catch (error) {
        if (!(error instanceof Unavailable)) return recordFailure(error, alarm);
        const { dependency, message } = error;
        if (shutdown.signal.aborted || dependency === 'stopping') return { outcome: 'again', why: message };
        if (dependency === 'slack' || dependency === 'store') {
          // Others were taken in since this one failed last: it may be nothing but this one.
          soloFailures += lastSuccessAt > failedAt ? 1 : 0;
          failedAt = now();
          if (soloFailures >= MAX_SOLO_FAILURES && now() - begun > SOLO_FAILURE_PERIOD)
            return recordFailure(error, alarm);
          blockedSince.set(id, begun);
        }
        log[dependency === 'busy' ? 'warn' : 'error'](
          { alarm: alarm.name, dependency, why: message, err: error },
          'an alarm waits: it cannot be taken in yet',
        );
        // Nobody may mend it for days: it stays with its thread to be opened, and its message is not kept from others meanwhile.
        if (dependency === 'channel') return { outcome: 'again', why: message };
        if (dependency === 'aws' && now() + pause - begun > MAX_LOOKUP_TIME) {
          if (received < MAX_LOOKUP_RECEIVES) return { outcome: 'again', why: message };
          mayRetryLookup = false;
          continue;
        }
        await unlessStopping(sleep(pause));
        if (shutdown.signal.aborted) return { outcome: 'again', why: message };
      }
    }
  }

  /** Undefined when the bot is stopped first. What waits for that is forgotten with each alarm: it comes once in the life of the process. */
  async function unlessStopping<T>(work: Promise<T>): Promise<T | undefined> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const stop = () => resolve(undefined);
    if (shutdown.signal.aborted) stop();
    shutdown.signal.addEventListener('abort', stop, { once: true });
    return Promise.race([work, promise]).finally(() => shutdown.signal.removeEventListener('abort', stop));
  }

  /** `mayRetryLookup`: what AWS does not answer now it is to be asked again, before the channel is told that it did not. */
  async function processAlarm(alarm: Alarm, mayRetryLookup: boolean): Promise<MessageOutcome> {
    const { retentionDays } = config.runs;
    // Its records would be removed at once, and it would get a new thread after each restart.
    if (now() - Date.parse(alarm.changedAt) > retentionDays * DAY)
      return recordIgnored(
        `${alarm.name} changed more than ${retentionDays} days ago, which is longer than records are kept`,
      );
    const other = unrelatedReason(alarm);
    if (other !== null) return recordIgnored(other);
    const affected = await findAffected(alarm, mayRetryLookup);
    if (affected.unrelatedReason !== null && affected.loadBalancers.length === 0)
      return recordIgnored(affected.unrelatedReason);
    const { loadBalancers, sentences, from } = affected;
    if (loadBalancers.length === 0 || loadBalancers.length > MAX_LOAD_BALANCERS)
      return noteUndiagnosable(alarm, affected);
    const search = { accounts: config.accounts, investigator, signal: shutdown.signal };
    const refs = await Promise.all(loadBalancers.map((resource) => resolveLoadBalancer(resource, alarm, search)));
    const found = refs.flatMap((ref) => ('name' in ref ? ref : []));
    const notFound = refs.flatMap((ref) => ('name' in ref ? [] : ref));
    const all = [...sentences, ...notFound.map(({ sentence }) => sentence)];
    if (found.length === 0 && mayRetryLookup && notFound.some(({ isTransient }) => isTransient))
      throw new Unavailable('aws', all.join(' '));
    if (found.length === 0) return noteUndiagnosable(alarm, { loadBalancers: [], sentences: all });
    const withChannel = found.filter((ref) => {
      const accounts = [ref.account, ...(alarm.account === null ? [] : [alarm.account])];
      return channelFor({ loadBalancer: ref.name, alarm: alarm.name, accounts }, routing) !== null;
    });
    if (withChannel.length === 0) return recordIgnored(`no route fits ${alarm.name}, and there is no default channel`);
    const transition = await Promise.all(
      withChannel.map((ref) =>
        episodes.handleAlarm({ alarm, loadBalancer: ref.arn ?? ref.name, ref, from, sentences: all }),
      ),
    );
    return { outcome: 'handled', transition };
  }

  /** A note, once for each alarm; nothing of what is well. */
  async function noteUndiagnosable(alarm: Alarm, about: NoThreadReason): Promise<MessageOutcome> {
    if (alarm.state === 'ALARM') await notes.postNote(alarm, about);
    return { outcome: 'handled', transition: [] };
  }

  /** What was found for its ALARM is what its end is about, whatever became of the alarms it is composed of. */
  async function findAffected(alarm: Alarm, mayRetryLookup: boolean): Promise<AffectedLoadBalancers> {
    if (!needsLookup(alarm)) return fromMessage(alarm);
    const key = `alarms/about/${shortHash(alarmKey(alarm))}.json`;
    if (alarm.state !== 'ALARM') {
      const before = await translateOutage('store', () => lookupRecords.read(key));
      if (before !== null) return { ...fromMessage(alarm), unrelatedReason: null, loadBalancers: before.loadBalancers };
    }
    const affected = await lookup(alarm, shutdown.signal).catch((error: unknown): AffectedLoadBalancers => {
      if (shutdown.signal.aborted) throw new Unavailable('stopping', 'alb502 is being stopped');
      if (!(error instanceof Problem)) throw error;
      return { ...fromMessage(alarm), sentences: [error.message] };
    });
    const { loadBalancers, isTransient, sentences } = affected;
    if (loadBalancers.length === 0 && isTransient && mayRetryLookup) throw new Unavailable('aws', sentences.join(' '));
    if (loadBalancers.length > 0 && alarm.state === 'ALARM') {
      const at = new Date(now()).toISOString();
      await translateOutage('store', () =>
        lookupRecords.change(key, () => ({ document: { schema: 1, at, loadBalancers }, result: null })),
      );
    }
    return affected;
  }

  async function resumeAbandoned(): Promise<void> {
    try {
      await episodes.resume();
      if (sns !== undefined) for (const { alarm, tries } of await intake.claimAbandoned()) handleRecorded(alarm, tries);
    } catch (error) {
      log.warn({ err: error }, 'it could not be looked for alarms that were left open');
    }
  }

  const pending = new Set<Promise<unknown>>();
  /** Taken in after it was recorded; a crash leaves it to whoever looks around. */
  function handleRecorded(alarm: Alarm, tries: number): void {
    const work = handleAlarm(alarm, tries)
      .then(async ({ outcome }) => {
        if (outcome !== 'again' && outcome !== 'failed') await intake.complete(alarm);
      })
      .catch((error: unknown) => log.warn({ alarm: alarm.name, err: error }, 'a recorded alarm waits'))
      .finally(() => pending.delete(work));
    pending.add(work);
  }

  const { fetchText } = parts;
  const routes =
    sns === undefined
      ? []
      : [
          snsRoute({
            ...sns,
            now,
            log,
            ...(fetchText === undefined ? {} : { fetchText }),
            async take(body) {
              const read = readMessage(body);
              if (!('alarm' in read)) {
                if ('ignored' in read) recordIgnored(read.ignored);
                else recordPoison(read.poison);
                return;
              }
              const other = unrelatedReason(read.alarm);
              if (other !== null) {
                recordIgnored(other);
                return;
              }
              const tries = await intake.record(read.alarm);
              if (tries !== null) handleRecorded(read.alarm, tries);
            },
          }),
        ];

  const queue =
    sqs === undefined
      ? null
      : openSqs({
          ...sqs,
          ...parts.sqs,
          log,
          handle,
          isDown,
          sleep,
        });

  async function resume(): Promise<void> {
    resumeTimer ??= setInterval(() => void resumeAbandoned(), RESUME_INTERVAL).unref();
    await resumeAbandoned();
  }

  async function idle(): Promise<void> {
    while (inProgress.size > 0 || pending.size > 0) await Promise.allSettled([...inProgress.values(), ...pending]);
    await episodes.idle();
  }

  return {
    handle,
    routes,
    counts,
    idle,
    resume,
    episode: episodes.episode,
    async start() {
      await queue?.start();
    },
    async stop(milliseconds) {
      if (resumeTimer !== null) clearInterval(resumeTimer);
      resumeTimer = null;
      const begun = Date.now();
      // What is being taken in may end; nothing new is.
      await queue?.stop(milliseconds, () => shutdown.abort());
      shutdown.abort();
      await episodes.stop(Math.max(0, milliseconds - (Date.now() - begun)));
    },
  };
}
