import { expect, it } from 'vitest';
import { measuredKeepAlive } from '../../../src/diagnose/checks/measured-keep-alive.ts';
import { gapsAt } from '../../support/traffic/idle-gaps.ts';
import { question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const instant = (count: number, hits: number) => {
  const errors = several(count, 'closed-before-response', (i) => ({ route: `GET /r-${i % 9}`, client: i + 1 }));
  return trafficOf(errors, { idleGaps: gapsAt(errors, { seconds: 5, hits, chance: 2 }) });
};

it.each([
  { name: 'closes at one idle time', traffic: instant(20, 20), outcome: 'fail' },
  { name: 'no idle time was found, which rules out none', traffic: instant(150, 1), outcome: 'unknown' },
  { name: 'one error', traffic: instant(1, 1), outcome: 'unknown' },
  {
    name: 'closed after work only',
    traffic: trafficOf(several(5, 'closed-before-response', () => ({ target_processing_time: 4 }))),
    outcome: 'pass',
  },
  { name: 'no connection was closed', traffic: trafficOf(several(5, 'connect-failed')), outcome: 'not-applicable' },
])('$name: $outcome', ({ traffic, outcome }) => {
  expect(measuredKeepAlive.evaluate({ traffic }, question).outcome).toBe(outcome);
});

it('names the group, both times and the number of errors', () => {
  const attributes = { 'idle_timeout.timeout_seconds': '60' };
  expect(measuredKeepAlive.evaluate({ traffic: instant(20, 20), attributes }, question).summary).toBe(
    'Targets of api close idle connections after 5.00 s (seen in 20 errors); the load balancer reuses connections for up to 60 s.',
  );
});
