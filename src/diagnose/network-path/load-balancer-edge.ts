/**
 * Traffic that the load balancer's own security groups allow: in on its listener ports, and out to identity providers.
 */

import type { Action, Listener, Rule } from '../../evidence/aws.ts';
import { type Command, command } from '../../format/command.ts';
import { list } from '../../format/wording.ts';
import { allAddresses, coveredShare, ports } from './cidr-ranges.ts';
import type { NetworkEvidence } from './network-evidence.ts';
import { checkSecurityGroups, describeRules } from './security-group-rules.ts';

/** `some` if only part of the addresses is allowed. */
interface EdgeAnswer {
  answer: 'all' | 'some' | 'none' | 'unknown';
  groups: string[];
  /** "it allows only tcp 5476 to sg-0a1b": the existing rules instead of the missing one. */
  instead: string;
  missing: string[];
}

type EdgeEvidence = Pick<NetworkEvidence, 'loadBalancer' | 'securityGroups' | 'prefixLists'>;

/** IPv4 only, because the load balancer reaches identity providers over IPv4 (listener-authenticate-users.html). */
export function edgeAnswer(direction: 'in' | 'out', port: number, net: EdgeEvidence): EdgeAnswer {
  const groups = net.loadBalancer?.SecurityGroups ?? [];
  const instead = insteadText(groups, describeRules(direction, groups, net));
  if (groups.length === 0)
    return { answer: 'unknown', groups, instead, missing: ["the load balancer's security groups"] };
  const wanted = [{ addresses: allAddresses(4), ports: ports(port) }];
  const peer = { family: 4 as const, groups: [], label: 'the other side' };
  const { rest, allowingRules, missing, unattachedGroups } = checkSecurityGroups(direction, groups, wanted, peer, net);
  if (coveredShare(rest, wanted) === 0) return { answer: 'all', groups, instead, missing: [] };
  // Members of a group that a rule references still get through.
  if (allowingRules.length > 0 || unattachedGroups.length > 0) return { answer: 'some', groups, instead, missing };
  return { answer: missing.length > 0 ? 'unknown' : 'none', groups, instead, missing };
}

function insteadText(groups: readonly string[], rules: readonly string[]): string {
  const they = groups.length === 1 ? 'it' : 'they';
  if (rules.length === 0) return `${they} ${groups.length === 1 ? 'has' : 'have'} no such rule for TCP`;
  return `${they} ${groups.length === 1 ? 'allows' : 'allow'} only ${list(rules, 3)}`;
}

/** Allows the load balancer to reach identity providers. */
export const authorizeHttpsEgress = ([group]: readonly string[]): Command[] =>
  group === undefined
    ? []
    : [
        command`aws ec2 authorize-security-group-egress --group-id ${group} --ip-permissions 'IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=0.0.0.0/0}]'`,
      ];

const AUTHENTICATES = /^(authenticate-oidc|authenticate-cognito|jwt-validation)$/;

/** ARNs of the listeners with an action that calls an identity provider, in listener order. */
export function authenticatingListeners(
  listeners: readonly Listener[] | undefined,
  rules: Readonly<Record<string, readonly Rule[]>> | undefined,
): string[] {
  const calls = (actions: readonly Action[] | undefined) =>
    (actions ?? []).some(({ Type }) => AUTHENTICATES.test(Type));
  const byDefault = (listeners ?? [])
    .filter(({ DefaultActions }) => calls(DefaultActions))
    .map(({ ListenerArn }) => ListenerArn);
  const byRule = Object.entries(rules ?? {}).flatMap(([arn, own]) =>
    own.some(({ Actions }) => calls(Actions)) ? [arn] : [],
  );
  return [...new Set([...byDefault, ...byRule.sort()])];
}
