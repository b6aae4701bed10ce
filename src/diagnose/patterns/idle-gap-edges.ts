/**
 * Tests whether the gaps before failing requests agree on one idle time more than by chance. Controls of the same kind
 * (target group, route and client) cancel out the rhythm of clients.
 */
import { binomialTail, hypergeometricTail } from './chance.ts';
import type { GapRequest, GapSample } from './gap-sample.ts';
import { latestShares } from './latest-gap-shares.ts';
import { DEFAULT_EDGES } from './runtimes.ts';

export interface GapEdge {
  /** idle: some gap lies at the edge. latest: the gap since the latest completion lies in the window. */
  kind: 'idle' | 'latest';
  /** The window of gaps, milliseconds, inclusive; `to` is Infinity if open-ended. */
  from: number;
  to: number;
  /** The smallest gap of a witness in the window, milliseconds. */
  at: number;
  /** Indices of the witnesses in the window. */
  hits: number[];
  /** The share expected there by chance. */
  chance: number;
  /** The same server's late closes extend from `to` up to here, milliseconds. */
  latest: number;
  /** The probability of this many hits by chance, anywhere in the search. */
  probability: number;
}

/**
 * Largest number of milliseconds by which a gap may look too short, from rounding and the clocks of two machines.
 * Timers themselves fire on time or late, never early.
 */
const EARLY_MS = 5;
/**
 * Milliseconds by which measured servers close late: not at all; a busy loop; Puma; a poller that checks about once a
 * second.
 */
const LATE_MS = [12, 130, 300, 1750];
/** Longer timers are coarser. */
const LATE_SHARE = 0.05;
const WIDTHS = LATE_MS.length;
/**
 * Tries of each search: idle times anywhere, idle times that are a default, and the latest completion, with nearly a third
 * of the chance each; the latest at a default gets the rest, which is enough where it applies.
 */
const TESTS = 3.1;
const LATEST_AT_DEFAULT = TESTS / (TESTS - 3);

const lateAt = (index: number, gap: number): number =>
  index === WIDTHS - 1 ? Math.max(LATE_MS[index] ?? 0, LATE_SHARE * gap) : (LATE_MS[index] ?? 0);

/** The edge with the lowest probability. Null without two witnesses and a control, or if no edge has two witnesses. */
export function findGapEdge(sample: GapSample, groups: number): GapEdge | null {
  const [witness] = sample.witnesses;
  if (witness === undefined || sample.witnesses.length < 2 || sample.controls.length === 0) return null;
  // Causes are judged again without the errors of events, mostly on the same gaps.
  const before = searches.get(witness.gaps) ?? [];
  const same = before.find((one) => one.groups === groups && isSameSample(one.sample, sample));
  if (same !== undefined) return same.edge;
  const edge = searchEdge(sample, groups);
  searches.set(witness.gaps, [...before, { sample, groups, edge }]);
  return edge;
}

/** Searches so far, by the gaps of their first witness. */
const searches = new WeakMap<readonly number[], { sample: GapSample; groups: number; edge: GapEdge | null }[]>();

function isSameSample(a: GapSample, b: GapSample): boolean {
  return (
    a.horizon === b.horizon && areSameRequests(a.witnesses, b.witnesses) && areSameRequests(a.controls, b.controls)
  );
}

const areSameRequests = (a: readonly GapRequest[], b: readonly GapRequest[]): boolean =>
  a.length === b.length &&
  a.every(({ gaps, kind, closing, stands }, index) => {
    const other = b[index];
    return gaps === other?.gaps && kind === other.kind && closing === other.closing && stands === other.stands;
  });

function searchEdge(sample: GapSample, groups: number): GapEdge | null {
  const scale = comparisonScale(sample);
  const candidates = [
    searchEverywhere(sample, scale, groups),
    ...searchDefaults(sample, scale, groups),
    ...searchLatest(sample, scale, groups),
  ].flatMap((edge) => edge ?? []);
  return candidates.reduce<GapEdge | null>((best, edge) => (best === null || isBetter(edge, best) ? edge : best), null);
}

/** For equal probability, prefers the narrower window, then the smaller gap. */
const isBetter = (a: GapEdge, b: GapEdge): boolean =>
  (a.probability - b.probability || a.to - a.from - (b.to - b.from) || a.from - b.from) < 0;

