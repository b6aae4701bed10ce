/** Routes that fail nearly always while others do not: what the response holds, not when it was sent, makes them fail. */
import type { SampledError, Traffic } from '../traffic.ts';
import { countErrors, groupBy } from '../traffic.ts';

export interface RouteShare {
  route: string;
  errors: SampledError[];
  /** All requests of the route in the window. */
  requests: number;
  /** Errors of the given list, of the requests of the route. */
  share: number;
}

/** The routes of these errors with their failing share; the highest count first, then by route. */
export function routeShares(traffic: Traffic, errors: readonly SampledError[]): RouteShare[] {
  const totalsByRoute = new Map(traffic.log.routes.map((route) => [route.route, route]));
  return [...groupBy(errors, (error) => error.route)]
    .map(([route, failed]) => {
      const requests = totalsByRoute.get(route)?.requests ?? failed.length;
      return { route, errors: failed, requests, share: Math.min(1, countErrors(failed) / Math.max(1, requests)) };
    })
    .sort((a, b) => b.errors.length - a.errors.length || (a.route < b.route ? -1 : 1));
}

const HALF = 0.5;
const SCATTERED_ERRORS = 5;
const SCATTERED_ROUTES = 3;

/**
 * The errors that no response explains, when they are over several routes of which none fails by itself and mostly worked when repeated:
 * those that took longer than the slowest success of their route, at least half of all. A response that cannot be taken comes after the
 * normal time, and the others of the errors may be such.
 */
export function findScatteredErrors(traffic: Traffic, errors: readonly SampledError[]): SampledError[] {
  const slowest = new Map(traffic.log.routes.map(({ route, succeededMaxMs }) => [route, succeededMaxMs]));
  const retried = errors.filter((error) => error.retriedOk).length;
  const outlasting = errors.filter(
    ({ route, target_processing_time }) =>
      1000 * target_processing_time > (slowest.get(route) ?? Number.POSITIVE_INFINITY),
  );
  const shares = routeShares(traffic, errors);
  const isScattered =
    errors.length >= SCATTERED_ERRORS &&
    shares.length >= SCATTERED_ROUTES &&
    Math.min(retried, outlasting.length) >= HALF * errors.length &&
    noRouteFailsByItself(traffic, shares);
  return isScattered ? outlasting : [];
}

const OFTEN = 0.2;
/** Fewer errors than this show nothing of a route. */
const FEW = 3;
const CHANCE_Z = 4;

/**
 * The failing routes mostly succeed, and so does the traffic: none fails a fifth of the time beyond what chance gives at the rate of all.
 * A route of few requests may fail one of three by chance.
 */
function noRouteFailsByItself(traffic: Traffic, shares: readonly RouteShare[]): boolean {
  const rate = shares.reduce((sum, { errors }) => sum + countErrors(errors), 0) / Math.max(1, traffic.log.requests);
  return (
    rate < OFTEN &&
    shares.every(({ errors, requests, share }) => {
      const deviation = Math.sqrt(Math.max(requests * rate * (1 - rate), 1e-9));
      return (
        share < OFTEN || countErrors(errors) < FEW || (countErrors(errors) - requests * rate) / deviation < CHANCE_Z
      );
    })
  );
}

/** Every one of these errors is of a route that fails nearly always. */
export const allOfFailingRoutes = (traffic: Traffic, errors: readonly SampledError[]): boolean =>
  routeShares(traffic, errors).every(({ requests, share }) => requests >= MIN_REQUESTS && share >= NEARLY_ALWAYS);

const MIN_REQUESTS = 5;
const NEARLY_ALWAYS = 0.9;

/** Routes of which nearly every request failed so, when there is other traffic that did not. */
export function failingRoutes(traffic: Traffic, errors: readonly SampledError[]): RouteShare[] {
  const failing = routeShares(traffic, errors).filter((r) => r.requests >= MIN_REQUESTS && r.share >= NEARLY_ALWAYS);
  const theirs = failing.reduce((sum, r) => sum + r.requests, 0);
  const others = traffic.log.requests - theirs;
  const othersFailed = countErrors(errors) - failing.reduce((sum, r) => sum + countErrors(r.errors), 0);
  return others >= MIN_REQUESTS && othersFailed / others < 0.5 ? failing : [];
}
