import {
  durationSpread,
  list,
  number,
  outOf,
  plainSeconds,
  plural,
  seconds,
  wholeSeconds,
} from '../../format/wording.ts';
import { claimErrors, type Fix, type Judgement, ruledOut, untested } from '../judgement.ts';
import { type BodySent, bodiesSent } from '../patterns/body-sizes.ts';
import { closedParts } from '../patterns/closed-connections.ts';
import { CHECKED_EVERY, rarelyChecked } from '../patterns/cut-uploads.ts';
import { type DurationCluster, longestWait, ownMoments } from '../patterns/durations.ts';
import { allCarryBodies, configuredIdleTimeout, isBodiless, SMALL_BODY } from '../patterns/idle-timeouts.ts';
import { allOfFailingRoutes } from '../patterns/route-errors.ts';
import { runtimesClosingAt } from '../patterns/runtimes.ts';
import { countErrors, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
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
  inApplicationLog: { is: 'unfinished', because: 'a worker timeout ended it' },
  wants: ['attributes'],

  judge({ traffic, attributes }): Judgement {
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
    if (!named) return judgeWithoutTimer(traffic, slow, all);
    return claimErrors(
      {
        claims: judged.map((one) => ({
          errors: one.cluster.errors,
          strength: isLikely(one) ? 'likely' : 'possible',
        })),
        for: judged.flatMap(({ cluster: { errors, seconds: at, waited }, longest, partly, routes }) => [
          `${plural(errors.length, 'request')} to ${placeText({ routes, cluster: { errors } })} failed ${durationSpread(errors.map((e) => e.target_processing_time))} after being sent: the target has a timeout of ${seconds(at)}.`,
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
        fix: fixFor(named, traffic, configuredIdleTimeout(attributes)),
        summary: `A timeout of ${plainSeconds(named.cluster.seconds)} in the target ended ${plural(countErrors(named.cluster.errors), 'request')} on ${placeText(named)}${gunicornHint(named.cluster.seconds)}.`,
      },
      untested(),
    );
  },
});

/** Seconds by which a timeout in the target must stay below the idle timeout of the load balancer. */
const MARGIN_SECONDS = 5;
/** The default of AWS, if the setting could not be read: a target that works longer shows that it is longer. */
const DEFAULT_IDLE_SECONDS = 60;
/** A timeout that can be raised by less helps little. */
const WORTHWHILE = 1.2;

/** `configured`: the idle timeout of the load balancer in seconds; null if it could not be read. */
function fixFor(named: JudgedCluster, traffic: Traffic, configured: number | null): Fix {
  const { cluster, routes } = named;
  const at = Math.max(1, Math.round(cluster.seconds));
  const idle = configured ?? (at < DEFAULT_IDLE_SECONDS ? DEFAULT_IDLE_SECONDS : null);
  const below = idle === null ? Number.POSITIVE_INFINITY : idle - MARGIN_SECONDS;
  const isRoom = below >= WORTHWHILE * at;
  const wanted = isRoom ? Math.min(2 * at, below) : 2 * at;
  const idleText = idle === null ? '' : ` (${wholeSeconds(idle)} ${configured === null ? 'by default' : 'now'})`;
  const timers = timersOf(named, runtimesOf(named, traffic));
  return {
    summary: isRoom
      ? `Make ${list(routes)} finish within ${plainSeconds(cluster.seconds)}, or raise the target's timeout, but keep it below the load balancer's idle timeout${idleText}.`
      : `Make ${list(routes)} finish within ${plainSeconds(cluster.seconds)}. To raise the timeout in the target, raise the load balancer's idle timeout${idleText} above it first: requests that run past it become 504s.`,
    commands: [],
    settings: timers.map(({ text }) => text(wanted)),
    notes: [
      ...handSetNote(named, timers, traffic),
      `Change only the timeout that is ${plainSeconds(cluster.seconds)} now. ${OTHER_TIMERS}`,
    ],
    sideEffects: ['A longer timeout keeps workers busy longer, so fewer are free for other requests.'],
    allowsSeconds: wanted,
  };
}

/** The servers that close idle connections when these targets do, by default. */
const runtimesOf = ({ cluster: { errors } }: JudgedCluster, traffic: Traffic): string[] =>
  closedParts(traffic).race.flatMap(({ measure, edge }) =>
    edge.kind === 'idle' && errors.some(({ target_group_arn }) => target_group_arn === measure.target_group_arn)
      ? runtimesClosingAt(edge.seconds)
      : [],
  );

/** If the targets look like a server without this timeout, somebody has set it. */
function handSetNote(named: JudgedCluster, timers: readonly Timer[], traffic: Traffic): string[] {
  const runtimes = runtimesOf(named, traffic);
  const isDefault = timers.some(({ byDefault, server }) => byDefault !== null && isOf(server, runtimes));
  if (runtimes.length === 0 || isDefault) return [];
  return [
    `These targets appear to run ${list(runtimes)}, which has no ${plainSeconds(named.cluster.seconds)} timeout by default. Look for one in your code, or in a proxy in front of the application.`,
  ];
}

const isOf = (server: string, runtimes: readonly string[]): boolean => runtimes.some((name) => name.startsWith(server));

/** "POST /reports (target group api)" */
function placeText({ routes, cluster: { errors } }: { routes: string[]; cluster: Pick<DurationCluster, 'errors'> }) {
  const groups = [...new Set(errors.map(({ target_group_arn }) => targetGroupName(target_group_arn)))].sort();
  return `${list(routes)} (target ${groups.length === 1 ? 'group' : 'groups'} ${list(groups)})`;
}

interface Timer {
  server: string;
  /** Seconds; null if it is off by default. */
  byDefault: number | null;
  /** It only waits for the request to arrive, so it ends none that carries no body or has sent all of it. */
  ofBody?: true;
  text(wanted: number): string;
}

/**
 * Timers that end a request by closing its connection. nginx, Envoy and HAProxy answer 504 instead when their upstream
 * is late.
 */
const TIMERS: readonly Timer[] = [
  { server: 'gunicorn', byDefault: 30, text: (wanted) => `gunicorn --timeout ${wanted}   # default 30 s` },
  { server: 'Unicorn', byDefault: 60, text: (wanted) => `timeout ${wanted}   # Unicorn, default 60 s` },
  {
    server: 'nginx',
    byDefault: 60,
    ofBody: true,
    text: (wanted) => `client_body_timeout ${wanted}s;   # nginx, default 60 s between two pieces of a body`,
  },
  {
    server: 'Node.js',
    byDefault: 300,
    ofBody: true,
    text: (wanted) => `server.requestTimeout = ${wanted}_000   // Node.js, default 300 s for a whole request to come`,
  },
  {
    server: 'Node.js',
    byDefault: 120,
    text: (wanted) => `server.timeout = ${wanted}_000   // Node.js before 13, default 120 s without a byte`,
  },
  { server: 'uWSGI', byDefault: null, text: (wanted) => `harakiri = ${wanted}   # uWSGI` },
  {
    server: 'Node.js',
    byDefault: null,
    text: (wanted) => `server.timeout = ${wanted}_000   // Node.js, if your code sets it`,
  },
  { server: 'Go', byDefault: null, text: (wanted) => `http.Server{WriteTimeout: ${wanted} * time.Second}   // Go` },
];

const OTHER_TIMERS =
  'With another server, check php-fpm request_terminate_timeout, Passenger max_request_time, Apache TimeOut and the stream timeouts of Envoy.';

/** Largest distance of a measured time from a default, as a share of it: timers fire late. */
const NEAR_DEFAULT = 0.05;

/**
 * Timers of the targets' own server that are set by hand, then servers with this default; if there is neither, those
 * often set by hand, gunicorn first.
 */
function timersOf({ cluster: { seconds: at }, body }: JudgedCluster, runtimes: readonly string[]): Timer[] {
  const isWaiting = body === 'short' || body === 'unknown';
  const byDefault = TIMERS.filter(
    (timer) =>
      timer.byDefault !== null &&
      Math.abs(timer.byDefault - at) <= NEAR_DEFAULT * at &&
      (isWaiting || timer.ofBody === undefined),
  );
  const byHand = TIMERS.filter((timer) => timer.byDefault === null || timer.server === 'gunicorn');
  const own = [...new Set([...byHand.filter(({ server }) => isOf(server, runtimes)), ...byDefault])];
  return own.length > 0 ? own : byHand;
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
 * nor exclude one, nor can errors whose durations differ by less than requests wait for a worker, or by less than a timer may be late.
 */
function judgeWithoutTimer(traffic: Traffic, slow: SampledError[], all: readonly SampledError[]): Judgement {
  const [wait, rarely] = [longestWait(traffic), rarelyChecked(traffic, slow)];
  const times = slow.map((error) => error.target_processing_time);
  const durations = durationSpread(times);
  if (slow.length === 0) {
    const longest = Math.max(...all.map((error) => error.target_processing_time));
    const one = all.length === 1;
    return ruledOut([
      longest < 1
        ? `${one ? 'The connection' : `All ${number(all.length)} connections`} closed within ${seconds(longest)}, too soon for a worker timeout.`
        : one
          ? 'The closed connection has another explanation.'
          : `All ${number(all.length)} closed connections lasted less than 1 s or have another explanation.`,
    ]);
  }
  if (slow.length < MIN_CLUSTER)
    return untested([
      `${plural(slow.length, 'slow request')} (${durations}) ${slow.length === 1 ? 'is' : 'are'} too few to show a fixed duration.`,
    ]);
  if (rarely.length > 0)
    return untested([
      `${plural(rarely.length, 'request')} with a body took ${durationSpread(rarely.map((e) => e.target_processing_time))}: a timer that the target checks every ${CHECKED_EVERY} s, as Node.js does, need not show as one duration.`,
    ]);
  return Math.max(...times) - Math.min(...times) <= wait
    ? untested([
        `${plural(slow.length, 'slow request')} took ${durations}. Requests can wait for a worker first (${seconds(wait)} or more on a quick route), so a timer need not show as one duration.`,
      ])
    : ruledOut([`The ${plural(slow.length, 'error')} that took 1 s or more lasted ${durations}, not one fixed time.`]);
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
