/**
 * Explains errors of the idle timeout: the timer they reveal, and whether the target or the upload of the body was
 * slow.
 */
import type { Attributes } from '../../evidence/aws.ts';
import { neverAccepted } from '../connect-timeouts/syn-retransmits.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { countErrors, groupBy, withSignature } from '../traffic.ts';
import { type BodiesSent, type BodySent, bodiesSent } from './body-sizes.ts';
import { tally } from './tally.ts';

export interface IdleTimeouts {
  all: readonly SampledError[];
  /** The idle timeout that the errors reveal, whole seconds; null if they reveal none. */
  effective: number | null;
  /** The configured timeout, seconds; null if the attributes could not be read. */
  configured: number | null;
  /** Errors without a body left to upload that ended at the timer or later: only the target can have been slow. */
  target: SampledError[];
  /** Errors with a body that ended at the timer, on a route where requests without a body timed out too. */
  sameRoute: SampledError[];
  /** Errors whose body was still uploading after the request was sent on, on routes that are otherwise fast. */
  upload: SampledError[];
  /** Errors with a body where the upload or the target may have been slow. */
  either: SampledError[];
  /**
   * Errors without a body left to upload that ended before the timer, or with no visible or known timer: the numbers
   * disagree.
   */
  early: SampledError[];
  /** Routes where these errors sent less of a body than the successes. */
  short: BodiesSent['short'];
}

/** Bytes; a whole request up to this size fits the first packets of a connection. */
export const SMALL_BODY = 16_384;
const BODILESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);
/** Seconds that the load balancer may take beyond the timer. Rows show 0.004 s. */
const SLACK = 0.15;
/** Seconds beyond the timer that show activity after the request was sent on. */
const WELL_ABOVE = 1;
const MIN_PATTERN = 3;

export const methodOf = (error: SampledError): string => error.route.split(' ')[0] ?? '';
/** Whether its method has no body. */
export const isBodiless = (error: SampledError): boolean => BODILESS.has(methodOf(error));
/**
 * Whether nothing was left to send: no body, a body as large as those of the route's successes, or one sent at once.
 */
const hasUploaded = (error: SampledError, sent: BodySent | undefined): boolean =>
  isBodiless(error) || sent === 'whole' || (sent !== 'short' && error.received_bytes < SMALL_BODY);
const withoutUpload = (error: SampledError): boolean => isBodiless(error) || error.received_bytes < SMALL_BODY;

/** Whether each of them may have waited for a slow client. */
export const allCarryBodies = (errors: readonly SampledError[]): boolean => !errors.some(withoutUpload);

export function configuredIdleTimeout(attributes: Attributes | undefined): number | null {
  const value = Number(attributes?.['idle_timeout.timeout_seconds'] ?? Number.NaN);
  return Number.isFinite(value) ? value : null;
}

export function idleTimeouts(traffic: Traffic, attributes: Attributes | undefined): IdleTimeouts {
  const unaccepted = neverAccepted(traffic);
  const all = withSignature(traffic, 'idle-timeout').filter((error) => !unaccepted.has(error));
  const configured = configuredIdleTimeout(attributes);
  const bodies = bodiesSent(traffic, all);
  const isSmall = (error: SampledError) => hasUploaded(error, bodies.sent.get(error));
  const small = all.filter(isSmall);
  const large = all.filter((error) => !isSmall(error));
  const effective = visibleTimer(small, configured) ?? visibleTimer(large, configured);
  const limit = effective ?? configured;
  const target = small.filter((error) => {
    const seconds = sinceSent(error);
    return seconds === null || (limit !== null && seconds >= limit - 0.1);
  });
  const timedOut = groupBy(target, (error) => error.route);
  const late = large.filter(({ elapsed }) => elapsed !== null && limit !== null && elapsed > limit + WELL_ABOVE);
  const upload = onlyUploads(traffic, large, late, target, limit) ? late : [];
  const isLate = new Set(late);
  const sameRoute = large.filter(
    (error) =>
      !isLate.has(error) &&
      bodies.sent.get(error) !== 'short' &&
      (timedOut.get(error.route)?.length ?? 0) >= MIN_PATTERN,
  );
  const assigned = new Set([...target, ...sameRoute, ...upload]);
  return {
    all,
    effective,
    configured,
    target,
    sameRoute,
    upload,
    either: large.filter((error) => !assigned.has(error)),
    early: small.filter((error) => !assigned.has(error)),
    short: bodies.short,
  };
}

/**
 * Seconds from sending the request to its end, while the idle timeout runs; excludes the connection time. Null if
 * unknown.
 */
const sinceSent = ({ elapsed, request_processing_time: before }: SampledError): number | null =>
  elapsed === null ? null : elapsed - Math.max(0, before);

/**
 * The whole number of seconds just below the densest run of durations, which needs three errors, or fewer if all agree.
 */
export function visibleTimer(errors: readonly SampledError[], configured: number | null = null): number | null {
  const durations = errors.flatMap((error) => sinceSent(error) ?? []).sort((a, b) => a - b);
  const counts = new Map<number, number>();
  for (const duration of durations) {
    const second = Math.floor(duration + 0.02);
    if (duration - second <= SLACK && second >= 1) counts.set(second, (counts.get(second) ?? 0) + 1);
  }
  const [best] = [...counts].sort(
    ([a, n], [b, m]) => m - n || Number(b === configured) - Number(a === configured) || a - b,
  );
  if (!best) return null;
  const [second, count] = best;
  const enough = count >= MIN_PATTERN && count >= durations.length / 2;
  return enough || count === durations.length || second === configured ? second : null;
}

/**
 * Whether only slow uploads are visible: most errors with a body ended well above the timer at different times, no
 * request without a body timed out, and successes of the same routes are fast.
 */
function onlyUploads(
  traffic: Traffic,
  large: SampledError[],
  late: SampledError[],
  target: SampledError[],
  limit: number | null,
): boolean {
  if (limit === null || late.length < MIN_PATTERN || target.length > 0) return false;
  const alike = Math.max(...tally(late, ({ elapsed }) => String(Math.round(elapsed ?? 0))).map(({ count }) => count));
  if (late.length < 0.8 * large.length || alike > Math.max(1, 0.2 * countErrors(late))) return false;
  const slowest = meanSuccess(
    traffic,
    late.map((error) => error.route),
  );
  return slowest !== null && slowest <= limit / 10;
}

/** The largest mean of target_processing_time among the successes of these routes, seconds; null if none succeeded. */
function meanSuccess(traffic: Traffic, routes: readonly string[]): number | null {
  const means = traffic.log.routes
    .filter(({ route, succeeded }) => routes.includes(route) && succeeded > 0)
    .map(({ succeeded, succeededMs }) => succeededMs / succeeded / 1000);
  return means.length === 0 ? null : Math.max(...means);
}

/** A sentence with a number showing that no error waited for the idle timeout; null if an error did, or may have. */
export function endedTooSoon(
  traffic: Traffic,
  attributes: Attributes | undefined,
): { longest: number; limit: number } | null {
  // The minimum that can be configured is one second.
  const limit = configuredIdleTimeout(attributes) ?? 1;
  const durations = traffic.errors.map(({ elapsed }) => elapsed ?? Number.POSITIVE_INFINITY);
  const longest = durations.reduce((top, each) => Math.max(top, each), 0);
  return traffic.errors.length > 0 && countErrors(withSignature(traffic, 'idle-timeout')) === 0 && longest < limit - 0.1
    ? { longest, limit }
    : null;
}
