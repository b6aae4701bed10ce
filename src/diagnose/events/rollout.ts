/** Finds rollouts: targets leave, others join, and requests fail within seconds of that. */

import { type TargetPresence, targetPresences } from '../patterns/churn.ts';
import { wasReplaced } from '../patterns/failed-connects.ts';
import type { SignatureId } from '../signature.ts';
import { targetKey } from '../targets/target-key.ts';
import { groupBy, oncePerTraffic, type Traffic } from '../traffic.ts';
import { type EventOutline, sorted } from './event-outline.ts';
import { targetOutages } from './outages.ts';
import { type SentFailure, sentFailures } from './sent-failures.ts';

/** Milliseconds; targets that leave or join within this time belong to one rollout. */
const ONE_ROLLOUT_MS = 10 * 60_000;
/** Milliseconds before a target's last request within which failures count as part of its leaving. */
const LEAVING_MS = 10_000;
/** Milliseconds; a rollout starts the new target before the old one leaves, whereas a dead host is replaced later. */
const JOINS_WITHIN_MS = 60_000;
/** Milliseconds after a new target's first request in which failures belong to its start, until its first answer. */
const STARTING_MS = 60_000;
/** Largest share of the rollout's failures that other targets and other times explain. */
const OUTSIDE_AT_MOST = 0.2;

const ADMITTED: readonly SignatureId[] = [
  'connect-failed',
  'connect-timeout',
  'closed-before-response',
  'no-response-aborted',
];

interface TurnOver {
  presence: TargetPresence;
  /** When the target left or joined. */
  at: number;
  failures: SentFailure[];
  isLeaving: boolean;
}

export const rollouts = oncePerTraffic((traffic: Traffic): EventOutline[] => {
  const groups = groupBy(targetPresences(traffic), ({ target_group_arn }) => target_group_arn);
  return [...groups].flatMap(([arn, own]) => {
    const fresh = own.filter(({ joined }) => joined === true);
    if (fresh.length === 0) return [];
    const turnOvers = [
      ...own.filter((each) => each.left === true && wasReplaced(each, traffic)).map((each) => leaving(each, traffic)),
      ...fresh.map((each) => joining(each, traffic)),
    ].sort((a, b) => a.at - b.at || (a.presence.target < b.presence.target ? -1 : 1));
    return byPause(turnOvers).flatMap((turns) => rolloutOf(arn, turns, traffic));
  });
});

function leaving(presence: TargetPresence, traffic: Traffic): TurnOver {
  const own = failuresOn(presence, traffic);
  const inOutage = new Set(
    targetOutages(traffic)
      .filter((outage) => targetKey(outage) === targetKey(presence) && outage.nextAnswer === null)
      .flatMap(({ failures }) => failures),
  );
  const failures = own.filter(
    (failure) =>
      inOutage.has(failure) ||
      (ADMITTED.includes(failure.signature) && failure.request.at >= presence.lastSeen - LEAVING_MS),
  );
  return { presence, at: presence.lastSuccess ?? presence.lastSeen, failures, isLeaving: true };
}

function joining(presence: TargetPresence, traffic: Traffic): TurnOver {
  const firstAnswer = traffic.log.targets
    .filter((each) => targetKey(each) === targetKey(presence) && each.firstSuccess !== null)
    .reduce((first, { firstSuccess }) => Math.min(first, firstSuccess ?? first), Number.POSITIVE_INFINITY);
  // A target that never answers fails every request it receives.
  const until = Number.isFinite(firstAnswer) ? presence.firstSeen + STARTING_MS : Number.POSITIVE_INFINITY;
  const failures = failuresOn(presence, traffic).filter(
    ({ signature, sent, request }) => ADMITTED.includes(signature) && sent <= until && request.at <= firstAnswer,
  );
  return { presence, at: presence.firstSeen, failures, isLeaving: false };
}

const failuresByTarget = oncePerTraffic((traffic: Traffic) =>
  groupBy(
    sentFailures(traffic).filter(({ unanswered }) => unanswered),
    ({ request }) => targetKey(request),
  ),
);

