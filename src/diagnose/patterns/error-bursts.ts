/** Finds errors of one target that ended together: one event on that target, such as a crash. */
import type { SampledError } from '../traffic.ts';
import { groupBy } from '../traffic.ts';
import { isInstant } from './keep-alive.ts';

export interface TargetBurst {
  target: string;
  errors: SampledError[];
  /** Epoch milliseconds. */
  from: number;
  to: number;
}

const MIN_ERRORS = 3;
/**
 * Minimum requests in progress. Requests closed immediately do not count: they end together because they were sent
 * together.
 */
const MIN_UNDER_WAY = 3;
/** Longest pause inside a burst: one event ends its requests within milliseconds. */
const PAUSE_MS = 20;
/**
 * Their starts must spread over this many times the spread of their ends; requests sent together would end together
 * anyway.
 */
const APART = 3;

const underWayCount = (errors: readonly SampledError[]): number => errors.filter((error) => !isInstant(error)).length;

function beganApart(run: readonly SampledError[]): boolean {
  const spread = (times: number[]) => Math.max(...times) - Math.min(...times);
  const began = run.map(({ at, target_processing_time }) => at - 1000 * target_processing_time);
  return spread(began) >= APART * spread(run.map(({ at }) => at));
}

const MOST_BY_CHANCE = 0.01;

/** Expected runs of this length if the target's other errors ended at random times of the log. */
function expectedByChance(length: number, all: number, readMs: number): number {
  const others = all - length;
  let chance = others;
  for (let i = 1; i < length; i++) chance *= (others * PAUSE_MS) / Math.max(1, readMs);
  return chance;
}

/**
 * At least three errors of one target on requests in progress, each at most 20 ms after the one before; by time, then
 * target.
 */
export function targetBursts(errors: readonly SampledError[], readMs: number): TargetBurst[] {
  const bursts: TargetBurst[] = [];
  for (const [target, own] of groupBy(errors, (error) => error.target)) {
    let run: SampledError[] = [];
    const close = () => {
      const [first, last] = [run[0], run[run.length - 1]];
      if (
        first &&
        last &&
        run.length >= MIN_ERRORS &&
        underWayCount(run) >= MIN_UNDER_WAY &&
        beganApart(run) &&
        expectedByChance(run.length, own.length, readMs) < MOST_BY_CHANCE
      )
        bursts.push({ target, errors: run, from: first.at, to: last.at });
      run = [];
    };
    for (const error of [...own].sort((a, b) => a.at - b.at || a.index - b.index)) {
      const last = run[run.length - 1];
      if (last && error.at - last.at > PAUSE_MS) close();
      run.push(error);
    }
    close();
  }
  return bursts.sort((a, b) => a.from - b.from || (a.target < b.target ? -1 : 1));
}
