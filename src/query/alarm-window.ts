/** What an alarm makes look at: from before the first period that breached to now. Pure. */

import type { Alarm } from '../alarms/alarm-event.ts';
import { epochOf } from '../evidence/aws.ts';
import type { Window } from '../evidence/evidence.ts';

const MINUTE = 60_000;
/** What led to the errors began before them. */
const LEAD_TIME = 5 * MINUTE;
/** Metrics are published so much after their minute (alb-facts 5.1), and the alarm changes after that. */
const PUBLISHED_AFTER = 3 * MINUTE;
/** Taken for a period where the message has none: what load balancers report in. */
const PERIOD = MINUTE;
/** No alarm of a minute or more looks further back (PutMetricAlarm: a day; seven for periods from an hour). */
const MAX_LOOK_BACK = 24 * 60 * MINUTE;
/** Of an incident that goes on for longer, the last so much: what it costs to look grows with it. */
export const MAX_WINDOW = 12 * 60 * MINUTE;

/** Where the window of an alarm begins, epoch milliseconds, on a whole minute: some minutes before its first breaching period. */
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

/** What is known of an incident. Epoch milliseconds. */
export interface IncidentTimes {
  now: number;
  /** When its alarms were last heard of: news that are days old when they come are about then, and not about now. */
  heardAt: number;
  closedAt: number | null;
}

/** The window from there to now, or to the end of the incident and the period in which it ended; its last hours where that is long. */
export function incidentWindow(from: number, { now, heardAt, closedAt }: IncidentTimes): Window {
  const end = closedAt === null ? Math.max(from + MAX_WINDOW, heardAt + MAX_WINDOW / 2) : closedAt + MINUTE;
  const to = Math.min(now, end);
  return { from: Math.min(Math.max(from, to - MAX_WINDOW), to - MINUTE), to };
}

/** The times of the datapoints in a reason, "[12.0 (21/11/26 05:20:00), …]": day first, UTC. */
function timesIn(reason: string): number[] {
  return [...reason.matchAll(/\((\d\d)\/(\d\d)\/(\d\d) (\d\d:\d\d:\d\d)\)/g)]
    .map(([, day, month, year, time]) => epochOf(`20${year}-${month}-${day}T${time}Z`))
    .filter((at) => !Number.isNaN(at));
}
