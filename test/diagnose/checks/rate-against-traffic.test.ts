import { describe, expect, it } from 'vitest';
import { rateAgainstTrafficCheck } from '../../../src/diagnose/checks/rate-against-traffic.ts';
import type { FailedRequest } from '../../../src/evidence/access-log.ts';
import { failed, MINUTE, question, START, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

/** Fifteen minutes of traffic that grows from 1000 to 3800 requests, with these errors in each. */
const grown = (errors: (minute: number) => number, fields: Partial<FailedRequest> = {}) =>
  trafficOf(
    Array.from({ length: 15 }, (_, m) =>
      Array.from({ length: errors(m) }, (_, i) => failed('closed-before-response', m * 60 + 1 + i, fields)),
    ).flat(),
    { minutes: Array.from({ length: 15 }, (_, m) => ({ minute: START + m * MINUTE, requests: 1000 + m * 200 })) },
  );

describe('rate-against-traffic', () => {
  it.each([
    ['falls as traffic rises', grown((m) => 20 - m), 'fail', 'falls when traffic rises (r = -0.9'],
    [
      'falls as traffic rises, but every error is too slow for a race',
      grown((m) => 20 - m, { target_processing_time: 0.5 }),
      'pass',
      'but no error came fast enough for a keep-alive race',
    ],
    ['rises with it', grown((m) => 1 + m * 2), 'pass', 'rises with the traffic (r = 0.9'],
    [
      'rises with it in a few minutes',
      grown((m) => (m < 12 ? 0 : 40 + m)),
      'not-applicable',
      'Errors in 3 of 15 minutes: too few to compare with the traffic.',
    ],
    ['follows the traffic', grown((m) => (m % 2 === 0 ? 5 + m : 3 + m)), 'pass', 'does not follow the traffic'],
    ['too few errors', grown((m) => (m < 5 ? 1 : 0)), 'not-applicable', 'Too few connections were closed'],
    ['traffic too even', trafficOf(several(60, 'closed-before-response')), 'not-applicable', 'Traffic was too steady'],
    ['no such error', trafficOf(several(60, 'connect-failed')), 'not-applicable', 'No target closed a connection'],
  ])('%s', (_, traffic, outcome, part) => {
    const verdict = rateAgainstTrafficCheck.evaluate({ traffic }, question);
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.summary).toContain(part);
  });

  it('ignores minutes that the window cuts', () => {
    const cut = { ...question, from: START + 30_000, to: START + 9.5 * MINUTE };
    expect(rateAgainstTrafficCheck.evaluate({ traffic: grown((m) => 20 - m) }, cut).summary).toContain(
      '8 whole minutes with traffic: too few',
    );
  });
});
