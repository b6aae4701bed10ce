/** Counts and logs the outcomes of messages. */

import type { Logger } from 'pino';
import { errorMessage } from '../problem.ts';
import type { Alarm } from './alarm-event.ts';
import type { Transition } from './episodes/apply-alarm.ts';

/**
 * Outcome of a message. `handled`: its threads are posted, or it changes nothing; it can be deleted. `ignored`: not for
 * alb502. `poison`: not understood. `failed`: an error that affects only this message. `again`: the bot was stopped
 * first, no channel accepts it, or the load balancer lookup failed.
 */
export type MessageOutcome =
  | { outcome: 'handled'; transition: Transition[] }
  | { outcome: 'ignored' | 'poison' | 'failed' | 'again'; why: string };

export interface MessageCounts {
  handled: number;
  ignored: number;
  poison: number;
  failed: number;
}

export interface MessageOutcomes {
  readonly counts: MessageCounts;
  ignored(why: string): MessageOutcome;
  /** Not understood. */
  poison(why: string): MessageOutcome;
  failed(error: unknown, alarm: Alarm | null): MessageOutcome;
}

export function openMessageOutcomes(log: Pick<Logger, 'info' | 'error'>): MessageOutcomes {
  const counts: MessageCounts = { handled: 0, ignored: 0, poison: 0, failed: 0 };
  return {
    counts,
    ignored(why) {
      counts.ignored += 1;
      log.info({ why, ignored: counts.ignored }, 'a message was ignored');
      return { outcome: 'ignored', why };
    },
    poison(why) {
      counts.poison += 1;
      log.error({ why }, 'could not parse a message');
      return { outcome: 'poison', why };
    },
    failed(error, alarm) {
      const why = errorMessage(error);
      counts.failed += 1;
      log.error({ alarm: alarm?.name, why, err: error }, 'could not handle an alarm');
      return { outcome: 'failed', why };
    },
  };
}
