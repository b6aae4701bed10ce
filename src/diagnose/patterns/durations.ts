/** Finds errors that end after one fixed working time, which identifies the timer that fired. */
import type { SampledError, Traffic } from '../traffic.ts';
import { groupBy, oncePerTraffic } from '../traffic.ts';
import { allLowestByChance } from './chance.ts';
import { countFrom, quantile, routeScale } from './route-scales.ts';

export interface DurationCluster {
  /**
   * Middle of the cluster, seconds of target_processing_time; for a timer that fires late, the whole second at or
   * before the first error.
   */
  seconds: number;
  errors: SampledError[];
  /** Expected number of equally dense clusters by chance among the other errors of about that duration. */
  expectedByChance: number;
  /** The number of errors that ended later because they waited for a worker first; absent if there are none. */
  waited?: number;
}

/** Shorter work cannot be told from ordinary response times. */
const MIN_SECONDS = 1;
const MIN_ERRORS = 3;
/** Share of the errors of about that duration (up to half longer or shorter) that must lie in the cluster. */
const MIN_SHARE = 0.5;

/**
 * Clusters of at least three errors whose target_processing_time agrees within 3 % (at least 0.1 s), because servers
 * check worker timeouts about once a second. Errors that also ended at the same moment come from one event (a crash),
 * not a timer, and count once.
 */
export function fixedDurations(errors: readonly SampledError[]): DurationCluster[] {
  let rest = errors.filter((error) => error.target_processing_time >= MIN_SECONDS).sort(byDuration);
  let others = errors;
  const clusters: DurationCluster[] = [];
  for (;;) {
    const cluster = densestRun(rest);
    if (!cluster || countMoments(cluster) < MIN_ERRORS) return clusters;
    const around = errorsNear(others, cluster).length;
    const chance = expectedClusters(cluster, around);
    if (cluster.length < MIN_SHARE * around || chance > MOST_BY_CHANCE) return clusters;
    clusters.push({
      seconds: medianDuration(cluster),
      errors: [...cluster].sort((a, b) => a.index - b.index),
      expectedByChance: chance,
    });
    const taken = new Set(cluster);
    rest = rest.filter((error) => !taken.has(error));
    others = others.filter((error) => !taken.has(error));
  }
}

/** A server that checks once a second fires its timer up to this many seconds late. */
const LATE_SECONDS = 1.2;
/** A shorter timer cannot be told from its own delay. */
const MIN_LATE_SECONDS = 2;
const NEARLY_ALL = 0.8;
const MIN_LATE_ERRORS = 5;
const MOST_BY_RANK = 1e-3;
/** Maximum share of successes that took as long. */
const MOST_AS_LONG = 0.1;

/**
 * Timers of servers that check about once a second (gunicorn's arbiter): nearly all errors of one route end within 1.2
 * s of each other, as do nearly all errors of about that duration on any route; no request of the route succeeded
 * later, and almost none took as long.
 */
export function lateTimers(traffic: Traffic, errors: readonly SampledError[]): DurationCluster[] {
  const routes = groupBy(
    errors.filter((error) => error.target_processing_time >= MIN_LATE_SECONDS),
    ({ route }) => route,
  );
  return [...routes].flatMap(([route, own]) => {
    const cluster = densestRun([...own].sort(byDuration), () => LATE_SECONDS);
    const scale = routeScale(traffic, route, 'times');
    if (cluster === null || scale === null || countMoments(cluster) < MIN_LATE_ERRORS) return [];
    if (cluster.length < NEARLY_ALL * Math.max(own.length, errorsNear(errors, cluster).length)) return [];
    const first = cluster[0]?.target_processing_time;
    if (first === undefined) return [];
    const asLong = countFrom(scale, Math.round(1000 * first));
    const chance = allLowestByChance(cluster.length, asLong, scale.successes);
    if (asLong > MOST_AS_LONG * scale.successes || chance * routes.size > MOST_BY_RANK) return [];
    const whole = Math.floor(first + 0.02);
    return [
      {
        seconds: first - whole < LATE_SECONDS / 3 ? whole : Math.round(1000 * first) / 1000,
        errors: [...cluster].sort((a, b) => a.index - b.index),
        expectedByChance: chance * routes.size,
      },
    ];
  });
}

/**
 * A timer on routes whose requests all fail: nearly all errors end within 1.2 s after a whole second, or later by no
 * more than requests wait for a worker. Without successes to compare, only their density counts.
 */
