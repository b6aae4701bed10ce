import { describe, expect, it } from 'vitest';
import { trafficPortPath } from '../../../src/diagnose/checks/traffic-port-path.ts';
import { call } from '../../support/network/connect-timeouts.ts';
import { acl, cidr, eni, groups, network, OPEN, tcp, withInboundRules } from '../../support/network/network.ts';
import {
  api,
  baseEvidence,
  describeVerdict,
  health,
  lambda,
  traffic,
} from '../../support/network/two-healthy-targets.ts';
import { API, question, several, target } from '../../support/traffic/traffic-builder.ts';

type Input = Parameters<typeof trafficPortPath.evaluate>[0];
const judge = (part: Partial<Input>, without: 'networkAcls' | 'routeTables' | 'everything' | null = null) => {
  const seen: Input = { ...baseEvidence, ...part };
  if (without === 'networkAcls') delete seen.networkAcls;
  if (without === 'routeTables') delete seen.routeTables;
  if (without === 'everything') {
    delete seen.targetHealth;
    delete seen.traffic;
  }
  return trafficPortPath.evaluate(seen, question);
};
const removed = { securityGroups: withInboundRules({ ...tcp(8080), ...groups('sg-old') }).securityGroups ?? [] };
const timeouts = (address: string) => several(3, 'connect-timeout', () => ({ target: address }));
/** Traffic of a target that nothing in the configuration has any more. */
const trafficOfFormer = (address: string) => traffic([], { targets: [target(address)] });
const both = acl('acl-lb', ['subnet-a', 'subnet-b']);

