/**
 * The question as a person types it: `my-alb last 15m 502`. Words become a Query here, and a Query becomes a window once the moment
 * is known. What is wrong with a question is a Problem whose message is the sentence to show.
 */

import * as z from 'zod';
import type { Window } from '../evidence/evidence.ts';
import { Problem } from '../problem.ts';
import { quoteInput } from './quote-input.ts';
import { isStatusWord, Status } from './statuses.ts';

export const USAGE = '<load-balancer> [last 15m | from 02:40 to 02:55] [502|504|5xx ...]';

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
const DAY = SECONDS.d * 1000;

/** Seconds that are looked at when the question names no window and there is no incident with one. */
export const DEFAULT_WINDOW = 15 * SECONDS.m;
/** Seconds. The longest window one question may have. */
export const LONGEST_WINDOW = 7 * SECONDS.d;
/** Milliseconds by which a recorded incident is older than its end when it does not say when it was recorded. */
const RECORDED_AFTER = 15 * SECONDS.m * 1000;

const NAME = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?';

/** `<name>-<number>.<region>.elb.amazonaws.com`, with "internal-" or "dualstack." before it. */
const DNS = '[A-Za-z0-9-]{1,80}[.](?:[A-Za-z0-9-]{1,80}[.])?[a-z0-9-]{1,30}[.]elb[.]amazonaws[.]com(?:[.]cn)?[.]?';

/** Names have at most 32 letters, digits and hyphens (API reference, CreateLoadBalancer). */
const LoadBalancer = z
  .string()
  .regex(
    new RegExp(
      `^(?:(?:arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/)?app/${NAME}/[A-Za-z0-9]+|${NAME}|${DNS})$`,
    ),
    {
      error: ({ input }) =>
        `${quoteInput(input)} is not the name of an Application Load Balancer; give its name, its ARN or app/<name>/<id>, such as "my-alb last 15m".`,
    },
  );

/** "90s", "15m", "1h30m", "2d" to seconds. */
const Duration = z
  .string()
  .toLowerCase()
  .regex(/^(?:[0-9]{1,9}(?:[.][0-9]{1,9})?[smhd])+$/, {
    error: ({ input }) =>
      `${quoteInput(input)} is not a duration; use s, m, h and d, such as "last 15m" or "last 1h30m".`,
  })
  .transform(durationSeconds)
  .refine((seconds) => seconds > 0, { error: 'A window of no length holds nothing; ask for one such as "last 15m".' })
  .refine((seconds) => seconds <= LONGEST_WINDOW, {
    error: 'A window is at most 7 days long; ask for a shorter one, such as "last 24h".',
  });

/** "24h" to seconds; null for what is no duration, and for one of more than 7 days. */
export function parseDuration(text: string): number | null {
  const read = Duration.safeParse(text);
  return read.success ? read.data : null;
}

/** A moment as typed: known at once, or a time of day that waits for its date. Epoch milliseconds, milliseconds since midnight UTC. */
const Moment = z.union([z.object({ at: z.number() }), z.object({ timeOfDay: z.number() })]);
type Moment = z.infer<typeof Moment>;

const TIME_EXAMPLE = 'use 02:40, 2026-11-20T02:40 or 2026-11-20T02:40:00Z, in UTC unless it has an offset';

const Time = z.string().transform((text, context): Moment => {
  const moment = parseMoment(text);
  if (moment !== null) return moment;
  context.addIssue({ code: 'custom', message: `${quoteInput(text)} is not a time; ${TIME_EXAMPLE}.` });
  return z.NEVER;
});

export const ParsedQuestion = z.object({
  /** Name, ARN, "app/name/id" or DNS name; null when the question leaves it to the incident. */
  loadBalancer: LoadBalancer.nullable(),
  /** Null when the question names none. `last` in seconds. */
  window: z.union([z.object({ last: z.number().positive() }), z.object({ from: Moment, to: Moment })]).nullable(),
  /** Exact statuses and classes, each once, in the order asked; null when the question names none. */
  statuses: z.array(Status).nonempty().nullable(),
});
export type ParsedQuestion = z.infer<typeof ParsedQuestion>;

