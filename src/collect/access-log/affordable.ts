/** Checks a read's cost against the spending limit. Pure. */
import type { CostEstimate } from '../../evidence/access-log.ts';
import { formatDollars } from '../../format/amounts.ts';
import { AccessLogError } from './access-log-error.ts';
import { estimateWords } from './cost.ts';

/** US dollars: the maximum (null for no limit), and what earlier attempts at this question cost. */
interface SpendingLimit {
  maxUsd: number | null;
  spentUsd?: number;
}

/** False if a read may cost more than allowed, or has no known upper bound. */
export const isAffordable = ({ atMost }: CostEstimate, { maxUsd, spentUsd = 0 }: SpendingLimit): boolean =>
  maxUsd === null || (atMost !== null && spentUsd + atMost.usd <= maxUsd);

/** Throws AccessLogError if a read may cost more than allowed, or has no known upper bound. */
export function assertAffordable(estimate: CostEstimate, limit: SpendingLimit): void {
  if (isAffordable(estimate, limit)) return;
  const { maxUsd, spentUsd = 0 } = limit;
  const spent = spentUsd === 0 ? '' : `, of which ${formatDollars(spentUsd)} was spent`;
  throw new AccessLogError(
    'too-much',
    `reading it could cost more than $${maxUsd}${spent} (${estimateWords(estimate)}): raise --max-usd, or maxUsd of the configuration, or ask for a shorter window`,
  );
}
