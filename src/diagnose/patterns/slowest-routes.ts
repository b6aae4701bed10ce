/** The routes that make a load balancer slow, for an alarm on TargetResponseTime. */
import type { AccessLog } from '../../evidence/access-log.ts';
import type { SlowestRoute } from '../diagnosis.ts';
import { quantile } from './route-scales.ts';

/** Minimum share of the time; a route below it cannot make the load balancer slow. */
const LEAST_SHARE = 0.01;
const PERCENTILE = 0.95;
const SHOWN = 3;

/** At most three routes, slowest first. */
export function slowestRoutes({ slowest }: Pick<AccessLog, 'slowest'>): SlowestRoute[] {
  const { answeredMs, routes } = slowest ?? { answeredMs: 0, routes: [] };
  return routes
    .map(({ route, answeredMs: own, times }) => {
      const requests = times.reduce((sum, step) => sum + step.requests, 0);
      const p95 = quantile({ steps: times, successes: requests }, PERCENTILE);
      return { route, requests, p95Seconds: p95 / 1000, shareOfTime: own / answeredMs };
    })
    .filter(({ shareOfTime }) => shareOfTime >= LEAST_SHARE)
    .sort((a, b) => b.p95Seconds - a.p95Seconds || b.shareOfTime - a.shareOfTime || (a.route < b.route ? -1 : 1))
    .slice(0, SHOWN);
}
