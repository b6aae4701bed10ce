/**
 * The search for a keep-alive edge beside the first query of Athena. It makes a second query unnecessary when connections
 * were closed early, and is stopped otherwise. If it fails, the second query runs.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { CostEstimate, IdleGaps } from '../../evidence/access-log.ts';
import { statusRanges } from '../../evidence/statuses.ts';
import { isAffordable } from '../access-log/affordable.ts';
import { selectGaps } from '../access-log/athena/gap-statement.ts';
import type { Rows } from '../access-log/athena/rows.ts';
import { withScanBeside } from '../access-log/cost.ts';
import type { GapPlan } from '../access-log/gap-search.ts';
import type { LiveAccessLogOptions } from './live-log-read.ts';

/** Milliseconds to wait for it after the first query: a second query takes at least that long. */
const PATIENCE = 2000;

/**
 * Adds the scan beside the first to the estimate. Null if it does not start: because the question is not about 502s,
 * CloudWatch is known to have counted none, the files could not be listed (`isListed`), or the limit is too low for both.
 */
export async function estimateBeside(
  estimate: CostEstimate,
  isListed: boolean,
  options: LiveAccessLogOptions,
): Promise<CostEstimate | null> {
  const { counted502s = null } = options;
  if (!isListed || !asksFor502s(options)) return null;
  const count = await Promise.race([counted502s, Promise.resolve('not known yet')]).catch(() => null);
  if (count === null || count === 0) return null;
  const both = withScanBeside(estimate);
  return both !== null && isAffordable(both, options) ? both : null;
}

const asksFor502s = ({ question }: LiveAccessLogOptions): boolean =>
  statusRanges(question.statuses).some(({ from, to, madeBy }) => from <= 502 && to >= 502 && madeBy !== 'target');

export class GapsBeside {
  readonly #stopping = new AbortController();
  readonly #answer: Promise<Rows | null>;
  #isStarted = false;

  /** `run` runs the query and adds its cost; it ends soon after the signal aborts. */
  constructor(counted502s: Promise<number | null>, run: (stopping: AbortSignal) => Promise<Rows>) {
    const { signal } = this.#stopping;
    const stopped = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null)));
    this.#answer = Promise.race([counted502s, stopped])
      .then((count) => {
        if (count === null || count === 0 || signal.aborted) return null;
        this.#isStarted = true;
        return run(signal);
      })
      .catch(() => null);
  }

  /** Returns the gaps of the plan; null unless the query found exactly the requests of the plan. */
  async select(plan: GapPlan): Promise<IdleGaps[] | null> {
    if (!this.#isStarted) return null;
    const waiting = new AbortController();
    const late = pause(PATIENCE, null, { signal: waiting.signal }).catch(() => null);
    const rows = await Promise.race([this.#answer, late]).finally(() => waiting.abort());
    return rows === null ? null : selectGaps(rows, plan);
  }

  /** Stops the query and waits for its cost. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#answer;
  }
}
