import { describe, expect, it } from 'vitest';
import { allowCommands } from '../../../src/diagnose/network-path/allow-commands.ts';
import type { NetworkEvidence } from '../../../src/diagnose/network-path/network-evidence.ts';
import { pathTo } from '../../../src/diagnose/network-path/path.ts';
import type { PathResult } from '../../../src/diagnose/network-path/types.ts';
import type { NetworkInterface } from '../../../src/evidence/aws.ts';
import {
  acl,
  albGroup,
  all,
  anywhere,
  appGroup,
  cidr,
  cidr6,
  eni,
  group,
  groups,
  network,
  OPEN,
  prefixList,
  routes,
  subnet,
  tcp,
  withInboundRules,
  withNetworkAcls,
  withOutboundRules,
  withoutEvidence,
} from '../../support/network/network.ts';
import { LB } from '../../support/traffic/traffic-builder.ts';

/** "allowed", "cannot-see: …" or "blocked by security-group, 50 %: …" */
function inWords(answer: PathResult): string {
  if (answer.answer === 'allowed') return 'allowed';
  if (answer.answer === 'cannot-see') return `cannot see ${answer.missing.map(({ what }) => what).join('; ')}`;
  return `blocked by ${answer.by}, ${Math.round(answer.share * 1000) / 10} %`;
}

interface Situation {
  name: string;
  net: NetworkEvidence;
  target?: string;
  port?: number;
  node?: string;
  answer: string;
}

const judged = ({ net, target = '10.0.1.5', port = 8080, node }: Situation) =>
  pathTo(target, port, net, node === undefined ? {} : { node });

const table = (title: string, situations: Situation[]) =>
  describe(title, () => {
    it.each(situations)('$name: $answer', (situation) => expect(inWords(judged(situation))).toBe(situation.answer));
  });

const BLOCKED = 'blocked by security-group, 100 %';

