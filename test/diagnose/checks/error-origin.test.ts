import { describe, expect, it } from 'vitest';
import { errorOrigin } from '../../../src/diagnose/checks/error-origin.ts';
import { question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

describe('error-origin', () => {
  const refused = (count: number) => several(count, 'connect-failed', () => ({}), 1);
  it.each([
    [
      'all by the load balancer',
      refused(149),
      'pass',
      'The load balancer generated all 149 errors; no target sent any.',
    ],
    ['all by a target', several(3, 'target-response'), 'fail', 'One target sent all 3 errors itself (10.0.1.5:8080).'],
    [
      'both',
      [...refused(2), ...several(1, 'target-response')],
      'fail',
      'One target sent 1 of 3 errors itself (10.0.1.5:8080); the load balancer generated 2.',
    ],
  ])('%s', (_, failures, outcome, summary) => {
    expect(errorOrigin.evaluate({ traffic: trafficOf(failures) }, question)).toMatchObject({ outcome, summary });
  });
});
