/**
 * Parses time zones as typed, and computes their clocks. A zone is a string that Intl accepts: an IANA name, "UTC" or
 * an offset such as "+05:30". Daylight saving rules come from the ICU data in Node.js.
 */
import { ownValue } from '../format/own-value.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

/**
 * Abbreviations mean the local time of the place, since people write CET in summer too. Some are ambiguous (IST, CST,
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

/** Returns the zone a word names: "CET", "UTC+1", "+05:30", "Europe/Berlin"; null for any other word. */
export function zoneNamed(word: string): string | null {
  const known = ownValue(ABBREVIATIONS, word.toLowerCase());
  if (known !== undefined) return known;
  const offset = /^(?:utc|gmt)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?$/i.exec(word);
  if (offset !== null) return offsetZone(offset[1] === '-' ? -1 : 1, Number(offset[2]), Number(offset[3] ?? 0));
  return /^[A-Za-z_]+(?:\/[A-Za-z_+-]+){1,2}$/.test(word) ? canonicalZone(word) : null;
}

/** Returns the zone as Intl spells it; null if Intl does not know the name. */
export function canonicalZone(name: string): string | null {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/** Returns the zone of a city or country that has one of its own: "Berlin" to "Europe/Berlin"; null for any other word. */
export function zoneOfCity(city: string): string | null {
  const name = city.trim().replaceAll(' ', '_');
  return (
    Intl.supportedValuesOf('timeZone').find((zone) => zone.split('/').length === 2 && zone.endsWith(`/${name}`)) ?? null
  );
}

/** Zones are ahead of UTC by at most 14 hours. */
function offsetZone(sign: 1 | -1, hours: number, minutes: number): string | null {
  if (hours > 14 || minutes > 59) return null;
  if (hours === 0 && minutes === 0) return 'UTC';
  return `${sign < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
}

/** Milliseconds the zone is ahead of UTC at `at`, epoch milliseconds. */
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

/** A calendar day in any zone, as its midnight in UTC, epoch milliseconds. */
export type Day = number;

/** Returns the calendar day in a zone at a moment. */
export const dayAt = (zone: string, at: number): Day => Math.floor((at + offsetAt(zone, at)) / DAY) * DAY;

/**
 * Returns the moment a zone's clocks show this time of day, epoch milliseconds. A time that daylight saving skips uses
 * the offset before the change; a time that occurs twice means the first.
 */
export function momentOf(zone: string, day: Day, timeOfDay: number): number {
  const wall = day + timeOfDay;
  const before = offsetAt(zone, wall - DAY / 2);
  const after = offsetAt(zone, wall + DAY / 2);
  const [first, second] = [wall - before, wall - after];
  if (offsetAt(zone, first) === before) return first;
  return offsetAt(zone, second) === after ? second : first;
}

/** Returns the latest moment with this time of day that is not after `limit`. */
export function latestMoment(zone: string, timeOfDay: number, limit: number): number {
  const today = dayAt(zone, limit);
  const sameDay = momentOf(zone, today, timeOfDay);
  return sameDay > limit ? momentOf(zone, today - DAY, timeOfDay) : sameDay;
}

/** Formats the local time in a zone: "02:40", with seconds unless they are 0. */
export function clockIn(zone: string, at: number): string {
  const wall = new Date(at + offsetAt(zone, at)).toISOString();
  return wall.slice(17, 19) === '00' ? wall.slice(11, 16) : wall.slice(11, 19);
}
