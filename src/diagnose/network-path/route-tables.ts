/** Finds faults in route tables: the route to an address is a black hole, wrong or missing. IPv4 only. */
import type { RouteTable } from '../../evidence/aws.ts';
import { type AddressFamily, contains, type IntegerRange, parseRange, volume } from './cidr-ranges.ts';

export interface RouteFault {
  routeTableId: string;
  /** "the route 10.9.0.0/16 is a black hole" */
  fault: string;
}

/** Null if the subnet has a route to the address, or its routes are inconclusive. */
export function routeFault(
  subnetId: string | null,
  vpcId: string | undefined,
  destination: { family: AddressFamily; range: IntegerRange },
  tables: readonly RouteTable[] | undefined,
): RouteFault | null {
  const table = tables && routeTableOf(subnetId, vpcId, tables);
  if (!table || destination.family !== 4) return null;
  const routes = (table.Routes ?? []).flatMap((route) => {
    const parsed = route.DestinationCidrBlock === undefined ? null : parseRange(route.DestinationCidrBlock);
    return parsed?.family === 4 && contains(parsed.range, destination.range) ? [{ ...route, range: parsed.range }] : [];
  });
  const best = routes.sort((a, b) => (rangeSize(a.range) < rangeSize(b.range) ? -1 : 1))[0];
  if (best?.State === 'blackhole') {
    return { routeTableId: table.RouteTableId, fault: `the route ${best.DestinationCidrBlock} is a black hole` };
  }
  if (best?.GatewayId?.startsWith('igw-') && isPrivate(destination.range)) {
    const fault = `the route ${best.DestinationCidrBlock} leads to the internet gateway ${best.GatewayId}, which carries no private address`;
    return { routeTableId: table.RouteTableId, fault };
  }
  // A route to a prefix list has no CIDR block here, and could be the matching one.
  const legible = (table.Routes ?? []).every((route) => route.DestinationPrefixListId === undefined);
  const complete = (table.Routes ?? []).length > 0 && legible;
  return best || !complete ? null : { routeTableId: table.RouteTableId, fault: 'no route covers the address' };
}

/** Addresses that the internet does not route (RFC 1918, RFC 6598). */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];

const isPrivate = (range: IntegerRange): boolean =>
  PRIVATE.some((block) => {
    const parsed = parseRange(block);
    return parsed !== null && contains(parsed.range, range);
  });

/** The table associated with the subnet, else the main table of its VPC. */
function routeTableOf(
  subnetId: string | null,
  vpcId: string | undefined,
  tables: readonly RouteTable[],
): RouteTable | undefined {
  if (subnetId === null) return undefined;
  const own = tables.find(({ Associations }) => Associations?.some(({ SubnetId }) => SubnetId === subnetId));
  const main = tables.filter(
    ({ VpcId, Associations }) =>
      vpcId !== undefined && VpcId === vpcId && Associations?.some(({ Main }) => Main === true),
  );
  return own ?? main[0];
}

const rangeSize = (range: IntegerRange): bigint => volume([{ addresses: range, ports: { low: 0n, high: 0n } }]);
