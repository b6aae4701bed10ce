/**
 * Short descriptions of connect timeouts to 10.0.1.5:8080 from a node in subnet-a, in the network of
 * ../network-path/network.ts.
 */

import type { ConnectTimeoutEvidence } from '../../../src/diagnose/connect-timeouts/connect-timeout-evidence.ts';
import type { FailedRequest, TargetTraffic } from '../../../src/evidence/access-log.ts';
import type { CloudTrailEvent, TargetGroup, TargetHealthDescription } from '../../../src/evidence/aws.ts';
import type { FlatJudgement } from '../judgement.ts';
import { API, failed, LB, START, several, target, trafficOf } from '../traffic/traffic-builder.ts';
import { network } from './network.ts';

const TARGET = '10.0.1.5:8080';
export const NODE = '10.0.8.7';

/** Seconds after the start of the window, as epoch milliseconds. */
export const at = (second: number): number => START + second * 1000;

/** Six timeouts 10 s apart, the first connection begun at 50 s, the last ended at 110 s. */
export const timeouts = (fields: Partial<FailedRequest> = {}): FailedRequest[] =>
  several(6, 'connect-timeout', () => ({ node: NODE, elapsed: 10.001, ...fields }));

export const refusedErrors = (count: number): FailedRequest[] =>
  several(count, 'connect-failed', () => ({ node: NODE, elapsed: 0.003 }));

export const raceError = (): FailedRequest => failed('closed-before-response', 100, { node: NODE });

/** The target as the log has it: by default it answered until the first timeout, and gets requests to the end. */
export const targetTraffic = (part: Partial<TargetTraffic> = {}): TargetTraffic =>
  target(TARGET, { node: NODE, lastSuccess: at(40), ...part });

export const group = (part: Partial<TargetGroup> = {}): TargetGroup => ({
  TargetGroupArn: API,
  TargetGroupName: 'api',
  Protocol: 'HTTP',
  Port: 8080,
  VpcId: 'vpc-1',
  TargetType: 'ip',
  HealthCheckPort: 'traffic-port',
  HealthCheckProtocol: 'HTTP',
  LoadBalancerArns: [LB],
  ...part,
});

export const health = (State: string, Reason?: string, Id = '10.0.1.5'): TargetHealthDescription => ({
  Target: { Id, Port: 8080 },
  TargetHealth: { State, ...(Reason ? { Reason } : {}) },
});

/** A call that CloudTrail recorded `second` seconds after the start of the window. */
export const call = (EventName: string, id: string, second: number, more: object = {}): CloudTrailEvent => ({
  EventName,
  EventTime: new Date(at(second)).toISOString(),
  CloudTrailEvent: JSON.stringify({ requestParameters: { groupId: id, ...more } }),
});

export interface EvidenceOptions {
  errors?: FailedRequest[];
  targets?: TargetTraffic[];
  /** What else is known; undefined takes something away. */
  known?: { [Name in keyof ConnectTimeoutEvidence]?: ConnectTimeoutEvidence[Name] | undefined };
}

/** By default the open network, health checks that time out, and no changes. */
export function connectTimeoutEvidence({
  errors = timeouts(),
  targets = [targetTraffic()],
  known = {},
}: EvidenceOptions = {}): ConnectTimeoutEvidence {
  const entire = {
    ...network,
    targetGroups: [group()],
    targetHealth: { [API]: [health('unhealthy', 'Target.Timeout')] },
    changes: [],
    ...known,
    traffic: trafficOf(errors, { targets }),
  };
  const seen: ConnectTimeoutEvidence = { traffic: entire.traffic };
  return Object.assign(seen, Object.fromEntries(Object.entries(entire).filter(([, value]) => value !== undefined)));
}

/** "confirmed 6", "likely 4, possible 2", "ruled out" or "no claim". */
export function describeJudgement({ claims, ruledOut }: FlatJudgement): string {
  const made = claims.filter(({ errors }) => errors.length > 0);
  if (made.length === 0) return ruledOut ? 'ruled out' : 'no claim';
  return made.map(({ strength, errors }) => `${strength} ${errors.length}`).join(', ');
}
