/** Groups rows without a connection by target group and target, with what else the target did. */
import { targetKey } from '../targets/target-key.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { groupBy, oncePerTraffic, targetGroupName, withSignature } from '../traffic.ts';
import { presenceOf, type TargetPresence, targetPresences } from './churn.ts';

/** connect-failed rows: 502, `-1 -1 -1`, at once. */
export interface FailedConnects {
  target_group_arn: string;
  groupName: string;
  target: string;
  errors: SampledError[];
  presence: TargetPresence | null;
  /**
   * Whether these are the target's last moments: it received almost nothing afterwards. A target that refuses and
   * leaves minutes later left for another reason.
   */
  inLastMoments: boolean;
  /** Whether this target answered a request after the first of these errors, or before it. */
  succeeded: boolean;
  /** Whether another target of the group joined while this one left. */
  replaced: boolean;
}

export const failedConnects = oncePerTraffic((traffic: Traffic): FailedConnects[] => {
  const errors = withSignature(traffic, 'connect-failed');
  const perTarget = groupBy(errors, targetKey);
  return [...perTarget.values()].flatMap(groupByPause).flatMap((own) => {
    const [first] = own;
    if (!first) return [];
    const { target, target_group_arn } = first;
    const presence = presenceOf(traffic, first);
    return [
      {
        target_group_arn,
        groupName: targetGroupName(target_group_arn),
        target,
        errors: own,
        presence,
        inLastMoments: presence !== null && Math.max(...own.map(({ at }) => at)) >= presence.lastSeen - PAUSE_MS,
        succeeded: presence?.lastSuccess != null,
        replaced: presence !== null && wasReplaced(presence, traffic),
      },
    ];
  });
});

/** Connect errors of one target. */
export type TargetConnectTimeouts = Pick<FailedConnects, 'target_group_arn' | 'target' | 'errors' | 'succeeded'>;

/** connect-timeout rows: 504, `-1 -1 -1`, at 10 s. */
export const targetConnectTimeouts = oncePerTraffic((traffic: Traffic): TargetConnectTimeouts[] =>
  byTarget(traffic, withSignature(traffic, 'connect-timeout')),
);

export function byTarget(traffic: Traffic, errors: readonly SampledError[]): TargetConnectTimeouts[] {
  const answered = new Set(
    targetPresences(traffic)
      .filter(({ lastSuccess }) => lastSuccess !== null)
      .map(targetKey),
  );
  const perTarget = groupBy(errors, targetKey);
  return [...perTarget].flatMap(([key, own]) =>
    own
      .slice(0, 1)
      .map(({ target_group_arn, target }) => ({ target_group_arn, target, errors: own, succeeded: answered.has(key) })),
  );
}

/**
 * Milliseconds; failures of one target further apart are judged separately, such as a crash in the morning and a
 * deployment at noon.
 */
const PAUSE_MS = 90_000;

function groupByPause(errors: SampledError[]): SampledError[][] {
  const result: SampledError[][] = [];
  for (const error of [...errors].sort((a, b) => a.at - b.at || a.index - b.index)) {
    const group = result[result.length - 1];
    const before = group?.[group.length - 1];
    if (group && before && error.at - before.at <= PAUSE_MS) group.push(error);
    else result.push([error]);
  }
  return result;
}

const REPLACED_WITHIN_MS = 10 * 60_000;

/** Pairs of a target that left and one that joined, up to which the closest are matched first. */
const MOST_PAIRS = 10_000;

/**
 * Whether another target of the group first appeared within ten minutes of this target's last request, without
 * replacing yet another target.
 */
export function wasReplaced(presence: TargetPresence, traffic: Traffic): boolean {
  const { left, joined, replaced } = movesOf(traffic).get(presence.target_group_arn) ?? NO_MOVES;
  if (joined.length === 0) return false;
  return (presence.left === false ? matchMoves([...left, presence], joined) : replaced).has(presence);
}

interface Moves {
  /** Targets of one group that may have left, and those that joined. */
  left: readonly TargetPresence[];
  joined: readonly TargetPresence[];
  replaced: ReadonlySet<TargetPresence>;
}

const NO_MOVES: Moves = { left: [], joined: [], replaced: new Set() };

/** By target group, once: a rollout may replace thousands of targets. */
const movesOf = oncePerTraffic(
  (traffic: Traffic): ReadonlyMap<string, Moves> =>
    new Map(
      [...groupBy(targetPresences(traffic), ({ target_group_arn }) => target_group_arn)].map(([arn, own]) => {
        const left = own.filter((one) => one.left !== false);
        const joined = own.filter((one) => one.joined === true);
        return [arn, { left, joined, replaced: matchMoves(left, joined) }];
      }),
    ),
);

/** The targets that left and were each replaced by another one that joined. */
function matchMoves(left: readonly TargetPresence[], joined: readonly TargetPresence[]): Set<TargetPresence> {
  return left.length * joined.length <= MOST_PAIRS ? matchClosest(left, joined) : matchInOrder(left, joined);
}

function matchClosest(left: readonly TargetPresence[], joined: readonly TargetPresence[]): Set<TargetPresence> {
  const pairs = left
    .flatMap((old) =>
      joined
        .filter((fresh) => fresh !== old)
        .map((fresh) => ({ old, fresh, apart: Math.abs(fresh.firstSeen - old.lastSeen) })),
    )
    .filter(({ apart }) => apart <= REPLACED_WITHIN_MS)
    .sort((a, b) => a.apart - b.apart);
  const [replacedTargets, replacements] = [new Set<TargetPresence>(), new Set<TargetPresence>()];
  for (const { old, fresh } of pairs) {
    if (replacedTargets.has(old) || replacements.has(fresh)) continue;
    replacedTargets.add(old);
    replacements.add(fresh);
  }
  return replacedTargets;
}

/** Matches the first that left with the first that joined, and so on: in a large rollout, it matters little which. */
function matchInOrder(left: readonly TargetPresence[], joined: readonly TargetPresence[]): Set<TargetPresence> {
  const replacedTargets = new Set<TargetPresence>();
  const waiting = [...joined].sort((a, b) => a.firstSeen - b.firstSeen);
  let next = 0;
  for (const old of [...left].sort((a, b) => a.lastSeen - b.lastSeen)) {
    while (next < waiting.length && (waiting[next]?.firstSeen ?? 0) < old.lastSeen - REPLACED_WITHIN_MS) next += 1;
    const fresh = waiting[next];
    if (fresh === undefined) break;
    if (fresh === old || fresh.firstSeen > old.lastSeen + REPLACED_WITHIN_MS) continue;
    replacedTargets.add(old);
    next += 1;
  }
  return replacedTargets;
}