/** Tests on this sample an edge found elsewhere, which needs no correction for a search. */
export const testGapEdge = (sample: GapSample, edge: GapEdge): GapEdge | null =>
  sample.witnesses.length === 0 || sample.controls.length === 0
    ? null
    : edgeOf(sample, comparisonScale(sample), { kind: edge.kind, from: edge.from, to: edge.to }, 1);

/** Fewer witnesses expected outside of a window by chance say nothing if they are missing there. */
const LEAST_OUTSIDE = 10;

/**
 * The lowest ratio of witnesses outside the edge to those expected there by chance, without late closes and with them:
 * errors unrelated to the edge lie outside as often as controls do. The narrower window always counts.
 */
export function shareElsewhere(sample: GapSample, edge: GapEdge): number {
  const scale = comparisonScale(sample);
  const windows = edge.kind === 'latest' ? [edge.to] : [edge.to, edge.latest];
  const first = firstGaps(sample, { kind: edge.kind, from: edge.from - EARLY_MS });
  const shares = windows.flatMap((to, index) => {
    const { hits, chance } = countUpTo(scale, first, to);
    const [outside, expected] = [sample.witnesses.length - hits.length, sample.witnesses.length * (1 - chance)];
    return expected >= LEAST_OUTSIDE || (index === 0 && expected > 0) ? [outside / expected] : [];
  });
  return Math.min(1, ...shares);
}

/** Whether traffic is too dense: a control has a completion in nearly every window of the narrowest width. */
export function isCrowded({ controls, horizon }: GapSample): boolean {
  const gaps = controls.reduce((sum, one) => sum + one.gaps.length, 0) / Math.max(1, controls.length);
  return 1 - Math.exp((-gaps * (EARLY_MS + (LATE_MS[0] ?? 0))) / horizon) > 0.5;
}

interface ComparisonScale {
  /** Of each control: the weight of the witnesses of its kind, divided by the number of controls of that kind. */
  weights: Float64Array;
  /** The share that the overall rate gets if a kind has few controls. */
  overall: number;
}

function comparisonScale({ witnesses, controls }: GapSample): ComparisonScale {
  const count = (requests: readonly GapRequest[]) => {
    const counts = new Map<string, number>();
    for (const { kind } of requests) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return counts;
  };
  const [own, compared] = [count(witnesses), count(controls)];
  const weights = new Map<string, number>();
  let overall = 0;
  for (const [kind, n] of own) {
    const weight = n / witnesses.length / ((compared.get(kind) ?? 0) + 1);
    weights.set(kind, weight);
    overall += weight;
  }
  return { weights: Float64Array.from(controls, ({ kind }) => weights.get(kind) ?? 0), overall };
}

/**
 * The chance of a hit, by kind, or overall if that is higher. `seen`: the sum of the controls' weights in a window;
 * `hits`: the number of those controls. Adds one hit, because a window without a control is still possible by chance.
 */
function chanceOf(scale: ComparisonScale, controls: number, seen: number, hits: number): number {
  const overall = (hits + 1) / (controls + 1);
  return Math.min(1, Math.max(overall, seen + scale.overall * overall));
}

/** Larger than the number of requests ever examined. */
const KEY_FACTOR = 65_536;

/** The probability that equal witnesses and controls differ this much; cached, because the same numbers recur. */
function differenceOf(sample: GapSample): (hits: number, controlHits: number, seen: number) => number {
  const [count, controls] = [sample.witnesses.length, sample.controls.length];
  const known = new Map<number, number>();
  return (hits, controlHits, seen) => {
    const alike = Math.min(controls, Math.max(controlHits, Math.round(seen * controls)));
    const key = hits * KEY_FACTOR + alike;
    const probability = known.get(key) ?? hypergeometricTail(hits, count, hits + alike, count + controls);
    known.set(key, probability);
    return probability;
  };
}

interface GapWindow {
  kind: GapEdge['kind'];
  from: number;
  to: number;
}

type WindowStart = Omit<GapWindow, 'to'>;

