/** How far the search for a keep-alive edge goes: the same for every engine, so that both come to the same gaps. Pure. */

/** Longer after being sent (milliseconds), a target that closes was at work on the request: no keep-alive race. */
export const GAP_WITHIN_MS = 1000;
/** The longest idle timeout that can be configured, seconds (elasticloadbalancing: idle_timeout.timeout_seconds). */
const LONGEST_IDLE_TIMEOUT = 4000;
const GAP_EXAMINED = 400;
const GAP_CONTROLS_EACH = 500;
const GAP_CONTROLS = 2000;
/** Gaps computed for one target group, about: where each request has more, fewer requests are looked at, but not fewer than GAP_LEAST. */
const GAP_BUDGET = 400_000;
const GAP_LEAST = 120;

/** Servers close late: an edge at the idle timeout itself lies this far beyond it at most. */
const GAP_BEYOND_SECONDS = 1;

/** Seconds back from a dispatch. */
export const gapHorizon = (idleTimeoutSeconds: number): number =>
  Math.min(Math.max(1, idleTimeoutSeconds), LONGEST_IDLE_TIMEOUT) + GAP_BEYOND_SECONDS;

/** Of one target group with closed failures: how many, and the most completions on one of their places, over how many microseconds. */
export interface GapWork {
  closed: number;
  completions: number;
  span: number;
}

export interface GapRequestLimits {
  /** Failures looked at. */
  examined: number;
  /** Controls for each of them on the same place and route. */
  controlsEach: number;
  /** Microseconds back from a dispatch: less than the horizon where even the fewest requests would have too many gaps. */
  reach: number;
}

/** `horizon` in microseconds. */
export function gapRequestLimits({ closed, completions, span }: GapWork, horizon: number): GapRequestLimits {
  // Gaps that one request has, about: what its place completes within a horizon.
  const each = Math.max(1, completions / Math.max(1, span / horizon));
  const reach = Math.floor(horizon * Math.min(1, GAP_BUDGET / (GAP_LEAST * each)));
  const requests = Math.min(GAP_EXAMINED + GAP_CONTROLS, Math.max(GAP_LEAST, Math.floor(GAP_BUDGET / each)));
  const examined = Math.min(closed, Math.max(1, Math.floor((requests * GAP_EXAMINED) / (GAP_EXAMINED + GAP_CONTROLS))));
  return {
    examined,
    controlsEach: Math.max(1, Math.min(GAP_CONTROLS_EACH, Math.floor((requests - examined) / examined))),
    reach,
  };
}