const failuresOn = (presence: TargetPresence, traffic: Traffic): SentFailure[] =>
  failuresByTarget(traffic).get(targetKey(presence)) ?? [];

function byPause(turns: readonly TurnOver[]): TurnOver[][] {
  const clusters: TurnOver[][] = [];
  for (const turn of turns) {
    const last = clusters[clusters.length - 1];
    const before = last?.[last.length - 1];
    if (last && before && turn.at - before.at <= ONE_ROLLOUT_MS) last.push(turn);
    else clusters.push([turn]);
  }
  return clusters;
}

function rolloutOf(arn: string, turns: readonly TurnOver[], traffic: Traffic): EventOutline[] {
  const left = turns.filter(({ isLeaving }) => isLeaving);
  const joined = turns.filter(({ isLeaving }) => !isLeaving);
  if (joined.length === 0 || isHostLost(left, joined)) return [];
  if (left.length === 0 && !joined.every(wasNotReady)) return [];
  const failures = withoutOrdinary(turns, traffic);
  if (failures.length === 0) return [];
  const targets = sorted(failures.map(({ request }) => request.target));
  const ends = failures.map(({ request }) => request.at);
  const own = new Set(failures);
  return [
    {
      kind: 'rollout',
      target_group_arn: arn,
      targets,
      outages: targetOutages(traffic).filter(
        (outage) => outage.target_group_arn === arn && outage.failures.every((failure) => own.has(failure)),
      ),
      bursts: [],
      failures,
      from: Math.min(...failures.map(({ sent }) => sent)),
      to: Math.max(...ends),
    },
  ];
}

/** Where targets only join: it refused its first requests and answered later, or failed none. */
const wasNotReady = ({ presence, failures }: TurnOver): boolean =>
  presence.lastSuccess !== null && failures.every(({ signature }) => signature === 'connect-failed');

/** One target fell silent without refusing and was replaced later: its host died. */
function isHostLost(left: readonly TurnOver[], joined: readonly TurnOver[]): boolean {
  const [only, ...others] = left;
  if (only === undefined || others.length > 0) return false;
  const timeouts = only.failures.filter(
    ({ signature }) => signature === 'connect-timeout' || signature === 'idle-timeout',
  );
  const first = Math.min(...joined.map(({ at }) => at));
  return timeouts.length > only.failures.length / 2 && first > only.at + JOINS_WITHIN_MS;
}

/**
 * Excludes signatures whose rate elsewhere explains too many of these errors, because a keep-alive race continues
 * during a rollout.
 */
function withoutOrdinary(turns: readonly TurnOver[], traffic: Traffic): SentFailure[] {
  const taken = new Set(turns.flatMap(({ failures }) => failures));
  const seconds = (each: Pick<TargetPresence, 'firstSeen' | 'lastSeen'>) => (each.lastSeen - each.firstSeen) / 1000;
  const inside = turns.reduce((sum, { failures }) => sum + (failures.length > 0 ? LEAVING_MS / 1000 : 0), 0);
  const outside = targetPresences(traffic)
    .filter(({ target_group_arn }) => turns.some(({ presence }) => presence.target_group_arn === target_group_arn))
    .reduce((sum, each) => sum + seconds(each), 0);
  const inOutage = new Set(targetOutages(traffic).flatMap(({ failures }) => failures));
  const elsewhere = sentFailures(traffic).filter(
    (failure) =>
      failure.unanswered &&
      !taken.has(failure) &&
      !inOutage.has(failure) &&
      turns.some(({ presence }) => presence.target_group_arn === failure.request.target_group_arn),
  );
  return [...groupBy([...taken], ({ signature }) => signature)]
    .filter(([signature, own]) => {
      const rate =
        elsewhere.filter((failure) => failure.signature === signature).length / Math.max(1, outside - inside);
      const isInOutages = own.every((failure) => inOutage.has(failure));
      return isInOutages || rate * inside <= OUTSIDE_AT_MOST * own.length;
    })
    .flatMap(([, own]) => own)
    .sort((a, b) => a.sent - b.sent || a.request.at - b.request.at);
}
