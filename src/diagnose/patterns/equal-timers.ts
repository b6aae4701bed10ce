/** Two timers of one length: a proxy in the target gives up as the load balancer does, and who answers the 504 is a matter of chance. */
import { type SampledError, type Traffic, withSignature } from '../traffic.ts';

/** Seconds between the two timers, at most: each starts when its own hop has sent the request. */
const APART = 0.5;
/** One 504 of the target may be anything. */
const FEWEST = 2;

/** The 504s that targets answered after `seconds` on the routes of `errors`; empty where they are too few to show a timer. */
export function answeredAtSameTime(traffic: Traffic, errors: readonly SampledError[], seconds: number): SampledError[] {
  const routes = new Set(errors.map(({ route }) => route));
  const answered = withSignature(traffic, 'target-response').filter(
    ({ target_status_code, route, target_processing_time }) =>
      target_status_code === '504' && routes.has(route) && Math.abs(target_processing_time - seconds) <= APART,
  );
  return answered.length >= FEWEST ? answered : [];
}
