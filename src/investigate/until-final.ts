/** Repeats a question while its logs still arrive, until the answer is final. */

import { setTimeout as pause } from 'node:timers/promises';
import { NO_COST, sumOfEstimates } from '../collect/access-log/cost.ts';
import { interruptedProblem } from '../collect/aws/call.ts';
import type { Cost, LogReadMethod } from '../evidence/access-log.ts';
import type { Window } from '../evidence/question.ts';
import { sumOfCosts } from '../evidence/sum-of-costs.ts';
import { Problem } from '../problem.ts';
import { nextCheck } from '../query/recheck.ts';
import type { InvestigationResult } from './investigator.ts';

/** Clock and sleep; tests replace both. */
export interface WaitClock {
  /** Epoch milliseconds. */
  clock(): number;
  /** Rejects when the signal aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<unknown>;
}

/** The system clock. */
export const REAL_WAIT_CLOCK: WaitClock = {
  clock: () => Date.now(),
  sleep: (milliseconds, signal) => pause(milliseconds, undefined, { signal }),
};

/** Options of the wait. */
interface WaitOptions<T extends InvestigationResult> {
  window: Window;
  /** Time of the first attempt, epoch milliseconds. */
  now: number;
  signal: AbortSignal;
  time: WaitClock;
  /** Receives the answer so far and the time of the next attempt (epoch milliseconds). */
  onWait(result: T, nextAt: number): void | Promise<void>;
  /** Receives the reason when a later attempt could not read the access log; its answer is dropped. */
  onLogFailure(reason: string): void;
  /** Receives an answer that is no longer used. */
  onReplaced?(result: T): Promise<void>;
}

/** The last answer, with the cost of all attempts. `problem` ended the wait before the answer was final. */
export interface WaitResult<T extends InvestigationResult> {
  result: T;
  problem: Problem | null;
}

/**
 * Investigates now and at the times of nextCheck, while the answer is provisional and the access log is readable.
 * Rejects if the first attempt rejects. `investigate` receives the time and the cost so far.
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
    await onWait(result, nextAt);
    const spent = result.diagnosis.cost;
    try {
      // Timers stop while the machine sleeps, so check the clock.
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

/** Actual and estimated cost of an attempt. */
type ReadingCost = { cost: Cost; reading?: LogReadMethod | undefined };

const LONGEST_SLEEP_MS = 15_000;

/** Adds the actual and estimated cost of earlier attempts. */
const addEarlierCost = <T extends InvestigationResult>(one: T, before: ReadingCost): T => {
  const { cost, reading } = one.diagnosis;
  const estimate = reading && before.reading && sumOfEstimates(reading.estimate, before.reading.estimate);
  return withCost(one, sumOfCosts(cost, before.cost), reading && estimate ? { ...reading, estimate } : reading);
};

/** Sets the cost in the diagnosis and the evidence, so that a saved incident matches. */
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
