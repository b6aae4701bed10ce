/** Finds a target, node, route or client with more errors than its share of the requests explains. */
import type { SampledError, Traffic } from '../traffic.ts';
import { countErrors, groupBy, targetGroupName } from '../traffic.ts';
import { withoutHops } from './hops.ts';
import { tally } from './tally.ts';

export interface Concentration {
  kind: 'target' | 'load balancer node' | 'route' | 'client';
  name: string;
  errors: number;
  /** Share of the errors of this kind that have a name. */
  share: number;
  /** Share of the requests; null for a client, because requests are not counted by client. */
  requestShare: number | null;
}

const MIN_ERRORS = 10;
/**
 * A concentration has at least half of the errors, three times the odds of its requests, and more than chance explains.
 */
const MIN_SHARE = 0.5;
const MIN_ODDS = 3;
const MIN_Z = 4;

/** Concentrations in the order target, node, route, client; at most one of each kind. */
export function concentrations(traffic: Traffic): Concentration[] {
  const { log, errors } = traffic;
  const requests = (key: (row: Traffic['log']['targets'][number]) => string | null) =>
    sumByKey(log.targets.map((row) => [key(row), row.requests]));
  const routes = new Map(log.routes.map(({ route, requests: count }) => [route, count]));
  return [
    ...findConcentration(
      'target',
      errors,
      (error) => (error.target === '-' ? null : error.target),
      requests((row) => (row.target === '-' ? null : row.target)),
    ),
    ...findConcentration(
      'load balancer node',
      errors,
      (error) => error.node,
      requests((row) => row.node),
    ),
    ...findConcentration('route', errors, (error) => error.route, routes, log.requests),
    ...findConcentration('client', withoutHops(traffic, errors), (error) => String(error.client), null),
  ];
}

function findConcentration(
  kind: Concentration['kind'],
  all: SampledError[],
  name: (error: SampledError) => string | null,
  requests: Map<string, number> | null,
  total = [...(requests?.values() ?? [])].reduce((sum, count) => sum + count, 0),
): Concentration[] {
  const errors = all.filter((error) => name(error) !== null);
  const [first, second] = tally(errors, (error) => name(error) ?? '');
  const count = countErrors(errors);
  if (!first || count < MIN_ERRORS || first.count < MIN_SHARE * count) return [];
  const share = first.count / count;
  if (requests === null) return [{ kind, name: first.name, errors: first.count, share, requestShare: null }];
  const expectedOf = (one: { name: string }) => (requests.get(one.name) ?? 0) / Math.max(1, total);
  const isOverrepresented = (one: { name: string; count: number }): boolean => {
    const [own, expected] = [one.count / count, expectedOf(one)];
    // Odds, not a plain ratio: one of two targets cannot have three times its half.
    return (
      expected < 1 &&
      own * (1 - expected) >= MIN_ODDS * expected * (1 - own) &&
      one.count - count * expected >= MIN_Z * Math.sqrt(count * expected * (1 - expected))
    );
  };
  // If a second one stands out too, the errors are not concentrated on one.
  if (!isOverrepresented(first) || (second !== undefined && isOverrepresented(second))) return [];
  return [{ kind, name: first.name, errors: first.count, share, requestShare: expectedOf(first) }];
}

function sumByKey(pairs: [string | null, number][]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [key, value] of pairs) if (key !== null) sums.set(key, (sums.get(key) ?? 0) + value);
  return sums;
}

/** The number of distinct values among the errors. */
export const countDistinct = (errors: readonly SampledError[], name: (error: SampledError) => string | null): number =>
  [...groupBy(errors, (error) => name(error) ?? '-').keys()].filter((key) => key !== '-').length;

/** A group in which some targets fail nearly every request and others almost none. */
export interface SplitGroup {
  name: string;
  failing: string[];
  working: string[];
}

const NEARLY_ALL = 0.95;
const HARDLY_ANY = 0.05;
/** A target with fewer requests counts as neither failing nor working. */
const FEWEST_REQUESTS = 5;

/** Groups with at least two failing targets, one working target, and no target in between; by name. */
export function splitGroups({ log }: Traffic): SplitGroup[] {
  const groups = groupBy(
    log.targets.filter(({ target }) => target !== '-'),
    ({ target_group_arn }) => target_group_arn,
  );
  return [...groups]
    .flatMap(([arn, rows]) => {
      const targets = [...groupBy(rows, ({ target }) => target)].map(([target, own]) => {
        const requests = own.reduce((sum, row) => sum + row.requests, 0);
        return { target, requests, share: own.reduce((sum, row) => sum + row.failures, 0) / Math.max(1, requests) };
      });
      const known = targets.filter(({ requests }) => requests >= FEWEST_REQUESTS);
      const failing = known.filter(({ share }) => share >= NEARLY_ALL).map(({ target }) => target);
      const working = known.filter(({ share }) => share <= HARDLY_ANY).map(({ target }) => target);
      const split = failing.length >= 2 && working.length > 0 && failing.length + working.length === known.length;
      return split ? [{ name: targetGroupName(arn), failing: failing.sort(), working: working.sort() }] : [];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
