/**
 * Posts by channel. Slack takes about one a second in each, and short bursts: so they go at once until it says to wait, and then one
 * after the other, in the order they came, until none waits any more.
 */
import type { Clock, Sent } from './edit-rate-limiter.ts';

export interface Lanes {
  /** Calls until it is done, and waits where it is told to; null when that is too long. */
  send<T>(channel: string, call: () => Promise<Sent<T>>): Promise<T | null>;
}

/** Milliseconds. */
const BETWEEN = 1_000;
const LONGEST_WAIT = 60_000;
const PATIENCE = 180_000;

interface Lane {
  /** Ends when the last of those that wait in line has been sent. */
  end: Promise<void>;
  until: number;
  length: number;
}

export function openLanes(clock: Clock): Lanes {
  const limited = new Map<string, Lane>();

  function held(channel: string, seconds: number): Lane {
    const lane = limited.get(channel) ?? { end: Promise.resolve(), until: 0, length: 0 };
    lane.until = Math.max(lane.until, clock.now() + Math.min(seconds * 1000, LONGEST_WAIT));
    limited.set(channel, lane);
    return lane;
  }

  return {
    async send(channel, call) {
      const since = clock.now();
      let lane = limited.get(channel);
      if (lane === undefined) {
        const sent = await repeated(call);
        if ('done' in sent) return sent.done;
        lane = held(channel, sent.retryAfter);
      }
      lane.length++;
      const before = lane.end;
      const mine = Promise.withResolvers<void>();
      lane.end = mine.promise;
      await before;
      try {
        for (;;) {
          const pause = lane.until - clock.now();
          if (clock.now() + Math.max(pause, 0) - since > PATIENCE) return null;
          if (pause > 0) await new Promise<void>((resume) => clock.wake(pause, resume));
          const sent = await repeated(call);
          lane.until = clock.now() + BETWEEN;
          if ('done' in sent) return sent.done;
          held(channel, sent.retryAfter);
        }
      } finally {
        if (--lane.length === 0) limited.delete(channel);
        mine.resolve();
      }
    },
  };
}

async function repeated<T>(call: () => Promise<Sent<T>>): Promise<Exclude<Sent<T>, 'again'>> {
  for (;;) {
    const sent = await call();
    if (sent !== 'again') return sent;
  }
}
