import { expect, it } from 'vitest';
import { measuredKeepAlive } from '../../../src/diagnose/checks/measured-keep-alive.ts';
import { API, question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const instant = (count: number, hits: number) =>
  trafficOf(
    several(count, 'closed-before-response', (i) => ({ route: `GET /r-${i % 9}` })),
    {
      idleGaps: [
        {
          target_group_arn: API,
          binSeconds: 0.01,
          horizon: 60,
          examined: Array.from({ length: count }, (_, row) => row),
          controls: 400,
          bins: [{ gap: 5, failures: Array.from({ length: hits }, (_, row) => row), controls: 4 }],
        },
      ],
    },
  );

it.each([
  { name: 'closes at one idle time', traffic: instant(20, 20), outcome: 'fail' },
  { name: 'no idle time stands out', traffic: instant(150, 2), outcome: 'pass' },
  { name: 'a few at one idle time, too few errors to exclude it', traffic: instant(20, 4), outcome: 'unknown' },
  { name: 'too few to measure', traffic: instant(3, 3), outcome: 'unknown' },
  {
    name: 'closed after work only',
    traffic: trafficOf(several(5, 'closed-before-response', () => ({ target_processing_time: 4 }))),
    outcome: 'pass',
  },
  { name: 'no connection was closed', traffic: trafficOf(several(5, 'connect-failed')), outcome: 'not-applicable' },
])('$name: $outcome', ({ traffic, outcome }) => {
  expect(measuredKeepAlive.evaluate({ traffic }, question).outcome).toBe(outcome);
});

it('names the group, both numbers and how many', () => {
  const attributes = { 'idle_timeout.timeout_seconds': '60' };
  expect(measuredKeepAlive.evaluate({ traffic: instant(20, 20), attributes }, question).summary).toBe(
    'Targets of api close idle connections at 5.00 s (20 of 20 errors; the load balancer keeps them 60 s).',
  );
});
