import { describe, expect, it } from 'vitest';
import { listenerPortIngress } from '../../../src/diagnose/checks/listener-port-ingress.ts';
import type { Listener } from '../../../src/evidence/aws.ts';
import { albGroup, appGroup, cidr, group, groups, network, prefixList, tcp } from '../../support/network/network.ts';
import { describeVerdict } from '../../support/network/two-healthy-targets.ts';
import { question } from '../../support/traffic/traffic-builder.ts';

const on = (Port: number): Listener => ({ ListenerArn: `arn:listener/${Port}`, Port, Protocol: 'HTTPS' });

type Input = Parameters<typeof listenerPortIngress.evaluate>[0];
const judge = (part: Partial<Input>) =>
  describeVerdict(listenerPortIngress.evaluate({ ...network, listeners: [on(443)], ...part }, question));
const letsIn = (...rules: Parameters<typeof group>[1]) => ({ securityGroups: [group('sg-alb', rules), appGroup] });

describe('listener-port-ingress', () => {
  it.each<{ name: string; part: Partial<Input>; says: string }>([
    { name: 'open to everybody', part: {}, says: 'pass: Clients can connect on port 443 from anywhere.' },
    {
      name: 'a second listener without a rule',
      part: { listeners: [on(443), on(8443)], securityGroups: [albGroup, appGroup] },
      says: 'fail: Clients cannot connect on port 8443: sg-alb of the load balancer has no inbound rule for it; it allows only TCP 443 from 0.0.0.0/0.',
    },
    {
      name: 'no inbound rule at all',
      part: letsIn(),
      says: 'fail: Clients cannot connect on port 443: sg-alb of the load balancer has no inbound rule for it; it has no such rule for TCP.',
    },
    {
      name: 'open to one office',
      part: letsIn({ ...tcp(443), ...cidr('203.0.113.0/24') }),
      says: 'pass: Clients can connect on port 443 from some addresses only.',
    },
    {
      name: 'open to members of a group',
      part: letsIn({ ...tcp(443), ...groups('sg-proxy') }),
      says: 'pass: Clients can connect on port 443 from some addresses only.',
    },
    {
      name: 'a prefix list that was not read (CloudFront)',
      part: letsIn({ ...tcp(443), ...prefixList('pl-cloudfront') }),
      says: 'unknown: Could not check the entries of prefix list pl-cloudfront.',
    },
    { name: 'no listener', part: { listeners: [] }, says: 'not-applicable: The load balancer has no listener.' },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));
});
