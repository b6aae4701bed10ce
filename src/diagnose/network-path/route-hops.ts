/** The hop through route tables: black holes there and back. */
import { list } from '../../format/wording.ts';
import type { NodePlace } from './addresses.ts';
import { type RouteFault, routeFault } from './route-tables.ts';
import { type BlockText, type Cut, type Hop, type Journey, merge, open, unique } from './types.ts';

/** Black holes, there and back. */
export function follow({ target, nodes, net }: Journey): Hop {
  if (!target.certain) return open;
  const vpcId = net.loadBalancer?.VpcId;
  return merge(
    nodes.map((node): Hop => {
      const there = routeFault(node.subnetId, vpcId, target, net.routeTables);
      const home = node.ranges[0];
      const back =
        node.certain && home && node.subnetId !== target.subnetId
          ? routeFault(target.subnetId, vpcId, { family: target.family, range: home }, net.routeTables)
          : null;
      const cuts = [
        ...(there ? [routeCut(node, there, (labels) => `from ${labels} to ${target.label}`)] : []),
        ...(back ? [routeCut(node, back, (labels) => `from ${target.label} back to ${labels}`)] : []),
      ];
      return { ...open, cuts };
    }),
  );
}

function routeCut(node: NodePlace, { routeTableId, fault }: RouteFault, way: (labels: string) => string): Cut {
  const describe = (cuts: Cut[]): BlockText => ({
    by: 'route',
    sentence: `${routeTableId} leads nowhere ${way(list(unique(cuts.map((cut) => cut.node.label))))}: ${fault}`,
    openings: [],
    commands: [`aws ec2 describe-route-tables --route-table-ids ${routeTableId}`],
    resources: [routeTableId],
    danglingReferences: [],
  });
  return { key: `${routeTableId} ${fault} ${way('')}`, node, share: 1, boxes: [], describe };
}
