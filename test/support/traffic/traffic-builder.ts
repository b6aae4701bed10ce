/** Builds the traffic of a test from a few words: errors by what the load balancer experienced, and the log around them. */

import type { SignatureId } from '../../../src/diagnose/signature.ts';
import { groupBy, readTraffic, type Traffic } from '../../../src/diagnose/traffic.ts';
import type { AccessLog, FailedRequest, FailureShape, TargetTraffic } from '../../../src/evidence/access-log.ts';
import type { Question } from '../../../src/evidence/question.ts';

export const START = Date.UTC(2026, 10, 20, 2, 40);
export const MINUTE = 60_000;
export const API = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/0123456789abcdef';
export const LB = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop-prod/50dc6c495c0c9188';

/** 02:40 to 02:55 UTC, asked an hour later. */
export const question: Question = {
  loadBalancer: { name: 'shop-prod', arn: LB },
  from: START,
  to: START + 15 * MINUTE,
  now: START + 75 * MINUTE,
  statuses: ['5xx'],
};

const SHAPES: Record<SignatureId, Partial<FailedRequest>> = {
  'client-closed': { elb_status_code: '460', request_processing_time: 0.001, elapsed: 5 },
  'target-response': {
    elb_status_code: '500',
    target_status_code: '500',
    request_processing_time: 0.001,
    target_processing_time: 0.02,
    response_processing_time: 0,
    elapsed: 0.021,
  },
  'lambda-failure': {
    error_reason: 'LambdaUnhandled',
    target: '-',
    request_processing_time: 0,
    target_processing_time: 0.2,
    response_processing_time: 0,
    elapsed: 0.2,
  },
  'authentication-failure': {
    elb_status_code: '500',
    error_reason: 'AuthTokenEpRequestTimeout',
    target: '-',
    elapsed: 5.001,
    actions_executed: 'authenticate',
  },
  'waf-failure': {
    elb_status_code: '500',
    error_reason: 'WAFConnectionTimeout',
    target: '-',
    actions_executed: 'waf-failed',
  },
  'fixed-response': { elb_status_code: '503', target: '-', target_group_arn: '-', actions_executed: 'fixed-response' },
  'no-target': { elb_status_code: '503', target: '-' },
  'connect-failed': {},
  'connect-timeout': { elb_status_code: '504', elapsed: 10.001 },
  'idle-timeout': { elb_status_code: '504', request_processing_time: 0.001, elapsed: 60.004 },
  'no-response-aborted': { request_processing_time: 0.001, elapsed: 26.358 },
  'closed-before-response': { request_processing_time: 0, target_processing_time: 0.001 },
  inconsistent: { elb_status_code: '504', elapsed: 0.01 },
  other: { elb_status_code: '501', target: '-' },
};

/** One error with this signature; `at` is in seconds after the start of the window. */
export const failed = (kind: SignatureId, at = 60, fields: Partial<FailedRequest> = {}): FailedRequest => ({
  elapsed: 0.002,
  client: 1,
  route: 'GET /orders',
  node: '10.0.0.10',
  type: 'https',
  target: '10.0.1.5:8080',
  request_processing_time: -1,
  target_processing_time: -1,
  response_processing_time: -1,
  elb_status_code: '502',
  target_status_code: '-',
  received_bytes: 300,
  sent_bytes: 277,
  target_group_arn: API,
  trace_id: `Root=1-${String(Math.round(at * 1000)).padStart(8, '0')}-000000000000000000000000`,
  matched_rule_priority: '0',
  actions_executed: 'forward',
  error_reason: '-',
  classification_reason: '-',
  retriedOk: false,
  ...SHAPES[kind],
  ...fields,
  at: START + at * 1000,
});

/** `count` errors, `every` seconds apart; `fields` may depend on the number of the error. */
export const several = (
  count: number,
  kind: SignatureId,
  fields: (index: number) => Partial<FailedRequest> = () => ({}),
  every = 10,
): FailedRequest[] => Array.from({ length: count }, (_, index) => failed(kind, 60 + index * every, fields(index)));

export const target = (address: string, part: Partial<TargetTraffic> = {}): TargetTraffic => ({
  target_group_arn: API,
  target: address,
  node: '10.0.0.10',
  requests: 1000,
  failures: 0,
  badRequests: 0,
  firstSeen: START,
  lastSeen: START + 15 * MINUTE,
  firstSuccess: START,
  lastSuccess: START + 15 * MINUTE,
  ...part,
});

/** The log around these errors: one target and 10,000 requests in 15 minutes unless `part` says otherwise. */
export function logOf(failures: FailedRequest[], part: Partial<AccessLog> = {}): AccessLog {
  const ordered = [...failures].sort((a, b) => a.at - b.at);
  const requests = part.requests ?? 10_000;
  return {
    files: { read: 9, outsideWindow: 0, connectionLogs: 0, healthCheckLogs: 0, bytes: 1_000_000, unreadable: [] },
    lines: requests,
    entries: requests,
    rejected: { lines: 0, files: 0, first: null },
    otherLoadBalancers: 0,
    oldest: START,
    newest: START + 15 * MINUTE,
    requests,
    minutes: Array.from({ length: 15 }, (_, i) => ({
      minute: START + i * MINUTE,
      requests: Math.round(requests / 15),
    })),
    targets: [target('10.0.1.5:8080', { requests, failures: failures.length })],
    statuses: [],
    failures: ordered,
    failuresTotal: ordered.length,
    failureShapes: ordered.map(shapeOf),
    failedClients: new Set(ordered.map(({ client }) => client)).size,
    retriedOk: 0,
    routes: [...groupBy(ordered, ({ route }) => route)].map(([route, own]) => ({
      route,
      requests: own.length * 50,
      failures: own.length,
      succeeded: own.length * 49,
      succeededMs: own.length * 49 * 120,
      succeededMaxMs: 900,
    })),
    idleGaps: [],
    ...part,
  };
}

export const trafficOf = (
  failures: FailedRequest[],
  part: Partial<AccessLog> = {},
  asked: Question = question,
): Traffic => readTraffic(logOf(failures, part), asked);

const edge = (time: number): -1 | 0 => (time < 0 ? -1 : 0);

function shapeOf(failure: FailedRequest): FailureShape {
  const { elapsed } = failure;
  return {
    minute: Math.floor(failure.at / MINUTE) * MINUTE,
    elb_status_code: failure.elb_status_code,
    target_status_code: failure.target_status_code,
    request_processing_time: edge(failure.request_processing_time),
    target_processing_time: edge(failure.target_processing_time),
    response_processing_time: edge(failure.response_processing_time),
    elapsed: elapsed === null ? null : elapsed < 9.5 ? 'under-9.5s' : elapsed < 11 ? '9.5-11s' : 'from-11s',
    error_reason: failure.error_reason,
    fixedResponse: failure.actions_executed.includes('fixed-response'),
    hasTarget: failure.target !== '-',
    hasTargetGroup: failure.target_group_arn !== '-',
    count: 1,
    retriedOk: 0,
  };
}
