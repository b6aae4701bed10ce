/**
 * The keep-alive timeout of the targets, measured: a race puts the failing requests at one gap after an earlier completion on the same
 * (node, target); chance does not. Controls are successful requests of the same pairs, so clients that poll at a fixed rhythm cancel out.
 */
import type { IdleGaps } from '../../evidence/evidence.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { countErrors, groupBy, oncePerTraffic, withSignature } from '../traffic.ts';
import { failingClients } from './clients.ts';
import { failingRoutes, routeShares } from './route-errors.ts';

/** Closed within this many seconds of being sent: the target cannot have worked on the request. Public race rows have 0.000 to 0.053. */
export const INSTANT_SECONDS = 0.1;
/** An edge needs this many errors, this share of those examined, and this many standard deviations above the controls. */
const MIN_ERRORS = 5;
const MIN_SHARE = 0.5;
const MIN_Z = 8;
/** Edges that chance alone would give in such a search over all bins. With few errors and much traffic, z alone lets some pass. */
const MOST_BY_CHANCE = 0.001;
/** No server closes idle connections sooner (the shortest default is 2 s): what fails right after a response is a worker that left. */
const LEAST_SECONDS = 0.9;
/** Bins that one edge may spread over: the race window and the millisecond rounding of the log. */
const EDGE_BINS = 3;
const WIDTHS = [1, 2, EDGE_BINS];

export interface KeepAliveMeasure {
  target_group_arn: string;
  /** Null when there was no edge, or not enough to tell (see `enough`). */
  seconds: number | null;
  /** Enough errors and controls to see an edge, had there been one; not so where so much goes on that every idle time has its request. */
  conclusive: boolean;
  /** The route of nearly all errors at an edge, when most of the traffic is of others: an edge, or that route's own rhythm. */
  rhythm: string | null;
  examined: number;
  /** Of those examined, at the edge. */
  hits: number;
  /** Epoch milliseconds: it was measured from here to the end of the window, since the window held too few errors. Null: over the window. */
  since: number | null;
  /** The errors of the window at the edge. */
  atEdge: SampledError[];
  /** Errors at the edge that chance would give, from the controls. */
  expected: number;
  /** Of the examined errors, the share that is at most of something else than a race at the edge. */
  elsewhere: number;
  controls: number;
  /** The instant errors of the group, examined or not. */
  instant: SampledError[];
}

export const isInstant = (error: SampledError): boolean =>
  error.target_processing_time >= 0 && error.target_processing_time <= INSTANT_SECONDS;

/** Too few errors or controls, and no longer look was taken yet. */
export const needsLongerWindow = ({
  conclusive,
  rhythm,
  instant,
  examined,
  controls,
  since,
}: KeepAliveMeasure): boolean =>
  !conclusive && rhythm === null && since === null && instant.length > 0 && tooFew(examined, controls);

const tooFew = (examined: number, controls: number): boolean => examined < MIN_ERRORS || controls < 4 * MIN_ERRORS;

/** One measure for each target group with closed-before-response errors other than those of routes and clients that always fail, most errors first, then by ARN. */
export const measureKeepAlive = oncePerTraffic((traffic: Traffic): KeepAliveMeasure[] => {
  const own = measureAll(traffic);
  const { earlier } = traffic;
  if (earlier === null) return own;
  const longer = new Map(measureAll(earlier.traffic).map((one) => [one.target_group_arn, one]));
  return own.map((measure) => {
    const long = longer.get(measure.target_group_arn);
    if (long === undefined || !needsLongerWindow(measure)) return measure;
    const same = new Set(long.atEdge.map(identity));
    const { seconds, rhythm, examined, hits, expected, elsewhere, controls } = long;
    return {
      ...measure,
      seconds,
      rhythm,
      examined,
      hits,
      expected,
      elsewhere,
      controls,
      since: earlier.from,
      atEdge: measure.instant.filter((error) => same.has(identity(error))),
      // That the errors of a day show no edge does not exclude one behind the few of the window.
      conclusive: seconds !== null,
    };
  });
});

const identity = ({ at, trace_id, target }: SampledError): string => `${at} ${trace_id} ${target}`;

