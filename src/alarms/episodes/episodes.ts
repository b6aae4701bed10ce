/**
 * Episodes of alarms. Each alarm is written to the store first; a process that holds the lease of the load balancer
 * then brings the threads in line. Completed actions are recorded, so that another process can resume after a crash.
 */
import type { LoadBalancerRef } from '../../investigate/investigator.ts';
import type { Episode } from '../../runs/episode.ts';
import { newRunId } from '../../runs/run.ts';
import { isLeasedByOther, leaseFor } from '../../runs/store/lease.ts';
import { settleWithin } from '../../runs/store/loop.ts';
import { type Alarm, alarmEventId } from '../alarm-event.ts';
import { translateOutage, Unavailable } from '../retryable.ts';
import { applyAlarm, type Transition } from './apply-alarm.ts';
import { drain } from './drain.ts';
import {
  type EpisodeRecord,
  emptyHistory,
  type History,
  historyOfEpisode,
  idOfHistory,
  isAnnounced,
  isUpToDate,
  keyOfHistory,
} from './episode-record.ts';
import { type EpisodesContext, type EpisodesParts, openEpisodesContext } from './episodes-context.ts';
import { markBusy, resumeAll } from './resume-episodes.ts';

/** An alarm that concerns one load balancer. */
interface AlarmEvent {
  alarm: Alarm;
  /** ARN. */
  loadBalancer: string;
  ref: LoadBalancerRef;
  /** Start of the window, epoch milliseconds. */
  from: number;
  /** Sentences about lookups that failed. */
  sentences: readonly string[];
}

export interface Episodes {
  /** Records the event; resolves when its thread is posted, or when a storm note lists it. Throws Unavailable. */
  handleAlarm(event: AlarmEvent): Promise<Transition>;
  episode(id: string): Promise<Episode | null>;
  /** Resumes unfinished work of this process or of ended ones. */
  resume(): Promise<void>;
  /** Resolves when no work is left. */
  idle(): Promise<void>;
  stop(milliseconds: number): Promise<void>;
}

/** Milliseconds between checks on another process, and the longest wait for it to open a thread. */
const POLL_INTERVAL = 1_000;
const MAX_WAIT_FOR_OTHERS = 120_000;

export function openEpisodes(parts: EpisodesParts): Episodes {
  const context = openEpisodesContext(parts);
  return {
    handleAlarm: (event) => handleAlarm(context, event),
    async episode(id) {
      const history = await context.histories.read(keyOfHistory(historyOfEpisode(id)));
      return history?.episodes.find((record) => record.episode.id === id)?.episode ?? null;
    },
    resume: () => resumeAll(context),
    idle: () => idle(context),
    async stop(milliseconds) {
      context.isStopping = true;
      await settleWithin(milliseconds, idle(context));
    },
  };
}

async function handleAlarm(context: EpisodesContext, event: AlarmEvent): Promise<Transition> {
  const { alarm, loadBalancer, ref } = event;
  const id = idOfHistory(loadBalancer);
  const { history, transition, isMine } = await translateOutage('store', () => recordAlarm(context, id, event));
  context.log.info({ alarm: alarm.name, loadBalancer: ref.name, state: alarm.state, transition }, 'alarm');
  const drained = drain(context, id, isMine ? history : null);
  if (affectedBy(alarm, history).every(isAnnounced)) {
    // The rest of the work is recorded, so another process can resume it after a crash.
    drained.catch(() => {});
    return transition;
  }
  await waitUntilAnnounced(context, id, alarm, drained);
  return transition;
}

interface RecordedAlarm {
  history: History;
  transition: Transition;
  /** Whether no other process holds the lease. */
  isMine: boolean;
}

/** Records the event, and takes the lease in the same write if it is free and there is work. */
async function recordAlarm(context: EpisodesContext, id: string, event: AlarmEvent): Promise<RecordedAlarm> {
  const { histories, owner, now } = context;
  const { alarm, loadBalancer, ref, from, sentences } = event;
  const about = { from, sentences, now: now(), run: newRunId(now()) };
  await markBusy(context, id);
  return histories.change(keyOfHistory(id), (stored) => {
    const before = stored ?? emptyHistory(ref, loadBalancer);
    const { history, transition } = applyAlarm(before, alarm, about);
    const isMine = !isLeasedByOther(before.lease, owner, now());
    const hasWork = history.episodes.some((record) => !isUpToDate(record));
    const next = isMine && hasWork ? { ...history, lease: leaseFor(owner, now()) } : history;
    return { document: next === before ? stored : next, result: { history: next, transition, isMine } };
  });
}

function affectedBy(alarm: Alarm, history: History | null): EpisodeRecord[] {
  const event = alarmEventId(alarm);
  return history?.episodes.filter(({ events }) => events.includes(event)) ?? [];
}

/** Waits until the threads of this alarm are posted, here or by the process that holds the lease. */
async function waitUntilAnnounced(
  context: EpisodesContext,
  id: string,
  alarm: Alarm,
  drained: Promise<void>,
): Promise<void> {
  const { histories, announcements, now, sleep } = context;
  const begun = now();
  let work = outcomeOf(drained);
  for (;;) {
    const history = await translateOutage('store', () => histories.read(keyOfHistory(id)));
    if (affectedBy(alarm, history).every(isAnnounced)) return;
    if (work.failure !== null) throw work.failure;
    if (context.isStopping) throw new Unavailable('stopping', 'alb502 is being stopped');
    if (!work.isEnded) {
      await Promise.race([work.ended, announcements.next(), sleep(POLL_INTERVAL)]);
      continue;
    }
    if (now() - begun > MAX_WAIT_FOR_OTHERS) throw new Unavailable('busy', 'another process does not open the thread');
    // Another process holds the lease: retry until it is done or has ended.
    await sleep(POLL_INTERVAL);
    work = outcomeOf(drain(context, id, null));
  }
}

interface WorkOutcome {
  isEnded: boolean;
  failure: unknown;
  /** Never rejects. */
  ended: Promise<void>;
}

function outcomeOf(work: Promise<void>): WorkOutcome {
  const outcome: WorkOutcome = { isEnded: false, failure: null, ended: Promise.resolve() };
  outcome.ended = work
    .catch((error: unknown) => {
      outcome.failure = error;
    })
    .finally(() => {
      outcome.isEnded = true;
    });
  return outcome;
}

async function idle({ drains, reruns, noteUpdates }: EpisodesContext): Promise<void> {
  while (drains.size > 0 || reruns.size > 0 || noteUpdates.size > 0) {
    await Promise.allSettled([
      ...[...drains.values()].map(({ ended }) => ended),
      ...reruns.values(),
      ...noteUpdates.values(),
    ]);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
