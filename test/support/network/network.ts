/** A small VPC in words: a load balancer in two subnets, targets in a third, everything open between them. */

import type { NetworkEvidence } from '../../../src/diagnose/network-path/network-evidence.ts';
import type {
  IpPermission,
  NetworkAcl,
  NetworkInterface,
  RouteTable,
  SecurityGroup,
  Subnet,
} from '../../../src/evidence/aws.ts';
import { LB } from '../traffic/traffic-builder.ts';

export const tcp = (port: number, to: number = port): IpPermission => ({
  IpProtocol: 'tcp',
  FromPort: port,
  ToPort: to,
});
export const all: IpPermission = { IpProtocol: '-1' };
export const cidr = (...blocks: string[]) => ({ IpRanges: blocks.map((CidrIp) => ({ CidrIp })) });
export const cidr6 = (...blocks: string[]) => ({ Ipv6Ranges: blocks.map((CidrIpv6) => ({ CidrIpv6 })) });
export const groups = (...ids: string[]) => ({ UserIdGroupPairs: ids.map((GroupId) => ({ GroupId })) });
export const prefixList = (...ids: string[]) => ({ PrefixListIds: ids.map((PrefixListId) => ({ PrefixListId })) });

export const group = (
  GroupId: string,
  inbound: IpPermission[],
  outbound: IpPermission[] = [anywhere],
): SecurityGroup => ({
  GroupId,
  VpcId: 'vpc-1',
  IpPermissions: inbound,
  IpPermissionsEgress: outbound,
});

export const anywhere: IpPermission = { ...all, ...cidr('0.0.0.0/0'), ...cidr6('::/0') };

export const subnet = (SubnetId: string, CidrBlock: string, zone: string, ipv6?: string): Subnet => ({
  SubnetId,
  VpcId: 'vpc-1',
  AvailabilityZone: zone,
  CidrBlock,
  Ipv6CidrBlockAssociationSet: ipv6 ? [{ Ipv6CidrBlock: ipv6 }] : [],
});

export const eni = (address: string, part: Partial<NetworkInterface> = {}): NetworkInterface => ({
  NetworkInterfaceId: `eni-${address}`,
  VpcId: 'vpc-1',
  SubnetId: 'subnet-app',
  AvailabilityZone: 'eu-west-1a',
  PrivateIpAddress: address,
  PrivateIpAddresses: [{ PrivateIpAddress: address }],
  Groups: [{ GroupId: 'sg-app' }],
  ...part,
});

type Entry = NonNullable<NetworkAcl['Entries']>[number];
/** "100 allow in 6 0.0.0.0/0 1024-65535" */
function entry(text: string): Entry {
  const [number = '', action = '', way = '', protocol = '', block = '', range] = text.split(' ');
  const [from, to] = (range ?? '').split('-');
  return {
    RuleNumber: number === '*' ? 32767 : Number(number),
    RuleAction: action,
    Egress: way === 'out',
    Protocol: protocol,
    ...(block.includes(':') ? { Ipv6CidrBlock: block } : { CidrBlock: block }),
    ...(from ? { PortRange: { From: Number(from), To: Number(to ?? from) } } : {}),
  };
}

const LAST = ['* deny in -1 0.0.0.0/0', '* deny out -1 0.0.0.0/0', '* deny in -1 ::/0', '* deny out -1 ::/0'];
export const OPEN = [
  '100 allow in -1 0.0.0.0/0',
  '100 allow out -1 0.0.0.0/0',
  '101 allow in -1 ::/0',
  '101 allow out -1 ::/0',
];

export const acl = (NetworkAclId: string, subnets: string[], rules: string[] = OPEN): NetworkAcl => ({
  NetworkAclId,
  VpcId: 'vpc-1',
  Associations: subnets.map((SubnetId) => ({ SubnetId })),
  Entries: [...rules, ...LAST].map(entry),
});

export const routes = (
  RouteTableId: string,
  ...rows: [block: string, state?: string, gateway?: string][]
): RouteTable => ({
  RouteTableId,
  VpcId: 'vpc-1',
  Associations: [{ Main: true }],
  Routes: rows.map(([DestinationCidrBlock, State = 'active', GatewayId]) => ({
    ...{ DestinationCidrBlock, State },
    ...(GatewayId === undefined ? {} : { GatewayId }),
  })),
});

export const appGroup = group('sg-app', [{ ...tcp(8080), ...groups('sg-alb') }]);
export const albGroup = group('sg-alb', [{ ...tcp(443), ...cidr('0.0.0.0/0') }]);

/** sg-alb on the load balancer, sg-app with tcp 8080 from sg-alb on the target 10.0.1.5, open network ACLs. */
export const network = {
  loadBalancer: {
    LoadBalancerArn: LB,
    LoadBalancerName: 'shop-prod',
    VpcId: 'vpc-1',
    SecurityGroups: ['sg-alb'],
    AvailabilityZones: [
      { ZoneName: 'eu-west-1a', SubnetId: 'subnet-a' },
      { ZoneName: 'eu-west-1b', SubnetId: 'subnet-b' },
    ],
  },
  securityGroups: [albGroup, appGroup],
  networkAcls: [acl('acl-lb', ['subnet-a', 'subnet-b']), acl('acl-app', ['subnet-app'])],
  subnets: [
    subnet('subnet-a', '10.0.8.0/24', 'eu-west-1a', 'fd00:0:0:a::/64'),
    subnet('subnet-b', '10.0.9.0/24', 'eu-west-1b', 'fd00:0:0:b::/64'),
    subnet('subnet-app', '10.0.1.0/24', 'eu-west-1a', 'fd00:0:0:1::/64'),
  ],
  networkInterfaces: [eni('10.0.1.5')],
  instances: [],
  prefixLists: {},
  routeTables: [routes('rtb-main', ['10.0.0.0/16'], ['0.0.0.0/0'])],
} satisfies NetworkEvidence;

/** The same with the rules of the target's group replaced. */
export const withInboundRules = (...inbound: IpPermission[]): NetworkEvidence => ({
  ...network,
  securityGroups: [albGroup, group('sg-app', inbound)],
});

/** The same with what the load balancer's group lets out replaced. */
export const withOutboundRules = (...outbound: IpPermission[]): NetworkEvidence => ({
  ...network,
  securityGroups: [group('sg-alb', [], outbound), appGroup],
});

/** The same with other network ACLs. */
export const withNetworkAcls = (...networkAcls: NetworkAcl[]): NetworkEvidence => ({ ...network, networkAcls });

/** The same without some of the evidence, which could not be read. */
export function withoutEvidence(...names: (keyof NetworkEvidence)[]): NetworkEvidence {
  const seen: NetworkEvidence = { ...network };
  for (const name of names) delete seen[name];
  return seen;
}
