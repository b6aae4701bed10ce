/** Resumes unfinished episodes, found by markers in the store. */
import { errorMessage } from '../../problem.ts';
import { shortHash } from '../alarm-event.ts';
import { Unavailable } from '../retryable.ts';
import { drain } from './drain.ts';
import { isUpToDate, keyOfHistory } from './episode-record.ts';
import type { EpisodesContext } from './episodes-context.ts';
import { CHANNELS, isNoteBehind, updateStormNote } from './storm-note.ts';

const BUSY = 'alarms/busy/';
/** Milliseconds that may pass between writing a marker and recording its work. */
const MARKER_GRACE = 60_000;

/**
 * Marks possible work for a load balancer before its event is recorded: a marker without work is harmless; work without
 * a marker is never resumed. Each marker is a new object, so a process removes only markers it has seen.
 */
export async function markBusy({ store, owner, now, markedAt }: EpisodesContext, id: string): Promise<void> {
  const at = now();
  if (at - (markedAt.get(id) ?? Number.NEGATIVE_INFINITY) < MARKER_GRACE / 2) return;
  const key = `${BUSY}${id}/${String(at).padStart(15, '0')}-${shortHash(owner).slice(0, 8)}`;
  // The sweep of old objects reads this time.
  await store.write(key, JSON.stringify({ at: new Date(at).toISOString() }), 'any');
  markedAt.set(id, at);
}

const markerTime = (key: string): number => Number(key.split('/').at(-1)?.split('-')[0]);

/** Resumes all unfinished episodes and storm notes. Rejects when the store cannot be reached. */
export async function resumeAll(context: EpisodesContext): Promise<void> {
  const markers = Map.groupBy(await context.store.list(BUSY), (key) => key.slice(BUSY.length).split('/')[0] ?? '');
  for (const [id, keys] of markers) {
    if (context.isStopping) return;
    if (!context.drains.has(id)) await resumeMarked(context, id, keys);
  }
  await resumeStormNotes(context);
}

async function resumeMarked(context: EpisodesContext, id: string, markers: readonly string[]): Promise<void> {
  const { store, histories, backoffs, now } = context;
  const history = await histories.read(keyOfHistory(id));
  if (history === null || history.episodes.every(isUpToDate)) {
    // The event of a recent marker may not be recorded yet.
    for (const key of markers) if (now() - markerTime(key) > MARKER_GRACE) await store.remove(key);
    return;
  }
  // Do not wait: a resumed episode takes as long as an answer.
  if (backoffs.pausedReason(id) === null) void resumeHistory(context, id);
}

/** Resumes one history. An outage ends soon; other failures need a person, so they back off. */
async function resumeHistory(context: EpisodesContext, id: string): Promise<void> {
  const { backoffs, log } = context;
  try {
    await drain(context, id, null);
    backoffs.recordSuccess(id);
  } catch (error) {
    const isDown = error instanceof Unavailable && error.dependency !== 'channel';
    if (!isDown) backoffs.recordFailure(id, errorMessage(error));
    log.warn({ err: error }, 'could not resume an alarm yet');
  }
}

async function resumeStormNotes(context: EpisodesContext): Promise<void> {
  const { store, channels, log } = context;
  for (const key of await store.list(CHANNELS)) {
    const state = await channels.read(key);
    if (state === null || !isNoteBehind(state)) continue;
    updateStormNote(context, state.channel).catch((error: unknown) =>
      log.warn({ err: error }, 'could not post a note yet'),
    );
  }
}
