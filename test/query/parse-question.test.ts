import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/problem.ts';
import {
  DEFAULT_WINDOW,
  type ParsedQuestion,
  parseQuestion,
  previousDayNote,
  resolveWindow,
} from '../../src/query/parse-question.ts';
import { fc } from '../support/property.ts';

/** 20 November 2026, 03:00:00 UTC. */
const NOW = Date.parse('2026-11-20T03:00:00Z');
const MINUTE = 60_000;
const ARN = 'arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/my-alb/50dc6c495c0c9188';

const at = (text: string) => Date.parse(text);
const iso = ({ from, to }: { from: number; to: number }) => [new Date(from).toISOString(), new Date(to).toISOString()];

/** The window that words mean, asked at NOW. */
const windowOf = (text: string, now = NOW) => iso(resolveWindow(parseQuestion(text), { now }));

/** The sentence a wrong question is answered with. */
function sentence(ask: () => unknown): string {
  try {
    ask();
  } catch (problem) {
    expect(problem).toBeInstanceOf(Problem);
    if (problem instanceof Problem) {
      expect(problem.exitCode).toBe(1);
      return problem.message;
    }
  }
  throw new Error('the question was accepted');
}

describe('a question', () => {
  it.each<[string, ParsedQuestion]>([
    ['my-alb', { loadBalancer: 'my-alb', window: null, statuses: null }],
    ['my-alb last 15m', { loadBalancer: 'my-alb', window: { last: 900 }, statuses: null }],
    ['my-alb last 15m 502', { loadBalancer: 'my-alb', window: { last: 900 }, statuses: ['502'] }],
    ['my-alb 502 504 last 2h', { loadBalancer: 'my-alb', window: { last: 7200 }, statuses: ['502', '504'] }],
    ['my-alb 502,504', { loadBalancer: 'my-alb', window: null, statuses: ['502', '504'] }],
    ['my-alb 5XX 460 5xx', { loadBalancer: 'my-alb', window: null, statuses: ['5xx', '460'] }],
    ['my-alb 000', { loadBalancer: 'my-alb', window: null, statuses: ['000'] }],
    ['  my-alb\tLAST  1H30M ', { loadBalancer: 'my-alb', window: { last: 5400 }, statuses: null }],
    [`${ARN} last 1d`, { loadBalancer: ARN, window: { last: 86_400 }, statuses: null }],
    ['app/my-alb/50dc6c495c0c9188', { loadBalancer: 'app/my-alb/50dc6c495c0c9188', window: null, statuses: null }],
    ['', { loadBalancer: null, window: null, statuses: null }],
    ['502', { loadBalancer: null, window: null, statuses: ['502'] }],
    ['last 90s', { loadBalancer: null, window: { last: 90 }, statuses: null }],
    ['last 7d', { loadBalancer: null, window: { last: 604_800 }, statuses: null }],
    [
      'from 02:40 to 02:55:30 502',
      {
        loadBalancer: null,
        window: { from: { timeOfDay: 160 * MINUTE }, to: { timeOfDay: 175.5 * MINUTE } },
        statuses: ['502'],
      },
    ],
    [
      'my-alb from 2026-11-20 02:40 to 2026-11-20T02:55Z',
      {
        loadBalancer: 'my-alb',
        window: { from: { at: at('2026-11-20T02:40:00Z') }, to: { at: at('2026-11-20T02:55:00Z') } },
        statuses: null,
      },
    ],
  ])('%j', (text, query) => {
    expect(parseQuestion(text)).toEqual(query);
  });

  it.each([
    [
      'my-alb recently',
      '"recently" is neither a window nor a status; the question is <load-balancer> [last 15m | from 02:40 to 02:55] [502|504|5xx ...], such as "my-alb last 15m 502".',
    ],
    ['my-alb other-alb', '"other-alb" is neither a window nor a status;'],
    ['my-alb 15m', '"15m" is neither a window nor a status;'],
    [
      'my_alb',
      '"my_alb" is not the name of an Application Load Balancer; give its name, its ARN or app/<name>/<id>, such as "my-alb last 15m".',
    ],
    ['net/my-nlb/50dc6c495c0c9188', '"net/my-nlb/50dc6c495c0c9188" is not the name of an Application Load Balancer;'],
    [`a${'b'.repeat(4000)}`, `"a${'b'.repeat(59)}…" is not the name`],
    [
      'my-alb 200',
      '"200" is not an error status. Use 400 to 599, 4xx, 5xx, elb-5xx, target-5xx, gateway or 000, such as "502 504".',
    ],
    ['my-alb elb-200', '"elb-200" is not an error status'],
    ['my-alb 999', '"999" is not an error status'],
    ['my-alb 3xx', '"3xx" is not an error status'],
    ['my-alb last', '"last" needs a duration, such as "last 15m".'],
    ['my-alb last hour', '"hour" is not a duration; use s, m, h and d, such as "last 15m" or "last 1h30m".'],
    ['my-alb last 15', '"15" is not a duration;'],
    ['my-alb last -15m', '"-15m" is not a duration;'],
    ['my-alb last 0m', 'A window of no length holds nothing; ask for one such as "last 15m".'],
    ['my-alb last 8d', 'A window is at most 7 days long; ask for a shorter one, such as "last 24h".'],
    ['my-alb last 15m last 1h', '"last" starts a second window; ask for one, such as "my-alb from 02:40 to 02:55".'],
    [
      'my-alb from',
      '"from" needs a time; use 02:40, 2026-11-20T02:40 or 2026-11-20T02:40:00Z, in UTC unless it has an offset.',
    ],
    ['my-alb from 02:40', '"from" needs a "to" after its time, such as "from 02:40 to 02:55".'],
    [
      'my-alb from 02:40 until 02:55',
      '"from" needs a "to" after its time, not "until", such as "from 02:40 to 02:55".',
    ],
    ['my-alb from 02:40 to', '"to" needs a time;'],
    ['my-alb from noon to 13:00', '"noon" is not a time;'],
    ['my-alb from 25:00 to 02:00', '"25:00" is not a time;'],
    ['my-alb from 02:60 to 03:00', '"02:60" is not a time;'],
    ['my-alb from 2026-02-31 02:40 to 03:00', '"2026-02-31T02:40" is not a time;'],
    ['my-alb from 2026-11-20T to 03:00', '"2026-11-20T" is not a time;'],
    ['my-alb from 02:40+25:00 to 03:00', '"02:40+25:00" is not a time;'],
  ])('%j is answered with a sentence', (text, expected) => {
    const answer = sentence(() => parseQuestion(text));
    expect(answer).toContain(expected);
    expect(answer).toMatch(/[.]$/);
    expect(answer).not.toContain('\n');
  });

  it('is read or answered, whatever it says', () => {
    const words = fc.oneof(
      fc.constantFrom('last', 'from', 'to', '15m', '02:40', '2026-11-20', '502', '5xx', 'my-alb', ''),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 8 }), (text) => {
        try {
          const query = parseQuestion(text.join(' '));
          expect(query.statuses ?? ['5xx']).not.toEqual([]);
          resolveWindow(query, { now: NOW });
        } catch (problem) {
          expect(problem).toBeInstanceOf(Problem);
        }
      }),
    );
  });
});

