/** The two hops through security groups: out of the load balancer, into the target. */
import { list } from '../../format/wording.ts';
import { addressText, type Box, type Family, ports, shareOf } from './cidr-ranges.ts';
import { type Direction, type Passage, passSecurityGroups, rulesInWords } from './security-groups.ts';
import {
  type BlockText,
  type Cut,
  type Hop,
  type Journey,
  merge,
  type NetworkEvidence,
  open,
  subnetText,
  unseen,
} from './types.ts';

/** Out of the load balancer: its own groups, the same for all nodes. */
export function leave(journey: Journey): Hop {
  const { target, port, nodes, loadBalancerGroups, net } = journey;
  if (loadBalancerGroups === null || loadBalancerGroups.length === 0) {
    return unseen('security-group', "the load balancer's security groups");
  }
  const wanted = [{ addresses: target.range, ports: ports(port) }];
  const passage = passSecurityGroups('out', loadBalancerGroups, wanted, target, net);
  const verdict = judge(passage, wanted, target.certain, `the address of ${target.label}`);
  if (verdict.share === 0) return { ...unseen('security-group', ...verdict.unseen), allowed: passage.by };

  const describe = (): BlockText => ({
    by: 'security-group',
    sentence: `${list(loadBalancerGroups)} of the load balancer ${allow(loadBalancerGroups)} no tcp ${port} to ${target.label}; ${instead('out', loadBalancerGroups, passage, net)}`,
    commands: [authorizeEgress(journey, loadBalancerGroups)],
    openings: [],
    resources: loadBalancerGroups,
    danglingReferences: [...passage.severed, ...passage.strangers],
  });
  return { ...open, cuts: nodes.map((node) => ({ key: 'leave', node, share: 1, boxes: passage.rest, describe })) };
}

/** Into the target: the groups of its interface, by node because CIDR rules may cover one subnet and not another. */
export function enter(journey: Journey): Hop {
  const { target, port, nodes, loadBalancerGroups, net } = journey;
  const groups = target.groups;
  if (groups === null) return unseen('security-group', ...target.missing);

  const hops = nodes.map((node): Hop => {
    const wanted = node.ranges.map((addresses) => ({ addresses, ports: ports(port) }));
    const peer = { family: target.family, groups: loadBalancerGroups, label: 'the load balancer' };
    const passage = passSecurityGroups('in', groups, wanted, peer, net);
    const verdict = judge(passage, wanted, node.certain, `the addresses of ${node.label}`);
    if (verdict.share === 0) return { ...unseen('security-group', ...verdict.unseen), allowed: passage.by };
    const describe = (cuts: Cut[]): BlockText => ({
      by: 'security-group',
      sentence: `${list(groups)} of ${target.label} ${enterSentence(journey, cuts, groups, passage)}`,
      commands: [authorizeIngress(journey, groups)],
      openings: [],
      resources: groups,
      danglingReferences: [...passage.severed, ...passage.strangers],
    });
    return { ...open, cuts: [{ key: 'enter', node, share: verdict.share, boxes: passage.rest, describe }] };
  });
  return merge(hops);
}

function enterSentence(journey: Journey, cuts: Cut[], groups: string[], passage: Passage): string {
  const { nodes, port, target, loadBalancerGroups, net } = journey;
  const does = groups.length === 1 ? 'admits' : 'admit';
  if (cuts.length === nodes.length && cuts.every(({ share }) => share === 1)) {
    const sources = loadBalancerGroups?.length ? `${list(loadBalancerGroups)}, the load balancer` : 'the load balancer';
    return `${does} no tcp ${port} from ${sources}; ${instead('in', groups, passage, net)}`;
  }
  const parts = cuts.map(({ node, boxes }) => `${addresses(boxes, target.family)} in ${node.label}`);
  return `${does} tcp ${port} from a part of the load balancer only, not from ${list(parts)}`;
}

/** What there is in place of the rule that is missing: a reference that leads nowhere says most. */
function instead(
  direction: Direction,
  groups: string[],
  { strangers, severed }: Passage,
  net: NetworkEvidence,
): string {
  const [verb, carrier] =
    direction === 'in' ? ['admits', 'the load balancer does not carry'] : ['allows', 'the target does not carry'];
  const pronoun = groups.length === 1 ? 'it' : 'they';
  const does = groups.length === 1 ? verb : verb.slice(0, -1);
  if (severed.length > 0)
    return `on that port ${pronoun} ${does} ${list(severed)}, over a VPC peering that is not active`;
  if (strangers.length > 0) return `on that port ${pronoun} ${does} ${list(strangers)}, which ${carrier}`;
  const rules = rulesInWords(direction, groups, net);
  return rules.length === 0
    ? `${pronoun} ${groups.length === 1 ? 'has' : 'have'} no ${direction === 'in' ? 'inbound' : 'outbound'} rule for TCP`
    : `${pronoun} ${does} ${list(rules)}`;
}

/** Nothing admitted is blocked; a part, where the addresses are not known, is only not seen. */
function judge(
  passage: Passage,
  wanted: Box[],
  certain: boolean,
  unknown: string,
): { share: number; unseen: string[] } {
  const share = shareOf(passage.rest, wanted);
  if (passage.rest.length === 0) return { share: 0, unseen: [] };
  if (passage.unseen.length > 0) return { share: 0, unseen: passage.unseen };
  if (!certain && passage.by.length > 0) return { share: 0, unseen: [unknown] };
  return { share, unseen: [] };
}

function authorizeIngress({ port, nodes, target, loadBalancerGroups, net }: Journey, groups: string[]): string {
  const source = loadBalancerGroups?.[0];
  const group = `aws ec2 authorize-security-group-ingress --group-id ${groups[0] ?? '<group of the target>'} --protocol tcp --port ${port}`;
  if (source) return `${group} --source-group ${source}`;
  const subnet = nodes.flatMap(({ subnetId }) => subnetText(subnetId, net, target.family) ?? [])[0];
  return `${group} --cidr ${subnet ?? '<subnet of the load balancer>'}`;
}

function authorizeEgress({ target, port }: Journey, groups: string[]): string {
  const peer = target.groups?.[0]
    ? `UserIdGroupPairs=[{GroupId=${target.groups[0]}}]`
    : target.family === 4
      ? `IpRanges=[{CidrIp=${addressText([target.range], 4)}/32}]`
      : `Ipv6Ranges=[{CidrIpv6=${addressText([target.range], 6)}/128}]`;
  return `aws ec2 authorize-security-group-egress --group-id ${groups[0] ?? ''} --ip-permissions 'IpProtocol=tcp,FromPort=${port},ToPort=${port},${peer}'`;
}

const addresses = (boxes: Box[], family: Family): string =>
  addressText(
    boxes.map((box) => box.addresses),
    family,
  );

const allow = (groups: string[]): string => (groups.length === 1 ? 'allows' : 'allow');
