/** Which targets joined and left, from the log alone. The edge of what was read is "not known", never "left". */
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
  /** True: no request came any more although the group went on for long enough. False: it served to the end. Null: not known. */
  left: boolean | null;
  /** True: its first request came well after the group's. Null: what was read begins too late to know. */
  joined: boolean | null;
}

/** A target is silent when nothing came for this long, or for this many of its usual intervals if that is longer. */
const SILENT_MS = 30_000;
const SILENT_INTERVALS = 20;
/** Requests to a target that never answered, up to which nothing is known of when it joined or left. */
const CHOSEN_AT_MOST = 2;
/** Within this of the end it is still there. */
const RHYTHM_MS = 5_000;
const RHYTHM_INTERVALS = 5;

/** One life for each target that was chosen, by target group, then first seen, then address. */
export const targetPresences = oncePerTraffic((traffic: Traffic): TargetPresence[] => {
  const { log } = traffic;
  const chosen = log.targets.filter(({ target }) => target !== '-');
  return [...groupBy(chosen, (t) => `${t.target_group_arn} ${t.target}`).values()]
    .map((nodes) => ({
      target_group_arn: nodes[0]?.target_group_arn ?? '-',
      target: nodes[0]?.target ?? '-',
      firstSeen: Math.min(...nodes.map((n) => n.firstSeen)),
      lastSeen: Math.max(...nodes.map((n) => n.lastSeen)),
      lastSuccess: latest(nodes.map((n) => n.lastSuccess)),
      requests: nodes.reduce((sum, n) => sum + n.requests, 0),
      failures: nodes.reduce((sum, n) => sum + n.failures, 0),
    }))
    .map((presence, _, all) => {
      const peers = all.filter((other) => other.target_group_arn === presence.target_group_arn);
      const groupFirst = Math.min(...peers.map((p) => p.firstSeen));
      const groupLast = Math.max(...peers.map((p) => p.lastSeen));
      const interval = (presence.lastSeen - presence.firstSeen) / Math.max(1, presence.requests);
      // Chosen once or twice and never answering: it may have been dead all the time.
      const isUnknown = presence.lastSuccess === null && presence.requests <= CHOSEN_AT_MOST;
      return {
        ...presence,
        left: isUnknown ? null : hasLeft(presence, groupLast, interval),
        joined: isUnknown ? null : isSilent(presence.firstSeen - groupFirst, interval),
      };
    })
    .sort(
      (a, b) =>
        compare(a.target_group_arn, b.target_group_arn) || a.firstSeen - b.firstSeen || compare(a.target, b.target),
    );
});

/** Served to the end is no. Only failing, or silent for a while, when what was read ends: not known. */
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

/** Silent for long enough is yes, within the usual rhythm is no, in between is not known. */
function isSilent(gapMs: number, intervalMs: number): boolean | null {
  if (gapMs > Math.max(SILENT_MS, SILENT_INTERVALS * intervalMs)) return true;
  return gapMs <= Math.max(RHYTHM_MS, RHYTHM_INTERVALS * intervalMs) ? false : null;
}

const latest = (times: (number | null)[]): number | null =>
  times.reduce((top, time) => (time !== null && (top === null || time > top) ? time : top), null);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
