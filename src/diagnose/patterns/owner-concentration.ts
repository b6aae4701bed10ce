/** Tests whether failing targets share a service, revision, instance type or zone more than by chance. */

import { number, outOf } from '../../format/wording.ts';
import { targetKey } from '../targets/target-key.ts';
import { targetName } from '../targets/target-name.ts';
import type { TargetOwner } from '../targets/target-owners.ts';
import { oncePerTraffic, type Traffic } from '../traffic.ts';

type OwnerDimension = 'service' | 'revision' | 'instance type' | 'zone';

interface OwnerConcentration {
  dimension: OwnerDimension;
  name: string;
  /**
   * Failing targets with this property, all failing targets, all targets with it, and all targets. Counts only targets
   * with a known owner.
   */
  failingWithIt: number;
  failing: number;
  withIt: number;
  targets: number;
}

/** A target with its owner at the time it was chosen, and the results of its requests. */
export interface OwnedTarget {
  target: string;
  targetGroup: string;
  /** Its name in sentences. */
  name: string;
  owner: TargetOwner;
  requests: number;
  /** The number of asked errors. */
  errors: number;
}

/** All targets in the log with a known owner; by target group, then address. */
export const ownedTargets = oncePerTraffic((traffic: Traffic): OwnedTarget[] => {
  const { log, errors, owners } = traffic;
  const byTarget = Map.groupBy(
    log.targets.filter(({ target }) => target !== '-'),
    targetKey,
  );
  const errorsOf = Map.groupBy(errors, targetKey);
  return [...byTarget].flatMap(([key, nodes]) => {
    const [first] = nodes;
    if (first === undefined) return [];
    const { target, target_group_arn } = first;
    const own = errorsOf.get(key) ?? [];
    const lastSeen = nodes.reduce((last, node) => Math.max(last, node.lastSeen), 0);
    const owner = owners.at(target, own[0]?.at ?? lastSeen, target_group_arn);
    if (owner === null) return [];
    return [
      {
        ...{ target, targetGroup: target_group_arn, name: targetName(target, owner), owner },
        requests: nodes.reduce((sum, { requests }) => sum + requests, 0),
        errors: own.reduce((sum, { weight }) => sum + weight, 0),
      },
    ];
  });
});

const DIMENSIONS: readonly [OwnerDimension, (owner: TargetOwner) => string | null][] = [
  ['revision', ({ revision }) => revision],
  ['service', ({ service }) => service],
  ['instance type', ({ instanceType }) => instanceType],
  ['zone', ({ zone }) => zone],
];

/** Maximum probability by chance over everything tried. */
const MOST_BY_CHANCE = 1e-3;
/**
 * Minimum error rate of a failing target, as a share of the worst target's rate, because a single error is not enough.
 */
const FAILING_RATE = 0.2;

/** Concentrations; at most one per dimension, in the order revision, service, instance type, zone. */
export function ownerConcentrations(traffic: Traffic): OwnerConcentration[] {
  const all = ownedTargets(traffic);
  const rate = ({ errors, requests }: OwnedTarget) => errors / Math.max(1, requests);
  const worst = all.reduce((most, one) => Math.max(most, rate(one)), 0);
  const fails = (one: OwnedTarget) => one.errors > 0 && rate(one) >= FAILING_RATE * worst;
  const tried = DIMENSIONS.reduce(
    (sum, [, ownValue]) => sum + new Set(all.map(({ owner }) => ownValue(owner))).size,
    0,
  );
  return DIMENSIONS.flatMap(([dimension, ownValue]) => {
    const known = all.filter(({ owner }) => ownValue(owner) !== null);
    const failing = known.filter(fails);
    const found = [...Map.groupBy(known, ({ owner }) => ownValue(owner) ?? '')].flatMap(([name, own]) => {
      const failingWithIt = own.filter(fails).length;
      const counts = { failingWithIt, failing: failing.length, withIt: own.length, targets: known.length };
      const isMost = 2 * failingWithIt > failing.length && own.length < known.length;
      const chance = isMost ? tried * chanceOf(counts) : 1;
      return chance <= MOST_BY_CHANCE ? [{ dimension, name, ...counts, chance }] : [];
    });
    const [best] = found.sort((a, b) => a.chance - b.chance || (a.name < b.name ? -1 : 1));
    if (best === undefined) return [];
    const { chance: _, ...concentration } = best;
    return [concentration];
  });
}

/**
 * The probability that at least this many failing targets have the property if all targets were equally likely to fail
 * (hypergeometric).
 */
function chanceOf({ failingWithIt, failing, withIt, targets }: Omit<OwnerConcentration, 'dimension' | 'name'>): number {
  let chance = 0;
  for (let k = failingWithIt; k <= Math.min(failing, withIt); k++)
    chance += Math.exp(logChoose(withIt, k) + logChoose(targets - withIt, failing - k) - logChoose(targets, failing));
  return chance;
}

function logChoose(n: number, k: number): number {
  if (k < 0 || k > n) return Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i);
  return sum;
}

/** "All 12 failing targets have revision feed-api:47; 12 of the 24 targets have it, so 6 of 12 would be expected by chance." */
export function ownerSentence({
  dimension,
  name,
  failingWithIt,
  failing,
  withIt,
  targets,
}: OwnerConcentration): string {
  const byChance = (failing * withIt) / targets;
  const share =
    failingWithIt === failing ? `All ${failing} failing targets` : `${outOf(failingWithIt, failing)} failing targets`;
  return `${share} have ${dimension} ${name}; ${withIt} of the ${targets} targets have it, so ${byChance < 10 ? Number(byChance.toFixed(1)) : number(byChance)} of ${failing} would be expected by chance.`;
}

/** "5 of 5 failing targets share a revision". */
export const ownerBrief = ({ dimension, failingWithIt, failing }: OwnerConcentration): string =>
  `${outOf(failingWithIt, failing)} failing targets share ${dimension === 'instance type' ? 'an' : 'a'} ${dimension}`;

/** "5 of 5 failing targets are of revision feed-api:48." */
export const ownerHeadline = ({ dimension, name, failingWithIt, failing }: OwnerConcentration): string =>
  `${outOf(failingWithIt, failing)} failing targets are of ${dimension} ${name}.`;
