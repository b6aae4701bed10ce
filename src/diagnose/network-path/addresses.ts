/** Locates the load balancer's nodes and a target: address, subnet, zone, security groups. */

import type { Instance, NetworkInterface, Subnet } from '../../evidence/aws.ts';
import {
  type AddressFamily,
  allAddresses,
  contains,
  type IntegerRange,
  type ParsedRange,
  parseRange,
} from './cidr-ranges.ts';
import { instanceById, primaryInterfaceOf } from './instance-lookup.ts';
import type { NetworkEvidence } from './network-evidence.ts';

/** One load balancer subnet, and the addresses of its nodes. */
export interface NodePlace {
  /** Null if the load balancer's subnets are unknown. */
  subnetId: string | null;
  /** "subnet-a (eu-west-1a)", or the address of the single node in question. */
  label: string;
  ranges: IntegerRange[];
  /** False if the addresses are unknown and `ranges` is the whole family. */
  certain: boolean;
  /**
   * The subnet's CIDR block if `ranges` holds only current interfaces: when the load balancer scales, it uses other
   * addresses of the block.
   */
  subnetRange: IntegerRange | null;
}

export interface TargetPlace {
  /** The given or found address; the identifier if there is no address. */
  label: string;
  family: AddressFamily;
  range: IntegerRange;
  /** False if the address is unknown and `range` is the whole family. */
  certain: boolean;
  subnetId: string | null;
  zone: string | null;
  /** Null if unknown. */
  groups: string[] | null;
  /** Why `groups` or `subnetId` is unknown. */
  missing: string[];
}

/** Splits "10.0.1.5:8080", "[fd00::1]:8080" or "fd00::1:8080" as logged; null for "-" or anything else. */
export function splitTarget(target: string): { address: string; port: number } | null {
  const colon = target.lastIndexOf(':');
  const port = Number(target.slice(colon + 1));
  const address = target.slice(0, Math.max(0, colon)).replace(/^\[|\]$/g, '');
  return colon > 0 && Number.isInteger(port) && parseRange(address) ? { address, port } : null;
}

/** The nodes that a connection may come from: one address if the node is known and found, else every subnet. */
export function nodePlaces(net: NetworkEvidence, family: AddressFamily, node?: string | null): NodePlace[] {
  const zones = net.loadBalancer?.AvailabilityZones ?? [];
  if (zones.length === 0) {
    return [{ subnetId: null, label: 'the nodes', ranges: [allAddresses(family)], certain: false, subnetRange: null }];
  }
  const places = zones.map(({ SubnetId, ZoneName }) => subnetPlace(net, family, SubnetId ?? null, ZoneName ?? null));
  return placeOfNode(net, places, family, node) ?? places;
}

function subnetPlace(
  net: NetworkEvidence,
  family: AddressFamily,
  subnetId: string | null,
  zone: string | null,
): NodePlace {
  const label = `${subnetId ?? 'a subnet'}${zone ? ` (${zone})` : ''}`;
  const block = subnetBlock(
    net.subnets?.find(({ SubnetId }) => SubnetId === subnetId),
    family,
  );
  const today = nodeInterfaces(net)
    .filter(({ SubnetId }) => SubnetId === subnetId)
    .flatMap((eni) => ownAddresses(eni))
    .map(parseRange)
    .flatMap((parsed) => (parsed?.family === family ? [parsed.range] : []));
  if (today.length > 0) return { subnetId, label, ranges: today, certain: true, subnetRange: block };
  if (block) return { subnetId, label, ranges: [block], certain: true, subnetRange: null };
  return { subnetId, label, ranges: [allAddresses(family)], certain: false, subnetRange: null };
}

/**
 * Finds the node by field 34: a private address, or the public address of an interface on an internet-facing load
 * balancer.
 */
function placeOfNode(
  net: NetworkEvidence,
  places: NodePlace[],
  family: AddressFamily,
  node: string | null | undefined,
): NodePlace[] | null {
  if (!node) return null;
  const eni = nodeInterfaces(net).find(
    (each) => each.Association?.PublicIp === node || ownAddresses(each).includes(node),
  );
  const address = parseRange(eni?.Association?.PublicIp === node ? (eni.PrivateIpAddress ?? node) : node);
  if (!address) return null;
  const subnet = net.subnets?.find((each) => {
    const block = subnetBlock(each, address.family);
    return (
      places.some(({ subnetId }) => subnetId === each.SubnetId) && block !== null && contains(block, address.range)
    );
  });
  const place = places.find(({ subnetId }) => subnetId === (eni?.SubnetId ?? subnet?.SubnetId));
  if (!place) return null;
  if (address.family !== family) return [place];
  return [
    { ...place, label: `node ${node} in ${place.label}`, ranges: [address.range], certain: true, subnetRange: null },
  ];
}

