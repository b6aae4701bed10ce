/** Finds uploads that the target gave up on while waiting for more of the body; each pause restarts its timer. */
import type { SampledError, Traffic } from '../traffic.ts';
import { bodiesSent } from './body-sizes.ts';
import { isBodiless } from './idle-timeouts.ts';

export interface CutUpload {
  route: string;
  errors: SampledError[];
  /** The shortest of their times, seconds: approximately the timer's setting. */
  least: number;
  /** Median bytes that these sent, and that the route's successes sent. */
  median: number;
  usual: number;
}

const MIN_ERRORS = 3;
const MIN_SECONDS = 1;
/** A timer of the work fires within this many seconds of one duration, or within this share of it. */
const ONE_DURATION = 1.2;
const ONE_DURATION_SHARE = 0.03;

/**
 * Routes whose errors end after different times, all above some minimum, with less of the body than the route's
 * successes sent.
 */
export function findCutUploads(traffic: Traffic, errors: readonly SampledError[]): CutUpload[] {
  const slow = errors.filter((error) => error.target_processing_time >= MIN_SECONDS && !isBodiless(error));
  return bodiesSent(traffic, slow).short.flatMap(({ route, errors: own, median, usual }) => {
    const times = own.map((error) => error.target_processing_time);
    const [least, most] = [Math.min(...times), Math.max(...times)];
    const isSpread = most - least > Math.max(ONE_DURATION, ONE_DURATION_SHARE * least);
    return own.length >= MIN_ERRORS && isSpread ? [{ route, errors: own, least, median, usual }] : [];
  });
}
