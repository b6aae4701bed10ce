/** Finds the failures after which the same client tried again with success. Pure. */
import type { Entries } from './entry-store.ts';
import { KeyIndex } from './key-index.ts';

/** Microseconds. */
const RETRY = 30_000_000;

/**
 * Returns 1 for each failure with an asked status or a 5xx that was followed within 30 s by a status below 500 that is
 * not a failure, for the same client and route.
 */
export function findRetries({ batches, failures, routes }: Entries, isFailed: Uint8Array): Uint8Array {
  const clients = new KeyIndex();
  const pairs = new KeyIndex();
  /** 1 for each route with a failure that counts. */
  const isRoute = new Uint8Array(routes);
  const asking = failures.kind.flatMap((kind, index) => {
    if (kind === 0) return [];
    const route = failures.route[index] ?? 0;
    isRoute[route] = 1;
    const pair = pairs.add(clients.add(failures.client[index] ?? 0) * routes + route);
    return [{ index, pair, ended: failures.ended[index] ?? 0 }];
  });
  asking.sort((a, b) => a.pair - b.pair || a.ended - b.ended);
  const ends = Float64Array.from(asking, ({ ended }) => ended);
  /** Where the failures of each pair of client and route start. */
  const starts = new Uint32Array(pairs.size + 1);
  for (const { pair } of asking) starts[pair + 1] = (starts[pair + 1] ?? 0) + 1;
  for (let pair = 1; pair < starts.length; pair += 1) starts[pair] = (starts[pair] ?? 0) + (starts[pair - 1] ?? 0);
  /** The successes after each failure, less those after the failure before it. */
  const steps = new Int32Array(asking.length + 1);

  for (const { rows, ended, client, route, status } of batches) {
    for (let row = 0; row < rows; row += 1) {
      const own = route[row] ?? 0;
      if (isRoute[own] === 0) continue;
      const code = status[row] ?? 0;
      if (code < 0 || code > 499 || isFailed[code] === 1) continue;
      const number = clients.find(client[row] ?? 0);
      const pair = number === -1 ? -1 : pairs.find(number * routes + own);
      if (pair === -1) continue;
      const at = ended[row] ?? 0;
      const first = firstFrom(ends, at - RETRY, starts[pair] ?? 0, starts[pair + 1] ?? 0);
      const end = firstFrom(ends, at, first, starts[pair + 1] ?? 0);
      steps[first] = (steps[first] ?? 0) + 1;
      steps[end] = (steps[end] ?? 0) - 1;
    }
  }
  const isRetried = new Uint8Array(failures.count);
  let successes = 0;
  for (const [at, { index }] of asking.entries()) {
    successes += steps[at] ?? 0;
    if (successes > 0) isRetried[index] = 1;
  }
  return isRetried;
}

/** Returns the first index of [from, to) whose time is at least `time`, or `to`. */
export function firstFrom(times: Float64Array, time: number, from: number, to: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
