/**
 * Time zones as people type them, and their clocks. A zone is a string that Intl takes: an IANA name, "UTC" or an offset such as "+05:30".
 * The rules of summer time are those of the ICU data in Node.js.
 */

const MINUTE = 60_000;
const DAY = 86_400_000;

/**
 * Abbreviations are read as the clock on the wall of the place: people write CET in summer too. Some have several meanings (IST, CST,
 * BST), so the answer names the zone.
 */
const ABBREVIATIONS: Record<string, string> = {
  utc: 'UTC',
  gmt: 'UTC',
  z: 'UTC',
  zulu: 'UTC',
  cet: 'Europe/Paris',
  cest: 'Europe/Paris',
  wet: 'Europe/Lisbon',
  west: 'Europe/Lisbon',
  eet: 'Europe/Athens',
  eest: 'Europe/Athens',
  bst: 'Europe/London',
  msk: 'Europe/Moscow',
  trt: 'Europe/Istanbul',
  gst: 'Asia/Dubai',
  ist: 'Asia/Kolkata',
  sgt: 'Asia/Singapore',
  hkt: 'Asia/Hong_Kong',
  jst: 'Asia/Tokyo',
  kst: 'Asia/Seoul',
  awst: 'Australia/Perth',
  aest: 'Australia/Sydney',
  aedt: 'Australia/Sydney',
  nzst: 'Pacific/Auckland',
  nzdt: 'Pacific/Auckland',
  brt: 'America/Sao_Paulo',
  et: 'America/New_York',
  est: 'America/New_York',
  edt: 'America/New_York',
  ct: 'America/Chicago',
  cst: 'America/Chicago',
  cdt: 'America/Chicago',
  mt: 'America/Denver',
  mst: 'America/Denver',
  mdt: 'America/Denver',
  pt: 'America/Los_Angeles',
  pst: 'America/Los_Angeles',
  pdt: 'America/Los_Angeles',
};

/** The zone that a word names: "CET", "UTC+1", "+05:30", "Europe/Berlin"; null for any other word. */
export function zoneNamed(word: string): string | null {
  const known = ABBREVIATIONS[word.toLowerCase()];
  if (known !== undefined) return known;
  const offset = /^(?:utc|gmt)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?$/i.exec(word);
  if (offset !== null) return offsetZone(offset[1] === '-' ? -1 : 1, Number(offset[2]), Number(offset[3] ?? 0));
  return /^[A-Za-z_]+(?:\/[A-Za-z_+-]+){1,2}$/.test(word) ? canonicalZone(word) : null;
}

/** The zone as Intl spells it; null where Intl has none of this name. */
export function canonicalZone(name: string): string | null {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/** Zones are ahead of UTC by at most 14 hours. */
function offsetZone(sign: 1 | -1, hours: number, minutes: number): string | null {
  if (hours > 14 || minutes > 59) return null;
  if (hours === 0 && minutes === 0) return 'UTC';
  return `${sign < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
}

/** Milliseconds by which the clocks of a zone are ahead of UTC at a moment, epoch milliseconds. */
function offsetAt(zone: string, at: number): number {
  if (zone === 'UTC') return 0;
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((one) => one.type === type)?.value);
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return Math.round((wall - at) / MINUTE) * MINUTE;
}

/** A day as its midnight in UTC, epoch milliseconds, whatever zone it is a day of. */
export type Day = number;

/** The day that the calendar of a zone shows at a moment. */
export const dayAt = (zone: string, at: number): Day => Math.floor((at + offsetAt(zone, at)) / DAY) * DAY;

/**
 * The moment at which the clocks of a zone show a time of a day, epoch milliseconds. A time that summer time skips is read with the offset
 * before it; of one that comes twice, the first is taken.
 */
export function momentOf(zone: string, day: Day, timeOfDay: number): number {
  const wall = day + timeOfDay;
  const before = offsetAt(zone, wall - DAY / 2);
  const after = offsetAt(zone, wall + DAY / 2);
  const [first, second] = [wall - before, wall - after];
  if (offsetAt(zone, first) === before) return first;
  return offsetAt(zone, second) === after ? second : first;
}

/** The latest moment with this time of day that is not after `limit`. */
export function latestMoment(zone: string, timeOfDay: number, limit: number): number {
  const today = dayAt(zone, limit);
  const sameDay = momentOf(zone, today, timeOfDay);
  return sameDay > limit ? momentOf(zone, today - DAY, timeOfDay) : sameDay;
}

/** "02:40", with seconds where there are some: what a clock in the zone shows. */
export function clockIn(zone: string, at: number): string {
  const wall = new Date(at + offsetAt(zone, at)).toISOString();
  return wall.slice(17, 19) === '00' ? wall.slice(11, 16) : wall.slice(11, 19);
}
