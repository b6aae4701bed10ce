/**
 * Finds the clients of an access log that are hops in front of the load balancer, by addresses that AWS lists. Pure.
 */
import { contains, parseRange } from '../diagnose/network-path/cidr-ranges.ts';
import type { AccessLog } from '../evidence/access-log.ts';
import type { NetworkInterface } from '../evidence/aws.ts';
import type { Collected } from '../evidence/collected.ts';
import type { Hop } from '../evidence/edge.ts';
import type { EvidenceSet } from '../evidence/evidence.ts';

type HopName = Pick<Hop, 'kind' | 'name'>;

/** Evidence that distinguishes hops from clients. */
type HopEvidence = Pick<EvidenceSet, 'edge' | 'loadBalancer' | 'networkInterfaces' | 'securityGroups'>;

/** The owner of a hop's address; null for a client's address. */
type HopAt = (address: string) => HopName | null;

/**
 * The security group that CloudFront creates for the interfaces of its VPC origins (CloudFront developer guide,
 * "Restrict access with VPC origins").
 */
const VPC_ORIGIN_GROUP = 'CloudFront-VPCOrigins-Service-SG';

/** Values of InterfaceType: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html */
const KIND_OF_INTERFACE: Record<string, Hop['kind']> = {
  api_gateway_managed: 'api-gateway',
  global_accelerator_managed: 'global-accelerator',
};
const KIND_OF_BALANCER: Record<string, Hop['kind']> = {
  net: 'network-load-balancer',
  app: 'application-load-balancer',
};

/** Returns the evidence with hops marked among the clients, and without the addresses that identified them. */
export function withHops<Known extends HopEvidence & Pick<EvidenceSet, 'accessLog'>>(evidence: Known): Known {
  const { accessLog } = evidence;
  if (accessLog.status === 'unavailable') return evidence;
  const areRangesKnown = (valueIn(evidence.edge)?.ranges ?? []).length > 0;
  const value = logWithHops(accessLog.value, hopAddresses(evidence), !areRangesKnown);
  return { ...evidence, accessLog: { ...accessLog, value } };
}

function logWithHops(
  { clientAddresses, cloudFrontClients, ...log }: AccessLog,
  hopAt: HopAt,
  signs: boolean,
): AccessLog {
  const { earlier } = log;
  const signed = new Set(signs ? cloudFrontClients : []);
  const hops = clientAddresses === undefined ? (log.hops ?? []) : hopsAmong(clientAddresses, hopAt, signed);
  return {
    ...log,
    ...(hops.length === 0 ? {} : { hops }),
    ...(earlier === undefined ? {} : { earlier: { ...earlier, log: logWithHops(earlier.log, hopAt, signs) } }),
  };
}

/** The user agent is a sign that anyone can send: it counts only where the addresses of CloudFront are unknown. */
const BY_AGENT: HopName = { kind: 'cloudfront', name: '(by user agent)' };

function hopsAmong(addresses: readonly string[], hopAt: HopAt, signed: ReadonlySet<number>): Hop[] {
  const hops = new Map<string, Hop>();
  for (const [index, address] of addresses.entries()) {
    const found = hopAt(address) ?? (signed.has(index + 1) ? BY_AGENT : null);
    if (found === null) continue;
    const key = `${found.kind} ${found.name ?? ''}`;
    const hop = hops.get(key) ?? { ...found, clients: [] };
    hop.clients.push(index + 1);
    hops.set(key, hop);
  }
  return [...hops].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, hop]) => hop);
}

/** Looks an address up among the interfaces of the VPC and the ranges of CloudFront. */
export function hopAddresses({ edge, loadBalancer, networkInterfaces, securityGroups }: HopEvidence): HopAt {
  const own = valueIn(loadBalancer)?.LoadBalancerName ?? null;
  const originGroups = new Set(
    (valueIn(securityGroups) ?? [])
      .filter(({ GroupName }) => GroupName === VPC_ORIGIN_GROUP)
      .map(({ GroupId }) => GroupId),
  );
  const byAddress = new Map<string, HopName>();
  for (const one of valueIn(networkInterfaces) ?? []) {
    const hop = hopOfInterface(one, own, originGroups);
    if (hop !== null) for (const address of addressesOf(one)) byAddress.set(address, hop);
  }
  const ranges = (valueIn(edge)?.ranges ?? []).flatMap((text) => parseRange(text) ?? []);
  return (address) => {
    const known = byAddress.get(address);
    if (known !== undefined) return known;
    if (ranges.length === 0) return null;
    const parsed = parseRange(address);
    const isEdge = ranges.some(({ family, range }) => family === parsed?.family && contains(range, parsed.range));
    return isEdge ? { kind: 'cloudfront', name: null } : null;
  };
}

function hopOfInterface(
  { InterfaceType, Description = '', Groups = [] }: NetworkInterface,
  own: string | null,
  originGroups: ReadonlySet<string>,
): HopName | null {
  const managed = KIND_OF_INTERFACE[InterfaceType ?? ''];
  if (managed !== undefined) return { kind: managed, name: null };
  if (Groups.some(({ GroupId }) => GroupId !== undefined && originGroups.has(GroupId)))
    return { kind: 'cloudfront-vpc-origin', name: null };
  const [, balancer = '', name = ''] = /^ELB (app|net)\/([A-Za-z0-9-]+)\//.exec(Description) ?? [];
  const kind = KIND_OF_BALANCER[balancer];
  return kind === undefined || (balancer === 'app' && name === own) ? null : { kind, name };
}

const addressesOf = ({
  PrivateIpAddress,
  PrivateIpAddresses = [],
  Ipv6Addresses = [],
  Association,
}: NetworkInterface) =>
  [
    PrivateIpAddress,
    ...PrivateIpAddresses.map((one) => one.PrivateIpAddress),
    ...Ipv6Addresses.map((one) => one.Ipv6Address),
    Association?.PublicIp,
  ].filter((address) => address !== undefined);

const valueIn = <T>(collected: Collected<T>): T | null => (collected.status === 'collected' ? collected.value : null);
