/** Every 5xx row with a target, asked about or not, with the time it was sent: what events are found in. */
import type { FailedRequest } from '../../evidence/evidence.ts';
import { type SignatureId, signature } from '../signature.ts';
import { oncePerTraffic, type SampledError, type Traffic } from '../traffic.ts';

export interface SentFailure {
  request: FailedRequest;
  signature: SignatureId;
  /** Epoch milliseconds: sent to the target, or first tried to. */
  sent: number;
  /** The target did not answer; false where it sent a status itself. */
  unanswered: boolean;
  /** How many failures it stands for: more than 1 where the rows were capped. */
  weight: number;
  /** Null where it was not asked about. */
  error: SampledError | null;
}

/** By the time they were sent, then by row. */
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

/** As the runs of the access log count it: the end less the target's time, else the creation and the time until it was sent. */
function sentAt({ at, elapsed, request_processing_time, target_processing_time }: FailedRequest): number {
  if (target_processing_time >= 0) return at - Math.round(target_processing_time * 1000);
  if (elapsed === null) return at;
  return at - elapsed * 1000 + Math.max(0, request_processing_time) * 1000;
}
