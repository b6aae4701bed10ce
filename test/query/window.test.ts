/** Windows as people type them, asked on Friday, 20 November 2026, 03:00 UTC. */
import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/problem.ts';
import { parseQuestion } from '../../src/query/parse-question.ts';
import { DEFAULT_WINDOW, resolveWindow, windowReading } from '../../src/query/window.ts';
import { fc } from '../support/property.ts';

const NOW = Date.parse('2026-11-20T03:00:00Z');
const MINUTE = 60_000;

const at = (text: string) => Date.parse(text);
const short = ({ from, to }: { from: number; to: number }) =>
  [from, to].map((time) => new Date(time).toISOString().replace(/(:00)?[.]000Z$/, ''));

/** The window of the words, asked at NOW by a person in a zone. */
const windowOf = (text: string, now = NOW, asker = 'UTC') => {
  const question = parseQuestion(`my-alb ${text}`);
  return short(resolveWindow({ ...question, zone: question.zone ?? asker }, { now }));
};

function sentence(ask: () => unknown): string {
  try {
    ask();
  } catch (problem) {
    if (problem instanceof Problem && problem.exitCode === 1) return problem.message;
    throw problem;
  }
  throw new Error('the window was accepted');
}

describe('a window', () => {
  it.each([
    ['', '2026-11-20T02:45', '2026-11-20T03:00'],
    ['15m', '2026-11-20T02:45', '2026-11-20T03:00'],
    ['last 15m', '2026-11-20T02:45', '2026-11-20T03:00'],
    ['LAST  1H30M', '2026-11-20T01:30', '2026-11-20T03:00'],
    ['last 1 hour and 30 minutes', '2026-11-20T01:30', '2026-11-20T03:00'],
    ['last 2 hours', '2026-11-20T01:00', '2026-11-20T03:00'],
    ['last hour', '2026-11-20T02:00', '2026-11-20T03:00'],
    ['in the past hour', '2026-11-20T02:00', '2026-11-20T03:00'],
    ['past 2h', '2026-11-20T01:00', '2026-11-20T03:00'],
    ['last 120 minutes', '2026-11-20T01:00', '2026-11-20T03:00'],
    ['last 90s', '2026-11-20T02:58:30', '2026-11-20T03:00'],
    ['last week', '2026-11-13T03:00', '2026-11-20T03:00'],
    ['last 15m utc', '2026-11-20T02:45', '2026-11-20T03:00'],
    ['since 02:40', '2026-11-20T02:40', '2026-11-20T03:00'],
    ['from 02:40 to now', '2026-11-20T02:40', '2026-11-20T03:00'],
    ['02:40-now', '2026-11-20T02:40', '2026-11-20T03:00'],
    ['since 2 hours ago', '2026-11-20T01:00', '2026-11-20T03:00'],
    ['from 2h ago to 1h ago', '2026-11-20T01:00', '2026-11-20T02:00'],
    ['since yesterday', '2026-11-19T00:00', '2026-11-20T03:00'],
    ['since yesterday 22:00', '2026-11-19T22:00', '2026-11-20T03:00'],
  ])('ends now: %j', (text, from, to) => {
    expect(windowOf(text)).toEqual([from, to]);
  });

  it.each([
    ['02:40-02:55', '2026-11-20T02:40', '2026-11-20T02:55'],
    ['02:40 – 02:55', '2026-11-20T02:40', '2026-11-20T02:55'],
    ['02:40 to 02:55', '2026-11-20T02:40', '2026-11-20T02:55'],
    ['between 02:40 and 02:55', '2026-11-20T02:40', '2026-11-20T02:55'],
    ['from 2:40 until 2:55:30', '2026-11-20T02:40', '2026-11-20T02:55:30'],
    ['from 02:40 for 15m', '2026-11-20T02:40', '2026-11-20T02:55'],
    ['from 22:00 to 23:00', '2026-11-19T22:00', '2026-11-19T23:00'],
    ['23:50-00:10', '2026-11-19T23:50', '2026-11-20T00:10'],
    ['from 18:00 to 03:00', '2026-11-19T18:00', '2026-11-20T03:00'],
    ['02:40', '2026-11-20T02:25', '2026-11-20T02:55'],
    ['at 02:50', '2026-11-20T02:35', '2026-11-20T03:00'],
    ['2h ago', '2026-11-20T00:45', '2026-11-20T01:15'],
    ['noon', '2026-11-19T11:45', '2026-11-19T12:15'],
  ])('is the latest completed one for times of day: %j', (text, from, to) => {
    expect(windowOf(text)).toEqual([from, to]);
  });

  it.each([
    ['2:40am to 2:55am', '2026-11-20T02:40', '2026-11-20T02:55'],
    ['2:40 am - 2:55 am', '2026-11-20T02:40', '2026-11-20T02:55'],
    ['2:40-2:55pm', '2026-11-19T14:40', '2026-11-19T14:55'],
    ['from 2:40pm to 3', '2026-11-19T14:40', '2026-11-19T15:00'],
    ['11:40-12:10pm', '2026-11-19T11:40', '2026-11-19T12:10'],
    ['10am to 2:30', '2026-11-19T10:00', '2026-11-19T14:30'],
    ['12am to 1am', '2026-11-20T00:00', '2026-11-20T01:00'],
    ['12pm to 1pm', '2026-11-19T12:00', '2026-11-19T13:00'],
    ['2 am', '2026-11-20T01:45', '2026-11-20T02:15'],
  ])('may use a 12-hour clock: %j', (text, from, to) => {
    expect(windowOf(text)).toEqual([from, to]);
  });

  it.each([
    ['yesterday', '2026-11-19T00:00', '2026-11-20T00:00'],
    ['today', '2026-11-20T00:00', '2026-11-20T03:00'],
    ['yesterday 14:00-14:30', '2026-11-19T14:00', '2026-11-19T14:30'],
    ['14:00 to 14:30 yesterday', '2026-11-19T14:00', '2026-11-19T14:30'],
    ['yesterday from 14:00 to 14:30', '2026-11-19T14:00', '2026-11-19T14:30'],
    ['from yesterday 23:50 to 00:10', '2026-11-19T23:50', '2026-11-20T00:10'],
    ['Monday 14:00-14:30', '2026-11-16T14:00', '2026-11-16T14:30'],
    ['last Monday', '2026-11-16T00:00', '2026-11-17T00:00'],
    ['on 18 Nov 02:40-02:55', '2026-11-18T02:40', '2026-11-18T02:55'],
    ['18 Nov 2026 02:40–02:55 UTC', '2026-11-18T02:40', '2026-11-18T02:55'],
    ['November 18th, 02:40 to 02:55', '2026-11-18T02:40', '2026-11-18T02:55'],
    ['24 Dec 02:40-02:55', '2025-12-24T02:40', '2025-12-24T02:55'],
    ['2026-11-18', '2026-11-18T00:00', '2026-11-19T00:00'],
    ['from 2026-11-18 02:40 to 02:55', '2026-11-18T02:40', '2026-11-18T02:55'],
    ['from 2026-11-18 23:50 to 00:10', '2026-11-18T23:50', '2026-11-19T00:10'],
    ['from 23:50 to 2026-11-18 00:10', '2026-11-17T23:50', '2026-11-18T00:10'],
    ['from 2026-11-18T02:40 to 2026-11-18T02:55:10.500', '2026-11-18T02:40', '2026-11-18T02:55:10.500Z'],
    ['from 2026-11-18 to 2026-11-19', '2026-11-18T00:00', '2026-11-19T00:00'],
    ['2026-11-18T02:40Z/2026-11-18T02:55Z', '2026-11-18T02:40', '2026-11-18T02:55'],
    ['from 02:40 to 2026-11-20T03:30Z', '2026-11-20T02:40', '2026-11-20T03:30'],
  ])('may have a day: %j', (text, from, to) => {
    expect(windowOf(text)).toEqual([from, to]);
  });

  it.each([
    // In winter Paris and Berlin are an hour ahead, Los Angeles eight behind.
    ['02:40-02:55 CET', '2026-11-20T01:40', '2026-11-20T01:55'],
    ['02:40 to 02:55 Europe/Berlin', '2026-11-20T01:40', '2026-11-20T01:55'],
    ['14:40 CET', '2026-11-19T13:25', '2026-11-19T13:55'],
    ['from 02:40 PST to 02:55', '2026-11-19T10:40', '2026-11-19T10:55'],
    ['02:40-02:55 UTC+1', '2026-11-20T01:40', '2026-11-20T01:55'],
    ['02:40Z-02:55Z', '2026-11-20T02:40', '2026-11-20T02:55'],
    ['from 03:40+01:00 to 02:55Z', '2026-11-20T02:40', '2026-11-20T02:55'],
    ['from 2026-11-18T02:40:00+05:30 to 2026-11-17T21:20:00Z', '2026-11-17T21:10', '2026-11-17T21:20'],
    ['yesterday CET', '2026-11-18T23:00', '2026-11-19T23:00'],
    // In summer the clocks of Paris show CEST, under either name.
    ['18 Jul 2026 14:00-14:30 CET', '2026-07-18T12:00', '2026-07-18T12:30'],
    ['18 Jul 2026 14:00-14:30 CEST', '2026-07-18T12:00', '2026-07-18T12:30'],
    // 29 March 2026: 02:00 to 03:00 does not exist in Berlin. 25 October 2026: 02:00 to 03:00 comes twice.
    ['from 29 Mar 2026 01:30 to 03:30 Europe/Berlin', '2026-03-29T00:30', '2026-03-29T01:30'],
    ['from 25 Oct 2026 01:30 to 03:30 Europe/Berlin', '2026-10-24T23:30', '2026-10-25T02:30'],
  ])('may have a zone: %j', (text, from, to) => {
    expect(windowOf(text)).toEqual([from, to]);
  });

  it('uses the zone of the asker if no zone is named', () => {
    expect(windowOf('03:40-03:55', NOW, 'Europe/Berlin')).toEqual(['2026-11-20T02:40', '2026-11-20T02:55']);
    expect(windowOf('03:40-03:55 UTC', NOW, 'Europe/Berlin')).toEqual(['2026-11-19T03:40', '2026-11-19T03:55']);
    expect(windowOf('yesterday', NOW, 'Asia/Tokyo')).toEqual(['2026-11-18T15:00', '2026-11-19T15:00']);
  });

  it('that starts before midnight is found just before midnight, too', () => {
    expect(windowOf('23:50-00:10', at('2026-11-20T23:55:00Z'))).toEqual(['2026-11-19T23:50', '2026-11-20T00:10']);
  });

  it.each([
    [
      'from 2026-11-20T02:55Z to 2026-11-20T02:40Z',
      'The window 20 Nov 2026 02:55 to 20 Nov 2026 02:40 UTC ends before it starts. Put the earlier time first. Try: my-alb last 15m, or my-alb from 02:40 to 02:55.',
    ],
    [
      'from 02:55 to 02:40',
      'The window 20 Nov 2026 02:55 to 20 Nov 2026 02:40 UTC ends before it starts. Put the earlier time first. Try: my-alb last 15m, or my-alb from 02:40 to 02:55.',
    ],
    [
      'from 02:40 to 02:40',
      'The window 20 Nov 2026 02:40 to 20 Nov 2026 02:40 UTC has no length. Try: my-alb last 15m, or my-alb from 02:40 to 02:55.',
    ],
    [
      'last 0m',
      'The window 20 Nov 2026 03:00 to 20 Nov 2026 03:00 UTC has no length. Try: my-alb last 15m, or my-alb from 02:40 to 02:55.',
    ],
    [
      'from 2026-11-20T03:00Z to 2026-11-20T03:10Z',
      'The window 20 Nov 2026 03:00 to 20 Nov 2026 03:10 UTC is in the future; now is 20 Nov 2026 03:00. Try: my-alb last 15m, or my-alb from 02:40 to 02:55.',
    ],
    [
      'from 2026-11-01 to 2026-11-09',
      'The window 1 Nov 2026 00:00 to 9 Nov 2026 00:00 UTC is longer than 7 days, the most that one question reads. Try: my-alb last 15m, or my-alb from 02:40 to 02:55.',
    ],
  ])('%j is refused', (text, expected) => {
    expect(sentence(() => windowOf(text))).toBe(expected);
  });

  it('of times of day ends at the latest of them, within a day, and not in the future; otherwise it is reversed', () => {
    const time = fc.tuple(fc.nat(23), fc.nat(59)).map(([h, m]) => `${h}:${String(m).padStart(2, '0')}`);
    const timeOfDay = (text: string) => {
      const [hours = 0, minutes = 0] = text.split(':').map(Number);
      return hours * 60 + minutes;
    };
    fc.assert(
      fc.property(time, time, fc.nat(86_400_000), (from, to, passed) => {
        fc.pre(from !== to);
        const now = NOW + passed;
        const question = parseQuestion(`from ${from} to ${to}`);
        const ahead = (timeOfDay(to) - timeOfDay(from) + 1440) % 1440;
        // Whenever it is asked.
        if (ahead > 720 && timeOfDay(from) > timeOfDay(to)) {
          expect(sentence(() => resolveWindow(question, { now }))).toContain('ends before it starts');
          return;
        }
        const window = resolveWindow(question, { now });
        expect(window.to).toBeLessThanOrEqual(now);
        expect(window.to).toBeGreaterThan(now - 1440 * MINUTE);
        expect(window.from).toBeLessThan(window.to);
        expect(window.from).toBeGreaterThan(window.to - 1440 * MINUTE);
      }),
    );
  });
});

