/** Parses days: "2026-11-20", "20 Nov 2026", "20.11.2026", "yesterday", "Mon", "this evening". Pure. */
import { ownValue } from '../format/own-value.ts';
import type { Day } from './time-zone.ts';

/** A day by date, by days before today, or the latest by weekday or by month and day. */
export type DayWord = { day: Day } | { daysAgo: number } | { weekday: number } | { month: number; dayOfMonth: number };

/** A part of a day. `past-night` is a night that has lasted for some hours, as in "last night". */
export type PartOfDay = 'morning' | 'afternoon' | 'evening' | 'night' | 'past-night';

/** The words of a day or part of a day, how many they are, and what they mean. */
type DayPhrase = { count: number } & ({ day: DayWord } | { part: PartOfDay });

const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const WEEKDAY =
  /^(?:sun(?:day)?|mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?)$/i;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH =
  /^(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)$/i;

const PARTS: Record<string, PartOfDay> = {
  morning: 'morning',
  afternoon: 'afternoon',
  evening: 'evening',
  night: 'night',
  tonight: 'night',
  overnight: 'past-night',
};

/** Reads the day that these words begin with; null if they begin with none. */
export function readDay([word = '', second = '', third = '']: readonly string[]): DayPhrase | null {
  const lower = word.toLowerCase();
  if (/^last$/i.test(word) && /^night$/i.test(second)) return { part: 'past-night', count: 2 };
  const part = ownValue(PARTS, lower);
  if (part !== undefined) return { part, count: 1 };
  if (lower === 'today') return { day: { daysAgo: 0 }, count: 1 };
  if (lower === 'yesterday') return { day: { daysAgo: 1 }, count: 1 };
  if (`${word} ${second} ${third}`.toLowerCase() === 'day before yesterday') return { day: { daysAgo: 2 }, count: 3 };
  if (WEEKDAY.test(word)) return { day: { weekday: WEEKDAYS.indexOf(lower.slice(0, 3)) }, count: 1 };
  const day = readIsoDay(word.replaceAll('/', '-'));
  if (day !== null) return { day: { day }, count: 1 };
  const numeric = readNumericDay(word);
  if (numeric !== null) return { day: numeric, count: 1 };
  const [dayOfMonth, month] = MONTH.test(second) ? [word, second] : MONTH.test(word) ? [second, word] : [];
  const number = /^([0-9]{1,2})(?:st|nd|rd|th)?$/i.exec(dayOfMonth ?? '')?.[1];
  if (month === undefined || number === undefined) return null;
  const hasYear = /^20[0-9]{2}$/.test(third);
  const named = dayOf(hasYear ? third : undefined, MONTHS.indexOf(month.slice(0, 3).toLowerCase()) + 1, Number(number));
  return named === null ? null : { day: named, count: hasYear ? 3 : 2 };
}

/** Parses "28.11.2026" and "28/11/2026"; with slashes only if one number cannot be a month, because their order differs. */
function readNumericDay(word: string): DayWord | null {
  const [, first = '', separator, second = '', year] =
    /^([0-9]{1,2})([./])([0-9]{1,2})\2(20[0-9]{2})$/.exec(word) ?? [];
  if (separator === undefined) return null;
  const [one, other] = [Number(first), Number(second)];
  if (separator === '.') return dayOf(year, other, one);
  if (one <= 12 && other <= 12 && one !== other) return null;
  return one > 12 ? dayOf(year, other, one) : dayOf(year, one, other);
}

/** Null for a date that does not exist. 2024 has a 29 February. */
function dayOf(year: string | undefined, month: number, dayOfMonth: number): DayWord | null {
  const day = readIsoDay(`${year ?? 2024}-${String(month).padStart(2, '0')}-${String(dayOfMonth).padStart(2, '0')}`);
  if (day === null) return null;
  return year === undefined ? { month, dayOfMonth } : { day };
}

/** Parses an ISO date; rejects 31 February, which Date.parse reads as 2 March. */
export function readIsoDay(text: string): Day | null {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return null;
  const day = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== text ? null : day;
}
