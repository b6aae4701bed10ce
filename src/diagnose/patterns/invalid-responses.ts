/**
 * Finds closed-before-response errors that an invalid response may explain. Malformed responses and oversized headers
 * look alike.
 */

import type { TargetGroup } from '../../evidence/aws.ts';
import { number, outOf, percent, plural, requestsOf, seconds } from '../../format/wording.ts';
import { countErrors, oncePerTraffic, type SampledError, type Traffic } from '../traffic.ts';
import { closedParts } from './closed-connections.ts';
import { closedBeforeWork } from './closing-times.ts';
import { allOfFailingRoutes, findScatteredErrors, routeShares } from './route-errors.ts';

interface BadResponse {
  all: readonly SampledError[];
  claimed: SampledError[];
  routes: string[];
  reasons: string[];
  against: string[];
}

const MIN_ERRORS = 5;

/** How curl repeats a failing request at its target: options for the protocol of the target group, and the URL. */
export interface TargetRequest {
  options: string[];
  /** The path is left out: it is text of a client. */
  url: string;
}

export function askTarget(
  errors: readonly SampledError[],
  targetGroups: readonly TargetGroup[] | undefined,
): TargetRequest {
  const error = errors.find(({ target }) => target !== '-');
  const group = targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === error?.target_group_arn);
  const isTls = group?.Protocol === 'HTTPS';
  const isMultiplexed = group?.ProtocolVersion === 'HTTP2' || group?.ProtocolVersion === 'GRPC';
  const version = isMultiplexed ? (isTls ? '--http2' : '--http2-prior-knowledge') : '--http1.1';
  return {
    options: isTls ? ['-k', version] : [version],
    url: `${isTls ? 'https' : 'http'}://${error?.target ?? '<target>:<port>'}/<path>`,
  };
}

export const badResponse = oncePerTraffic((traffic: Traffic): BadResponse => {
  const parts = closedParts(traffic);
  const fixed = parts.routes.flatMap((route) => route.errors);
  const closedEarly = closedBeforeWork(traffic, [...parts.instantRest, ...parts.slowRest]);
  const early = closedEarly.flatMap(({ errors }) => errors);
  const unclear = [
    parts.slowRest,
    parts.instantRest,
    ...parts.durationClusters
      .map((cluster) => cluster.errors)
      .filter((errors) => errors.length < MIN_ERRORS || allOfFailingRoutes(traffic, errors)),
    ...parts.bursts.map((burst) => burst.errors).filter((errors) => new Set(errors.map((e) => e.route)).size === 1),
  ].flatMap((errors) => {
    const unexplained = new Set([...findScatteredErrors(traffic, errors), ...early]);
    return errors.filter((error) => !unexplained.has(error));
  });
  const retried = parts.all.filter((error) => error.retriedOk).length;
  const ofClients = parts.clients?.errors ?? [];
  const claimed = [...fixed, ...ofClients, ...unclear].sort((a, b) => a.index - b.index);
  const shares = routeShares(traffic, parts.all);
  const noRoute =
    claimed.length === 0 && shares.length > 0
      ? [
          `No route always fails; ${shares.length === 1 ? 'the failing route' : 'each failing route'} succeeds at least ${percent(Math.floor(100 * (1 - Math.max(...shares.map((s) => s.share)))) / 100)} of the time.`,
        ]
      : [];
  const ofRetries =
    retried > 0 ? [`${requestsOf(retried, parts.all.length, 'closed')} succeeded on a retry within 30 s.`] : [];
  return {
    all: parts.all,
    claimed,
    routes: parts.routes.map((route) => route.route),
    reasons: [
      ...parts.routes.map(
        (route) =>
          `${route.route} failed ${percent(route.share)} of the time (${outOf(route.errors.length, route.requests)} requests) while other routes succeeded: the fault is in that route.`,
      ),
      ...(parts.clients
        ? [
            `${plural(parts.clients.clients, 'client')} failed each time: ${outOf(parts.clients.failedAgain, parts.clients.repeated)} of their requests that were repeated within 30 s failed again, while ${percent(1 - Math.min(1, countErrors(parts.all) / Math.max(1, traffic.log.requests)))} of all requests did not fail. The fault is in their requests.`,
          ]
        : []),
      ...(unclear.length > 0
        ? [`${plural(unclear.length, 'error fits', 'errors fit')} a response that the load balancer rejected.`]
        : []),
    ],
    against: [
      // Retries that failed, or were not seen, leave the other requests open.
      ...(retried < parts.all.length ? [...noRoute, ...ofRetries] : ofRetries),
      ...closedEarly
        .slice(0, 3)
        .map(
          ({ route, errors, longest, successes }) =>
            `${plural(errors.length, 'request')} to ${route} closed within ${number(Math.max(1, longest))} ms, faster than any of ${plural(successes, 'success', 'successes')} on the route: the target had not responded yet.`,
        ),
      ...parts.race.map(
        ({ edge, errors }) =>
          `${plural(errors.length, 'error')} at the idle edge of ${seconds(edge.seconds)}: the idle time explains them, not the response.`,
      ),
      ...(retried < parts.all.length ? [] : noRoute),
    ],
  };
});
