import { command } from '../../format/command.ts';
import { judgeBlockedPath, judgeWithoutTimeouts } from '../connect-timeouts/blocked-path.ts';
import { CONNECT_TIMEOUT_EVIDENCE } from '../connect-timeouts/connect-timeout-evidence.ts';
import type { Fix, Judgement } from '../judgement.ts';
import { defineCause } from './cause.ts';

export const networkAclBlocked = defineCause({
  id: 'network-acl-blocked',
  title: 'Blocked by a network ACL',
  explanation:
    "The network ACL of a load balancer subnet or of the target's subnet drops the request or its answers to the ports 1024-65535: the attempt ends after 10 s.",
  reference: 'https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html',
  signatures: ['connect-timeout'],
  events: ['silence'],
  breakingCalls: [{ name: /NetworkAcl(Entry|Association)$/, outcome: 'connections timed out' }],
  wants: CONNECT_TIMEOUT_EVIDENCE,

  judge: (evidence, question): Judgement => judgeBlockedPath('network-acl', evidence, question, ADVICE),
  judgeWithoutErrors: judgeWithoutTimeouts,
});

const ADVICE: Fix = {
  summary:
    "Allow the traffic port from the load balancer's subnets to the target's subnet, and TCP 1024-65535 back, in the network ACLs of both.",
  commands: [
    command`aws ec2 create-network-acl-entry --network-acl-id ${'<network ACL of the target subnet>'} --ingress --rule-number ${'<free number>'} --protocol tcp --port-range ${'From=<traffic port>,To=<traffic port>'} --cidr-block ${'<subnet of the load balancer>'} --rule-action allow`,
    command`aws ec2 create-network-acl-entry --network-acl-id ${'<network ACL of the target subnet>'} --egress --rule-number ${'<free number>'} --protocol tcp --port-range From=1024,To=65535 --cidr-block ${'<subnet of the load balancer>'} --rule-action allow`,
  ],
  sideEffects: [
    'This takes effect immediately, for open connections too, and for everything in the subnets of that network ACL.',
  ],
};
