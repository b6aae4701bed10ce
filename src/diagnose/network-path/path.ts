/**
 * The path of a new connection from the load balancer to one address and port, judged from the configuration alone: security groups on both
 * sides, network ACLs of the load balancer's subnets and of the target's subnet, there and back, and routes where they say something.
 */
import { list } from '../../format/wording.ts';
import { crossSubnets } from './acl-hops.ts';
import { locate, type NodePlace, nodePlaces } from './addresses.ts';
import { commandsOf } from './allow-commands.ts';
import { ports } from './cidr-ranges.ts';
import { enter, leave } from './group-hops.ts';
import { aclOfSubnet } from './network-acls.ts';
import { follow } from './route-hops.ts';
import { passSecurityGroups } from './security-groups.ts';
import {
  type Block,
  type Blocked,
  type Cut,
  type Journey,
  type Missing,
  type NetworkEvidence,
  type PathAnswer,
  unique,
} from './types.ts';

export { commandsOf } from './allow-commands.ts';
export type { Allowed, Barrier, Block, Blocked, CannotSee, Missing, NetworkEvidence, PathAnswer } from './types.ts';
export { NETWORK_EVIDENCE } from './types.ts';

/** From where: one node as logged, or every subnet; the VPC of the target group tells equal addresses apart. */
export interface From {
  node?: string | null;
  vpcId?: string | undefined;
}

/** `target` is an instance id or an address. */
export function pathTo(target: string, port: number, net: NetworkEvidence, from: From = {}): PathAnswer {
  const place = locate(target, net, from.vpcId ?? net.loadBalancer?.VpcId);
  const journey: Journey = {
    target: place,
    port,
    nodes: nodePlaces(net, place.family, from.node),
    loadBalancerGroups: net.loadBalancer?.SecurityGroups ?? null,
    net,
  };
  const hops = [leave(journey), enter(journey), ...crossSubnets(journey), follow(journey)];
  const cuts = hops.flatMap((hop) => hop.cuts);
  const missing = distinct(hops.flatMap((hop) => hop.unseen));
  const resources = resourcesOf(journey);
  const what = `tcp ${port} to ${place.label}`;

  if (cuts.length > 0) return blocked(cuts, journey.nodes, missing, resources);
  if (missing.length > 0) {
    return {
      answer: 'cannot-see',
      sentence: `Cannot see whether ${what} is open: ${list(missing.map(({ what: each }) => each))}.`,
      missing,
      resources,
    };
  }
  const rules = unique(hops.flatMap((hop) => hop.allowed));
  return {
    answer: 'allowed',
    sentence: `The configuration allows ${what}: ${rules.join('; ')}.`,
    cautions: cautionsOf(journey),
    resources,
  };
}

function blocked(cuts: Cut[], nodes: NodePlace[], missing: Missing[], resources: string[]): Blocked {
  const blocks = [...Map.groupBy(cuts, ({ key }) => key).values()].flatMap((same): Block[] => {
    const first = same[0];
    if (!first) return [];
    const subnets = unique(same.flatMap(({ node }) => node.subnetId ?? []));
    return [{ ...first.describe(same), subnets, share: same.reduce((sum, cut) => sum + cut.share, 0) / same.length }];
  });
  const perNode = nodes.map((node) => Math.max(0, ...cuts.filter((cut) => cut.node === node).map((cut) => cut.share)));
  return {
    answer: 'blocked',
    blocks,
    by: blocks[0]?.by ?? 'security-group',
    sentence: `${blocks[0]?.sentence ?? ''}.`,
    commands: commandsOf(blocks),
    share: perNode.reduce((sum, share) => sum + share, 0) / Math.max(1, perNode.length),
    missing,
    resources,
  };
}

/** Interfaces of today pass, and the rest of their subnet would not: the load balancer takes new addresses when it scales. */
function cautionsOf({ target, nodes, port, loadBalancerGroups, net }: Journey): string[] {
  const groups = target.groups;
  if (groups === null) return [];
  return nodes.flatMap(({ subnetRange, label }) => {
    if (!subnetRange) return [];
    const peer = { family: target.family, groups: loadBalancerGroups, label: 'the load balancer' };
    const { rest } = passSecurityGroups('in', groups, [{ addresses: subnetRange, ports: ports(port) }], peer, net);
    if (rest.length === 0) return [];
    return [
      `${list(groups)} admits the load balancer's addresses of today in ${label}, not the whole subnet: a load balancer that scales takes others.`,
    ];
  });
}

/** Group, ACL and load balancer identifiers whose change would change the answer. */
function resourcesOf({ target, nodes, loadBalancerGroups, net }: Journey): string[] {
  const subnets = [...nodes.map(({ subnetId }) => subnetId), target.subnetId];
  return unique([
    ...(loadBalancerGroups ?? []),
    ...(target.groups ?? []),
    ...subnets.flatMap((subnetId) => aclOfSubnet(subnetId, net.networkAcls)?.NetworkAclId ?? []),
    ...(net.loadBalancer ? [net.loadBalancer.LoadBalancerArn] : []),
  ]);
}

const distinct = (missing: Missing[]): Missing[] =>
  missing.filter((each, i) => missing.findIndex(({ by, what }) => by === each.by && what === each.what) === i);
