/** Computes where the window of an alarm starts: before its first breaching period. Pure. */
import { epochOf } from '../evidence/aws.ts';
import type { Alarm } from './alarm-event.ts';

const MINUTE = 60_000;
/** The cause starts before the errors. */
const LEAD_TIME = 5 * MINUTE;
/** Metrics are published 1 to 3 minutes late (observed, not documented); the alarm changes state after that. */
const PUBLISHED_AFTER = 3 * MINUTE;
/** Default period of load balancer metrics, for messages without one. */
const PERIOD = MINUTE;
/**
 * Longest look-back of alarms with periods of a minute or more (PutMetricAlarm: a day; seven days for periods from an
 * hour).
 */
const MAX_LOOK_BACK = 24 * 60 * MINUTE;

/**
 * Returns the start of the window in epoch milliseconds, at a whole minute some minutes before the first breaching
 * period.
 */
export function windowStart(alarm: Alarm): number {
  const changed = epochOf(alarm.changedAt);
  const reported = [
    ...(alarm.breachedFrom === null ? [] : [epochOf(alarm.breachedFrom)]),
    ...timesIn(alarm.reason),
  ].filter((at) => at <= changed && at >= changed - MAX_LOOK_BACK);
  const evaluated = (alarm.evaluationPeriods ?? 1) * (alarm.period === null ? PERIOD : alarm.period * 1000);
  const first =
    reported.length > 0 ? Math.min(...reported) : changed - Math.min(evaluated + PUBLISHED_AFTER, MAX_LOOK_BACK);
  return Math.floor((first - LEAD_TIME) / MINUTE) * MINUTE;
}

/** Parses the datapoint times of a reason, "[12.0 (21/11/26 05:20:00), …]": day first, UTC. */
function timesIn(reason: string): number[] {
  return [...reason.matchAll(/\((\d\d)\/(\d\d)\/(\d\d) (\d\d:\d\d:\d\d)\)/g)]
    .map(([, day, month, year, time]) => epochOf(`20${year}-${month}-${day}T${time}Z`))
    .filter((at) => !Number.isNaN(at));
}
