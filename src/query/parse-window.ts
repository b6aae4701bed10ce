/** Parses the window words of a question into a window, before the current time is known. Pure. */
import type { DayWord, PartOfDay } from './day-words.ts';
import type { ClockTime, QuestionWord } from './question-words.ts';

/**
 * A moment as typed. `time`: milliseconds since midnight, null for the whole day or part of it. `zone`: Intl name, null
 * for the question's zone. `ago`: milliseconds.
 */
export type TypedMoment =
  | { now: true }
  | { ago: number }
  | { day: DayWord | null; time: number | null; zone: string | null; part?: PartOfDay };

/** `last`: milliseconds. `at`: a moment, for the time around it. `to`: null for an open window. */
export type TypedWindow =
  | { last: number }
  | { at: TypedMoment }
  | { from: TypedMoment; to: TypedMoment | null; length: number | null };

/** `zone`: Intl name of the first zone typed. `misread`: the word that does not fit. */
type WindowReading = { window: TypedWindow | null; zone: string | null } | { misread: string };

type Word = QuestionWord;
const isPoint = (word: Word | undefined): boolean =>
  word !== undefined && ['time', 'day', 'part', 'now'].includes(word.kind);

/** Parses the words of a window in order; ignores linking words between them. */
export function parseWindow(all: readonly QuestionWord[]): WindowReading {
  const words = meaningfulWords(all);
  const reader = { words, at: 0 };
  const window = readWindow(reader);
  if (window !== null && 'misread' in window) return window;
  const zone = words.find((word) => word.kind === 'zone')?.zone ?? null;
  // A zone after a duration only says how to show the window.
  const rest = words.slice(reader.at).find(({ kind }, index) => kind !== 'zone' || index > 0);
  return rest === undefined ? { window, zone } : { misread: rest.text };
}

/** Drops "for", "to" and similar words except between times; "1h and 30m" is one duration. */
function meaningfulWords(all: readonly Word[]): Word[] {
  const isBetween = all.some(({ kind, text }) => kind === 'from' && text.toLowerCase() === 'between');
  return all.flatMap((word, index): Word[] => {
    const next = all[index + 1];
    const before = all[index - 1];
    const isAfterPoint = isPoint(before) || before?.kind === 'zone' || before?.kind === 'ago';
    if (word.kind === 'and') return isBetween && isAfterPoint ? [{ kind: 'to', text: word.text }] : [];
    if (word.kind === 'dash') return isAfterPoint && isPoint(next) ? [{ kind: 'to', text: word.text }] : [];
    if (word.kind === 'to') return isAfterPoint || isPoint(next) ? [word] : [];
    if (word.kind === 'for') return isAfterPoint && next?.kind === 'duration' ? [word] : [];
    if (word.kind === 'from') return next?.kind === 'last' ? [] : [word];
    // "last Monday" and "last evening" are days.
    if (word.kind === 'last') return next?.kind === 'day' || next?.kind === 'part' ? [] : [word];
    return [word];
  });
}

interface Reader {
  words: readonly Word[];
  at: number;
}

function readWindow(reader: Reader): TypedWindow | { misread: string } | null {
  const { words } = reader;
  const [first] = words;
  if (first === undefined) return null;
  if (first.kind === 'last') {
    reader.at = 1;
    const unit = words[1]?.kind === 'unit' ? words[1].duration : null;
    if (unit !== null) reader.at = 2;
    const last = unit ?? readDurations(reader);
    return last === null ? { misread: first.text } : { last };
  }
  const isOpen = first.kind === 'from';
  if (isOpen) reader.at = 1;
  if (!isOpen && first.kind === 'duration') {
    const last = readDurations(reader) ?? 0;
    if (words[reader.at]?.kind === 'from') return readLengthFrom(reader, last);
    if (words[reader.at]?.kind !== 'ago') return { last };
    reader.at = 0;
  }
  const from = readMoment(reader, !isOpen);
  if (from === null) {
    // "since 2 hours".
    const last = isOpen && reader.at === 1 ? readDurations(reader) : null;
    return last === null ? { misread: first.text } : { last };
  }
  const linked = words[reader.at];
  if (linked?.kind === 'for') {
    reader.at += 1;
    const length = readDurations(reader);
    return length === null ? { misread: linked.text } : { from: typed(from), to: null, length };
  }
  if (linked?.kind !== 'to') {
    const isSince = isOpen || from.hasFrom;
    if (isSince) return { from: typed(from), to: null, length: null };
    return {
      at: from.daysAgo === null ? typed(from) : { day: { daysAgo: from.daysAgo }, time: null, zone: from.zone },
    };
  }
  reader.at += 1;
  const to = readMoment(reader, false);
  if (to === null) return { misread: linked.text };
  const [start, end] = sameHalf(from, to);
  return { from: typed(start), to: typed(end), length: null };
}

