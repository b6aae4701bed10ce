/**
 * Detects two equal timers: a proxy in the target gives up at the same time as the load balancer, and chance decides
 * which of them answers the 504.
 */
import { type SampledError, type Traffic, withSignature } from '../traffic.ts';

/** Largest difference between the two timers, seconds: each starts when its own hop has sent the request. */
const APART = 0.5;
/** A single 504 from a target may have any cause. */
const FEWEST = 2;

/** The 504s that targets answered after `seconds` on the routes of `errors`; empty if too few to show a timer. */
export function answeredAtSameTime(traffic: Traffic, errors: readonly SampledError[], seconds: number): SampledError[] {
  const routes = new Set(errors.map(({ route }) => route));
  const answered = withSignature(traffic, 'target-response').filter(
    ({ target_status_code, route, target_processing_time }) =>
      target_status_code === '504' && routes.has(route) && Math.abs(target_processing_time - seconds) <= APART,
  );
  return answered.length >= FEWEST ? answered : [];
}
