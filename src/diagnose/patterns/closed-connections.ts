/**
 * Splits rows of the shape `x t -1` 502, which look alike individually, by their patterns. Each error is in one part,
 * that of the most specific pattern; unexplained errors are the rest.
 */
import { targetKey } from '../targets/target-key.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { countErrors, groupBy, oncePerTraffic, withSignature } from '../traffic.ts';
import { leftTargets, type TargetPresence } from './churn.ts';
import { type FailingClients, failingClients } from './clients.ts';
import { type CutUpload, findCutUploads } from './cut-uploads.ts';
import { type DurationCluster, fixedDurations, lateTimerOfFailing, lateTimers, longestWait } from './durations.ts';
import { type TargetBurst, targetBursts } from './error-bursts.ts';
import { isInstant, type KeepAliveEdge, type KeepAliveMeasure, measureKeepAlive } from './keep-alive.ts';
import { failingRoutes, type RouteShare } from './route-errors.ts';

export interface ClosedParts {
  all: readonly SampledError[];
  /** Target groups where (nearly) every request was closed at once and none succeeded. */
  wholeGroups: { target_group_arn: string; errors: SampledError[]; requests: number }[];
  /** Routes that nearly always fail while other routes succeed. */
  routes: RouteShare[];
  measures: KeepAliveMeasure[];
  /** Instant errors explained by the measured keep-alive edge, by target group. */
  race: { measure: KeepAliveMeasure; edge: KeepAliveEdge; errors: SampledError[] }[];
  /** Errors in the last moments of targets that left permanently. */
  leaving: { presence: TargetPresence; errors: SampledError[] }[];
  /**
   * The same if other targets fail as much, so that leaving is only one explanation. Also listed in the bursts and the
   * rest.
   */
  possiblyLeaving: { presence: TargetPresence; errors: SampledError[] }[];
  /**
   * Uploads that ended before the whole body arrived, each after a different time above a common minimum: a timer for
   * the body ended them.
   */
  cutUploads: CutUpload[];
  /** Errors that end after one fixed duration. A route that always fails this way is listed here, not in `routes`. */
  durationClusters: DurationCluster[];
  /** Clients that fail on every repeat, with their errors outside other parts; null if there are none. */
  clients: FailingClients | null;
  /** Errors of one target that ended together. */
  bursts: TargetBurst[];
  instantRest: SampledError[];
  slowRest: SampledError[];
}

const WHOLE_GROUP_REQUESTS = 10;
/**
 * Largest share of the examined errors with another possible cause, up to which errors off the edge and unexamined
 * errors count as the same race.
 */
const FEW_ELSEWHERE = 0.1;
const NEARLY_ALL = 0.9;
/** Milliseconds before a target leaves within which it fails its requests. */
const LAST_MOMENTS_MS = 90_000;
/** If a target answered another request later than this after an error, it was not leaving yet. Milliseconds. */
const STILL_SERVING_MS = 5_000;
const AT_ONCE_MS = 1000;
const SEVERAL = 3;

export const closedParts = oncePerTraffic((traffic: Traffic): ClosedParts => {
  const all = withSignature(traffic, 'closed-before-response');
  let rest: readonly SampledError[] = all;
  const claimErrors = (errors: SampledError[]): SampledError[] => {
    const taken = new Set(errors);
    rest = rest.filter((error) => !taken.has(error));
    return errors;
  };

  const wholeGroups = closedGroups(traffic, rest);
  for (const group of wholeGroups) claimErrors(group.errors);
  const failing = failingRoutes(traffic, rest).filter(({ errors }) => !endsAtFixedDuration(errors));
  const lateFailing = failing.map((route) => ({ route, late: lateTimerOfFailing(route.errors, longestWait(traffic)) }));
  const routes = lateFailing.flatMap(({ route, late }) => (late === null ? [route] : []));
  for (const route of routes) claimErrors(route.errors);
  const alwaysLate = lateFailing.flatMap(({ late }) => late ?? []);
  for (const cluster of alwaysLate) claimErrors(cluster.errors);

  const measures = measureKeepAlive(traffic);
  const race = measures.flatMap((measure) => {
    const { edge } = measure;
    if (edge === null) return [];
    const open = new Set(rest);
    const errors = raceErrors(measure, edge).filter((error) => open.has(error));
    return errors.length > 0 ? [{ measure, edge, errors: claimErrors(errors) }] : [];
  });

  const cutUploads = findCutUploads(traffic, rest);
  for (const upload of cutUploads) claimErrors(upload.errors);
  const fixedOf = (errors: readonly SampledError[]) =>
    [...groupBy(errors, (error) => error.target_group_arn).values()].flatMap(fixedDurations);
  const fixed = fixedOf(rest);
  // A few errors of a timer that fires late may agree by chance, and would hide it.
  const wider = lateTimers(traffic, rest).filter((late) => !holdsNearlyAll(fixed, late));
  for (const cluster of wider) claimErrors(cluster.errors);
  const fixedClusters = fixedOf(rest);
  for (const cluster of fixedClusters) claimErrors(cluster.errors);
  const lateClusters = lateTimers(traffic, rest);
  for (const cluster of lateClusters) claimErrors(cluster.errors);
  const durationClusters = [...wider, ...fixedClusters, ...lateClusters, ...alwaysLate];
  const clients = failingClients(traffic, rest);
  if (clients) claimErrors(clients.errors);
  const last = exitErrors(traffic, rest);
  const leaving = last
    .filter(({ shown }) => shown)
    .map(({ presence, errors }) => ({ presence, errors: claimErrors(errors) }));
  const possiblyLeaving = last.filter(({ shown }) => !shown).map(({ presence, errors }) => ({ presence, errors }));
  const bursts = targetBursts(rest, readMs(traffic));
  for (const burst of bursts) claimErrors(burst.errors);
  return {
    all,
    wholeGroups,
    routes,
    measures,
    race,
    leaving,
    possiblyLeaving,
    cutUploads,
    durationClusters,
    clients,
    bursts,
    instantRest: rest.filter(isInstant),
    slowRest: rest.filter((error) => !isInstant(error)),
  };
});

