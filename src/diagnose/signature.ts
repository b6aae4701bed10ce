import type { FailedRequest, FailureShape } from '../evidence/access-log.ts';

/** What the load balancer observed. JSON, tests and links depend on these ids. */
export const SIGNATURE_IDS = [
  'client-closed',
  'target-response',
  'lambda-failure',
  'authentication-failure',
  'waf-failure',
  'fixed-response',
  'no-target',
  'connect-failed',
  'connect-timeout',
  'idle-timeout',
  'no-response-aborted',
  'closed-before-response',
  'inconsistent',
  'other',
] as const;

export type SignatureId = (typeof SIGNATURE_IDS)[number];

/** No target received these requests: the load balancer answered itself or had no connection. */
export const WITHOUT_TARGET: ReadonlySet<SignatureId> = new Set([
  'authentication-failure',
  'waf-failure',
  'fixed-response',
  'no-target',
  'connect-failed',
  'connect-timeout',
]);

/**
 * Seconds. The load balancer gives up connecting to a target after 10 s (load-balancer-troubleshooting.html, HTTP 504),
 * and rows show 10.000 to 10.05 s. A failure before CONNECT_TIMEOUT_FROM, or at CONNECT_TIMEOUT_TO or later, is not
 * that timeout.
 */
export const CONNECT_TIMEOUT_FROM = 9.5;
export const CONNECT_TIMEOUT_TO = 11;

/**
 * Seconds. A target that closed the connection before the request arrived answers with a reset, one round trip after
 * the request (0 to 0.05 s in public logs). A full second leaves room for a lost packet; a row that waited longer was
 * no keep-alive race.
 */
export const RACE_WITHIN = 1;

type ElapsedClass = NonNullable<FailureShape['elapsed']>;

/** The classes of wall duration that signatures distinguish; null if unknown. */
export function elapsedClass(seconds: number | null): ElapsedClass | null {
  if (seconds === null) return null;
  if (seconds < CONNECT_TIMEOUT_FROM) return 'under-9.5s';
  return seconds < CONNECT_TIMEOUT_TO ? '9.5-11s' : 'from-11s';
}

/**
 * The fields that determine a signature. A FailureShape has them; `signatureFields` derives them from a failed request.
 */
export interface SignatureFields {
  elb_status_code: string;
  target_status_code: string;
  /** Seconds, or -1; a FailureShape has 0 for every value but -1. */
  request_processing_time: number;
  target_processing_time: number;
  response_processing_time: number;
  elapsed: ElapsedClass | null;
  error_reason: string;
  /** Whether the executed actions include fixed-response. */
  fixedResponse: boolean;
  hasTarget: boolean;
  hasTargetGroup: boolean;
}

/** The fields of a FailedRequest that determine its signature; `elapsed` in seconds. */
export type SignatureSource = Pick<
  FailedRequest,
  | 'elb_status_code'
  | 'target_status_code'
  | 'request_processing_time'
  | 'target_processing_time'
  | 'response_processing_time'
  | 'elapsed'
  | 'error_reason'
  | 'actions_executed'
  | 'target'
  | 'target_group_arn'
>;

export function signatureFields(request: SignatureSource): SignatureFields {
  return {
    elb_status_code: request.elb_status_code,
    target_status_code: request.target_status_code,
    request_processing_time: request.request_processing_time,
    target_processing_time: request.target_processing_time,
    response_processing_time: request.response_processing_time,
    elapsed: elapsedClass(request.elapsed),
    error_reason: request.error_reason,
    fixedResponse: request.actions_executed.split(',').includes('fixed-response'),
    hasTarget: request.target !== '-',
    hasTargetGroup: request.target_group_arn !== '-',
  };
}

/**
 * The signature of one entry, from the entry alone: the first match of the contract's rows 1 to 13, in their order.
 * Rows 6 to 11 are the load balancer's own answers, so their target status must be "-"; a row with a target status but
 * no response time contradicts itself. Rows 7 and 8 need the wall duration; a row without one is `inconsistent`.
 */
export function signature(failure: SignatureFields | SignatureSource): SignatureId {
  const fields = 'hasTarget' in failure ? failure : signatureFields(failure);
  const { elb_status_code: status, target_status_code: targetStatus } = fields;
  if (status === '460') return 'client-closed';
  if (targetStatus !== '-' && targetStatus === status) return 'target-response';
  const reason = reasonSignature(fields.error_reason);
  if (reason !== null) return reason;
  if (status === '561' || status === '562') return 'authentication-failure';
  if (fields.fixedResponse) return 'fixed-response';
  if (status !== '502' && status !== '503' && status !== '504') return 'other';
  return targetStatus === '-' ? loadBalancerAnswer(fields) : 'inconsistent';
}

/** Classifies the load balancer's own 502, 503 and 504 by where the three times stop. */
function loadBalancerAnswer(fields: SignatureFields): SignatureId {
  const status = fields.elb_status_code;
  const times = requestProgress(fields);
  if (status === '503') return !fields.hasTarget && fields.hasTargetGroup ? 'no-target' : 'inconsistent';
  if (times === 'nothing' && fields.hasTarget) {
    if (status === '502' && fields.elapsed === 'under-9.5s') return 'connect-failed';
    if (status === '504' && fields.elapsed === '9.5-11s') return 'connect-timeout';
  }
  if (times === 'dispatched') return status === '504' ? 'idle-timeout' : 'no-response-aborted';
  if (times === 'waited' && status === '502') return 'closed-before-response';
  return 'inconsistent';
}

/** How far the request got according to its times: `-1 -1 -1`, `x -1 -1`, `x t -1`, or another combination. */
function requestProgress(fields: SignatureFields): 'nothing' | 'dispatched' | 'waited' | 'otherwise' {
  const dispatched = fields.request_processing_time >= 0;
  const waited = fields.target_processing_time >= 0;
  if (fields.response_processing_time >= 0) return 'otherwise';
  if (dispatched) return waited ? 'waited' : 'dispatched';
  return waited ? 'otherwise' : 'nothing';
}

/** Classifies by the documented prefixes of error_reason (load-balancer-access-logs.html, error reason codes). */
function reasonSignature(reason: string): SignatureId | null {
  if (reason.startsWith('Lambda')) return 'lambda-failure';
  if (/^(?:Auth|JWT|JWKS)/.test(reason)) return 'authentication-failure';
  return reason.startsWith('WAF') ? 'waf-failure' : null;
}
