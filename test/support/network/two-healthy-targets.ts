/**
 * Evidence for the checks of steps 2, 5 and 6 in the network of ../network-path/network.ts: two healthy targets of one
 * group.
 */

import type { CheckVerdict } from '../../../src/diagnose/check-verdict.ts';
import type { AccessLog, FailedRequest } from '../../../src/evidence/access-log.ts';
import type { TargetGroup, TargetHealthDescription } from '../../../src/evidence/aws.ts';
import { API, LB, target, trafficOf } from '../traffic/traffic-builder.ts';
import { eni, network } from './network.ts';

export const api = (part: Partial<TargetGroup> = {}): TargetGroup => ({
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

export const lambda = api({ TargetType: 'lambda', TargetGroupName: 'fn', TargetGroupArn: `${API}f` });
export const otherGroup = api({ TargetGroupName: 'billing', TargetGroupArn: `${API}b`, LoadBalancerArns: [`${LB}9`] });

export const health = (
  Id: string,
  State = 'healthy',
  part: { Reason?: string; Port?: number; HealthCheckPort?: string } = {},
): TargetHealthDescription => ({
  Target: { Id, Port: part.Port ?? 8080 },
  ...(part.HealthCheckPort ? { HealthCheckPort: part.HealthCheckPort } : {}),
  TargetHealth: { State, ...(part.Reason ? { Reason: part.Reason } : {}) },
});

const answering = [target('10.0.1.5:8080', { requests: 600 }), target('10.0.1.6:8080', { requests: 400 })];

export const traffic = (errors: FailedRequest[] = [], part: Partial<AccessLog> = {}) =>
  trafficOf(errors, { targets: answering, ...part });

export const baseEvidence = {
  ...network,
  networkInterfaces: [eni('10.0.1.5'), eni('10.0.1.6')],
  targetGroups: [api()],
  targetHealth: { [API]: [health('10.0.1.5'), health('10.0.1.6')] },
  traffic: traffic(),
};

/** "fail: api …" */
export const describeVerdict = ({ outcome, summary }: CheckVerdict): string => `${outcome}: ${summary}`;