const holdsNearlyAll = (clusters: readonly DurationCluster[], { errors }: DurationCluster): boolean =>
  clusters.some((cluster) => {
    const held = new Set(cluster.errors);
    return errors.filter((error) => held.has(error)).length >= NEARLY_ALL * errors.length;
  });

function closedGroups(traffic: Traffic, errors: readonly SampledError[]): ClosedParts['wholeGroups'] {
  return [...groupBy(errors, (error) => error.target_group_arn)].flatMap(([target_group_arn, own]) => {
    const targets = traffic.log.targets.filter((t) => t.target_group_arn === target_group_arn);
    const requests = targets.reduce((sum, t) => sum + t.requests, 0);
    const succeeded = targets.some((t) => t.firstSuccess !== null);
    const whole =
      requests >= WHOLE_GROUP_REQUESTS && !succeeded && countErrors(own) >= 0.99 * requests && own.every(isInstant);
    return whole ? [{ target_group_arn, errors: own, requests }] : [];
  });
}

/**
 * Whether nearly all errors end at one duration: a route that always fails has a bad response, or a timer that fires
 * every time.
 */
function endsAtFixedDuration(errors: SampledError[]): boolean {
  const [clock] = fixedDurations(errors);
  return clock !== undefined && clock.errors.length >= NEARLY_ALL * errors.length;
}

const raceErrors = ({ instant }: KeepAliveMeasure, { elsewhere, atEdge }: KeepAliveEdge): SampledError[] =>
  elsewhere <= FEW_ELSEWHERE ? [...new Set([...instant, ...atEdge])] : atEdge;

/**
 * Errors that targets made while leaving. If connections also close on other targets, or closed earlier, only errors
 * after the target's last success count, and only if there are several or the target also refused connections then.
 */
function exitErrors(traffic: Traffic, errors: readonly SampledError[]) {
  const presences = leftTargets(traffic);
  const isLast = (error: SampledError, presence: TargetPresence) =>
    error.at >= presence.lastSeen - LAST_MOMENTS_MS && error.at >= (presence.lastSuccess ?? 0) - STILL_SERVING_MS;
  const [errorsOf, refusedBy] = [
    groupBy(errors, targetKey),
    groupBy(withSignature(traffic, 'connect-failed'), targetKey),
  ];
  const last = new Map(
    presences.map((presence) => [
      presence,
      (errorsOf.get(targetKey(presence)) ?? []).filter((error) => isLast(error, presence)),
    ]),
  );
  const isAnyLast = new Set([...last.values()].flat());
  const closedElsewhere = new Set(errors.flatMap((error) => (isAnyLast.has(error) ? [] : [error.target_group_arn])));
  return presences
    .map((presence) => {
      const own = last.get(presence) ?? [];
      if (!closedElsewhere.has(presence.target_group_arn)) return { presence, errors: own, shown: true };
      const stopped = (presence.lastSuccess ?? presence.firstSeen) - AT_ONCE_MS;
      const after = own.filter((error) => error.at >= stopped);
      const shown =
        after.length >= SEVERAL || (refusedBy.get(targetKey(presence)) ?? []).some((error) => error.at >= stopped);
      return { presence, errors: shown ? after : own, shown };
    })
    .filter(({ errors: own }) => own.length > 0);
}

const readMs = ({ log }: Traffic): number => (log.newest ?? 0) - (log.oldest ?? 0);
