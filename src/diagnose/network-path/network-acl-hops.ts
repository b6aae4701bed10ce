/**
 * The hops through network ACLs: for each load balancer subnet and the target's subnet, the request and its response.
 */

import type { NetworkAcl } from '../../evidence/aws.ts';
import { list, percent } from '../../format/wording.ts';
import type { NodePlace } from './addresses.ts';
import { allowRuleCommands } from './allow-commands.ts';
import { addressText, coveredShare, type IntegerRange, ports, portText } from './cidr-ranges.ts';
import { aclOfSubnet, denials, EPHEMERAL, ruleName } from './network-acl-rules.ts';
import type { Direction } from './security-group-rules.ts';
import {
  type Drop,
  type HopResult,
  type MissingAllowRule,
  mergeHops,
  missingHop,
  noDrop,
  type PathBlockText,
  type PathQuery,
  subnetText,
  unique,
} from './types.ts';

/** Evaluates both network ACLs, in both directions, for every load balancer subnet other than the target's own. */
export function subnetAclHops(query: PathQuery): HopResult[] {
  const { target, nodes, net } = query;
  const away = nodes.filter((node) => node.subnetId === null || node.subnetId !== target.subnetId);
  if (away.length === 0) return [{ ...noDrop, allowed: ['network ACLs are not asked inside one subnet'] }];
  if (net.networkAcls === undefined) return [missingHop('network-acl', 'the network ACLs')];

  const outside = away.map((node) => checkAcl(query, node, 'load balancer'));
  const inside = away.map((node) => checkAcl(query, node, 'target'));
  const hop = mergeHops([...outside, ...inside]);
  return [{ ...hop, allowed: ['the network ACLs allow it both ways'] }];
}

function checkAcl(query: PathQuery, node: NodePlace, side: 'load balancer' | 'target'): HopResult {
  const { target, net } = query;
  const subnetId = side === 'target' ? target.subnetId : node.subnetId;
  if (subnetId === null)
    return missingHop('network-acl', `the subnet of ${side === 'target' ? target.label : 'the load balancer'}`);
  const acl = aclOfSubnet(subnetId, net.networkAcls);
  if (!acl) return missingHop('network-acl', `the network ACL of ${subnetId}`);
  const there = side === 'target' ? 'in' : 'out';
  const back = side === 'target' ? 'out' : 'in';
  return mergeHops([
    aclHop(query, { node, side, acl, subnetId, direction: there, portRange: ports(query.port), answers: false }),
    aclHop(query, { node, side, acl, subnetId, direction: back, portRange: EPHEMERAL, answers: true }),
  ]);
}

interface AclCheck {
  node: NodePlace;
  side: 'load balancer' | 'target';
  acl: NetworkAcl;
  subnetId: string;
  direction: Direction;
  portRange: IntegerRange;
  answers: boolean;
}

function aclHop(query: PathQuery, check: AclCheck): HopResult {
  const { target } = query;
  const { node, side, acl, direction, portRange } = check;
  const peers = side === 'target' ? node.ranges : [target.range];
  const certain = side === 'target' ? node.certain : target.certain;
  const wanted = peers.map((range) => ({ addresses: range, ports: portRange }));
  const denied = denials(acl, direction, wanted, target.family);
  const boxes = denied.flatMap((denial) => denial.boxes);
  const share = coveredShare(boxes, wanted);
  if (boxes.length === 0) return noDrop;
  if (!certain && share < 1)
    return missingHop('network-acl', `the addresses of ${side === 'target' ? node.label : target.label}`);

  const rule = denied[0]?.rule ?? 0;
  const describe = (drops: Drop[]): PathBlockText => {
    const missingAllowRules = missingAllowRulesOf(query, check, drops, rule);
    return {
      by: 'network-acl',
      sentence: aclSentence(query, check, drops, rule),
      remedy: aclRemedy(check, missingAllowRules),
      commands: allowRuleCommands(missingAllowRules),
      missingAllowRules,
      resources: [acl.NetworkAclId],
      danglingReferences: [],
    };
  };
  const key = `${acl.NetworkAclId} ${side} ${direction}`;
  return { ...noDrop, drops: [{ key, node, share, boxes, describe }] };
}

function aclSentence({ target }: PathQuery, check: AclCheck, drops: Drop[], rule: number): string {
  const { side, acl, subnetId, direction, answers, portRange } = check;
  const boxes = drops.flatMap((drop) => drop.boxes);
  const labels = list(unique(drops.map(({ node }) => node.label)));
  const where = side === 'target' ? `(${subnetId}, the target subnet)` : `of ${labels}`;
  const peer = side === 'target' ? labels : target.label;
  const deniedPorts = portText(boxes.map((box) => box.ports));
  const share = drops.reduce((sum, drop) => sum + drop.share, 0) / drops.length;
  const packets = answers
    ? `replies on TCP ${deniedPorts}${share < 1 ? ` (${percent(share)} of the ephemeral ports)` : ''}`
    : `${share < 1 ? `${percent(share)} of the ` : ''}connections on TCP ${portText([portRange])}`;
  const inbound = direction === 'in';
  const way = answers ? (inbound ? 'from' : 'to') : inbound ? 'in from' : 'out to';
  return `${acl.NetworkAclId} ${where} drops ${packets} ${way} ${peer}: ${ruleName(rule)}`;
}

function aclRemedy({ acl, direction, portRange }: AclCheck, rules: MissingAllowRule[]): string {
  const peers = list(rules.map(({ cidr }) => cidr));
  const way =
    direction === 'in' ? `inbound TCP ${portText([portRange])} from` : `outbound TCP ${portText([portRange])} to`;
  return `In ${acl.NetworkAclId}, allow ${way} ${peers}.`;
}

/** The entries that would let the traffic through, one for each subnet on the other side. */
function missingAllowRulesOf(
  { target, net }: PathQuery,
  check: AclCheck,
  drops: Drop[],
  denying: number,
): MissingAllowRule[] {
  const { side, acl, direction, portRange } = check;
  const { family } = target;
  const blocks =
    side === 'target'
      ? drops.map(({ node }) => subnetText(node.subnetId, net, family) ?? addressText(node.ranges, family))
      : [subnetText(target.subnetId, net, family) ?? addressText([target.range], family)];
  return unique(blocks).map((block) => ({
    acl,
    direction,
    denying,
    family,
    cidr: block.includes('/') ? block : `${block}/${family === 4 ? 32 : 128}`,
    ports: portRange,
  }));
}
