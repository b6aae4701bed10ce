/**
 * Builds the command that reverts a call, if the recorded call contains enough; finds a later call that already
 * reverted it.
 */
import { type Command, command } from '../../format/command.ts';
import { ownValue } from '../../format/own-value.ts';
import type { Mutation } from '../patterns/configuration-changes.ts';

interface Revert {
  /** The next call that reverted it; null if the evidence has none. */
  undoing: Pick<Mutation, 'name' | 'at' | 'user'> | null;
  command: Command | null;
}

/** For each call, the call that reverts it on the same resource. */
const UNDOES: Readonly<Record<string, string>> = {
  RevokeSecurityGroupIngress: 'AuthorizeSecurityGroupIngress',
  RevokeSecurityGroupEgress: 'AuthorizeSecurityGroupEgress',
  CreateNetworkAclEntry: 'DeleteNetworkAclEntry',
  DeleteNetworkAclEntry: 'CreateNetworkAclEntry',
  DeregisterTargets: 'RegisterTargets',
};

export function revertOf(call: Mutation, all: readonly Mutation[]): Revert {
  const name = ownValue(UNDOES, call.name) ?? call.name;
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
  if (/^Modify(LoadBalancer|TargetGroup)Attributes$/.test(call.name)) return attributesBefore(call, all);
  if (call.name === 'SetSecurityGroups') return groupsBefore(call, all);
  return call.name === 'UpdateService' ? taskDefinitionBefore(call, all) : null;
}

function targetWord({ id, port }: Record<string, unknown>): string | null {
  if (typeof id !== 'string') return null;
  return typeof port === 'number' ? `Id=${id},Port=${port}` : `Id=${id}`;
}

/** Returns null unless the rule has one source, as the console and most tools send it. */
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

/** Returns to the security groups that an earlier call gave the load balancer. */
function groupsBefore(call: Mutation, all: readonly Mutation[]): Command | null {
  const arn = text(call.parameters.loadBalancerArn);
  const before = all.findLast((other) => other.at < call.at && other.name === call.name && idOf(other) === arn);
  const groups = Array.isArray(before?.parameters.securityGroups) ? before.parameters.securityGroups : [];
  const ids = groups.flatMap((id) => text(id) ?? []);
  if (arn === null || ids.length === 0 || ids.length < groups.length) return null;
  return command`aws elbv2 set-security-groups --load-balancer-arn ${arn} --security-groups ${ids}`;
}

/** Returns to the task definition that an earlier call gave the service. */
function taskDefinitionBefore({ at, parameters }: Mutation, all: readonly Mutation[]): Command | null {
  const [service, revision] = [text(parameters.service), text(parameters.taskDefinition)];
  const cluster = text(parameters.cluster);
  const before = all.findLast(
    (other) =>
      other.at < at &&
      other.name === 'UpdateService' &&
      text(other.parameters.service) === service &&
      text(other.parameters.cluster) === cluster &&
      text(other.parameters.taskDefinition) !== null,
  );
  const previous = text(before?.parameters.taskDefinition);
  if (service === null || revision === null || previous === null || previous === revision) return null;
  const where = cluster === null ? [] : ['--cluster', cluster];
  return command`aws ecs update-service ${where} --service ${service} --task-definition ${previous}`;
}

/** Attributes as AWS writes them, such as deregistration_delay.timeout_seconds. */
const KEY = /^[a-z0-9_.-]+$/;
const VALUE = /^[a-z0-9_.-]+$/i;

/** Returns to the values that earlier calls gave these attributes; null unless every attribute has one. */
function attributesBefore(call: Mutation, all: readonly Mutation[]): Command | null {
  const arn = text(call.parameters.targetGroupArn) ?? text(call.parameters.loadBalancerArn);
  const valuesOf = ({ parameters }: Mutation) =>
    (Array.isArray(parameters.attributes) ? parameters.attributes : []).map(record);
  const earlier = all.filter((other) => other.at < call.at && other.name === call.name && idOf(other) === arn);
  const before = valuesOf(call).map(({ key }) => {
    const value = earlier
      .flatMap(valuesOf)
      .findLast((each) => each.key === key && typeof each.value === 'string')?.value;
    return typeof key === 'string' && KEY.test(key) && typeof value === 'string' && VALUE.test(value)
      ? `Key=${key},Value=${value}`
      : null;
  });
  const words = before.flatMap((word) => word ?? []);
  if (arn === null || words.length === 0 || words.length < before.length) return null;
  return call.name === 'ModifyTargetGroupAttributes'
    ? command`aws elbv2 modify-target-group-attributes --target-group-arn ${arn} --attributes ${words}`
    : command`aws elbv2 modify-load-balancer-attributes --load-balancer-arn ${arn} --attributes ${words}`;
}