/** Reads "20 minutes from 02:40", whose length has been read. */
function readLengthFrom(reader: Reader, length: number): TypedWindow | { misread: string } {
  const link = reader.words[reader.at];
  reader.at += 1;
  const from = readMoment(reader, false);
  return from === null || from.other !== null ? { misread: link?.text ?? '' } : { from: typed(from), to: null, length };
}

/** Reads consecutive durations as one, such as "1h 30m". Milliseconds; null without a duration. */
function readDurations(reader: Reader): number | null {
  let sum: number | null = null;
  for (let word = reader.words[reader.at]; word?.kind === 'duration'; word = reader.words[reader.at]) {
    sum = (sum ?? 0) + word.duration;
    reader.at += 1;
  }
  return sum;
}

interface ReadMoment {
  day: DayWord | null;
  part: PartOfDay | null;
  time: ClockTime | null;
  other: { now: true } | { ago: number } | null;
  /** Set for "2 days ago", the whole day unless a time follows. */
  daysAgo: number | null;
  zone: string | null;
  /** True for "yesterday from 14:00", where the day precedes "from". */
  hasFrom: boolean;
}

/** Reads a day, a part of it, a time and a zone in any order, each at most once. */
function readMoment(reader: Reader, isFirst: boolean): ReadMoment | null {
  const read: ReadMoment = {
    day: null,
    part: null,
    time: null,
    other: null,
    daysAgo: null,
    zone: null,
    hasFrom: false,
  };
  for (;;) {
    const word = reader.words[reader.at];
    const isDay = read.day !== null || read.part !== null;
    const isPlain = !isDay && read.time === null && read.other === null;
    if (word?.kind === 'day' && read.day === null && read.other === null) read.day = word.day;
    else if (word?.kind === 'part' && read.part === null && read.other === null) read.part = word.part;
    else if (word?.kind === 'time' && read.time === null && (read.other === null || read.daysAgo !== null)) {
      read.time = word.time;
      if (read.daysAgo !== null) Object.assign(read, { day: { daysAgo: read.daysAgo }, other: null, daysAgo: null });
    } else if (word?.kind === 'now' && isPlain) read.other = { now: true };
    else if (word?.kind === 'from' && isFirst && isDay && read.time === null) read.hasFrom = true;
    else if (word?.kind === 'duration' && isPlain) {
      const start = reader.at;
      const ago = readDurations(reader) ?? 0;
      if (reader.words[reader.at]?.kind !== 'ago') {
        reader.at = start;
        break;
      }
      read.other = { ago };
      read.daysAgo = /(?:d|w|days?|weeks?)$/i.test(word.text) && ago % DAY === 0 ? ago / DAY : null;
    } else if (word?.kind === 'zone' && read.zone === null) read.zone = word.zone;
    else break;
    reader.at += 1;
  }
  if (read.day === null && read.part === null && read.time === null && read.other === null) return null;
  return inPart(read);
}

/** "Yesterday evening 9:15" is 21:15, "last night at 2" is 02:00, and "last night at 11" is 23:00. */
function inPart(read: ReadMoment): ReadMoment {
  const { part, time } = read;
  if (part === null || time === null) return read;
  const hour = time.timeOfDay / HOUR;
  const isLate = part === 'afternoon' || part === 'evening' || (part !== 'morning' && hour >= 6);
  const half = isLate ? 'pm' : 'am';
  if (time.half !== null || hour >= 12) return { ...read, part: null };
  return { ...read, part: null, time: { timeOfDay: time.timeOfDay + (isLate ? HALF_DAY : 0), half } };
}

const typed = ({ day, part, time, zone, other }: ReadMoment): TypedMoment =>
  other ?? { day, time: time?.timeOfDay ?? null, zone, ...(part === null ? {} : { part }) };

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const HALF_DAY = 12 * HOUR;

/** Completes am or pm: "2:40-2:55pm" lies in the afternoon, "11:40-12:10pm" starts in the morning. */
function sameHalf(from: ReadMoment, to: ReadMoment): [ReadMoment, ReadMoment] {
  const [start, end] = [from.time, to.time];
  if (start === null || end === null || (start.half === null) === (end.half === null)) return [from, to];
  const open = start.half === null ? start : end;
  if (open.timeOfDay >= 13 * HOUR || open.timeOfDay < HOUR) return [from, to];
  const morning = open.timeOfDay % HALF_DAY;
  const choices = (end.half ?? start.half) === 'pm' ? [morning + HALF_DAY, morning] : [morning, morning + HALF_DAY];
  const isOrdered = (time: number) => (open === start ? time < end.timeOfDay : time > start.timeOfDay);
  // "11pm to 2" and "11 to 2am" span midnight.
  const timeOfDay = choices.find(isOrdered) ?? (open === start ? morning + HALF_DAY : morning);
  const read = { timeOfDay, half: open.half };
  return open === start ? [{ ...from, time: read }, to] : [from, { ...to, time: read }];
}
