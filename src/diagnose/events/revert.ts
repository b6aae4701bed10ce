/**
 * Builds the command that reverts a call, if the recorded call is enough for one; finds the call that already reverted
 * it.
 */
import { type Command, command } from '../../format/command.ts';
import type { Mutation } from '../patterns/configuration-changes.ts';

export interface Revert {
  /** The next call that reverted it; null if there is none in the evidence. */
  undoing: Pick<Mutation, 'name' | 'at' | 'user'> | null;
  command: Command | null;
}

/** The call that reverts each call, on the same resource. */
const UNDOES: Readonly<Record<string, string>> = {
  RevokeSecurityGroupIngress: 'AuthorizeSecurityGroupIngress',
  RevokeSecurityGroupEgress: 'AuthorizeSecurityGroupEgress',
  CreateNetworkAclEntry: 'DeleteNetworkAclEntry',
  DeleteNetworkAclEntry: 'CreateNetworkAclEntry',
  DeregisterTargets: 'RegisterTargets',
};

export function revertOf(call: Mutation, all: readonly Mutation[]): Revert {
  const name = UNDOES[call.name] ?? call.name;
  const undoing = all.find((other) => other.at > call.at && other.name === name && idOf(other) === idOf(call)) ?? null;
  return { undoing, command: revertCommand(call, all) };
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

const itemsOf = (value: unknown): Record<string, unknown>[] => {
  const { items } = record(value);
  return Array.isArray(items) ? items.map(record) : [];
};

/** The resource that a call changes. */
const idOf = ({ parameters }: Mutation): string | null =>
  text(parameters.groupId) ??
  text(parameters.networkAclId) ??
  text(parameters.targetGroupArn) ??
  text(parameters.loadBalancerArn) ??
  text(parameters.listenerArn) ??
  text(parameters.ruleArn);

function revertCommand(call: Mutation, all: readonly Mutation[]): Command | null {
  const { parameters } = call;
  if (/^RevokeSecurityGroup(Ingress|Egress)$/.test(call.name)) return authorizeAgain(call);
  if (call.name === 'DeregisterTargets') {
    const arn = text(parameters.targetGroupArn);
    const ids = (Array.isArray(parameters.targets) ? parameters.targets : []).map(record).map(targetWord);
    if (arn === null || ids.length === 0 || ids.includes(null)) return null;
    return command`aws elbv2 register-targets --target-group-arn ${arn} --targets ${ids.flatMap((id) => id ?? [])}`;
  }
  if (call.name === 'ModifyLoadBalancerAttributes') return attributeBefore(call, all);
  return null;
}

function targetWord({ id, port }: Record<string, unknown>): string | null {
  if (typeof id !== 'string') return null;
  return typeof port === 'number' ? `Id=${id},Port=${port}` : `Id=${id}`;
}

/** Only for a rule with one source, as sent by the console and most tools. */
function authorizeAgain({ name, parameters }: Mutation): Command | null {
  const group = text(parameters.groupId);
  const [rule, ...others] = itemsOf(parameters.ipPermissions);
  if (group === null || rule === undefined || others.length > 0) return null;
  const protocol = text(rule.ipProtocol);
  const [from, to] = [rule.fromPort, rule.toPort];
  if (protocol === null || typeof from !== 'number' || typeof to !== 'number') return null;
  const port = from === to ? `${from}` : `${from}-${to}`;
  const source = text(itemsOf(rule.groups)[0]?.groupId);
  const range = text(itemsOf(rule.ipRanges)[0]?.cidrIp);
  const verb = name === 'RevokeSecurityGroupIngress' ? 'ingress' : 'egress';
  const what = source !== null ? ['--source-group', source] : range !== null ? ['--cidr', range] : null;
  if (what === null || (verb === 'egress' && source !== null)) return null;
  return command`aws ec2 ${`authorize-security-group-${verb}`} --group-id ${group} --protocol ${protocol} --port ${port} ${what}`;
}

/** The idle timeout set by an earlier call. */
function attributeBefore(call: Mutation, all: readonly Mutation[]): Command | null {
  const arn = text(call.parameters.loadBalancerArn);
  const idle = (each: Mutation) =>
    (Array.isArray(each.parameters.attributes) ? each.parameters.attributes : [])
      .map(record)
      .find(({ key }) => key === 'idle_timeout.timeout_seconds')?.value;
  const before = all.findLast(
    (other) => other.at < call.at && idOf(other) === idOf(call) && typeof idle(other) === 'string',
  );
  const value = before ? idle(before) : null;
  if (arn === null || typeof value !== 'string' || !/^\d+$/.test(value)) return null;
  return command`aws elbv2 modify-load-balancer-attributes --load-balancer-arn ${arn} --attributes ${`Key=idle_timeout.timeout_seconds,Value=${value}`}`;
}
