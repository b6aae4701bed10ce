/** Receives alarms from a queue or over HTTPS, and keeps them until their threads are posted. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Investigator } from '../investigate/investigator.ts';
import type { Episode } from '../runs/episode.ts';
import { openMutes } from '../runs/mutes.ts';
import type { Run } from '../runs/run.ts';
import type { RunStore } from '../runs/runs.ts';
import { openLoop } from '../runs/store/loop.ts';
import type { Store } from '../runs/store/store.ts';
import type { HttpRoute } from '../slack/app.ts';
import type { Poster } from '../slack/delivery/slack-poster.ts';
import type { SlackThreads } from '../slack/thread/slack-threads.ts';
import { type AlarmLookup, liveLookup } from './affected-load-balancers.ts';
import { type Alarm, unrelatedReason } from './alarm-event.ts';
import { loadBalancerSubject, mentionFor, type Routing } from './alarm-routes.ts';
import { openEpisodes } from './episodes/episodes.ts';
import { type Intake, openIntake } from './intake.ts';
import {
  type MessageCounts,
  type MessageOutcome,
  type MessageOutcomes,
  openMessageOutcomes,
} from './message-outcome.ts';
import { readMessage } from './read-message.ts';
import { type AlarmRetries, MAX_LOOKUP_RECEIVES, openAlarmRetries } from './retry-alarm.ts';
import { type FetchText, snsRoute } from './sns.ts';
import { openSqs, type SqsParts } from './sqs.ts';
import { openLookupRecords, takeAlarm } from './take-alarm.ts';
import { openAlarmNotes } from './unknown-alarm-notes.ts';

interface AlarmProcessorParts {
  config: Pick<Config, 'accounts' | 'deadlines' | 'alarms' | 'runs'>;
  store: Store;
  runs: Pick<RunStore, 'read' | 'diagnosis'>;
  threads: Pick<SlackThreads, 'open' | 'askAgain' | 'refresh' | 'reply'>;
  poster: Pick<Poster, 'post' | 'edit' | 'find'>;
  investigator: Pick<Investigator, 'listLoadBalancers' | 'find'>;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Owner of the leases; unique to this process. */
  owner?: string;
  /** Epoch milliseconds. */
  now?: () => number;
  sleep?: (milliseconds: number) => Promise<unknown>;
  /** Finds the load balancers of an alarm whose message does not name them; defaults to asking AWS. */
  lookup?: AlarmLookup;
  /** Limit on new threads in a channel within five minutes. */
  mostThreads?: number;
  /** Fetches certificates and subscription confirmations of SNS; defaults to HTTPS. */
  fetchText?: FetchText;
  sqs?: Pick<SqsParts, 'client' | 'consumers' | 'visibilitySeconds' | 'onReceived'>;
}

export interface AlarmProcessor {
  /**
   * Handles one message. Waits while Slack or the store is down, but not for a broken channel. Never rejects.
   * `received`: how often the message was received, including this time; without it, the message is not expected to
   * return.
   */
  handle(body: string, received?: number): Promise<MessageOutcome>;
  /** Receives SNS messages over HTTPS; empty when no topic is configured. */
  routes: HttpRoute[];
  /** Starts receiving from the queue, if one is configured. */
  start(): Promise<void>;
  /** Resumes what a crash or restart left open, now and at intervals. */
  resume(): Promise<void>;
  /** Stops receiving; waits up to `milliseconds` for current work. */
  stop(milliseconds: number): Promise<void>;
  /** Returns the episode that a run's root message shows. */
  episode(id: string): Promise<Episode | null>;
  /** Resolves when no work is left. */
  idle(): Promise<void>;
  readonly counts: MessageCounts;
}

/** Milliseconds between checks for unfinished work. */
const RESUME_INTERVAL = 15_000;

export const routingOf = ({ accounts, alarms }: Pick<Config, 'accounts' | 'alarms'>): Routing => ({
  routes: alarms.routes,
  defaultChannel: alarms.defaultChannel ?? null,
  accounts,
});

/** Returns the user or group that the verdict of a run mentions, by the route of its alarm; null for a user's run. */
export const mentionsOf =
  (config: Pick<Config, 'accounts' | 'alarms'>) =>
  ({ askedBy, loadBalancer }: Run): string | null =>
    askedBy.kind !== 'alarm'
      ? null
      : mentionFor(loadBalancerSubject(loadBalancer, askedBy.alarmName, routingOf(config)), routingOf(config));

