/** The cost of reading one access log: estimated before each read, and added up while reading. */

import type { Cost, CostEstimate, LogReadMethod } from '../../evidence/access-log.ts';
import { sumOfCosts } from '../../evidence/sum-of-costs.ts';
import { NO_COST, priceWords, sumOfEstimates } from '../access-log/cost.ts';
import { type LogPlace, logAt } from '../access-log/log-place.ts';

export class ReadCost {
  readonly #onEstimate: ((sentence: string) => void) | undefined;
  #total: Cost = NO_COST;
  #estimate: CostEstimate | null = null;

  constructor(onEstimate: ((sentence: string) => void) | undefined) {
    this.#onEstimate = onEstimate;
  }

  /** Includes the cost of failed attempts. */
  get total(): Cost {
    return this.#total;
  }

  /** Announces how log files are read, before they are read; the answer's estimate includes earlier attempts. */
  begin(place: LogPlace, how: string, estimate: CostEstimate): LogReadMethod {
    this.#onEstimate?.(`Reading ${how}; estimated ${priceWords(estimate)}.`);
    this.#estimate = this.#estimate === null ? estimate : sumOfEstimates(this.#estimate, estimate);
    return { how, estimate: this.#estimate, from: logAt(place) };
  }

  /** Adds a cost and returns the total so far. */
  spend(cost: Cost): Cost {
    this.#total = sumOfCosts(this.#total, cost);
    return this.#total;
  }
}
