import { describe, expect, it } from 'vitest';
import { failingRoutesCheck } from '../../../src/diagnose/checks/failing-routes.ts';
import { question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const route = (name: string, requests: number, failures: number) => ({
  route: name,
  requests,
  failures,
  succeeded: requests - failures,
  succeededMs: 0,
  succeededMaxMs: 0,
});

describe('failing-routes', () => {
  const closed = several(20, 'closed-before-response', () => ({ route: 'GET /export' }));
  it.each([
    [
      'one fails always',
      closed,
      { routes: [route('GET /export', 20, 20)] },
      'fail',
      'GET /export (20 of 20) always fails, while other routes succeed.',
    ],
    [
      'one fails slightly',
      closed,
      { routes: [route('GET /export', 900, 20)] },
      'pass',
      'Only GET /export has errors: 2.2 % of its 900 requests.',
    ],
    [
      'there is only this route',
      closed,
      { requests: 20, routes: [route('GET /export', 20, 20)] },
      'pass',
      'Only GET /export has errors: 100 % of its 20 requests.',
    ],
    [
      'a rule answers for the route with a maintenance page',
      several(20, 'fixed-response', () => ({ route: 'GET /export' })),
      { routes: [route('GET /export', 20, 20)] },
      'not-applicable',
      '20 requests did not reach a target, so there is no response to check.',
    ],
    [
      'its target refuses connections, and another one fails slightly',
      [
        ...several(20, 'connect-failed', () => ({ route: 'GET /export' })),
        ...several(2, 'idle-timeout', () => ({ route: 'GET /search' })),
      ],
      { routes: [route('GET /export', 20, 20), route('GET /search', 90, 2)] },
      'pass',
      'Only GET /search has errors after the request was sent: 2.2 % of its 90 requests.',
    ],
    [
      'targets answered themselves',
      several(5, 'target-response'),
      {},
      'not-applicable',
      'All errors were sent by targets, and the load balancer accepted these responses.',
    ],
  ])('%s', (_, failures, log, outcome, summary) => {
    expect(failingRoutesCheck.evaluate({ traffic: trafficOf(failures, log) }, question)).toMatchObject({
      outcome,
      summary,
    });
  });
});
