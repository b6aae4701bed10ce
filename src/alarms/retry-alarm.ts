/** Retries alarms that cannot be handled now because Slack, the store or AWS is down. */
import type { Logger } from 'pino';
import { pauseAfter } from '../runs/store/backoff.ts';
import { type Alarm, alarmEventId } from './alarm-event.ts';
import type { MessageOutcome, MessageOutcomes } from './message-outcome.ts';
import { Unavailable } from './retryable.ts';

export interface RetryParts {
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
  /** Whether Slack or the store is down; then nothing is received. */
  isDown(): boolean;
  /** What is being taken in. */
  inProgress(): Promise<MessageOutcome>[];
}

/** Milliseconds between attempts. */
const PAUSES = { first: 500, longest: 20_000 };
/** Milliseconds, and number of failures: if other alarms succeed, it is not an outage and must not stop receiving. */
const SOLO_FAILURE_PERIOD = 2 * 60_000;
const MAX_SOLO_FAILURES = 6;
/** So long a message in hand is looked up again, and so often it is received for that: each keeps others waiting, or costs a receive. */
const MAX_LOOKUP_TIME = 8_000;
export const MAX_LOOKUP_RECEIVES = 3;

interface RetryContext extends RetryParts {
  active: Map<string, Promise<MessageOutcome>>;
  /** Alarms that wait for Slack or the store, and since when. */
  blockedSince: Map<string, number>;
  /** When an alarm was last taken in. */
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
    // One that waits for long may be the only one that cannot be taken in.
    isDown: () =>
      blockedSince.size > 1 || [...blockedSince.values()].some((since) => now() - since < SOLO_FAILURE_PERIOD),
    inProgress: () => [...active.values()],
  };
}

/** How the attempts to handle one alarm went. */
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
  // Other waiting alarms report it when they fail again.
  blockedSince.clear();
  context.lastSuccessAt = now();
  if (outcome.outcome === 'handled') outcomes.counts.handled += 1;
  return outcome;
}

/** How long to wait before the next attempt, in milliseconds, or the outcome after the last one. */
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
    // Others were taken in since this one failed last: it may be nothing but this one.
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
  // It may stay broken for days: the record stays, and the message goes back to the queue.
  if (dependency === 'channel') return again;
  const pause = pauseAfter(attempts.count, PAUSES);
  if (dependency !== 'aws' || now() + pause - attempts.begun <= MAX_LOOKUP_TIME) return pause;
  if (attempts.received < MAX_LOOKUP_RECEIVES) return again;
  attempts.mayRetryLookup = false;
  return 0;
}

/** Undefined when the bot is stopped first. Listeners are removed after each alarm, because the signal aborts only once. */
async function unlessStopping<T>(signal: AbortSignal, work: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const stop = () => resolve(undefined);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', stop));
}
