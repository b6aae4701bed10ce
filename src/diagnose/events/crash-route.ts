/** Finds the route whose requests end the process, and everything that its requests caused. */
import { targetKey } from '../targets/target-key.ts';
import { groupBy, type Traffic } from '../traffic.ts';
import { type EventOutline, onsetOf, sorted } from './event-outline.ts';
import { type SentFailure, sentFailures } from './sent-failures.ts';

/** A route stands out if it appears in this share of outages and has at most this share of the requests. */
const ROUTE_OF_OUTAGES = 0.75;
const ROUTE_OF_REQUESTS = 0.3;
const OUTAGES_NEEDED = 3;

interface CrashRoute {
  route: string;
  /** Number of outages that cut off a request of this route; `of` counts all outages that cut off a request. */
  count: number;
  of: number;
}

/** The route that most outages cut off; null if its traffic explains that. */
export function crashRoute({ outages, bursts }: EventOutline, { log }: Traffic): CrashRoute | null {
  const routesOf = (failures: readonly SentFailure[]): Set<string> =>
    new Set(failures.filter(isClosed).map(({ request }) => request.route));
  const each = [...outages, ...bursts].map(({ failures }) => routesOf(failures)).filter(({ size }) => size > 0);
  if (each.length < OUTAGES_NEEDED) return null;
  const share = (route: string) =>
    (log.routes.find((one) => one.route === route)?.requests ?? 0) / Math.max(1, log.requests);
  const [most] = [...new Set(each.flatMap((routes) => [...routes]))]
    .map((route) => ({ route, count: each.filter((routes) => routes.has(route)).length }))
    .filter(({ route, count }) => count >= ROUTE_OF_OUTAGES * each.length && share(route) <= ROUTE_OF_REQUESTS)
    .sort((a, b) => b.count - a.count || share(a.route) - share(b.route) || (a.route < b.route ? -1 : 1));
  return most ? { ...most, of: each.length } : null;
}

const isClosed = ({ signature }: SentFailure): boolean =>
  signature === 'closed-before-response' || signature === 'no-response-aborted';

/** Share of failing requests from which every request of the route ends the process. */
const ALWAYS = 0.8;

/**
 * Adds what a route that ends the process did outside the detected outages, because a restart that hit few requests is
 * too short to stand out: closed requests of that route on any target of the group, and refused connections on that
 * target for as long as its outages took.
 */
export function withEveryKill(outline: EventOutline, traffic: Traffic, left: ReadonlySet<SentFailure>): EventOutline {
  const found = crashRoute(outline, traffic);
  const row = traffic.log.routes.find(({ route }) => route === found?.route);
  if (found === null || row === undefined || row.failures < ALWAYS * row.requests) return outline;
  const longest = outline.outages.reduce(
    (most, outage) => Math.max(most, (outage.nextAnswer ?? outage.last) - onsetOf(outage)),
    0,
  );
  const known = new Set(outline.failures);
  const isOther = (failure: SentFailure) => !known.has(failure) && !left.has(failure);
  const own = sentFailures(traffic).filter(
    ({ unanswered, request }) => unanswered && request.target_group_arn === outline.target_group_arn,
  );
  const added = [...groupBy(own, ({ request }) => targetKey(request)).values()].flatMap((failures) => {
    const kills = failures.filter((failure) => isClosed(failure) && failure.request.route === found.route);
    return [...kills, ...refusedAfter(kills, failures, longest)].filter(isOther);
  });
  return added.length === 0
    ? outline
    : {
        ...outline,
        failures: [...outline.failures, ...added],
        targets: sorted([...outline.targets, ...added.map(({ request }) => request.target)]),
      };
}

/**
 * Connections refused within `longest` milliseconds of a kill on the same target; `failures` are by the time they were
 * sent.
 */
function refusedAfter(kills: readonly SentFailure[], failures: readonly SentFailure[], longest: number): SentFailure[] {
  const ends = kills.map(({ request }) => request.at).sort((a, b) => a - b);
  let [next, latest] = [0, Number.NEGATIVE_INFINITY];
  return failures.filter(({ signature, sent }) => {
    for (let end = ends[next]; end !== undefined && end <= sent; end = ends[++next]) latest = end;
    return signature === 'connect-failed' && sent - latest <= longest;
  });
}
