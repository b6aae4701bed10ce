/** The hop through route tables: black holes in either direction. */
import { command } from '../../format/command.ts';
import { list } from '../../format/wording.ts';
import type { NodePlace } from './addresses.ts';
import { type RouteFault, routeFault } from './route-tables.ts';
import { type Drop, type HopResult, mergeHops, noDrop, type PathBlockText, type PathQuery, unique } from './types.ts';

/** Finds black holes in either direction. */
export function routeHops({ target, nodes, net }: PathQuery): HopResult {
  if (!target.certain) return noDrop;
  const vpcId = net.loadBalancer?.VpcId;
  return mergeHops(
    nodes.map((node): HopResult => {
      const there = routeFault(node.subnetId, vpcId, target, net.routeTables);
      const home = node.ranges[0];
      const back =
        node.certain && home && node.subnetId !== target.subnetId
          ? routeFault(target.subnetId, vpcId, { family: target.family, range: home }, net.routeTables)
          : null;
      const drops = [
        ...(there ? [routeDrop(node, there, target.label, (labels) => `from ${labels} to ${target.label}`)] : []),
        ...(back ? [routeDrop(node, back, node.label, (labels) => `from ${target.label} back to ${labels}`)] : []),
      ];
      return { ...noDrop, drops };
    }),
  );
}

function routeDrop(
  node: NodePlace,
  { routeTableId, fault }: RouteFault,
  end: string,
  way: (labels: string) => string,
): Drop {
  const describe = (drops: Drop[]): PathBlockText => ({
    by: 'route',
    sentence: `${routeTableId} leads nowhere ${way(list(unique(drops.map((drop) => drop.node.label))))}: ${fault}`,
    remedy: `Let a route in ${routeTableId} lead to ${end}: through the peering connection, transit gateway or VPN that reaches it.`,
    missingAllowRules: [],
    commands: [command`aws ec2 describe-route-tables --route-table-ids ${routeTableId}`],
    resources: [routeTableId],
    danglingReferences: [],
  });
  return { key: `${routeTableId} ${fault} ${way('')}`, node, share: 1, boxes: [], describe };
}
