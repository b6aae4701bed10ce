/** The routes that fail most, the slowest ones, and those of target groups that answer nothing but 400. Pure. */

import type { AccessLog, RouteTraffic, ScaleCount, SlowRoute } from '../../../evidence/access-log.ts';
import type { Window } from '../../../evidence/question.ts';
import { byText } from '../../../format/by-text.ts';
import { grouped, type PlaceRow, sum } from '../place-traffic.ts';
import { BAD_ROUTES, SLOW_MS, SLOW_ROUTES } from '../slow-limits.ts';
import type { CountedEntries, RouteTotals } from './count-entries.ts';
import type { EntryBatch, TrafficEntries } from './entry-batch.ts';

const ROUTE_LIMIT = 200;

export function answerRoutes(
  entries: TrafficEntries,
  { routes: totals, places }: Pick<CountedEntries, 'routes' | 'places'>,
  { from, to }: Window,
): Pick<AccessLog, 'routes' | 'slowest' | 'badRequestRoutes'> {
  const failing = failingRoutes(entries);
  const slow = slowRoutes(entries, totals);
  const scales = new RouteScales(entries.routes, failing, slow);
  for (const batch of entries.batches) scales.add(batch, from * 1000, to * 1000);
  return {
    routes: failing.map(({ number, route, failures }, index): RouteTraffic => {
      const own = (values: RouteTotals['requests' | 'succeededMs' | 'succeededMaxMs']) => values[number] ?? 0;
      return {
        route,
        requests: own(totals.requests),
        failures,
        succeeded: own(totals.succeeded),
        succeededMs: own(totals.succeededMs),
        succeededMaxMs: own(totals.succeededMaxMs),
        times: scaleCounts(scales.times, index),
        sizes: scaleCounts(scales.sizes, index),
      };
    }),
    slowest: {
      answeredMs: slow.length === 0 ? 0 : sum([...totals.answeredMs]),
      routes: slow.map(
        ({ route, answeredMs }, index): SlowRoute => ({
          route,
          answeredMs,
          times: scaleCounts(scales.slowTimes, index),
        }),
      ),
    },
    badRequestRoutes: badRequestRoutes(entries, places, from * 1000, to * 1000),
  };
}

interface NumberedRoute {
  number: number;
  route: string;
}

function failingRoutes({ failures }: TrafficEntries): (NumberedRoute & { failures: number })[] {
  const counts = new Map<number, number>();
  for (const number of failures.route) counts.set(number, (counts.get(number) ?? 0) + 1);
  return [...counts]
    .map(([number, count]) => ({ number, route: failures.routeTexts.get(number) ?? '', failures: count }))
    .sort((a, b) => b.failures - a.failures || byText(a.route, b.route))
    .slice(0, ROUTE_LIMIT);
}

function slowRoutes(
  { namedRoutes }: TrafficEntries,
  { answeredMs, slowestMs }: RouteTotals,
): (NumberedRoute & { answeredMs: number })[] {
  return [...namedRoutes]
    .filter(([number]) => (slowestMs[number] ?? 0) >= SLOW_MS)
    .map(([number, route]) => ({ number, route, answeredMs: answeredMs[number] ?? 0 }))
    .sort((a, b) => b.answeredMs - a.answeredMs || byText(a.route, b.route))
    .slice(0, SLOW_ROUTES);
}

/** The first step of the scale of `ScaleCount`, that of 0, and how many steps 32-bit numbers need. */
const FIRST_STEP = -8;
const STEPS = 8 * 32 - FIRST_STEP;

/**
 * A step of the scale of `ScaleCount`, from 0. Adding half a unit keeps whole numbers off the boundaries, so that
 * rounding cannot matter.
 */
function scaleStep(value: number): number {
  const known = KNOWN_STEPS[value] ?? 0;
  if (known !== 0) return known - 1;
  const step = Math.floor(8 * Math.log2(value + 0.5)) - FIRST_STEP;
  if (value < KNOWN_STEPS.length) KNOWN_STEPS[value] = step + 1;
  return step;
}

/** Steps of small values plus 1, as far as they are known: a logarithm takes longer than all else that is done for a line. */
const KNOWN_STEPS = new Uint16Array(65_536);

