import { describe, expect, it } from 'vitest';
import { idleTimeout } from '../../../src/diagnose/checks/idle-timeout.ts';
import { question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

describe('idle-timeout', () => {
  const attributes = (value: string) => ({ 'idle_timeout.timeout_seconds': value });
  const slow = several(4, 'idle-timeout', (i) => ({ elapsed: 60.001 + i / 1000 }));
  it.each([
    [
      'a value alone is no failure',
      attributes('5'),
      [],
      'pass',
      "The load balancer's idle timeout is 5 s; no error suggests otherwise.",
    ],
    [
      'the errors end at it',
      attributes('60'),
      slow,
      'pass',
      'The idle timeout is 60 s, as the errors show: 4 requests got no response within it.',
    ],
    [
      'the errors end at another',
      attributes('300'),
      slow,
      'fail',
      '4 requests ended after 60 s, but the idle timeout is 300 s now.',
    ],
    [
      'the errors show none',
      attributes('60'),
      several(3, 'idle-timeout', (i) => ({ elapsed: 3.4 + i })),
      'pass',
      'The idle timeout is 60 s; 3 requests ended without a response, at no common time.',
    ],
    ['not among the attributes', {}, slow, 'unknown', 'The attributes do not hold the idle timeout.'],
  ])('%s', (_, known, failures, outcome, summary) => {
    const verdict = idleTimeout.evaluate({ attributes: known, traffic: trafficOf(failures) }, question);
    expect(verdict).toMatchObject({ outcome, summary });
  });
});
