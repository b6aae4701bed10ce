/** Finds targets that let requests run into the idle timeout while their peers answer the same routes. */
import { countErrors, groupBy, type SampledError, type Traffic } from '../traffic.ts';
import { type TargetPresence, targetPresences } from './churn.ts';

export interface StuckTargets {
  target_group_arn: string;
  targets: TargetPresence[];
  /** How many other targets of the group answered. */
  peers: number;
  /** The longest success of the failing routes, milliseconds; null if none succeeded. */
  longestMs: number | null;
  /** Milliseconds from their first request to the last that failed, if all joined during the log and answered later. */
  warmUpMs: number | null;
}

/** Fewer errors are also what some targets have by chance. */
const FEWEST_ERRORS = 5;
/** Most of the errors that may lie on other targets. */
const ELSEWHERE_AT_MOST = 0.05;
/** Times as often as on the other targets. */
const TIMES_THE_OTHERS = 20;

/** Null if the errors are spread, if most targets have them, or if they lie in several groups. */
export function stuckTargets(traffic: Traffic, errors: readonly SampledError[]): StuckTargets | null {
  const [group, ...others] = [...groupBy(errors, ({ target_group_arn }) => target_group_arn)];
  if (group === undefined || others.length > 0) return null;
  const [arn, own] = group;
  const total = countErrors(own);
  const byTarget = groupBy(own, ({ target }) => target);
  const rated = targetPresences(traffic)
    .filter(({ target_group_arn }) => target_group_arn === arn)
    .map((presence) => ({ presence, count: countErrors(byTarget.get(presence.target) ?? []) }))
    .sort((a, b) => b.count / b.presence.requests - a.count / a.presence.requests || b.count - a.count);
  const stuck: typeof rated = [];
  let left = total;
  for (const one of rated) {
    if (left <= ELSEWHERE_AT_MOST * total) break;
    stuck.push(one);
    left -= one.count;
  }
  const peers = rated.slice(stuck.length).filter(({ presence }) => presence.lastSuccess !== null);
  if (stuck.some(({ count }) => count < FEWEST_ERRORS) || peers.length < stuck.length) return null;
  const rateOf = (some: typeof rated, extra: number) =>
    (some.reduce((sum, { count }) => sum + count, 0) + extra) /
    Math.max(
      1,
      some.reduce((sum, { presence }) => sum + presence.requests, 0),
    );
  if (rateOf(stuck, 0) < TIMES_THE_OTHERS * rateOf(peers, 0.5)) return null;
  const routes = new Set(own.map(({ route }) => route));
  const longest = traffic.log.routes
    .filter(({ route, succeeded }) => routes.has(route) && succeeded > 0)
    .map(({ succeededMaxMs }) => succeededMaxMs);
  const targets = stuck.map(({ presence }) => presence);
  const lastError = Math.max(...own.map(({ at }) => at));
  const lastSent = Math.max(...own.map(({ at, elapsed }) => at - 1000 * (elapsed ?? 0)));
  const isWarm = targets.every(
    ({ joined, lastSuccess }) => joined === true && lastSuccess !== null && lastSuccess > lastError,
  );
  return {
    target_group_arn: arn,
    targets,
    peers: peers.length,
    longestMs: longest.length === 0 ? null : Math.max(...longest),
    warmUpMs: isWarm ? lastSent - Math.min(...targets.map(({ firstSeen }) => firstSeen)) : null,
  };
}
