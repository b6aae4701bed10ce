/** Removes objects older than the retention from the store. */

import { mapLimited } from '../collect/map-limited.ts';
import { INDEX, OPEN, prefixOfRun, timeOfRunId } from './run.ts';
import { STORE_CONCURRENCY, type Store } from './store/store.ts';

/** Objects that belong to no run: as old as the latest time in their content. */
const TIMED_PREFIXES = ['claims/', 'episodes/', 'alarms/'];

const TIMES = /"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"/g;

/** Removes everything older than this time, in epoch milliseconds. Returns the number of runs. */
export async function sweep(store: Store, before: number): Promise<number> {
  const entries = await store.list(INDEX);
  const old = entries.filter((key) => timeOfRunId(idIn(key)) < before);
  await mapLimited(old, STORE_CONCURRENCY, async (key) => {
    const id = idIn(key);
    for (const part of [...(await store.list(prefixOfRun(id))), ...(await store.list(`${OPEN}${id}/`))])
      await store.remove(part);
    // Remove the index entry last: after a crash, it leads to the rest of the run.
    await store.remove(key);
  });
  for (const prefix of TIMED_PREFIXES) {
    await mapLimited(await store.list(prefix), STORE_CONCURRENCY, async (key) => {
      const stored = await store.read(key);
      const latest = stored === null ? null : latestTimeIn(stored.body);
      if (latest !== null && latest < before) await store.remove(key);
    });
  }
  return old.length;
}

const idIn = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

/** Epoch milliseconds; null when the body contains no time. */
function latestTimeIn(body: string): number | null {
  const times = [...body.matchAll(TIMES)]
    .map(([, time = '']) => Date.parse(time))
    .filter((time) => !Number.isNaN(time));
  return times.length === 0 ? null : Math.max(...times);
}
