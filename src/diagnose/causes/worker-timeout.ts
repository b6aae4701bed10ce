import { durationSpread, list, number, outOf, plainSeconds, plural, seconds } from '../../format/wording.ts';
import { claimErrors, type Fix, type Judgement, ruledOut, untested } from '../judgement.ts';
import { type BodySent, bodiesSent } from '../patterns/body-sizes.ts';
import { closedParts } from '../patterns/closed-connections.ts';
import { type DurationCluster, longestWait, ownMoments } from '../patterns/durations.ts';
import { allCarryBodies, isBodiless, SMALL_BODY } from '../patterns/idle-timeouts.ts';
import { allOfFailingRoutes } from '../patterns/route-errors.ts';
import { countErrors, type SampledError, type Traffic } from '../traffic.ts';
import { defineCause } from './cause.ts';

const MIN_LIKELY = 5;
/**
 * Highest probability by chance at which a cluster counts even if other requests end with its own (a killed worker ends
 * all of its requests).
 */
const HARDLY_CHANCE = 1e-6;
/** The minimum number of errors for `fixedDurations`. */
const MIN_CLUSTER = 3;

export const workerTimeout = defineCause({
  id: 'worker-timeout',
  title: 'Worker timeout in the target',
  explanation:
    'The application server or a proxy in the target kills a request at one fixed duration and closes the connection.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html',
  signatures: ['closed-before-response'],
  wants: [],

  judge({ traffic }): Judgement {
    const { all, durationClusters, slowRest } = closedParts(traffic);
    const slow = slowRest.filter((error) => error.target_processing_time >= 1);
    const judged = durationClusters.map((c) => ({
      cluster: c,
      ...successesOf(traffic, c),
      body: bodyOf(traffic, c.errors),
      always: allOfFailingRoutes(traffic, c.errors),
      apart: c.errors.length >= MIN_LIKELY && (c.expectedByChance < HARDLY_CHANCE || ownMoments(c, all) >= MIN_LIKELY),
    }));
    const named = judged.find(isLikely) ?? judged[0];
    if (!named) return judgeWithoutTimer(slow, all, longestWait(traffic));
    return claimErrors(
      {
        claims: judged.map((one) => ({
          errors: one.cluster.errors,
          strength: isLikely(one) ? 'likely' : 'possible',
        })),
        for: judged.flatMap(({ cluster: { errors, seconds: at, waited }, longest, routes, partly }) => [
          `${plural(errors.length, 'request')} to ${list(routes)} failed ${durationSpread(errors.map((e) => e.target_processing_time))} after being sent: the target has a timer of ${seconds(at)}.`,
          ...(waited === undefined
            ? []
            : [
                `${outOf(waited, errors.length)} ended later than that: requests can wait for a worker first. On a quick route, one waited ${seconds(longestWait(traffic))} or more.`,
              ]),
          ...(partly && longest !== null && longest < at
            ? [`The slowest successful request to ${list(routes)} took ${seconds(longest)}.`]
            : []),
        ]),
        against: judged.flatMap(({ cluster: { seconds: at }, outlived, contradicted, longest }) =>
          outlived && longest !== null
            ? [
                `A request of the same routes succeeded after ${seconds(longest)}, past the ${seconds(at)}${contradicted ? '' : `; it may have waited for a worker first, as a request on a quick route did for ${seconds(longestWait(traffic))} or more`}.`,
              ]
            : [],
        ),
        missing: judged.flatMap(({ partly, routes, body, always }) => [
          ...(partly && !always
            ? []
            : [
                `${partly ? 'Hardly any' : 'No'} request of ${list(routes)} succeeded: a response that always breaks after this time looks the same.`,
              ]),
          ...(body === 'unknown'
            ? [
                `Each carried ${number(SMALL_BODY)} bytes or more: the log of the target's web server tells whether the timer ran on the work or on the arrival of the body.`,
              ]
            : []),
          ...(body === 'short'
            ? [`They had sent less than the successes of ${list(routes)}: the timer may have waited for the body.`]
            : []),
        ]),
        fix: fixFor(named),
        summary: `A timeout of ${plainSeconds(named.cluster.seconds)} in the target ended ${plural(countErrors(named.cluster.errors), 'request')} on ${list(named.routes)}${gunicornHint(named.cluster.seconds)}.`,
      },
      untested(),
    );
  },
});

function fixFor({ cluster: { seconds: at }, routes }: JudgedCluster): Fix {
  return {
    summary: `Make ${list(routes)} finish within ${plainSeconds(at)}, or raise that timeout. Requests that run past the load balancer's idle timeout become 504s.`,
    commands: [],
    settings: timersOf(at).map(({ text }) => text(2 * Math.max(1, Math.round(at)))),
    notes: [`Change the timeout that is ${plainSeconds(at)} now: ${OTHER_TIMERS}`],
    sideEffects: ['A longer timeout keeps workers busy longer, so fewer requests are served at the same time.'],
  };
}

interface Timer {
  /** Seconds; null if it is off by default. */
  byDefault: number | null;
  text(wanted: number): string;
}

