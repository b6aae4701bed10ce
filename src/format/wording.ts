/** Formats numbers and times for sentences: named units, UTC, no more digits than were measured. */

/** 71204 → "71,204". */
export const number = (value: number): string => grouped(Math.round(value));

/** Adds commas between thousands; expects at most three decimal places. Not Intl, which takes 10 ms to load. */
export const grouped = (value: number): string => String(value).replace(/\d(?=(?:\d{3})+(?:[.]|$))/g, '$&,');

/** 1, "error" → "1 error"; 2 → "2 errors". */
export const plural = (value: number, noun: string, nouns = `${noun}s`): string =>
  `${number(value)} ${Math.round(value) === 1 ? noun : nouns}`;

/** 146, 149 → "146 of 149". */
export const outOf = (part: number, whole: number): string => `${number(part)} of ${number(whole)}`;

/**
 * Starts a sentence: 125, 125 → "All 125 failed requests"; 16, 24 → "16 of 24 failed requests"; 1, 1 → "The failed
 * request". `closed`: "All 125 requests whose connection was closed".
 */
export function requestsOf(part: number, whole: number, kind: 'failed' | 'closed' = 'failed'): string {
  const name = (noun: string) => (kind === 'failed' ? `failed ${noun}` : `${noun} whose connection was closed`);
  if (number(part) !== number(whole)) return `${outOf(part, whole)} ${name('requests')}`;
  if (number(whole) !== '1') return `All ${number(whole)} ${name('requests')}`;
  return kind === 'failed' ? 'The failed request' : 'The request whose connection was closed';
}

/** Formats a share from 0 to 1: "0.21 %", "97 %"; "100 %" only for all. */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value >= 100) return `${Math.min(100, value)} %`;
  if (value < 0.01) return 'under 0.01 %';
  if (value >= 99.5) return `${Math.min(99.9, Math.floor(value * 10) / 10).toFixed(1)} %`;
  return `${value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2)} %`;
}

/** 0.0042 → "4 ms", 5 → "5.00 s", 12.763 → "12.8 s". */
export function seconds(value: number): string {
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 10) return `${value.toFixed(2)} s`;
  return `${value.toFixed(1)} s`;
}

/** Largest distance from a round time, as a share, at which a measured time is written as the round one. */
const NEARLY = 0.1;

/** A measured time for a headline: 6.004 → "6 s", 2.41 → "2.4 s", 0.004 → "4 ms". */
export function plainSeconds(value: number): string {
  const round = Math.round(value);
  if (round >= 1 && Math.abs(value - round) <= NEARLY) return wholeSeconds(round);
  return value < 1 ? seconds(value) : `${value.toFixed(1)} s`;
}

/** A configured number of whole seconds: "60 s". */
export const wholeSeconds = (value: number): string => `${value} s`;

/** Seconds → "45 s", "1 min 40 s", "6 min", "2 h": to the second below five minutes. */
export function shortDuration(value: number): string {
  const whole = Math.round(value);
  if (whole < 90) return `${whole} s`;
  if (whole < 300) return `${Math.floor(whole / 60)} min${whole % 60 === 0 ? '' : ` ${whole % 60} s`}`;
  return whole < 7200 ? `${Math.round(whole / 60)} min` : `${Math.round(whole / 3600)} h`;
}

/** Epoch milliseconds → "02:47:20 UTC". */
export const utcTime = (ms: number): string => `${new Date(ms).toISOString().slice(11, 19)} UTC`;

/** Epoch milliseconds → "02:47 UTC". */
export const utcMinute = (ms: number): string => `${iso(ms).slice(11, 16)} UTC`;

/** Seconds between two epoch milliseconds as displayed: 04:20:59 is 1 s after 04:20:58. */
export const secondsBetween = (earlier: number, later: number): number =>
  Math.floor(later / 1000) - Math.floor(earlier / 1000);

/** Two epoch milliseconds → "02:40:14 to 02:54:27 UTC"; names the days if they differ. */
export function utcTimeSpan(from: number, to: number, link: 'to' | 'to at least' = 'to'): string {
  const [day, nextDay] = [iso(from).slice(0, 10), iso(to).slice(0, 10)];
  return day === nextDay
    ? `${iso(from).slice(11, 19)} ${link} ${utcTime(to)}`
    : `${day} ${iso(from).slice(11, 19)} ${link} ${nextDay} ${utcTime(to)}`;
}

/** Epoch milliseconds → "2026-11-20T02:40:00.000Z". */
export const iso = (ms: number): string => new Date(ms).toISOString();

/** "a", "a and b", "a, b and c"; items beyond `limit` become a count. `last`: "or" after a negation. */
export function list(items: readonly string[], limit = 4, last: 'and' | 'or' = 'and'): string {
  const visibleItems =
    items.length > limit ? [...items.slice(0, limit - 1), `${items.length - limit + 1} more`] : items;
  return visibleItems.length < 2
    ? visibleItems.join('')
    : `${visibleItems.slice(0, -1).join(', ')} ${last} ${visibleItems[visibleItems.length - 1]}`;
}

/** Formats the smallest and largest duration: "1 ms", "1 ms to 3 ms". */
export function durationSpread(values: readonly number[]): string {
  if (values.length === 0) return 'none';
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return seconds(low) === seconds(high) ? seconds(low) : `${seconds(low)} to ${seconds(high)}`;
}

/** "worker timeout in the target" → "Worker timeout in the target". */
export const sentenceCase = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

/**
 * Lower-cases the article of a title inside a sentence, as in "A security group"; "TLS handshake" and "Lambda" keep
 * their capitals.
 */
export const inSentence = (title: string): string =>
  /^(?!Lambda )[A-Z](?:[a-z]| )/.test(title) ? title.charAt(0).toLowerCase() + title.slice(1) : title;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Formats the UTC day of epoch milliseconds: "18 Nov 2026". */
export function dayName(at: number): string {
  const date = new Date(at);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}
