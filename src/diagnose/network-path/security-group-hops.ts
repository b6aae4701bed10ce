/** The two hops through security groups: out of the load balancer, into the target. */

import { list } from '../../format/wording.ts';
import { authorizeEgress, authorizeIngress, loadBalancerSubnet } from './allow-commands.ts';
import { type AddressFamily, type AddressPortRange, addressText, coveredShare, ports } from './cidr-ranges.ts';
import type { NetworkEvidence } from './network-evidence.ts';
import {
  checkSecurityGroups,
  type Direction,
  describeRules,
  type SecurityGroupResult,
} from './security-group-rules.ts';
import {
  type Barrier,
  type Drop,
  type HopResult,
  mergeHops,
  missingHop,
  noDrop,
  type PathBlockText,
  type PathQuery,
} from './types.ts';

/** Out of the load balancer: evaluates its own groups, which all nodes share. */
export function loadBalancerEgress(query: PathQuery): HopResult {
  const { target, port, nodes, loadBalancerGroups, net } = query;
  if (loadBalancerGroups === null || loadBalancerGroups.length === 0) {
    return missingHop('security-group', "the load balancer's security groups");
  }
  const wanted = [{ addresses: target.range, ports: ports(port) }];
  const passage = checkSecurityGroups('out', loadBalancerGroups, wanted, target, net);
  const verdict = blockedShare(passage, wanted, target.certain, `the address of ${target.label}`);
  if (verdict.share === 0)
    return { ...missingHop('security-group', ...verdict.missing), allowed: passage.allowingRules };

  const describe = (): PathBlockText => ({
    by: 'security-group',
    sentence: `${list(loadBalancerGroups)} of the load balancer ${allowVerb(loadBalancerGroups)} no TCP ${port} to ${target.label}; ${existingRulesText('out', loadBalancerGroups, passage, net)}`,
    remedy: `Allow TCP ${port} to ${target.groups?.[0] ?? target.label} in ${loadBalancerGroups[0]}, a security group of the load balancer.`,
    commands: [authorizeEgress(query, loadBalancerGroups)],
    missingAllowRules: [],
    resources: loadBalancerGroups,
    danglingReferences: [...passage.inactivePeeringGroups, ...passage.unattachedGroups],
  });
  return { ...noDrop, drops: nodes.map((node) => ({ key: 'leave', node, share: 1, boxes: passage.rest, describe })) };
}

/**
 * Into the target: evaluates its interface's groups for each node, because CIDR rules may cover one subnet and not
 * another.
 */
export function targetIngress(query: PathQuery): HopResult {
  const { target, port, nodes, loadBalancerGroups, net } = query;
  const groups = target.groups;
  if (groups === null) return missingHop('security-group', ...target.missing);

  const hops = nodes.map((node): HopResult => {
    const wanted = node.ranges.map((addresses) => ({ addresses, ports: ports(port) }));
    const peer = { family: target.family, groups: loadBalancerGroups, label: 'the load balancer' };
    const passage = checkSecurityGroups('in', groups, wanted, peer, net);
    const verdict = blockedShare(passage, wanted, node.certain, `the addresses of ${node.label}`);
    if (verdict.share === 0)
      return { ...missingHop('security-group', ...verdict.missing), allowed: passage.allowingRules };
    const describe = (drops: Drop[]): PathBlockText => ({
      by: 'security-group',
      ...barrierOf({
        groups: list(groups),
        target: target.label,
        text: ingressSentence(query, drops, groups, passage),
      }),
      remedy: `Allow TCP ${port} from ${loadBalancerGroups?.[0] ?? loadBalancerSubnet(query) ?? 'the load balancer'} in ${groups[0] ?? `a security group of ${target.label}`}.`,
      commands: [authorizeIngress(query, groups)],
      missingAllowRules: [],
      resources: groups,
      danglingReferences: [...passage.inactivePeeringGroups, ...passage.unattachedGroups],
    });
    return { ...noDrop, drops: [{ key: 'enter', node, share: verdict.share, boxes: passage.rest, describe }] };
  });
  return mergeHops(hops);
}

const barrierOf = (barrier: Barrier): Pick<PathBlockText, 'sentence' | 'barrier'> => ({
  sentence: `${barrier.groups} of ${barrier.target} ${barrier.text}`,
  barrier,
});

function ingressSentence(query: PathQuery, drops: Drop[], groups: string[], passage: SecurityGroupResult): string {
  const { nodes, port, target, loadBalancerGroups, net } = query;
  const does = groups.length === 1 ? 'does not allow' : 'do not allow';
  if (drops.length === nodes.length && drops.every(({ share }) => share === 1)) {
    const sources = loadBalancerGroups?.length
      ? `the load balancer (${list(loadBalancerGroups)})`
      : 'the load balancer';
    return `${does} TCP ${port} from ${sources}; ${existingRulesText('in', groups, passage, net)}`;
  }
  const parts = drops.map(({ node, boxes }) => `${addressesText(boxes, target.family)} in ${node.label}`);
  return `${does} TCP ${port} from ${list(parts)}, a part of the load balancer`;
}

/** Describes the existing rules instead of the missing one; a reference to an unattached group explains the most. */
function existingRulesText(
  direction: Direction,
  groups: string[],
  { unattachedGroups, inactivePeeringGroups }: SecurityGroupResult,
  net: NetworkEvidence,
): string {
  const [verb, carrier] = ['allows', `the ${direction === 'in' ? 'load balancer' : 'target'} does not use`];
  const pronoun = groups.length === 1 ? 'it' : 'they';
  const does = groups.length === 1 ? verb : verb.slice(0, -1);
  if (inactivePeeringGroups.length > 0)
    return `on that port ${pronoun} ${does} ${list(inactivePeeringGroups)}, over a VPC peering that is not active`;
  if (unattachedGroups.length > 0) return `on that port ${pronoun} ${does} ${list(unattachedGroups)}, which ${carrier}`;
  const rules = describeRules(direction, groups, net);
  return rules.length === 0
    ? `${pronoun} ${groups.length === 1 ? 'has' : 'have'} no ${direction === 'in' ? 'inbound' : 'outbound'} rule for TCP`
    : `${pronoun} ${does} ${list(rules)}`;
}

/** The blocked share: all of it if no rule allows any part. A part of unknown addresses is uncertain, not blocked. */
function blockedShare(
  passage: SecurityGroupResult,
  wanted: AddressPortRange[],
  certain: boolean,
  unknown: string,
): { share: number; missing: string[] } {
  const share = coveredShare(passage.rest, wanted);
  if (passage.rest.length === 0) return { share: 0, missing: [] };
  if (passage.missing.length > 0) return { share: 0, missing: passage.missing };
  if (!certain && passage.allowingRules.length > 0) return { share: 0, missing: [unknown] };
  return { share, missing: [] };
}

const addressesText = (boxes: AddressPortRange[], family: AddressFamily): string =>
  addressText(
    boxes.map((box) => box.addresses),
    family,
  );

const allowVerb = (groups: string[]): string => (groups.length === 1 ? 'allows' : 'allow');
