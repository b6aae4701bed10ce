/**
 * Measures the targets' keep-alive timeout. A race puts failing requests at one gap after an earlier completion on the
 * same (node, target), chance does not. Measures each target group separately, and all together if each has few errors.
 */

import type { GapPeers, IdleGaps } from '../../evidence/access-log.ts';
import { number, outOf, plural, seconds as secondsText } from '../../format/wording.ts';
import { RACE_WITHIN } from '../signature.ts';
import { targetKey } from '../targets/target-key.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { countErrors, groupBy, oncePerTraffic, withSignature } from '../traffic.ts';
import { asBusy } from './busy-controls.ts';
import { failingClients } from './clients.ts';
import { closedAsAnswered } from './closing-times.ts';
import type { GapRequest, GapSample } from './gap-sample.ts';
import {
  chanceAtEdge,
  findGapEdge,
  type GapEdge,
  isAtGapEdge,
  isCrowded,
  isOneTimer,
  shareElsewhere,
  testGapEdge,
  withLateCloses,
} from './idle-gap-edges.ts';
import { failingRoutes } from './route-errors.ts';

/**
 * Seconds; a request closed this soon after being sent cannot have been processed. Public race rows have 0.000 to
 * 0.061.
 */
export const INSTANT_SECONDS = 0.1;
/** Maximum probability by chance for a likely edge, and for an edge worth mentioning. */
const LIKELY = 1e-3;
const POSSIBLE = 0.05;
/**
 * Largest share of failing requests in a race, because a connection must answer before it can fail. With fewer requests
 * than the minimum, no share is meaningful.
 */
export const MOST_OF_A_GROUP = 0.5;
const MIN_REQUESTS = 40;
/** With this many witnesses, more would not show more. */
const ENOUGH_WITNESSES = 30;

/** An idle time at which requests fail more often than by chance. */
export interface KeepAliveEdge {
  /**
   * idle: some earlier completion lies this far back. at-once: the latest completion has just happened. beyond: the
   * latest completion lies this far back or further.
   */
  kind: 'idle' | 'at-once' | 'beyond';
  /** The smallest gap at the edge. */
  seconds: number;
  /** The probability of this many errors at the edge by chance, corrected for everything tried. */
  probability: number;
  /** Number of examined errors at the edge, of all examined errors, and of controls. */
  hits: number;
  examined: number;
  controls: number;
  /** The number expected at the edge by chance if none came from the race. */
  expected: number;
  /** Upper bound on the share of examined errors that the edge did not cause. */
  elsewhere: number;
  /** The window's errors at the edge, less those that are there by chance if that is more than a few. */
  atEdge: SampledError[];
  /** Closes at the edge that chance explains: they come from the race or from another cause. */
  maybeAtEdge: SampledError[];
  /**
   * If the window held too few errors: epoch milliseconds from which was measured, to the end of the window. Otherwise
   * null.
   */
  since: number | null;
}

/** What else explains an edge: a worker that ends soon after its last response; one client that asks in that rhythm. */
type Doubt = 'worker-ends' | 'one-client';

export interface KeepAliveMeasure {
  target_group_arn: string;
  /** An edge with a probability by chance of at most one in a thousand; null if no such edge exists. */
  edge: KeepAliveEdge | null;
  /**
   * An edge that is not proven but unlikely to be chance; null if no such edge exists. `doubt`: null if it only has too
   * few errors.
   */
  weakEdge: (KeepAliveEdge & { doubt: Doubt | null }) | null;
  /** The group's errors that may be a race, and the instant errors among them, examined or not. */
  closed: SampledError[];
  instant: SampledError[];
  examined: number;
  /** The number of moments of failure; failures of one target within a second count as one. */
  witnesses: number;
  controls: number;
  /** Whether at least half of the witnesses have controls of their own route and client kind. */
  comparable: boolean;
  /** Share of all requests to the group's targets that were closed at once. */
  share: number;
  /** Seconds searched before each request; null if nothing was searched. */
  horizon: number | null;
  /** True if traffic is so dense that every idle time occurs. */
  crowded: boolean;
}