/** The zone of a load balancer node by its logged address; null if no single subnet matches. */
export function zoneOfNode(node: string, net: NetworkEvidence): string | null {
  const [place, ...others] = nodePlaces(net, parseRange(node)?.family ?? 4, node);
  if (!place?.subnetId || others.length > 0) return null;
  const own = net.loadBalancer?.AvailabilityZones?.find(({ SubnetId }) => SubnetId === place.subnetId);
  return own?.ZoneName ?? zoneOf(place.subnetId, net);
}

/** Elastic Load Balancing describes its interfaces as "ELB app/<name>/<id>". */
function nodeInterfaces({ loadBalancer, networkInterfaces }: NetworkEvidence): NetworkInterface[] {
  const suffix = loadBalancer?.LoadBalancerArn.split('loadbalancer/')[1];
  if (!networkInterfaces || !suffix) return [];
  return indexOf(networkInterfaces).byDescription.get(`ELB ${suffix}`) ?? [];
}

/**
 * Locates an instance id (traffic goes to the primary address of the primary interface) or an address (primary,
 * secondary, IPv6, or inside a delegated prefix). Addresses repeat across VPCs: prefers an interface of the target
 * group's VPC; two matches elsewhere are ambiguous. `name`: what sentences call the target, if not its address.
 */
export function locate(target: string, net: NetworkEvidence, vpcId?: string, name?: string): TargetPlace {
  const parsed = parseRange(target);
  if (!parsed) return locateInstance(target, net, name);
  const label = name ?? target;

  const carriers = interfacesWith(parsed, net.networkInterfaces ?? []);
  const eni = preferVpc(carriers, vpcId);
  if (eni) return interfacePlace(label, parsed, eni, net);

  const instance = preferVpc(instancesWith(target, net.instances ?? []), vpcId);
  if (instance) return instancePlace(label, parsed, instance, net);

  const subnet = (net.subnets ?? []).find((each) => {
    const block = subnetBlock(each, parsed.family);
    return (vpcId === undefined || each.VpcId === vpcId) && block !== null && contains(block, parsed.range);
  });
  return {
    label,
    ...parsed,
    certain: true,
    subnetId: subnet?.SubnetId ?? null,
    zone: subnet?.AvailabilityZone ?? null,
    groups: null,
    missing: [noInterface(label, carriers.length, net)],
  };
}

function locateInstance(id: string, net: NetworkEvidence, name?: string): TargetPlace {
  const eni = primaryInterfaceOf(net.networkInterfaces, id);
  const instance = instanceById(net.instances, id);
  const address = eni?.PrivateIpAddress ?? instance?.PrivateIpAddress;
  const parsed = address === undefined ? null : parseRange(address);
  if (address !== undefined && parsed && eni) return interfacePlace(name ?? address, parsed, eni, net);
  if (address !== undefined && parsed && instance) return instancePlace(name ?? address, parsed, instance, net);
  const interfacesRead = net.networkInterfaces !== undefined || net.instances !== undefined;
  const reason = interfacesRead
    ? `the address and security groups of ${name ?? id} (neither the instance nor its primary network interface was read)`
    : `the network interfaces, for the address and security groups of ${name ?? id}`;
  return {
    label: name ?? id,
    family: 4,
    range: allAddresses(4),
    certain: false,
    subnetId: null,
    zone: null,
    groups: null,
    missing: [reason],
  };
}

function interfacePlace(
  label: string,
  { family, range }: { family: AddressFamily; range: IntegerRange },
  eni: NetworkInterface,
  net: NetworkEvidence,
): TargetPlace {
  const groups = eni.Groups?.flatMap(({ GroupId }) => GroupId ?? []) ?? null;
  const subnetId = eni.SubnetId ?? null;
  const zone = eni.AvailabilityZone ?? zoneOf(subnetId, net);
  const missing = groups ? [] : [`the security groups of ${eni.NetworkInterfaceId}`];
  return { label, family, range, certain: true, subnetId, zone, groups, missing };
}

function instancePlace(
  label: string,
  { family, range }: { family: AddressFamily; range: IntegerRange },
  instance: Instance,
  net: NetworkEvidence,
): TargetPlace {
  // A terminated instance has no security groups and no subnet.
  const groups = instance.SecurityGroups?.flatMap(({ GroupId }) => GroupId ?? []) ?? [];
  const subnetId = instance.SubnetId ?? null;
  const knownGroups = groups.length > 0 ? groups : null;
  const missing = knownGroups ? [] : [`the security groups of ${instance.InstanceId}`];
  return { label, family, range, certain: true, subnetId, zone: zoneOf(subnetId, net), groups: knownGroups, missing };
}

function noInterface(target: string, carriers: number, net: NetworkEvidence): string {
  if (net.networkInterfaces === undefined) return `the network interfaces, for the security groups of ${target}`;
  if (carriers > 1) return `the security groups of ${target} (${carriers} network interfaces in several VPCs carry it)`;
  return `the security groups of ${target} (no network interface was found)`;
}

function preferVpc<Place extends { VpcId?: string | undefined }>(places: Place[], vpcId?: string): Place | undefined {
  const home = places.find((place) => vpcId !== undefined && place.VpcId === vpcId);
  return home ?? (places.length === 1 ? places[0] : undefined);
}

