import type { GapRequest, GapSample } from './gap-sample.ts';

/** Returns the share of the requests that fail, in a window of latest gaps and outside it. */
export function latestShares({
  witnesses,
  controls,
}: GapSample): (window: { from: number; to: number }) => { inside: number; outside: number } {
  const [failed, others] = [latestSums(witnesses), latestSums(controls)];
  return ({ from, to }) => {
    const [failedInside, othersInside] = [failed.within(from, to), others.within(from, to)];
    const share = (own: number, other: number): number => own / Math.max(1, own + other);
    return {
      inside: share(failedInside, othersInside),
      outside: share(failed.all - failedInside, others.all - othersInside),
    };
  };
}

/** The number of requests that these represent, by their latest gap. */
function latestSums(requests: readonly GapRequest[]): { all: number; within(from: number, to: number): number } {
  const latest = requests
    .flatMap(({ gaps: [gap], stands }) => (gap === undefined ? [] : [{ gap, stands }]))
    .sort((a, b) => a.gap - b.gap);
  const sums = [0];
  for (const { stands } of latest) sums.push((sums[sums.length - 1] ?? 0) + stands);
  /** The number with a gap below this one, or up to it. */
  const countTo = (gap: number, isIncluded: boolean): number => {
    let [low, high] = [0, latest.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const own = latest[middle]?.gap ?? 0;
      if (own < gap || (isIncluded && own === gap)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    all: requests.reduce((sum, { stands }) => sum + stands, 0),
    within: (from, to) => (sums[countTo(to, true)] ?? 0) - (sums[countTo(from, false)] ?? 0),
  };
}
