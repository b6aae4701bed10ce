/** Alarms: taken from a queue or over HTTPS, made into news of load balancers, and kept until their threads stand. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import * as z from 'zod';
import type { Config } from '../config.ts';
import type { Investigator } from '../investigate.ts';
import type { Runs } from '../runs/runs.ts';
import type { Store } from '../runs/store.ts';
import type { Route } from '../slack/app.ts';
import type { Poster } from '../slack/poster.ts';
import type { Threads } from '../slack/threads.ts';
import { type Alarm, elsewhere, hashOf, idOfNews, keyOf } from './alarm.ts';
import { type Concerned, type Lookup, liveLookup, needsLookup, refOf, toldBy } from './concerned.ts';
import type { Episode } from './episode.ts';
import { openEpisodes } from './episodes.ts';
import type { Learned } from './history.ts';
import { openIntake } from './intake.ts';
import { openNotes } from './notes.ts';
import { openObjects } from './objects.ts';
import { readMessage } from './read.ts';
import { channelFor, type Routing } from './route.ts';
import { type FetchText, snsRoute } from './sns.ts';
import { openSqs, type SqsParts } from './sqs.ts';
import { Unavailable } from './unavailable.ts';

/**
 * What became of a message. `handled`: its threads stand, or it changes nothing; it can be deleted. `ignored`: nothing for us. `poison`:
 * not understood. `again`: it could not be taken in before the bot was stopped, or no channel takes it.
 */
export type Handled =
  | { outcome: 'handled'; learned: Learned[] }
  | { outcome: 'ignored' | 'poison' | 'again'; why: string };

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
}

export interface Alarms {
  /** Takes one message in. Waits while Slack or the store is down, not for a channel to be mended; rejects never. */
  handle(body: string): Promise<Handled>;
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
  const aborted = new Promise<undefined>((resolve) => {
    ending.signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const counts: Counts = { handled: 0, ignored: 0, poison: 0 };
  /** The same news at the same time are taken in once. */
  const taking = new Map<string, Promise<Handled>>();
  let around: NodeJS.Timeout | null = null;
  /** Until when nothing is received: what is down is not asked for more. */
  let down: { what: string; since: number } | null = null;

  async function handle(body: string): Promise<Handled> {
    const read = readMessage(body);
    if ('alarm' in read) return handleAlarm(read.alarm);
    return 'ignored' in read ? ignored(read.ignored) : poison(read.poison);
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

  function handleAlarm(alarm: Alarm): Promise<Handled> {
    const id = idOfNews(alarm);
    const there = taking.get(id);
    if (there !== undefined) return there;
    const work = patiently(alarm).finally(() => taking.delete(id));
    taking.set(id, work);
    return work;
  }

  /** Tries until it is taken in: what cannot be reached now comes back, and the news are kept meanwhile. */
  async function patiently(alarm: Alarm): Promise<Handled> {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        const handled = await Promise.race([taken(alarm), aborted]);
        if (handled === undefined) return { outcome: 'again', why: 'alb502 is being stopped' };
        if (down !== null) {
          log.info({ what: down.what, seconds: Math.round((now() - down.since) / 1000) }, 'reached again');
          down = null;
        }
        if (handled.outcome === 'handled') counts.handled += 1;
        return handled;
      } catch (error) {
        const unavailable =
          error instanceof Unavailable ? error : new Unavailable('store', error instanceof Error ? error.message : '');
        if (ending.signal.aborted || unavailable.missing === 'stopping')
          return { outcome: 'again', why: unavailable.message };
        const { missing, message } = unavailable;
        if ((missing === 'slack' || missing === 'store') && down === null) down = { what: missing, since: now() };
        log[missing === 'busy' ? 'warn' : 'error'](
          { alarm: alarm.name, missing, why: message, err: error },
          'an alarm waits: it cannot be taken in yet',
        );
        // Nobody may mend it for days: it stays with its thread to be opened, and its message is not kept from others meanwhile.
        if (missing === 'channel' && pause >= LONGEST_PAUSE) return { outcome: 'again', why: message };
        await Promise.race([sleep(pause), aborted]);
        if (ending.signal.aborted) return { outcome: 'again', why: message };
      }
    }
  }

  async function taken(alarm: Alarm): Promise<Handled> {
    const other = elsewhere(alarm);
    if (other !== null) return ignored(other);
    const concerned = await concernedBy(alarm);
    if (concerned.elsewhere !== null && concerned.loadBalancers.length === 0) return ignored(concerned.elsewhere);
    const { loadBalancers, sentences, from } = concerned;
    if (loadBalancers.length === 0 || loadBalancers.length > MOST_LOAD_BALANCERS) return unnamed(alarm, concerned);
    const looking = { accounts: config.accounts, investigator, signal: ending.signal };
    const refs = await Promise.all(loadBalancers.map((resource) => refOf(resource, alarm, looking)));
    const found = refs.flatMap((ref) => ('name' in ref ? ref : []));
    const all = [...sentences, ...refs.flatMap((ref) => ('name' in ref ? [] : ref.sentence))];
    if (found.length === 0) return unnamed(alarm, { ...concerned, sentences: all });
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
  async function unnamed(alarm: Alarm, { loadBalancers, sentences }: Concerned): Promise<Handled> {
    if (alarm.state === 'ALARM') {
      const many =
        loadBalancers.length > MOST_LOAD_BALANCERS
          ? [`It is about ${loadBalancers.length} load balancers at once.`]
          : [];
      await notes.note(alarm, [...many, ...sentences]);
    }
    return { outcome: 'handled', learned: [] };
  }

  /** What was found for its ALARM is what its end is about, whatever became of the alarms it is composed of. */
  async function concernedBy(alarm: Alarm): Promise<Concerned> {
    if (!needsLookup(alarm)) return toldBy(alarm);
    const key = `alarms/about/${hashOf(keyOf(alarm))}.json`;
    if (alarm.state !== 'ALARM') {
      const before = await stored(() => remembered.read(key));
      if (before !== null) return { ...toldBy(alarm), elsewhere: null, loadBalancers: before.loadBalancers };
    }
    const concerned = await lookup(alarm, ending.signal).catch((error: unknown): Concerned => {
      if (ending.signal.aborted) throw new Unavailable('stopping', 'alb502 is being stopped');
      return { ...toldBy(alarm), sentences: [error instanceof Error ? error.message : String(error)] };
    });
    const { loadBalancers } = concerned;
    if (loadBalancers.length > 0 && alarm.state === 'ALARM') {
      const at = new Date(now()).toISOString();
      await stored(() => remembered.change(key, () => ({ object: { schema: 1, at, loadBalancers }, result: null })));
    }
    return concerned;
  }

  async function stored<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw new Unavailable('store', error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  async function lookAround(): Promise<void> {
    try {
      await episodes.resume();
      if (sns !== undefined) for (const alarm of await intake.abandoned()) later(alarm);
    } catch (error) {
      log.warn({ err: error }, 'it could not be looked for alarms that were left open');
    }
  }

  const inHand = new Set<Promise<unknown>>();
  /** Taken in after it was recorded; a crash leaves it to whoever looks around. */
  function later(alarm: Alarm): void {
    const work = handleAlarm(alarm)
      .then(async ({ outcome }) => {
        if (outcome !== 'again') await intake.done(alarm);
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
              if (other !== null) ignored(other);
              else if (await intake.record(read.alarm)) later(read.alarm);
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
          isDown: () => down !== null,
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
