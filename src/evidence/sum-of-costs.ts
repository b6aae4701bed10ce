import type { Cost } from './access-log.ts';

/** Returns the sum of two costs. */
export const sumOfCosts = (first: Cost, second: Cost): Cost => ({
  bytesScanned: first.bytesScanned + second.bytesScanned,
  usd: first.usd + second.usd,
  queries: first.queries + second.queries,
});
