/** Types shared by the hops of one path: the connection, and each hop's answer. */

import type { NetworkAcl } from '../../evidence/aws.ts';
import type { Command } from '../../format/command.ts';
import { type NodePlace, subnetBlock, type TargetPlace } from './addresses.ts';
import { type AddressFamily, type AddressPortRange, addressText, type IntegerRange } from './cidr-ranges.ts';
import type { NetworkEvidence } from './network-evidence.ts';
import type { Direction } from './security-group-rules.ts';

export type PathLayer = 'security-group' | 'network-acl' | 'route';

/** Evidence that could not be read, and the layer that may block because of it. */
export interface MissingEvidence {
  by: PathLayer;
  what: string;
}

/** "sg-0e9d" · "10.0.10.62" · "does not allow TCP 8080 from …". */
export interface Barrier {
  groups: string;
  target: string;
  text: string;
}

/** An entry that a network ACL lacks, to insert before the rule that denies. */
export interface MissingAllowRule {
  acl: NetworkAcl;
  direction: Direction;
  /** Number of the denying rule. */
  denying: number;
  family: AddressFamily;
  cidr: string;
  ports: IntegerRange;
}

export interface PathBlock {
  by: PathLayer;
  /** Names the group, ACL or route table, the port, the direction, and the existing rules. */
  sentence: string;
  /** The parts of the sentence, if other targets may be behind the same barrier. */
  barrier?: Barrier;
  /** The change that would allow it; one sentence. */
  remedy: string;
  /** The same change as commands. Printed, never run. */
  commands: Command[];
  /**
   * Entries that network ACLs lack: the same as in `commands`, separate so that they can be numbered together with
   * others.
   */
  missingAllowRules: MissingAllowRule[];
  resources: string[];
  /** The load balancer subnets whose nodes are blocked. */
  subnets: string[];
  /** Groups that rules for this port reference but that the other side does not carry. */
  danglingReferences: string[];
  /** Share of the new connections from these subnets that cannot be established, 0 to 1. */
  share: number;
}

export interface BlockedPath {
  answer: 'blocked';
  /** At least one; security groups first, then network ACLs, then routes. */
  blocks: PathBlock[];
  by: PathLayer;
  sentence: string;
  commands: Command[];
  /** Share of the new connections from the nodes in question that cannot be established; 1 means all. */
  share: number;
  missing: MissingEvidence[];
  resources: string[];
}

interface AllowedPath {
  answer: 'allowed';
  sentence: string;
  /** Facts that hold today but may not tomorrow. */
  cautions: string[];
  resources: string[];
}

interface UnknownPath {
  answer: 'cannot-see';
  sentence: string;
  missing: MissingEvidence[];
  resources: string[];
}

export type PathResult = BlockedPath | AllowedPath | UnknownPath;

/** A block without its total share. */
export type PathBlockText = Omit<PathBlock, 'subnets' | 'share'>;

/** A block for the nodes of one subnet; drops with the same key are merged into one block. */
export interface Drop {
  key: string;
  node: NodePlace;
  share: number;
  boxes: AddressPortRange[];
  describe(drops: Drop[]): PathBlockText;
}

/** Inputs of all hops of one path. */
export interface PathQuery {
  target: TargetPlace;
  port: number;
  nodes: NodePlace[];
  loadBalancerGroups: string[] | null;
  net: NetworkEvidence;
}

export interface HopResult {
  drops: Drop[];
  allowed: string[];
  missing: MissingEvidence[];
}

export const noDrop: HopResult = { drops: [], allowed: [], missing: [] };

export const missingHop = (by: PathLayer, ...what: string[]): HopResult => ({
  ...noDrop,
  missing: what.map((each) => ({ by, what: each })),
});

export const mergeHops = (hops: HopResult[]): HopResult => ({
  drops: hops.flatMap((hop) => hop.drops),
  allowed: hops.flatMap((hop) => hop.allowed),
  missing: hops.flatMap((hop) => hop.missing),
});

/** The CIDR block of a subnet. */
export function subnetText(
  subnetId: string | null,
  { subnets }: NetworkEvidence,
  family: AddressFamily,
): string | null {
  const block = subnetBlock(
    subnets?.find(({ SubnetId }) => SubnetId === subnetId),
    family,
  );
  return block && addressText([block], family);
}

export const unique = (items: readonly string[]): string[] => [...new Set(items)];