export const isInstant = (error: SampledError): boolean =>
  error.target_processing_time >= 0 && error.target_processing_time <= INSTANT_SECONDS;

/** Whether a close may be a race, allowing for a busy target. */
const mayBeRace = (error: SampledError): boolean =>
  error.target_processing_time >= 0 && error.target_processing_time < RACE_WITHIN;

/**
 * Whether a longer look may help: no edge is shown, more witnesses may reveal one, and there was no longer look yet.
 * It would find the same edge again where that is too early for a timer.
 */
export const needsLongerWindow = (traffic: Traffic, measure: KeepAliveMeasure): boolean =>
  traffic.earlier === null &&
  measure.edge === null &&
  measure.weakEdge?.doubt !== 'worker-ends' &&
  measure.instant.length > 0 &&
  lacksWitnesses(measure);

const lacksWitnesses = ({ crowded, witnesses }: KeepAliveMeasure): boolean => !crowded && witnesses <= ENOUGH_WITNESSES;

/**
 * One measure per target group with closed-before-response errors, excluding routes and clients that always fail; most
 * errors first, then by ARN.
 */
export const measureKeepAlive = oncePerTraffic((traffic: Traffic): KeepAliveMeasure[] => {
  const own = measureAll(traffic);
  const { earlier } = traffic;
  if (earlier === null) return own;
  const longer = new Map(measureAll(earlier.traffic).map((one) => [one.target_group_arn, one]));
  return own.map((measure) => {
    const edge = longer.get(measure.target_group_arn)?.edge;
    if (measure.edge !== null || !edge) return measure;
    const same = new Set(edge.atEdge.map(identity));
    const atEdge = measure.instant.filter((error) => same.has(identity(error)));
    // The time before the window decides nothing by itself.
    return atEdge.length === 0 ? measure : { ...measure, edge: { ...edge, atEdge, since: earlier.from } };
  });
});

const identity = ({ at, trace_id, target }: SampledError): string => `${at} ${trace_id} ${target}`;

function measureAll(traffic: Traffic): KeepAliveMeasure[] {
  const groups = idleCloses(traffic).map((closes) => gapGroup(traffic, closes));
  const searched = groups.filter(
    ({ sample, measure }) => sample.witnesses.length > 0 && measure.share <= MOST_OF_A_GROUP,
  );
  const tried = searched.length + (searched.length > 1 ? 1 : 0);
  const edges = new Map<GapGroup, GapEdge | null>(searched.map((group) => [group, findGapEdge(group.sample, tried)]));
  const shown = [...edges.values()].filter((edge) => edge !== null && edge.probability <= LIKELY);
  // Testing an edge of one group, or of all groups together, needs no search in another group.
  const pooled = shown.length === 0 && searched.length > 1 ? findGapEdge(pooledSample(searched), tried) : null;
  const elsewhere = [...shown, pooled].filter((edge) => edge !== null && edge.probability <= LIKELY);
  return groups.flatMap((group): KeepAliveMeasure[] => {
    if (group.measure.share > MOST_OF_A_GROUP) return [{ ...group.measure, edge: null, weakEdge: null }];
    const own = edges.get(group) ?? null;
    const others = elsewhere.flatMap((edge) => {
      const tested = edge === null || edge === own ? null : testGapEdge(group.sample, edge);
      return tested === null ? [] : [edge === pooled ? { ...tested, probability: edge?.probability ?? 1 } : tested];
    });
    const [best] = [own, ...others].flatMap((edge) => edge ?? []).sort((a, b) => a.probability - b.probability);
    const found = best === undefined ? null : keepAliveEdge(group, best);
    const doubt = found === null || best === undefined ? null : doubtOf(traffic, group, best, found);
    const isLikely = found !== null && group.comparable && found.probability <= LIKELY && doubt === null;
    const second = isLikely && best !== undefined ? secondEdge(traffic, group, best, found, 2 * tried) : null;
    return [
      {
        ...group.measure,
        edge: isLikely ? found : null,
        weakEdge: found !== null && found.probability <= POSSIBLE && !isLikely ? { ...found, doubt } : null,
      },
      ...(second === null ? [] : [{ ...group.measure, edge: second, weakEdge: null }]),
    ];
  });
}

