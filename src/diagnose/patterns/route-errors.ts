/**
 * Finds routes that nearly always fail while others succeed: the content of their response is at fault, not its timing.
 */
import type { SampledError, Traffic } from '../traffic.ts';
import { countErrors, groupBy } from '../traffic.ts';

export interface RouteShare {
  route: string;
  errors: SampledError[];
  /** All requests of the route in the window. */
  requests: number;
  /** The given errors as a share of the route's requests. */
  share: number;
}

/** The routes of these errors with their failing share; highest count first, then by route. */
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
 * Errors that no invalid response explains: they spread over several routes that do not fail by themselves, and mostly
 * worked when repeated. Returns the errors slower than their route's slowest success, if they are at least half of all;
 * the others may be invalid responses, which arrive after the normal time.
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
/** Fewer errors show nothing about a route. */
const FEW = 3;
const CHANCE_Z = 4;

/**
 * Whether the failing routes and the traffic mostly succeed: no route fails more than a fifth of the time beyond chance
 * at the overall rate. A route with few requests may fail one in three by chance.
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

/** Whether every one of these errors belongs to a route that nearly always fails. */
export const allOfFailingRoutes = (traffic: Traffic, errors: readonly SampledError[]): boolean =>
  routeShares(traffic, errors).every(({ requests, share }) => requests >= MIN_REQUESTS && share >= NEARLY_ALWAYS);

const MIN_REQUESTS = 5;
const NEARLY_ALWAYS = 0.9;

/** Routes where nearly every request failed this way while other traffic did not. */
export function failingRoutes(traffic: Traffic, errors: readonly SampledError[]): RouteShare[] {
  const failing = routeShares(traffic, errors).filter((r) => r.requests >= MIN_REQUESTS && r.share >= NEARLY_ALWAYS);
  const theirs = failing.reduce((sum, r) => sum + r.requests, 0);
  const others = traffic.log.requests - theirs;
  const othersFailed = countErrors(errors) - failing.reduce((sum, r) => sum + countErrors(r.errors), 0);
  return others >= MIN_REQUESTS && othersFailed / others < 0.5 ? failing : [];
}
