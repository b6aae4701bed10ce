/** The hops through network ACLs: of each load balancer subnet and of the target's subnet, the request and its answers. */
import type { NetworkAcl } from '../../evidence/aws.ts';
import { list, percent } from '../../format/wording.ts';
import type { NodePlace } from './addresses.ts';
import { type Opening, openingCommands } from './allow-commands.ts';
import { addressText, ports, portText, type Range, shareOf } from './cidr-ranges.ts';
import { aclOfSubnet, denials, EPHEMERAL, ruleName } from './network-acls.ts';
import type { Direction } from './security-groups.ts';
import { type BlockText, type Cut, type Hop, type Journey, merge, open, subnetText, unique, unseen } from './types.ts';

/** Both network ACLs, there and back, for every subnet of the load balancer that is not the target's own. */
export function crossSubnets(journey: Journey): Hop[] {
  const { target, nodes, net } = journey;
  const away = nodes.filter((node) => node.subnetId === null || node.subnetId !== target.subnetId);
  if (away.length === 0) return [{ ...open, allowed: ['network ACLs are not asked inside one subnet'] }];
  if (net.networkAcls === undefined) return [unseen('network-acl', 'the network ACLs')];

  const outside = away.map((node) => checkAcl(journey, node, 'load balancer'));
  const inside = away.map((node) => checkAcl(journey, node, 'target'));
  const hop = merge([...outside, ...inside]);
  return [{ ...hop, allowed: ['the network ACLs allow it both ways'] }];
}

function checkAcl(journey: Journey, node: NodePlace, side: 'load balancer' | 'target'): Hop {
  const { target, net } = journey;
  const subnetId = side === 'target' ? target.subnetId : node.subnetId;
  if (subnetId === null)
    return unseen('network-acl', `the subnet of ${side === 'target' ? target.label : 'the load balancer'}`);
  const acl = aclOfSubnet(subnetId, net.networkAcls);
  if (!acl) return unseen('network-acl', `the network ACL of ${subnetId}`);
  const there = side === 'target' ? 'in' : 'out';
  const back = side === 'target' ? 'out' : 'in';
  return merge([
    crossAcl(journey, { node, side, acl, subnetId, direction: there, portRange: ports(journey.port), answers: false }),
    crossAcl(journey, { node, side, acl, subnetId, direction: back, portRange: EPHEMERAL, answers: true }),
  ]);
}

interface Crossing {
  node: NodePlace;
  side: 'load balancer' | 'target';
  acl: NetworkAcl;
  subnetId: string;
  direction: Direction;
  portRange: Range;
  answers: boolean;
}

function crossAcl(journey: Journey, crossing: Crossing): Hop {
  const { target } = journey;
  const { node, side, acl, direction, portRange } = crossing;
  const peers = side === 'target' ? node.ranges : [target.range];
  const certain = side === 'target' ? node.certain : target.certain;
  const wanted = peers.map((range) => ({ addresses: range, ports: portRange }));
  const denied = denials(acl, direction, wanted, target.family);
  const boxes = denied.flatMap((denial) => denial.boxes);
  const share = shareOf(boxes, wanted);
  if (boxes.length === 0) return open;
  if (!certain && share < 1)
    return unseen('network-acl', `the addresses of ${side === 'target' ? node.label : target.label}`);

  const rule = denied[0]?.rule ?? 0;
  const describe = (cuts: Cut[]): BlockText => {
    const openings = openingsOf(journey, crossing, cuts, rule);
    return {
      by: 'network-acl',
      sentence: aclSentence(journey, crossing, cuts, rule),
      commands: openingCommands(openings),
      openings,
      resources: [acl.NetworkAclId],
      danglingReferences: [],
    };
  };
  const key = `${acl.NetworkAclId} ${side} ${direction}`;
  return { ...open, cuts: [{ key, node, share, boxes, describe }] };
}

function aclSentence({ target }: Journey, crossing: Crossing, cuts: Cut[], rule: number): string {
  const { side, acl, subnetId, direction, answers, portRange } = crossing;
  const boxes = cuts.flatMap((cut) => cut.boxes);
  const labels = list(unique(cuts.map(({ node }) => node.label)));
  const where = side === 'target' ? `${subnetId}, the target's subnet,` : labels;
  const peer = side === 'target' ? labels : target.label;
  const deniedPorts = portText(boxes.map((box) => box.ports));
  const share = cuts.reduce((sum, cut) => sum + cut.share, 0) / cuts.length;
  const some = share < 1 ? ` (${percent(share)} of ${answers ? 'the answers' : 'the connections'})` : '';
  const packets = answers ? `answers to tcp ${deniedPorts}` : `tcp ${portText([portRange])}`;
  const way = direction === 'in' ? 'in from' : 'out to';
  return `${acl.NetworkAclId} of ${where} drops ${packets} ${way} ${peer}${some}: ${ruleName(rule)}`;
}

/** The entries that would let it through: one for each subnet of the other side. */
function openingsOf({ target, net }: Journey, crossing: Crossing, cuts: Cut[], denying: number): Opening[] {
  const { side, acl, direction, portRange } = crossing;
  const { family } = target;
  const blocks =
    side === 'target'
      ? cuts.map(({ node }) => subnetText(node.subnetId, net, family) ?? addressText(node.ranges, family))
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