/** Reads a question; throws a Problem (exit code 1) that says what is wrong with it, where, and how it should look. */
export function parseQuestion(text: string): ParsedQuestion {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  const statuses: string[] = [];
  let loadBalancer: string | null = null;
  let window: ParsedQuestion['window'] = null;

  for (let index = 0; index < words.length; ) {
    const word = words[index] ?? '';
    const keyword = word.toLowerCase();
    if (keyword === 'last' || keyword === 'from') {
      if (window !== null)
        throw questionProblem(
          `${quoteInput(word)} starts a second window; ask for one, such as "my-alb from 02:40 to 02:55".`,
        );
      const rest = words.slice(index + 1);
      const read = keyword === 'last' ? readLast(rest) : readFromTo(rest);
      window = read.window;
      index += 1 + read.words;
    } else if (isStatusWord(word)) {
      statuses.push(parseOrThrow(Status, word));
      index += 1;
    } else if (index === 0) {
      loadBalancer = parseOrThrow(LoadBalancer, word);
      index += 1;
    } else {
      throw questionProblem(
        `${quoteInput(word)} is neither a window nor a status; the question is ${USAGE}, such as "my-alb last 15m 502".`,
      );
    }
  }
  return parseOrThrow(ParsedQuestion, {
    loadBalancer,
    window,
    statuses: statuses.length > 0 ? [...new Set(statuses)] : null,
  });
}

/** When a question is asked: `now`, and the window of the incident it is about. A recorded incident may not say when now was. */
export type WindowContext = { now: number; window?: Window } | { now: null; window: Window };

/**
 * The window a query means. Without one it is the incident's own, else the last 15 minutes. `last` counts back from now, or from the
 * end of an incident that has no now. A time of day is the latest that is not after now; beside a moment with a date it is the nearest
 * that makes a window with it. A window from 23:50 to 00:10 spans midnight; one that would take more than half a day to do so is
 * reversed. Throws a Problem (exit code 1) for a window that is empty, reversed, longer than 7 days or in the future.
 */
export function resolveWindow(
  parsed: Pick<ParsedQuestion, 'window'>,
  { now, window: incident }: WindowContext,
): Window {
  const requested = parsed.window;
  const latest = now ?? incident.to + RECORDED_AFTER;
  if (requested === null) return incident ?? { from: latest - DEFAULT_WINDOW * 1000, to: latest };
  if ('last' in requested) {
    const to = now ?? incident.to;
    return { from: to - requested.last * 1000, to };
  }
  const window = datedWindow(requested, latest);
  assertValidWindow(window, now);
  return window;
}

/**
 * A sentence for whoever names the times of a window that is not over: it is taken for that of the day before. Null where there is no
 * such doubt.
 */
export function previousDayNote(
  { window: requested }: Pick<ParsedQuestion, 'window'>,
  { from, to }: Window,
  now: number,
): string | null {
  if (requested === null || 'last' in requested || 'at' in requested.from || 'at' in requested.to) return null;
  const begun = now - (from + DAY);
  if (begun <= 0) return null;
  const [start, end] = [from, to].map((ms) => new Date(ms).toISOString().slice(11, 16));
  return `This is ${start} to ${end} UTC of ${new Date(from).toISOString().slice(0, 10)}, since that of today is not over; for what there is of today ask for the last ${Math.ceil(begun / 60_000)}m.`;
}

function readLast(rest: string[]): { window: ParsedQuestion['window']; words: number } {
  const [duration] = rest;
  if (duration === undefined) throw questionProblem('"last" needs a duration, such as "last 15m".');
  return { window: { last: parseOrThrow(Duration, duration) }, words: 1 };
}

function readFromTo(rest: string[]): { window: ParsedQuestion['window']; words: number } {
  const from = readTime(rest, 'from');
  const to = rest[from.words];
  if (to?.toLowerCase() !== 'to')
    throw questionProblem(
      `"from" needs a "to" after its time${to === undefined ? '' : `, not ${quoteInput(to)}`}, such as "from 02:40 to 02:55".`,
    );
  const end = readTime(rest.slice(from.words + 1), 'to');
  return { window: { from: from.moment, to: end.moment }, words: from.words + 1 + end.words };
}

