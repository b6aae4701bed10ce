import { accessLogging } from './access-logging.ts';
import { bursts } from './bursts.ts';
import type { Check } from './check.ts';
import { concentration } from './concentration.ts';
import { deregistrationDelay } from './deregistration-delay.ts';
import { errorOrigin } from './error-origin.ts';
import { errorReason } from './error-reason.ts';
import { errorSignatures } from './error-signatures.ts';
import { errorsByDeployment } from './errors-by-deployment.ts';
import { failingRoutesCheck } from './failing-routes.ts';
import { healthPortPath } from './health-port-path.ts';
import { identityProviderEgress } from './identity-provider-egress.ts';
import { idleTimeout } from './idle-timeout.ts';
import { lambdaConfiguration } from './lambda-configuration.ts';
import { lambdaResponse } from './lambda-response.ts';
import { listenerPortIngress } from './listener-port-ingress.ts';
import { listenerProtocol } from './listener-protocol.ts';
import { loadBalancerState } from './load-balancer-state.ts';
import { logCompleteness } from './log-completeness.ts';
import { measuredKeepAlive } from './measured-keep-alive.ts';
import { rateAgainstTrafficCheck } from './rate-against-traffic.ts';
import { recentChanges } from './recent-changes.ts';
import { registeredPort } from './registered-port.ts';
import { requestPath } from './request-path.ts';
import { securityGroupReferences } from './security-group-references.ts';
import { targetChurn } from './target-churn.ts';
import { targetGroupProtocol } from './target-group-protocol.ts';
import { targetGroupProtocolVersion } from './target-group-protocol-version.ts';
import { targetHealth } from './target-health.ts';
import { trafficDistribution } from './traffic-distribution.ts';
import { trafficPortPath } from './traffic-port-path.ts';
import { unhealthyHostsInMetrics } from './unhealthy-hosts-in-metrics.ts';

const inOrder = [
  accessLogging,
  logCompleteness,
  requestPath,
  errorOrigin,
  errorSignatures,
  errorReason,
  concentration,
  bursts,
  targetGroupProtocol,
  targetGroupProtocolVersion,
  registeredPort,
  listenerProtocol,
  idleTimeout,
  measuredKeepAlive,
  rateAgainstTrafficCheck,
  failingRoutesCheck,
  lambdaResponse,
  trafficPortPath,
  healthPortPath,
  securityGroupReferences,
  listenerPortIngress,
  identityProviderEgress,
  targetHealth,
  unhealthyHostsInMetrics,
  targetChurn,
  trafficDistribution,
  deregistrationDelay,
  loadBalancerState,
  lambdaConfiguration,
  errorsByDeployment,
  recentChanges,
] as const;

export type CheckId = (typeof inOrder)[number]['id'];

/** The checklist, in reading order. To add a check, add its file, its test, and its import and line above. */
export const checklist: readonly (Check & { id: CheckId })[] = inOrder;

/** The definition of a check; undefined for a finding from a version with other checks. */
export const checkOf = (id: string): Check | undefined => checklist.find((check) => check.id === id);
