/** Changes made to the targets from outside: tags, Auto Scaling, CodeDeploy and function aliases. */
import {
  AutoScalingClient,
  DescribeLifecycleHooksCommand,
  DescribeScalingActivitiesCommand,
} from '@aws-sdk/client-auto-scaling';
import { BatchGetDeploymentsCommand, CodeDeployClient, ListDeploymentsCommand } from '@aws-sdk/client-codedeploy';
import { DescribeTagsCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetAliasCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import type { Instance, TargetHealthDescription } from '../../evidence/aws.ts';
import type { Question } from '../../evidence/question.ts';
import {
  CodeDeployment,
  FunctionAlias,
  LifecycleHook,
  ScalingActivity,
  scalingGroupOf,
  TagDescription,
} from '../../evidence/workloads.ts';
import { deploymentsSince } from '../cli-commands.ts';
import { type Call, toCliJson } from './call.ts';
import { chunks } from './chunks.ts';

/** Maximum ARNs of one call (API reference, DescribeTags). */
const ARNS_A_CALL = 20;

/** The tags of a load balancer and its target groups, by ARN. */
export async function fetchTags(call: Call, arns: readonly string[]): Promise<TagDescription[]> {
  const client = call.session.client(ElasticLoadBalancingV2Client);
  const answers = await Promise.all(
    chunks(arns, ARNS_A_CALL).map((ResourceArns) =>
      client.send(new DescribeTagsCommand({ ResourceArns }), call.options),
    ),
  );
  const tags = z.array(TagDescription).parse(toCliJson(answers.flatMap(({ TagDescriptions = [] }) => TagDescriptions)));
  return tags.sort((a, b) => (a.ResourceArn < b.ResourceArn ? -1 : 1));
}

/** Maximum Auto Scaling groups to query: those of registered instances. */
const GROUPS = 10;

export function scalingGroupsIn(
  instances: readonly Instance[],
  health: Readonly<Record<string, TargetHealthDescription[]>>,
): string[] {
  const registered = new Set(Object.values(health).flatMap((targets) => targets.map(({ Target }) => Target.Id)));
  const own = instances.filter(({ InstanceId }) => registered.has(InstanceId));
  return [...new Set(own.flatMap((one) => scalingGroupOf(one) ?? []))].sort().slice(0, GROUPS);
}

/** Page maximum (API reference, DescribeScalingActivities). */
const ACTIVITIES = 100;

/** The newest hundred activities of each group. */
export async function fetchScalingActivities(
  call: Call,
  groups: readonly string[],
): Promise<Record<string, ScalingActivity[]>> {
  const client = call.session.client(AutoScalingClient);
  const each = groups.map(async (AutoScalingGroupName) => {
    const command = new DescribeScalingActivitiesCommand({ AutoScalingGroupName, MaxRecords: ACTIVITIES });
    const { Activities = [] } = await client.send(command, call.options);
    return [AutoScalingGroupName, z.array(ScalingActivity).parse(toCliJson(Activities))] as const;
  });
  return Object.fromEntries(await Promise.all(each));
}

/** The hooks of each group. */
export async function fetchLifecycleHooks(
  call: Call,
  groups: readonly string[],
): Promise<Record<string, LifecycleHook[]>> {
  const client = call.session.client(AutoScalingClient);
  const each = groups.map(async (AutoScalingGroupName) => {
    const command = new DescribeLifecycleHooksCommand({ AutoScalingGroupName });
    const { LifecycleHooks = [] } = await client.send(command, call.options);
    const hooks = z.array(LifecycleHook).parse(toCliJson(LifecycleHooks));
    const sorted = hooks.sort((a, b) => ((a.LifecycleHookName ?? '') < (b.LifecycleHookName ?? '') ? -1 : 1));
    return [AutoScalingGroupName, sorted] as const;
  });
  return Object.fromEntries(await Promise.all(each));
}

/** Maximum ids of one call (API reference, BatchGetDeployments). */
const DEPLOYMENTS = 25;

/** Ids of the newest deployments created since an hour before the window: one page. */
export async function listDeployments(call: Call, question: Question): Promise<string[]> {
  const createTimeRange = { start: new Date(deploymentsSince(question)), end: new Date(question.now) };
  const { deployments = [] } = await call.session
    .client(CodeDeployClient)
    .send(new ListDeploymentsCommand({ createTimeRange }), call.options);
  return deployments.slice(0, DEPLOYMENTS).sort();
}

export async function fetchDeployments(call: Call, deploymentIds: readonly string[]): Promise<CodeDeployment[]> {
  if (deploymentIds.length === 0) return [];
  const { deploymentsInfo = [] } = await call.session
    .client(CodeDeployClient)
    .send(new BatchGetDeploymentsCommand({ deploymentIds: [...deploymentIds] }), call.options);
  return z.array(CodeDeployment).parse(toCliJson(deploymentsInfo));
}

/** The alias that a function ARN names; null for a version or an unqualified function. */
function aliasIn(arn: string): { FunctionName: string; Name: string } | null {
  const [, FunctionName, Name] = /^(arn:[^:]+:lambda:[^:]*:[^:]*:function:[^:]+):([^:]+)$/.exec(arn) ?? [];
  if (FunctionName === undefined || Name === undefined || /^(?:\d+|\$LATEST)$/.test(Name)) return null;
  return { FunctionName, Name };
}

/** By the ARN registered as a target. */
export async function fetchAliases(call: Call, arns: readonly string[]): Promise<Record<string, FunctionAlias>> {
  const client = call.session.client(LambdaClient);
  const each = arns.flatMap((arn) => {
    const alias = aliasIn(arn);
    if (alias === null) return [];
    return [
      client.send(new GetAliasCommand(alias), call.options).then((answer) => {
        const { $metadata: _, ...printed } = answer;
        return [arn, FunctionAlias.parse(toCliJson(printed))] as const;
      }),
    ];
  });
  return Object.fromEntries(await Promise.all(each));
}
