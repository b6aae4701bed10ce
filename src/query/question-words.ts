/** Classifies the words of a question; parse-window.ts reads their meaning together. Pure. */
import { type Day, zoneNamed } from './time-zone.ts';

/** Milliseconds. */
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A time of day in milliseconds since midnight. `half`: am or pm as typed; null means either half is possible. */
export interface ClockTime {
  timeOfDay: number;
  half: 'am' | 'pm' | null;
}
/** A day by date, by days before today, or the latest by weekday or by month and day. */
export type DayWord = { day: Day } | { daysAgo: number } | { weekday: number } | { month: number; dayOfMonth: number };

/** `text`: the word as typed. */
export type QuestionWord = { text: string } & (
  | { kind: 'time'; time: ClockTime }
  | { kind: 'day'; day: DayWord }
  | { kind: 'zone'; zone: string }
  /** Milliseconds. */
  | { kind: 'duration'; duration: number }
  /** A unit alone, as in "last hour". Milliseconds. */
  | { kind: 'unit'; duration: number }
  | { kind: 'now' | 'ago' | 'last' | 'from' | 'to' | 'dash' | 'and' | 'for' }
  | { kind: 'other' }
);

const UNITS: Record<string, number> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY };
const UNIT = /^(?:(s)(?:ecs?|econds?)?|(m)(?:ins?|inutes?)?|(h)(?:rs?|ours?)?|(d)(?:ays?)?|(w)(?:ks?|eeks?)?)$/i;

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH =
  /^(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)$/i;

const KEYWORDS = new Map<string, 'now' | 'ago' | 'last' | 'from' | 'to' | 'dash' | 'and' | 'for'>([
  ['now', 'now'],
  ['ago', 'ago'],
  ['last', 'last'],
  ['past', 'last'],
  ['previous', 'last'],
  ['from', 'from'],
  ['since', 'from'],
  ['after', 'from'],
  ['between', 'from'],
  ['starting', 'from'],
  ['to', 'to'],
  ['until', 'to'],
  ['till', 'to'],
  ['til', 'to'],
  ['through', 'to'],
  ['-', 'dash'],
  ['and', 'and'],
  ['for', 'for'],
]);

/** Classifies words in order; some entries take two or three words, such as "20 Nov 2026" or "15 minutes". */
export function readWords(words: readonly string[]): QuestionWord[] {
  const read: QuestionWord[] = [];
  for (let index = 0; index < words.length; ) {
    const rest = words.slice(index, index + 3);
    const { found, count } = readNext(rest);
    // In "from 2pm to 3", a number after a time is an hour.
    const isHour = /^[0-9]{1,2}$/.test(rest[0] ?? '') && count === 1 && isRangeOpen(read);
    const hour = isHour ? readClock(rest[0] ?? '') : null;
    read.push(...(hour === null ? found : [{ kind: 'time' as const, time: hour, text: rest[0] ?? '' }]));
    index += count;
  }
  return read;
}

const isRangeOpen = (read: readonly QuestionWord[]): boolean => {
  const [before, link] = read.slice(-2);
  return (before?.kind === 'time' || before?.kind === 'zone') && (link?.kind === 'to' || link?.kind === 'dash');
};

function readNext([word = '', second = '', third = '']: string[]): { found: QuestionWord[]; count: number } {
  const one = (...found: QuestionWord[]) => ({ found, count: 1 });
  const keyword = KEYWORDS.get(word.toLowerCase());
  if (keyword !== undefined) return one({ kind: keyword, text: word });
  const amount = /^[0-9]{1,9}(?:[.][0-9]{1,9})?$/.test(word) ? Number(word) : null;
  const unit = unitNamed(second);
  if (amount !== null && unit !== null)
    return { found: [{ kind: 'duration', duration: amount * unit, text: `${word} ${second}` }], count: 2 };
  if (amount !== null && /^[ap]m$/i.test(second)) {
    const time = readClock(`${word}${second}`);
    if (time !== null) return { found: [{ kind: 'time', time, text: `${word} ${second}` }], count: 2 };
  }
  const date = readDate(word, second, third);
  if (date !== null) return date;
  const duration = readDuration(word);
  if (duration !== null) return one({ kind: 'duration', duration, text: word });
  const moment = readMoment(word, /^[ap]m$/i.test(second) ? second : '');
  if (moment !== null) return { found: moment, count: /^[ap]m$/i.test(second) && word.includes(':') ? 2 : 1 };
  const alone = word.length > 1 ? unitNamed(word) : null;
  if (alone !== null) return one({ kind: 'unit', duration: alone, text: word });
  const zone = zoneNamed(word);
  if (zone !== null) return one({ kind: 'zone', zone, text: word });
  return one({ kind: 'other', text: word });
}

const unitNamed = (word: string): number | null => {
  const [, ...letters] = UNIT.exec(word) ?? [];
  const letter = letters.find((one) => one !== undefined);
  return letter === undefined ? null : (UNITS[letter.toLowerCase()] ?? null);
};

/** Parses "90s", "15min", "1h30m", "2d" to milliseconds; null for any other word. */
export function readDuration(word: string): number | null {
  if (!/^(?:[0-9]{1,9}(?:[.][0-9]{1,9})?[a-z]+)+$/i.test(word)) return null;
  let milliseconds = 0;
  for (const [, amount, letters = ''] of word.matchAll(/([0-9.]+)([a-z]+)/gi)) {
    const unit = unitNamed(letters);
    if (unit === null) return null;
    milliseconds += Number(amount) * unit;
  }
  return milliseconds;
}

