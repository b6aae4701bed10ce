/** Repeats a question while its logs still arrive, until the answer is final. */
import { setTimeout as pause } from 'node:timers/promises';
import { NO_COST, sumOfEstimates } from '../collect/access-log/cost.ts';
import { interruptedProblem } from '../collect/aws/call.ts';
import type { Cost, LogReadMethod, Window } from '../evidence/evidence.ts';
import { Problem } from '../problem.ts';
import { nextCheck } from '../query/recheck.ts';
import type { InvestigationResult } from './investigator.ts';

/** What waiting needs of a machine; a test has its own. */
export interface WaitClock {
  /** Epoch milliseconds. */
  clock(): number;
  /** Rejects when the signal aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<unknown>;
}

/** Time as it passes. */
export const REAL_WAIT_CLOCK: WaitClock = {
  clock: () => Date.now(),
  sleep: (milliseconds, signal) => pause(milliseconds, undefined, { signal }),
};

/** Who waits, and who is told. */
export interface WaitOptions<T extends InvestigationResult> {
  window: Window;
  /** The moment of the first ask, epoch milliseconds. */
  now: number;
  signal: AbortSignal;
  time: WaitClock;
  /** What is known so far, and when it is asked again (epoch milliseconds). */
  onWait(result: T, nextAt: number): void;
  /** An answer without the access log, after one that had it: it is not used. */
  onLogFailure(reason: string): void;
  /** An answer that a newer one takes the place of. */
  onReplaced?(result: T): Promise<void>;
}

/** The last answer; what it cost is what all cost. `problem` ended the waiting before it was final. */
export interface WaitResult<T extends InvestigationResult> {
  result: T;
  problem: Problem | null;
}

/**
 * Asks at once and as nextCheck says, as long as the answer is provisional and the access log can be read. Rejects with what the first
 * ask rejects with. `ask` is given the moment, and what was spent on the asks before.
 */
export async function investigateUntilFinal<T extends InvestigationResult>(
  investigate: (now: number, spent: Cost) => Promise<T>,
  { window, now: first, signal, time: { clock, sleep }, onWait, onLogFailure, onReplaced }: WaitOptions<T>,
): Promise<WaitResult<T>> {
  let now = first;
  let result = await investigate(now, NO_COST);
  for (let attempt = 1; result.diagnosis.provisional && result.evidence.accessLog.status === 'collected'; attempt++) {
    const nextAt = nextCheck(window, now, attempt, result.diagnosis.reading);
    if (nextAt === null) break;
    onWait(result, nextAt);
    const spent = result.diagnosis.cost;
    try {
      // A machine that was put to sleep keeps its timers but not the time.
      while (clock() < nextAt) await sleep(Math.min(nextAt - clock(), LONGEST_SLEEP_MS), signal);
      now = clock();
      const next = addEarlierCost(await investigate(now, spent), result.diagnosis);
      const { accessLog } = next.evidence;
      if (accessLog.status === 'unavailable') {
        onLogFailure(accessLog.reason);
        result = withCost(result, next.diagnosis.cost);
        await onReplaced?.(next);
      } else {
        await onReplaced?.(result);
        result = next;
      }
    } catch (error) {
      if (signal.aborted) return { result, problem: interruptedProblem() };
      if (error instanceof Problem) return { result, problem: error };
      throw error;
    }
  }
  return { result, problem: null };
}

/** What an ask has cost, and was to cost. */
type ReadingCost = { cost: Cost; reading?: LogReadMethod | undefined };

const LONGEST_SLEEP_MS = 15_000;

/** With what the asks before it have cost, and were to cost. */
const addEarlierCost = <T extends InvestigationResult>(one: T, before: ReadingCost): T => {
  const { cost, reading } = one.diagnosis;
  const { bytesScanned, usd, queries } = before.cost;
  const estimate = reading && before.reading && sumOfEstimates(reading.estimate, before.reading.estimate);
  return withCost(
    one,
    {
      bytesScanned: cost.bytesScanned + bytesScanned,
      usd: cost.usd + usd,
      queries: cost.queries + queries,
    },
    reading && estimate ? { ...reading, estimate } : reading,
  );
};

/** Also in the evidence, so that a saved incident says the same. */
function withCost<T extends InvestigationResult>(one: T, cost: Cost, reading = one.diagnosis.reading): T {
  const { accessLog } = one.evidence;
  return {
    ...one,
    diagnosis: { ...one.diagnosis, cost, reading },
    evidence: {
      ...one.evidence,
      accessLog:
        accessLog.status === 'collected' ? { ...accessLog, value: { ...accessLog.value, cost, reading } } : accessLog,
    },
  };
}
