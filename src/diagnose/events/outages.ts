/** Finds outages of a target: more unanswered requests in a row than chance explains. */

import type { UnansweredRun } from '../../evidence/access-log.ts';
import { presenceOf, type TargetPresence, targetPresences } from '../patterns/churn.ts';
import type { SignatureId } from '../signature.ts';
import { targetKey } from '../targets/target-key.ts';
import { groupBy, oncePerTraffic, type Traffic } from '../traffic.ts';
import { type SentFailure, sentFailures } from './sent-failures.ts';

export interface TargetOutage {
  target_group_arn: string;
  target: string;
  /** Epoch milliseconds of the last answer before it; null if the log has no answer. */
  lastAnswer: number | null;
  /** When the next answered request was sent; null if no later one was answered. */
  nextAnswer: number | null;
  /** When the first and the last request of the outage were sent. */
  first: number;
  last: number;
  /** Failures sent during the outage, or unfinished when it began; by send time. */
  failures: SentFailure[];
  /** The failures that were unfinished when the outage began. */
  inFlight: SentFailure[];
  presence: TargetPresence | null;
}

/** Expected number of false outages over all runs tested. */
const MOST_BY_CHANCE = 1e-3;
/**
 * Highest failure rate of the other targets at the same time on the same routes, as a share of this target's; above it,
 * the fault lies elsewhere.
 */
const PEERS_AT_MOST = 0.2;
/** Passes over the runs; each excludes earlier outages from the normal failure rate. */
const PASSES = 3;

/** Returns outages by target group, target and time. */
export const targetOutages = oncePerTraffic((traffic: Traffic): TargetOutage[] => {
  const runs = (traffic.log.outages ?? []).map((run) => sentIn(run, traffic)).filter(isTargetDown);
  const inRuns = new Set(
    runs.filter(({ failures }) => failures.length >= RUN_FROM).flatMap(({ failures }) => failures),
  );
  const alone = totals(
    sentFailures(traffic).filter((failure) => failure.unanswered && !inRuns.has(failure)),
    ({ request }) => targetKey(request),
    ({ weight }) => weight,
  );
  let accepted: RunFailures[] = [];
  for (let pass = 0; pass < PASSES; pass++) {
    const rates = ordinaryRates(accepted, traffic);
    const next = runs.filter((run) =>
      isBeyondChance(run, rates, {
        answers: answersByGroup(traffic).get(run.run.target_group_arn) ?? 0,
        own: ownShare(run.run, alone, traffic),
      }),
    );
    if (next.length === accepted.length) break;
    accepted = next;
  }
  const outages = accepted.map((run) => withInFlight(run, traffic));
  const inOutages = new Set(outages.flatMap(({ failures }) => failures));
  return outages.filter((outage) => !isSharedByPeers(outage, inOutages, traffic));
});

/** A run, with the failures sent during it. */
interface RunFailures {
  run: UnansweredRun;
  failures: SentFailure[];
}

const unansweredByTarget = oncePerTraffic((traffic: Traffic) =>
  groupBy(
    sentFailures(traffic).filter(({ unanswered }) => unanswered),
    ({ request }) => targetKey(request),
  ),
);

/** The log has microseconds, which rows store as fractions of a millisecond. */
const ROUNDING_MS = 0.01;

function sentIn(run: UnansweredRun, traffic: Traffic): RunFailures {
  const own = unansweredByTarget(traffic).get(targetKey(run)) ?? [];
  const from = firstSentFrom(own, run.first - ROUNDING_MS);
  return { run, failures: own.slice(from, firstSentFrom(own, run.last + ROUNDING_MS)) };
}