describe('traffic-port-path', () => {
  it.each<{ name: string; part: Partial<Input>; without?: 'networkAcls' | 'everything'; says: string }>([
    {
      name: 'open',
      part: {},
      says: 'pass: The paths to both registered targets are open; 1,000 requests to them succeeded.',
    },
    {
      name: 'the load balancer lost the group that is admitted',
      part: { ...removed, traffic: traffic([], { targets: [] }) },
      says: 'fail: 2 of 2 paths to a traffic port are blocked. sg-app of 10.0.1.5 and 10.0.1.6 does not allow TCP 8080 from the load balancer (sg-alb); on that port it allows sg-old, which the load balancer does not use.',
    },
    {
      name: 'blocked, and connections that stand go on',
      part: {
        ...removed,
        targetHealth: { [API]: [health('10.0.1.5')] },
        traffic: traffic([], { targets: [target('10.0.1.5:8080', { requests: 9 })] }),
      },
      says: 'fail: 1 of 1 path to a traffic port is blocked. sg-app of 10.0.1.5 does not allow TCP 8080 from the load balancer (sg-alb); on that port it allows sg-old, which the load balancer does not use. Requests were still answered by 10.0.1.5:8080: open connections are not cut, new ones are blocked.',
    },
    {
      name: 'healthy on the health port, blocked on the traffic port',
      part: {
        securityGroups: withInboundRules({ ...tcp(9090), ...groups('sg-alb') }).securityGroups ?? [],
        targetHealth: { [API]: [health('10.0.1.5', 'healthy', { HealthCheckPort: '9090' })] },
        traffic: traffic([], { targets: [] }),
      },
      says: 'fail: 1 of 1 path to a traffic port is blocked. sg-app of 10.0.1.5 does not allow TCP 8080 from the load balancer (sg-alb); it allows TCP 9090 from sg-alb. The target looks healthy, because health checks use another port.',
    },
    {
      name: 'one zone is left out',
      part: {
        securityGroups: withInboundRules({ ...tcp(8080), ...cidr('10.0.8.0/24') }).securityGroups ?? [],
        targetHealth: { [API]: [health('10.0.1.5')] },
        traffic: traffic([], { targets: [] }),
      },
      says: 'fail: 1 of 1 path to a traffic port is partly blocked. sg-app of 10.0.1.5 does not allow TCP 8080 from 10.0.9.0/24 in subnet-b (eu-west-1b), a part of the load balancer.',
    },
    {
      name: 'network ACLs were not read',
      part: {},
      without: 'networkAcls',
      says: 'unknown: Could not check 2 of 2 paths to a traffic port: the network ACLs. These targets answered requests in the window.',
    },
    {
      name: 'a target without an interface in the account',
      part: { networkInterfaces: [eni('10.0.1.5')] },
      says: 'unknown: Could not check 1 of 2 paths to a traffic port: the security groups of 10.0.1.6 (no network interface was found). That target answered requests in the window.',
    },
    {
      name: 'a target that left and has no interface any more',
      part: {
        traffic: traffic([], { targets: [target('10.0.1.5:8080', { requests: 600 }), target('10.0.1.9:8080')] }),
      },
      says: 'pass: The paths to both registered targets are open; 600 requests to 1 of them succeeded.',
    },
    {
      name: 'only one target',
      part: {
        targetHealth: { [API]: [health('10.0.1.5')] },
        traffic: traffic([], { targets: [target('10.0.1.5:8080', { requests: 1 })] }),
      },
      says: 'pass: The path to the only registered target is open; 1 request to it succeeded.',
    },
    {
      name: 'three targets in the log, and none registered',
      part: {
        targetHealth: { [API]: [] },
        networkInterfaces: ['10.0.1.5', '10.0.1.6', '10.0.1.7'].map((address) => eni(address)),
        traffic: traffic([], {
          targets: ['10.0.1.5:8080', '10.0.1.6:8080', '10.0.1.7:8080'].map((one) => target(one, { requests: 2 })),
        }),
      },
      says: 'pass: The paths to all 3 targets in the log are open; 6 requests to them succeeded.',
    },
    {
      name: 'open, and connections time out all the same',
      part: { traffic: traffic(timeouts('10.0.1.6:8080')), changes: [] },
      says: 'pass: The paths to both registered targets are open. 3 connections to 10.0.1.6:8080 still timed out: look inside the host.',
    },
    {
      name: 'the same, and no changes were read',
      part: { traffic: traffic(timeouts('10.0.1.6:8080')) },
      says: 'pass: The paths to both registered targets are open. 3 connections to 10.0.1.6:8080 still timed out: look inside the host, unless the rules were different then (changes were not read).',
    },
    {
      name: 'the same, and the rules were changed since',
      part: {
        traffic: traffic(timeouts('10.0.1.6:8080')),
        changes: [call('AuthorizeSecurityGroupIngress', 'sg-app', 1200)],
      },
      says: 'pass: The paths to both registered targets are open. 3 connections to 10.0.1.6:8080 still timed out: look inside the host, unless the rules were different then: AuthorizeSecurityGroupIngress changed sg-app at 03:00:00 UTC.',
    },
    {
      name: 'one ephemeral port denied, without an effect in the traffic',
      part: {
        networkAcls: [both, acl('acl-app', ['subnet-app'], ['90 deny out 6 0.0.0.0/0 3389', ...OPEN])],
        targetHealth: { [API]: [health('10.0.1.5')] },
        traffic: traffic([], { targets: [] }),
      },
      says: 'pass: The path to the only registered target is open. acl-app (subnet-app, the target subnet) drops replies on TCP 3389 (under 0.01 % of the ephemeral ports) to subnet-a (eu-west-1a) and subnet-b (eu-west-1b): rule 90 denies them. That is under 0.01 % of the new connections, and none timed out.',
    },
    {
      name: 'only Lambda',
      part: { targetGroups: [lambda], traffic: traffic([], { targets: [] }) },
      says: 'not-applicable: No target with an address is registered or in the log.',
    },
    {
      name: 'neither health nor log',
      part: {},
      without: 'everything',
      says: 'unknown: Could not read target health or the log, so the targets are unknown.',
    },
  ])('$name', ({ part, without, says }) => expect(describeVerdict(judge(part, without))).toBe(says));

  it('counts in its short form the same paths as in its sentence', () => {
    const gone = trafficOfFormer('10.0.9.9:8080');
    expect(judge({})).toMatchObject({ brief: 'both paths open' });
    expect(judge({ traffic: gone })).toMatchObject({ outcome: 'pass', brief: 'both paths open' });
    expect(judge({}, 'routeTables').outcome).toBe('unknown');
    expect(judge({}, 'routeTables')).not.toHaveProperty('brief');
  });

  it('gives commands to run if the path is open', () => {
    const { facts = [] } = judge({ traffic: traffic(timeouts('10.0.1.6:8080')) });
    expect(
      facts.filter(({ label }) => label === 'look inside').map(({ value }) => String(value).split(' ')[0]),
    ).toEqual(['ss', 'sudo', 'getenforce;', 'curl', 'kubectl']);
  });

  it('finds an instance by its primary interface', () => {
    const networkInterfaces = [eni('10.0.1.5', { Attachment: { InstanceId: 'i-1', DeviceIndex: 0 } })];
    const { facts } = judge({
      networkInterfaces,
      targetGroups: [api({ TargetType: 'instance' })],
      targetHealth: { [API]: [health('i-1')] },
      traffic: traffic([], { targets: [target('10.0.1.5:8080')] }),
      instances: network.instances,
    });
    expect(facts).toEqual([{ label: 'api 10.0.1.5:8080', value: 'open' }]);
  });
});
