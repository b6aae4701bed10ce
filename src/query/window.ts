/** Resolves a typed window at the current time, and describes how it was read. Pure. */
import type { Window } from '../evidence/evidence.ts';
import { Problem } from '../problem.ts';
import type { TypedMoment, TypedWindow } from './parse-window.ts';
import type { DayWord } from './question-words.ts';
import { clockIn, type Day, dayAt, latestMoment, momentOf } from './time-zone.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Milliseconds of the window when neither the question nor an incident has one. */
export const DEFAULT_WINDOW = 15 * MINUTE;
/** Milliseconds. The longest window one question may have. */
export const LONGEST_WINDOW = 7 * DAY;
/** Milliseconds before and after a single moment, such as "14:40". */
const AROUND = 15 * MINUTE;
/** Milliseconds from the end of a recorded incident to its recording, if the recording does not say. */
const RECORDED_AFTER = 15 * MINUTE;

/** The window of a question as typed, and the zone of its times; null means UTC. */
export interface AskedWindow {
  window: TypedWindow | null;
  zone?: string | null;
}

/** Time of the question, and the window of its incident. A recorded incident may lack `now`. */
export type WindowContext = { now: number; window?: Window } | { now: null; window: Window };

/**
 * Resolves the window. Defaults to the incident's window, else to the last 15 minutes. `last` counts back from now, or
 * from the end of an incident without a now. A time without a day is the latest not after now, or, with another moment
 * that has a day, the nearest that forms a window with it. A window from 23:50 to 00:10 spans midnight; one that would
 * span more than half a day that way counts as reversed. A single time means 15 minutes on both sides. Throws Problem
 * (exit 1) for a window that is empty, reversed, longer than 7 days or in the future.
 */
export function resolveWindow({ window: typed, zone }: AskedWindow, { now, window: incident }: WindowContext): Window {
  const latest = now ?? incident.to + RECORDED_AFTER;
  if (typed === null) return incident ?? { from: latest - DEFAULT_WINDOW, to: latest };
  const clock: Clock = { zone: zone ?? 'UTC', now: latest };
  let window: Window;
  if ('last' in typed) {
    const to = now ?? incident.to;
    window = { from: to - typed.last, to };
  } else if ('at' in typed) window = windowAt(typed.at, clock);
  else window = windowBetween(typed, clock);
  assertValidWindow(window, clock);
  return window;
}

interface Clock {
  zone: string;
  now: number;
}

/** Returns the time around one moment, or a whole day; neither extends beyond now. */
function windowAt(moment: TypedMoment, clock: Clock): Window {
  if ('day' in moment && moment.day !== null && moment.time === null) {
    const zone = moment.zone ?? clock.zone;
    const day = dayMeant(moment.day, { zone, now: clock.now });
    const midnight = momentOf(zone, day, 0);
    return {
      from: midnight,
      to: midnight < clock.now ? Math.min(momentOf(zone, day + DAY, 0), clock.now) : midnight + DAY,
    };
  }
  const at = momentMeant(moment, clock);
  return { from: at - AROUND, to: Math.max(at, Math.min(at + AROUND, clock.now)) };
}

function windowBetween({ from, to, length }: Extract<TypedWindow, { from: unknown }>, clock: Clock): Window {
  const { zone, now } = clock;
  if (to === null) {
    const start = momentMeant(from, clock);
    return { from: start, to: length === null ? now : start + length };
  }
  const isTimeOnly = (moment: TypedMoment) => 'time' in moment && moment.day === null;
  if (!isTimeOnly(from)) {
    const start = momentMeant(from, clock);
    return {
      from: start,
      to: momentMeant(to, { zone, now: isTimeOnly(to) && 'day' in from ? start + DAY : now }, now),
    };
  }
  const end = momentMeant(to, clock);
  const start = momentMeant(from, { zone, now: end });
  // 23:50 to 00:10 spans midnight; 02:55 to 02:40 is more likely reversed than almost a day long.
  const [first, last] = [from, to].map((moment) => ('time' in moment ? moment.time : null));
  const isReversed = isTimeOnly(to) && (first ?? 0) > (last ?? 0) && end - start > DAY / 2;
  return { from: isReversed ? start + DAY : start, to: end };
}

