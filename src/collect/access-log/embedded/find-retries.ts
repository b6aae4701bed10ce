/** Finds the failures after which the same client tried again with success. Pure. */
import type { Entries } from './entry-store.ts';
import { firstFrom } from './first-from.ts';
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
  const filter = new RetryFilter(failures.count);
  const asking = failures.kind.flatMap((kind, index) => {
    if (kind === 0) return [];
    const [client, route] = [failures.client[index] ?? 0, failures.route[index] ?? 0];
    isRoute[route] = 1;
    const ended = failures.ended[index] ?? 0;
    filter.add(client, route, ended);
    const pair = pairs.add(clients.add(client) * routes + route);
    return [{ index, pair, ended }];
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
    const words = wordsOf(client);
    for (let row = 0; row < rows; row += 1) {
      const own = route[row] ?? 0;
      const at = ended[row] ?? 0;
      if (isRoute[own] === 0 || !filter.mayFollow(words, row, own, at)) continue;
      const code = status[row] ?? 0;
      if (code < 0 || code > 499 || isFailed[code] === 1) continue;
      const number = clients.find(client[row] ?? 0);
      const pair = number === -1 ? -1 : pairs.find(number * routes + own);
      if (pair === -1) continue;
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

/** The halves of each key. */
const wordsOf = (keys: Float64Array): Uint32Array => new Uint32Array(keys.buffer, keys.byteOffset, 2 * keys.length);

/** Filter bits per failure, and the smallest and the largest filter, as powers of 2. */
const BITS_EACH = 5;
const LEAST_BITS = 16;
const MOST_BITS = 21;

/**
 * Rules out most rows that cannot be a retry, by client, route and time, before the large tables are searched: those do
 * not fit the cache of a core.
 */
class RetryFilter {
  readonly #shift: number;
  readonly #bits: Uint32Array;
  readonly #key = new Float64Array(1);
  readonly #words = wordsOf(this.#key);

  constructor(failures: number) {
    const bits = Math.ceil(Math.log2(failures + 1)) + BITS_EACH;
    const size = Math.min(MOST_BITS, Math.max(LEAST_BITS, bits));
    this.#shift = 32 - size;
    this.#bits = new Uint32Array(2 ** (size - 5));
  }

  /** A retry ends in the same span of RETRY as the failure, or in the next. */
  add(client: number, route: number, ended: number): void {
    this.#key[0] = client;
    const span = Math.floor(ended / RETRY);
    for (const one of [span, span + 1]) {
      const bit = bitOf(this.#words, 0, route, one) >>> this.#shift;
      this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] ?? 0) | (1 << (bit & 31));
    }
  }

  /** Whether the row may follow a failure of its client and route. */
  mayFollow(clients: Uint32Array, row: number, route: number, ended: number): boolean {
    const bit = bitOf(clients, row, route, Math.floor(ended / RETRY)) >>> this.#shift;
    return ((this.#bits[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
  }
}

function bitOf(clients: Uint32Array, row: number, route: number, span: number): number {
  const client = (clients[2 * row] ?? 0) ^ Math.imul(clients[2 * row + 1] ?? 0, 0x85ebca6b);
  const mixed = Math.imul(client, 0xcc9e2d51) ^ Math.imul(route + 1, 0x1b873593) ^ Math.imul(span, 0x27d4eb2f);
  return Math.imul(mixed ^ (mixed >>> 16), 0x9e3779b1);
}