/** Parses "2026-11-20", "20 Nov 2026", "Nov 20", "yesterday", "Monday". */
function readDate(word: string, second: string, third: string): { found: QuestionWord[]; count: number } | null {
  const found = (day: DayWord, ...words: string[]) => ({
    found: [{ kind: 'day' as const, day, text: words.join(' ') }],
    count: words.length,
  });
  const lower = word.toLowerCase();
  if (lower === 'today') return found({ daysAgo: 0 }, word);
  if (lower === 'yesterday') return found({ daysAgo: 1 }, word);
  const weekday = WEEKDAYS.indexOf(lower);
  if (weekday >= 0) return found({ weekday }, word);
  const iso = readIsoDay(word);
  if (iso !== null) return found({ day: iso }, word);
  const [dayOfMonth, month] = MONTH.test(second) ? [word, second] : MONTH.test(word) ? [second, word] : [];
  const number = /^([0-9]{1,2})(?:st|nd|rd|th)?$/i.exec(dayOfMonth ?? '')?.[1];
  if (month === undefined || number === undefined) return null;
  const monthNumber = MONTHS.indexOf(month.slice(0, 3).toLowerCase()) + 1;
  if (/^20[0-9]{2}$/.test(third)) {
    const day = readIsoDay(`${third}-${String(monthNumber).padStart(2, '0')}-${number.padStart(2, '0')}`);
    return day === null ? null : found({ day }, word, second, third);
  }
  return readIsoDay(`2024-${String(monthNumber).padStart(2, '0')}-${number.padStart(2, '0')}`) === null
    ? null
    : found({ month: monthNumber, dayOfMonth: Number(number) }, word, second);
}

/** Parses an ISO date; rejects 31 February, which Date.parse reads as 2 March. */
function readIsoDay(text: string): Day | null {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return null;
  const day = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== text ? null : day;
}

const CLOCK = '[0-9]{1,2}(?::[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)?(?:[ap]m)?';
const OFFSET = 'Z|[+-][0-9]{1,2}:?[0-9]{2}';
const RANGE = new RegExp(`^(${CLOCK})(Z?)-(${CLOCK}|now)(Z?)$`, 'i');
const MOMENT = new RegExp(`^(?:([0-9]{4}-[0-9]{2}-[0-9]{2})[T_])?(${CLOCK})(${OFFSET})?$`, 'i');

/** Parses a time, a date with time, or a range of times in one word: "02:40", "2026-11-20T02:40Z", "2:40-2:55am". */
function readMoment(word: string, halfAfter: string): QuestionWord[] | null {
  const range = RANGE.exec(word);
  if (range !== null && /:|[ap]m/i.test(word)) {
    const [, start = '', startZone = '', end = '', endZone = ''] = range;
    const from = readClock(start);
    const to = end.toLowerCase() === 'now' ? 'now' : readClock(`${end}${halfAfter}`);
    if (from === null || to === null) return null;
    return [
      { kind: 'time', time: from, text: start },
      ...zoneWord(startZone),
      { kind: 'dash', text: '-' },
      to === 'now' ? { kind: 'now', text: end } : { kind: 'time', time: to, text: end },
      ...zoneWord(endZone),
    ];
  }
  if (/^(?:noon|midnight)$/i.test(word)) {
    const timeOfDay = word.toLowerCase() === 'noon' ? 12 * HOUR : 0;
    return [{ kind: 'time', time: { timeOfDay, half: timeOfDay === 0 ? 'am' : 'pm' }, text: word }];
  }
  const [, date, clock = '', offset = ''] = MOMENT.exec(word) ?? [];
  if (date === undefined && !/:|[ap]m/i.test(clock)) return null;
  const time = readClock(`${clock}${halfAfter}`);
  const day = date === undefined ? null : readIsoDay(date);
  const zone = zoneWord(offset);
  if (time === null || (date !== undefined && day === null) || (offset !== '' && zone.length === 0)) return null;
  return [
    ...(day === null ? [] : [{ kind: 'day' as const, day: { day }, text: date ?? '' }]),
    { kind: 'time', time, text: clock },
    ...zone,
  ];
}

function zoneWord(text: string): QuestionWord[] {
  const zone = text === '' ? null : zoneNamed(text);
  return zone === null ? [] : [{ kind: 'zone', zone, text }];
}

/** Parses "2:40", "02:40:30.5", "2pm"; null for an impossible time. */
function readClock(text: string): ClockTime | null {
  const match = /^([0-9]{1,2})(?::([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?(am|pm)?$/i.exec(text);
  if (match === null) return null;
  const [, hourText = '', minutes = '0', seconds = '0', fraction = '', halfText] = match;
  const half = halfText === undefined ? null : halfText.toLowerCase() === 'am' ? 'am' : 'pm';
  const typed = Number(hourText);
  if (half !== null && (typed < 1 || typed > 12)) return null;
  const hours = half === null ? typed : (typed % 12) + (half === 'pm' ? 12 : 0);
  if (hours > 23 || Number(minutes) > 59 || Number(seconds) > 59) return null;
  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3));
  return { timeOfDay: hours * HOUR + Number(minutes) * MINUTE + Number(seconds) * SECOND + milliseconds, half };
}
