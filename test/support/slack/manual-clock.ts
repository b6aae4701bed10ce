/** A clock that is moved by hand. */
import type { TimerClock } from '../../../src/slack/delivery/edit-rate-limiter.ts';

export interface ManualClock extends TimerClock {
  /** Advances the clock by this many milliseconds, and runs what is due. */
  pass(milliseconds: number): Promise<void>;
}

export function manualClock(): ManualClock {
  let now = 0;
  let timers: { at: number; call: () => void }[] = [];
  const settled = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return {
    now: () => now,
    wake(milliseconds, call) {
      const timer = { at: now + milliseconds, call };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    async pass(milliseconds) {
      const end = now + milliseconds;
      await settled();
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers = timers.filter((one) => one !== next);
        now = Math.max(now, next.at);
        next.call();
        await settled();
      }
      now = end;
    },
  };
}
