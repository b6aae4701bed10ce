/** The slowest routes, for latency alarms: by p95, and only those that take a share of the time. */
import { describe, expect, it } from 'vitest';
import { slowestRoutes } from '../../../src/diagnose/patterns/slowest-routes.ts';
import type { SlowRoute } from '../../../src/evidence/access-log.ts';

/** Requests by whole milliseconds; each step begins just below its value. */
function slow(route: string, requestsByMs: Record<number, number>): SlowRoute {
  const times = Object.entries(requestsByMs).map(([ms, requests]) => ({
    step: Math.floor(8 * Math.log2(Number(ms) + 0.5)),
    requests,
  }));
  const answeredMs = Object.entries(requestsByMs).reduce((sum, [ms, requests]) => sum + Number(ms) * requests, 0);
  return { route, answeredMs, times };
}

const REPORTS = slow('POST /reports', { 100: 90, 8192: 10 });
const PRODUCTS = slow('GET /products', { 64: 9_000, 256: 1_000 });

function find(routes: SlowRoute[], rest = 0) {
  const answeredMs = rest + routes.reduce((sum, one) => sum + one.answeredMs, 0);
  return slowestRoutes({ slowest: { answeredMs, routes } });
}

describe('the slowest routes', () => {
  it('come with a p95 within a twelfth and their share of the time', () => {
    const [first, second] = find([PRODUCTS, REPORTS]);
    expect(first).toMatchObject({ route: 'POST /reports', requests: 100 });
    expect(first?.p95Seconds).toBeGreaterThan(8.192 * (11 / 12));
    expect(first?.p95Seconds).toBeLessThanOrEqual(8.192);
    // 90 × 0.1 s + 10 × 8.192 s beside 9,000 × 0.064 s + 1,000 × 0.256 s.
    expect(first?.shareOfTime).toBeCloseTo(90.92 / (90.92 + 832), 5);
    expect(second).toMatchObject({ route: 'GET /products', requests: 10_000 });
  });

  it('leave out a route that takes less than 1 % of the time, however slow', () =>
    expect(find([REPORTS], 100 * REPORTS.answeredMs)).toEqual([]));

  it('are at most three; routes with equal p95 by total time', () => {
    const of = (route: string, requests: number) => slow(route, { 1024: requests });
    expect(
      find([of('GET /a', 1), of('GET /b', 4), of('GET /c', 3), of('GET /d', 4)]).map(({ route }) => route),
    ).toEqual(['GET /b', 'GET /d', 'GET /c']);
  });

  it('are none in a recording that did not count them', () => expect(slowestRoutes({})).toEqual([]));
});