describe('a window', () => {
  it.each([
    ['', '2026-11-20T02:45:00.000Z', '2026-11-20T03:00:00.000Z'],
    ['last 90s', '2026-11-20T02:58:30.000Z', '2026-11-20T03:00:00.000Z'],
    ['last 1d', '2026-11-19T03:00:00.000Z', '2026-11-20T03:00:00.000Z'],
    ['from 02:40 to 02:55', '2026-11-20T02:40:00.000Z', '2026-11-20T02:55:00.000Z'],
    ['from 2:40 to 2:55:30', '2026-11-20T02:40:00.000Z', '2026-11-20T02:55:30.000Z'],
    ['from 02:40 to 03:00', '2026-11-20T02:40:00.000Z', '2026-11-20T03:00:00.000Z'],
    ['from 22:00 to 23:00', '2026-11-19T22:00:00.000Z', '2026-11-19T23:00:00.000Z'],
    ['from 23:50 to 00:10', '2026-11-19T23:50:00.000Z', '2026-11-20T00:10:00.000Z'],
    ['from 18:00 to 03:00', '2026-11-19T18:00:00.000Z', '2026-11-20T03:00:00.000Z'],
    ['from 2026-11-18 02:40 to 2026-11-18 02:55', '2026-11-18T02:40:00.000Z', '2026-11-18T02:55:00.000Z'],
    ['from 2026-11-18T02:40 to 2026-11-18T02:55:10.500', '2026-11-18T02:40:00.000Z', '2026-11-18T02:55:10.500Z'],
    ['from 2026-11-18T02:40:00+05:30 to 2026-11-17T21:20:00Z', '2026-11-17T21:10:00.000Z', '2026-11-17T21:20:00.000Z'],
    ['from 2026-11-18 to 2026-11-19', '2026-11-18T00:00:00.000Z', '2026-11-19T00:00:00.000Z'],
    ['from 2026-11-18 02:40 to 02:55', '2026-11-18T02:40:00.000Z', '2026-11-18T02:55:00.000Z'],
    ['from 2026-11-18 23:50 to 00:10', '2026-11-18T23:50:00.000Z', '2026-11-19T00:10:00.000Z'],
    ['from 23:50 to 2026-11-18 00:10', '2026-11-17T23:50:00.000Z', '2026-11-18T00:10:00.000Z'],
    ['from 03:40+01:00 to 02:55Z', '2026-11-20T02:40:00.000Z', '2026-11-20T02:55:00.000Z'],
    ['from 02:40 to 2026-11-20T03:30Z', '2026-11-20T02:40:00.000Z', '2026-11-20T03:30:00.000Z'],
  ])('%j', (text, from, to) => {
    expect(windowOf(text)).toEqual([from, to]);
  });

  it('that begins before midnight is found just before midnight too', () => {
    expect(windowOf('from 23:50 to 00:10', at('2026-11-20T23:55:00Z'))).toEqual([
      '2026-11-19T23:50:00.000Z',
      '2026-11-20T00:10:00.000Z',
    ]);
  });

  it.each([
    [
      'from 2026-11-20T02:55Z to 2026-11-20T02:40Z',
      'The window from 2026-11-20T02:55:00Z to 2026-11-20T02:40:00Z is reversed; put the earlier time first, such as "from 02:40 to 02:55".',
    ],
    [
      'from 02:55 to 02:40',
      'The window from 2026-11-20T02:55:00Z to 2026-11-20T02:40:00Z is reversed; put the earlier time first, such as "from 02:40 to 02:55".',
    ],
    [
      'from 02:40 to 02:40',
      'The window from 2026-11-20T02:40:00Z to 2026-11-20T02:40:00Z has no length; end it later than it begins, such as "from 02:40 to 02:55".',
    ],
    [
      'from 2026-11-20T03:00Z to 2026-11-20T03:10Z',
      'The window from 2026-11-20T03:00:00Z to 2026-11-20T03:10:00Z is in the future, as it is 2026-11-20T03:00:00Z now; ask for one that has begun, such as "last 15m".',
    ],
    [
      'from 2026-11-01 to 2026-11-09',
      'The window from 2026-11-01T00:00:00Z to 2026-11-09T00:00:00Z is longer than 7 days; ask for a shorter one, such as "last 24h".',
    ],
  ])('%j is refused', (text, expected) => {
    expect(sentence(() => windowOf(text))).toBe(expected);
  });

  it('of times of day ends at the latest of them, within a day, and not in the future; else it is reversed', () => {
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
          expect(sentence(() => resolveWindow(question, { now }))).toContain('reversed');
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
  const of = (text: string, now: number | null) => iso(resolveWindow(parseQuestion(text), { now, window: incident }));

  it('is its own when the question names none', () => {
    expect(of('my-alb 502', null)).toEqual(iso(incident));
    expect(of('my-alb 502', NOW)).toEqual(iso(incident));
  });

  it('counts "last" from now, or from its end when it does not say when now was', () => {
    expect(of('last 10m', null)).toEqual(['2026-11-20T02:40:00.000Z', '2026-11-20T02:50:00.000Z']);
    expect(of('last 10m', NOW)).toEqual(['2026-11-20T02:50:00.000Z', '2026-11-20T03:00:00.000Z']);
  });

  it('gives times of day their date', () => {
    expect(of('from 02:40 to 02:45', null)).toEqual(['2026-11-20T02:40:00.000Z', '2026-11-20T02:45:00.000Z']);
    expect(of('from 02:40 to 03:00', null)).toEqual(['2026-11-20T02:40:00.000Z', '2026-11-20T03:00:00.000Z']);
    expect(of('from 23:50 to 00:10', null)).toEqual(['2026-11-19T23:50:00.000Z', '2026-11-20T00:10:00.000Z']);
  });

  it('is the last 15 minutes where there is no incident', () => {
    expect(resolveWindow({ window: null }, { now: NOW })).toEqual({ from: NOW - DEFAULT_WINDOW * 1000, to: NOW });
  });
});

describe('a window of times of day that is not over', () => {
  const now = Date.parse('2026-11-20T02:50:30Z');
  const meant = (words: string, at = now) => {
    const query = parseQuestion(`my-alb ${words}`);
    return previousDayNote(query, resolveWindow(query, { now: at }), at);
  };

  it('is that of the day before, and that is said', () => {
    expect(meant('from 02:40 to 02:55')).toBe(
      'This is 02:40 to 02:55 UTC of 2026-11-19, since that of today is not over; for what there is of today ask for the last 11m.',
    );
    expect(meant('from 23:50 to 00:10', Date.parse('2026-11-20T23:55:00Z'))).toMatch(
      / of 2026-11-19, .* the last 5m[.]$/,
    );
  });

  it.each(['last 15m', 'from 02:30 to 02:45', 'from 23:00 to 23:30', 'from 2026-11-19T02:40 to 02:55', ''])(
    'is not what "%s" asks for',
    (words) => expect(meant(words)).toBeNull(),
  );
});
