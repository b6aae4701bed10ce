/** How far the search for a keep-alive edge goes: the same for every engine, so that both come to the same gaps. Pure. */

export const GAP_BIN_SECONDS = 0.01;
/** The most failing bins that are kept, for each target group. */
export const GAP_BINS = 200;
const GAP_HORIZON_SECONDS = 180;
const GAP_EXAMINED = 400;
const GAP_CONTROLS_EACH = 40;
const GAP_CONTROLS = 2000;
/** Gaps computed for one target group, about: where there are more for each request fewer requests are looked at, but not fewer than GAP_LEAST. */
const GAP_BUDGET = 1_000_000;
const GAP_LEAST = 120;

/** Equal timeouts race too, and the edge then lies some milliseconds beyond the idle timeout. */
const GAP_BEYOND_SECONDS = 1;

/** Seconds back from a dispatch. */
export const gapHorizon = (idleTimeoutSeconds: number): number =>
  Math.min(Math.max(1, idleTimeoutSeconds) + GAP_BEYOND_SECONDS, GAP_HORIZON_SECONDS);

/** Of one target group with closed failures: how many, and the most completions on one of their places, over how many microseconds. */
export interface GapWork {
  closed: number;
  completions: number;
  span: number;
}

/** Failures looked at, and controls for each failure on the same place. `horizon` in microseconds. */
export function gapRequestLimits(
  { closed, completions, span }: GapWork,
  horizon: number,
): { examined: number; controlsEach: number } {
  // Gaps that one request has, about: what its place completes within a horizon.
  const each = completions / Math.max(1, span / horizon);
  const requests = Math.min(
    GAP_EXAMINED + GAP_CONTROLS,
    Math.max(GAP_LEAST, Math.floor(GAP_BUDGET / Math.max(1, each))),
  );
  const examined = Math.min(closed, Math.max(1, Math.floor((requests * GAP_EXAMINED) / (GAP_EXAMINED + GAP_CONTROLS))));
  return {
    examined,
    controlsEach: Math.max(1, Math.min(GAP_CONTROLS_EACH, Math.floor((requests - examined) / examined))),
  };
}
