import { describe, expect, it } from 'vitest';
import { failingRoutesCheck } from '../../src/checks/failing-routes.ts';
import { question, several, trafficOf } from '../traffic-builder.ts';

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
      'GET /export (20 of 20) fails nearly always while other routes succeed.',
    ],
    [
      'one fails a little',
      closed,
      { routes: [route('GET /export', 900, 20)] },
      'pass',
      '1 route with errors; the worst is GET /export: 2.2 % of its 900 requests.',
    ],
    [
      'there is only this route',
      closed,
      { requests: 20, routes: [route('GET /export', 20, 20)] },
      'pass',
      '1 route with errors; the worst is GET /export: 100 % of its 20 requests.',
    ],
    [
      'targets answered themselves',
      several(5, 'target-response'),
      {},
      'not-applicable',
      'Every error was answered by a target itself: the load balancer took the response.',
    ],
  ])('%s', (_, failures, log, outcome, summary) => {
    expect(failingRoutesCheck.evaluate({ traffic: trafficOf(failures, log) }, question)).toMatchObject({
      outcome,
      summary,
    });
  });
});
