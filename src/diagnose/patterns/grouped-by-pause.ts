/** Finds short bursts of errors in a longer window. */
import type { SampledError } from '../traffic.ts';
import { countErrors } from '../traffic.ts';

export interface Burst {
  errors: SampledError[];
  /** Epoch milliseconds. */
  from: number;
  to: number;
}

/** Milliseconds without an error after which a burst has ended. */
const PAUSE_MS = 3_000;
/** Milliseconds; a longer episode is not a burst. */
const LONGEST_MS = 60_000;
const MIN_ERRORS = 5;
const MIN_SHARE = 0.5;
/** Minimum error rate of a burst, as a multiple of the overall rate; random runs are not that dense. */
const MIN_DENSITY = 10;

/**
 * The bursts that contain at least half of the errors, by time; empty if errors are spread. The log must be at least
 * four times as long as a burst, or it could be one burst itself.
 */
export function findBursts(errors: readonly SampledError[], readMs: number): Burst[] {
  const bursts = runsOf(errors, PAUSE_MS, readMs).filter(
    ({ errors: own, from, to }) =>
      own.length / Math.max(1_000, to - from) >= (MIN_DENSITY * errors.length) / readMs || own.length === errors.length,
  );
  const held = bursts.reduce((sum, burst) => sum + countErrors(burst.errors), 0);
  return held >= MIN_SHARE * countErrors(errors) ? bursts : [];
}

/** Pauses inside a run are at most this share of the mean pause between errors. */
const DENSE = 0.5;

/** Short runs of errors that follow each other more closely than errors do on average, whatever share they hold. By time. */
export const denseRuns = (errors: readonly SampledError[], readMs: number): Burst[] =>
  runsOf(errors, Math.min(PAUSE_MS, (DENSE * readMs) / Math.max(1, errors.length)), readMs);

/** Runs with no longer pause between errors, of five errors at least and a fourth of the log at most. By time. */
function runsOf(errors: readonly SampledError[], pauseMs: number, readMs: number): Burst[] {
  const ordered = [...errors].sort((a, b) => a.at - b.at || a.index - b.index);
  const runs: SampledError[][] = [];
  for (const error of ordered) {
    const run = runs[runs.length - 1];
    const last = run?.[run.length - 1];
    if (run && last && error.at - last.at <= pauseMs) run.push(error);
    else runs.push([error]);
  }
  return runs
    .map((run) => ({ errors: run, from: run[0]?.at ?? 0, to: run[run.length - 1]?.at ?? 0 }))
    .filter(({ errors: own, from, to }) => own.length >= MIN_ERRORS && to - from <= Math.min(LONGEST_MS, readMs / 4));
}

/** Milliseconds within which errors end together. */
const TOGETHER_MS = 50;

/**
 * The largest set of at least three errors that ended at one moment after durations at least a second apart; null if no
 * such set exists.
 */
export function largestSimultaneousBurst(errors: readonly SampledError[]): Burst | null {
  const ordered = [...errors].sort((a, b) => a.at - b.at || a.index - b.index);
  let best: SampledError[] = [];
  let start = 0;
  ordered.forEach((error, end) => {
    while ((ordered[start]?.at ?? error.at) < error.at - TOGETHER_MS) start++;
    if (end - start + 1 > best.length) best = ordered.slice(start, end + 1);
  });
  const durations = best.flatMap(({ elapsed }) => elapsed ?? []);
  const apart = durations.length > 1 ? Math.max(...durations) - Math.min(...durations) : 0;
  const [first, last] = [best[0], best[best.length - 1]];
  return best.length >= 3 && apart >= 1 && first && last ? { errors: best, from: first.at, to: last.at } : null;
}