export function openAlarmProcessor(parts: AlarmProcessorParts): AlarmProcessor {
  const { config, store, log, now = Date.now } = parts;
  const sleep = parts.sleep ?? ((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)));
  const owner = parts.owner ?? `${hostname()}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
  const routing = routingOf(config);
  const shutdown = new AbortController();
  const { signal } = shutdown;
  const shared = { ...parts, routing, owner, now, sleep, signal, mutes: openMutes(store, { now, log }) };
  const episodes = openEpisodes({ ...shared, mostThreads: parts.mostThreads });
  const outcomes = openMessageOutcomes(log);
  const context = {
    ...shared,
    episodes,
    outcomes,
    notes: openAlarmNotes(shared),
    lookup: parts.lookup ?? liveLookup(config),
    lookupRecords: openLookupRecords(store, (key, why) => log.error({ key, why }, 'unreadable')),
  };
  const retries = openAlarmRetries({
    ...shared,
    outcomes,
    take: (alarm, mayRetryLookup) => takeAlarm(context, alarm, mayRetryLookup),
  });
  const recorded = openRecordedAlarms({ intake: openIntake(shared), retries, outcomes, log });
  const handle = (body: string, received = MAX_LOOKUP_RECEIVES) => handleMessage(body, received, retries, outcomes);
  const { sns, sqs } = config.alarms;
  const queue =
    sqs === undefined ? null : openSqs({ ...sqs, ...parts.sqs, log, handle, isDown: retries.isDown, sleep });
  const { fetchText } = parts;
  const snsParts = { now, log, take: recorded.take, ...(fetchText === undefined ? {} : { fetchText }) };
  const loop = openLoop(
    RESUME_INTERVAL,
    async () => {
      await episodes.resume();
      if (sns !== undefined) await recorded.resume();
    },
    (error) => log.warn({ err: error }, 'could not look for open alarms to resume'),
  );

  async function idle(): Promise<void> {
    const working = () => [...retries.inProgress(), ...recorded.inProgress()];
    for (let work = working(); work.length > 0; work = working()) await Promise.allSettled(work);
    await episodes.idle();
  }

  return {
    handle,
    routes: sns === undefined ? [] : [snsRoute({ ...sns, ...snsParts })],
    counts: outcomes.counts,
    idle,
    resume: loop.start,
    episode: episodes.episode,
    async start() {
      await queue?.start();
    },
    async stop(milliseconds) {
      loop.stop();
      const begun = Date.now();
      // Let current messages finish; start no new ones.
      await queue?.stop(milliseconds, () => shutdown.abort());
      shutdown.abort();
      await episodes.stop(Math.max(0, milliseconds - (Date.now() - begun)));
    },
  };
}

async function handleMessage(
  body: string,
  received: number,
  retries: AlarmRetries,
  outcomes: MessageOutcomes,
): Promise<MessageOutcome> {
  try {
    const read = readMessage(body);
    if ('alarm' in read) return await retries.handle(read.alarm, received);
    return 'ignored' in read ? outcomes.ignored(read.ignored) : outcomes.poison(read.poison);
  } catch (error) {
    return outcomes.failed(error, null);
  }
}

/** Records alarms before handling them, because SNS does not resend an accepted message. */
interface RecordedAlarms {
  /** Resolves when the alarm in the message is recorded. Rejects when the store is down. */
  take(body: string): Promise<void>;
  /** Resumes alarms left by a crash. */
  resume(): Promise<void>;
  inProgress(): Promise<void>[];
}

function openRecordedAlarms({
  intake,
  retries,
  outcomes,
  log,
}: {
  intake: Intake;
  retries: AlarmRetries;
  outcomes: MessageOutcomes;
  log: Pick<Logger, 'warn'>;
}): RecordedAlarms {
  const active = new Set<Promise<void>>();

  /** After a crash, the next sweep resumes it. */
  function handle(alarm: Alarm, tries: number): void {
    const work = retries
      .handle(alarm, tries)
      .then(async ({ outcome }) => {
        if (outcome !== 'again' && outcome !== 'failed') await intake.complete(alarm);
      })
      .catch((error: unknown) =>
        log.warn({ alarm: alarm.name, err: error }, 'could not process a recorded alarm yet; will retry'),
      )
      .finally(() => active.delete(work));
    active.add(work);
  }

  return {
    async take(body) {
      const read = readMessage(body);
      if ('ignored' in read) outcomes.ignored(read.ignored);
      else if ('poison' in read) outcomes.poison(read.poison);
      else {
        const unrelated = unrelatedReason(read.alarm);
        const tries = unrelated === null ? await intake.record(read.alarm) : null;
        if (unrelated !== null) outcomes.ignored(unrelated);
        else if (tries !== null) handle(read.alarm, tries);
      }
    },
    async resume() {
      for (const { alarm, tries } of await intake.claimAbandoned()) handle(alarm, tries);
    },
    inProgress: () => [...active],
  };
}