/** With a smaller share off the first edge, these errors are late closes of the same timer. */
const WORTH_A_SECOND_LOOK = 0.1;

/** Another idle time of the same group: its targets may run two servers, or two versions of one. */
function secondEdge(
  traffic: Traffic,
  group: GapGroup,
  first: GapEdge,
  told: KeepAliveEdge,
  tried: number,
): KeepAliveEdge | null {
  if (told.elsewhere <= WORTH_A_SECOND_LOOK) return null;
  const { sample, failures, errors } = group;
  const rest = sample.witnesses.filter((witness) => !isAtGapEdge(witness, withLateCloses(sample, first)));
  const found = findGapEdge({ ...sample, witnesses: rest }, tried);
  if (found === null || found.kind !== 'idle' || found.probability > LIKELY) return null;
  const atFirst = new Set<SampledError | undefined>(told.atEdge);
  const others = failures.filter(({ row }) => !atFirst.has(errors.get(row)));
  const edge = keepAliveEdge({ ...group, sample: { ...sample, witnesses: rest }, failures: others }, found);
  return doubtOf(traffic, group, found, edge) === null ? { ...edge, examined: told.examined } : null;
}

/** Milliseconds. No server has a timer this short; it closes after each response. */
const AT_ONCE_MS = 50;

/** Seconds. No server measured or documented has a shorter timer for idle connections (docs/keep-alive.md). */
const SHORTEST_DEFAULT = 0.9;
/** Milliseconds. On connections that are closed after each response, half of the requests end sooner. */
const AT_ONCE_CLOSING_MS = 20;
/** Successes of a client to compare its failures with. */
const OWN_CONTROLS = 10;

function doubtOf(
  traffic: Traffic,
  group: GapGroup,
  edge: GapEdge,
  { kind, seconds, atEdge }: KeepAliveEdge,
): Doubt | null {
  const isLate = median(atEdge.map(closingOf)) > AT_ONCE_CLOSING_MS;
  if (kind === 'idle' ? seconds < SHORTEST_DEFAULT : kind === 'at-once' && isLate) return 'worker-ends';
  const client = dominantClient(atEdge);
  if (client === null) return null;
  const own = ownSample(traffic, group, client);
  const tested = testGapEdge(own, edge);
  return own.controls.length < OWN_CONTROLS || tested === null || tested.probability > LIKELY ? 'one-client' : null;
}

/** The requests of one client alone. */
const ownSample = (traffic: Traffic, { sample, moments, peers }: GapGroup, client: number): GapSample => ({
  ...sample,
  witnesses: sample.witnesses.filter((_, index) => moments[index]?.client === client),
  controls: peers.flatMap((one) =>
    controlsOf(
      traffic,
      { ...one, controls: one.controls.filter((control) => control.client === client) },
      () => '',
      sample.witnesses[0]?.closing ?? 0,
    ),
  ),
});

function keepAliveEdge({ sample, errors, failures }: GapGroup, found: GapEdge): KeepAliveEdge {
  const edge = withLateCloses(sample, found);
  const { chance, probability } = edge;
  const closes = failures.flatMap(({ row, gaps }) => {
    const error = errors.get(row);
    return error === undefined ? [] : [{ error, isAtEdge: isAtGapEdge(requestOf(error, gaps, ''), edge) }];
  });
  const late = closes.filter(({ error }) => !isInstant(error));
  // Thousands of errors share a few hundred closing times.
  const chances = new Map<number, number>();
  const chanceOf = (closing: number): number => {
    const chance = chances.get(closing) ?? chanceAtEdge(sample.controls, closing, edge);
    chances.set(closing, chance);
    return chance;
  };
  const isShown = exceedsChance(
    late.filter(({ isAtEdge }) => isAtEdge).length,
    late.map(({ error }) => chanceOf(closingOf(error))),
  );
  const all = closes.flatMap(({ error, isAtEdge }) => (isAtEdge && (isShown || isInstant(error)) ? [error] : []));
  const hits = all.filter(isInstant).length;
  const examined = failures.filter(({ row }) => isInstantRow(errors, row)).length;
  const byChance = new Set(slowest(all.filter(isInstant), hitsByChance(hits, examined, chance)));
  const maybeLate = isShown ? [] : late.flatMap(({ error, isAtEdge }) => (isAtEdge ? [error] : []));
  return {
    kind: kindOf(sample, edge),
    seconds: edge.at / 1000,
    probability,
    hits,
    examined,
    controls: sample.controls.length,
    expected: chance * examined,
    elsewhere: shareElsewhere(sample, edge),
    atEdge: all.filter((error) => !byChance.has(error)).sort((a, b) => a.index - b.index),
    maybeAtEdge: [...maybeLate, ...byChance],
    since: null,
  };
}