describe('the window of a recorded incident', () => {
  const incident = { from: at('2026-11-20T02:30:00Z'), to: at('2026-11-20T02:50:00Z') };
  const of = (text: string, now: number | null) => short(resolveWindow(parseQuestion(text), { now, window: incident }));

  it('is that of the incident if the question has none', () => {
    expect(of('my-alb 502', null)).toEqual(short(incident));
    expect(of('my-alb 502', NOW)).toEqual(short(incident));
  });

  it('counts "last" from now, or from its end if now was not recorded', () => {
    expect(of('last 10m', null)).toEqual(['2026-11-20T02:40', '2026-11-20T02:50']);
    expect(of('last 10m', NOW)).toEqual(['2026-11-20T02:50', '2026-11-20T03:00']);
  });

  it('gives times of day their date', () => {
    expect(of('from 02:40 to 02:45', null)).toEqual(['2026-11-20T02:40', '2026-11-20T02:45']);
    expect(of('from 02:40 to 03:00', null)).toEqual(['2026-11-20T02:40', '2026-11-20T03:00']);
    expect(of('from 23:50 to 00:10', null)).toEqual(['2026-11-19T23:50', '2026-11-20T00:10']);
  });

  it('is the last 15 minutes without an incident', () => {
    expect(resolveWindow({ window: null }, { now: NOW })).toEqual({ from: NOW - DEFAULT_WINDOW, to: NOW });
  });
});