table('target ingress', [
  { name: 'the group of the load balancer is admitted', net: network, answer: 'allowed' },
  { name: 'another port is admitted', net: network, port: 9090, answer: BLOCKED },
  {
    name: 'a removed group of the load balancer is still named',
    net: withInboundRules({ ...tcp(8080), ...groups('sg-old') }),
    answer: BLOCKED,
  },
  { name: 'no inbound rule at all', net: withInboundRules(), answer: BLOCKED },
  {
    name: 'a port range holds the port',
    net: withInboundRules({ ...tcp(8000, 8100), ...groups('sg-alb') }),
    answer: 'allowed',
  },
  {
    name: 'a port range ends one short',
    net: withInboundRules({ ...tcp(8000, 8079), ...groups('sg-alb') }),
    answer: BLOCKED,
  },
  { name: 'all traffic from the group', net: withInboundRules({ ...all, ...groups('sg-alb') }), answer: 'allowed' },
  {
    name: 'protocol as a number',
    net: withInboundRules({ ...tcp(8080), IpProtocol: '6', ...groups('sg-alb') }),
    answer: 'allowed',
  },
  {
    name: 'udp is no help',
    net: withInboundRules({ ...tcp(8080), IpProtocol: 'udp', ...groups('sg-alb') }),
    answer: BLOCKED,
  },
  { name: 'the VPC as a block', net: withInboundRules({ ...tcp(8080), ...cidr('10.0.0.0/16') }), answer: 'allowed' },
  {
    name: 'both subnets as blocks',
    net: withInboundRules({ ...tcp(8080), ...cidr('10.0.8.0/24', '10.0.9.0/24') }),
    answer: 'allowed',
  },
  {
    name: 'one subnet of two',
    net: withInboundRules({ ...tcp(8080), ...cidr('10.0.8.0/24') }),
    answer: 'blocked by security-group, 50 %',
  },
  {
    name: 'half of one subnet has no rule',
    net: withInboundRules({ ...tcp(8080), ...cidr('10.0.8.0/24', '10.0.9.0/25') }),
    answer: 'blocked by security-group, 25 %',
  },
  {
    name: 'an IPv6 block does not admit IPv4',
    net: withInboundRules({ ...tcp(8080), ...cidr6('::/0') }),
    answer: BLOCKED,
  },
  {
    name: 'one node, in the subnet that is admitted',
    net: withInboundRules({ ...tcp(8080), ...cidr('10.0.8.0/24') }),
    node: '10.0.8.7',
    answer: 'allowed',
  },
  {
    name: 'one node, in the subnet that is not',
    net: withInboundRules({ ...tcp(8080), ...cidr('10.0.8.0/24') }),
    node: '10.0.9.7',
    answer: BLOCKED,
  },
  {
    name: 'any of several groups may admit',
    net: {
      ...network,
      securityGroups: [albGroup, group('sg-app', []), group('sg-web', [{ ...tcp(8080), ...groups('sg-alb') }])],
      networkInterfaces: [eni('10.0.1.5', { Groups: [{ GroupId: 'sg-app' }, { GroupId: 'sg-web' }] })],
    },
    answer: 'allowed',
  },
  {
    name: 'the load balancer carries two groups, the second is admitted',
    net: {
      ...network,
      loadBalancer: { ...network.loadBalancer, SecurityGroups: ['sg-x', 'sg-alb'] },
      securityGroups: [albGroup, appGroup, group('sg-x', [])],
    },
    answer: 'allowed',
  },
  {
    name: 'a peered group',
    net: withInboundRules({
      ...tcp(8080),
      UserIdGroupPairs: [{ GroupId: 'sg-alb', UserId: '210987654321', PeeringStatus: 'active' }],
    }),
    answer: 'allowed',
  },
  {
    name: 'a peered group whose peering was deleted',
    net: withInboundRules({ ...tcp(8080), UserIdGroupPairs: [{ GroupId: 'sg-alb', PeeringStatus: 'deleted' }] }),
    answer: BLOCKED,
  },
  {
    name: 'a prefix list that holds the subnets',
    net: {
      ...withInboundRules({ ...tcp(8080), ...prefixList('pl-1') }),
      prefixLists: { 'pl-1': [{ Cidr: '10.0.8.0/23' }] },
    },
    answer: 'allowed',
  },
  {
    name: 'a prefix list of others',
    net: {
      ...withInboundRules({ ...tcp(8080), ...prefixList('pl-1') }),
      prefixLists: { 'pl-1': [{ Cidr: '192.168.0.0/16' }] },
    },
    answer: BLOCKED,
  },
  {
    name: 'a prefix list with unread entries',
    net: withInboundRules({ ...tcp(8080), ...prefixList('pl-1') }),
    answer: 'cannot see the entries of prefix list pl-1',
  },
  {
    name: 'an unread prefix list for another port',
    net: withInboundRules({ ...tcp(22), ...prefixList('pl-1') }),
    answer: BLOCKED,
  },
  {
    name: 'an unread prefix list next to a rule that admits',
    net: withInboundRules({ ...tcp(8080), ...prefixList('pl-1') }, { ...tcp(8080), ...groups('sg-alb') }),
    answer: 'allowed',
  },
]);

table('load balancer egress', [
  {
    name: 'only to the group of the target',
    net: withOutboundRules({ ...tcp(8080), ...groups('sg-app') }),
    answer: 'allowed',
  },
  { name: 'only to another group', net: withOutboundRules({ ...tcp(8080), ...groups('sg-web') }), answer: BLOCKED },
  { name: 'only to port 443', net: withOutboundRules({ ...tcp(443), ...cidr('0.0.0.0/0') }), answer: BLOCKED },
  {
    name: 'to the subnet of the target',
    net: withOutboundRules({ ...tcp(8080), ...cidr('10.0.1.0/24') }),
    answer: 'allowed',
  },
  {
    name: 'to the neighbouring subnet',
    net: withOutboundRules({ ...tcp(8080), ...cidr('10.0.2.0/24') }),
    answer: BLOCKED,
  },
  {
    name: 'to a group, and the target carries unknown groups',
    net: { ...withOutboundRules({ ...tcp(8080), ...groups('sg-web') }), networkInterfaces: [] },
    answer:
      'cannot see whether 10.0.1.5 carries sg-web; the security groups of 10.0.1.5 (no network interface was found)',
  },
]);

