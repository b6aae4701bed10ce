/**
 * When to ask again while access logs still arrive: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
 * has files every five minutes, some minutes late. Pure: whoever waits brings the clock.
 */
import type { LogReadMethod, Window } from '../evidence/evidence.ts';

const MINUTE = 60_000;

/** Milliseconds after the end of a window until its log counts as complete: what is missing then may never come. */
export const LOGS_COMPLETE_AFTER = 15 * MINUTE;

/** Milliseconds after the end of the window. Most files are there at the first, nearly all at the second; the last settles it. */
const CHECKS = [6 * MINUTE, 12 * MINUTE, LOGS_COMPLETE_AFTER];

/** Of a log group, which has new entries within a minute or two. */
const CHECKS_OF_GROUP = [MINUTE, 3 * MINUTE, ...CHECKS];

/** Milliseconds. An ask so soon before a check is as good as that check. */
const SAME_CHECK_MS = MINUTE;

/** How the log was read, as far as it says when more of it is there. */
type Reading = Pick<LogReadMethod, 'from'> | undefined;

/**
 * When a provisional diagnosis of `window` is asked again, epoch milliseconds; null when there is nothing to wait for. `now` is when it
 * was asked last, `checksDone` how often it was asked in all. The last check is never left out: only it is final whatever has arrived.
 */
export function nextCheck({ to }: Window, now: number, checksDone: number, reading?: Reading): number | null {
  if (!(now < to + LOGS_COMPLETE_AFTER)) return null;
  const checks = reading?.from?.service === 'cloudwatch-logs' ? CHECKS_OF_GROUP : CHECKS;
  const ahead = checks.slice(Math.max(0, checksDone - 1)).map((after) => to + after);
  return ahead.find((check) => check > now + SAME_CHECK_MS) ?? ahead.at(-1) ?? null;
}