/** Counts answers by the steps of their scales, STEPS counts for each route. */
class RouteScales {
  /** Index of each route among the failing and the slow ones, by its number; -1 for all others. */
  readonly #failing: Int32Array;
  readonly #slow: Int32Array;
  /** Answers below 500, by duration and by received bytes. */
  readonly times: Uint32Array;
  readonly sizes: Uint32Array;
  /** All answers, by duration. */
  readonly slowTimes: Uint32Array;

  constructor(routes: number, failing: readonly NumberedRoute[], slow: readonly NumberedRoute[]) {
    this.#failing = indices(routes, failing);
    this.#slow = indices(routes, slow);
    this.times = new Uint32Array(failing.length * STEPS);
    this.sizes = new Uint32Array(failing.length * STEPS);
    this.slowTimes = new Uint32Array(slow.length * STEPS);
  }

  add({ rows, ended, route, targetMs, targetStatus, received }: EntryBatch, from: number, to: number): void {
    const [failing, slow] = [this.#failing, this.#slow];
    for (let row = 0; row < rows; row += 1) {
      const own = route[row] ?? 0;
      const failingIndex = failing[own] ?? -1;
      const slowIndex = slow[own] ?? -1;
      if (failingIndex === -1 && slowIndex === -1) continue;
      const at = ended[row] ?? 0;
      const status = targetStatus[row] ?? 0;
      const ms = targetMs[row] ?? 0;
      if (status < 0 || ms < 0 || at < from || at >= to) continue;
      const step = scaleStep(ms);
      if (slowIndex !== -1) count(this.slowTimes, slowIndex, step);
      if (failingIndex === -1 || status > 499) continue;
      count(this.times, failingIndex, step);
      count(this.sizes, failingIndex, scaleStep(received[row] ?? 0));
    }
  }
}

function indices(routes: number, chosen: readonly NumberedRoute[]): Int32Array {
  const found = new Int32Array(routes).fill(-1);
  for (const [index, { number }] of chosen.entries()) found[number] = index;
  return found;
}

function count(counts: Uint32Array, index: number, step: number): void {
  const at = index * STEPS + step;
  counts[at] = (counts[at] ?? 0) + 1;
}

function scaleCounts(counts: Uint32Array, index: number): ScaleCount[] {
  return [...counts.subarray(index * STEPS, (index + 1) * STEPS)].flatMap((requests, step) =>
    requests === 0 ? [] : [{ step: step + FIRST_STEP, requests }],
  );
}

/** Routes of the target groups whose targets answered every request of the window with 400. */
function badRequestRoutes(
  { batches, places, namedRoutes, routes }: TrafficEntries,
  counted: readonly PlaceRow[],
  from: number,
  to: number,
): AccessLog['badRequestRoutes'] {
  const groups = grouped(
    counted.filter(({ requests, target_group_arn }) => requests > 0 && target_group_arn !== '-'),
    ({ target_group_arn }) => target_group_arn,
  )
    .filter((rows) => rows.every(({ target_status }) => target_status === 400))
    .map(([row]) => row?.target_group_arn ?? '');
  if (groups.length === 0) return [];
  const groupOf = Int32Array.from(places, ({ target_group_arn }) => groups.indexOf(target_group_arn));
  const counts = new Map<number, number>();
  for (const { rows, ended, place, route } of batches) {
    for (let row = 0; row < rows; row += 1) {
      const group = groupOf[place[row] ?? 0] ?? -1;
      const at = ended[row] ?? 0;
      if (group === -1 || at < from || at >= to) continue;
      const key = group * routes + (route[row] ?? 0);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return [...counts]
    .flatMap(([key, requests]) => {
      const route = namedRoutes.get(key % routes);
      const target_group_arn = groups[Math.floor(key / routes)] ?? '';
      return route === undefined ? [] : [{ target_group_arn, route, requests }];
    })
    .sort(
      (a, b) => b.requests - a.requests || byText(a.target_group_arn, b.target_group_arn) || byText(a.route, b.route),
    )
    .slice(0, BAD_ROUTES);
}
