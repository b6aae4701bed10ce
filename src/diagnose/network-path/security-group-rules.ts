/**
 * Security groups: allow rules only, unordered, all groups of an interface combined. A rule that references a group
 * matches the addresses of the interfaces in that group. Rules apply to new connections; established ones continue.
 */

import type { IpPermission } from '../../evidence/aws.ts';
import {
  type AddressFamily,
  type AddressPortRange,
  allAddresses,
  type IntegerRange,
  parseRange,
  ports,
  portText,
  subtract,
} from './cidr-ranges.ts';
import type { NetworkEvidence } from './network-evidence.ts';

export type Direction = 'in' | 'out';

export interface SecurityGroupResult {
  /** Traffic that no visible rule allows. */
  rest: AddressPortRange[];
  /** The rules that allow the other traffic, in words. */
  allowingRules: string[];
  /** Evidence that could not be read and might allow the rest. */
  missing: string[];
  /** Groups that rules for this port reference but that the other side does not carry. */
  unattachedGroups: string[];
  /** Groups that rules for this port reference over a VPC peering that is no longer active. */
  inactivePeeringGroups: string[];
}

/**
 * Checks the connections in `wanted` against all groups combined. `peerGroups`: groups of the other side, null if
 * unknown.
 */
export function checkSecurityGroups(
  direction: Direction,
  groups: readonly string[],
  wanted: readonly AddressPortRange[],
  peer: { family: AddressFamily; groups: readonly string[] | null; label: string },
  net: NetworkEvidence,
): SecurityGroupResult {
  const passage: SecurityGroupResult = {
    rest: [...wanted],
    allowingRules: [],
    missing: [],
    unattachedGroups: [],
    inactivePeeringGroups: [],
  };
  if (net.securityGroups === undefined) return { ...passage, missing: ['the rules of the security groups'] };
  for (const id of groups) {
    const group = net.securityGroups.find(({ GroupId }) => GroupId === id);
    if (!group) {
      passage.missing.push(`the rules of ${id}`);
      continue;
    }
    for (const rule of (direction === 'in' ? group.IpPermissions : group.IpPermissionsEgress) ?? []) {
      applyRule(passage, rule, { id, direction, peer }, net);
    }
  }
  return {
    ...passage,
    missing: unique(passage.missing),
    unattachedGroups: unique(passage.unattachedGroups),
    inactivePeeringGroups: unique(passage.inactivePeeringGroups),
  };
}

interface RuleScope {
  id: string;
  direction: Direction;
  peer: { family: AddressFamily; groups: readonly string[] | null; label: string };
}

function applyRule(
  passage: SecurityGroupResult,
  rule: IpPermission,
  { id, direction, peer }: RuleScope,
  net: NetworkEvidence,
): void {
  const portRange = tcpPorts(rule);
  if (!portRange || !passage.rest.some((box) => subtract(box, anyAddress(portRange, peer.family))[0] !== box)) return;
  const admit = (range: IntegerRange, source: string): void => {
    const before = passage.rest;
    passage.rest = before.flatMap((box) => subtract(box, { addresses: range, ports: portRange }));
    const changed = passage.rest.length !== before.length || passage.rest.some((box, i) => box !== before[i]);
    if (changed)
      passage.allowingRules.push(`${id} allows ${ruleText(rule)} ${direction === 'in' ? 'from' : 'to'} ${source}`);
  };

  for (const { GroupId, PeeringStatus } of rule.UserIdGroupPairs ?? []) {
    if (GroupId === undefined) continue;
    if (PeeringStatus !== undefined && PeeringStatus !== 'active') passage.inactivePeeringGroups.push(GroupId);
    else if (peer.groups === null) passage.missing.push(`whether ${peer.label} carries ${GroupId}`);
    else if (peer.groups.includes(GroupId)) admit(allAddresses(peer.family), GroupId);
    else passage.unattachedGroups.push(GroupId);
  }
  const blocks = [
    ...(rule.IpRanges ?? []).map(({ CidrIp }) => CidrIp),
    ...(rule.Ipv6Ranges ?? []).map(({ CidrIpv6 }) => CidrIpv6),
  ];
  for (const block of blocks) {
    const parsed = parseRange(block);
    if (parsed?.family === peer.family) admit(parsed.range, block);
  }
  for (const { PrefixListId } of rule.PrefixListIds ?? []) {
    const entries = net.prefixLists?.[PrefixListId];
    if (!entries) passage.missing.push(`the entries of prefix list ${PrefixListId}`);
    for (const { Cidr } of entries ?? []) {
      const parsed = parseRange(Cidr);
      if (parsed?.family === peer.family) admit(parsed.range, `${Cidr} of ${PrefixListId}`);
    }
  }
}

/**
 * The TCP ports that a rule covers; null if it is for another protocol. Rules for all ports lack FromPort and ToPort.
 */
function tcpPorts({ IpProtocol, FromPort, ToPort }: IpPermission): IntegerRange | null {
  if (IpProtocol === '-1') return ports(0, 65535);
  if (IpProtocol !== 'tcp' && IpProtocol !== '6') return null;
  return ports(Math.max(0, FromPort ?? 0), ToPort === undefined || ToPort < 0 ? 65535 : ToPort);
}

const anyAddress = (portRange: IntegerRange, family: AddressFamily): AddressPortRange => ({
  addresses: allAddresses(family),
  ports: portRange,
});

function ruleText(rule: IpPermission): string {
  const range = tcpPorts(rule);
  return rule.IpProtocol === '-1' || range === null ? 'all traffic' : `TCP ${portText([range])}`;
}

/** Lists everything that the groups allow in one direction: "TCP 22 from 10.0.0.0/8". */
export function describeRules(direction: Direction, groups: readonly string[], net: NetworkEvidence): string[] {
  const preposition = direction === 'in' ? 'from' : 'to';
  const permissions = groups.flatMap((id) => {
    const group = net.securityGroups?.find(({ GroupId }) => GroupId === id);
    return (direction === 'in' ? group?.IpPermissions : group?.IpPermissionsEgress) ?? [];
  });
  return unique(
    permissions
      .filter((rule) => tcpPorts(rule) !== null)
      .flatMap((rule) => peersOf(rule).map((peer) => `${ruleText(rule)} ${preposition} ${peer}`)),
  );
}

const peersOf = (rule: IpPermission): string[] => [
  ...(rule.UserIdGroupPairs ?? []).flatMap(({ GroupId }) => GroupId ?? []),
  ...(rule.IpRanges ?? []).map(({ CidrIp }) => CidrIp),
  ...(rule.Ipv6Ranges ?? []).map(({ CidrIpv6 }) => CidrIpv6),
  ...(rule.PrefixListIds ?? []).map(({ PrefixListId }) => PrefixListId),
];

const unique = (items: readonly string[]): string[] => [...new Set(items)];