/** For each request its first gap at or after the start of a window, or NaN. Windows of several lengths share it. */
interface FirstGaps extends WindowStart {
  witnesses: Float64Array;
  controls: Float64Array;
}

const firstGaps = ({ witnesses, controls }: GapSample, start: WindowStart): FirstGaps => ({
  ...start,
  witnesses: Float64Array.from(witnesses, ({ gaps, closing }) => firstGapFrom(gaps, closing, start)),
  controls: Float64Array.from(controls, ({ gaps, closing }) => firstGapFrom(gaps, closing, start)),
});

/** Counts the requests whose first gap is at most `to`. */
function countUpTo(
  scale: ComparisonScale,
  first: FirstGaps,
  to: number,
): { hits: number[]; at: number; chance: number; controlHits: number; seen: number } {
  const hits: number[] = [];
  let at = Number.POSITIVE_INFINITY;
  // Plain loops: an iterator makes an object for each request.
  for (let index = 0; index < first.witnesses.length; index++) {
    const gap = first.witnesses[index] ?? Number.NaN;
    if (!(gap <= to)) continue;
    hits.push(index);
    at = Math.min(at, Math.max(gap, first.from));
  }
  let seen = 0;
  let controlHits = 0;
  for (let index = 0; index < first.controls.length; index++) {
    if (!((first.controls[index] ?? Number.NaN) <= to)) continue;
    seen += scale.weights[index] ?? 0;
    controlHits += 1;
  }
  return { hits, at, chance: chanceOf(scale, first.controls.length, seen, controlHits), controlHits, seen };
}

/** The first gap at or after the start of a window, NaN if there is none; of the latest gap only, if the window is. */
function firstGapFrom(gaps: readonly number[], closing: number, { kind, from }: WindowStart): number {
  if (kind === 'latest') {
    const [latest = Number.NaN] = gaps;
    return latest >= from ? latest : Number.NaN;
  }
  const start = from - closing;
  let [low, high] = [0, gaps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((gaps[middle] ?? 0) < start) low = middle + 1;
    else high = middle;
  }
  return gaps[low] ?? Number.NaN;
}

/**
 * Whether the hits of an open-ended edge lie as close together as one timer leaves them. A device that forgets idle
 * connections also fails them after longer gaps.
 */
export function isOneTimer({ witnesses }: GapSample, { hits, at }: GapEdge): boolean {
  const longest = Math.max(...hits.map((index) => witnesses[index]?.gaps[0] ?? at));
  return longest <= at + lateAt(WIDTHS - 1, at);
}

/** Whether a request lies at an edge, including late closes. */
export const isAtGapEdge = ({ gaps, closing }: Pick<GapRequest, 'gaps' | 'closing'>, edge: GapEdge): boolean =>
  firstGapFrom(gaps, closing, edge) <= edge.latest;

/** The share of the controls that would lie at an edge if the target had closed them this late (milliseconds). */
export function chanceAtEdge(controls: readonly GapRequest[], closing: number, edge: GapEdge): number {
  let hits = 0;
  for (const { gaps } of controls) if (firstGapFrom(gaps, closing, edge) <= edge.latest) hits += 1;
  return (hits + 1) / (controls.length + 1);
}

const edgeOf = (
  sample: GapSample,
  scale: ComparisonScale,
  { to, ...start }: GapWindow,
  tries: number,
): GapEdge | null => edgeUpTo(sample, scale, firstGaps(sample, start), to, tries);

function edgeUpTo(
  sample: GapSample,
  scale: ComparisonScale,
  first: FirstGaps,
  to: number,
  tries: number,
): GapEdge | null {
  const { hits, at, chance, controlHits, seen } = countUpTo(scale, first, to);
  if (hits.length === 0) return null;
  const probability = Math.min(1, tries * differenceOf(sample)(hits.length, controlHits, seen));
  return { kind: first.kind, from: first.from, to, at, hits, chance, latest: to, probability };
}

/** Maximum probability of closing later than the rest by chance. */
const LATE_BY_CHANCE = 0.01;

