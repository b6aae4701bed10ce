/** Counts entries by place, minute and route in one pass over all of them. Pure. */

import type { AccessLog } from '../../../evidence/access-log.ts';
import type { Window } from '../../../evidence/question.ts';
import { type PlaceRow, statusCounts, targetTraffic } from '../place-traffic.ts';
import type { EntryBatch, TrafficEntries } from './entry-batch.ts';
import { KeyIndex } from './key-index.ts';

const MINUTE = 60_000_000;

/** For each route, by its number; durations in milliseconds. */
export interface RouteTotals {
  /** Requests of the window. */
  requests: Uint32Array;
  /** Those that targets answered below 500, and the sum and maximum of their target_processing_time. */
  succeeded: Uint32Array;
  succeededMs: Float64Array;
  succeededMaxMs: Int32Array;
  /** Sum and maximum of target_processing_time over all answers of targets; -1 as maximum if there was none. */
  answeredMs: Float64Array;
  slowestMs: Int32Array;
}

export interface CountedEntries {
  log: Pick<AccessLog, 'oldest' | 'newest' | 'requests' | 'minutes' | 'targets' | 'statuses'>;
  places: PlaceRow[];
  routes: RouteTotals;
}

export function countEntries(
  { batches, places, routes: routeCount }: Pick<TrafficEntries, 'batches' | 'places' | 'routes'>,
  { from, to }: Window,
  isFailed: Uint8Array,
): CountedEntries {
  const traffic = new Traffic(places.length, routeCount, from * 1000, to * 1000);
  for (const batch of batches) traffic.add(batch);
  const rows = traffic.rows.map(({ place, ...row }): PlaceRow => {
    const named = places[place];
    if (named === undefined) throw new Error('an entry has no place');
    const { target_group_arn, target, node } = named;
    const failures = isFailed[row.status] === 1 ? row.requests : 0;
    return { target_group_arn, target, node, ...row, failures };
  });
  const minutes = traffic.minutes.sort((a, b) => a.minute - b.minute);
  return {
    log: {
      oldest: rows.length === 0 ? null : rows.reduce((low, { first }) => Math.min(low, first), Infinity) / 1000,
      newest: rows.length === 0 ? null : rows.reduce((high, { last }) => Math.max(high, last), -Infinity) / 1000,
      requests: minutes.reduce((sum, { requests }) => sum + requests, 0),
      minutes,
      targets: targetTraffic(rows),
      statuses: statusCounts(rows),
    },
    places: rows,
    routes: traffic.routes,
  };
}

/** Statuses lie between -1 and 999. */
const STATUSES = 1024;

class Traffic {
  readonly #from: number;
  readonly #to: number;
  readonly #minuteNumbers = new KeyIndex();
  readonly minutes: AccessLog['minutes'] = [];
  /** Rows of one place and pair of statuses. */
  readonly #rowNumbers = new KeyIndex();
  readonly rows: (Pick<PlaceRow, 'status' | 'target_status' | 'lines' | 'requests' | 'first' | 'last'> & {
    place: number;
  })[] = [];
  readonly routes: RouteTotals;

  /** The statuses of the last entry of each place, and the number of its row: mostly those of the next one too. */
  readonly #lastStatuses: Int32Array;
  readonly #lastRow: Int32Array;

  constructor(places: number, routes: number, from: number, to: number) {
    this.#lastStatuses = new Int32Array(places).fill(-1);
    this.#lastRow = new Int32Array(places);
    this.#from = from;
    this.#to = to;
    this.routes = {
      requests: new Uint32Array(routes),
      succeeded: new Uint32Array(routes),
      succeededMs: new Float64Array(routes),
      succeededMaxMs: new Int32Array(routes),
      answeredMs: new Float64Array(routes),
      slowestMs: new Int32Array(routes).fill(-1),
    };
  }

  add(batch: EntryBatch): void {
    this.#countPlaces(batch);
    this.#countMinutes(batch);
    this.#countRoutes(batch);
  }

  #countPlaces({ rows, ended, place, status, targetStatus }: EntryBatch): void {
    const [from, to] = [this.#from, this.#to];
    const [lastStatuses, lastRow] = [this.#lastStatuses, this.#lastRow];
    for (let row = 0; row < rows; row += 1) {
      const at = ended[row] ?? 0;
      const own = place[row] ?? 0;
      const code = status[row] ?? 0;
      const targetCode = targetStatus[row] ?? 0;
      const isInWindow = at >= from && at < to;
      const statuses = (code + 1) * STATUSES + targetCode + 1;
      if (lastStatuses[own] !== statuses) {
        lastRow[own] = this.#rowNumbers.add(own * STATUSES * STATUSES + statuses);
        lastStatuses[own] = statuses;
      }
      const number = lastRow[own] ?? 0;
      const known = this.rows[number];
      if (known === undefined) {
        const requests = Number(isInWindow);
        this.rows.push({
          place: own,
          status: code,
          target_status: targetCode,
          lines: 1,
          requests,
          first: at,
          last: at,
        });
        continue;
      }
      known.lines += 1;
      if (isInWindow) known.requests += 1;
      if (at < known.first) known.first = at;
      if (at > known.last) known.last = at;
    }
  }

  #countMinutes({ rows, ended }: EntryBatch): void {
    const [from, to] = [this.#from, this.#to];
    let until = 0;
    let since = 0;
    let minute: AccessLog['minutes'][number] | undefined;
    for (let row = 0; row < rows; row += 1) {
      const at = ended[row] ?? 0;
      if (at < from || at >= to) continue;
      // Most lines are of the same minute as the line before.
      if (minute === undefined || at < since || at >= until) {
        since = at - (at % MINUTE);
        until = since + MINUTE;
        const number = this.#minuteNumbers.add(since);
        minute = this.minutes[number] ?? { minute: since / 1000, requests: 0 };
        this.minutes[number] = minute;
      }
      minute.requests += 1;
    }
  }

  #countRoutes({ rows, ended, route, targetStatus, targetMs }: EntryBatch): void {
    const [from, to] = [this.#from, this.#to];
    const { requests, succeeded, succeededMs, succeededMaxMs, answeredMs, slowestMs } = this.routes;
    for (let row = 0; row < rows; row += 1) {
      const at = ended[row] ?? 0;
      if (at < from || at >= to) continue;
      const own = route[row] ?? 0;
      const status = targetStatus[row] ?? 0;
      const ms = targetMs[row] ?? 0;
      requests[own] = (requests[own] ?? 0) + 1;
      if (status < 0) continue;
      const isSuccess = status <= 499;
      if (isSuccess) succeeded[own] = (succeeded[own] ?? 0) + 1;
      if (ms < 0) continue;
      answeredMs[own] = (answeredMs[own] ?? 0) + ms;
      if (ms > (slowestMs[own] ?? 0)) slowestMs[own] = ms;
      if (!isSuccess) continue;
      succeededMs[own] = (succeededMs[own] ?? 0) + ms;
      if (ms > (succeededMaxMs[own] ?? 0)) succeededMaxMs[own] = ms;
    }
  }
}
