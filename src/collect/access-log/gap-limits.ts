/** Limits of the search for a keep-alive edge. Every engine shares them, so that all find the same gaps. Pure. */

/**
 * Milliseconds after dispatch; a target that closes later than this was working on the request, so it is no keep-alive
 * race.
 */
export const GAP_WITHIN_MS = 1000;
/** The longest configurable idle timeout, seconds (elasticloadbalancing: idle_timeout.timeout_seconds). */
const LONGEST_IDLE_TIMEOUT = 4000;
export const GAP_EXAMINED = 400;
export const GAP_CONTROLS_EACH = 500;
export const GAP_CONTROLS = 2000;
/**
 * Approximate gaps computed per target group: when requests have more gaps, fewer are examined, but at least GAP_LEAST.
 */
export const GAP_BUDGET = 400_000;
export const GAP_LEAST = 120;

/** Servers close late: an edge may lie at most this far beyond the idle timeout. */
const GAP_BEYOND_SECONDS = 1;

/** How far to look back from a dispatch, seconds. */
export const gapHorizon = (idleTimeoutSeconds: number): number =>
  Math.min(Math.max(1, idleTimeoutSeconds), LONGEST_IDLE_TIMEOUT) + GAP_BEYOND_SECONDS;

/**
 * For one target group with closed failures: their number, and the most completions on one of their places, with their
 * span in microseconds.
 */
interface GapWork {
  closed: number;
  completions: number;
  span: number;
}

interface GapRequestLimits {
  /** Failures to examine. */
  examined: number;
  /** Controls for each failure on the same place and route. */
  controlsEach: number;
  /**
   * How far to look back from a dispatch, microseconds: less than the horizon if even the fewest requests would have
   * too many gaps.
   */
  reach: number;
}

/** `horizon` in microseconds. athena/gaps-sql.ts says the same as SQL. */
export function gapRequestLimits({ closed, completions, span }: GapWork, horizon: number): GapRequestLimits {
  // Approximate gaps of one request: the completions of its place within a horizon.
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
