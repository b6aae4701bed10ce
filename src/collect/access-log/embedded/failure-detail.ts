/**
 * What is kept of a failure besides its columns, as one text: its values in order, joined by a quote, which
 * no field contains. Written by wasm/scan-lines.ts too.
 */

/** `created`: microseconds since the epoch, null if unknown. */
export interface FailureDetail {
  request_type: string;
  client_address: string;
  request_processing_time: number;
  target_processing_time: number;
  response_processing_time: number;
  received_bytes: number;
  sent_bytes: number;
  route_text: string;
  trace_id: string;
  matched_rule_priority: string;
  created: number | null;
  actions_executed: string;
  error_reason: string;
  classification_reason: string;
  by_cloudfront: boolean;
}

export function writeFailureDetail(detail: FailureDetail): string {
  return [
    detail.request_type,
    detail.client_address,
    detail.request_processing_time,
    detail.target_processing_time,
    detail.response_processing_time,
    detail.received_bytes,
    detail.sent_bytes,
    detail.route_text,
    detail.trace_id,
    detail.matched_rule_priority,
    detail.created ?? '',
    detail.actions_executed,
    detail.error_reason,
    detail.classification_reason,
    Number(detail.by_cloudfront),
  ].join('"');
}

export function readFailureDetail(text: string): FailureDetail {
  const [type = '', client = '', request, target, response, received, sent, ...texts] = text.split('"');
  const [route = '', trace = '', priority = '', created = '', actions = '', reason = '', classification = '', edge] =
    texts;
  return {
    request_type: type,
    client_address: client,
    request_processing_time: Number(request),
    target_processing_time: Number(target),
    response_processing_time: Number(response),
    received_bytes: Number(received),
    sent_bytes: Number(sent),
    route_text: route,
    trace_id: trace,
    matched_rule_priority: priority,
    created: created === '' ? null : Number(created),
    actions_executed: actions,
    error_reason: reason,
    classification_reason: classification,
    by_cloudfront: edge === '1',
  };
}
