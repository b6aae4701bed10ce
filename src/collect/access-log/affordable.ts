/** Whether a read may cost what it can cost. Pure. */
import type { CostEstimate } from '../../evidence/evidence.ts';
import { formatDollars } from '../../render/phrases.ts';
import { AccessLogError } from './access-log-error.ts';
import { estimateWords } from './cost.ts';

/** US dollars: the most, null for no limit, and what earlier asks of the question have cost. */
export interface SpendingLimit {
  maxUsd: number | null;
  spentUsd?: number;
}

/** Throws AccessLogError where a read can cost more than is allowed, or nobody can tell. */
export function assertAffordable(estimate: CostEstimate, { maxUsd, spentUsd = 0 }: SpendingLimit): void {
  if (maxUsd === null || (estimate.atMost !== null && spentUsd + estimate.atMost.usd <= maxUsd)) return;
  const spent = spentUsd === 0 ? '' : `, of which ${formatDollars(spentUsd)} was spent`;
  throw new AccessLogError(
    'too-much',
    `reading it could cost more than $${maxUsd}${spent} (${estimateWords(estimate)}): raise --max-usd, or maxUsd of the configuration, or ask for a shorter window`,
  );
}
