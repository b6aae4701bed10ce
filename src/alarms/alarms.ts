/** Alarms: taken from a queue or over HTTPS, made into news of load balancers, and kept until their threads stand. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import * as z from 'zod';
import type { Config } from '../config.ts';
import type { Investigator } from '../investigate/investigator.ts';
import { Problem } from '../problem.ts';
import type { Episode } from '../runs/episode.ts';
import type { Runs } from '../runs/runs.ts';
import { openObjects } from '../runs/store/document.ts';
import type { Store } from '../runs/store/store.ts';
import type { Route } from '../slack/app.ts';
import type { Poster } from '../slack/delivery/slack-poster.ts';
import type { Threads } from '../slack/thread/open.ts';
import { type Concerned, type Lookup, liveLookup, needsLookup, refOf, toldBy } from './affected-load-balancers.ts';
import { type Alarm, elsewhere, hashOf, idOfNews, keyOf } from './alarm-event.ts';
import { channelFor, type Routing } from './alarm-routes.ts';
import type { Learned } from './episodes/episode-record.ts';
import { openEpisodes } from './episodes/episodes.ts';
import { openIntake } from './intake.ts';
import { readMessage } from './read-message.ts';
import { reach, Unavailable } from './retryable.ts';
import { type FetchText, snsRoute } from './sns.ts';
import { openSqs, type SqsParts } from './sqs.ts';
import { openNotes, type Undiagnosable } from './unknown-alarm-notes.ts';

/**
 * What became of a message. `handled`: its threads stand, or it changes nothing; it can be deleted. `ignored`: nothing for us. `poison`:
 * not understood. `failed`: something broke that only this message met. `again`: it could not be taken in before the bot was stopped, no
 * channel takes it, or what it is about could not be looked up.
 */
export type Handled =
  | { outcome: 'handled'; learned: Learned[] }
  | { outcome: 'ignored' | 'poison' | 'failed' | 'again'; why: string };

export interface AlarmsParts {
  config: Pick<Config, 'accounts' | 'deadlines' | 'alarms'>;
  store: Store;
  runs: Pick<Runs, 'read' | 'diagnosis'>;
  threads: Pick<Threads, 'open' | 'askAgain' | 'refresh' | 'reply'>;
  poster: Pick<Poster, 'post' | 'edit' | 'find'>;
  investigator: Pick<Investigator, 'known' | 'find'>;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Who has the leases: other than any process before. */
  owner?: string;
  /** Epoch milliseconds. */
  now?: () => number;
  sleep?: (milliseconds: number) => Promise<unknown>;
  /** Which load balancers an alarm is about, where its message does not say: AWS is asked without it. */
  lookup?: Lookup;
  /** New threads of a channel within five minutes. */
  mostThreads?: number;
  /** How certificates and confirmations of SNS are fetched; over HTTPS without it. */
  fetchText?: FetchText;
  sqs?: Pick<SqsParts, 'client' | 'consumers' | 'visibilitySeconds'>;
}

export interface Counts {
  handled: number;
  ignored: number;
  poison: number;
  failed: number;
}

export interface Alarms {
  /**
   * Takes one message in. Waits while Slack or the store is down, not for a channel to be mended; rejects never. `received`: how often it
   * was, with this time; where nobody counts, it does not come again.
   */
  handle(body: string, received?: number): Promise<Handled>;
  /** Messages of SNS over HTTPS; none where no topic is configured. */
  routes: Route[];
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
  readonly counts: Counts;
}

/** Milliseconds between attempts while Slack or the store is down: the first, doubled up to the last. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 20_000;
/** Milliseconds, and failures: what fails while others are taken in is no outage, which would keep all of them from being received. */
const ALONE = 2 * 60_000;
const MOST_ALONE = 6;
/** So long a message in hand is looked up again, and so often it is received for that: each keeps others waiting, or costs a receive. */
const LOOKED_UP_FOR = 8_000;
const RECEIVED_TO_LOOK_UP = 3;
/** How often it is looked for what was left open. */
const LOOK_AROUND = 15_000;
/** Of one alarm; an alarm over more is about no load balancer in particular. */
const MOST_LOAD_BALANCERS = 5;

const Remembered = z.object({ schema: z.literal(1), at: z.iso.datetime(), loadBalancers: z.array(z.string()) });

export const routingOf = ({ accounts, alarms }: Pick<Config, 'accounts' | 'alarms'>): Routing => ({
  routes: alarms.routes,
  defaultChannel: alarms.defaultChannel ?? null,
  onlyIn: new Map(accounts.flatMap(({ name, channels }) => (channels ? [[name, channels] as const] : []))),
});