/**
 * Timers that end a request by closing its connection. nginx, Envoy and HAProxy answer 504 instead when their upstream
 * is late.
 */
const TIMERS: readonly Timer[] = [
  { byDefault: 30, text: (wanted) => `gunicorn --timeout ${wanted}   # default 30 s` },
  { byDefault: 60, text: (wanted) => `timeout ${wanted}   # Unicorn, default 60 s` },
  {
    byDefault: 60,
    text: (wanted) => `client_body_timeout ${wanted}s;   # nginx, default 60 s between two pieces of a body`,
  },
  {
    byDefault: 300,
    text: (wanted) => `server.requestTimeout = ${wanted}_000   # Node.js, default 300 s for a whole request to come`,
  },
  {
    byDefault: 120,
    text: (wanted) => `server.timeout = ${wanted}_000   # Node.js before 13, default 120 s without a byte`,
  },
  { byDefault: null, text: (wanted) => `harakiri = ${wanted}   # uWSGI` },
  { byDefault: null, text: (wanted) => `server.timeout = ${wanted}_000   # Node.js` },
  { byDefault: null, text: (wanted) => `http.Server{WriteTimeout: ${wanted} * time.Second}   # Go` },
];

const OTHER_TIMERS =
  'it may also be php-fpm request_terminate_timeout, Passenger max_request_time, Apache TimeOut or a stream timeout of Envoy.';

/** Largest distance of a measured time from a default, as a share of it: timers fire late. */
const NEAR_DEFAULT = 0.05;

/** Servers with this default. If no server has it, those often configured by hand, gunicorn first. */
function timersOf(at: number): Timer[] {
  const own = TIMERS.filter(({ byDefault }) => byDefault !== null && Math.abs(byDefault - at) <= NEAR_DEFAULT * at);
  return own.length > 0 ? own : TIMERS.filter(({ byDefault }) => byDefault === null || byDefault === 30);
}

interface JudgedCluster {
  cluster: DurationCluster;
  routes: string[];
  /** Whether a request of the same routes succeeded after the timer, by more than requests wait for a worker. */
  outlived: boolean;
  contradicted: boolean;
  partly: boolean;
  /** How much of the bodies had been sent; `none` if there was little to send. */
  body: BodySent | 'none';
  always: boolean;
  apart: boolean;
}

const isLikely = ({ apart, contradicted, partly, body, always }: JudgedCluster): boolean =>
  apart && !contradicted && partly && body !== 'short' && !always;

function bodyOf(traffic: Traffic, errors: readonly SampledError[]): JudgedCluster['body'] {
  const sent = [...bodiesSent(traffic, errors).sent.values()];
  if (errors.every(isBodiless)) return 'none';
  if (sent.includes('short')) return 'short';
  if (sent.every((one) => one === 'whole')) return 'whole';
  return allCarryBodies(errors) ? 'unknown' : 'none';
}

/**
 * Judges errors without a cluster. A timer fires at one duration, more than once, so a few slow errors can neither show
 * nor exclude one, nor can errors whose durations differ by less than requests wait for a worker. `wait`: seconds.
 */
function judgeWithoutTimer(slow: SampledError[], all: readonly SampledError[], wait: number): Judgement {
  const times = slow.map((error) => error.target_processing_time);
  const durations = durationSpread(times);
  if (slow.length === 0) {
    return ruledOut([
      `${all.length === 1 ? 'The request does not fit, because it' : `None of the ${number(all.length)} requests fits, because each`} was closed within 1 s or follows another pattern, and a worker timeout strikes after a fixed time of work.`,
    ]);
  }
  if (slow.length < MIN_CLUSTER)
    return untested([
      `${plural(slow.length, 'slow request')} (${durations}) ${slow.length === 1 ? 'is' : 'are'} too few to show a fixed duration.`,
    ]);
  return Math.max(...times) - Math.min(...times) <= wait
    ? untested([
        `${plural(slow.length, 'slow request')} took ${durations}. Requests can wait for a worker first (${seconds(wait)} or more on a quick route), so a timer need not show as one duration.`,
      ])
    : ruledOut([`No fixed duration: ${plural(slow.length, 'slow error')} took ${durations}.`]);
}

const gunicornHint = (at: number): string =>
  Math.abs(at - 30) < 1.2 ? ' (30 s is the worker timeout of gunicorn by default)' : '';

/** Whether requests of the same routes succeeded at all, and whether one took longer than the timer. */
function successesOf(traffic: Traffic, cluster: DurationCluster) {
  const routes = [...new Set(cluster.errors.map((error) => error.route))];
  const last = Math.max(...cluster.errors.map((error) => error.target_processing_time));
  const rows = traffic.log.routes.filter((route) => routes.includes(route.route) && route.succeeded > 0);
  const longest = rows.length > 0 ? Math.max(...rows.map((route) => route.succeededMaxMs)) / 1000 : null;
  const latest = Math.max(cluster.seconds * 1.03, last) + 0.1;
  return {
    routes,
    longest,
    partly: rows.length > 0,
    outlived: longest !== null && longest > latest,
    contradicted: longest !== null && longest > latest + longestWait(traffic),
  };
}
