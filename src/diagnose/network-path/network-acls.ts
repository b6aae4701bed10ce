/**
 * Network ACLs: stateless, one per subnet; rules apply in number order, the first match decides, and no match means
 * denied. Not evaluated for traffic within a subnet. IPv4 and IPv6 have separate rules.
 */
import type { NetworkAcl } from '../../evidence/aws.ts';
import {
  type AddressFamily,
  type AddressPortRange,
  type IntegerRange,
  intersect,
  parseRange,
  ports,
  subtract,
} from './cidr-ranges.ts';
import type { Direction } from './security-groups.ts';

type AclEntry = NonNullable<NetworkAcl['Entries']>[number];

/** The API's number for the last rule, shown as "*" in the console: it denies everything. */
const LAST_RULE = 32767;

/** The packets of `wanted` that a network ACL denies, and the number of the denying rule. */
export interface Denial {
  boxes: AddressPortRange[];
  rule: number;
}

export const aclOfSubnet = (subnetId: string | null, acls: readonly NetworkAcl[] | undefined): NetworkAcl | undefined =>
  acls?.find(({ Associations }) => subnetId !== null && Associations?.some(({ SubnetId }) => SubnetId === subnetId));

/** Returns denials in rule order. `wanted` contains the addresses of the other side and the destination ports. */
export function denials(
  acl: NetworkAcl,
  direction: Direction,
  wanted: readonly AddressPortRange[],
  family: AddressFamily,
): Denial[] {
  const entries = (acl.Entries ?? [])
    .filter(({ Egress }) => Egress === (direction === 'out'))
    .sort((a, b) => a.RuleNumber - b.RuleNumber);
  const denied: Denial[] = [];
  let open = [...wanted];
  for (const entry of entries) {
    const reach = entryRange(entry, family);
    if (!reach) continue;
    const hit = open.flatMap((box) => intersect(box, reach) ?? []);
    if (hit.length > 0 && entry.RuleAction !== 'allow') denied.push({ boxes: hit, rule: entry.RuleNumber });
    open = open.flatMap((box) => subtract(box, reach));
  }
  return open.length > 0 ? [...denied, { boxes: open, rule: LAST_RULE }] : denied;
}

/** Protocols are numbers as text: 6 is TCP, -1 is all. With -1, ports are ignored. */
function entryRange(entry: AclEntry, family: AddressFamily): AddressPortRange | null {
  if (!['-1', '6', 'tcp'].includes(entry.Protocol)) return null;
  const block = family === 4 ? entry.CidrBlock : entry.Ipv6CidrBlock;
  const parsed = block === undefined ? null : parseRange(block);
  if (parsed?.family !== family) return null;
  return { addresses: parsed.range, ports: entry.Protocol === '-1' ? ports(0, 65535) : entryPorts(entry) };
}

function entryPorts({ PortRange }: AclEntry): IntegerRange {
  return ports(PortRange?.From ?? 0, PortRange?.To ?? 65535);
}

export const ruleName = (rule: number): string =>
  rule === LAST_RULE ? 'no rule allows it, and the last rule denies' : `rule ${rule} denies`;

/** A free rule number before the denying rule; null if none is free. */
export function freeRuleNumber(
  acl: NetworkAcl,
  direction: Direction,
  denying: number,
  taken: readonly number[] = [],
): number | null {
  const used = (acl.Entries ?? [])
    .filter(({ Egress, RuleNumber }) => Egress === (direction === 'out') && RuleNumber < LAST_RULE)
    .map(({ RuleNumber }) => RuleNumber)
    .concat(taken);
  const next = Math.max(0, ...used) + 10;
  if (denying === LAST_RULE && next < LAST_RULE) return next;
  for (let candidate = denying - 1; candidate >= 1; candidate -= 1) if (!used.includes(candidate)) return candidate;
  return null;
}

/** Source ports of a load balancer's connections, to which responses must return. */
export const EPHEMERAL = ports(1024, 65535);
