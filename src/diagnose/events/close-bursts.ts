import { groupBy, type Traffic } from '../traffic.ts';
import type { CloseBurst } from './event-outline.ts';
import { targetKey } from './outages.ts';
import { type SentFailure, sentFailures } from './sent-failures.ts';

/** Connections that one process closes as it dies end within so long of each other, milliseconds. */
const APART_MS = 5;
/** A spread below this is not told from none: nodes stamp their rows by their own clocks. */
const LEAST_SPREAD_MS = 1;
/** They were sent so many times further apart than they ended, and so long: a page's requests are sent within this, and end together anyway. */
const SENT_APART = 3;
const SENT_APART_MS = 200;
/** That closes at any time fall together so: for the first burst on a target, and for others beside that one. */
const MOST_BY_CHANCE = 1e-4;
const MOST_BESIDE_ANOTHER = 0.02;
/** Of the targets of a group, so many at the same moment: the fault is behind them. */
const SHARED_BY = 0.5;
const SAME_MOMENT_MS = 50;

/** By time. `left`: what belongs to outages already. */
export function closeBursts(traffic: Traffic, left: ReadonlySet<SentFailure>): CloseBurst[] {
  const { oldest, newest, targets } = traffic.log;
  const readMs = Math.max(1, (newest ?? 0) - (oldest ?? 0));
  const closes = sentFailures(traffic).filter(
    (failure) =>
      failure.unanswered &&
      !left.has(failure) &&
      // The load balancer itself aborts what is in flight as the deregistration delay ends, all at once.
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

/** Runs of two or more that ended together and were sent apart. */
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

/** How many such runs closes at any time of what was read would give. */
const byChance = (run: readonly SentFailure[], all: number, readMs: number): number =>
  all * (((all - 1) * Math.max(LEAST_SPREAD_MS, endSpread(run))) / readMs) ** (run.length - 1);

function burstOf(failures: SentFailure[]): CloseBurst[] {
  const [first] = failures;
  if (!first) return [];
  const { target_group_arn, target, at } = first.request;
  return [{ target_group_arn, target, at, failures: [...failures].sort((a, b) => a.sent - b.sent) }];
}