/** Returns the latest matching moment not after `limit`; days count from `today`. */
function momentMeant(moment: TypedMoment, { zone, now: limit }: Clock, today = limit): number {
  if ('now' in moment) return today;
  if ('ago' in moment) return today - moment.ago;
  const { day, time, zone: own } = moment;
  const place = own ?? zone;
  if (day === null) return latestMoment(place, time ?? 0, limit);
  return momentOf(place, dayMeant(day, { zone: place, now: today }), time ?? 0);
}

function dayMeant(word: DayWord, { zone, now }: Clock): Day {
  const today = dayAt(zone, now);
  if ('day' in word) return word.day;
  if ('daysAgo' in word) return today - word.daysAgo * DAY;
  if ('weekday' in word) return today - ((new Date(today).getUTCDay() - word.weekday + 7) % 7) * DAY;
  const year = new Date(today).getUTCFullYear();
  const inYear = (of: number) => Date.UTC(of, word.month - 1, word.dayOfMonth);
  return inYear(year) > today ? inYear(year - 1) : inYear(year);
}

/** Returns a sentence on how the times were read; null if nothing needed interpretation. `now`: epoch milliseconds. */
export function windowReading({ window: typed, zone }: AskedWindow, window: Window, now: number): string | null {
  if (typed === null || ('last' in typed && (zone ?? 'UTC') === 'UTC') || isExact(typed)) return null;
  const local = zone == null || zone === 'UTC' ? '' : ` (${span(window, zone)} ${zone})`;
  const read = `Read as ${span(window, 'UTC', now)} UTC${local}`;
  const begun = now - (window.from + DAY);
  const isTimesOnly =
    'from' in typed && [typed.from, typed.to].every((at) => at !== null && 'time' in at && at.day === null);
  if (!isTimesOnly || begun <= 0) return `${read}.`;
  return `${read}, because today's window has not ended. For today so far: last ${Math.ceil(begun / MINUTE)}m.`;
}

/** Whether both ends were typed with date and zone, so that nothing needed interpretation. */
const isExact = (typed: TypedWindow): boolean =>
  'from' in typed &&
  [typed.from, typed.to].every(
    (moment) =>
      moment !== null && 'day' in moment && moment.zone !== null && moment.day !== null && 'day' in moment.day,
  );

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Formats the window in a zone: "03:40–03:55 Europe/Berlin". */
export const windowIn = (zone: string, window: Window): string => `${span(window, zone)} ${zone}`;

/** "02:40–02:55"; adds dates if the window spans days or is not on the day of `now`. */
function span({ from, to }: Window, zone: string, now?: number): string {
  const days = [from, to].map((at) => dayAt(zone, at));
  const [first = 0, last = 0] = days;
  if (first !== last) return `${dayName(first)} ${clockIn(zone, from)} to ${dayName(last)} ${clockIn(zone, to)}`;
  const clocks = `${clockIn(zone, from)}–${clockIn(zone, to)}`;
  return now === undefined || dayAt(zone, now) === first ? clocks : `${dayName(first)}, ${clocks}`;
}

function dayName(day: Day): string {
  const date = new Date(day);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

function assertValidWindow(window: Window, { zone, now }: Clock): void {
  const { from, to } = window;
  const place = zone === 'UTC' ? 'UTC' : zone;
  const named = `${momentName(zone, from)} to ${momentName(zone, to)} ${place}`;
  if (from === to) throw new Problem(`The window ${named} has no length. Try: last 15m, or from 02:40 to 02:55.`, 1);
  if (from > to)
    throw new Problem(`The window ${named} ends before it starts. Put the earlier time first: from 02:40 to 02:55.`, 1);
  if (from >= now)
    throw new Problem(`The window ${named} is in the future; now is ${momentName(zone, now)}. Try: last 15m.`, 1);
  if (to - from > LONGEST_WINDOW)
    throw new Problem(`The window ${named} is longer than 7 days, the most that one question reads. Try: last 24h.`, 1);
}

const momentName = (zone: string, at: number): string => `${dayName(dayAt(zone, at))} ${clockIn(zone, at)}`;