describe('the interpretation of times', () => {
  const reading = (words: string, now = NOW, asker: string | null = null) => {
    const question = parseQuestion(`my-alb ${words}`);
    const asked = { ...question, zone: question.zone ?? asker };
    return windowReading(asked, resolveWindow(asked, { now }), now);
  };

  it.each([
    ['02:40-02:55', 'Read as 02:40–02:55 UTC.'],
    ['since 02:40', 'Read as 02:40–03:00 UTC.'],
    ['02:40', 'Read as 02:25–02:55 UTC.'],
    ['20 Nov 2026 02:40-02:55', 'Read as 20 Nov 2026, 02:40–02:55 UTC.'],
    ['yesterday 14:00-14:30', 'Read as 19 Nov 2026, 14:00–14:30 UTC.'],
    ['23:50-00:10', 'Read as 19 Nov 2026 23:50 to 20 Nov 2026 00:10 UTC.'],
    ['03:40-03:55 CET', 'Read as 02:40–02:55 UTC (03:40–03:55 Europe/Paris).'],
    ['last 15m CET', 'Read as 02:45–03:00 UTC (03:45–04:00 Europe/Paris).'],
    ['last 15m', null],
    ['from 2026-11-19T02:40Z to 2026-11-19T02:55Z', null],
    ['', null],
  ])('%j: %j', (words, expected) => {
    expect(reading(words)).toBe(expected);
  });

  it("shows the asker's zone next to UTC", () => {
    expect(reading('03:40-03:55', NOW, 'Europe/Berlin')).toBe('Read as 02:40–02:55 UTC (03:40–03:55 Europe/Berlin).');
  });

  it('says that a window that has not ended was taken from the day before', () => {
    const now = at('2026-11-20T02:50:30Z');
    expect(reading('02:40-02:55', now)).toBe(
      "Read as 19 Nov 2026, 02:40–02:55 UTC, because today's window has not ended. For today so far: last 11m.",
    );
    expect(reading('23:50-00:10', at('2026-11-20T23:55:00Z'))).toMatch(/^Read as 19 Nov 2026 23:50 .* last 5m[.]$/);
    expect(reading('2026-11-19T02:40 to 02:55', now)).toBe('Read as 19 Nov 2026, 02:40–02:55 UTC.');
  });
});