function measureAll(traffic: Traffic): KeepAliveMeasure[] {
  const all = withSignature(traffic, 'closed-before-response');
  // What one route or one client always comes to has nothing to do with idle times, and would hide an edge behind it.
  const always = new Set(failingRoutes(traffic, all).flatMap(({ errors }) => errors));
  const others = all.filter((error) => !always.has(error));
  for (const error of failingClients(traffic, others)?.errors ?? []) always.add(error);
  const atWork = closedWithWork(others);
  const closed = others.filter((error) => !always.has(error) && !atWork.has(error));
  const counts = new Map(
    [...groupBy(closed, (error) => error.target_group_arn)].map(([arn, own]) => [arn, own.length]),
  );
  const groups = [...counts.keys()];
  const count = (arn: string) => counts.get(arn) ?? 0;
  return groups
    .sort((a, b) => count(b) - count(a) || (a < b ? -1 : 1))
    .map((arn) => {
      const instant = closed.filter((error) => error.target_group_arn === arn && isInstant(error));
      const gaps = traffic.log.idleGaps.find((gap) => gap.target_group_arn === arn);
      const measure = measureGroup(arn, instant, gaps);
      const rhythm = dominantRoute(traffic, measure.atEdge);
      return rhythm === null ? measure : { ...measure, seconds: null, hits: 0, atEdge: [], conclusive: false, rhythm };
    });
}

const NEARLY_ALL = 0.9;

/** Longer than this a request was under way, seconds: an event loop that is late closes what came meanwhile some time after it came. */
const AT_WORK_SECONDS = 3 * INSTANT_SECONDS;
/** What one event ends, ends within this, milliseconds. */
const TOGETHER_MS = 20;

/** The instant errors that ended together with a request under way on the same target: a timer of idle connections does not close those. */
function closedWithWork(errors: readonly SampledError[]): Set<SampledError> {
  const result = new Set<SampledError>();
  for (const own of groupBy(errors, ({ target_group_arn, target }) => `${target_group_arn} ${target}`).values()) {
    const ordered = [...own].sort((a, b) => a.at - b.at);
    for (const direction of [ordered, [...ordered].reverse()]) {
      let work = Number.NEGATIVE_INFINITY;
      for (const error of direction) {
        if (error.target_processing_time > AT_WORK_SECONDS) work = error.at;
        else if (isInstant(error) && Math.abs(error.at - work) <= TOGETHER_MS) result.add(error);
      }
    }
  }
  return result;
}

/** A race has its share of every route. The route of nearly all errors, when most of the traffic is of others. */
function dominantRoute(traffic: Traffic, errors: SampledError[]): string | null {
  const [first] = routeShares(traffic, errors);
  if (!first || countErrors(first.errors) < NEARLY_ALL * countErrors(errors)) return null;
  const routeTotals = traffic.log.routes.find(({ route }) => route === first.route);
  return routeTotals !== undefined && routeTotals.requests <= traffic.log.requests / 2 ? routeTotals.route : null;
}

/** Why an edge is neither shown nor excluded by this measure, to be read after "12 instant errors: ". */
export function whyInconclusive({ rhythm, examined, controls, instant }: KeepAliveMeasure): string {
  if (rhythm !== null)
    return `they share one idle time, but nearly all are of ${rhythm}, the smaller part of the traffic, whose own rhythm would show the same`;
  if (examined < MIN_ERRORS && instant.length >= MIN_ERRORS)
    return `the idle times before only ${examined} of them were examined (at least ${MIN_ERRORS} are needed)`;
  if (examined >= MIN_ERRORS && tooFew(examined, controls))
    return `too few successful requests beside them to compare their idle times with (${controls}; at least ${4 * MIN_ERRORS} are needed)`;
  if (tooFew(examined, controls))
    return `not enough to measure at which idle time the targets close (at least ${MIN_ERRORS} are needed)`;
  return 'no idle time holds most of them, or successful requests are there as often: a race of a part of them is neither shown nor excluded';
}

