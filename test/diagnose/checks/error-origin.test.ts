import { describe, expect, it } from 'vitest';
import { errorOrigin } from '../../../src/diagnose/checks/error-origin.ts';
import { question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

describe('error-origin', () => {
  const refused = (count: number) => several(count, 'connect-failed', () => ({}), 1);
  it.each([
    ['all by the load balancer', refused(149), 'pass', '149 errors made by the load balancer, none by a target.'],
    [
      'all by a target',
      several(3, 'target-response'),
      'fail',
      '3 of 3 errors came from a target itself (10.0.1.5:8080), none from the load balancer.',
    ],
    [
      'both',
      [...refused(2), ...several(1, 'target-response')],
      'fail',
      '1 of 3 errors came from a target itself (10.0.1.5:8080), 2 from the load balancer.',
    ],
  ])('%s', (_, failures, outcome, summary) => {
    expect(errorOrigin.evaluate({ traffic: trafficOf(failures) }, question)).toMatchObject({ outcome, summary });
  });
});
