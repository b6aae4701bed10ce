/**
 * Finds bursts: far more errors within seconds than the rest of the log explains, beside targets, rollouts and calls.
 * Such an event has no causes of its own; the verdict names those that remain possible.
 */

import type { Question } from '../../evidence/question.ts';
import { list, outOf, plural, utcTime } from '../../format/wording.ts';
import { binomialTail } from '../patterns/chance.ts';
import { type Burst, denseRuns } from '../patterns/grouped-by-pause.ts';
import type { SignatureId } from '../signature.ts';
import { countErrors, groupBy, namesOf, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
import { beganAt, OUTSIDE_AT_MOST } from './change.ts';
import { rangeText, rhythmText, spanText } from './event-sentences.ts';
import type { IncidentEvent } from './incident-event.ts';

const MINUTE = 60_000;
const ERRORS_NEEDED = 5;
/** Expected number of equally dense runs by chance, over the whole window. */
const MOST_BY_CHANCE = 1e-3;
const TARGETS_NAMED = 3;

/** Returns bursts among the errors that are not `taken`; bursts of one kind and place are one event. */
export function burstEvents(
  traffic: Traffic,
  taken: ReadonlySet<SampledError>,
  { from, to }: Question,
): IncidentEvent[] {
  const { log } = traffic;
  const readMs = Math.min(to, log.newest ?? to) - Math.max(from, log.oldest ?? from);
  // When clients give up together, that says nothing about the load balancer or its targets.
  const left = traffic.errors.filter((error) => !taken.has(error) && error.signature !== 'client-closed');
  const runs = denseRuns(left, readMs);
  const dense = new Set(runs.flatMap(({ errors }) => errors));
  const outside = new Map(
    [
      ...groupBy(
        left.filter((error) => !dense.has(error)),
        ({ signature }) => signature,
      ),
    ].map(([signature, own]) => [signature, { rows: own.length, errors: countErrors(own) }]),
  );
  const around = { traffic, outside, readMs };
  const bursts = runs.map((run) => beyondOrdinary(run, around)).filter((burst) => isBeyondChance(burst, around));
  return [...groupBy(bursts, kindOf).values()].map((alike) => burstEvent(alike, traffic));
}

/**
 * Requests of the minutes in which these errors began, or ended if those are more: the most that the burst can consist of.
 * The log counts requests by the minute of their end.
 */
function requestsDuring(errors: readonly SampledError[], { log }: Traffic): number {
  const countIn = (times: readonly number[]): number => {
    const minutes = new Set(times.map((time) => Math.floor(time / MINUTE) * MINUTE));
    return log.minutes.filter(({ minute }) => minutes.has(minute)).reduce((sum, { requests }) => sum + requests, 0);
  };
  return Math.max(countIn(errors.map(beganAt)), countIn(errors.map(({ at }) => at)));
}

/** The share of the requests, or of the time if that is more, in which ordinary errors could fall together like this. */
const shareDuring = ({ errors, from, to }: Burst, { traffic, readMs }: Surroundings): number =>
  Math.min(
    1,
    Math.max(
      requestsDuring(errors, traffic) / Math.max(1, traffic.log.requests),
      Math.max(1000, to - from) / Math.max(1, readMs),
    ),
  );

interface Surroundings {
  traffic: Traffic;
  /** Errors in no dense run, by signature. Counted once: there may be thousands of runs. */
  outside: ReadonlyMap<string, { rows: number; errors: number }>;
  /** Milliseconds of the window that were read. */
  readMs: number;
}

/** Keeps only signatures whose rate outside does not explain too many of these errors. */
function beyondOrdinary(run: Burst, around: Surroundings): Burst {
  const share = shareDuring(run, around);
  const isOrdinary = new Map(
    [...groupBy(run.errors, ({ signature }) => signature)].map(([signature, own]) => {
      const expected = share * (around.outside.get(signature)?.errors ?? 0);
      return [signature, expected > OUTSIDE_AT_MOST * countErrors(own)];
    }),
  );
  const errors = run.errors.filter(({ signature }) => !isOrdinary.get(signature));
  return { errors, from: errors[0]?.at ?? run.from, to: errors.at(-1)?.at ?? run.to };
}

function isBeyondChance(burst: Burst, around: Surroundings): boolean {
  const { errors } = burst;
  if (errors.length < ERRORS_NEEDED || isTrafficItself(burst, around.traffic)) return false;
  const signatures = new Set<SignatureId>(errors.map(({ signature }) => signature));
  const rows = [...signatures].reduce(
    (sum, signature) => sum + (around.outside.get(signature)?.rows ?? 0),
    errors.length,
  );
  // Any of the errors could start a run.
  return rows * binomialTail(errors.length - 1, rows - 1, shareDuring(burst, around)) <= MOST_BY_CHANCE;
}

/**
 * Whether so many requests came at once that the usual failure rates of their routes give as many errors: the traffic
 * came in a burst, and failed as always.
 */
function isTrafficItself(burst: Burst, traffic: Traffic): boolean {
  const { log } = traffic;
  const rows = new Map(log.routes.map((row) => [row.route, row]));
  const needed = [...groupBy(burst.errors, ({ route }) => route)].reduce((sum, [route, own]) => {
    const { requests, failures } = rows.get(route) ?? { requests: log.requests, failures: traffic.errorCount };
    return sum + countErrors(own) * Math.max(1, requests / Math.max(1, failures));
  }, 0);
  return needed <= requestsDuring(burst.errors, traffic);
}

/** Bursts with the same key are one event: the most frequent signature, and the target groups. */
function kindOf({ errors }: Burst): string {
  const [signature] = [...groupBy(errors, (error) => error.signature)].sort(
    ([a, one], [b, other]) => other.length - one.length || (a < b ? -1 : 1),
  );
  return [signature?.[0], ...groupNames(errors)].join(' ');
}

const groupNames = (errors: readonly SampledError[]): string[] =>
  [...new Set(errors.map(({ target_group_arn }) => target_group_arn))]
    .filter((arn) => arn !== '-')
    .map(targetGroupName)
    .sort();

function burstEvent(bursts: readonly Burst[], traffic: Traffic): IncidentEvent {
  const inBursts = new Set(bursts.flatMap(({ errors }) => errors));
  const errors = traffic.errors.filter((error) => inBursts.has(error));
  return {
    kind: 'burst',
    standing: 'likely',
    from: Math.min(...bursts.map(({ from }) => from)),
    to: Math.max(...bursts.map(({ to }) => to)),
    targets: [...new Set(errors.map(({ target }) => target))].filter((target) => target !== '-').sort(),
    errors,
    causes: [],
    summary: burstsText(bursts, errors, traffic),
    calls: [],
    reason: null,
  };
}

/**
 * "40 of 42 errors came within 4 s from 02:45:10 UTC, on 4 targets of api.",
 * "36 of 38 errors came in 3 bursts of 3 s to 4 s from 02:40:10 UTC to 02:50:14 UTC, 5 min apart, all on GET /cart."
 */
function burstsText(bursts: readonly Burst[], errors: readonly SampledError[], traffic: Traffic): string {
  const [count, total] = [countErrors(errors), traffic.errorCount];
  const who = count < total ? `${outOf(count, total)} errors` : plural(count, 'error');
  const [only] = bursts;
  if (only === undefined) return '';
  const lengths = bursts.map(({ from, to }) => Math.max(1000, to - from));
  const when =
    bursts.length === 1
      ? `within ${spanText(lengths[0] ?? 0)} from ${utcTime(only.from)}`
      : `in ${bursts.length} bursts of ${rangeText(lengths)} from ${utcTime(only.from)} to ${utcTime(
          bursts.at(-1)?.to ?? only.to,
        )}${rhythmText(bursts.map(({ from }) => from))}`;
  return `${who} came ${when}${placeText(errors, traffic)}.`;
}

/** ", on 10.0.1.5:8080", ", on 4 targets of api, all on GET /cart", "" for errors that reached no target. */
function placeText(errors: readonly SampledError[], traffic: Traffic): string {
  const routes = new Set(errors.map(({ route }) => route));
  const targets = [...new Set(errors.map(({ target }) => target))].filter((target) => target !== '-').sort();
  const groups = groupNames(errors);
  const of = groups.length === 1 ? ` of ${groups[0]}` : groups.length > 1 ? ` of ${groups.length} target groups` : '';
  const names = namesOf(traffic, targets);
  const where =
    targets.length === 0
      ? ''
      : targets.length <= TARGETS_NAMED
        ? `, on ${list(names)}`
        : `, on ${plural(targets.length, 'target')}${of}`;
  return `${where}${routes.size === 1 ? `, all on ${[...routes][0]}` : ''}`;
}