const half = ['100 allow in -1 0.0.0.0/0', '100 allow out 6 0.0.0.0/0 32768-65535'];
table('network ACLs', [
  {
    name: 'a custom ACL without rules',
    net: withNetworkAcls(acl('acl-lb', ['subnet-a', 'subnet-b']), acl('acl-app', ['subnet-app'], [])),
    answer: 'blocked by network-acl, 100 %',
  },
  {
    name: 'an early deny wins',
    net: withNetworkAcls(
      acl('acl-lb', ['subnet-a', 'subnet-b']),
      acl('acl-app', ['subnet-app'], ['90 deny in 6 0.0.0.0/0 8080', ...OPEN]),
    ),
    answer: 'blocked by network-acl, 100 %',
  },
  {
    name: 'a late deny loses',
    net: withNetworkAcls(
      acl('acl-lb', ['subnet-a', 'subnet-b']),
      acl('acl-app', ['subnet-app'], ['110 deny in 6 0.0.0.0/0 8080', ...OPEN]),
    ),
    answer: 'allowed',
  },
  {
    name: 'a deny of udp does not count',
    net: withNetworkAcls(
      acl('acl-lb', ['subnet-a', 'subnet-b']),
      acl('acl-app', ['subnet-app'], ['90 deny in 17 0.0.0.0/0 8080', ...OPEN]),
    ),
    answer: 'allowed',
  },
  {
    name: 'one zone of the load balancer is cut off',
    net: withNetworkAcls(
      acl('acl-a', ['subnet-a']),
      acl('acl-b', ['subnet-b'], ['100 allow in -1 0.0.0.0/0']),
      acl('acl-app', ['subnet-app']),
    ),
    answer: 'blocked by network-acl, 50 %',
  },
  {
    name: 'a node in the zone that is open',
    net: withNetworkAcls(acl('acl-a', ['subnet-a']), acl('acl-b', ['subnet-b'], []), acl('acl-app', ['subnet-app'])),
    node: '10.0.8.9',
    answer: 'allowed',
  },
  {
    name: 'a node in the zone that is cut off',
    net: withNetworkAcls(acl('acl-a', ['subnet-a']), acl('acl-b', ['subnet-b'], []), acl('acl-app', ['subnet-app'])),
    node: '10.0.9.9',
    answer: 'blocked by network-acl, 100 %',
  },
  {
    name: 'answers only to the upper ephemeral ports',
    net: withNetworkAcls(acl('acl-lb', ['subnet-a', 'subnet-b']), acl('acl-app', ['subnet-app'], half)),
    answer: 'blocked by network-acl, 49.2 %',
  },
  {
    name: 'answers do not come in to the load balancer',
    net: withNetworkAcls(
      acl('acl-lb', ['subnet-a', 'subnet-b'], ['100 allow out -1 0.0.0.0/0', '100 allow in 6 0.0.0.0/0 443']),
      acl('acl-app', ['subnet-app']),
    ),
    answer: 'blocked by network-acl, 100 %',
  },
  {
    name: 'answers to all of 1024-65535, in two rules',
    net: withNetworkAcls(
      acl(
        'acl-lb',
        ['subnet-a', 'subnet-b'],
        ['100 allow out -1 0.0.0.0/0', '100 allow in 6 0.0.0.0/0 1024-32767', '110 allow in 6 10.0.1.0/24 32768-65535'],
      ),
      acl('acl-app', ['subnet-app']),
    ),
    answer: 'allowed',
  },
  {
    name: 'rules for IPv6 do not open IPv4',
    net: withNetworkAcls(
      acl('acl-lb', ['subnet-a', 'subnet-b']),
      acl('acl-app', ['subnet-app'], ['100 allow in -1 ::/0', '100 allow out -1 ::/0']),
    ),
    answer: 'blocked by network-acl, 100 %',
  },
  {
    name: 'not asked inside one subnet',
    net: {
      ...withNetworkAcls(acl('acl-b', ['subnet-b']), acl('acl-a', ['subnet-a'], [])),
      networkInterfaces: [eni('10.0.8.5', { SubnetId: 'subnet-a' })],
    },
    target: '10.0.8.5',
    node: '10.0.8.9',
    answer: 'allowed',
  },
  {
    name: 'asked for the node in the other subnet',
    net: {
      ...withNetworkAcls(acl('acl-b', ['subnet-b']), acl('acl-a', ['subnet-a'], [])),
      networkInterfaces: [eni('10.0.8.5', { SubnetId: 'subnet-a' })],
    },
    target: '10.0.8.5',
    node: '10.0.9.9',
    answer: 'blocked by network-acl, 100 %',
  },
  {
    name: 'one source port in 64,512 is denied',
    net: withNetworkAcls(
      acl('acl-lb', ['subnet-a', 'subnet-b'], ['90 deny in 6 0.0.0.0/0 3389', ...OPEN]),
      acl('acl-app', ['subnet-app']),
    ),
    answer: 'blocked by network-acl, 0 %',
  },
]);

