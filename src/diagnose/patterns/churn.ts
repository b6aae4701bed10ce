/**
 * Finds out from the log alone which targets joined and left. Near the edges of the log the answer is "unknown", never
 * "left".
 */
import { byText } from '../../format/by-text.ts';
import { targetKey } from '../targets/target-key.ts';
import type { Traffic } from '../traffic.ts';
import { groupBy, oncePerTraffic } from '../traffic.ts';

export interface TargetPresence {
  target_group_arn: string;
  target: string;
  firstSeen: number;
  lastSeen: number;
  lastSuccess: number | null;
  requests: number;
  failures: number;
  /**
   * True if requests stopped although the group continued long enough; false if it served to the end; null if unknown.
   */
  left: boolean | null;
  /** True if its first request came well after the group's; null if the log starts too late to know. */
  joined: boolean | null;
}

/**
 * A target is silent after this long without a request, or after this many of its usual intervals if that is longer.
 */
const SILENT_MS = 30_000;
const SILENT_INTERVALS = 20;
/** Largest number of requests, all unanswered, for which joining and leaving are unknown. */
const CHOSEN_AT_MOST = 2;
/** A target with a request this shortly before the end is still present. */
const RHYTHM_MS = 5_000;
const RHYTHM_INTERVALS = 5;

/** One presence for each chosen target, by target group, then first seen, then address. */
export const targetPresences = oncePerTraffic((traffic: Traffic): TargetPresence[] => {
  const { log } = traffic;
  const chosen = log.targets.filter(({ target }) => target !== '-');
  const all = [...groupBy(chosen, targetKey).values()].map((nodes) => ({
    target_group_arn: nodes[0]?.target_group_arn ?? '-',
    target: nodes[0]?.target ?? '-',
    firstSeen: Math.min(...nodes.map((n) => n.firstSeen)),
    lastSeen: Math.max(...nodes.map((n) => n.lastSeen)),
    lastSuccess: latest(nodes.map((n) => n.lastSuccess)),
    requests: nodes.reduce((sum, n) => sum + n.requests, 0),
    failures: nodes.reduce((sum, n) => sum + n.failures, 0),
  }));
  const spans = new Map<string, { first: number; last: number }>();
  for (const { target_group_arn: arn, firstSeen, lastSeen } of all) {
    const { first, last } = spans.get(arn) ?? { first: firstSeen, last: lastSeen };
    spans.set(arn, { first: Math.min(first, firstSeen), last: Math.max(last, lastSeen) });
  }
  return all
    .map((presence) => {
      const { first: groupFirst = presence.firstSeen, last: groupLast = presence.lastSeen } =
        spans.get(presence.target_group_arn) ?? {};
      const interval = (presence.lastSeen - presence.firstSeen) / Math.max(1, presence.requests);
      // A target chosen once or twice without answering may have been dead throughout.
      const isUnknown = presence.lastSuccess === null && presence.requests <= CHOSEN_AT_MOST;
      return {
        ...presence,
        left: isUnknown ? null : hasLeft(presence, groupLast, interval),
        joined: isUnknown ? null : isSilent(presence.firstSeen - groupFirst, interval),
      };
    })
    .sort(
      (a, b) =>
        byText(a.target_group_arn, b.target_group_arn) || a.firstSeen - b.firstSeen || byText(a.target, b.target),
    );
});

const presenceByTarget = oncePerTraffic(
  (traffic: Traffic) => new Map(targetPresences(traffic).map((presence) => [targetKey(presence), presence])),
);

/** Null if the target was never chosen. */
export const presenceOf = (
  traffic: Traffic,
  target: Pick<TargetPresence, 'target_group_arn' | 'target'>,
): TargetPresence | null => presenceByTarget(traffic).get(targetKey(target)) ?? null;

export const leftTargets = oncePerTraffic((traffic: Traffic): TargetPresence[] =>
  targetPresences(traffic).filter(({ left }) => left === true),
);

/** False if it served to the end; null if it was only failing, or briefly silent, when the log ends. */
function hasLeft(
  presence: Pick<TargetPresence, 'lastSeen' | 'lastSuccess'>,
  groupLast: number,
  intervalMs: number,
): boolean | null {
  const left = isSilent(groupLast - presence.lastSeen, intervalMs);
  if (left !== false) return left;
  return presence.lastSuccess !== null && isSilent(groupLast - presence.lastSuccess, intervalMs) === false
    ? false
    : null;
}

/** True if silent for long enough, false within the usual interval, null in between. */
function isSilent(gapMs: number, intervalMs: number): boolean | null {
  if (gapMs > Math.max(SILENT_MS, SILENT_INTERVALS * intervalMs)) return true;
  return gapMs <= Math.max(RHYTHM_MS, RHYTHM_INTERVALS * intervalMs) ? false : null;
}

const latest = (times: (number | null)[]): number | null =>
  times.reduce((top, time) => (time !== null && (top === null || time > top) ? time : top), null);
