/** Lists open runs by their markers, and the newest by the index. */

import { mapLimited } from '../collect/map-limited.ts';
import { INDEX, isOpen, OPEN, type Run } from './run.ts';
import { UnreadableDocument } from './store/document.ts';
import { STORE_CONCURRENCY, type Store } from './store/store.ts';

interface RunLists {
  store: Store;
  /** Null when there is no such run. Throws UnreadableDocument. */
  read(id: string): Promise<Run | null>;
  /** Epoch milliseconds. */
  now(): number;
  retentionDays: number;
}

/** Milliseconds that may pass between writing an open marker and writing the run. */
const MARKER_GRACE = 60_000;
const DAY = 86_400_000;

const startOfMonth = (time: number): number => Date.parse(`${new Date(time).toISOString().slice(0, 7)}-01T00:00:00Z`);

const openMarkerTime = (key: string): number => Number(key.split('/')[2]?.split('-')[0]);

/** Lists open runs, oldest first, and removes the markers of ended ones. */
export async function listOpen(lists: RunLists): Promise<Run[]> {
  const { store, now } = lists;
  const markers = new Map<string, string[]>();
  for (const key of await store.list(OPEN)) {
    const [, id = ''] = key.split('/');
    markers.set(id, [...(markers.get(id) ?? []), key]);
  }
  const runs: Run[] = [];
  await mapLimited([...markers], STORE_CONCURRENCY, async ([id, keys]) => {
    const run = await readIfValid(lists, id);
    if (run === 'unreadable') return;
    if (run !== null && isOpen(run)) runs.push(run);
    else for (const key of keys) if (now() - openMarkerTime(key) > MARKER_GRACE) await store.remove(key);
  });
  return runs.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Lists up to `count` runs, newest first. */
export async function listRecent(lists: RunLists, count: number): Promise<Run[]> {
  const { store, now, retentionDays } = lists;
  const oldest = now() - retentionDays * DAY;
  const runs: Run[] = [];
  for (let month = new Date(now()); month.getTime() >= startOfMonth(oldest) && runs.length < count; ) {
    const ids = (await store.list(`${INDEX}${month.toISOString().slice(0, 7).replace('-', '')}/`)).reverse();
    for (let at = 0; at < ids.length && runs.length < count; at += count) {
      const batch: Run[] = [];
      await mapLimited(ids.slice(at, at + count), STORE_CONCURRENCY, async (key) => {
        const run = await readIfValid(lists, key.slice(key.lastIndexOf('/') + 1));
        if (run !== null && run !== 'unreadable') batch.push(run);
      });
      runs.push(...batch.sort((a, b) => (a.id > b.id ? -1 : 1)));
    }
    month = new Date(startOfMonth(month.getTime()) - 1);
  }
  return runs.slice(0, count);
}

/** Returns 'unreadable' for a malformed run, so that it does not hide the others. */
export async function readIfValid({ read }: RunLists, id: string): Promise<Run | 'unreadable' | null> {
  try {
    return await read(id);
  } catch (error) {
    if (error instanceof UnreadableDocument) return 'unreadable';
    throw error;
  }
}
