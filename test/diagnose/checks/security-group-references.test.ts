import { describe, expect, it } from 'vitest';
import { securityGroupReferences } from '../../../src/diagnose/checks/security-group-references.ts';
import { cidr, groups, tcp, withInboundRules, withOutboundRules } from '../../support/network/network.ts';
import { baseEvidence, describeVerdict, traffic } from '../../support/network/two-healthy-targets.ts';
import { question, target } from '../../support/traffic/traffic-builder.ts';

type Input = Parameters<typeof securityGroupReferences.evaluate>[0];
const judge = (part: Partial<Input>) =>
  describeVerdict(securityGroupReferences.evaluate({ ...baseEvidence, ...part }, question));
const rules = (net: { securityGroups?: Input['securityGroups'] }) => ({ securityGroups: net.securityGroups ?? [] });
const PASS = "pass: Every security group that the targets' rules allow is attached to the load balancer (sg-alb).";

describe('security-group-references', () => {
  it.each<{ name: string; part: Partial<Input>; says: string }>([
    { name: 'the group of the load balancer', part: {}, says: PASS },
    {
      name: 'a group that the load balancer lost',
      part: rules(withInboundRules({ ...tcp(8080), ...groups('sg-old') })),
      says: 'fail: sg-app of 10.0.1.5 does not allow TCP 8080 from the load balancer (sg-alb); on that port it allows sg-old, which the load balancer does not use.',
    },
    {
      name: 'another client besides the load balancer',
      part: rules(withInboundRules({ ...tcp(8080), ...groups('sg-old', 'sg-alb') })),
      says: PASS,
    },
    {
      name: 'another client; the load balancer is admitted by address',
      part: rules(withInboundRules({ ...tcp(8080), ...groups('sg-old') }, { ...tcp(8080), ...cidr('10.0.8.0/23') })),
      says: PASS,
    },
    {
      name: 'a group for another port',
      part: rules(withInboundRules({ ...tcp(22), ...groups('sg-bastion') }, { ...tcp(8080), ...groups('sg-alb') })),
      says: PASS,
    },
    { name: 'blocked without any reference', part: rules(withInboundRules()), says: PASS },
    {
      name: 'egress to a group that the targets do not carry',
      part: rules(withOutboundRules({ ...tcp(8080), ...groups('sg-web') })),
      says: 'fail: sg-alb of the load balancer allows no TCP 8080 to 10.0.1.5; on that port it allows sg-web, which the target does not use.',
    },
    {
      name: 'the peering was deleted',
      part: rules(
        withInboundRules({ ...tcp(8080), UserIdGroupPairs: [{ GroupId: 'sg-alb', PeeringStatus: 'deleted' }] }),
      ),
      says: 'fail: sg-app of 10.0.1.5 does not allow TCP 8080 from the load balancer (sg-alb); on that port it allows sg-alb, over a VPC peering that is not active.',
    },
    {
      name: 'the groups of the targets were not seen',
      part: { networkInterfaces: [] },
      says: 'unknown: Could not check the security groups of 10.0.1.5 (no network interface was found) and the security groups of 10.0.1.6 (no network interface was found).',
    },
    {
      name: 'a target that left does not matter',
      part: { traffic: traffic([], { targets: [target('10.0.1.9:8080')] }) },
      says: PASS,
    },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));
});
