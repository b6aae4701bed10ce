/** Finds clients that fail on every repeat while others succeed: the response to them is at fault, not the timing. */
import { countErrors, groupBy, type SampledError, type Traffic } from '../traffic.ts';
import { withoutHops } from './hops.ts';
import { routeShares } from './route-errors.ts';

export interface FailingClients {
  clients: number;
  /** All errors of these clients. */
  errors: SampledError[];
  /**
   * Errors that the same client repeated on the same route within 30 s, and how many of those had no success in that
   * time. For all clients, or only for these.
   */
  repeated: number;
  failedAgain: number;
}

const REPEATED_WITHIN_MS = 30_000;
const MINUTE_MS = 60_000;
const MIN_REPEATS = 5;
const MIN_CLIENTS = 3;
/**
 * Largest share of the repeats with equal intervals: a client with a fixed rhythm may hit the connection's idle timeout
 * every time.
 */
const RHYTHM_SHARE = 0.5;
const SAME_TIME_MS = 100;
/** Share of the repeats that must fail again. */
const NEARLY_ALL = 0.95;
const MOST_BY_CHANCE = 1e-4;

/**
 * Returns a result if nearly every repeat failed although requests of that route and minute mostly succeed. If other
 * clients succeed on repeating, returns only the clients whose own repeats all failed. Null otherwise, including too
 * few repeats.
 */
export function failingClients(traffic: Traffic, errors: readonly SampledError[]): FailingClients | null {
  const direct = withoutHops(traffic, errors);
  const repeatedErrors = findRepeatedFailures(direct);
  return clientsTogether(traffic, direct, repeatedErrors) ?? clientsOneByOne(traffic, direct, repeatedErrors);
}

function clientsTogether(
  traffic: Traffic,
  errors: readonly SampledError[],
  repeatedErrors: readonly RepeatedFailure[],
): FailingClients | null {
  const repeated = repeatedErrors.length + errors.filter((error) => error.retriedOk).length;
  if (repeatedErrors.length < MIN_REPEATS || repeatedErrors.length < NEARLY_ALL * repeated) return null;
  if (chanceOfRepeats(traffic, errors, repeatedErrors) > MOST_BY_CHANCE) return null;
  if (inRhythm(repeatedErrors.map(({ after }) => after))) return null;
  const clients = new Set(repeatedErrors.map(({ client }) => client));
  for (const { client, retriedOk } of errors) if (retriedOk) clients.delete(client);
  if (clients.size < MIN_CLIENTS) return null;
  return {
    clients: clients.size,
    errors: errors.filter((error) => clients.has(error.client)),
    repeated,
    failedAgain: repeatedErrors.length,
  };
}

/** Tests each client on each route: enough repeats, all failed, and unlikely by chance among so many pairs. */
function clientsOneByOne(
  traffic: Traffic,
  errors: readonly SampledError[],
  repeatedErrors: readonly RepeatedFailure[],
): FailingClients | null {
  const pairs = groupBy([...errors], clientRouteKey);
  const succeededPairs = new Set(errors.filter((error) => error.retriedOk).map(clientRouteKey));
  const own = [...groupBy([...repeatedErrors], clientRouteKey)]
    .filter(([pair, repeats]) => !succeededPairs.has(pair) && repeats.length >= MIN_REPEATS)
    .filter(([, repeats]) => chanceOfRepeats(traffic, errors, repeats) * pairs.size <= MOST_BY_CHANCE)
    .flatMap(([, repeats]) => repeats);
  const clients = new Set(own.map(({ client }) => client));
  if (clients.size < MIN_CLIENTS || inRhythm(own.map(({ after }) => after))) return null;
  return {
    clients: clients.size,
    errors: errors.filter((error) => clients.has(error.client) && !succeededPairs.has(clientRouteKey(error))),
    repeated: own.length,
    failedAgain: own.length,
  };
}

const clientRouteKey = ({ client, route }: SampledError): string => `${client} ${route}`;

interface RepeatedFailure extends SampledError {
  /** Milliseconds from this error to the next. */
  after: number;
}

/** Errors after which the same client repeated the route within 30 s and failed, without any success in that time. */
function findRepeatedFailures(errors: readonly SampledError[]): RepeatedFailure[] {
  const pairs = groupBy(errors, clientRouteKey);
  return [...pairs.values()].flatMap((own) => {
    const ordered = [...own].sort((a, b) => a.at - b.at || a.index - b.index);
    return ordered.flatMap((error, i) => {
      const after = (ordered[i + 1]?.at ?? Number.POSITIVE_INFINITY) - error.at;
      return !error.retriedOk && after <= REPEATED_WITHIN_MS ? [{ ...error, after }] : [];
    });
  });
}

function inRhythm(times: number[]): boolean {
  const ordered = [...times].sort((a, b) => a - b);
  const most = Math.ceil(RHYTHM_SHARE * ordered.length) - 1;
  return ordered.some((time, i) => (ordered[i + most] ?? Number.POSITIVE_INFINITY) - time <= SAME_TIME_MS);
}

/**
 * The probability that all these repeats fail, given the failing share of the route or of the minute, whichever is
 * larger.
 */
function chanceOfRepeats(
  traffic: Traffic,
  errors: readonly SampledError[],
  repeatedErrors: readonly SampledError[],
): number {
  const ofRoute = new Map(routeShares(traffic, errors).map(({ route, share }) => [route, share]));
  const requests = new Map(traffic.log.minutes.map((one) => [one.minute, one.requests]));
  const failed = groupBy(errors, ({ at }) => String(minuteOf(at)));
  const ofMinute = (at: number): number => {
    const minute = minuteOf(at);
    return Math.min(1, countErrors(failed.get(String(minute)) ?? []) / Math.max(1, requests.get(minute) ?? 0));
  };
  return repeatedErrors.reduce((chance, { route, at }) => chance * Math.max(ofRoute.get(route) ?? 1, ofMinute(at)), 1);
}

const minuteOf = (at: number): number => Math.floor(at / MINUTE_MS) * MINUTE_MS;