table('which target', [
  {
    name: 'an instance, by its primary interface',
    net: {
      ...network,
      networkInterfaces: [
        eni('10.0.1.9', { Groups: [], Attachment: { InstanceId: 'i-1', DeviceIndex: 1 } }),
        eni('10.0.1.5', { Attachment: { InstanceId: 'i-1', DeviceIndex: 0 } }),
      ],
    },
    target: 'i-1',
    answer: 'allowed',
  },
  {
    name: 'an instance, from describe-instances only',
    net: {
      ...network,
      networkInterfaces: [],
      instances: [
        {
          InstanceId: 'i-1',
          PrivateIpAddress: '10.0.1.5',
          SubnetId: 'subnet-app',
          VpcId: 'vpc-1',
          SecurityGroups: [{ GroupId: 'sg-app' }],
        },
      ],
    },
    target: 'i-1',
    answer: 'allowed',
  },
  {
    name: 'a secondary address',
    net: {
      ...network,
      networkInterfaces: [
        eni('10.0.1.4', { PrivateIpAddresses: [{ PrivateIpAddress: '10.0.1.4' }, { PrivateIpAddress: '10.0.1.5' }] }),
      ],
    },
    answer: 'allowed',
  },
  {
    name: 'an address of a delegated prefix',
    net: { ...network, networkInterfaces: [eni('10.0.1.200', { Ipv4Prefixes: [{ Ipv4Prefix: '10.0.1.0/28' }] })] },
    answer: 'allowed',
  },
  {
    name: 'just outside a delegated prefix',
    net: { ...network, networkInterfaces: [eni('10.0.1.200', { Ipv4Prefixes: [{ Ipv4Prefix: '10.0.1.16/28' }] })] },
    answer: 'cannot see the security groups of 10.0.1.5 (no network interface was found)',
  },
  {
    name: 'the same address in another VPC',
    net: { ...network, networkInterfaces: [eni('10.0.1.5', { VpcId: 'vpc-9', Groups: [] }), eni('10.0.1.5')] },
    answer: 'allowed',
  },
  {
    name: 'on premises',
    net: network,
    target: '192.168.7.7',
    answer: 'cannot see the security groups of 192.168.7.7 (no network interface was found); the subnet of 192.168.7.7',
  },
  {
    name: 'IPv6, admitted by group',
    net: { ...network, networkInterfaces: [eni('10.0.1.5', { Ipv6Addresses: [{ Ipv6Address: 'fd00:0:0:1::5' }] })] },
    target: 'fd00:0:0:1::5',
    answer: 'allowed',
  },
  {
    name: 'IPv6, admitted by IPv4 block only',
    net: {
      ...withInboundRules({ ...tcp(8080), ...cidr('0.0.0.0/0') }),
      networkInterfaces: [eni('10.0.1.5', { Ipv6Addresses: [{ Ipv6Address: 'fd00:0:0:1::5' }] })],
    },
    target: 'fd00:0:0:1::5',
    answer: BLOCKED,
  },
  {
    name: 'IPv6, one subnet admitted',
    net: {
      ...withInboundRules({ ...tcp(8080), ...cidr6('fd00:0:0:a::/64') }),
      networkInterfaces: [eni('10.0.1.5', { Ipv6Addresses: [{ Ipv6Address: 'fd00:0:0:1::5' }] })],
    },
    target: 'fd00:0:0:1::5',
    answer: 'blocked by security-group, 50 %',
  },
]);