/** Index of the first failure sent at or after this time. */
function firstSentFrom(failures: readonly SentFailure[], time: number): number {
  let [low, high] = [0, failures.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((failures[middle]?.sent ?? Number.POSITIVE_INFINITY) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Largest difference between the clocks of two nodes, milliseconds. */
const CLOCKS_MS = 100;
/** Milliseconds within which a dying process closes its connections. */
const CLOSES_WITHIN_MS = 2_000;
/** If a lost target does not close its requests in flight, they end at the idle timeout. */
const IN_FLIGHT: readonly SignatureId[] = ['closed-before-response', 'no-response-aborted', 'idle-timeout'];

/** Adds the requests in flight. A request that ended before the target's last answer failed for another reason. */
function withInFlight({ run, failures }: RunFailures, traffic: Traffic): TargetOutage {
  const onset = Math.min(run.first, run.lastAnswer ?? run.first) - CLOCKS_MS;
  const inFlight = (unansweredByTarget(traffic).get(targetKey(run)) ?? []).filter(
    ({ sent, signature, request }) =>
      sent < run.first - ROUNDING_MS &&
      request.at >= onset &&
      IN_FLIGHT.includes(signature) &&
      (signature === 'idle-timeout' || request.at <= run.first + CLOSES_WITHIN_MS),
  );
  const { target_group_arn, target, lastAnswer, nextAnswer, first, last } = run;
  const presence = presenceOf(traffic, run);
  return {
    ...{ target_group_arn, target, lastAnswer, nextAnswer, first, last, presence, inFlight },
    failures: [...inFlight, ...failures],
  };
}

/** The share of failures with a refused or unanswered connection. */
const NOT_CONNECTED_FROM = 0.2;

/** Whether the target is down, not merely late or closing connections that it accepted. */
function isTargetDown({ failures }: RunFailures): boolean {
  const notConnected = failures.filter(
    ({ signature }) => signature === 'connect-failed' || signature === 'connect-timeout',
  );
  return notConnected.length > 0 && notConnected.length >= NOT_CONNECTED_FROM * failures.length;
}

interface RequestCount {
  requests: number;
  failed: number;
}

interface OrdinaryRates {
  all: RequestCount;
  byRoute: ReadonlyMap<string, RequestCount>;
  left: ReadonlySet<SentFailure>;
}

/** Counts requests and unanswered requests of each route outside these runs. */
function ordinaryRates(accepted: readonly RunFailures[], traffic: Traffic): OrdinaryRates {
  const { log } = traffic;
  const left = new Set(accepted.flatMap(({ failures }) => failures));
  const byRoute = new Map(log.routes.map(({ route, requests }) => [route, { requests, failed: 0 }]));
  const all = { requests: log.requests, failed: 0 };
  for (const failure of sentFailures(traffic)) {
    if (!failure.unanswered) continue;
    for (const count of [all, byRoute.get(failure.request.route)]) {
      if (count === undefined) continue;
      if (left.has(failure)) count.requests -= failure.weight;
      else count.failed += failure.weight;
    }
  }
  return { all, byRoute, left };
}

/** Failures of one target in a row from which an outage is possible; single requests also fail on a healthy target. */
const RUN_FROM = 3;

/** The share of the target's requests that fail outside such runs. `alone`: how many do, by target. */
function ownShare(run: UnansweredRun, alone: ReadonlyMap<string, number>, traffic: Traffic): number {
  const target = targetKey(run);
  const requests = requestsByTarget(traffic).get(target) ?? 0;
  return Math.min(1, (alone.get(target) ?? 0) / Math.max(1, requests));
}

interface RunChances {
  /** Number of runs that were possible. */
  answers: number;
  /** Share of its target's requests that fail outside runs. */
  own: number;
}

/**
 * The probability of so many failures in a row at the normal rates of the routes and of the target, times the number of
 * possible runs.
 */
function isBeyondChance(
  { failures }: RunFailures,
  { all, byRoute, left }: OrdinaryRates,
  { answers, own: ownRate }: RunChances,
): boolean {
  const own = groupBy(failures, ({ request }) => request.route);
  // Exclude the run under test, because the rate during an outage is not normal.
  const tried = (sent: readonly SentFailure[]): number =>
    sent.reduce((sum, failure) => sum + (left.has(failure) ? 0 : failure.weight), 0);
  const allTried = tried(failures);
  let chance = Math.log10(Math.max(1, answers));
  for (const [route, sent] of own) {
    const known = byRoute.get(route);
    const count = known ?? all;
    const outside = known ? tried(sent) : allTried;
    const ofRoute = (Math.max(0, count.failed - outside) + 0.5) / (Math.max(0, count.requests - outside) + 1);
    const share = Math.max(ofRoute, ownRate);
    chance += sent.reduce((sum, { weight }) => sum + weight, 0) * Math.log10(Math.min(1, share));
  }
  return failures.length >= 2 && chance <= Math.log10(MOST_BY_CHANCE);
}

const requestsByTarget = oncePerTraffic(({ log }: Traffic) =>
  totals(log.targets, targetKey, ({ requests }) => requests),
);

const answersByGroup = oncePerTraffic(({ log }: Traffic) =>
  totals(
    log.targets,
    ({ target_group_arn }) => target_group_arn,
    ({ requests, failures }) => requests - failures,
  ),
);

function totals<T>(items: readonly T[], key: (item: T) => string, value: (item: T) => number): Map<string, number> {
  const sums = new Map<string, number>();
  for (const item of items) {
    const name = key(item);
    sums.set(name, (sums.get(name) ?? 0) + value(item));
  }
  return sums;
}

/** Whether other targets fail on the same routes at the same time, so that the fault lies behind all of them. */
function isSharedByPeers(outage: TargetOutage, inOutages: ReadonlySet<SentFailure>, traffic: Traffic): boolean {
  const peers = targetPresences(traffic).filter(
    ({ target_group_arn, target, lastSuccess, firstSeen }) =>
      target_group_arn === outage.target_group_arn &&
      target !== outage.target &&
      firstSeen <= outage.last &&
      lastSuccess !== null &&
      lastSuccess >= outage.first,
  );
  const routes = new Set(outage.failures.map(({ request }) => request.route));
  const all = sentFailures(traffic);
  const sameTime = all.slice(firstSentFrom(all, outage.first), firstSentFrom(all, outage.last + ROUNDING_MS));
  const peerKeys = new Set(peers.map(targetKey));
  const onPeers = sameTime.filter(
    (failure) =>
      failure.unanswered &&
      peerKeys.has(targetKey(failure.request)) &&
      routes.has(failure.request.route) &&
      !inOutages.has(failure),
  );
  return onPeers.length > PEERS_AT_MOST * peers.length * outage.failures.length;
}
