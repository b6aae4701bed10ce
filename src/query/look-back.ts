/** A longer read of the access log for the keep-alive measurement alone: its length and its command. */
import type { CostEstimate } from '../evidence/access-log.ts';
import type { Question } from '../evidence/question.ts';
import { isDefaultStatuses } from '../evidence/statuses.ts';
import { command } from '../format/command.ts';

/** Look-back offered when the window has too few errors; as typed. */
const OFFERED_LOOK_BACK = '24h';
const OFFERED_MS = 24 * 3_600_000;

/** Returns the question for the longer read; null when none was requested. */
export function lookBackQuestion({ lookBack = 0, ...question }: Question): Question | null {
  return lookBack > 0 ? { ...question, from: question.from - lookBack } : null;
}

/** Returns the question with the offered look-back. */
export const withOfferedLookBack = (question: Question): Question => ({ ...question, lookBack: OFFERED_MS });

/** A longer read within these limits is taken automatically: US dollars, bytes and milliseconds. */
const SMALL_USD = 0.01;
const SMALL_BYTES = 200_000_000;
export const SMALL_LOOK_MS: number = 5000;

export const isSmallLook = ({ usd, bytes, atMost }: CostEstimate): boolean =>
  (atMost?.usd ?? usd) <= SMALL_USD && (atMost?.bytes ?? bytes) <= SMALL_BYTES;

/**
 * Returns "alb502 diagnose my-alb from 2026-11-20T02:40Z to 2026-11-20T02:55Z 502 --look-back 24h": absolute times, so
 * that the window stays the same.
 */
export function lookBackCommand({ loadBalancer, from, to, statuses }: Question): string {
  const words = isDefaultStatuses(statuses) ? [] : statuses;
  return command`alb502 diagnose ${loadBalancer.name} from ${shortIsoTime(from)} to ${[shortIsoTime(to), ...words]} --look-back ${OFFERED_LOOK_BACK}`;
}

/** The command for a recorded incident, which has its own window. */
export const RECORDED_LOOK_BACK = command`alb502 diagnose --from ${'<incident>'} --look-back ${OFFERED_LOOK_BACK}`;

const shortIsoTime = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replace(/[.]000Z$/, 'Z')
    .replace(/:00Z$/, 'Z');
