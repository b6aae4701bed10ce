/** One longer look for the keep-alive measurement alone: how far it goes, how it is asked for. */
import type { CostEstimate, Question } from '../evidence/evidence.ts';
import { command } from '../format/command.ts';
import { isDefaultStatuses } from './statuses.ts';

/** What is offered where the window holds too few errors; as typed. */
const OFFERED_LOOK_BACK = '24h';
const OFFERED_MS = 24 * 3_600_000;

/** The question that the longer look puts to the access log; null when none was asked for. */
export function lookBackQuestion({ lookBack = 0, ...question }: Question): Question | null {
  return lookBack > 0 ? { ...question, from: question.from - lookBack } : null;
}

/** The question with the look that is offered. */
export const withOfferedLookBack = (question: Question): Question => ({ ...question, lookBack: OFFERED_MS });

/** A look that costs no more than this is taken without being asked for: US dollars, bytes and milliseconds. */
const SMALL_USD = 0.01;
const SMALL_BYTES = 200_000_000;
export const SMALL_LOOK_MS: number = 5000;

export const isSmallLook = ({ usd, bytes, atMost }: CostEstimate): boolean =>
  (atMost?.usd ?? usd) <= SMALL_USD && (atMost?.bytes ?? bytes) <= SMALL_BYTES;

/** "alb502 diagnose my-alb from 2026-11-20T02:40Z to 2026-11-20T02:55Z 502 --look-back 24h": the same window, whenever it is asked. */
export function lookBackCommand({ loadBalancer, from, to, statuses }: Question): string {
  const words = isDefaultStatuses(statuses) ? [] : statuses;
  return command`alb502 diagnose ${loadBalancer.name} from ${shortIsoTime(from)} to ${[shortIsoTime(to), ...words]} --look-back ${OFFERED_LOOK_BACK}`;
}

/** The same for a recorded incident, whose window is its own. */
export const RECORDED_LOOK_BACK = command`alb502 diagnose --from ${'<incident>'} --look-back ${OFFERED_LOOK_BACK}`;

const shortIsoTime = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replace(/[.]000Z$/, 'Z')
    .replace(/:00Z$/, 'Z');
