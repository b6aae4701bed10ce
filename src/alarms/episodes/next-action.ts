/** Returns the next action for the threads of a load balancer, from the record alone. Pure. */
import { type EpisodeRecord, isUpToDate, type PendingAction } from './episode-record.ts';

/** `open`: post the thread, or list it in the note of a storm. `withdraw`: take it off the note, because it is over. */
export type EpisodeAction = { kind: 'open' | 'withdraw' } | PendingAction;

/** What only the moment knows. */
export interface ActionLimits {
  /** Whether a storm kept this episode from a thread a moment ago. */
  hasTried(episode: string): boolean;
  /** Whether the question of this run is being asked, or is to be left alone for a while. */
  isResting(run: string): boolean;
}

/** Null when nothing is to be done now. */
export function nextAction(record: EpisodeRecord, { hasTried, isResting }: ActionLimits): EpisodeAction | null {
  const { thread, episode, pending } = record;
  if (isUpToDate(record)) return null;
  if (thread.state === 'waiting' && episode.closedAt !== null) return { kind: 'withdraw' };
  if (thread.state !== 'open') return hasTried(episode.id) ? null : { kind: 'open' };
  const next = (kind: PendingAction['kind']): PendingAction | null => pending.find((one) => one.kind === kind) ?? null;
  // The end is told with the newest answer.
  const slow = isResting(episode.run) ? null : (next('ask-again') ?? next('tell-end'));
  return next('refresh') ?? next('say-misplaced') ?? next('say') ?? slow;
}

/** The oldest episode with something to do. */
export function nextActionOf(
  records: readonly EpisodeRecord[],
  limits: ActionLimits,
): { record: EpisodeRecord; action: EpisodeAction } | null {
  for (const record of records) {
    const action = nextAction(record, limits);
    if (action !== null) return { record, action };
  }
  return null;
}
