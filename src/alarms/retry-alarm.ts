/** Retries alarms that cannot be handled now because Slack, the store or AWS is down. */
import type { Logger } from 'pino';
import { pauseAfter } from '../runs/store/backoff.ts';
import { type Alarm, alarmEventId } from './alarm-event.ts';
import type { MessageOutcome, MessageOutcomes } from './message-outcome.ts';
import { Unavailable } from './retryable.ts';

interface RetryParts {
  /** Throws Unavailable while the alarm cannot be handled. */
  take(alarm: Alarm, mayRetryLookup: boolean): Promise<MessageOutcome>;
  outcomes: MessageOutcomes;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Epoch milliseconds. */
  now(): number;
  sleep(milliseconds: number): Promise<unknown>;
  /** Aborts when the bot is stopped. */
  signal: AbortSignal;
}

export interface AlarmRetries {
  /** Resolves when the alarm is handled or given up. Handles the same event once at a time. Never rejects. */
  handle(alarm: Alarm, received: number): Promise<MessageOutcome>;
  /** Whether Slack or the store is down; receiving pauses meanwhile. */
  isDown(): boolean;
  /** Alarms being handled. */
  inProgress(): Promise<MessageOutcome>[];
}

/** Milliseconds between attempts. */
const PAUSES = { first: 500, longest: 20_000 };
/** Milliseconds, and number of failures: if other alarms succeed, this is no outage and must not pause receiving. */
const SOLO_FAILURE_PERIOD = 2 * 60_000;
const MAX_SOLO_FAILURES = 6;
/**
 * Milliseconds to retry a lookup while holding the message, and receives allowed for it: retries delay other messages,
 * and each receive counts towards the dead-letter queue.
 */
const MAX_LOOKUP_TIME = 8_000;
export const MAX_LOOKUP_RECEIVES = 3;

interface RetryContext extends RetryParts {
  active: Map<string, Promise<MessageOutcome>>;
  /** Alarms waiting for Slack or the store, with the start of the wait. */
  blockedSince: Map<string, number>;
  /** Time an alarm was last handled. */
  lastSuccessAt: number;
}

export function openAlarmRetries(parts: RetryParts): AlarmRetries {
  const context: RetryContext = {
    ...parts,
    active: new Map(),
    blockedSince: new Map(),
    lastSuccessAt: Number.NEGATIVE_INFINITY,
  };
  const { active, blockedSince, now } = context;
  return {
    handle(alarm, received) {
      const id = alarmEventId(alarm);
      const existing = active.get(id);
      if (existing !== undefined) return existing;
      const work = handleWithRetry(context, alarm, received).finally(() => {
        active.delete(id);
        blockedSince.delete(id);
      });
      active.set(id, work);
      return work;
    },
    // A single alarm that waits long may be the only one failing.
    isDown: () =>
      blockedSince.size > 1 || [...blockedSince.values()].some((since) => now() - since < SOLO_FAILURE_PERIOD),
    inProgress: () => [...active.values()],
  };
}

/** Attempts to handle one alarm. */
interface Attempts {
  begun: number;
  received: number;
  count: number;
  failedAt: number;
  soloFailures: number;
  mayRetryLookup: boolean;
}

async function handleWithRetry(context: RetryContext, alarm: Alarm, received: number): Promise<MessageOutcome> {
  const { now, sleep, signal, outcomes, take } = context;
  const begun = now();
  const attempts: Attempts = { begun, received, count: 0, failedAt: begun, soloFailures: 0, mayRetryLookup: true };
  for (;;) {
    attempts.count += 1;
    try {
      const outcome = await unlessStopping(signal, take(alarm, attempts.mayRetryLookup));
      return outcome === undefined
        ? { outcome: 'again', why: 'alb502 is being stopped' }
        : recordSuccess(context, outcome);
    } catch (error) {
      if (!(error instanceof Unavailable)) return outcomes.failed(error, alarm);
      const next = afterFailure(context, alarm, error, attempts);
      if (typeof next === 'object') return next;
      if (next > 0) await unlessStopping(signal, sleep(next));
      if (signal.aborted) return { outcome: 'again', why: error.message };
    }
  }
}

function recordSuccess(context: RetryContext, outcome: MessageOutcome): MessageOutcome {
  const { blockedSince, log, now, outcomes } = context;
  const since = Math.min(...blockedSince.values());
  if (blockedSince.size > 0) log.info({ seconds: Math.round((now() - since) / 1000) }, 'taken in again');
  // Other waiting alarms report again when they fail.
  blockedSince.clear();
  context.lastSuccessAt = now();
  if (outcome.outcome === 'handled') outcomes.counts.handled += 1;
  return outcome;
}

/** Returns the milliseconds to wait before the next attempt, or the outcome after the last one. */
function afterFailure(
  context: RetryContext,
  alarm: Alarm,
  error: Unavailable,
  attempts: Attempts,
): number | MessageOutcome {
  const { now, log, outcomes, signal, blockedSince } = context;
  const { dependency, message } = error;
  const again: MessageOutcome = { outcome: 'again', why: message };
  if (signal.aborted || dependency === 'stopping') return again;
  if (dependency === 'slack' || dependency === 'store') {
    // Other alarms succeeded since the last failure, so only this one may be affected.
    attempts.soloFailures += context.lastSuccessAt > attempts.failedAt ? 1 : 0;
    attempts.failedAt = now();
    if (attempts.soloFailures >= MAX_SOLO_FAILURES && now() - attempts.begun > SOLO_FAILURE_PERIOD)
      return outcomes.failed(error, alarm);
    blockedSince.set(alarmEventId(alarm), attempts.begun);
  }
  log[dependency === 'busy' ? 'warn' : 'error'](
    { alarm: alarm.name, dependency, why: message, err: error },
    'an alarm waits: it cannot be taken in yet',
  );
  // A channel may stay broken for days: keep the record and return the message to the queue.
  if (dependency === 'channel') return again;
  const pause = pauseAfter(attempts.count, PAUSES);
  if (dependency !== 'aws' || now() + pause - attempts.begun <= MAX_LOOKUP_TIME) return pause;
  if (attempts.received < MAX_LOOKUP_RECEIVES) return again;
  attempts.mayRetryLookup = false;
  return 0;
}

/**
 * Returns undefined if the bot is stopped first. Removes the listener after each alarm, because the signal lives as
 * long as the process.
 */
async function unlessStopping<T>(signal: AbortSignal, work: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const stop = () => resolve(undefined);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', stop));
}