function measureGroup(arn: string, instant: SampledError[], gaps: IdleGaps | undefined): KeepAliveMeasure {
  const byRow = new Map(instant.map((error) => [error.row, error]));
  const examined = (gaps?.examined ?? []).filter((row) => byRow.has(row)).length;
  const nothing = {
    target_group_arn: arn,
    seconds: null,
    rhythm: null,
    since: null,
    examined,
    hits: 0,
    atEdge: [],
    expected: 0,
    elsewhere: 1,
    instant,
  };
  if (!gaps) return { ...nothing, conclusive: false, controls: 0 };
  const conclusive = examined >= MIN_ERRORS && gaps.controls >= 4 * MIN_ERRORS;
  if (!conclusive) return { ...nothing, conclusive, controls: gaps.controls };

  const edge = findEdge(gaps, byRow, MIN_SHARE);
  // An edge that holds few of the errors may be a race beside something else: neither shown nor excluded.
  const open = edge === null && (mayHideRace(gaps, byRow) || findEdge(gaps, byRow, 0) !== null);
  if (!edge) return { ...nothing, conclusive: !open, controls: gaps.controls };
  const elsewhere = shareElsewhere(gaps, byRow, edge.seconds);
  return { ...nothing, ...edge, hits: edge.atEdge.length, elsewhere, conclusive, controls: gaps.controls };
}

/** Bins after the edge that a busy target may need to close what is due. */
const LATE_BINS = [0, 1, 3, 5];

/**
 * The least, over windows from just before the edge to some bins after it, of the errors outside to the controls outside: of what has
 * nothing to do with the edge as many lie outside as of the controls.
 */
function shareElsewhere(gaps: IdleGaps, byRow: Map<number, SampledError>, edge: number): number {
  const examined = gaps.examined.filter((row) => byRow.has(row)).length;
  const shares = LATE_BINS.map((late) => {
    const span = spanFrom(gaps, edge - gaps.binSeconds, late + 2);
    const hits = new Set(span.flatMap((bin) => bin.failures.filter((row) => byRow.has(row)))).size;
    const outside = 1 - chanceOf(gaps, span);
    return outside > 0 ? (1 - hits / Math.max(1, examined)) / outside : 1;
  });
  return Math.min(1, ...shares);
}

interface Edge {
  seconds: number;
  atEdge: SampledError[];
  expected: number;
}

/** A race behind this share of the errors must be out of the question before none is said to be there. */
const HIDDEN_SHARE = 0.05;

/**
 * Whether a race could hide at some gap: where `hits` of the errors and `chance` of the controls have it, at most this share of the errors
 * came of it, with two standard deviations of room. Where sound requests have every gap, nothing is excluded.
 */
function mayHideRace(gaps: IdleGaps, byRow: Map<number, SampledError>): boolean {
  const examined = gaps.examined.filter((row) => byRow.has(row)).length;
  return gaps.bins.some((first) => {
    const span = spanFrom(gaps, first.gap);
    const hits = new Set(span.flatMap((bin) => bin.failures.filter((row) => byRow.has(row)))).size;
    const chance = chanceOf(gaps, span);
    if (chance >= 1) return hits > 0;
    const room = 2 * Math.sqrt((chance * (1 - chance)) / examined);
    return (hits / examined - chance + room) / (1 - chance) >= HIDDEN_SHARE;
  });
}

const spanFrom = (gaps: IdleGaps, from: number, width = EDGE_BINS): IdleGaps['bins'] =>
  gaps.bins.filter(({ gap }) => gap >= from - gaps.binSeconds / 2 && gap < from + (width - 0.5) * gaps.binSeconds);

/** The share of the controls in these bins. A bin without a control still has a chance of one: never divide by zero evidence. */
const chanceOf = (gaps: IdleGaps, span: IdleGaps['bins']): number =>
  Math.min(1, (span.reduce((sum, bin) => sum + bin.controls, 0) + 1) / (gaps.controls + 1));

/** Errors of one load balancer node and target that were sent within this of each other are one observation. */
const MOMENT_MS = 1000;

/**
 * How much each row counts: what was sent together on one (node, target) has its gaps in common, so together it counts as one. Ten errors
 * of one restart are no ten witnesses.
 */
function rowWeights(rows: Iterable<SampledError>): Map<number, number> {
  const result = new Map<number, number>();
  for (const own of groupBy([...rows], ({ node, target }) => `${node} ${target}`).values()) {
    let moment: SampledError[] = [];
    const close = () => {
      for (const { row } of moment) result.set(row, 1 / moment.length);
      moment = [];
    };
    const sent = ({ at, target_processing_time }: SampledError) => at - 1000 * target_processing_time;
    for (const error of own.sort((a, b) => sent(a) - sent(b) || a.row - b.row)) {
      const last = moment[moment.length - 1];
      if (last && sent(error) - sent(last) > MOMENT_MS) close();
      moment.push(error);
    }
    close();
  }
  return result;
}