table('what could not be looked at', [
  {
    name: 'security groups',
    net: withoutEvidence('securityGroups'),
    answer: 'cannot see the rules of the security groups',
  },
  { name: 'network ACLs', net: withoutEvidence('networkAcls'), answer: 'cannot see the network ACLs' },
  {
    name: 'network interfaces',
    net: withoutEvidence('networkInterfaces'),
    answer: 'cannot see the network interfaces, for the security groups of 10.0.1.5',
  },
  { name: 'subnets, if a group is admitted', net: withoutEvidence('subnets'), answer: 'allowed' },
  {
    name: 'subnets, if part of all addresses is admitted',
    net: {
      ...withoutEvidence('subnets'),
      securityGroups: withInboundRules({ ...tcp(8080), ...cidr('10.0.8.0/24') }).securityGroups ?? [],
    },
    answer: 'cannot see the addresses of subnet-a (eu-west-1a); the addresses of subnet-b (eu-west-1b)',
  },
  {
    name: 'the rules of one group',
    net: { ...network, securityGroups: [albGroup] },
    answer: 'cannot see the rules of sg-app',
  },
  {
    name: 'the network ACL of one subnet',
    net: withNetworkAcls(acl('acl-lb', ['subnet-a', 'subnet-b'])),
    answer: 'cannot see the network ACL of subnet-app',
  },
  {
    name: 'a block that is seen counts though the rest is not',
    net: { ...withoutEvidence('networkAcls', 'subnets'), securityGroups: withInboundRules().securityGroups ?? [] },
    answer: BLOCKED,
  },
]);

table('routes', [
  {
    name: 'the peering behind the route was deleted',
    net: { ...network, routeTables: [routes('rtb-main', ['10.0.0.0/16'], ['10.0.1.0/24', 'blackhole'])] },
    answer: 'blocked by route, 100 %',
  },
  {
    name: 'a black hole for others',
    net: { ...network, routeTables: [routes('rtb-main', ['10.0.0.0/16'], ['10.9.0.0/16', 'blackhole'])] },
    answer: 'allowed',
  },
  {
    name: 'only the internet gateway would get the private address',
    net: { ...network, routeTables: [routes('rtb-main', ['10.7.0.0/16'], ['0.0.0.0/0', 'active', 'igw-1'])] },
    answer: 'blocked by route, 100 %',
  },
  {
    name: 'another gateway takes the private address',
    net: { ...network, routeTables: [routes('rtb-main', ['10.7.0.0/16'], ['0.0.0.0/0', 'active', 'tgw-1'])] },
    answer: 'allowed',
  },
  {
    name: 'the internet gateway stands beside the route of the VPC',
    net: { ...network, routeTables: [routes('rtb-main', ['10.0.0.0/16'], ['0.0.0.0/0', 'active', 'igw-1'])] },
    answer: 'allowed',
  },
  {
    name: 'no route covers the address',
    net: { ...network, routeTables: [routes('rtb-main', ['10.7.0.0/16'])] },
    answer: 'blocked by route, 100 %',
  },
]);

const nodeEni = (address: string, subnetId: string, publicIp?: string): NetworkInterface =>
  eni(address, {
    SubnetId: subnetId,
    Description: `ELB ${LB.split('loadbalancer/')[1]}`,
    Groups: [{ GroupId: 'sg-alb' }],
    ...(publicIp ? { Association: { PublicIp: publicIp } } : {}),
  });

