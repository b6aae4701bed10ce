/**
 * Probes the calls that name targets, each once and small. They share one finding: without them a diagnosis loses only
 * names.
 */
import {
  AutoScalingClient,
  DescribeLifecycleHooksCommand,
  DescribeScalingActivitiesCommand,
} from '@aws-sdk/client-auto-scaling';
import { BatchGetDeploymentsCommand, CodeDeployClient, ListDeploymentsCommand } from '@aws-sdk/client-codedeploy';
import {
  DescribeContainerInstancesCommand,
  DescribeServiceDeploymentsCommand,
  DescribeServiceRevisionsCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListClustersCommand,
  ListServiceDeploymentsCommand,
  ListServicesCommand,
  ListTasksCommand,
} from '@aws-sdk/client-ecs';
import { DescribeTagsCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetAliasCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { Session } from '../collect/aws/session.ts';
import { type EcsAction, NAMING_ACTIONS, type NamingAction } from '../evidence/naming-actions.ts';
import { list } from '../format/wording.ts';
import type { DoctorFinding } from './finding.ts';
import { probeCall } from './probe.ts';

/** A nonexistent name: an allowed call gets "not found". */
const NOTHING = 'alb502-no-such-name';
const NO_DEPLOYMENT = 'd-000000000';

type Probes<Action extends NamingAction> = Record<Action, (options: { abortSignal: AbortSignal }) => Promise<unknown>>;

/** `loadBalancerArn`: a load balancer whose tags to read; null skips that call. */
export async function checkNamingPermissions(
  session: Session,
  { loadBalancerArn, functions }: { loadBalancerArn: string | null; functions: string },
): Promise<DoctorFinding[]> {
  const probes: Probes<NamingAction> = { ...ecsProbes(session), ...otherProbes(session, loadBalancerArn) };
  const actions = Object.values(NAMING_ACTIONS)
    .flat()
    .filter((action) => loadBalancerArn !== null || action !== 'elasticloadbalancing:DescribeTags');
  const answers = await Promise.all(
    actions.map(async (action) => ({
      permission: { action, resource: action === 'lambda:GetAlias' ? functions : '*' },
      answer: await probeCall(session, action, probes[action]),
    })),
  );
  const denied = answers.flatMap(({ permission, answer }) =>
    'value' in answer || !answer.isDenied ? [] : [permission],
  );
  const about = 'Names';
  if (denied.length === 0)
    return [{ about, state: 'ok', text: 'services, tasks and revisions behind targets can be read' }];
  return [
    {
      about,
      state: 'missing',
      text: `${list(
        denied.map(({ action }) => action),
        12,
      )} denied: a diagnosis names fewer services, tasks and revisions, and fewer reasons why they went`,
      allow: denied,
    },
  ];
}

function ecsProbes(session: Session): Probes<EcsAction> {
  const client = session.client(ECSClient);
  const cluster = NOTHING;
  return {
    'ecs:ListClusters': (options) => client.send(new ListClustersCommand({ maxResults: 1 }), options),
    'ecs:ListServices': (options) => client.send(new ListServicesCommand({ cluster }), options),
    'ecs:DescribeServices': (options) =>
      client.send(new DescribeServicesCommand({ cluster, services: [NOTHING] }), options),
    'ecs:ListTasks': (options) => client.send(new ListTasksCommand({ cluster }), options),
    'ecs:DescribeTasks': (options) => client.send(new DescribeTasksCommand({ cluster, tasks: [NOTHING] }), options),
    'ecs:DescribeTaskDefinition': (options) =>
      client.send(new DescribeTaskDefinitionCommand({ taskDefinition: NOTHING }), options),
    'ecs:DescribeContainerInstances': (options) =>
      client.send(new DescribeContainerInstancesCommand({ cluster, containerInstances: [NOTHING] }), options),
    'ecs:ListServiceDeployments': (options) =>
      client.send(new ListServiceDeploymentsCommand({ cluster, service: NOTHING }), options),
    'ecs:DescribeServiceDeployments': (options) =>
      client.send(new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [NOTHING] }), options),
    'ecs:DescribeServiceRevisions': (options) =>
      client.send(new DescribeServiceRevisionsCommand({ serviceRevisionArns: [NOTHING] }), options),
  };
}

function otherProbes(session: Session, loadBalancerArn: string | null): Probes<Exclude<NamingAction, EcsAction>> {
  const scaling = session.client(AutoScalingClient);
  const codeDeploy = session.client(CodeDeployClient);
  return {
    'elasticloadbalancing:DescribeTags': (options) =>
      session
        .client(ElasticLoadBalancingV2Client)
        .send(new DescribeTagsCommand({ ResourceArns: [loadBalancerArn ?? NOTHING] }), options),
    'autoscaling:DescribeScalingActivities': (options) =>
      scaling.send(new DescribeScalingActivitiesCommand({ MaxRecords: 1 }), options),
    'autoscaling:DescribeLifecycleHooks': (options) =>
      scaling.send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName: NOTHING }), options),
    'codedeploy:ListDeployments': (options) => codeDeploy.send(new ListDeploymentsCommand({}), options),
    'codedeploy:BatchGetDeployments': (options) =>
      codeDeploy.send(new BatchGetDeploymentsCommand({ deploymentIds: [NO_DEPLOYMENT] }), options),
    'lambda:GetAlias': (options) =>
      session.client(LambdaClient).send(new GetAliasCommand({ FunctionName: NOTHING, Name: NOTHING }), options),
  };
}
