/**
 * Compares when connections close with how long the same routes take to succeed: before any work, when a response would
 * be due, or at a timer.
 */
import type { SampledError, Traffic } from '../traffic.ts';
import { groupBy } from '../traffic.ts';
import { allLowestByChance, binomialTail } from './chance.ts';
import { countUpTo, midRank, type RouteScale, routeScale } from './route-scales.ts';

/** Maximum probability by chance. */
const MOST_BY_CHANCE = 1e-3;
/**
 * Seconds within which nearly all public race rows closed, and the share of errors that must close later. A few faster
 * closes on a route that answers as fast may be a race, unless there are enough to compare how they spread.
 */
const RACE_CLOSES_WITHIN = 0.061;
const LATER_SHARE = 0.25;
const MANY = 100;
/** Minimum successes of a route, and minimum errors; fewer times are inconclusive. */
const MIN_SUCCESSES = 20;
const MIN_SPREAD = 16;

const milliseconds = ({ target_processing_time }: SampledError): number => Math.round(1000 * target_processing_time);

interface RouteTimes {
  route: string;
  errors: SampledError[];
  scale: RouteScale;
}

function routeTimes(traffic: Traffic, errors: readonly SampledError[]): RouteTimes[] {
  return [...groupBy(errors, ({ route }) => route)].flatMap(([route, own]) => {
    const scale = routeScale(traffic, route, 'times');
    return scale !== null && scale.successes >= MIN_SUCCESSES ? [{ route, errors: own, scale }] : [];
  });
}

interface ClosedBeforeWork {
  route: string;
  errors: SampledError[];
  successes: number;
  /** The slowest of these errors, milliseconds. */
  longest: number;
}

/** Routes whose errors closed sooner than almost any success was answered, so that no response can be at fault. */
export function closedBeforeWork(traffic: Traffic, errors: readonly SampledError[]): ClosedBeforeWork[] {
  const routes = routeTimes(traffic, errors);
  return routes.flatMap(({ route, errors: own, scale }) => {
    const longest = Math.max(...own.map(milliseconds));
    const chance = allLowestByChance(own.length, countUpTo(scale, longest), scale.successes);
    return chance * routes.length <= MOST_BY_CHANCE
      ? [{ route, errors: own, successes: scale.successes, longest }]
      : [];
  });
}

/**
 * Errors that closed when their routes answer: spread like the successes, neither at once nor at one time. A connection
 * closed by its idle timer closes at once.
 */
export function closedAsAnswered(traffic: Traffic, errors: readonly SampledError[]): SampledError[] {
  const before = new Set(closedBeforeWork(traffic, errors).map(({ route }) => route));
  const all = routeTimes(traffic, errors).filter(({ route }) => !before.has(route));
  const early = closedEarly(all);
  const routes = all.map((one) => ({ ...one, errors: one.errors.filter((error) => !early.has(error)) }));
  const together = routes.flatMap(({ errors: own }) => own);
  const ranks = routes.flatMap(({ errors: own, scale }) => own.map((error) => midRank(scale, milliseconds(error))));
  const later = together.filter(({ target_processing_time }) => target_processing_time > RACE_CLOSES_WITHIN);
  const canTell = ranks.length >= MANY || later.length >= LATER_SHARE * ranks.length;
  return ranks.length >= MIN_SPREAD && canTell && isUniform(ranks) ? together : [];
}

/** Errors that closed as a race does, if their routes answer so soon too rarely for that to be chance. */
function closedEarly(routes: readonly RouteTimes[]): Set<SampledError> {
  const count = routes.reduce((sum, { errors }) => sum + errors.length, 0);
  const expected = routes.reduce(
    (sum, { errors, scale }) =>
      sum + (errors.length * (countUpTo(scale, 1000 * RACE_CLOSES_WITHIN) + 1)) / (scale.successes + 1),
    0,
  );
  const early = routes.flatMap(({ errors }) =>
    errors.filter(({ target_processing_time }) => target_processing_time <= RACE_CLOSES_WITHIN),
  );
  const isChance =
    early.length === 0 || binomialTail(early.length, count, Math.min(1, expected / count)) > MOST_BY_CHANCE;
  return new Set(isChance ? [] : early);
}

/**
 * Kolmogorov's distance from a uniform spread, at 1 %. Mid-ranks of a route with a single duration have no spread to
 * compare.
 */
const DISTANCE_AT_ONE_PERCENT = 1.63;
/** Added tolerance: times in milliseconds and steps of 9 % are not exact. */
const ROUNDING = 0.12;
const LEAST_DEVIATION = 0.2;

function isUniform(ranks: readonly number[]): boolean {
  const sorted = [...ranks].sort((a, b) => a - b);
  const n = sorted.length;
  const distance = Math.max(...sorted.map((rank, i) => Math.max(Math.abs((i + 1) / n - rank), Math.abs(rank - i / n))));
  const mean = ranks.reduce((sum, rank) => sum + rank, 0) / n;
  const deviation = Math.sqrt(ranks.reduce((sum, rank) => sum + (rank - mean) ** 2, 0) / n);
  return distance <= ROUNDING + DISTANCE_AT_ONE_PERCENT / Math.sqrt(n) && deviation >= LEAST_DEVIATION;
}
