import { describe, expect, it } from 'vitest';
import { bursts } from '../../../src/diagnose/checks/bursts.ts';
import { failed, question, START, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

describe('bursts', () => {
  const evenly = (count: number, every: number) => several(count, 'connect-failed', () => ({}), every);
  const later = Array.from({ length: 6 }, (_, i) => failed('connect-failed', 500 + i / 10));
  const together = [26, 41, 55].map((elapsed, i) => failed('no-response-aborted', 60 + i / 100, { elapsed }));
  it.each([
    ['within seconds', evenly(214, 0.05), 'pass', 'All 214 within 11 s from 02:41:00 UTC.'],
    ['steady', evenly(40, 20), 'pass', '40 errors from 02:41:00 to 02:54:00 UTC; at most 3 in one minute (02:41 UTC).'],
    ['steady and dense', evenly(400, 2), 'pass', 'at most 30 in one minute (02:41 UTC)'],
    [
      'two bursts',
      [...evenly(6, 0.1), ...later],
      'pass',
      '12 of 12 errors in 2 bursts: 6 within 1 s from 02:41:00 UTC and 6 within 1 s from 02:48:20 UTC.',
    ],
    ['a few', evenly(3, 1), 'not-applicable', 'too few'],
    ['ended together', together, 'pass', '3 requests failed at the same moment, 02:41:00 UTC, after 26.0 s to 55.0 s.'],
  ])('%s', (_, failures, outcome, part) => {
    const verdict = bursts.evaluate({ traffic: trafficOf(failures) }, question);
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.summary).toContain(part);
  });

  it('finds no burst if the log is hardly longer', () => {
    const traffic = trafficOf(evenly(30, 1), { oldest: START + 50_000, newest: START + 100_000 });
    expect(bursts.evaluate({ traffic }, question).outcome).toBe('pass');
  });
});
