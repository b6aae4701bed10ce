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
import { list } from '../format/wording.ts';
import type { DoctorFinding } from './finding.ts';
import { probeCall } from './probe.ts';

/** A nonexistent name: an allowed call gets "not found". */
const NOTHING = 'alb502-no-such-name';
const NO_DEPLOYMENT = 'd-000000000';

type Attempt = readonly [
  action: string,
  resource: string,
  call: (options: { abortSignal: AbortSignal }) => Promise<unknown>,
];

/** `loadBalancerArn`: a load balancer whose tags to read; null skips that call. */
export async function checkNamingPermissions(
  session: Session,
  { loadBalancerArn, functions }: { loadBalancerArn: string | null; functions: string },
): Promise<DoctorFinding[]> {
  const attempts = [...ecsAttempts(session), ...otherAttempts(session, loadBalancerArn, functions)];
  const answers = await Promise.all(
    attempts.map(async ([action, resource, call]) => ({
      permission: { action, resource },
      answer: await probeCall(session, action, call),
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

function ecsAttempts(session: Session): Attempt[] {
  const client = session.client(ECSClient);
  const cluster = NOTHING;
  const all = '*';
  return [
    ['ecs:ListClusters', all, (options) => client.send(new ListClustersCommand({ maxResults: 1 }), options)],
    ['ecs:ListServices', all, (options) => client.send(new ListServicesCommand({ cluster }), options)],
    [
      'ecs:DescribeServices',
      all,
      (options) => client.send(new DescribeServicesCommand({ cluster, services: [NOTHING] }), options),
    ],
    ['ecs:ListTasks', all, (options) => client.send(new ListTasksCommand({ cluster }), options)],
    [
      'ecs:DescribeTasks',
      all,
      (options) => client.send(new DescribeTasksCommand({ cluster, tasks: [NOTHING] }), options),
    ],
    [
      'ecs:DescribeTaskDefinition',
      all,
      (options) => client.send(new DescribeTaskDefinitionCommand({ taskDefinition: NOTHING }), options),
    ],
    [
      'ecs:DescribeContainerInstances',
      all,
      (options) =>
        client.send(new DescribeContainerInstancesCommand({ cluster, containerInstances: [NOTHING] }), options),
    ],
    [
      'ecs:ListServiceDeployments',
      all,
      (options) => client.send(new ListServiceDeploymentsCommand({ cluster, service: NOTHING }), options),
    ],
    [
      'ecs:DescribeServiceDeployments',
      all,
      (options) => client.send(new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [NOTHING] }), options),
    ],
    [
      'ecs:DescribeServiceRevisions',
      all,
      (options) => client.send(new DescribeServiceRevisionsCommand({ serviceRevisionArns: [NOTHING] }), options),
    ],
  ];
}

function otherAttempts(session: Session, loadBalancerArn: string | null, functions: string): Attempt[] {
  const all = '*';
  const tags: Attempt[] =
    loadBalancerArn === null
      ? []
      : [
          [
            'elasticloadbalancing:DescribeTags',
            all,
            (options) =>
              session
                .client(ElasticLoadBalancingV2Client)
                .send(new DescribeTagsCommand({ ResourceArns: [loadBalancerArn] }), options),
          ],
        ];
  return [
    ...tags,
    [
      'autoscaling:DescribeScalingActivities',
      all,
      (options) =>
        session.client(AutoScalingClient).send(new DescribeScalingActivitiesCommand({ MaxRecords: 1 }), options),
    ],
    [
      'autoscaling:DescribeLifecycleHooks',
      all,
      (options) =>
        session
          .client(AutoScalingClient)
          .send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName: NOTHING }), options),
    ],
    [
      'codedeploy:ListDeployments',
      all,
      (options) => session.client(CodeDeployClient).send(new ListDeploymentsCommand({}), options),
    ],
    [
      'codedeploy:BatchGetDeployments',
      all,
      (options) =>
        session
          .client(CodeDeployClient)
          .send(new BatchGetDeploymentsCommand({ deploymentIds: [NO_DEPLOYMENT] }), options),
    ],
    [
      'lambda:GetAlias',
      functions,
      (options) =>
        session.client(LambdaClient).send(new GetAliasCommand({ FunctionName: NOTHING, Name: NOTHING }), options),
    ],
  ];
}
