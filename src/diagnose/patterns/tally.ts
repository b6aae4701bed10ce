/** Counts errors by a name, such as a target, route or code. */

import { list, number } from '../../format/wording.ts';
import type { SampledError } from '../traffic.ts';

interface Tally {
  name: string;
  /** Number of errors, weighted. */
  count: number;
}

/** The names with their errors, most errors first, then by name. */
export function tally(errors: readonly SampledError[], name: (error: SampledError) => string): Tally[] {
  const counts = new Map<string, number>();
  for (const error of errors) {
    const key = name(error);
    counts.set(key, (counts.get(key) ?? 0) + error.weight);
  }
  return [...counts]
    .map(([key, count]) => ({ name: key, count }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}

/** "12 × GET /a, 3 × GET /b and 4 more"; without a number if there is only one name. */
export const describeTally = (
  errors: readonly SampledError[],
  name: (error: SampledError) => string,
  limit = 4,
): string => describe(tally(errors, name), '×', limit);

/** "7 from 10.0.1.5:8080 and 2 from 10.0.1.6:8080"; without a number if there is only one target. */
export const describeTargets = (errors: readonly SampledError[], name: (error: SampledError) => string): string =>
  describe(tally(errors, name), 'from', 4);

function describe(tallies: readonly Tally[], joint: '×' | 'from', limit: number): string {
  if (tallies.length === 1) return tallies[0]?.name ?? '';
  return list(
    tallies.map(({ name, count }) => `${number(count)} ${joint} ${name}`),
    limit,
  );
}