const zoneOf = (subnetId: string | null, { subnets }: NetworkEvidence): string | null =>
  subnets?.find(({ SubnetId }) => SubnetId === subnetId)?.AvailabilityZone ?? null;

const ownAddresses = (eni: NetworkInterface): string[] => [
  ...new Set([
    ...(eni.PrivateIpAddress ? [eni.PrivateIpAddress] : []),
    ...(eni.PrivateIpAddresses ?? []).flatMap(({ PrivateIpAddress }) => PrivateIpAddress ?? []),
    ...(eni.Ipv6Addresses ?? []).flatMap(({ Ipv6Address }) => Ipv6Address ?? []),
  ]),
];

/** Delegated prefixes (/28 for IPv4, /80 for IPv6) hold pod addresses that appear nowhere else in the interface. */
function prefixesOf(eni: NetworkInterface): ParsedRange[] {
  const ipv6Prefixes: unknown = eni.Ipv6Prefixes;
  return [
    ...(eni.Ipv4Prefixes ?? []).flatMap(({ Ipv4Prefix }) => Ipv4Prefix ?? []),
    ...(Array.isArray(ipv6Prefixes) ? ipv6Prefixes.flatMap(ipv6Prefix) : []),
  ].flatMap((text) => parseRange(text) ?? []);
}

interface Interfaces {
  /** Keyed by family and number, such as "4 167772421", because an IPv6 address has several spellings. */
  byAddress: Map<string, NetworkInterface[]>;
  byDescription: Map<string, NetworkInterface[]>;
  /** Keyed by `blockKey` of each delegated prefix. */
  byPrefix: Map<string, NetworkInterface[]>;
  /** The sizes of the prefixes, as family and number of addresses. */
  prefixSizes: Map<string, { family: AddressFamily; size: bigint }>;
}

/** The key of the block of `size` addresses that contains an address. */
const blockKey = (family: AddressFamily, address: bigint, size: bigint): string =>
  `${family} ${size} ${address - (address % size)}`;

const addressKey = ({ family, range }: ParsedRange): string => `${family} ${range.low}`;

/** Caches indexes: an account has thousands of interfaces and a load balancer up to a thousand targets. */
const indexed = new WeakMap<readonly NetworkInterface[], Interfaces>();

function indexOf(interfaces: readonly NetworkInterface[]): Interfaces {
  const ready = indexed.get(interfaces);
  if (ready) return ready;
  const index: Interfaces = {
    byAddress: new Map(),
    byDescription: Map.groupBy(interfaces, ({ Description }) => Description ?? ''),
    byPrefix: new Map(),
    prefixSizes: new Map(),
  };
  for (const eni of interfaces) {
    for (const address of ownAddresses(eni)) {
      const parsed = parseRange(address);
      if (!parsed) continue;
      const same = index.byAddress.get(addressKey(parsed));
      if (same) same.push(eni);
      else index.byAddress.set(addressKey(parsed), [eni]);
    }
    for (const { family, range } of prefixesOf(eni)) {
      const size = range.high - range.low + 1n;
      const key = blockKey(family, range.low, size);
      index.prefixSizes.set(`${family} ${size}`, { family, size });
      index.byPrefix.set(key, [...(index.byPrefix.get(key) ?? []), eni]);
    }
  }
  indexed.set(interfaces, index);
  return index;
}

const instancesByAddress = new WeakMap<readonly Instance[], Map<string, Instance[]>>();

function instancesWith(address: string, instances: readonly Instance[]): Instance[] {
  const ready = instancesByAddress.get(instances) ?? Map.groupBy(instances, (each) => each.PrivateIpAddress ?? '');
  instancesByAddress.set(instances, ready);
  return ready.get(address) ?? [];
}

function interfacesWith(address: ParsedRange, interfaces: readonly NetworkInterface[]): NetworkInterface[] {
  const { byAddress, byPrefix, prefixSizes } = indexOf(interfaces);
  const delegated = [...prefixSizes.values()].flatMap(({ family, size }) =>
    family === address.family ? (byPrefix.get(blockKey(family, address.range.low, size)) ?? []) : [],
  );
  return [...new Set([...(byAddress.get(addressKey(address)) ?? []), ...delegated])];
}

const ipv6Prefix = (entry: unknown): string[] =>
  typeof entry === 'object' && entry !== null && 'Ipv6Prefix' in entry && typeof entry.Ipv6Prefix === 'string'
    ? [entry.Ipv6Prefix]
    : [];

/** A subnet has one IPv4 block and may have several IPv6 blocks; uses the first IPv6 block. */
export function subnetBlock(subnet: Subnet | undefined, family: AddressFamily): IntegerRange | null {
  const text =
    family === 4
      ? subnet?.CidrBlock
      : subnet?.Ipv6CidrBlockAssociationSet?.find(({ Ipv6CidrBlock }) => Ipv6CidrBlock)?.Ipv6CidrBlock;
  const parsed = text ? parseRange(text) : null;
  return parsed?.family === family ? parsed.range : null;
}
