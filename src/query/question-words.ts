/** Classifies the words of a question; parse-window.ts reads their meaning together. Pure. */
import { type DayWord, type PartOfDay, readDay, readIsoDay } from './day-words.ts';
import { zoneNamed } from './time-zone.ts';

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
/** `text`: the word as typed. */
export type QuestionWord = { text: string } & (
  | { kind: 'time'; time: ClockTime }
  | { kind: 'day'; day: DayWord }
  | { kind: 'part'; part: PartOfDay }
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
    const word = words[index] ?? '';
    const hour = isBareHour(words, index, read) ? readClock(word) : null;
    const next = hour === null ? readNext(words.slice(index, index + 3)) : null;
    read.push(...(next === null ? [{ kind: 'time' as const, time: hour ?? MIDNIGHT, text: word }] : next.found));
    index += next?.count ?? 1;
  }
  return read;
}

const MIDNIGHT: ClockTime = { timeOfDay: 0, half: null };
const LINK = /^(?:to|-|until|till|til|and)$/i;
const BEFORE_HOUR = /^(?:from|since|between|after|at|around|about)$/i;

/** Whether a number is an hour: "at 3", "between 3 and 4 am", "2 to 3pm", "from 2pm to 3". Not "from 2 to 4 hours ago". */
function isBareHour(words: readonly string[], index: number, read: readonly QuestionWord[]): boolean {
  const [word = '', link = '', end = '', afterEnd = ''] = words.slice(index, index + 4);
  const isAmount = (text: string, next: string) => unitNamed(next) !== null || !/^[0-9]{1,2}$/.test(text);
  if (isAmount(word, link) || /^[ap]m$/i.test(link)) return false;
  const [before, linked] = read.slice(-2);
  if (
    (before?.kind === 'time' || before?.kind === 'zone') &&
    (linked?.kind === 'to' || linked?.kind === 'dash' || linked?.kind === 'and')
  )
    return true;
  if (LINK.test(link) && /^[0-9]/.test(end)) {
    const hasHalf = /^[ap]m$/i.test(afterEnd) || /^[0-9:]+[ap]m$/i.test(end);
    if (hasHalf) return true;
    if (isAmount(end, afterEnd) && !end.includes(':')) return false;
  }
  return BEFORE_HOUR.test(words[index - 1] ?? '');
}

function readNext([word = '', second = '', third = '']: string[]): { found: QuestionWord[]; count: number } {
  const one = (...found: QuestionWord[]) => ({ found, count: 1 });
  const day = readDay([word, second, third]);
  if (day !== null) {
    const text = [word, second, third].slice(0, day.count).join(' ');
    return {
      found: ['part' in day ? { kind: 'part', part: day.part, text } : { kind: 'day', day: day.day, text }],
      count: day.count,
    };
  }
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
  const relative = readRelative(word);
  if (relative !== null) return one(...relative);
  const duration = readDuration(word);
  if (duration !== null) return one({ kind: 'duration', duration, text: word });
  const moment = readMoment(word, /^[ap]m$/i.test(second) ? second : '');
  if (moment !== null) return { found: moment, count: /^[ap]m$/i.test(second) && /[:.]/.test(word) ? 2 : 1 };
  const alone = word.length > 1 ? unitNamed(word) : null;
  if (alone !== null) return one({ kind: 'unit', duration: alone, text: word });
  const zone = zoneNamed(word);
  if (zone !== null) return one({ kind: 'zone', zone, text: word });
  return one({ kind: 'other', text: word });
}

/** Parses "-15m", "+15m" and "now-15m", as command lines and dashboards write them. */
function readRelative(text: string): QuestionWord[] | null {
  const [, start = '', amount = ''] = /^(now-|-|[+])([0-9].*)$/i.exec(text) ?? [];
  const duration = amount === '' ? null : readDuration(amount);
  if (duration === null) return null;
  const word: QuestionWord = { kind: 'duration', duration, text };
  if (start === '-') return [{ kind: 'last', text }, word];
  return start === '+' ? [{ kind: 'for', text }, word] : [word, { kind: 'ago', text }];
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

/** A dot between hour and minutes only before am or pm: 14.10 may be a day. */
const CLOCK = '(?:[0-9]{1,2}(?::[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)?(?:[ap]m)?|[0-9]{1,2}[.][0-9]{2}[ap]m)';
const OFFSET = 'Z|[+-][0-9]{1,2}:?[0-9]{2}';
const RANGE = new RegExp(`^(${CLOCK})(Z?)-(${CLOCK}|now)(Z?)$`, 'i');
const MOMENT = new RegExp(`^(?:([0-9]{4}-[0-9]{2}-[0-9]{2})[T_])?(${CLOCK})(${OFFSET})?$`, 'i');

/** Parses a time, a date with time, or a range of times in one word: "02:40", "2026-11-20T02:40Z", "2:40-2:55am". */
function readMoment(word: string, halfAfter: string): QuestionWord[] | null {
  const stamps = readStamps(word) ?? readCompact(word);
  if (stamps !== null) return stamps;
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

/** Parses Unix times in seconds or milliseconds: "1763607600", "1763607600-1763608500". */
function readStamps(word: string): QuestionWord[] | null {
  if (!/^1[0-9]{9}(?:[0-9]{3})?(?:-1[0-9]{9}(?:[0-9]{3})?)?$/.test(word)) return null;
  return linked(word.split('-'), (text) => {
    const at = text.length === 10 ? Number(text) * SECOND : Number(text);
    return [
      { kind: 'day', day: { day: at - (at % DAY) }, text },
      { kind: 'time', time: { timeOfDay: at % DAY, half: null }, text },
      { kind: 'zone', zone: 'UTC', text },
    ];
  });
}

/** Parses a 24-hour clock without a colon: "0240Z", "0240-0255". Not "0240" alone, a number. */
function readCompact(word: string): QuestionWord[] | null {
  if (!/^(?:[0-9]{4}Z|[0-9]{4}(Z?)-[0-9]{4}\1)$/i.test(word)) return null;
  const times = word.split('-').map((text) => ({ text, time: readClock(`${text.slice(0, 2)}:${text.slice(2, 4)}`) }));
  if (times.some(({ time }) => time === null)) return null;
  return linked(times, ({ text, time }) => [
    { kind: 'time', time: time ?? MIDNIGHT, text },
    ...zoneWord(text.slice(4)),
  ]);
}

/** The words of one moment, or of two with a dash between them. */
const linked = <T>(moments: readonly T[], read: (moment: T) => QuestionWord[]): QuestionWord[] =>
  moments.flatMap((moment, index) => [...(index > 0 ? [{ kind: 'dash' as const, text: '-' }] : []), ...read(moment)]);

function zoneWord(text: string): QuestionWord[] {
  const zone = text === '' ? null : zoneNamed(text);
  return zone === null ? [] : [{ kind: 'zone', zone, text }];
}

/** Parses "2:40", "02:40:30.5", "2pm", "24:00"; null for an impossible time. */
function readClock(text: string): ClockTime | null {
  if (text === '24:00') return { timeOfDay: DAY, half: null };
  const match = /^([0-9]{1,2})(?::([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?(am|pm)?$/i.exec(
    text.replace(/^([0-9]{1,2})[.](?=[0-9]{2}[ap]m$)/i, '$1:'),
  );
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
