/** Clients that fail whenever they ask again while others succeed: what is answered to them, not when they asked, makes it fail. */
import { countErrors, groupBy, type SampledError, type Traffic } from '../traffic.ts';
import { withoutHops } from './hops.ts';
import { routeShares } from './route-errors.ts';

export interface FailingClients {
  clients: number;
  /** Every error of these clients. */
  errors: SampledError[];
  /** Errors that the same client repeated on the same route within 30 s, and how many of them never succeeded meanwhile: of all clients, or of these. */
  repeated: number;
  failedAgain: number;
}

const REPEATED_WITHIN_MS = 30_000;
const MINUTE_MS = 60_000;
const MIN_REPEATS = 5;
const MIN_CLIENTS = 3;
/** Fewer of the repeats than this came after the same time: clients that ask at a fixed rhythm may meet a connection at its idle timeout each time. */
const RHYTHM_SHARE = 0.5;
const SAME_TIME_MS = 100;
/** Of the repeats that failed again; the others succeeded. */
const NEARLY_ALL = 0.95;
const MOST_BY_CHANCE = 1e-4;

/**
 * Shown when nearly every repeat failed again although requests of that route and of that minute mostly succeed; where others fail and
 * succeed when they repeat, by the clients whose own repeats all failed. Null otherwise, also when too few were repeated.
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

/** Each client on each route by itself: enough repeats, all failed, and none of so many pairs would do so by chance. */
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

/** Errors after which the same client asked for the same route within 30 s, and failed, and had no success within that time. */
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

/** The probability that all of these repeats fail, each with the share of its route or of its minute that failed, whichever is larger. */
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