describe('the current nodes', () => {
  const net = {
    ...withInboundRules({ ...tcp(8080), ...cidr('10.0.8.7/32', '10.0.9.0/24') }),
    networkInterfaces: [
      eni('10.0.1.5'),
      nodeEni('10.0.8.7', 'subnet-a', '203.0.113.7'),
      nodeEni('10.0.9.7', 'subnet-b'),
    ],
  };

  it('pass by their addresses, with a caution for addresses they may get later', () => {
    const answer = pathTo('10.0.1.5', 8080, net);
    expect(answer).toMatchObject({
      answer: 'allowed',
      cautions: [
        "sg-app allows the load balancer's current addresses in subnet-a (eu-west-1a), not the whole subnet: when the load balancer scales, it takes other addresses.",
      ],
    });
  });

  it('are found by the public address in the log', () => {
    expect(inWords(pathTo('10.0.1.5', 8080, net, { node: '203.0.113.7' }))).toBe('allowed');
    const other = {
      ...net,
      securityGroups: withInboundRules({ ...tcp(8080), ...cidr('10.0.9.0/24') }).securityGroups ?? [],
    };
    expect(inWords(pathTo('10.0.1.5', 8080, other, { node: '203.0.113.7' }))).toBe(BLOCKED);
  });
});

describe('the sentence and the command for', () => {
  const said = (net: NetworkEvidence, target = '10.0.1.5', port = 8080) => {
    const answer = pathTo(target, port, net);
    return answer.answer === 'blocked' ? [answer.sentence, ...answer.commands] : [answer.sentence];
  };

  it('a reference to a removed group', () => {
    expect(said(withInboundRules({ ...tcp(8080), ...groups('sg-old') }))).toEqual([
      'sg-app of 10.0.1.5 does not allow TCP 8080 from the load balancer (sg-alb); on that port it allows sg-old, which the load balancer does not use.',
      'aws ec2 authorize-security-group-ingress --group-id sg-app --protocol tcp --port 8080 --source-group sg-alb',
    ]);
  });

  it('a missing port', () => {
    expect(said(network, '10.0.1.5', 9090)[0]).toBe(
      'sg-app of 10.0.1.5 does not allow TCP 9090 from the load balancer (sg-alb); it allows TCP 8080 from sg-alb.',
    );
  });

  it('a subnet without a rule', () => {
    expect(said(withInboundRules({ ...tcp(8080), ...cidr('10.0.8.0/24') }))[0]).toBe(
      'sg-app of 10.0.1.5 does not allow TCP 8080 from 10.0.9.0/24 in subnet-b (eu-west-1b), a part of the load balancer.',
    );
  });

  it('egress', () => {
    expect(said(withOutboundRules({ ...tcp(443), ...cidr('0.0.0.0/0') }))).toEqual([
      'sg-alb of the load balancer allows no TCP 8080 to 10.0.1.5; it allows TCP 443 to 0.0.0.0/0.',
      "aws ec2 authorize-security-group-egress --group-id sg-alb --ip-permissions 'IpProtocol=tcp,FromPort=8080,ToPort=8080,UserIdGroupPairs=[{GroupId=sg-app}]'",
    ]);
  });

  it('ephemeral ports that responses cannot reach', () => {
    expect(
      said(withNetworkAcls(acl('acl-lb', ['subnet-a', 'subnet-b']), acl('acl-app', ['subnet-app'], half))),
    ).toEqual([
      'acl-app (subnet-app, the target subnet) drops replies on TCP 1024-32767 (49 % of the ephemeral ports) to subnet-a (eu-west-1a) and subnet-b (eu-west-1b): no rule allows them, so the default rule denies them.',
      'aws ec2 create-network-acl-entry --network-acl-id acl-app --egress --rule-number 110 --protocol tcp --port-range From=1024,To=65535 --cidr-block 10.0.8.0/24 --rule-action allow',
      'aws ec2 create-network-acl-entry --network-acl-id acl-app --egress --rule-number 120 --protocol tcp --port-range From=1024,To=65535 --cidr-block 10.0.9.0/24 --rule-action allow',
    ]);
  });

  it('a deny in one zone, with a rule before it', () => {
    const net = withNetworkAcls(
      acl('acl-a', ['subnet-a']),
      acl('acl-b', ['subnet-b'], ['99 deny out 6 10.0.1.0/24 8080', ...OPEN]),
      acl('acl-app', ['subnet-app']),
    );
    expect(said(net)).toEqual([
      'acl-b of subnet-b (eu-west-1b) drops connections on TCP 8080 out to 10.0.1.5: rule 99 denies them.',
      'aws ec2 create-network-acl-entry --network-acl-id acl-b --egress --rule-number 98 --protocol tcp --port-range From=8080,To=8080 --cidr-block 10.0.1.0/24 --rule-action allow',
    ]);
  });

  it('an open path', () => {
    expect(said(network)).toEqual([
      'The configuration allows TCP 8080 to 10.0.1.5: sg-alb allows all traffic to 0.0.0.0/0; sg-app allows TCP 8080 from sg-alb; the network ACLs allow it both ways.',
    ]);
  });

  it('IPv6, with IPv6 options', () => {
    const net = {
      ...withNetworkAcls(
        acl('acl-lb', ['subnet-a', 'subnet-b']),
        acl('acl-app', ['subnet-app'], ['100 allow in -1 ::/0']),
      ),
      subnets: [
        subnet('subnet-a', '10.0.8.0/24', 'a', 'fd00:0:0:a::/64'),
        subnet('subnet-app', '10.0.1.0/24', 'a', 'fd00:0:0:1::/64'),
      ],
      networkInterfaces: [eni('10.0.1.5', { Ipv6Addresses: [{ Ipv6Address: 'fd00:0:0:1::5' }] })],
    };
    const [, command] = said(
      { ...net, loadBalancer: { ...network.loadBalancer, AvailabilityZones: [{ SubnetId: 'subnet-a' }] } },
      'fd00:0:0:1::5',
    );
    expect(command).toContain('--ipv6-cidr-block fd00:0:0:a::/64');
  });
});

