/** Returns the next action for the threads of a load balancer, from the record alone. Pure. */
import { type EpisodeRecord, isUpToDate, type PendingAction } from './episode-record.ts';

/** `open`: post the thread, or list it in the storm note. `withdraw`: remove an ended episode from the note. */
export type EpisodeAction = { kind: 'open' | 'withdraw' } | PendingAction;

/** Conditions that the record does not contain. */
export interface ActionLimits {
  /** Whether a storm refused this episode a thread during this drain. */
  hasTried(episode: string): boolean;
  /** Whether the question of this run is being repeated or is backing off. */
  isResting(run: string): boolean;
}

/** Returns the next action of one episode; null if nothing is due. */
export function nextAction(record: EpisodeRecord, { hasTried, isResting }: ActionLimits): EpisodeAction | null {
  const { thread, episode, pending } = record;
  if (isUpToDate(record)) return null;
  if (thread.state === 'waiting' && episode.closedAt !== null) return { kind: 'withdraw' };
  if (thread.state !== 'open') return hasTried(episode.id) ? null : { kind: 'open' };
  const next = (kind: PendingAction['kind']): PendingAction | null => pending.find((one) => one.kind === kind) ?? null;
  // Repeat the question before reporting the end, which quotes the newest answer.
  const slow = isResting(episode.run) ? null : (next('ask-again') ?? next('tell-end'));
  return next('refresh') ?? next('say-misplaced') ?? next('say') ?? slow;
}

/** Returns the next action of the oldest episode that has one. */
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
