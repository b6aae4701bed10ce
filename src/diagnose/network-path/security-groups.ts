/**
 * Security groups: allow rules only, all groups of an interface together, no order. A rule that names a group matches the addresses of the
 * interfaces that carry it. Rules apply to new connections; those that stand keep going.
 */
import type { Permission } from '../../evidence/aws.ts';
import { type Box, everywhere, type Family, parseRange, ports, portText, type Range, without } from './cidr-ranges.ts';
import type { NetworkEvidence } from './types.ts';

export type Direction = 'in' | 'out';

export interface Passage {
  /** What no visible rule admits. */
  rest: Box[];
  /** The rules that admit the others, in words. */
  by: string[];
  /** What could not be looked at and might admit the rest. */
  unseen: string[];
  /** Groups that rules for this port name and that the other side does not carry. */
  strangers: string[];
  /** Groups that rules for this port name over a VPC peering that is not active any more. */
  severed: string[];
}

/** The connections in `wanted`, judged by all groups together; `peerGroups` are those of the other side, null when not known. */
export function passSecurityGroups(
  direction: Direction,
  groups: readonly string[],
  wanted: readonly Box[],
  peer: { family: Family; groups: readonly string[] | null; label: string },
  net: NetworkEvidence,
): Passage {
  const passage: Passage = { rest: [...wanted], by: [], unseen: [], strangers: [], severed: [] };
  if (net.securityGroups === undefined) return { ...passage, unseen: ['the rules of the security groups'] };
  for (const id of groups) {
    const group = net.securityGroups.find(({ GroupId }) => GroupId === id);
    if (!group) {
      passage.unseen.push(`the rules of ${id}`);
      continue;
    }
    for (const rule of (direction === 'in' ? group.IpPermissions : group.IpPermissionsEgress) ?? []) {
      applyRule(passage, rule, { id, direction, peer }, net);
    }
  }
  return {
    ...passage,
    unseen: unique(passage.unseen),
    strangers: unique(passage.strangers),
    severed: unique(passage.severed),
  };
}

interface Side {
  id: string;
  direction: Direction;
  peer: { family: Family; groups: readonly string[] | null; label: string };
}

function applyRule(passage: Passage, rule: Permission, { id, direction, peer }: Side, net: NetworkEvidence): void {
  const portRange = tcpPorts(rule);
  if (!portRange || !passage.rest.some((box) => without(box, anyAddress(portRange, peer.family))[0] !== box)) return;
  const admit = (range: Range, source: string): void => {
    const before = passage.rest;
    passage.rest = before.flatMap((box) => without(box, { addresses: range, ports: portRange }));
    const changed = passage.rest.length !== before.length || passage.rest.some((box, i) => box !== before[i]);
    if (changed) passage.by.push(`${id} allows ${ruleText(rule)} ${direction === 'in' ? 'from' : 'to'} ${source}`);
  };

  for (const { GroupId, PeeringStatus } of rule.UserIdGroupPairs ?? []) {
    if (GroupId === undefined) continue;
    if (PeeringStatus !== undefined && PeeringStatus !== 'active') passage.severed.push(GroupId);
    else if (peer.groups === null) passage.unseen.push(`whether ${peer.label} carries ${GroupId}`);
    else if (peer.groups.includes(GroupId)) admit(everywhere(peer.family), GroupId);
    else passage.strangers.push(GroupId);
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
    if (!entries) passage.unseen.push(`the entries of prefix list ${PrefixListId}`);
    for (const { Cidr } of entries ?? []) {
      const parsed = parseRange(Cidr);
      if (parsed?.family === peer.family) admit(parsed.range, `${Cidr} of ${PrefixListId}`);
    }
  }
}

/** The TCP ports that a rule covers; null when it is for another protocol. Ports are absent when all are meant. */
function tcpPorts({ IpProtocol, FromPort, ToPort }: Permission): Range | null {
  if (IpProtocol === '-1') return ports(0, 65535);
  if (IpProtocol !== 'tcp' && IpProtocol !== '6') return null;
  return ports(Math.max(0, FromPort ?? 0), ToPort === undefined || ToPort < 0 ? 65535 : ToPort);
}

const anyAddress = (portRange: Range, family: Family): Box => ({ addresses: everywhere(family), ports: portRange });

function ruleText(rule: Permission): string {
  const range = tcpPorts(rule);
  return rule.IpProtocol === '-1' || range === null ? 'all traffic' : `tcp ${portText([range])}`;
}

/** What groups allow in one direction at all, for a person who wonders what is there instead: "tcp 22 from 10.0.0.0/8". */
export function rulesInWords(direction: Direction, groups: readonly string[], net: NetworkEvidence): string[] {
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

const peersOf = (rule: Permission): string[] => [
  ...(rule.UserIdGroupPairs ?? []).flatMap(({ GroupId }) => GroupId ?? []),
  ...(rule.IpRanges ?? []).map(({ CidrIp }) => CidrIp),
  ...(rule.Ipv6Ranges ?? []).map(({ CidrIpv6 }) => CidrIpv6),
  ...(rule.PrefixListIds ?? []).map(({ PrefixListId }) => PrefixListId),
];

const unique = (items: readonly string[]): string[] => [...new Set(items)];