describe('both barriers at once', () => {
  it('list security groups before network ACLs, and all commands', () => {
    const net = {
      ...withInboundRules(),
      networkAcls: [acl('acl-lb', ['subnet-a', 'subnet-b']), acl('acl-app', ['subnet-app'], [])],
    };
    const answer = pathTo('10.0.1.5', 8080, net);
    expect(answer.answer === 'blocked' && answer.blocks.map(({ by }) => by)).toEqual([
      'security-group',
      'network-acl',
      'network-acl',
    ]);
  });
});

it('need no subnets if the network is open', () => {
  const net: NetworkEvidence = {
    ...withoutEvidence('subnets'),
    securityGroups: [albGroup, group('sg-app', [anywhere])],
  };
  expect(inWords(pathTo('10.0.1.5', 8080, net))).toBe('allowed');
});

it('number the entries of one network ACL together', () => {
  const closed = withNetworkAcls(
    acl('acl-lb', ['subnet-a', 'subnet-b'], ['100 allow in -1 0.0.0.0/0']),
    acl('acl-app', ['subnet-app']),
    acl('acl-db', ['subnet-db']),
  );
  const net = {
    ...closed,
    subnets: [...network.subnets, subnet('subnet-db', '10.0.2.0/24', 'eu-west-1a')],
    networkInterfaces: [eni('10.0.1.5'), eni('10.0.2.5', { SubnetId: 'subnet-db' })],
  };
  const blocks = ['10.0.1.5', '10.0.2.5'].flatMap((address) => {
    const answer = pathTo(address, 8080, net);
    return answer.answer === 'blocked' ? answer.blocks : [];
  });
  expect(
    allowCommands(blocks).map((command) => /--rule-number (\d+) .*--cidr-block (\S+)/.exec(command)?.slice(1)),
  ).toEqual([
    ['10', '10.0.1.0/24'],
    ['20', '10.0.2.0/24'],
  ]);
});
