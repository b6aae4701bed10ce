/** The order of the counted shapes of failures, the same for every engine. Pure. */
import type { FailureShape } from '../../evidence/access-log.ts';
import { byText } from '../../format/by-text.ts';

const statusNumber = (status: string): number => (status === '-' ? -1 : Number(status));

export function byShape(a: FailureShape, b: FailureShape): number {
  const nullsLast = (one: FailureShape) => one.elapsed ?? '\uffff';
  return (
    a.minute - b.minute ||
    statusNumber(a.elb_status_code) - statusNumber(b.elb_status_code) ||
    statusNumber(a.target_status_code) - statusNumber(b.target_status_code) ||
    a.request_processing_time - b.request_processing_time ||
    a.target_processing_time - b.target_processing_time ||
    a.response_processing_time - b.response_processing_time ||
    byText(nullsLast(a), nullsLast(b)) ||
    byText(a.error_reason, b.error_reason) ||
    Number(a.fixedResponse) - Number(b.fixedResponse) ||
    Number(a.hasTarget) - Number(b.hasTarget) ||
    Number(a.hasTargetGroup) - Number(b.hasTargetGroup)
  );
}
