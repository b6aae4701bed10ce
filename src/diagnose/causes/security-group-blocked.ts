import { command } from '../../format/command.ts';
import { judgeBlockedPath, judgeWithoutTimeouts } from '../connect-timeouts/blocked-path.ts';
import { CONNECT_TIMEOUT_EVIDENCE } from '../connect-timeouts/connect-timeout-evidence.ts';
import type { Fix, Judgement } from '../judgement.ts';
import { defineCause } from './cause.ts';

export const securityGroupBlocked = defineCause({
  id: 'security-group-blocked',
  title: 'Blocked by a security group',
  explanation:
    "The load balancer's security groups do not let the connection out, or the target's do not let it in: the SYN is dropped and the attempt ends after 10 s.",
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html',
  signatures: ['connect-timeout'],
  events: ['silence'],
  breakingCalls: [
    {
      name: /^(RevokeSecurityGroup(Ingress|Egress)|ModifySecurityGroupRules|SetSecurityGroups|ModifyNetworkInterfaceAttribute)$/,
      outcome: 'connections timed out',
    },
  ],
  wants: CONNECT_TIMEOUT_EVIDENCE,

  judge: (evidence, question): Judgement => judgeBlockedPath('security-group', evidence, question, ADVICE),
  judgeWithoutErrors: judgeWithoutTimeouts,
});

const ADVICE: Fix = {
  summary:
    'Allow the traffic port out of the security group of the load balancer and into the security group of the target.',
  commands: [
    command`aws ec2 authorize-security-group-ingress --group-id ${'<group of the target>'} --protocol tcp --port ${'<traffic port>'} --source-group ${'<group of the load balancer>'}`,
  ],
  sideEffects: ['This takes effect immediately for every network interface in that group.'],
};
