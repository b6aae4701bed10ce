/** What the hops of one path share: the journey, and what each hop answers. */
import type { Evidence } from '../../evidence/evidence.ts';
import { type NodePlace, subnetBlock, type TargetPlace } from './addresses.ts';
import type { Opening } from './allow-commands.ts';
import { addressText, type Box, type Family } from './cidr-ranges.ts';

export const NETWORK_EVIDENCE = [
  'loadBalancer',
  'securityGroups',
  'networkAcls',
  'subnets',
  'routeTables',
  'networkInterfaces',
  'instances',
  'prefixLists',
] as const;

/** A member that is absent could not be looked at. */
export type NetworkEvidence = Partial<Pick<Evidence, (typeof NETWORK_EVIDENCE)[number]>>;

export type Barrier = 'security-group' | 'network-acl' | 'route';

/** What could not be looked at, and which barrier it might be. */
export interface Missing {
  by: Barrier;
  what: string;
}

export interface Block {
  by: Barrier;
  /** Names the group, ACL or route table, the port, the direction and what there is instead. */
  sentence: string;
  /** What would allow it. Printed, never run. */
  commands: string[];
  /** Entries that network ACLs lack; `commands` in parts, to be numbered together with others. */
  openings: Opening[];
  resources: string[];
  /** The load balancer's subnets whose nodes are cut off. */
  subnets: string[];
  /** Groups that rules for this port name and that the other side does not carry. */
  danglingReferences: string[];
  /** Share of the new connections from these subnets that cannot stand, 0 to 1. */
  share: number;
}

export interface Blocked {
  answer: 'blocked';
  /** At least one; security groups first, then network ACLs, then routes. */
  blocks: Block[];
  by: Barrier;
  sentence: string;
  commands: string[];
  /** Share of the new connections from the nodes asked about that cannot stand; 1: none can. */
  share: number;
  missing: Missing[];
  resources: string[];
}

export interface Allowed {
  answer: 'allowed';
  sentence: string;
  /** What holds today and may not tomorrow. */
  cautions: string[];
  resources: string[];
}

export interface CannotSee {
  answer: 'cannot-see';
  sentence: string;
  missing: Missing[];
  resources: string[];
}

export type PathAnswer = Blocked | Allowed | CannotSee;

/** A block but for what its cuts add up to. */
export type BlockText = Omit<Block, 'subnets' | 'share'>;

/** A barrier met by the nodes of one subnet; those with the same key become one block. */
export interface Cut {
  key: string;
  node: NodePlace;
  share: number;
  boxes: Box[];
  describe(cuts: Cut[]): BlockText;
}

/** Everything that the hops of one path read. */
export interface Journey {
  target: TargetPlace;
  port: number;
  nodes: NodePlace[];
  loadBalancerGroups: string[] | null;
  net: NetworkEvidence;
}

export interface Hop {
  cuts: Cut[];
  allowed: string[];
  unseen: Missing[];
}

export const open: Hop = { cuts: [], allowed: [], unseen: [] };

export const unseen = (by: Barrier, ...what: string[]): Hop => ({
  ...open,
  unseen: what.map((each) => ({ by, what: each })),
});

export const merge = (hops: Hop[]): Hop => ({
  cuts: hops.flatMap((hop) => hop.cuts),
  allowed: hops.flatMap((hop) => hop.allowed),
  unseen: hops.flatMap((hop) => hop.unseen),
});

/** The CIDR block of a subnet. */
export function subnetText(subnetId: string | null, { subnets }: NetworkEvidence, family: Family): string | null {
  const block = subnetBlock(
    subnets?.find(({ SubnetId }) => SubnetId === subnetId),
    family,
  );
  return block && addressText([block], family);
}

export const unique = (items: readonly string[]): string[] => [...new Set(items)];
