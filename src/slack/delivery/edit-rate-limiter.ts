/**
 * One rate limit for all edits of messages. Slack allows a little more than 50 calls of chat.update a minute, per app
 * and workspace, not per message. Edits that show progress are merged and spread; important edits are never dropped.
 * Sends nothing itself.
 */

/** Result of one call. 'again': retry. `retryAfter`: seconds that all edits wait before the retry. */
export type CallResult<T> = { done: T } | 'again' | { retryAfter: number };

interface EditRateLimiter<T> {
  /** Sends when the budget allows, unless a newer edit of the same message replaces it. */
  progress(message: string, send: () => Promise<CallResult<T>>): void;
  /** Drops waiting progress of this message. Sends as soon as possible; edits of one message keep their order. */
  edit(message: string, send: () => Promise<CallResult<T>>): Promise<T>;
  /** Drops progress and waits at most this many milliseconds for pending edits. */
  close(milliseconds: number): Promise<void>;
}

/** Time in milliseconds. `wake` schedules one call and returns its cancel function. */
export interface TimerClock {
  now(): number;
  wake(milliseconds: number, call: () => void): () => void;
}

export const SYSTEM_TIMER: TimerClock = {
  now: () => performance.now(),
  wake(milliseconds, call) {
    const timer = setTimeout(call, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** Milliseconds. */
const MINUTE = 60_000;
/** Calls per minute: in all, and the most at which progress is still sent. A few stay free, since Slack does not tell its exact limit. */
const MAX_CALLS = 48;
const MAX_CALLS_WITH_PROGRESS = 43;
/** Progress is spread over the minute after the first few, so that many starting runs leave room for their results. */
const BURST = 5;
/** Least time between two progress edits of one message, and again for each message that shows progress. */
const GAP = 1_500;
const GAP_FOR_EACH = 1_300;
/** After this long without progress, a message no longer counts. */
const ACTIVE = 30_000;
/** Attempts for an edit that Slack throttles. */
const ATTEMPTS = 20;
const LONGEST_WAIT = 60_000;

interface PendingEdit<T> {
  message: string;
  send: () => Promise<CallResult<T>>;
  attempts: number;
  settle(answer: T): void;
  fail(error: unknown): void;
}

/** `lostAnswer` is the result of an edit that was not sent before closing or failed too often. */
export function openEditRateLimiter<T>(lostAnswer: () => T, clock: TimerClock = SYSTEM_TIMER): EditRateLimiter<T> {
  /**
   * When the calls of the last minute ended, earliest first. Slack counts a call when it arrives, which is some time
   * between its start and its end: a slot is free again a minute after the end, however long calls are on their way.
   */
  const ended: number[] = [];
  let running = 0;
  const edits: PendingEdit<T>[] = [];
  /** Newest progress of each message, longest waiting first. */
  const waiting = new Map<string, () => Promise<CallResult<T>>>();
  const inFlight = new Map<string, Promise<void>>();
  /** When progress was last wanted and last sent, by message. */
  const lastWanted = new Map<string, number>();
  const lastShown = new Map<string, number>();
  let tokens = { left: BURST, at: clock.now() };
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let cancelWake: (() => void) | null = null;
  let isClosed = false;
  let idle = () => {};

  /** Sends what the budget allows now, and schedules the rest. */
  function sendDue(): void {
    cancelWake?.();
    cancelWake = null;
    for (;;) {
      const now = clock.now();
      while (ended[0] !== undefined && ended[0] <= now - MINUTE) ended.shift();
      const edit = edits.find(({ message }) => !inFlight.has(message));
      const at = edit === undefined ? nextProgress(now) : Math.max(pausedUntil, freeAt(MAX_CALLS));
      // A running call ends first, and then this is asked again.
      if (at === null || at === Number.POSITIVE_INFINITY) return;
      if (at > now) {
        cancelWake = clock.wake(at - now, sendDue);
        return;
      }
      if (edit !== undefined) send(edit.message, () => sendEdit(edit));
      else sendProgress(now);
    }
  }

  /** When one more call fits within `most` a minute; a past time means now, infinity once a running call has ended. */
  function freeAt(most: number): number {
    const excess = running + ended.length - most;
    return excess < 0 ? 0 : (ended[excess] ?? Number.POSITIVE_INFINITY) + MINUTE;
  }

  /** When the next progress may be sent; null if none waits. */
  function nextProgress(now: number): number | null {
    const ready = [...waiting.keys()]
      .filter((message) => !inFlight.has(message))
      .map((message) => readyAt(message, now));
    if (ready.length === 0) return null;
    return Math.max(pausedUntil, freeAt(MAX_CALLS_WITH_PROGRESS), tokenAt(now), Math.min(...ready));
  }

  function readyAt(message: string, now: number): number {
    for (const [each, at] of lastWanted) if (at <= now - ACTIVE && !waiting.has(each)) lastWanted.delete(each);
    for (const [each, at] of lastShown) if (at <= now - 2 * MINUTE) lastShown.delete(each);
    return (lastShown.get(message) ?? Number.NEGATIVE_INFINITY) + Math.max(GAP, GAP_FOR_EACH * lastWanted.size);
  }

  function tokenAt(now: number): number {
    const each = MINUTE / MAX_CALLS_WITH_PROGRESS;
    tokens = { left: Math.min(BURST, tokens.left + (now - tokens.at) / each), at: now };
    return tokens.left >= 1 ? 0 : now + Math.ceil((1 - tokens.left) * each);
  }

  function sendProgress(now: number): void {
    for (const [message, call] of waiting) {
      if (inFlight.has(message) || readyAt(message, now) > now) continue;
      waiting.delete(message);
      lastShown.set(message, now);
      tokens.left -= 1;
      send(message, async () => {
        const result = await call().catch(() => null);
        if (result === null || !mustSendAgain(result, pause)) return;
        const isOld = waiting.has(message) || edits.some((one) => one.message === message);
        if (!isOld && !isClosed) waiting.set(message, call);
      });
      return;
    }
  }

  async function sendEdit(edit: PendingEdit<T>): Promise<void> {
    edits.splice(edits.indexOf(edit), 1);
    edit.attempts++;
    try {
      const result = await edit.send();
      if (!mustSendAgain(result, pause)) edit.settle(result.done);
      else if (isClosed || edit.attempts >= ATTEMPTS) edit.settle(lostAnswer());
      // Keep the order within a message.
      else edits.unshift(edit);
    } catch (error) {
      edit.fail(error);
    }
  }

  function pause(seconds: number): void {
    pausedUntil = Math.max(pausedUntil, clock.now() + Math.min(seconds * 1000, LONGEST_WAIT));
  }

  function send(message: string, call: () => Promise<void>): void {
    running++;
    const pending = call().finally(() => {
      running--;
      ended.push(clock.now());
      inFlight.delete(message);
      sendDue();
      becomeIdle();
    });
    inFlight.set(message, pending);
  }

  return {
    progress(message, call) {
      if (isClosed) return;
      lastWanted.set(message, clock.now());
      waiting.set(message, call);
      sendDue();
    },

    edit(message, call) {
      waiting.delete(message);
      lastWanted.delete(message);
      if (isClosed) return Promise.resolve(lostAnswer());
      const { promise, resolve: settle, reject: fail } = Promise.withResolvers<T>();
      edits.push({ message, send: call, attempts: 0, settle, fail });
      sendDue();
      return promise;
    },

    async close(milliseconds) {
      waiting.clear();
      const cancelTimeout = clock.wake(milliseconds, () => {
        isClosed = true;
        for (const edit of edits.splice(0)) edit.settle(lostAnswer());
        // Do not wait for unanswered calls.
        idle();
      });
      await new Promise<void>((resolve) => {
        idle = resolve;
        becomeIdle();
      });
      isClosed = true;
      cancelTimeout();
      cancelWake?.();
    },
  };

  function becomeIdle(): void {
    if (inFlight.size === 0 && edits.length === 0) idle();
  }
}

/** Whether to send the edit again, and how long all edits wait first. */
function mustSendAgain<T>(
  result: CallResult<T>,
  pause: (seconds: number) => void,
): result is Exclude<CallResult<T>, { done: T }> {
  if (result === 'again') return true;
  if ('done' in result) return false;
  pause(result.retryAfter);
  return true;
}
