/**
 * Judges the path of a new connection from the load balancer to one address and port, from the configuration alone:
 * security groups on both sides, network ACLs of both subnets in both directions, and routes if they are known.
 */

import { list } from '../../format/wording.ts';
import { locate, type NodePlace, nodePlaces } from './addresses.ts';
import { allowCommands } from './allow-commands.ts';
import { ports } from './cidr-ranges.ts';
import { subnetAclHops } from './network-acl-hops.ts';
import { aclOfSubnet } from './network-acl-rules.ts';
import { NETWORK_EVIDENCE, type NetworkEvidence } from './network-evidence.ts';
import { oncePerParts } from './once-per-parts.ts';
import { routeHops } from './route-hops.ts';
import { loadBalancerEgress, targetIngress } from './security-group-hops.ts';
import { checkSecurityGroups } from './security-group-rules.ts';
import {
  type BlockedPath,
  type Drop,
  type MissingEvidence,
  type PathBlock,
  type PathQuery,
  type PathResult,
  unique,
} from './types.ts';

/** The source: one node as logged, or every subnet. The target group's VPC tells equal addresses apart. */
interface PathSource {
  node?: string | null;
  vpcId?: string | undefined;
  /** What sentences call the target; its address if absent. */
  name?: string;
}

/** What was found out from one configuration. */
interface PathCache {
  paths: Map<string, PathResult>;
  nodes: Map<string, NodePlace[]>;
}

const cacheOf = oncePerParts<PathCache>();

/** `target`: an instance id or an address. */
export function pathTo(target: string, port: number, net: NetworkEvidence, from: PathSource = {}): PathResult {
  const cache = cacheOf(
    NETWORK_EVIDENCE.map((name) => net[name]),
    () => ({ paths: new Map(), nodes: new Map() }),
  );
  const key = JSON.stringify([target, port, from.node ?? null, from.vpcId ?? null, from.name ?? null]);
  const path = cache.paths.get(key) ?? judgePath(target, port, net, from, cache);
  cache.paths.set(key, path);
  return path;
}

function judgePath(target: string, port: number, net: NetworkEvidence, from: PathSource, cache: PathCache): PathResult {
  const place = locate(target, net, from.vpcId ?? net.loadBalancer?.VpcId, from.name);
  const source = `${place.family} ${from.node ?? ''}`;
  const nodes = cache.nodes.get(source) ?? nodePlaces(net, place.family, from.node);
  cache.nodes.set(source, nodes);
  const query: PathQuery = {
    target: place,
    port,
    nodes,
    loadBalancerGroups: net.loadBalancer?.SecurityGroups ?? null,
    net,
  };
  const hops = [loadBalancerEgress(query), targetIngress(query), ...subnetAclHops(query), routeHops(query)];
  const drops = hops.flatMap((hop) => hop.drops);
  const missing = distinctMissing(hops.flatMap((hop) => hop.missing));
  const resources = resourcesOf(query);
  const what = `TCP ${port} to ${place.label}`;

  if (drops.length > 0) return blockedPath(drops, query.nodes, missing, resources);
  if (missing.length > 0) {
    return {
      answer: 'cannot-see',
      sentence: `Could not check whether ${what} is open: ${list(missing.map(({ what: each }) => each))}.`,
      missing,
      resources,
    };
  }
  const rules = unique(hops.flatMap((hop) => hop.allowed));
  return {
    answer: 'allowed',
    sentence: `The configuration allows ${what}: ${rules.join('; ')}.`,
    cautions: cautionsOf(query),
    resources,
  };
}

function blockedPath(drops: Drop[], nodes: NodePlace[], missing: MissingEvidence[], resources: string[]): BlockedPath {
  const blocks = [...Map.groupBy(drops, ({ key }) => key).values()].flatMap((same): PathBlock[] => {
    const first = same[0];
    if (!first) return [];
    const subnets = unique(same.flatMap(({ node }) => node.subnetId ?? []));
    return [{ ...first.describe(same), subnets, share: same.reduce((sum, drop) => sum + drop.share, 0) / same.length }];
  });
  const perNode = nodes.map((node) =>
    Math.max(0, ...drops.filter((drop) => drop.node === node).map(({ share }) => share)),
  );
  return {
    answer: 'blocked',
    blocks,
    by: blocks[0]?.by ?? 'security-group',
    sentence: `${blocks[0]?.sentence ?? ''}.`,
    commands: allowCommands(blocks),
    share: perNode.reduce((sum, share) => sum + share, 0) / Math.max(1, perNode.length),
    missing,
    resources,
  };
}

/**
 * Warns if current interfaces pass but other addresses of their subnet would not; the load balancer uses those when it
 * scales.
 */
function cautionsOf({ target, nodes, port, loadBalancerGroups, net }: PathQuery): string[] {
  const groups = target.groups;
  if (groups === null) return [];
  return nodes.flatMap(({ subnetRange, label }) => {
    if (!subnetRange) return [];
    const peer = { family: target.family, groups: loadBalancerGroups, label: 'the load balancer' };
    const { rest } = checkSecurityGroups('in', groups, [{ addresses: subnetRange, ports: ports(port) }], peer, net);
    if (rest.length === 0) return [];
    return [
      `${list(groups)} allows the load balancer's current addresses in ${label}, not the whole subnet: when the load balancer scales, it takes other addresses.`,
    ];
  });
}

/** Identifiers of groups, ACLs and the load balancer whose change could change the answer. */
function resourcesOf({ target, nodes, loadBalancerGroups, net }: PathQuery): string[] {
  const subnets = [...nodes.map(({ subnetId }) => subnetId), target.subnetId];
  return unique([
    ...(loadBalancerGroups ?? []),
    ...(target.groups ?? []),
    ...subnets.flatMap((subnetId) => aclOfSubnet(subnetId, net.networkAcls)?.NetworkAclId ?? []),
    ...(net.loadBalancer ? [net.loadBalancer.LoadBalancerArn] : []),
  ]);
}

const distinctMissing = (missing: MissingEvidence[]): MissingEvidence[] =>
  missing.filter((each, i) => missing.findIndex(({ by, what }) => by === each.by && what === each.what) === i);