/** Extends the edge to the widest window in which more witnesses close later than the rest than chance explains. */
export function withLateCloses(sample: GapSample, edge: GapEdge): GapEdge {
  if (edge.kind !== 'idle') return edge;
  const scale = comparisonScale(sample);
  const first = firstGaps(sample, edge);
  let [latest, inside] = [edge.to, { hits: edge.hits.length, chance: edge.chance }];
  for (const index of LATE_MS.keys()) {
    const to = edge.from + EARLY_MS + lateAt(index, edge.from);
    if (to <= latest) continue;
    const wider = countUpTo(scale, first, to);
    const chance = Math.max(0, wider.chance - inside.chance) / Math.max(1e-9, 1 - inside.chance);
    const more = wider.hits.length - inside.hits;
    if (
      more === 0 ||
      binomialTail(more, sample.witnesses.length - inside.hits, Math.max(chance, 1e-3)) > LATE_BY_CHANCE
    )
      continue;
    latest = to;
    inside = { hits: wider.hits.length, chance: wider.chance };
  }
  return { ...edge, latest };
}

/** If more of the witnesses lie at an idle time by chance, their latest gaps say nothing about it. */
const MOSTLY_CHANCE = 0.5;

const isShared = (edge: GapEdge | null): edge is GapEdge => edge !== null && edge.hits.length >= 2;

function searchDefaults(sample: GapSample, scale: ComparisonScale, groups: number): GapEdge[] {
  const edges = DEFAULT_EDGES.map((seconds) => 1000 * seconds).filter((edge) => edge <= sample.horizon);
  const windows = edges.length * WIDTHS * groups;
  return edges
    .flatMap((edge) => {
      const from = edge - 2 * EARLY_MS;
      const [first, youngest] = [
        firstGaps(sample, { kind: 'idle', from }),
        firstGaps(sample, { kind: 'latest', from }),
      ];
      return LATE_MS.map((_, index) => {
        const to = edge + lateAt(index, edge);
        const idle = edgeUpTo(sample, scale, first, to, windows * TESTS);
        // Where traffic is thin, the connection that failed is the one that answered last, and few others wait that long.
        const latest = edgeUpTo(sample, scale, youngest, to, windows * LATEST_AT_DEFAULT);
        return idle === null || !isShared(latest) || idle.chance > MOSTLY_CHANCE
          ? idle
          : { ...idle, probability: Math.min(idle.probability, latest.probability) };
      });
    })
    .filter(isShared);
}

/**
 * Searches windows of each width that start at a witness's gap. A gap is in every window from the first that ends at or
 * after it to the last that starts at or before it, so it changes two sums and no list of all gaps is sorted.
 */
function searchEverywhere(sample: GapSample, scale: ComparisonScale, groups: number): GapEdge | null {
  const { witnesses, controls, horizon } = sample;
  const tries = Math.ceil(horizon / EARLY_MS) * WIDTHS * groups * TESTS;
  const { starts, startedBy } = windowStarts(witnesses, horizon);
  const probabilityOf = differenceOf(sample);
  let best: { from: number; to: number; probability: number } | null = null;
  for (let width = 0; width < WIDTHS; width++) {
    const ends = starts.map((from) => from + EARLY_MS + lateAt(width, from));
    const firstWith = firstEndingAt(ends, startedBy.length);
    const failed = changesByWindow(witnesses, null, firstWith, startedBy, starts.length);
    const compared = changesByWindow(controls, scale.weights, firstWith, startedBy, starts.length);
    let [hits, controlHits, seen] = [0, 0, 0];
    for (let window = 0; window < starts.length; window++) {
      hits += failed.counts[window] ?? 0;
      controlHits += compared.counts[window] ?? 0;
      seen += compared.weights[window] ?? 0;
      if (hits < 2) continue;
      // If hits are as rare as among controls, the number of tries makes any probability 1.
      const isRare = hits * controls.length <= controlHits * witnesses.length;
      const probability = isRare ? 1 : Math.min(1, tries * probabilityOf(hits, controlHits, Math.max(0, seen)));
      if (best === null || probability < best.probability)
        best = { from: starts[window] ?? 0, to: ends[window] ?? 0, probability };
    }
  }
  return best === null ? null : edgeOf(sample, scale, { kind: 'idle', from: best.from, to: best.to }, tries);
}

/** Milliseconds; exceeds every horizon, because a load balancer keeps an idle connection for at most 4,000 s. */
const LONGEST_HORIZON = 4_194_304;

