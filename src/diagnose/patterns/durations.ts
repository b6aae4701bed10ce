/** Errors that end after one fixed time of work name the clock that fired. */
import type { Failure } from '../traffic.ts';

export interface DurationCluster {
  /** Middle of the cluster, seconds of target_processing_time. */
  seconds: number;
  errors: Failure[];
  /** Clusters as dense that the other errors of about that duration would give by chance. */
  byChance: number;
}

/** Shorter work is not told apart from ordinary response times. */
const MIN_SECONDS = 1;
const MIN_ERRORS = 3;
/** Share of the errors of about that duration (half as long again, or as short) that must lie in the cluster. */
const MIN_SHARE = 0.5;

/**
 * Clusters of at least three errors whose target_processing_time agrees to within 3 % (at least 0.1 s): a worker timeout is checked
 * once a second or so. Errors that also ended at the same moment are one event (a crash), not a clock, and count once.
 */
export function fixedDurations(errors: readonly Failure[]): DurationCluster[] {
  let rest = errors.filter((error) => error.target_processing_time >= MIN_SECONDS).sort(byDuration);
  let others = errors;
  const clusters: DurationCluster[] = [];
  for (;;) {
    const cluster = densest(rest);
    if (!cluster || moments(cluster) < MIN_ERRORS) return clusters;
    const around = near(others, cluster).length;
    const chance = byChance(cluster, around);
    if (cluster.length < MIN_SHARE * around || chance > MOST_BY_CHANCE) return clusters;
    clusters.push({
      seconds: middle(cluster),
      errors: [...cluster].sort((a, b) => a.index - b.index),
      byChance: chance,
    });
    const taken = new Set(cluster);
    rest = rest.filter((error) => !taken.has(error));
    others = others.filter((error) => !taken.has(error));
  }
}

const byDuration = (a: Failure, b: Failure) => a.target_processing_time - b.target_processing_time || a.index - b.index;

const ABOUT = 1.5;

/** Errors of about the duration of a cluster; what else is closed much earlier or later does not hide a clock. */
function near(errors: readonly Failure[], cluster: readonly Failure[]): Failure[] {
  const at = middle(cluster);
  return errors.filter(({ target_processing_time: t }) => t >= at / ABOUT && t <= at * ABOUT);
}

/** Clusters as dense that the other errors of about that duration would give if each took any time of it. */
const MOST_BY_CHANCE = 0.01;

function byChance(cluster: readonly Failure[], around: number): number {
  const at = middle(cluster);
  const widths = ((ABOUT - 1 / ABOUT) * at) / width(at);
  // None among the others would make any cluster sure.
  const expected = Math.max(1, around - cluster.length) / widths;
  let term = Math.exp(-expected);
  let fewer = 0;
  for (let k = 0; k < cluster.length; k++) {
    fewer += term;
    term *= expected / (k + 1);
  }
  return widths * Math.max(0, 1 - fewer);
}

const width = (seconds: number): number => Math.max(0.1, seconds * 0.03);

/** The longest run of sorted errors within one width; the first of equals. */
function densest(sorted: Failure[]): Failure[] | null {
  let best: Failure[] | null = null;
  let end = 0;
  for (let start = 0; start < sorted.length; start++) {
    const from = sorted[start]?.target_processing_time ?? 0;
    while (end < sorted.length && (sorted[end]?.target_processing_time ?? 0) <= from + width(from)) end++;
    if (end - start > (best?.length ?? 0)) best = sorted.slice(start, end);
  }
  return best;
}

/** Ended within this of each other: one event of the target, milliseconds. */
const TOGETHER_MS = 20;

/** Of the moments at which the errors of a cluster ended, those at which no request of another duration ended on the same target. */
export function ownMoments({ errors }: DurationCluster, all: readonly Failure[]): number {
  const own = new Set(errors);
  const others = all.filter((error) => !own.has(error));
  return moments(
    errors.filter(
      ({ at, target }) => !others.some((other) => other.target === target && Math.abs(other.at - at) <= TOGETHER_MS),
    ),
  );
}

/** Distinct moments (200 ms) at which they ended. */
const moments = (errors: Failure[]): number => new Set(errors.map((error) => Math.round(error.at / 200))).size;

function middle(cluster: readonly Failure[]): number {
  const value = cluster[Math.floor((cluster.length - 1) / 2)]?.target_processing_time ?? 0;
  return Math.round(value * 1000) / 1000;
}
