/**
 * Queues posts by channel. Slack accepts about one a second per channel and short bursts, so posts are sent at once
 * until Slack asks to wait; then in order, one after another, until the queue is empty.
 */
import type { CallResult, TimerClock } from './edit-rate-limiter.ts';

export interface PostQueue {
  /** Repeats the call until done, waiting as Slack asks; null if that takes too long. */
  send<T>(channel: string, call: () => Promise<CallResult<T>>): Promise<T | null>;
}

/** Milliseconds. */
const BETWEEN = 1_000;
const LONGEST_WAIT = 60_000;
const MAX_TOTAL_WAIT = 180_000;

interface ChannelQueue {
  /** Resolves when the last queued call has been sent. */
  end: Promise<void>;
  until: number;
  length: number;
}

export function openPostQueue(clock: TimerClock): PostQueue {
  const queues = new Map<string, ChannelQueue>();

  function holdBack(channel: string, seconds: number): ChannelQueue {
    const queue = queues.get(channel) ?? { end: Promise.resolve(), until: 0, length: 0 };
    queue.until = Math.max(queue.until, clock.now() + Math.min(seconds * 1000, LONGEST_WAIT));
    queues.set(channel, queue);
    return queue;
  }

  return {
    async send(channel, call) {
      const since = clock.now();
      let queue = queues.get(channel);
      if (queue === undefined) {
        const result = await callUntilSent(call);
        if ('done' in result) return result.done;
        queue = holdBack(channel, result.retryAfter);
      }
      queue.length++;
      const before = queue.end;
      const turn = Promise.withResolvers<void>();
      queue.end = turn.promise;
      await before;
      try {
        for (;;) {
          const pause = queue.until - clock.now();
          if (clock.now() + Math.max(pause, 0) - since > MAX_TOTAL_WAIT) return null;
          if (pause > 0) await new Promise<void>((resume) => clock.wake(pause, resume));
          const result = await callUntilSent(call);
          queue.until = clock.now() + BETWEEN;
          if ('done' in result) return result.done;
          holdBack(channel, result.retryAfter);
        }
      } finally {
        if (--queue.length === 0) queues.delete(channel);
        turn.resolve();
      }
    },
  };
}

async function callUntilSent<T>(call: () => Promise<CallResult<T>>): Promise<Exclude<CallResult<T>, 'again'>> {
  for (;;) {
    const result = await call();
    if (result !== 'again') return result;
  }
}
