import type { RouteTraffic, ScaleCount, SlowRoute } from '../../../src/evidence/access-log.ts';

/** Eight steps for each doubling, as the access log counts. */
function stepsOf(values: readonly number[]): ScaleCount[] {
  const counts = new Map<number, number>();
  for (const value of values) {
    const step = Math.floor(8 * Math.log2(value + 0.5));
    counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  return [...counts].map(([step, requests]) => ({ step, requests })).sort((a, b) => a.step - b.step);
}

/** A route with these successes (milliseconds and bytes) and this many errors. */
export const routeOf = (
  route: string,
  failures: number,
  { times, sizes = times.map(() => 300) }: { times: number[]; sizes?: number[] },
): RouteTraffic => ({
  route,
  requests: failures + times.length,
  failures,
  succeeded: times.length,
  succeededMs: times.reduce((sum, time) => sum + time, 0),
  succeededMaxMs: Math.max(0, ...times),
  times: stepsOf(times),
  sizes: stepsOf(sizes),
});

/** A route whose responses took these times, in milliseconds. */
export const answersOf = (route: string, times: number[]): SlowRoute => ({
  route,
  answeredMs: times.reduce((sum, time) => sum + time, 0),
  times: stepsOf(times),
});

/** `count` numbers from `from` to `to`, evenly. */
export const evenly = (count: number, from: number, to: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.round(from + ((to - from) * i) / Math.max(1, count - 1)));