/** The probability that at least `hits` of `count` fall where each falls with this chance. */
function binomialTail(hits: number, count: number, chance: number): number {
  const [k, n] = [Math.floor(hits + 1e-9), Math.max(Math.floor(hits + 1e-9), Math.round(count))];
  let term = 1;
  for (let i = 0; i < k; i++) term *= ((n - i) / (k - i)) * chance;
  term *= (1 - chance) ** (n - k);
  let sum = 0;
  for (let i = k; i <= n; i++) {
    sum += term;
    term *= ((n - i) / (i + 1)) * (chance / Math.max(1 - chance, 1e-12));
  }
  return Math.min(1, sum);
}

/** The gap with the largest excess of errors over what the controls give, if it is sharp enough. */
function findEdge(gaps: IdleGaps, byRow: Map<number, SampledError>, leastShare: number): Edge | null {
  const weight = rowWeights(gaps.examined.flatMap((row) => byRow.get(row) ?? []));
  const sum = (rows: Iterable<number>) => [...rows].reduce((total, row) => total + (weight.get(row) ?? 0), 0);
  const examined = sum(weight.keys());
  const bins = gaps.bins.map((bin) => ({ ...bin, failures: bin.failures.filter((row) => byRow.has(row)) }));
  let best: (Edge & { excess: number }) | null = null;
  // Where much goes on, several bins hold a sound request before nearly any other; a single one does not.
  const spans = bins
    .filter(({ gap }) => gap >= LEAST_SECONDS)
    .flatMap((first) =>
      WIDTHS.map((width) => ({ first, width, span: spanFrom({ ...gaps, bins }, first.gap, width) })).filter(
        ({ span, width }) => span.length === width || width === EDGE_BINS,
      ),
    );
  for (const { first, span } of spans) {
    const rows = new Set(span.flatMap((bin) => bin.failures));
    const hits = sum(rows);
    const chance = chanceOf(gaps, span);
    const expected = examined * chance;
    const z = (hits - expected) / Math.sqrt(Math.max(examined * chance * (1 - chance), 1e-9));
    if (hits < MIN_ERRORS - 1e-9 || hits < leastShare * examined || z < MIN_Z) continue;
    if (binomialTail(hits, examined, chance) * WIDTHS.length * (gaps.horizon / gaps.binSeconds) > MOST_BY_CHANCE)
      continue;
    const excess = hits - expected;
    if (best && (best.excess > excess || (best.excess === excess && best.seconds <= first.gap))) continue;
    const atEdge = [...rows].flatMap((row) => byRow.get(row) ?? []).sort((a, b) => a.index - b.index);
    const peak = span.reduce((top, bin) => (bin.failures.length > top.failures.length ? bin : top), first);
    best = { seconds: Math.round(peak.gap * 1000) / 1000, atEdge, expected: chance * weight.size, excess };
  }
  return best && { seconds: best.seconds, atEdge: best.atEdge, expected: best.expected };
}

/** Runtimes that close an idle connection at this many seconds by default; measured or documented defaults, an estimate by nature. */
export function runtimesClosingAt(seconds: number): string[] {
  return RUNTIMES.filter(({ at }) => Math.abs(at - seconds) <= Math.max(0.3, at * 0.02)).map(({ name }) => name);
}

const RUNTIMES: { at: number; name: string }[] = [
  { at: 2, name: 'gunicorn with threads (--keep-alive 2)' },
  { at: 5, name: 'Node.js 18' },
  { at: 5, name: 'uvicorn or hypercorn' },
  { at: 5, name: 'Apache httpd 2.4' },
  { at: 6, name: 'Node.js 20 and later (keepAliveTimeout 5 s and 1 s of buffer)' },
  { at: 10, name: 'uWebSockets' },
  { at: 12, name: 'Bun.serve' },
  { at: 20, name: 'Tomcat standalone' },
  { at: 20, name: 'Puma before 7' },
  { at: 30, name: 'Jetty 12' },
  { at: 60, name: 'Tomcat in Spring Boot' },
  { at: 60, name: 'Undertow' },
  { at: 65, name: 'Puma 7 and later' },
  { at: 75, name: 'nginx' },
  { at: 120, name: 'IIS' },
  { at: 130, name: 'Kestrel' },
];