/** The distinct gaps of the witnesses, ascending, and how many of them are at or below each gap. */
function windowStarts(
  witnesses: readonly GapRequest[],
  horizon: number,
): { starts: Float64Array; startedBy: Uint32Array } {
  const startedBy = new Uint32Array(1 + Math.max(0, Math.min(Math.ceil(horizon), LONGEST_HORIZON)));
  for (const { gaps } of witnesses) for (const gap of gaps) if (gap < startedBy.length) startedBy[gap] = 1;
  const starts: number[] = [];
  for (let gap = 0; gap < startedBy.length; gap++) {
    if (startedBy[gap] === 1) starts.push(gap);
    startedBy[gap] = starts.length;
  }
  return { starts: Float64Array.from(starts), startedBy };
}

/** For each gap below `size`, the first window that ends at or after it. */
function firstEndingAt(ends: Float64Array, size: number): Uint32Array {
  const first = new Uint32Array(size);
  let window = 0;
  for (let gap = 0; gap < size; gap++) {
    while (window < ends.length && (ends[window] ?? 0) < gap) window++;
    first[gap] = window;
  }
  return first;
}

/** The change in the number and the weight of requests with a gap in the window, from each window to the next. */
function changesByWindow(
  requests: readonly GapRequest[],
  weights: Float64Array | null,
  firstWith: Uint32Array,
  startedBy: Uint32Array,
  windows: number,
): { counts: Int32Array; weights: Float64Array } {
  const counts = new Int32Array(windows + 1);
  const sums = new Float64Array(weights === null ? 0 : windows + 1);
  const change = (from: number, to: number, weight: number) => {
    if (from === to) return;
    counts[from] = (counts[from] ?? 0) + 1;
    counts[to] = (counts[to] ?? 0) - 1;
    if (weights === null) return;
    sums[from] = (sums[from] ?? 0) + weight;
    sums[to] = (sums[to] ?? 0) - weight;
  };
  for (let index = 0; index < requests.length; index++) {
    const weight = weights?.[index] ?? 0;
    // Windows [from, to) hold a gap; those of the next gap often join them.
    let [from, to] = [0, 0];
    for (const gap of requests[index]?.gaps ?? []) {
      const after = startedBy[gap] ?? 0;
      const first = firstWith[gap] ?? windows;
      if (after <= to || first >= after) continue;
      if (first > to || from === to) {
        change(from, to, weight);
        from = first;
      }
      to = after;
    }
    change(from, to, weight);
  }
  return { counts, weights: sums };
}

/** Milliseconds; a connection reused this soon after a response may be one that the target was about to close. */
const AT_ONCE_MS = 5;
/**
 * Minimum failing share of the requests in the window: a closed connection may have a sound one next to it, a dead one
 * nearly always fails.
 */
const FAILING_AT_ONCE = 0.1;
const FAILING_BEYOND = 0.8;
/** Minimum ratio of that share to the failing share of the other requests. */
const TIMES_THE_OTHERS = 10;

/**
 * Searches only the gap since the latest completion. A target that closes after each response fails immediate reuse; a
 * connection that died unnoticed fails every request after some time.
 */
function searchLatest(sample: GapSample, scale: ComparisonScale, groups: number): GapEdge[] {
  const latest = [...new Set(sample.witnesses.flatMap(({ gaps }) => gaps[0] ?? []))].sort((a, b) => a - b);
  const tries = (latest.length + 1) * groups * TESTS;
  const windows = [
    { from: 0, to: AT_ONCE_MS, least: FAILING_AT_ONCE },
    ...latest
      .filter((gap) => gap > AT_ONCE_MS)
      .map((from) => ({ from, to: Number.POSITIVE_INFINITY, least: FAILING_BEYOND })),
  ];
  const sharesIn = latestShares(sample);
  return windows
    .filter(({ from, to, least }) => {
      const { inside, outside } = sharesIn({ from, to });
      return inside >= least && inside >= TIMES_THE_OTHERS * outside;
    })
    .map(({ from, to }) => edgeOf(sample, scale, { kind: 'latest', from, to }, tries))
    .filter(isShared);
}
