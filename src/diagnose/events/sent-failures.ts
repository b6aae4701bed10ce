/** All 5xx rows with a target, asked or not, with their send times; events are found among them. */
import type { FailedRequest } from '../../evidence/access-log.ts';
import { type SignatureId, signature } from '../signature.ts';
import { oncePerTraffic, type SampledError, type Traffic } from '../traffic.ts';

export interface SentFailure {
  request: FailedRequest;
  signature: SignatureId;
  /** Epoch milliseconds when the request was sent to the target, or first tried. */
  sent: number;
  /** False if the target sent the status itself. */
  unanswered: boolean;
  /** Number of failures that the row represents; more than 1 if rows were sampled. */
  weight: number;
  /** Null if it is not an asked error. */
  error: SampledError | null;
}

/** Sorted by send time, then by row. */
export const sentFailures = oncePerTraffic((traffic: Traffic): SentFailure[] => {
  const { failures, failuresTotal } = traffic.log;
  const asked = new Map(traffic.errors.map((error) => [error.row, error]));
  const weight = failures.length === 0 ? 1 : failuresTotal / failures.length;
  return failures
    .map((request, row) => ({ request, row, error: asked.get(row) ?? null }))
    .filter(({ request }) => request.target !== '-' && request.elb_status_code.startsWith('5'))
    .map(({ request, row, error }) => ({
      row,
      request,
      signature: error?.signature ?? signature(request),
      sent: sentAt(request),
      unanswered: request.target_status_code === '-',
      weight: error?.weight ?? weight,
      error,
    }))
    .sort((a, b) => a.sent - b.sent || a.row - b.row);
});

/**
 * The end minus the target's time, else the creation plus the time until the request was sent. The access log's runs
 * are computed the same way.
 */
function sentAt({ at, elapsed, request_processing_time, target_processing_time }: FailedRequest): number {
  if (target_processing_time >= 0) return at - Math.round(target_processing_time * 1000);
  if (elapsed === null) return at;
  return at - elapsed * 1000 + Math.max(0, request_processing_time) * 1000;
}
