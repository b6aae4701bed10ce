/** Computes the window of an incident: from its start to now, or to its end. Pure. */
import type { Window } from '../evidence/question.ts';

const MINUTE = 60_000;
/** Longest window; longer incidents are cut to their last 12 hours to bound the cost. */
export const MAX_WINDOW = 12 * 60 * MINUTE;

/** Times of an incident, in epoch milliseconds. */
export interface IncidentTimes {
  now: number;
  /** Time of the last alarm message; a message that arrives days late is about this time, not about now. */
  heardAt: number;
  closedAt: number | null;
}

/** Returns the window from `from` to now, or to a minute after the incident ended; at most its last 12 hours. */
export function incidentWindow(from: number, { now, heardAt, closedAt }: IncidentTimes): Window {
  const end = closedAt === null ? Math.max(from + MAX_WINDOW, heardAt + MAX_WINDOW / 2) : closedAt + MINUTE;
  const to = Math.min(now, end);
  return { from: Math.min(Math.max(from, to - MAX_WINDOW), to - MINUTE), to };
}
