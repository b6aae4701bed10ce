/** Holds the entries of a log in columns until all files are read. */

import { NAMED_ROUTES } from '../slow-limits.ts';
import type { Batch, FailureRows } from './columns.ts';
import type { EntryBatch, TrafficEntries } from './entry-batch.ts';
import { FailureStore } from './failure-store.ts';
import { KeyIndex } from './key-index.ts';
import type { BatchSink, FoundNames } from './scan.ts';
import type { TargetAndNode } from './scanner.ts';

export interface Entries extends TrafficEntries {
  failures: FailureStore;
}

/** What was read of one file so far. */
interface Pass {
  batches: EntryBatch[];
  failures: { batch: EntryBatch; failed: FailureRows }[];
}

export class EntryStore implements BatchSink {
  readonly #placeNumbers = new KeyIndex();
  readonly #routeNumbers = new KeyIndex();
  readonly #places: TargetAndNode[] = [];
  readonly #namedRoutes = new Map<number, string>();
  readonly #unfinished = new Map<number, Pass>();
  readonly #batches: EntryBatch[] = [];
  readonly #failures: FailureStore;

  /** Throws RangeError for a word that is not a status. */
  constructor(statuses: readonly string[]) {
    this.#failures = new FailureStore(statuses);
  }

  batch(pass: number, { place, route, failures: failed, ...columns }: Batch): void {
    const batch = {
      ...columns,
      place: numbersOf(place, this.#placeNumbers),
      route: numbersOf(route, this.#routeNumbers),
    };
    const unfinished = this.#unfinished.get(pass) ?? { batches: [], failures: [] };
    this.#unfinished.set(pass, unfinished);
    unfinished.batches.push(batch);
    if (failed.rows.length > 0) unfinished.failures.push({ batch, failed });
  }

  discard(pass: number): void {
    this.#unfinished.delete(pass);
  }

  keep(pass: number, { places, namedRoutes }: FoundNames): void {
    for (const place of places) this.#places[this.#placeNumbers.add(place.key)] = place;
    for (const { key, route_text } of namedRoutes) this.#namedRoutes.set(this.#routeNumbers.add(key), route_text);
    const { batches, failures } = this.#unfinished.get(pass) ?? { batches: [], failures: [] };
    this.#unfinished.delete(pass);
    this.#batches.push(...batches);
    for (const { batch, failed } of failures) this.#failures.add(batch, failed, this.#places);
  }

  /** Returns the entries of all files that were kept. */
  entries(): Entries {
    return {
      batches: this.#batches,
      places: this.#places,
      routes: this.#routeNumbers.size,
      namedRoutes: this.#namedRoutes.size > NAMED_ROUTES ? new Map() : this.#namedRoutes,
      failures: this.#failures,
    };
  }
}

function numbersOf(keys: Float64Array, index: KeyIndex): Uint32Array {
  const numbers = new Uint32Array(new SharedArrayBuffer(4 * keys.length));
  for (let row = 0; row < keys.length; row += 1) numbers[row] = index.add(keys[row] ?? 0);
  return numbers;
}