/** A date and a time may stand apart: "2026-11-20 02:40". */
function readTime(rest: string[], after: 'from' | 'to'): { moment: Moment; words: number } {
  const [first, second] = rest;
  if (first === undefined) throw questionProblem(`"${after}" needs a time; ${TIME_EXAMPLE}.`);
  const apart = /^[0-9-]+$/.test(first) && second !== undefined && /^[0-9]{1,2}:/.test(second);
  return apart
    ? { moment: parseOrThrow(Time, `${first}T${second}`), words: 2 }
    : { moment: parseOrThrow(Time, first), words: 1 };
}

function parseMoment(text: string): Moment | null {
  const match =
    /^(?:([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T|$))?(?:([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.]([0-9]{1,9}))?)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?$/i.exec(
      text,
    );
  if (match === null) return null;
  const [, date, hours, minutes = '0', seconds = '0', fraction = '', offset] = match;
  if ((date === undefined || text.toUpperCase().includes('T')) && hours === undefined) return null;
  const time = { hours: Number(hours ?? 0), minutes: Number(minutes), seconds: Number(seconds) };
  if (time.hours > 23 || time.minutes > 59 || time.seconds > 59) return null;
  const timeOfDay =
    ((time.hours * 60 + time.minutes) * 60 + time.seconds) * 1000 + Number(fraction.padEnd(3, '0').slice(0, 3));
  const ahead = offsetMs(offset);
  if (ahead === null) return null;
  if (date === undefined) return ahead === 0 ? { timeOfDay } : { timeOfDay: (((timeOfDay - ahead) % DAY) + DAY) % DAY };
  const midnight = Date.parse(`${date}T00:00:00Z`);
  // Date.parse takes 31 February for 3 March.
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== date) return null;
  return { at: midnight + timeOfDay - ahead };
}

/** "+05:30" to the milliseconds it is ahead of UTC; null for an offset that does not exist. */
function offsetMs(offset: string | undefined): number | null {
  if (offset === undefined || offset.toUpperCase() === 'Z') return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(-2));
  if (hours > 14 || minutes > 59) return null;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * SECONDS.m * 1000;
}

function durationSeconds(text: string): number {
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)([smhd])/g))
    seconds += Number(amount) * SECONDS[unit as keyof typeof SECONDS];
  return seconds;
}

function datedWindow({ from, to }: { from: Moment; to: Moment }, latest: number): Window {
  if ('at' in from) return { from: from.at, to: 'at' in to ? to.at : latestAt(to.timeOfDay, from.at + DAY) };
  const end = 'at' in to ? to.at : latestAt(to.timeOfDay, latest);
  const start = latestAt(from.timeOfDay, end);
  // 23:50 to 00:10 spans midnight; 02:55 to 02:40 is more likely reversed than most of a day long.
  const isReversed = !('at' in to) && from.timeOfDay > to.timeOfDay && end - start > DAY / 2;
  return { from: isReversed ? start + DAY : start, to: end };
}

/** The latest moment with this time of day that is not after `limit`. */
function latestAt(timeOfDay: number, limit: number): number {
  const sameDay = Math.floor(limit / DAY) * DAY + timeOfDay;
  return sameDay > limit ? sameDay - DAY : sameDay;
}

function assertValidWindow({ from, to }: Window, now: number | null): void {
  const named = `The window from ${utc(from)} to ${utc(to)}`;
  if (from === to)
    throw questionProblem(`${named} has no length; end it later than it begins, such as "from 02:40 to 02:55".`);
  if (from > to)
    throw questionProblem(`${named} is reversed; put the earlier time first, such as "from 02:40 to 02:55".`);
  if (now !== null && from >= now)
    throw questionProblem(
      `${named} is in the future, as it is ${utc(now)} now; ask for one that has begun, such as "last 15m".`,
    );
  if (to - from > LONGEST_WINDOW * 1000)
    throw questionProblem(`${named} is longer than 7 days; ask for a shorter one, such as "last 24h".`);
}

const utc = (ms: number) => new Date(ms).toISOString().replace(/[.]000Z$/, 'Z');

function parseOrThrow<Output>(schema: z.ZodType<Output, unknown>, value: unknown): Output {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw questionProblem(result.error.issues[0]?.message ?? `The question is ${USAGE}.`);
}

const questionProblem = (sentence: string) => new Problem(sentence, 1);
