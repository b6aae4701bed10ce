/** The commands that would open what blocks a path. Printed, never run. */
import type { NetworkAcl } from '../../evidence/aws.ts';
import type { Family, Range } from './cidr-ranges.ts';
import { freeRuleNumber } from './network-acls.ts';
import type { Direction } from './security-groups.ts';
import type { Block } from './types.ts';

/** An entry that a network ACL lacks, in front of the rule that denies. */
export interface Opening {
  acl: NetworkAcl;
  direction: Direction;
  /** Number of the rule that denies. */
  denying: number;
  family: Family;
  cidr: string;
  ports: Range;
}

/** All commands of some blocks; entries of the same network ACL get different rule numbers. */
export function commandsOf(blocks: readonly Block[]): string[] {
  const others = blocks.flatMap(({ commands, openings }) => (openings.length > 0 ? [] : commands));
  return [...new Set([...others, ...openingCommands(blocks.flatMap(({ openings }) => openings))])];
}

export function openingCommands(openings: readonly Opening[]): string[] {
  const taken = new Map<string, number[]>();
  const wanted = new Map(openings.map((opening) => [keyOf(opening), opening]));
  return [...wanted.values()].map((opening) => {
    const list = `${opening.acl.NetworkAclId} ${opening.direction}`;
    const used = taken.get(list) ?? [];
    const number = freeRuleNumber(opening.acl, opening.direction, opening.denying, used);
    if (number !== null) taken.set(list, [...used, number]);
    return commandOf(opening, number);
  });
}

const keyOf = ({ acl, direction, cidr, ports }: Opening): string =>
  `${acl.NetworkAclId} ${direction} ${cidr} ${ports.low}-${ports.high}`;

/** Where no number is free in front of the rule that denies, the rule itself has to go. */
function commandOf({ acl, direction, denying, family, cidr, ports }: Opening, number: number | null): string {
  const entry = `--network-acl-id ${acl.NetworkAclId} ${direction === 'in' ? '--ingress' : '--egress'}`;
  if (number === null) return `aws ec2 delete-network-acl-entry ${entry} --rule-number ${denying}`;
  const block = family === 4 ? `--cidr-block ${cidr}` : `--ipv6-cidr-block ${cidr}`;
  const range = `From=${ports.low},To=${ports.high}`;
  return `aws ec2 create-network-acl-entry ${entry} --rule-number ${number} --protocol tcp --port-range ${range} ${block} --rule-action allow`;
}
