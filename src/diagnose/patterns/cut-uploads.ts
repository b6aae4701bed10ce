/**
 * Finds uploads that the target gave up while it waited for more of the body; each part that arrives restarts its
 * timer.
 */
import { groupBy, type SampledError, type Traffic } from '../traffic.ts';
import { bodiesSent } from './body-sizes.ts';
import { isBodiless } from './idle-timeouts.ts';

export interface CutUpload {
  route: string;
  errors: SampledError[];
  /** The shortest of their times, seconds: approximately the timer's setting. */
  least: number;
  /** Median bytes sent by these errors, and by the route's successes. */
  median: number;
  usual: number;
}

const MIN_ERRORS = 3;
const MIN_SECONDS = 1;
/** A timer for the work fires within this many seconds of one duration, or within this share of it. */
const ONE_DURATION = 1.2;
const ONE_DURATION_SHARE = 0.03;

/**
 * Routes whose errors sent less of the body than the successes, and ended after different times above some minimum.
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

/** Seconds. Node.js looks this often whether a request arrived in time (connectionsCheckingInterval). */
export const CHECKED_EVERY = 30;

/**
 * Requests with a body on one route that ended within one such interval of each other. A timer that is checked so
 * rarely fires up to that much late; sent bodies exclude it.
 */
export function rarelyChecked(traffic: Traffic, errors: readonly SampledError[]): SampledError[] {
  const slow = errors.filter((error) => error.target_processing_time >= CHECKED_EVERY && !isBodiless(error));
  return [...groupBy(slow, ({ route }) => route).values()].flatMap((own) => {
    const times = own.map((error) => error.target_processing_time);
    const { sent } = bodiesSent(traffic, own);
    const isWaiting = own.every((error) => sent.get(error) !== 'whole');
    return own.length >= MIN_ERRORS && isWaiting && Math.max(...times) - Math.min(...times) <= CHECKED_EVERY ? own : [];
  });
}
