/** Decides whether failed requests had sent their whole body, by comparison with successes of the same route. */
import type { SampledError, Traffic } from '../traffic.ts';
import { groupBy } from '../traffic.ts';
import { allLowestByChance, binomialTail } from './chance.ts';
import { countUpTo, midRank, quantile, type RouteScale, routeScale } from './route-scales.ts';

/**
 * short: less than the route's usual bodies. whole: as much as every success of the route. unknown: sizes vary too
 * much, or few requests succeeded.
 */
export type BodySent = 'short' | 'whole' | 'unknown';

const MIN_SUCCESSES = 20;
const MOST_BY_CHANCE = 1e-3;
/** Standard deviations below the mean rank of the successes: by chance less than one in a thousand. */
const LEAST_Z = 3.3;
/** Largest size of short bodies, as a share of the usual size. */
const SHORT_SHARE = 0.6;
/** Bodies count as equal if the largest is at most this many times the smallest. */
const ONE_SIZE = 2;
/** One step of the scale spans 9 %. */
const ROUNDING = 1.1;

export interface BodiesSent {
  /** The result for each error. */
  sent: ReadonlyMap<SampledError, BodySent>;
  /** Routes with short bodies: median bytes of the errors and of the successes. */
  short: { route: string; errors: SampledError[]; median: number; usual: number }[];
}

export function bodiesSent(traffic: Traffic, errors: readonly SampledError[]): BodiesSent {
  const sent = new Map<SampledError, BodySent>();
  const short: BodiesSent['short'] = [];
  for (const [route, own] of groupBy(errors, (error) => error.route)) {
    const scale = routeScale(traffic, route, 'sizes');
    const isKnown = scale !== null && scale.successes >= MIN_SUCCESSES;
    const isShort = isKnown && areShort(own, scale);
    const whole = isKnown ? wholeFrom(scale) : null;
    for (const error of own) {
      const isWhole = whole !== null && error.received_bytes * ROUNDING >= whole;
      sent.set(error, isShort ? 'short' : isWhole ? 'whole' : 'unknown');
    }
    if (isShort) short.push({ route, errors: own, median: medianOf(own), usual: quantile(scale, 0.5) });
  }
  return { sent, short };
}

const medianOf = (errors: readonly SampledError[]): number =>
  errors.map(({ received_bytes }) => received_bytes).sort((a, b) => a - b)[Math.floor((errors.length - 1) / 2)] ?? 0;

/** Of the successes: those with the smallest bodies. */
const SMALLEST = 0.05;

/**
 * Whether the bodies are much smaller, and their ranks below all successes or lower than by chance, or more of them
 * below the smallest bodies of the successes than by chance.
 */
function areShort(errors: readonly SampledError[], scale: RouteScale): boolean {
  const sizes = errors.map(({ received_bytes }) => received_bytes);
  if (medianOf(errors) > SHORT_SHARE * quantile(scale, 0.5)) return false;
  if (allLowestByChance(sizes.length, countUpTo(scale, Math.max(...sizes)), scale.successes) <= MOST_BY_CHANCE)
    return true;
  const least = quantile(scale, SMALLEST);
  const smaller = sizes.filter((size) => size < least).length;
  if (binomialTail(smaller, sizes.length, SMALLEST) <= MOST_BY_CHANCE) return true;
  const mean = sizes.reduce((sum, size) => sum + midRank(scale, size), 0) / sizes.length;
  return (0.5 - mean) * Math.sqrt(12 * sizes.length) >= LEAST_Z;
}

/** The size from which a body is whole; null if the sizes vary too much. */
function wholeFrom(scale: RouteScale): number | null {
  const least = quantile(scale, 0.05);
  return quantile(scale, 0.95) <= ONE_SIZE * Math.max(1, least) ? least : null;
}