export function lateTimerOfFailing(errors: readonly SampledError[], waitSeconds: number): DurationCluster | null {
  const own = errors.filter((error) => error.target_processing_time >= MIN_LATE_SECONDS).sort(byDuration);
  const cluster = densestRun(own, () => LATE_SECONDS);
  if (cluster === null || countMoments(cluster) < MIN_LATE_ERRORS) return null;
  const first = cluster[0]?.target_processing_time ?? 0;
  const last = cluster.at(-1)?.target_processing_time ?? 0;
  const waited = own.filter(({ target_processing_time: t }) => t > last && t <= last + waitSeconds);
  if (cluster.length < MIN_SHARE * errors.length || cluster.length + waited.length < NEARLY_ALL * errors.length)
    return null;
  const whole = Math.floor(first + 0.02);
  const chance = expectedClusters(cluster, errorsNear(errors, cluster).length, LATE_SECONDS);
  if (first - whole >= LATE_SECONDS / 3 || chance > MOST_BY_RANK) return null;
  return {
    seconds: whole,
    errors: [...cluster, ...waited].sort((a, b) => a.index - b.index),
    expectedByChance: chance,
    ...(waited.length > 0 ? { waited: waited.length } : {}),
  };
}

/** Median time of a route that needs almost no work, milliseconds. */
const QUICK_MS = 200;

/**
 * Seconds: the longest that an answer of a quick route exceeded the route's median, because it waited for a worker.
 */
export const longestWait = oncePerTraffic((traffic: Traffic): number => {
  const waits = (traffic.log.slowest?.routes ?? []).flatMap(({ times }) => {
    const scale = { steps: times, successes: times.reduce((sum, { requests }) => sum + requests, 0) };
    const median = quantile(scale, 0.5);
    return median <= QUICK_MS ? [quantile(scale, 1) - median] : [];
  });
  return Math.max(0, ...waits) / 1000;
});

const byDuration = (a: SampledError, b: SampledError) =>
  a.target_processing_time - b.target_processing_time || a.index - b.index;

const NEAR_FACTOR = 1.5;

/** Errors of about a cluster's duration, so that connections closed much earlier or later do not hide a timer. */
function errorsNear(errors: readonly SampledError[], cluster: readonly SampledError[]): SampledError[] {
  const at = medianDuration(cluster);
  return errors.filter(({ target_processing_time: t }) => t >= at / NEAR_FACTOR && t <= at * NEAR_FACTOR);
}

/**
 * Largest expected number of equally dense clusters, if the other errors of about that duration were spread evenly.
 */
const MOST_BY_CHANCE = 0.01;

function expectedClusters(cluster: readonly SampledError[], around: number, width?: number): number {
  const at = medianDuration(cluster);
  const widths = ((NEAR_FACTOR - 1 / NEAR_FACTOR) * at) / (width ?? clusterWidth(at));
  // At least one other error, because zero would make any cluster certain.
  const expected = Math.max(1, around - cluster.length) / widths;
  let term = Math.exp(-expected);
  let fewer = 0;
  for (let k = 0; k < cluster.length; k++) {
    fewer += term;
    term *= expected / (k + 1);
  }
  return widths * Math.max(0, 1 - fewer);
}

const clusterWidth = (seconds: number): number => Math.max(0.1, seconds * 0.03);

/** The longest run of sorted errors within one width; the first among equals. */
function densestRun(sorted: SampledError[], width: (from: number) => number = clusterWidth): SampledError[] | null {
  let best: SampledError[] | null = null;
  let end = 0;
  for (let start = 0; start < sorted.length; start++) {
    const from = sorted[start]?.target_processing_time ?? 0;
    while (end < sorted.length && (sorted[end]?.target_processing_time ?? 0) <= from + width(from)) end++;
    if (end - start > (best?.length ?? 0)) best = sorted.slice(start, end);
  }
  return best;
}

/** Milliseconds; errors that end this close together are one event of the target. */
const TOGETHER_MS = 20;

/**
 * Counts the moments at which errors of a cluster ended while no request of another duration ended on the same target.
 */
export function ownMoments({ errors }: DurationCluster, all: readonly SampledError[]): number {
  const own = new Set(errors);
  const others = all.filter((error) => !own.has(error));
  return countMoments(
    errors.filter(
      ({ at, target }) => !others.some((other) => other.target === target && Math.abs(other.at - at) <= TOGETHER_MS),
    ),
  );
}

/** Counts the distinct moments (200 ms) at which they ended. */
const countMoments = (errors: SampledError[]): number =>
  new Set(errors.map((error) => Math.round(error.at / 200))).size;

function medianDuration(cluster: readonly SampledError[]): number {
  const value = cluster[Math.floor((cluster.length - 1) / 2)]?.target_processing_time ?? 0;
  return Math.round(value * 1000) / 1000;
}