export function openAlarms(parts: AlarmsParts): Alarms {
  const { config, store, threads, poster, runs, investigator, log, now = Date.now } = parts;
  const sleep = parts.sleep ?? ((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)));
  const owner = parts.owner ?? `${hostname()}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
  const lookup = parts.lookup ?? liveLookup(config);
  const routing = routingOf(config);
  const { sns, sqs } = config.alarms;
  const { mostThreads } = parts;
  const episodes = openEpisodes({
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
  const notes = openNotes({ store, poster, routing, log, now });
  const intake = openIntake({ store, owner, now, log });
  const remembered = openObjects(store, Remembered, (key, why) => log.error({ key, why }, 'unreadable'));
  const ending = new AbortController();
  const counts: Counts = { handled: 0, ignored: 0, poison: 0, failed: 0 };
  /** The same news at the same time are taken in once. */
  const taking = new Map<string, Promise<Handled>>();
  let around: NodeJS.Timeout | null = null;
  /** News that wait for Slack or the store, and since when. */
  const waiting = new Map<string, number>();
  /** When news were taken in the last time. */
  let reachedAt = Number.NEGATIVE_INFINITY;

  /** Nothing is received then. One that waits for long may be the only one that cannot be taken in. */
  const isDown = (): boolean => waiting.size > 1 || [...waiting.values()].some((since) => now() - since < ALONE);

  async function handle(body: string, received = RECEIVED_TO_LOOK_UP): Promise<Handled> {
    try {
      const read = readMessage(body);
      if ('alarm' in read) return await handleAlarm(read.alarm, received);
      return 'ignored' in read ? ignored(read.ignored) : poison(read.poison);
    } catch (error) {
      return broken(error, null);
    }
  }

  function broken(error: unknown, alarm: Alarm | null): Handled {
    const why = error instanceof Error ? error.message : String(error);
    counts.failed += 1;
    log.error({ alarm: alarm?.name, why, err: error }, 'an alarm could not be handled');
    return { outcome: 'failed', why };
  }

  function ignored(why: string): Handled {
    counts.ignored += 1;
    log.info({ why, ignored: counts.ignored }, 'a message was ignored');
    return { outcome: 'ignored', why };
  }

  function poison(why: string): Handled {
    counts.poison += 1;
    log.error({ why }, 'a message was not understood');
    return { outcome: 'poison', why };
  }

  function handleAlarm(alarm: Alarm, received: number): Promise<Handled> {
    const id = idOfNews(alarm);
    const there = taking.get(id);
    if (there !== undefined) return there;
    const work = patiently(id, alarm, received).finally(() => {
      taking.delete(id);
      waiting.delete(id);
    });
    taking.set(id, work);
    return work;
  }

  /** Tries until it is taken in: what cannot be reached now comes back, and the news are kept meanwhile. */
  async function patiently(id: string, alarm: Alarm, received: number): Promise<Handled> {
    const begun = now();
    let failedAt = begun;
    let failedAlone = 0;
    let mayLookAgain = true;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        const handled = await unlessEnding(taken(alarm, mayLookAgain));
        if (handled === undefined) return { outcome: 'again', why: 'alb502 is being stopped' };
        const since = Math.min(...waiting.values());
        if (waiting.size > 0) log.info({ seconds: Math.round((now() - since) / 1000) }, 'taken in again');
        // Others that wait say so when they fail again.
        waiting.clear();
        reachedAt = now();
        if (handled.outcome === 'handled') counts.handled += 1;
        return handled;
      } catch (error) {
        if (!(error instanceof Unavailable)) return broken(error, alarm);
        const { missing, message } = error;
        if (ending.signal.aborted || missing === 'stopping') return { outcome: 'again', why: message };
        if (missing === 'slack' || missing === 'store') {
          // Others were taken in since this one failed last: it may be nothing but this one.
          failedAlone += reachedAt > failedAt ? 1 : 0;
          failedAt = now();
          if (failedAlone >= MOST_ALONE && now() - begun > ALONE) return broken(error, alarm);
          waiting.set(id, begun);
        }
        log[missing === 'busy' ? 'warn' : 'error'](
          { alarm: alarm.name, missing, why: message, err: error },
          'an alarm waits: it cannot be taken in yet',
        );
        // Nobody may mend it for days: it stays with its thread to be opened, and its message is not kept from others meanwhile.
        if (missing === 'channel') return { outcome: 'again', why: message };
        if (missing === 'aws' && now() + pause - begun > LOOKED_UP_FOR) {
          if (received < RECEIVED_TO_LOOK_UP) return { outcome: 'again', why: message };
          mayLookAgain = false;
          continue;
        }
        await unlessEnding(sleep(pause));
        if (ending.signal.aborted) return { outcome: 'again', why: message };
      }
    }
  }

  /** Undefined when the bot is stopped first. What waits for that is forgotten with each alarm: it comes once in the life of the process. */
  async function unlessEnding<T>(work: Promise<T>): Promise<T | undefined> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const stop = () => resolve(undefined);
    if (ending.signal.aborted) stop();
    ending.signal.addEventListener('abort', stop, { once: true });
    return Promise.race([work, promise]).finally(() => ending.signal.removeEventListener('abort', stop));
  }

  /** `mayLookAgain`: what AWS does not answer now it is to be asked again, before the channel is told that it did not. */
  async function taken(alarm: Alarm, mayLookAgain: boolean): Promise<Handled> {
    const other = elsewhere(alarm);
    if (other !== null) return ignored(other);
    const concerned = await concernedBy(alarm, mayLookAgain);
    if (concerned.elsewhere !== null && concerned.loadBalancers.length === 0) return ignored(concerned.elsewhere);
    const { loadBalancers, sentences, from } = concerned;
    if (loadBalancers.length === 0 || loadBalancers.length > MOST_LOAD_BALANCERS) return unnamed(alarm, concerned);
    const looking = { accounts: config.accounts, investigator, signal: ending.signal };
    const refs = await Promise.all(loadBalancers.map((resource) => refOf(resource, alarm, looking)));
    const found = refs.flatMap((ref) => ('name' in ref ? ref : []));
    const unfound = refs.flatMap((ref) => ('name' in ref ? [] : ref));
    const all = [...sentences, ...unfound.map(({ sentence }) => sentence)];
    if (found.length === 0 && mayLookAgain && unfound.some(({ isPassing }) => isPassing))
      throw new Unavailable('aws', all.join(' '));
    if (found.length === 0) return unnamed(alarm, { loadBalancers: [], sentences: all });
    const routed = found.filter((ref) => {
      const accounts = [ref.account, ...(alarm.account === null ? [] : [alarm.account])];
      return channelFor({ loadBalancer: ref.name, alarm: alarm.name, accounts }, routing) !== null;
    });
    if (routed.length === 0) return ignored(`no route fits ${alarm.name}, and there is no default channel`);
    const learned = await Promise.all(
      routed.map((ref) => episodes.tell({ alarm, loadBalancer: ref.arn ?? ref.name, ref, from, sentences: all })),
    );
    return { outcome: 'handled', learned };
  }

  /** A note, once for each alarm; nothing of what is well. */
  async function unnamed(alarm: Alarm, about: Undiagnosable): Promise<Handled> {
    if (alarm.state === 'ALARM') await notes.note(alarm, about);
    return { outcome: 'handled', learned: [] };
  }

  /** What was found for its ALARM is what its end is about, whatever became of the alarms it is composed of. */
  async function concernedBy(alarm: Alarm, mayLookAgain: boolean): Promise<Concerned> {
    if (!needsLookup(alarm)) return toldBy(alarm);
    const key = `alarms/about/${hashOf(keyOf(alarm))}.json`;
    if (alarm.state !== 'ALARM') {
      const before = await reach('store', () => remembered.read(key));
      if (before !== null) return { ...toldBy(alarm), elsewhere: null, loadBalancers: before.loadBalancers };
    }
    const concerned = await lookup(alarm, ending.signal).catch((error: unknown): Concerned => {
      if (ending.signal.aborted) throw new Unavailable('stopping', 'alb502 is being stopped');
      if (!(error instanceof Problem)) throw error;
      return { ...toldBy(alarm), sentences: [error.message] };
    });
    const { loadBalancers, isPassing, sentences } = concerned;
    if (loadBalancers.length === 0 && isPassing && mayLookAgain) throw new Unavailable('aws', sentences.join(' '));
    if (loadBalancers.length > 0 && alarm.state === 'ALARM') {
      const at = new Date(now()).toISOString();
      await reach('store', () =>
        remembered.change(key, () => ({ object: { schema: 1, at, loadBalancers }, result: null })),
      );
    }
    return concerned;
  }

  async function lookAround(): Promise<void> {
    try {
      await episodes.resume();
      if (sns !== undefined) for (const { alarm, tries } of await intake.abandoned()) later(alarm, tries);
    } catch (error) {
      log.warn({ err: error }, 'it could not be looked for alarms that were left open');
    }
  }

  const inHand = new Set<Promise<unknown>>();
  /** Taken in after it was recorded; a crash leaves it to whoever looks around. */
  function later(alarm: Alarm, tries: number): void {
    const work = handleAlarm(alarm, tries)
      .then(async ({ outcome }) => {
        if (outcome !== 'again' && outcome !== 'failed') await intake.done(alarm);
      })
      .catch((error: unknown) => log.warn({ alarm: alarm.name, err: error }, 'a recorded alarm waits'))
      .finally(() => inHand.delete(work));
    inHand.add(work);
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
                if ('ignored' in read) ignored(read.ignored);
                else poison(read.poison);
                return;
              }
              const other = elsewhere(read.alarm);
              if (other !== null) {
                ignored(other);
                return;
              }
              const tries = await intake.record(read.alarm);
              if (tries !== null) later(read.alarm, tries);
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
    around ??= setInterval(() => void lookAround(), LOOK_AROUND).unref();
    await lookAround();
  }

  async function idle(): Promise<void> {
    while (taking.size > 0 || inHand.size > 0) await Promise.allSettled([...taking.values(), ...inHand]);
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
      if (around !== null) clearInterval(around);
      around = null;
      const begun = Date.now();
      // What is being taken in may end; nothing new is.
      await queue?.stop(milliseconds, () => ending.abort());
      ending.abort();
      await episodes.stop(Math.max(0, milliseconds - (Date.now() - begun)));
    },
  };
}