/** With a smaller share of the hits due to chance, all of them count as the race. */
const FEW_BY_CHANCE = 0.1;

/** How many hits are due to chance if they matter: unrelated errors lie off the edge and at it as controls do. */
function hitsByChance(hits: number, examined: number, chance: number): number {
  const byChance = Math.round(((examined - hits) * chance) / Math.max(1e-9, 1 - chance));
  return byChance > FEW_BY_CHANCE * hits ? Math.min(byChance, hits) : 0;
}

/** The errors that closed last after their request was sent: a race closes at once. */
const slowest = (errors: readonly SampledError[], count: number): SampledError[] =>
  [...errors].sort((a, b) => b.target_processing_time - a.target_processing_time || b.index - a.index).slice(0, count);

function kindOf(sample: GapSample, edge: GapEdge): KeepAliveEdge['kind'] {
  if (!Number.isFinite(edge.to)) return isOneTimer(sample, edge) ? 'idle' : 'beyond';
  return edge.kind === 'latest' || edge.at < AT_ONCE_MS ? 'at-once' : 'idle';
}

/** Largest share of late closes at an edge that chance may explain. */
const MOST_BY_CHANCE = 0.2;

/**
 * Whether hardly any of this many `hits` are due to chance. `chances`: the chance of a hit of each unexplained request.
 */
function exceedsChance(hits: number, chances: readonly number[]): boolean {
  const expected = chances.reduce((sum, chance) => sum + chance, 0);
  if (hits <= expected) return false;
  const byChance = expected * ((chances.length - hits) / (chances.length - expected));
  return byChance <= MOST_BY_CHANCE * hits && expected <= hits / 2;
}

/** Each target group's errors that an idle-connection timer may have caused; most first, then by ARN. */
function idleCloses(traffic: Traffic): { arn: string; closed: SampledError[] }[] {
  const all = withSignature(traffic, 'closed-before-response');
  // A route or client that always fails is unrelated to idle times and would hide an edge.
  const always = new Set(failingRoutes(traffic, all).flatMap(({ errors }) => errors));
  const others = all.filter((error) => !always.has(error));
  for (const error of failingClients(traffic, others)?.errors ?? []) always.add(error);
  for (const error of closedWithWork(others)) always.add(error);
  const rest = others.filter((error) => !always.has(error));
  // A connection that closed when its route usually answers was working, however briefly.
  for (const own of groupBy(rest, (error) => error.target_group_arn).values())
    for (const error of closedAsAnswered(traffic, own)) always.add(error);
  const closed = rest.filter((error) => !always.has(error));
  return [...groupBy(closed, (error) => error.target_group_arn)]
    .sort(([a, own], [b, other]) => other.length - own.length || (a < b ? -1 : 1))
    .map(([arn, own]) => ({ arn, closed: own.filter(mayBeRace) }));
}

/**
 * Seconds after which a request counts as in progress: a late event loop closes connections some time after their
 * request arrived.
 */
const AT_WORK_SECONDS = 3 * INSTANT_SECONDS;
/** Milliseconds within which one event ends its requests. */
const TOGETHER_MS = 20;

/**
 * Instant errors that ended together with a request in progress on the same target; a timer for idle connections does
 * not close that request.
 */
