import type { FailureShape } from './evidence.ts';

/** What the load balancer experienced. Ids are a contract: JSON, tests, links. */
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
