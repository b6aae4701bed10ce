/** Brings the threads of one load balancer in line with its record, one action at a time, under a lease. */
import { holdLease, isLeasedByOther, leaseFor } from '../../runs/store/lease.ts';
import { translateOutage } from '../retryable.ts';
import { type History, isUpToDate, keyOfHistory } from './episode-record.ts';
import type { Drain, EpisodesContext } from './episodes-context.ts';
import { type ActionLimits, nextActionOf } from './next-action.ts';
import { perform } from './perform.ts';

/** Milliseconds between two checks of other work. */
const RERUN_POLL = 5_000;

/**
 * Performs the pending actions of a load balancer. `history`: given if this process already holds the lease. Rejects
 * with Unavailable.
 */
export function drain(context: EpisodesContext, id: string, history: History | null): Promise<void> {
  const existing = context.drains.get(id);
  if (existing !== undefined) {
    existing.wake();
    return existing.ended;
  }
  const wakeUp = openWakeUp();
  const ended = drainUntilQuiet(context, id, history, wakeUp).finally(() => context.drains.delete(id));
  ended.catch(() => {});
  const active: Drain = { ended, wake: wakeUp.wake };
  context.drains.set(id, active);
  return ended;
}

interface WakeUp {
  wake(): void;
  /** Number of wakes so far. */
  count(): number;
  /** Resolves at the next wake, or at once if one followed the count `seen`. */
  after(seen: number): Promise<void>;
}

function openWakeUp(): WakeUp {
  let count = 0;
  let signal = Promise.withResolvers<void>();
  return {
    wake() {
      count += 1;
      signal.resolve();
      signal = Promise.withResolvers();
    },
    count: () => count,
    after: (seen) => (seen === count ? signal.promise : Promise.resolve()),
  };
}

async function drainUntilQuiet(
  context: EpisodesContext,
  id: string,
  given: History | null,
  wakeUp: WakeUp,
): Promise<void> {
  let leased = given;
  let seen: number;
  do {
    seen = wakeUp.count();
    const history = leased ?? (await translateOutage('store', () => acquireLease(context, id)));
    leased = null;
    if (history !== null) await drainUnderLease(context, id, history, wakeUp);
  } while (wakeUp.count() !== seen && !context.isStopping);
}

/** Takes the lease and returns the history; null while another process holds it, or when there is nothing to do. */
function acquireLease({ histories, owner, now }: EpisodesContext, id: string): Promise<History | null> {
  return histories.change(keyOfHistory(id), (stored) => {
    if (stored === null || stored.episodes.every(isUpToDate) || isLeasedByOther(stored.lease, owner, now()))
      return { document: stored, result: null };
    const next = { ...stored, lease: leaseFor(owner, now()) };
    return { document: next, result: next };
  });
}

function drainUnderLease(context: EpisodesContext, id: string, history: History, wakeUp: WakeUp): Promise<void> {
  const { histories, owner, now, log } = context;
  // A process that stalled may have lost the lease to another.
  const changeOwn = (lease: History['lease']) =>
    histories.change(keyOfHistory(id), (stored) => ({
      document: stored?.lease?.owner === owner ? { ...stored, lease } : stored,
      result: null,
    }));
  const lease = {
    renew: () => changeOwn(leaseFor(owner, now())),
    release: () => changeOwn(null),
    onFailure: (error: unknown, what: string) =>
      log.warn({ what, err: error }, 'could not change the lease of an alarm'),
  };
  return holdLease(lease, () => doAll(context, id, history, wakeUp));
}

async function doAll(context: EpisodesContext, id: string, leased: History, wakeUp: WakeUp): Promise<void> {
  const { histories, reruns, backoffs } = context;
  // Episodes refused a thread by a storm are tried once per drain.
  const tried = new Set<string>();
  const limits: ActionLimits = {
    hasTried: (episode: string) => tried.has(episode),
    isResting: (run: string) => reruns.has(run) || backoffs.pausedReason(run) !== null,
  };
  for (let history: History | null = leased; history !== null && !context.isStopping; ) {
    const seen = wakeUp.count();
    const next = nextActionOf(history.episodes, limits);
    const own: Promise<void>[] = history.episodes.flatMap(({ episode: { run } }) => reruns.get(run) ?? []);
    if (next !== null) history = await perform(context, history, next, tried);
    else if (own.length > 0) {
      await Promise.race([...own, wakeUp.after(seen), context.sleep(RERUN_POLL)]);
      history = await translateOutage('store', () => histories.read(keyOfHistory(id)));
    } else history = await releaseWhenDone(context, id, limits);
  }
}

/** Returns null once the lease is released, or the history if another process recorded more work meanwhile. */
function releaseWhenDone(
  { histories, owner }: EpisodesContext,
  id: string,
  limits: ActionLimits,
): Promise<History | null> {
  return translateOutage('store', () =>
    histories.change(keyOfHistory(id), (stored) => {
      if (stored === null) return { document: null, result: null };
      if (nextActionOf(stored.episodes, limits) !== null) return { document: stored, result: stored };
      const isOwn = stored.lease?.owner === owner;
      return { document: isOwn ? { ...stored, lease: null } : stored, result: null };
    }),
  );
}
