/** How errors are divided over names: which target, which route, which code. */

import { list, number } from '../../format/wording.ts';
import type { Failure } from '../traffic.ts';
import { groupBy, weigh } from '../traffic.ts';

export interface Tally {
  name: string;
  /** How many errors, weighted. */
  count: number;
}

/** The names with their errors, most errors first, then by name. */
export const tally = (errors: readonly Failure[], name: (error: Failure) => string): Tally[] =>
  [...groupBy(errors, name)]
    .map(([key, own]) => ({ name: key, count: weigh(own) }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));

/** "12 × GET /a, 3 × GET /b and 4 more"; a single name stands without its number. */
export function divided(errors: readonly Failure[], name: (error: Failure) => string, limit = 4): string {
  const tallies = tally(errors, name);
  if (tallies.length === 1) return tallies[0]?.name ?? '';
  return list(
    tallies.map((t) => `${number(t.count)} × ${t.name}`),
    limit,
  );
}
