import type { SignatureId } from '../signature.ts';
import { addressReused } from './address-reused.ts';
import { authenticationFailure } from './authentication-failure.ts';
import type { Cause } from './cause.ts';
import { clientClosed } from './client-closed.ts';
import { closedMidRequest } from './closed-mid-request.ts';
import { connectionRefused } from './connection-refused.ts';
import { deregistrationDelayElapsed } from './deregistration-delay-elapsed.ts';
import { fixedResponse } from './fixed-response.ts';
import { keepAliveRace } from './keep-alive-race.ts';
import { lambdaError } from './lambda-error.ts';
import { lambdaInvalidResponse } from './lambda-invalid-response.ts';
import { lambdaResponseTooLarge } from './lambda-response-too-large.ts';
import { lambdaThrottled } from './lambda-throttled.ts';
import { lambdaTimeout } from './lambda-timeout.ts';
import { loadBalancerImpaired } from './load-balancer-impaired.ts';
import { malformedResponse } from './malformed-response.ts';
import { networkAclBlocked } from './network-acl-blocked.ts';
import { noRegisteredTargets } from './no-registered-targets.ts';
import { protocolMismatch } from './protocol-mismatch.ts';
import { responseHeaderTooLarge } from './response-header-too-large.ts';
import { securityGroupBlocked } from './security-group-blocked.ts';
import { shutdownBeforeDrain } from './shutdown-before-drain.ts';
import { slowTarget } from './slow-target.ts';
import { slowUpload } from './slow-upload.ts';
import { targetGenerated } from './target-generated.ts';
import { targetGone } from './target-gone.ts';
import { targetOptimizer } from './target-optimizer.ts';
import { targetUnreachable } from './target-unreachable.ts';
import { tlsHandshakeFailure } from './tls-handshake-failure.ts';
import { unsupportedRequest } from './unsupported-request.ts';
import { wafFailure } from './waf-failure.ts';
import { workerTimeout } from './worker-timeout.ts';

const inOrder = [
  addressReused,
  keepAliveRace,
  connectionRefused,
  tlsHandshakeFailure,
  protocolMismatch,
  closedMidRequest,
  workerTimeout,
  malformedResponse,
  responseHeaderTooLarge,
  deregistrationDelayElapsed,
  shutdownBeforeDrain,
  securityGroupBlocked,
  networkAclBlocked,
  targetGone,
  targetUnreachable,
  slowTarget,
  slowUpload,
  lambdaError,
  lambdaTimeout,
  lambdaInvalidResponse,
  lambdaResponseTooLarge,
  lambdaThrottled,
  targetGenerated,
  noRegisteredTargets,
  fixedResponse,
  wafFailure,
  authenticationFailure,
  clientClosed,
  loadBalancerImpaired,
  targetOptimizer,
  unsupportedRequest,
] as const;

export type CauseId = (typeof inOrder)[number]['id'];

/** The root causes; their order breaks ties. To add one, add its file, its test, and its import and line above. */
export const causes: readonly (Cause & { id: CauseId })[] = inOrder;

/** In the same order. JSON, tests and links depend on them. */
export const CAUSE_IDS: readonly CauseId[] = causes.map(({ id }) => id);

export const causeOf = (id: CauseId): Cause | undefined => causes.find((cause) => cause.id === id);

/** The causes that can produce errors of a signature, in the order of `causes`. */
export const causesOf = (signature: SignatureId): CauseId[] =>
  causes.filter(({ signatures }) => signatures.includes(signature)).map(({ id }) => id);
