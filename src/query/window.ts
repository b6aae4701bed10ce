/** Resolves a typed window at the current time, and describes how it was read. Pure. */
import type { Window } from '../evidence/question.ts';
import { dayName } from '../format/wording.ts';
import { Problem } from '../problem.ts';
import type { DayWord, PartOfDay } from './day-words.ts';
import { twoExamples } from './examples.ts';
import type { TypedMoment, TypedWindow } from './parse-window.ts';
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
interface AskedWindow {
  window: TypedWindow | null;
  zone?: string | null;
}

/** Time of the question, and the window of its incident. A recorded incident may lack `now`. */
type WindowContext = { now: number; window?: Window } | { now: null; window: Window };

/**
 * Resolves the window. Defaults to the incident's window, else to the last 15 minutes. `last` counts back from now, or
 * from the end of an incident without a now. A time without a day is the latest not after now, or, with another moment
 * that has a day, the nearest that forms a window with it. A window from 23:50 to 00:10 spans midnight; one that would
 * span more than half a day that way counts as reversed. A single time means 15 minutes on both sides. Throws Problem
 * (exit 1) for a window that is empty, reversed, longer than 7 days or in the future, with examples for `loadBalancer`.
 */
export function resolveWindow(
  { window: typed, zone }: AskedWindow,
  { now, window: incident }: WindowContext,
  loadBalancer = 'my-alb',
): Window {
  const latest = now ?? incident.to + RECORDED_AFTER;
  if (typed === null) return incident ?? { from: latest - DEFAULT_WINDOW, to: latest };
  const clock: Clock = { zone: zone ?? 'UTC', now: latest };
  let window: Window;
  if ('last' in typed) {
    const to = now ?? incident.to;
    window = { from: to - typed.last, to };
  } else if ('at' in typed) window = windowAt(typed.at, clock);
  else window = windowBetween(typed, clock);
  assertValidWindow(window, clock, loadBalancer);
  return window;
}

interface Clock {
  zone: string;
  now: number;
}

/** Returns the time around one moment, or a whole day; neither extends beyond now. */
function windowAt(moment: TypedMoment, clock: Clock): Window {
  if ('day' in moment && moment.day !== null && moment.time === null && moment.part === undefined) {
    const zone = moment.zone ?? clock.zone;
    const day = dayMeant(moment.day, { zone, now: clock.now });
    const midnight = momentOf(zone, day, 0);
    return {
      from: midnight,
      to: midnight < clock.now ? Math.min(momentOf(zone, day + DAY, 0), clock.now) : midnight + DAY,
    };
  }
  const part = partMeant(moment, clock);
  if (part !== null) return { from: part.from, to: part.from < clock.now ? Math.min(part.to, clock.now) : part.to };
  const at = momentMeant(moment, clock);
  return { from: at - AROUND, to: Math.max(at, Math.min(at + AROUND, clock.now)) };
}

const isTimeOnly = (moment: TypedMoment): boolean => 'time' in moment && moment.day === null && moment.time !== null;

function windowBetween({ from, to, length }: Extract<TypedWindow, { from: unknown }>, clock: Clock): Window {
  const { zone, now } = clock;
  if (to !== null && partMeant(to, clock) !== null) {
    const end = Math.min(partMeant(to, clock)?.to ?? now, now);
    return { from: momentMeant(from, { zone, now: end }, now), to: end };
  }
  if (to === null) {
    const start = momentMeant(from, clock);
    return { from: start, to: length === null ? now : start + length };
  }
  if (!isTimeOnly(from)) {
    const start = momentMeant(from, clock);
    return {
      from: start,
      to: momentMeant(to, { zone, now: isTimeOnly(to) && 'day' in from ? start + DAY : now }, now),
    };
  }
  const end = momentMeant(to, clock);
  const timesOfDay = [from, to].map((moment) => ('time' in moment ? moment.time : null));
  const latestStart = momentMeant(from, { zone, now: end });
  // "00:00-24:00" is a whole day.
  const isWholeDay = latestStart === end && timesOfDay[0] !== timesOfDay[1];
  const start = isWholeDay ? momentMeant(from, { zone, now: end - 1 }) : latestStart;
  // 23:50 to 00:10 spans midnight; 02:55 to 02:40 is more likely reversed than almost a day long.
  const [first, last] = timesOfDay;
  const isReversed = isTimeOnly(to) && (first ?? 0) > (last ?? 0) && end - start > DAY / 2;
  return { from: isReversed ? start + DAY : start, to: end };
}

