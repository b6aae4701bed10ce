/** The timeline of a diagnosis as rows of small bars, each with its numbers. */
import type { TimelineBucket } from '../diagnose/diagnosis.ts';
import { SIGNATURE_IDS, type SignatureId } from '../diagnose/signature.ts';

export interface TimelineRow {
  label: SignatureId | 'requests';
  total: number;
  /** One number per bar. */
  values: number[];
  /** One character per bar, scaled to the row's peak; `·` is zero. */
  bars: string;
  /** The first highest bar; null if all are empty. */
  peak: { count: number; from: string } | null;
}

export interface Timeline {
  from: string;
  to: string;
  /** Start of each bar. */
  starts: string[];
  /** Duration of a bar; the window may cut the first and the last. */
  barSeconds: number;
  /** One row per occurring signature, the most frequent first, then one for all requests. */
  rows: TimelineRow[];
}

const BARS = '▁▂▃▄▅▆▇█';

/** Scales bars to the highest value. Any non-zero value is visible: only zero is `·`. */
export const barCharacters = (values: readonly number[]): string => {
  const highest = Math.max(0, ...values);
  return values
    .map((value) => (value <= 0 ? '·' : (BARS[Math.ceil((value / highest) * BARS.length) - 1] ?? '·')))
    .join('');
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Merges neighbouring buckets into at most `most`, all of equal length except the last. */
const joinBuckets = (buckets: readonly TimelineBucket[], most: number): TimelineBucket[][] => {
  const size = Math.max(1, Math.ceil(buckets.length / Math.max(1, most)));
  return Array.from({ length: Math.ceil(buckets.length / size) }, (_, index) =>
    buckets.slice(index * size, (index + 1) * size),
  );
};

const timelineRow = (
  label: TimelineRow['label'],
  groups: readonly TimelineBucket[][],
  read: (bucket: TimelineBucket) => number,
): TimelineRow => {
  const values = groups.map((group) => sum(group.map(read)));
  const highest = Math.max(0, ...values);
  const from = groups[values.indexOf(highest)]?.[0]?.from;
  return {
    label,
    total: sum(values),
    values,
    bars: barCharacters(values),
    peak: highest > 0 && from !== undefined ? { count: highest, from } : null,
  };
};

const secondsOf = (group: readonly TimelineBucket[]): number =>
  (Date.parse(group.at(-1)?.to ?? '') - Date.parse(group[0]?.from ?? '')) / 1000;

/** Null if there are no buckets. */
export const buildTimeline = (buckets: readonly TimelineBucket[], mostBars: number): Timeline | null => {
  const groups = joinBuckets(buckets, mostBars);
  const first = buckets[0];
  const last = buckets.at(-1);
  if (first === undefined || last === undefined) return null;
  const signatures = SIGNATURE_IDS.map((id) => timelineRow(id, groups, (bucket) => bucket.bySignature[id] ?? 0))
    .filter(({ total }) => total > 0)
    .sort((a, b) => b.total - a.total);
  return {
    from: first.from,
    to: last.to,
    starts: groups.map((group) => group[0]?.from ?? first.from),
    barSeconds: Math.max(...groups.map(secondsOf)),
    rows: [...signatures, timelineRow('requests', groups, (bucket) => bucket.requests)],
  };
};
