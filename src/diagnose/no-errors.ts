import type { CheckVerdict } from './check-verdict.ts';
import type { Traffic } from './traffic.ts';

/**
 * The verdict of an error check if there are no errors; null if there are some. A log without rows does not mean "no
 * errors".
 */
export function noErrorsVerdict({ log, errorCount }: Traffic): CheckVerdict | null {
  if (errorCount > 0) return null;
  if (log.requests === 0) {
    return { outcome: 'unknown', summary: 'The log has no entry of this load balancer in the window.' };
  }
  return { outcome: 'not-applicable', summary: 'No request in the window ended with one of these statuses.' };
}
