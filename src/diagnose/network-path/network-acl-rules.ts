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
import type { Direction } from './security-group-rules.ts';

type AclEntry = NonNullable<NetworkAcl['Entries']>[number];

/** The API's number for the last rule, shown as "*" in the console: it denies everything. */
const LAST_RULE = 32767;

/** The packets of `wanted` that a network ACL denies, and the number of the denying rule. */
interface Denial {
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
  const denied: Denial[] = [];
  let open = [...wanted];
  for (const { reach, rule, isAllowed } of rulesOf(acl, direction, family)) {
    if (open.length === 0) return denied;
    const hit = isAllowed ? [] : open.flatMap((box) => intersect(box, reach) ?? []);
    if (hit.length > 0) denied.push({ boxes: hit, rule });
    open = open.flatMap((box) => subtract(box, reach));
  }
  return open.length > 0 ? [...denied, { boxes: open, rule: LAST_RULE }] : denied;
}

interface AclRule {
  rule: number;
  reach: AddressPortRange;
  isAllowed: boolean;
}

/** By "in 4", as long as the ACL is kept: it is asked for each of thousands of targets. */
const knownRules = new WeakMap<NetworkAcl, Map<string, readonly AclRule[]>>();

/** The rules for TCP in their order. */
function rulesOf(acl: NetworkAcl, direction: Direction, family: AddressFamily): readonly AclRule[] {
  const known = knownRules.get(acl) ?? new Map<string, readonly AclRule[]>();
  knownRules.set(acl, known);
  const key = `${direction} ${family}`;
  const rules =
    known.get(key) ??
    (acl.Entries ?? [])
      .filter(({ Egress }) => Egress === (direction === 'out'))
      .sort((a, b) => a.RuleNumber - b.RuleNumber)
      .flatMap((entry) => {
        const reach = entryRange(entry, family);
        return reach ? [{ rule: entry.RuleNumber, reach, isAllowed: entry.RuleAction === 'allow' }] : [];
      });
  known.set(key, rules);
  return rules;
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
  rule === LAST_RULE ? 'no rule allows them, so the default rule denies them' : `rule ${rule} denies them`;

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