function closedWithWork(errors: readonly SampledError[]): Set<SampledError> {
  const result = new Set<SampledError>();
  for (const own of groupBy(errors, targetKey).values()) {
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

/** With fewer controls from as busy a time, an edge is worth mentioning at most. */
const CONTROLS_NEEDED = 20;

interface GapGroup {
  measure: Omit<KeepAliveMeasure, 'edge' | 'weakEdge'>;
  comparable: boolean;
  sample: GapSample;
  /** When the witnesses were sent, epoch milliseconds, to which target and by which client. */
  moments: { at: number; target: string; client: number }[];
  /** The requests that all are compared with. */
  peers: readonly GapPeers[];
  /** The examined errors and their gaps. */
  failures: IdleGaps['failures'];
  /** The errors by row. */
  errors: ReadonlyMap<number, SampledError>;
}

const requestOf = (error: SampledError, gaps: readonly number[], kind: string, stands = 1): GapRequest => ({
  kind,
  gaps,
  stands,
  closing: closingOf(error),
});

const closingOf = ({ target_processing_time }: SampledError): number => Math.round(1000 * target_processing_time);

const isInstantRow = (errors: ReadonlyMap<number, SampledError>, row: number): boolean => {
  const error = errors.get(row);
  return error !== undefined && isInstant(error);
};

function gapGroup(traffic: Traffic, { arn, closed }: { arn: string; closed: SampledError[] }): GapGroup {
  const gaps = traffic.log.idleGaps.find((one) => one.target_group_arn === arn);
  const requests = traffic.log.targets
    .filter(({ target_group_arn }) => target_group_arn === arn)
    .reduce((sum, target) => sum + target.requests, 0);
  const errors = new Map(closed.map((error) => [error.row, error]));
  const failures = (gaps?.failures ?? []).filter(({ row }) => errors.has(row));
  const examined = failures.filter(({ row }) => isInstantRow(errors, row));
  const client = dominantClient(examined.flatMap(({ row }) => errors.get(row) ?? []));
  const kindOf = (route: string, own: number | null) =>
    `${arn} ${route}${own === client && client !== null ? ' own' : ''}`;
  const moments = witnessesOf(examined, errors);
  const witnesses = moments.map(({ error, gaps: own, count }) =>
    requestOf(error, own, kindOf(error.route, error.client), count),
  );
  const closing = median(witnesses.map((witness) => witness.closing));
  const all = (gaps?.peers ?? []).flatMap((peers) => controlsOf(traffic, peers, kindOf, closing));
  const { controls, isOrdinary } = asBusy(witnesses, all);
  const kinds = new Set(controls.map(({ kind }) => kind));
  const compared = witnesses.filter(({ kind }) => kinds.has(kind)).length;
  const sample = { witnesses, controls, horizon: 1000 * (gaps?.horizon ?? 0) };
  const comparable =
    compared > 0 && 2 * compared >= witnesses.length && (isOrdinary || controls.length >= CONTROLS_NEEDED);
  return {
    measure: {
      target_group_arn: arn,
      closed,
      instant: closed.filter(isInstant),
      examined: examined.length,
      witnesses: witnesses.length,
      controls: controls.length,
      comparable,
      share: countErrors(closed.filter(isInstant)) / Math.max(MIN_REQUESTS, requests),
      horizon: gaps?.horizon ?? null,
      crowded: controls.length > 0 && isCrowded(sample),
    },
    comparable,
    sample,
    moments: moments.map(({ at, error }) => ({ at, target: error.target, client: error.client })),
    peers: gaps?.peers ?? [],
    failures,
    errors,
  };
}

function controlsOf(
  traffic: Traffic,
  { row, answered, controls }: GapPeers,
  kindOf: (route: string, client: number | null) => string,
  closing: number,
): GapRequest[] {
  const route = traffic.log.failures[row]?.route ?? '';
  return controls.map(({ client, gaps }) => ({
    kind: kindOf(route, client),
    gaps,
    stands: answered / controls.length,
    closing,
  }));
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;

/** The client with the most of these errors, whose rhythm is compared with itself. */
function dominantClient(errors: readonly SampledError[]): number | null {
  const [most] = [...groupBy(errors, ({ client }) => String(client)).values()].sort((a, b) => b.length - a.length);
  return most !== undefined && errors.length >= 2 && most.length > errors.length / 2 ? (most[0]?.client ?? null) : null;
}

/** Milliseconds within which failures of one target, on any node, have a common cause. */
const MOMENT_MS = 1000;

interface Moment {
  error: SampledError;
  gaps: readonly number[];
  /** When it was sent, epoch milliseconds. */
  at: number;
  count: number;
}

/** One failure per moment of a target, the first sent, with the number of errors it represents. */
function witnessesOf(failures: IdleGaps['failures'], errors: ReadonlyMap<number, SampledError>): Moment[] {
  const sent = failures
    .flatMap(({ row, gaps }): Moment[] => {
      const error = errors.get(row);
      if (error === undefined) return [];
      return [{ error, gaps, at: error.at - 1000 * error.target_processing_time, count: error.weight }];
    })
    .sort((a, b) => a.at - b.at || a.error.row - b.error.row);
  const moments: Moment[] = [];
  const latest = new Map<string, Moment>();
  for (const one of sent) {
    const moment = latest.get(one.error.target);
    if (moment !== undefined && one.at - moment.at <= MOMENT_MS) {
      moment.count += one.count;
      continue;
    }
    latest.set(one.error.target, one);
    moments.push(one);
  }
  return moments;
}

/**
 * Pools all groups, because the same servers behind several target groups have few errors in each. Counts each moment
 * once.
 */
function pooledSample(groups: readonly GapGroup[]): GapSample {
  const latest = new Map<string, number>();
  const witnesses = groups
    .flatMap(({ sample, moments }) => moments.map((moment, index) => ({ ...moment, witness: sample.witnesses[index] })))
    .sort((a, b) => a.at - b.at)
    .flatMap(({ at, target, witness }) => {
      if (witness === undefined || at - (latest.get(target) ?? Number.NEGATIVE_INFINITY) <= MOMENT_MS) return [];
      latest.set(target, at);
      return [witness];
    });
  const controls = groups.flatMap(({ sample }) => sample.controls);
  const every = Math.ceil(controls.length / MOST_POOLED);
  return {
    witnesses,
    controls: controls.filter((_, index) => index % every === 0),
    horizon: Math.min(...groups.map(({ sample }) => sample.horizon)),
  };
}

/** Controls to compare with, from all groups alike: as many as of one group. */
const MOST_POOLED = 2000;

/** "112 errors", "103 of 112 immediate closes": how many of the errors with a known idle time share the measured one. */
export const atEdgeText = (hits: number, examined: number): string =>
  hits === examined ? plural(hits, 'error') : `${outOf(hits, examined)} immediate closes`;

/** Says why no edge is shown; follows "12 connections closed right after a request was sent, but ". None of the reasons rules a race out. */
export function whyInconclusive(measure: KeepAliveMeasure): string {
  const { examined, witnesses, controls, comparable, crowded, weakEdge } = measure;
  if (examined === 0) return 'no earlier request on the same load balancer node and target was read';
  if (controls === 0) return 'no request of the same routes and targets succeeded to compare their idle times with';
  if (witnesses < 2) return 'one moment cannot show an idle time (at least 2 are needed)';
  if (crowded) return 'traffic leaves no gaps between requests, so no idle time can be measured';
  if (weakEdge !== null) {
    const { hits, seconds, expected, doubt } = weakEdge;
    const came = `${number(hits)} of ${number(examined)} came ${secondsText(seconds)} after an earlier response; ${number(expected)} would be expected by chance`;
    if (doubt === 'worker-ends') return `${came}; a worker that ends closes its connections so soon, too`;
    if (doubt === 'one-client') return `${came}; most are of one client, which may ask in that rhythm`;
    return `${came}: too few to be sure${comparable ? '' : ', and no request of the same routes succeeded'}`;
  }
  return `the ${witnesses} measured idle times differ too much to show a timeout`;
}
