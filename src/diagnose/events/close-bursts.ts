import { targetKey } from '../targets/target-key.ts';
import { groupBy, type Traffic } from '../traffic.ts';
import type { CloseBurst } from './event-outline.ts';
import { type SentFailure, sentFailures } from './sent-failures.ts';

/** Milliseconds within which a dying process closes all its connections. */
const APART_MS = 5;
/** Milliseconds; smaller spreads are not distinguishable, since each node uses its own clock. */
const LEAST_SPREAD_MS = 1;
/**
 * Send times must spread over this many times the spread of the end times, and over this many milliseconds: requests of
 * one page are sent together and end together anyway.
 */
const SENT_APART = 3;
const SENT_APART_MS = 200;
/** Highest probability by chance, for the first burst of a target and for further bursts. */
const MOST_BY_CHANCE = 1e-4;
const MOST_BESIDE_ANOTHER = 0.02;
/** If more than this share of a group's targets closes at the same moment, the fault lies behind the targets. */
const SHARED_BY = 0.5;
const SAME_MOMENT_MS = 50;

/** Returns bursts by time. `left`: failures that already belong to outages. */
export function closeBursts(traffic: Traffic, left: ReadonlySet<SentFailure>): CloseBurst[] {
  const { oldest, newest, targets } = traffic.log;
  const readMs = Math.max(1, (newest ?? 0) - (oldest ?? 0));
  const closes = sentFailures(traffic).filter(
    (failure) =>
      failure.unanswered &&
      !left.has(failure) &&
      // When the deregistration delay ends, the load balancer itself aborts all requests in flight at once.
      failure.signature === 'closed-before-response',
  );
  const bursts = [...groupBy(closes, ({ request }) => targetKey(request)).values()].flatMap((own) => {
    const runs = endedTogether(own).map((run) => ({ run, chance: byChance(run, own.length, readMs) }));
    if (!runs.some(({ chance }) => chance <= MOST_BY_CHANCE)) return [];
    return runs.filter(({ chance }) => chance <= MOST_BESIDE_ANOTHER).flatMap(({ run }) => burstOf(run));
  });
  const groupSize = (arn: string) =>
    new Set(targets.filter(({ target_group_arn }) => target_group_arn === arn).map(({ target }) => target)).size;
  return bursts
    .filter((burst) => {
      const atOnce = bursts.filter(
        (other) => other.target_group_arn === burst.target_group_arn && Math.abs(other.at - burst.at) <= SAME_MOMENT_MS,
      );
      return atOnce.length === 1 || atOnce.length <= SHARED_BY * groupSize(burst.target_group_arn);
    })
    .sort((a, b) => a.at - b.at || (targetKey(a) < targetKey(b) ? -1 : 1));
}

/** Groups of two or more requests that ended together and were sent apart. */
function endedTogether(closes: readonly SentFailure[]): SentFailure[][] {
  const runs: SentFailure[][] = [];
  for (const close of [...closes].sort((a, b) => a.request.at - b.request.at || a.sent - b.sent)) {
    const run = runs[runs.length - 1];
    const before = run?.[run.length - 1];
    if (run && before && close.request.at - before.request.at <= APART_MS) run.push(close);
    else runs.push([close]);
  }
  return runs.filter((run) => {
    const sentSpread = spread(run.map(({ sent }) => sent));
    return run.length > 1 && sentSpread >= SENT_APART_MS && sentSpread >= SENT_APART * endSpread(run);
  });
}

const spread = (times: readonly number[]): number =>
  times.reduce((high, time) => Math.max(high, time), Number.NEGATIVE_INFINITY) -
  times.reduce((low, time) => Math.min(low, time), Number.POSITIVE_INFINITY);

const endSpread = (run: readonly SentFailure[]): number => spread(run.map(({ request }) => request.at));

/** Expected number of equally tight groups if closes were random over the log. */
const byChance = (run: readonly SentFailure[], all: number, readMs: number): number =>
  all * (((all - 1) * Math.max(LEAST_SPREAD_MS, endSpread(run))) / readMs) ** (run.length - 1);

function burstOf(failures: SentFailure[]): CloseBurst[] {
  const [first] = failures;
  if (!first) return [];
  const { target_group_arn, target, at } = first.request;
  return [{ target_group_arn, target, at, failures: [...failures].sort((a, b) => a.sent - b.sent) }];
}
