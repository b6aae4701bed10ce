/**
 * One budget for all edits of messages. Slack allows a little more than 50 calls of chat.update a minute, of an app in a workspace and not
 * of a message. Edits that show progress are coalesced and spread; edits that matter are never dropped. Sends nothing itself.
 */

/** What came of one call. 'again': one more is needed. `retryAfter`: Slack says to wait, in seconds. */
export type CallResult<T> = { done: T } | 'again' | { retryAfter: number };

export interface EditRateLimiter<T> {
  /** Sends when the budget allows, unless something newer of the same message comes first. */
  progress(message: string, send: () => Promise<CallResult<T>>): void;
  /** Drops the progress that waits for this message. Sends as soon as may be, those of one message in their order. */
  edit(message: string, send: () => Promise<CallResult<T>>): Promise<T>;
  /** Drops what is mere progress, and waits for edits and for what is under way; so many milliseconds at most. */
  close(milliseconds: number): Promise<void>;
}

/** Time in milliseconds. `wake` calls once, and gives what takes it back. */
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
/** Calls in any minute: of all kinds, and such that progress may be among them. */
const MAX_CALLS = 50;
const MAX_CALLS_WITH_PROGRESS = 45;
/** Progress is spread over the minute but for the first few, so that a crowd of beginnings leaves room for their ends. */
const BURST = 5;
/** Between two edits of one message that show progress: at least so much, and so much for each message that shows some. */
const GAP = 1_500;
const GAP_FOR_EACH = 1_300;
/** A message that has shown no progress for so long is not counted. */
const ACTIVE = 30_000;
/** How often an edit is sent again after being told to wait. */
const ATTEMPTS = 20;
const LONGEST_WAIT = 60_000;

interface PendingEdit<T> {
  message: string;
  send: () => Promise<CallResult<T>>;
  attempts: number;
  settle(answer: T): void;
  fail(error: unknown): void;
}

/** `lost` answers an edit that was not sent before the end, or too often in vain. */
export function openEditRateLimiter<T>(lostAnswer: () => T, clock: TimerClock = SYSTEM_TIMER): EditRateLimiter<T> {
  /** When the calls of the last minute were made. */
  const calls: number[] = [];
  const edits: PendingEdit<T>[] = [];
  /** The newest of each message, those that wait longest first. */
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

  /** Sends whatever may be sent now, and comes back when more may be. */
  function sendDue(): void {
    cancelWake?.();
    cancelWake = null;
    for (;;) {
      const now = clock.now();
      while (calls[0] !== undefined && calls[0] <= now - MINUTE) calls.shift();
      const edit = edits.find(({ message }) => !inFlight.has(message));
      const at = edit === undefined ? nextProgress(now) : Math.max(pausedUntil, freeAt(MAX_CALLS));
      if (at === null) return;
      if (at > now) {
        cancelWake = clock.wake(at - now, sendDue);
        return;
      }
      if (edit !== undefined) send(edit.message, () => sendEdit(edit));
      else sendProgress(now);
    }
  }

  /** When one more call is within so many a minute; anything past means now. */
  const freeAt = (most: number): number => (calls.length < most ? 0 : (calls[calls.length - most] ?? 0) + MINUTE);

  /** When the next progress may be shown; null when none waits. */
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
      // Before those of the same message that came later.
      else edits.unshift(edit);
    } catch (error) {
      edit.fail(error);
    }
  }

  function pause(seconds: number): void {
    pausedUntil = Math.max(pausedUntil, clock.now() + Math.min(seconds * 1000, LONGEST_WAIT));
  }

  function send(message: string, call: () => Promise<void>): void {
    calls.push(clock.now());
    const pending = call().finally(() => {
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
        // A call that has no answer by now is not waited for.
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

/** Whether it is to be sent once more, and how long everything waits before. */
function mustSendAgain<T>(
  result: CallResult<T>,
  pause: (seconds: number) => void,
): result is Exclude<CallResult<T>, { done: T }> {
  if (result === 'again') return true;
  if ('done' in result) return false;
  pause(result.retryAfter);
  return true;
}
