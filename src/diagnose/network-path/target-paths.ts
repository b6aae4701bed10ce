/**
 * The paths to every target that is registered or in the log, separately for the traffic port and the health-check
 * port.
 */

import type { TargetGroup, TargetHealthDescription } from '../../evidence/aws.ts';
import { byText } from '../../format/by-text.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { groupBy, targetGroupName } from '../traffic.ts';
import { locate, splitTarget } from './addresses.ts';
import { NETWORK_EVIDENCE, type NetworkEvidence } from './network-evidence.ts';
import { oncePerParts } from './once-per-parts.ts';
import { pathTo } from './path.ts';
import type { PathResult } from './types.ts';

export type PathEvidence = NetworkEvidence &
  Partial<Pick<DiagnosisEvidence, 'targetGroups' | 'targetHealth' | 'traffic'>>;

export interface TargetPath {
  /** ARN. */
  targetGroup: string;
  name: string;
  /** "10.0.1.5:8080" if the address is known, else "i-0123:8080". */
  target: string;
  registered: boolean;
  /** State in describe-target-health; null if it is not registered or health was not read. */
  state: string | null;
  trafficPort: number;
  traffic: PathResult;
  /** Null without health checks, or if the port is unknown. */
  healthPort: number | null;
  health: PathResult | null;
  /** The sentence on a port that calls the target "these targets". */
  sharedSentence(port: number): string;
}

interface Endpoint {
  arn: string;
  /** Instance id or address. */
  id: string;
  address: string;
  port: number;
  description: TargetHealthDescription | null;
}

export const PATH_EVIDENCE = [...NETWORK_EVIDENCE, 'targetGroups', 'targetHealth', 'traffic'] as const;

const pathsOf = oncePerParts<readonly TargetPath[]>();

/** Sorted by target group, then target. Lambda functions have no path. */
export const targetPaths = (evidence: PathEvidence): readonly TargetPath[] =>
  pathsOf(
    PATH_EVIDENCE.map((name) => evidence[name]),
    () => judgeTargets(evidence),
  );

function judgeTargets(evidence: PathEvidence): TargetPath[] {
  const endpoints = [...registeredEndpoints(evidence), ...loggedEndpoints(evidence)];
  return [...groupBy(endpoints, ({ arn, address, port }) => `${arn} ${address}:${port}`)]
    .sort(([a], [b]) => byText(a, b))
    .flatMap(([, [first]]) => (first ? [targetPathOf(first, evidence)] : []));
}

function targetPathOf({ arn, id, address, port, description }: Endpoint, evidence: PathEvidence): TargetPath {
  const group = evidence.targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === arn);
  const from = { vpcId: group?.VpcId };
  const healthPort = healthPortOf(group, description, port);
  const traffic = pathTo(id, port, evidence, from);
  return {
    targetGroup: arn,
    name: targetGroupName(arn),
    target: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    registered: description !== null,
    state: description?.TargetHealth?.State ?? null,
    trafficPort: port,
    traffic,
    healthPort,
    health: healthPort === null ? null : healthPort === port ? traffic : pathTo(id, healthPort, evidence, from),
    sharedSentence: (ofPort) => pathTo(id, ofPort, evidence, { ...from, name: 'these targets' }).sentence,
  };
}

/** Targets of the load balancer's own groups; the evidence may contain groups of other load balancers. */
function registeredEndpoints(evidence: PathEvidence): Endpoint[] {
  return attachedGroups(evidence).flatMap((group) =>
    (evidence.targetHealth?.[group.TargetGroupArn] ?? []).flatMap((description): Endpoint[] => {
      const port = description.Target.Port ?? group.Port;
      if (port === undefined) return [];
      const id = description.Target.Id;
      const address = locate(id, evidence, group.VpcId).label;
      return [{ arn: group.TargetGroupArn, id, address, port, description }];
    }),
  );
}

function loggedEndpoints({ traffic }: PathEvidence): Endpoint[] {
  return (traffic?.log.targets ?? []).flatMap(({ target_group_arn: arn, target }): Endpoint[] => {
    const split = splitTarget(target);
    return split ? [{ arn, id: split.address, ...split, description: null }] : [];
  });
}

/** Target groups that the load balancer forwards to, except Lambda groups. */
export function attachedGroups({
  loadBalancer,
  targetGroups,
  traffic,
}: Partial<Pick<DiagnosisEvidence, 'loadBalancer' | 'targetGroups' | 'traffic'>>): TargetGroup[] {
  const used = new Set((traffic?.log.targets ?? []).map(({ target_group_arn }) => target_group_arn));
  return (targetGroups ?? []).filter(({ TargetType, TargetGroupArn, LoadBalancerArns }) => {
    if (TargetType === 'lambda') return false;
    if (used.has(TargetGroupArn) || !LoadBalancerArns || !loadBalancer) return true;
    return LoadBalancerArns.includes(loadBalancer.LoadBalancerArn);
  });
}

/** The port in the target's health, else the group's: a number or "traffic-port". */
export function healthPortOf(
  group: TargetGroup | undefined,
  description: TargetHealthDescription | null,
  trafficPort: number,
): number | null {
  if (!group || group.HealthCheckEnabled === false) return null;
  const port = description?.HealthCheckPort ?? group.HealthCheckPort ?? 'traffic-port';
  return port === 'traffic-port' ? trafficPort : Number.isInteger(Number(port)) ? Number(port) : null;
}
