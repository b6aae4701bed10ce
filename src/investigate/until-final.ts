/** The same question again while its logs still arrive, until the answer is final. */
import { setTimeout as pause } from 'node:timers/promises';
import { sumOfEstimates } from '../collect/access-log/cost.ts';
import { interrupted } from '../collect/aws/call.ts';
import type { Cost, Reading } from '../evidence/evidence.ts';
import { Problem } from '../problem.ts';
import { nextCheck } from '../query/recheck.ts';
import type { Inquiry, Investigation } from './investigator.ts';

/** What waiting needs of a machine; a test has its own. */
export interface Time {
  /** Epoch milliseconds. */
  clock(): number;
  /** Rejects when the signal aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<unknown>;
}

/** Time as it passes. */
export const TIME: Time = {
  clock: () => Date.now(),
  sleep: (milliseconds, signal) => pause(milliseconds, undefined, { signal }),
};

/** Who waits, and who is told. */
export interface Waiting<T extends Investigation> {
  window: Pick<Inquiry, 'from' | 'to'>;
  /** The moment of the first ask, epoch milliseconds. */
  now: number;
  signal: AbortSignal;
  time: Time;
  /** What is known so far, and when it is asked again (epoch milliseconds). */
  waits(known: T, again: number): void;
  /** An answer without the access log, after one that had it: it is not used. */
  failed(reason: string): void;
  /** An answer that a newer one takes the place of. */
  replaced?(one: T): Promise<void>;
}

/** The last answer; what it cost is what all cost. `problem` ended the waiting before it was final. */
export interface Waited<T extends Investigation> {
  known: T;
  problem: Problem | null;
}

/**
 * Asks at once and as nextCheck says, as long as the answer is provisional and the access log can be read. Rejects with what the first
 * ask rejects with. `ask` is given the moment, and what was spent on the asks before.
 */
export async function untilFinal<T extends Investigation>(
  ask: (now: number, spent: Cost) => Promise<T>,
  { window, now: first, signal, time: { clock, sleep }, waits, failed, replaced }: Waiting<T>,
): Promise<Waited<T>> {
  let now = first;
  let known = await ask(now, NOTHING);
  for (let asks = 1; known.diagnosis.provisional && known.evidence.accessLog.status === 'collected'; asks++) {
    const again = nextCheck(window, now, asks);
    if (again === null) break;
    waits(known, again);
    const spent = known.diagnosis.cost;
    try {
      // A machine that was put to sleep keeps its timers but not the time.
      while (clock() < again) await sleep(Math.min(again - clock(), SLICE), signal);
      now = clock();
      const next = withSpent(await ask(now, spent), known.diagnosis);
      const { accessLog } = next.evidence;
      if (accessLog.status === 'unavailable') {
        failed(accessLog.reason);
        known = withCost(known, next.diagnosis.cost);
        await replaced?.(next);
      } else {
        await replaced?.(known);
        known = next;
      }
    } catch (error) {
      if (signal.aborted) return { known, problem: interrupted() };
      if (error instanceof Problem) return { known, problem: error };
      throw error;
    }
  }
  return { known, problem: null };
}

/** What an ask has cost, and was to cost. */
type Priced = { cost: Cost; reading?: Reading | undefined };

const NOTHING: Cost = { bytesScanned: 0, usd: 0, queries: 0 };
const SLICE = 15_000;

/** With what the asks before it have cost, and were to cost. */
const withSpent = <T extends Investigation>(one: T, before: Priced): T => {
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
function withCost<T extends Investigation>(one: T, cost: Cost, reading = one.diagnosis.reading): T {
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
