/** The commands that would open a blocked path. Printed, never run. */

import { type Command, command } from '../../format/command.ts';
import { addressText } from './cidr-ranges.ts';
import { freeRuleNumber } from './network-acl-rules.ts';
import { type MissingAllowRule, type PathBlock, type PathQuery, subnetText } from './types.ts';

/** All commands of the given blocks; entries of the same network ACL get different rule numbers. */
export function allowCommands(blocks: readonly PathBlock[]): Command[] {
  const others = blocks.flatMap(({ commands, missingAllowRules }) => (missingAllowRules.length > 0 ? [] : commands));
  return [...new Set([...others, ...allowRuleCommands(blocks.flatMap(({ missingAllowRules }) => missingAllowRules))])];
}

export function allowRuleCommands(rules: readonly MissingAllowRule[]): Command[] {
  const taken = new Map<string, number[]>();
  const wanted = new Map(rules.map((rule) => [allowRuleKey(rule), rule]));
  return [...wanted.values()].map((rule) => {
    const aclKey = `${rule.acl.NetworkAclId} ${rule.direction}`;
    const used = taken.get(aclKey) ?? [];
    const number = freeRuleNumber(rule.acl, rule.direction, rule.denying, used);
    if (number !== null) taken.set(aclKey, [...used, number]);
    return allowRuleCommand(rule, number);
  });
}

const allowRuleKey = ({ acl, direction, cidr, ports }: MissingAllowRule): string =>
  `${acl.NetworkAclId} ${direction} ${cidr} ${ports.low}-${ports.high}`;

/** If no rule number before the denying rule is free, that rule itself must be deleted. */
function allowRuleCommand(
  { acl, direction, denying, family, cidr, ports }: MissingAllowRule,
  number: number | null,
): Command {
  const id = acl.NetworkAclId;
  const way = direction === 'in' ? '--ingress' : '--egress';
  if (number === null)
    return command`aws ec2 delete-network-acl-entry --network-acl-id ${id} ${[way]} --rule-number ${denying}`;
  const block = [family === 4 ? '--cidr-block' : '--ipv6-cidr-block', cidr];
  return command`aws ec2 create-network-acl-entry --network-acl-id ${id} ${[way]} --rule-number ${number} --protocol tcp --port-range From=${ports.low},To=${ports.high} ${block} --rule-action allow`;
}

/** Lets the load balancer in. `groups`: security groups of the target. */
export function authorizeIngress(query: PathQuery, groups: string[]): Command {
  const { port, loadBalancerGroups } = query;
  const source = loadBalancerGroups?.[0];
  const rule = (from: string[]): Command =>
    command`aws ec2 authorize-security-group-ingress --group-id ${groups[0] ?? '<group of the target>'} --protocol tcp --port ${port} ${from}`;
  if (source) return rule(['--source-group', source]);
  return rule(['--cidr', loadBalancerSubnet(query) ?? '<subnet of the load balancer>']);
}

/** CIDR block of the first load balancer subnet that was read. */
export const loadBalancerSubnet = ({ nodes, target, net }: PathQuery): string | undefined =>
  nodes.flatMap(({ subnetId }) => subnetText(subnetId, net, target.family) ?? [])[0];

/** Lets the load balancer out to the target. `groups`: its security groups. */
export function authorizeEgress({ target, port }: PathQuery, groups: string[]): Command {
  const peer = target.groups?.[0]
    ? `UserIdGroupPairs=[{GroupId=${target.groups[0]}}]`
    : target.family === 4
      ? `IpRanges=[{CidrIp=${addressText([target.range], 4)}/32}]`
      : `Ipv6Ranges=[{CidrIpv6=${addressText([target.range], 6)}/128}]`;
  return command`aws ec2 authorize-security-group-egress --group-id ${groups[0] ?? '<group of the load balancer>'} --ip-permissions ${`IpProtocol=tcp,FromPort=${port},ToPort=${port},${peer}`}`;
}
