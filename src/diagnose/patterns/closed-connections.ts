/**
 * Rows of the shape `x t -1` 502 look alike one by one. Together they fall into parts, each with the pattern that told it; an error is in one
 * part only, the most specific first. What no pattern explains is the rest.
 */
import type { SampledError, Traffic } from '../traffic.ts';
import { countErrors, groupBy, oncePerTraffic, withSignature } from '../traffic.ts';
import { type TargetPresence, targetPresences } from './churn.ts';
import { type FailingClients, failingClients } from './clients.ts';
import { type CutUpload, findCutUploads } from './cut-uploads.ts';
import { type DurationCluster, fixedDurations, lateTimerOfFailing, lateTimers } from './durations.ts';
import { type TargetBurst, targetBursts } from './error-bursts.ts';
import { isInstant, type KeepAliveEdge, type KeepAliveMeasure, measureKeepAlive } from './keep-alive.ts';
import { failingRoutes, type RouteShare } from './route-errors.ts';

export interface ClosedParts {
  all: SampledError[];
  /** Target groups of which (nearly) every request was closed at once and none succeeded. */
  wholeGroups: { target_group_arn: string; errors: SampledError[]; requests: number }[];
  /** Routes that fail nearly always while others succeed. */
  routes: RouteShare[];
  measures: KeepAliveMeasure[];
  /** Instant errors that the measured keep-alive edge explains, by target group. */
  race: { measure: KeepAliveMeasure; edge: KeepAliveEdge; errors: SampledError[] }[];
  /** Errors of the last moments of targets that left for good. */
  leaving: { presence: TargetPresence; errors: SampledError[] }[];
  /** The same where others fail as much: theirs, or of what else closes connections. They are among the bursts and the rest as well. */
  possiblyLeaving: { presence: TargetPresence; errors: SampledError[] }[];
  /** Uploads that ended before their body had come, each after a time of its own above a common least: a timer of the body. */
  cutUploads: CutUpload[];
  /** Errors that end after one fixed duration. A route that always fails so is among them, not among the routes. */
  durationClusters: DurationCluster[];
  /** Clients that fail whenever they ask again, with their errors of no other part; null when none are seen. */
  clients: FailingClients | null;
  /** Errors of one target that ended together. */
  bursts: TargetBurst[];
  instantRest: SampledError[];
  slowRest: SampledError[];
}

const WHOLE_GROUP_REQUESTS = 10;
/** Up to this share of the examined errors that may be of something else, those off the edge are taken for the same race, and those not examined. */
const FEW_ELSEWHERE = 0.1;
const NEARLY_ALL = 0.9;
/** A target that leaves fails its requests in its last moments. */
const LAST_MOMENTS_MS = 90_000;
/** A target that answered another request later than this after an error was not leaving yet. */
const STILL_SERVING_MS = 5_000;
const AT_ONCE_MS = 1000;
const SEVERAL = 3;

export const closedParts = oncePerTraffic((traffic: Traffic): ClosedParts => {
  const all = withSignature(traffic, 'closed-before-response');
  let rest = all;
  const claimErrors = (errors: SampledError[]): SampledError[] => {
    const taken = new Set(errors);
    rest = rest.filter((error) => !taken.has(error));
    return errors;
  };

  const wholeGroups = closedGroups(traffic, rest);
  for (const group of wholeGroups) claimErrors(group.errors);
  const failing = failingRoutes(traffic, rest).filter(({ errors }) => !endsAtFixedDuration(errors));
  const lateFailing = failing.map((route) => ({ route, late: lateTimerOfFailing(route.errors) }));
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
  const fixedClusters = [...groupBy(rest, (error) => error.target_group_arn).values()].flatMap(fixedDurations);
  for (const cluster of fixedClusters) claimErrors(cluster.errors);
  const lateClusters = lateTimers(traffic, rest);
  for (const cluster of lateClusters) claimErrors(cluster.errors);
  const durationClusters = [...fixedClusters, ...lateClusters, ...alwaysLate];
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

function closedGroups(traffic: Traffic, errors: SampledError[]): ClosedParts['wholeGroups'] {
  return [...groupBy(errors, (error) => error.target_group_arn)].flatMap(([target_group_arn, own]) => {
    const targets = traffic.log.targets.filter((t) => t.target_group_arn === target_group_arn);
    const requests = targets.reduce((sum, t) => sum + t.requests, 0);
    const succeeded = targets.some((t) => t.firstSuccess !== null);
    const whole =
      requests >= WHOLE_GROUP_REQUESTS && !succeeded && countErrors(own) >= 0.99 * requests && own.every(isInstant);
    return whole ? [{ target_group_arn, errors: own, requests }] : [];
  });
}

/** Nearly all at one duration: what always fails may be what a response holds, or a clock that fires each time. */
function endsAtFixedDuration(errors: SampledError[]): boolean {
  const [clock] = fixedDurations(errors);
  return clock !== undefined && clock.errors.length >= NEARLY_ALL * errors.length;
}

const raceErrors = ({ instant }: KeepAliveMeasure, { elsewhere, atEdge }: KeepAliveEdge): SampledError[] =>
  elsewhere <= FEW_ELSEWHERE ? [...new Set([...instant, ...atEdge])] : atEdge;

/**
 * The errors with which a target leaves. Where connections are closed on others too, or were before, only those after its last success
 * count, and only when there are several or it also refused connections then.
 */
function exitErrors(traffic: Traffic, errors: SampledError[]) {
  const presences = targetPresences(traffic).filter((presence) => presence.left === true);
  const isLast = (error: SampledError, presence: TargetPresence) =>
    isErrorOfTarget(error, presence) &&
    error.at >= presence.lastSeen - LAST_MOMENTS_MS &&
    error.at >= (presence.lastSuccess ?? 0) - STILL_SERVING_MS;
  const refusedConnects = withSignature(traffic, 'connect-failed');
  const elsewhere = errors.filter((error) => !presences.some((presence) => isLast(error, presence)));
  return presences
    .map((presence) => {
      const own = errors.filter((error) => isLast(error, presence));
      if (!elsewhere.some((error) => error.target_group_arn === presence.target_group_arn))
        return { presence, errors: own, shown: true };
      const stopped = (presence.lastSuccess ?? presence.firstSeen) - AT_ONCE_MS;
      const after = own.filter((error) => error.at >= stopped);
      const shown =
        after.length >= SEVERAL ||
        refusedConnects.some((error) => isErrorOfTarget(error, presence) && error.at >= stopped);
      return { presence, errors: shown ? after : own, shown };
    })
    .filter(({ errors: own }) => own.length > 0);
}

const readMs = ({ log }: Traffic): number => (log.newest ?? 0) - (log.oldest ?? 0);

const isErrorOfTarget = (error: SampledError, presence: TargetPresence): boolean =>
  error.target === presence.target && error.target_group_arn === presence.target_group_arn;