/** Returns the latest matching moment not after `limit`; days count from `today`. */
function momentMeant(moment: TypedMoment, { zone, now: limit }: Clock, today = limit): number {
  if ('now' in moment) return today;
  if ('ago' in moment) return today - moment.ago;
  const part = partMeant(moment, { zone, now: limit });
  if (part !== null) return part.from;
  const { day, time, zone: own } = moment;
  const place = own ?? zone;
  if (day === null) return latestMoment(place, time ?? 0, limit);
  return momentOf(place, dayMeant(day, { zone: place, now: today }), time ?? 0);
}

const HOUR = 60 * MINUTE;
/** Start and end of each part, in hours of its day. */
const HOURS: Record<PartOfDay, readonly [number, number]> = {
  morning: [6, 12],
  afternoon: [12, 18],
  evening: [18, 24],
  night: [20, 30],
  'past-night': [20, 30],
};
/** At 22:00 "last night" is yesterday's, at 01:00 the present one. */
const PAST_AFTER = 4 * HOUR;

/** Returns the part of a day that is meant, the latest that has begun if no day is named; null for any other moment. */
function partMeant(moment: TypedMoment, { zone, now }: Clock): Window | null {
  if (!('part' in moment) || moment.part === undefined || moment.time !== null) return null;
  const { part, day: word, zone: own } = moment;
  const place = own ?? zone;
  const [start, end] = HOURS[part];
  const today = dayAt(place, now);
  // At 03:00 "this morning" is the one that people are awake in.
  const isEarly = part === 'morning' && word === null && now < momentOf(place, today, start * HOUR);
  if (isEarly) return { from: momentOf(place, today, 0), to: momentOf(place, today, end * HOUR) };
  const begun = part === 'past-night' ? now - PAST_AFTER : now;
  const day =
    word === null ? dayAt(place, latestMoment(place, start * HOUR, begun)) : dayMeant(word, { zone: place, now });
  return { from: momentOf(place, day, start * HOUR), to: momentOf(place, day, end * HOUR) };
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
  const local = zone == null || zone === 'UTC' ? '' : ` (${windowIn(zone, window)})`;
  const isDated = isDayTyped(typed) || dayAt('UTC', now) !== dayAt('UTC', window.from);
  const read = `Read as ${span(window, 'UTC', isDated)} UTC${local}`;
  const begun = now - (window.from + DAY);
  const isTimesOnly = 'from' in typed && [typed.from, typed.to].every((at) => at !== null && isTimeOnly(at));
  if (!isTimesOnly || begun <= 0) return `${read}.`;
  return `${read}, because today's window has not ended. For today so far: last ${Math.ceil(begun / MINUTE)}m.`;
}

const isDayTyped = (typed: TypedWindow): boolean =>
  'from' in typed && [typed.from, typed.to].some((moment) => moment !== null && 'day' in moment && moment.day !== null);

/** Whether both ends were typed with date and zone, so that nothing needed interpretation. */
const isExact = (typed: TypedWindow): boolean =>
  'from' in typed &&
  [typed.from, typed.to].every(
    (moment) =>
      moment !== null && 'day' in moment && moment.zone !== null && moment.day !== null && 'day' in moment.day,
  );

/** Formats the window in a zone: "03:40–03:55 Europe/Berlin". */
export const windowIn = (zone: string, window: Window): string => `${span(window, zone, false)} ${zone}`;

/** "02:40–02:55"; adds the dates if the window spans days or `isDated`. */
function span({ from, to }: Window, zone: string, isDated: boolean): string {
  const days = [from, to].map((at) => dayAt(zone, at));
  const [first = 0, last = 0] = days;
  if (first !== last) return `${dayName(first)} ${clockIn(zone, from)} to ${dayName(last)} ${clockIn(zone, to)}`;
  const clocks = `${clockIn(zone, from)}–${clockIn(zone, to)}`;
  return isDated ? `${dayName(first)}, ${clocks}` : clocks;
}

function assertValidWindow(window: Window, { zone, now }: Clock, loadBalancer: string): void {
  const { from, to } = window;
  const named = `${momentName(zone, from)} to ${momentName(zone, to)} ${zone}`;
  const refuse = (why: string) => new Problem(`The window ${named} ${why} ${twoExamples(loadBalancer)}`, 1);
  if (from === to) throw refuse('has no length.');
  if (from > to) throw refuse('ends before it starts. Put the earlier time first.');
  if (from >= now) throw refuse(`is in the future; now is ${momentName(zone, now)}.`);
  if (to - from > LONGEST_WINDOW) throw refuse('is longer than 7 days, the most that one question reads.');
}

const momentName = (zone: string, at: number): string => `${dayName(dayAt(zone, at))} ${clockIn(zone, at)}`;
