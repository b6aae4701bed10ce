/**
 * Decides when to check again while access logs still arrive. Log files come every five minutes, some minutes late:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html. Pure.
 */
import type { LogReadMethod } from '../evidence/access-log.ts';
import type { Window } from '../evidence/question.ts';

const MINUTE = 60_000;

/** Milliseconds after the end of a window until its log counts as complete; entries missing then may never come. */
export const LOGS_COMPLETE_AFTER = 15 * MINUTE;

/**
 * Milliseconds after the end of the window. Most files have arrived at the first check, nearly all at the second; the
 * last is final.
 */
const CHECKS = [6 * MINUTE, 12 * MINUTE, LOGS_COMPLETE_AFTER];

/** Checks for a log group, which receives entries within a minute or two. */
const CHECKS_OF_GROUP = [MINUTE, 3 * MINUTE, ...CHECKS];

/** Milliseconds. An attempt this close before a check replaces it. */
const SAME_CHECK_MS = MINUTE;

/** The source of the log, which decides when more arrives. */
type Reading = Pick<LogReadMethod, 'from'> | undefined;

/**
 * Returns the next check of a provisional diagnosis in epoch milliseconds; null when there is nothing to wait for.
 * `now`: time of the last attempt; `checksDone`: number of attempts. Never skips the last check, since only it is
 * final.
 */
export function nextCheck({ to }: Window, now: number, checksDone: number, reading?: Reading): number | null {
  if (!(now < to + LOGS_COMPLETE_AFTER)) return null;
  const checks = reading?.from?.service === 'cloudwatch-logs' ? CHECKS_OF_GROUP : CHECKS;
  const ahead = checks.slice(Math.max(0, checksDone - 1)).map((after) => to + after);
  return ahead.find((check) => check > now + SAME_CHECK_MS) ?? ahead.at(-1) ?? null;
}
