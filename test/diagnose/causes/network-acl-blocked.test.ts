import { describe, expect, it } from 'vitest';
import { networkAclBlocked } from '../../../src/diagnose/causes/network-acl-blocked.ts';
import { judgementOf } from '../../support/judgement.ts';
import {
  at,
  call,
  connectTimeoutEvidence,
  describeJudgement,
  type EvidenceOptions,
  health,
  refusedErrors,
  targetTraffic,
  timeouts,
} from '../../support/network/connect-timeouts.ts';
import { acl, OPEN, withInboundRules } from '../../support/network/network.ts';
import { API, question } from '../../support/traffic/traffic-builder.ts';

const judge = (told: EvidenceOptions) => judgementOf(networkAclBlocked, connectTimeoutEvidence(told), question);
const both = acl('acl-lb', ['subnet-a', 'subnet-b']);
const zoneA = {
  networkAcls: [
    acl('acl-a', ['subnet-a'], ['100 allow out -1 0.0.0.0/0']),
    acl('acl-b', ['subnet-b']),
    acl('acl-app', ['subnet-app']),
  ],
};
const upper = {
  networkAcls: [
    both,
    acl('acl-app', ['subnet-app'], ['100 allow in -1 0.0.0.0/0', '100 allow out 6 0.0.0.0/0 32768-65535']),
  ],
};
const onePort = { networkAcls: [both, acl('acl-app', ['subnet-app'], ['90 deny out 6 0.0.0.0/0 3389', ...OPEN])] };

describe('network-acl-blocked', () => {
  it.each<EvidenceOptions & { name: string; verdict: string }>([
    { name: 'answers cannot come back into the zone of the node', known: zoneA, verdict: 'confirmed 6' },
    {
      name: 'the same, and health checks pass on that port: those from the other zone',
      known: { ...zoneA, targetHealth: { [API]: [health('healthy')] } },
      verdict: 'confirmed 6',
    },
    {
      name: 'no zone has a way to it, and health checks pass on that port',
      known: { networkAcls: [both, acl('acl-app', ['subnet-app'], [])], targetHealth: { [API]: [health('healthy')] } },
      verdict: 'possible 6',
    },
    {
      name: 'the node is in the zone that is open',
      known: zoneA,
      errors: timeouts({ node: '10.0.9.7' }),
      targets: [targetTraffic({ node: '10.0.9.7' })],
      verdict: 'ruled out',
    },
    {
      name: 'half of the ephemeral ports, while others succeed',
      known: upper,
      targets: [targetTraffic({ lastSuccess: at(500) })],
      verdict: 'likely 6',
    },
    { name: 'one ephemeral port is no explanation', known: onePort, verdict: 'possible 6' },
    { name: 'open both ways', verdict: 'ruled out' },
    { name: 'network ACLs could not be read', known: { networkAcls: undefined }, verdict: 'possible 6' },
    {
      name: 'the ACL was changed after the errors',
      known: { changes: [call('ReplaceNetworkAclEntry', 'acl-app', 1200)] },
      verdict: 'possible 6',
    },
    {
      name: 'a security group was changed after the errors',
      known: { changes: [call('AuthorizeSecurityGroupIngress', 'sg-app', 1200)] },
      verdict: 'ruled out',
    },
    {
      name: 'a security group drops it, the ACLs are open',
      known: { securityGroups: withInboundRules().securityGroups },
      verdict: 'ruled out',
    },
    { name: 'refused within milliseconds', known: zoneA, errors: refusedErrors(5), verdict: 'ruled out' },
  ])('$name: $verdict', ({ verdict, ...told }) => expect(describeJudgement(judge(told))).toBe(verdict));

  it('names the zone and the ports', () => {
    expect(judge({ known: upper }).for[1]).toBe(
      'acl-app (subnet-app, the target subnet) drops replies on TCP 1024-32767 (49 % of the ephemeral ports) to node 10.0.8.7 in subnet-a (eu-west-1a): no rule allows them, so the default rule denies them.',
    );
  });

  it('prints the entry that allows it', () => {
    expect(judgementOf(networkAclBlocked, connectTimeoutEvidence({ known: upper }), question).fix.commands).toEqual([
      'aws ec2 create-network-acl-entry --network-acl-id acl-app --egress --rule-number 110 --protocol tcp --port-range From=1024,To=65535 --cidr-block 10.0.8.0/24 --rule-action allow',
    ]);
  });

  it('reports a target once for two nodes, and numbers its entries together', () => {
    const errors = [...timeouts(), ...timeouts({ node: '10.0.9.7' })];
    expect(judge({ known: upper, errors }).for).toEqual([
      'All 12 failed requests timed out after 10 s connecting to 10.0.1.5:8080.',
      'acl-app (subnet-app, the target subnet) drops replies on TCP 1024-32767 (49 % of the ephemeral ports) to subnet-a (eu-west-1a) and subnet-b (eu-west-1b): no rule allows them, so the default rule denies them.',
    ]);
    const { commands } = judgementOf(networkAclBlocked, connectTimeoutEvidence({ known: upper, errors }), question).fix;
    expect(commands.map((command) => /--rule-number (\d+) .*--cidr-block (\S+)/.exec(command)?.slice(1))).toEqual([
      ['110', '10.0.8.0/24'],
      ['120', '10.0.9.0/24'],
    ]);
  });
});
