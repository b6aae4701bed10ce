import type { GapRequest } from './gap-sample.ts';

/** Milliseconds before a request within which completions show how busy the place is; the first with enough of them. */
const BUSY_WITHIN_MS = [5_000];
const COMPLETIONS_NEEDED = 4;
/** Times as busy as usual from which idle times differ by themselves, and how far compared requests may be apart. */
const [OTHERWISE_BUSY, ALIKE_WITHIN] = [1.3, 1.6];

/**
 * Controls from times as busy as those of the witnesses: in a burst of traffic, short idle times are common among
 * requests that succeed, too. All of them if the witnesses came at ordinary times.
 */
export function asBusy(
  witnesses: readonly GapRequest[],
  controls: readonly GapRequest[],
): { controls: readonly GapRequest[]; isOrdinary: boolean } {
  const within = BUSY_WITHIN_MS.find((ms) => meanBusy(witnesses, ms) >= COMPLETIONS_NEEDED);
  const usual = within === undefined ? 0 : meanBusy(controls, within);
  if (within === undefined || usual === 0) return { controls, isOrdinary: true };
  const busy = meanBusy(witnesses, within);
  if (busy <= OTHERWISE_BUSY * usual) return { controls, isOrdinary: true };
  return {
    controls: controls.filter((control) => {
      const own = busyOf(control, within);
      return own >= busy / ALIKE_WITHIN && own <= busy * ALIKE_WITHIN;
    }),
    isOrdinary: false,
  };
}

/** Completions on the same node and target within this time before the request. */
function busyOf({ gaps }: GapRequest, within: number): number {
  let [low, high] = [0, gaps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((gaps[middle] ?? 0) <= within) low = middle + 1;
    else high = middle;
  }
  return low;
}

const meanBusy = (requests: readonly GapRequest[], within: number): number =>
  requests.reduce((sum, request) => sum + busyOf(request, within), 0) / Math.max(1, requests.length);
