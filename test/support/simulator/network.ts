/**
 * The virtual network: two subnets in each zone (load balancer nodes in the public one, targets in the private one), security groups
 * and network ACLs, and whether they let a connection through. Security groups are stateful and their rules add up. Network ACLs are
 * stateless, in rule order, evaluated at both subnets in both directions, and not inside one subnet; answers go back to the
 * port that the node connected from.
 */
import type { Random } from './random.ts';
import type {
  AclRule,
  NetworkAclSpec,
  NodeSpec,
  Scenario,
  SecurityGroupRule,
  SecurityGroupSpec,
  Zone,
} from './scenario.ts';

export const vpcId = 'vpc-0a5c1e9f27d34b680';
export const loadBalancerGroup = 'sg-0b1f6a2c9d4e7f803';
export const applicationGroup = 'sg-07c4d1e8a5b29f316';

const zones: Zone[] = ['a', 'b', 'c'];
const secondOctet = { a: 0, b: 1, c: 2 } as const;

export interface Subnet {
  id: string;
  zone: Zone;
  cidr: string;
  public: boolean;
}

export const subnets: Subnet[] = zones.flatMap((zone) => [
  { id: `subnet-0e11${zone}0f5d8c2b7a91`, zone, cidr: `10.0.${secondOctet[zone]}.0/24`, public: true },
  { id: `subnet-0f22${zone}1a6e9d3c8b02`, zone, cidr: `10.0.${10 + secondOctet[zone]}.0/24`, public: false },
]);

const everywhere: SecurityGroupRule = { protocol: '-1', cidr: '0.0.0.0/0' };

export interface Network {
  securityGroups: SecurityGroupSpec[];
  loadBalancerGroups: string[];
  targetGroups: (address: string) => string[];
  networkAcls: NetworkAclSpec[];
}

export function networkOf(scenario: Scenario): Network {
  const ports = new Set<number>();
  for (const group of scenario.targetGroups) {
    if (group.targetType === 'lambda') continue;
    ports.add(group.port);
    if (group.healthCheck?.port !== undefined) ports.add(group.healthCheck.port);
  }
  const defaults: SecurityGroupSpec[] = [
    {
      id: loadBalancerGroup,
      name: `${scenario.loadBalancer.name}-alb`,
      ingress: [
        {
          protocol: 'tcp',
          ports: [scenario.loadBalancer.listener.port, scenario.loadBalancer.listener.port],
          cidr: scenario.loadBalancer.scheme === 'internal' ? '10.0.0.0/8' : '0.0.0.0/0',
        },
      ],
      egress: [everywhere],
    },
    {
      id: applicationGroup,
      name: `${scenario.loadBalancer.name}-targets`,
      ingress: [...ports].map((port) => ({ protocol: 'tcp', ports: [port, port], group: loadBalancerGroup })),
      egress: [everywhere],
    },
  ];
  const own = scenario.network?.securityGroups ?? [];
  const securityGroups = [...defaults.filter((group) => !own.some((other) => other.id === group.id)), ...own];
  const ownAcls = scenario.network?.networkAcls ?? [];
  const taken = new Set(ownAcls.flatMap((acl) => acl.subnets));
  const open: AclRule[] = [{ number: 100, action: 'allow', protocol: '-1', cidr: '0.0.0.0/0' }];
  return {
    securityGroups,
    loadBalancerGroups: scenario.network?.loadBalancerSecurityGroups ?? [loadBalancerGroup],
    targetGroups: (address) => scenario.network?.targetSecurityGroups?.[address] ?? [applicationGroup],
    networkAcls: [
      {
        id: 'acl-0c9d8e7f6a5b43210',
        subnets: subnets.filter((subnet) => !taken.has(subnet.id)).map((subnet) => subnet.id),
        ingress: open,
        egress: open,
      },
      ...ownAcls,
    ],
  };
}

export function subnetOf(address: string): Subnet | undefined {
  return subnets.find((subnet) => within(address, subnet.cidr));
}

/** The barrier between a node and a port of a target; null if there is none. */
export function blockedBy(
  network: Network,
  node: NodeSpec,
  target: string,
  port: number,
  sourcePort: number,
): 'security-group-blocked' | 'network-acl-blocked' | null {
  const source = network.loadBalancerGroups;
  const destination = network.targetGroups(target);
  const permits = (ids: string[], direction: 'ingress' | 'egress', address: string, peers: string[]) =>
    network.securityGroups
      .filter((group) => ids.includes(group.id))
      .some((group) => group[direction].some((permit) => admits(permit, address, peers, port)));
  if (!permits(source, 'egress', target, destination)) return 'security-group-blocked';
  if (!permits(destination, 'ingress', node.address, source)) return 'security-group-blocked';

  const from = subnetOf(node.address);
  const to = subnetOf(target);
  if (from === undefined || to === undefined || from.id === to.id) return null;
  const here = network.networkAcls.find((acl) => acl.subnets.includes(from.id));
  const there = network.networkAcls.find((acl) => acl.subnets.includes(to.id));
  const open =
    (here === undefined ||
      (passes(here.egress, target, [port, port]) && passes(here.ingress, target, [sourcePort, sourcePort]))) &&
    (there === undefined ||
      (passes(there.ingress, node.address, [port, port]) &&
        passes(there.egress, node.address, [sourcePort, sourcePort])));
  return open ? null : 'network-acl-blocked';
}

/** A node connects from any port in 1024-65535, not only from those that Linux would use. */
export const sourcePort = (random: Random) => random.integer(1024, 65535);

function admits(permit: SecurityGroupRule, address: string, peers: string[], port: number): boolean {
  if (permit.ports !== undefined && permit.protocol !== '-1' && (port < permit.ports[0] || port > permit.ports[1]))
    return false;
  if (permit.group !== undefined) return peers.includes(permit.group);
  return permit.cidr !== undefined && within(address, permit.cidr);
}

/** The first rule that covers the address and the ports decides. */
function passes(rules: AclRule[], address: string, ports: [number, number]): boolean {
  for (const rule of [...rules].sort((a, b) => a.number - b.number)) {
    if (!within(address, rule.cidr)) continue;
    const [low, high] = rule.protocol === '-1' || rule.ports === undefined ? [0, 65535] : rule.ports;
    if (rule.action === 'deny' && low <= ports[1] && high >= ports[0]) return false;
    if (rule.action === 'allow' && low <= ports[0] && high >= ports[1]) return true;
  }
  return false;
}

function within(address: string, cidr: string): boolean {
  const [base = '', length = '32'] = cidr.split('/');
  const mask = Number(length) === 0 ? 0 : (0xffffffff << (32 - Number(length))) >>> 0;
  return (bits(address) & mask) >>> 0 === (bits(base) & mask) >>> 0;
}

function bits(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) >>> 0;
}
