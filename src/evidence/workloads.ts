/**
 * The parts of AWS responses that identify the owner of a target: ECS, Auto Scaling, CodeDeploy, tags and Lambda
 * aliases, as zod schemas for the AWS CLI's JSON. Source: the API references of the actions in the file names of an
 * incident folder.
 */
import * as z from 'zod';
import { AwsName, epochOf, type Instance } from './aws.ts';

const text = z.string();
const count = z.number();
/** ISO 8601 text, or epoch seconds if the AWS CLI is configured so. */
const time = z.union([text, count]);

/** Returns epoch milliseconds; null without a valid time. */
export function epochIn(printed: string | number | undefined): number | null {
  if (printed === undefined) return null;
  const at = typeof printed === 'number' ? printed * 1000 : epochOf(printed);
  return Number.isNaN(at) ? null : at;
}

/**
 * Returns when an instance stopped or was terminated, epoch milliseconds; null where EC2 gives no time. EC2 prints it in
 * the reason: "User initiated (2026-11-20 02:41:10 GMT)".
 */
export function stopTime({ StateTransitionReason = '' }: Instance): number | null {
  const [, day, time] = /\((\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) GMT\)/.exec(StateTransitionReason) ?? [];
  return epochIn(day && `${day}T${time}Z`);
}

/** Whether an instance stopped, was terminated, or is about to. */
export const isStopped = ({ State }: Instance): boolean =>
  /^(?:shutting-down|terminated|stopping|stopped)$/.test(State?.Name ?? '');

/** describe-tags: the tags of a target group or a load balancer. */
export const TagDescription = z.looseObject({
  ResourceArn: AwsName,
  Tags: z.array(z.looseObject({ Key: text, Value: text.optional() })).optional(),
});
export type TagDescription = z.infer<typeof TagDescription>;

/** ecs describe-services. */
export const EcsService = z.looseObject({
  serviceArn: AwsName,
  serviceName: AwsName,
  clusterArn: AwsName.optional(),
  status: text.optional(),
  desiredCount: count.optional(),
  runningCount: count.optional(),
  launchType: text.optional(),
  taskDefinition: AwsName.optional(),
  loadBalancers: z
    .array(
      z.looseObject({
        targetGroupArn: AwsName.optional(),
        containerName: text.optional(),
        containerPort: count.optional(),
        advancedConfiguration: z.looseObject({ alternateTargetGroupArn: AwsName.optional() }).optional(),
      }),
    )
    .optional(),
  deployments: z
    .array(
      z.looseObject({
        id: AwsName.optional(),
        status: text.optional(),
        taskDefinition: AwsName.optional(),
        desiredCount: count.optional(),
        runningCount: count.optional(),
        failedTasks: count.optional(),
        createdAt: time.optional(),
        updatedAt: time.optional(),
        rolloutState: text.optional(),
        rolloutStateReason: text.optional(),
      }),
    )
    .optional(),
  /** The task sets, blue and green, of a service that CodeDeploy deploys. */
  taskSets: z
    .array(
      z.looseObject({
        status: text.optional(),
        loadBalancers: z.array(z.looseObject({ targetGroupArn: AwsName.optional() })).optional(),
        taskDefinition: AwsName.optional(),
        createdAt: time.optional(),
      }),
    )
    .optional(),
  /** `type`: ECS, CODE_DEPLOY or EXTERNAL. */
  deploymentController: z.looseObject({ type: text.optional() }).optional(),
  /** `strategy`: ROLLING, BLUE_GREEN, LINEAR or CANARY. */
  deploymentConfiguration: z.looseObject({ strategy: text.optional() }).optional(),
  events: z.array(z.looseObject({ createdAt: time.optional(), message: text.optional() })).optional(),
  healthCheckGracePeriodSeconds: count.optional(),
});
export type EcsService = z.infer<typeof EcsService>;

/** Returns the target groups of a service, including those it shifts traffic to during a deployment. */
export const groupsOfService = ({ loadBalancers = [], taskSets = [] }: EcsService): string[] => {
  const own = loadBalancers.flatMap((one) => [one.targetGroupArn, one.advancedConfiguration?.alternateTargetGroupArn]);
  const ofSets = taskSets.flatMap((set) => (set.loadBalancers ?? []).map(({ targetGroupArn }) => targetGroupArn));
  return [...new Set([...own, ...ofSets].filter((arn) => arn !== undefined))];
};

/** Whether ECS itself shifts the service's traffic from one target group to the other when it deploys. */
export const shiftsTraffic = ({ deploymentConfiguration, loadBalancers = [] }: EcsService): boolean =>
  ['BLUE_GREEN', 'LINEAR', 'CANARY'].includes(deploymentConfiguration?.strategy ?? '') ||
  loadBalancers.some(({ advancedConfiguration }) => advancedConfiguration?.alternateTargetGroupArn !== undefined);

/** A revision of a service in a deployment: its tasks, and its share of the production traffic in percent. */
const RevisionShare = z.looseObject({
  arn: AwsName.optional(),
  requestedTaskCount: count.optional(),
  runningTaskCount: count.optional(),
  requestedProductionTrafficWeight: count.optional(),
});

/** ecs describe-service-deployments: a deployment that ECS makes itself. */
export const ServiceDeployment = z.looseObject({
  serviceDeploymentArn: AwsName,
  serviceArn: AwsName.optional(),
  clusterArn: AwsName.optional(),
  createdAt: time.optional(),
  startedAt: time.optional(),
  finishedAt: time.optional(),
  stoppedAt: time.optional(),
  updatedAt: time.optional(),
  /** PENDING, IN_PROGRESS, SUCCESSFUL, STOPPED, STOP_REQUESTED or ROLLBACK_REQUESTED, _IN_PROGRESS, _SUCCESSFUL, _FAILED. */
  status: text.optional(),
  /** Such as PRODUCTION_TRAFFIC_SHIFT or BAKE_TIME. */
  lifecycleStage: text.optional(),
  sourceServiceRevisions: z.array(RevisionShare).optional(),
  targetServiceRevision: RevisionShare.optional(),
  deploymentConfiguration: z
    .looseObject({
      strategy: text.optional(),
      canaryConfiguration: z.looseObject({ canaryPercent: count.optional() }).optional(),
      linearConfiguration: z.looseObject({ stepPercent: count.optional() }).optional(),
    })
    .optional(),
});
export type ServiceDeployment = z.infer<typeof ServiceDeployment>;

/** ecs describe-service-revisions: what a deployment brings, and the target groups of its tasks. */
export const ServiceRevision = z.looseObject({
  serviceRevisionArn: AwsName,
  serviceArn: AwsName.optional(),
  taskDefinition: AwsName.optional(),
  resolvedConfiguration: z
    .looseObject({
      loadBalancers: z
        .array(
          z.looseObject({
            targetGroupArn: AwsName.optional(),
            /** ARN of the rule, or of the listener, that sends requests to the target group. */
            productionListenerRule: AwsName.optional(),
          }),
        )
        .optional(),
    })
    .optional(),
});
export type ServiceRevision = z.infer<typeof ServiceRevision>;

const NameValue = z.looseObject({ name: text.optional(), value: text.optional() });

/** ecs describe-tasks, running and stopped. ECS returns a stopped task for about an hour. */
export const EcsTask = z.looseObject({
  taskArn: AwsName,
  clusterArn: AwsName.optional(),
  taskDefinitionArn: AwsName.optional(),
  containerInstanceArn: AwsName.optional(),
  /** "service:feed-api" for a task of a service. */
  group: text.optional(),
  /** Id of the deployment: "ecs-svc/9223370564341623665". */
  startedBy: text.optional(),
  launchType: text.optional(),
  availabilityZone: AwsName.optional(),
  lastStatus: text.optional(),
  desiredStatus: text.optional(),
  healthStatus: text.optional(),
  startedAt: time.optional(),
  stoppingAt: time.optional(),
  stoppedAt: time.optional(),
  executionStoppedAt: time.optional(),
  stopCode: text.optional(),
  stoppedReason: text.optional(),
  memory: text.optional(),
  /** A network interface of the task, with details privateIPv4Address, networkInterfaceId, subnetId. */
  attachments: z.array(z.looseObject({ type: text.optional(), details: z.array(NameValue).optional() })).optional(),
  containers: z
    .array(
      z.looseObject({
        name: text.optional(),
        lastStatus: text.optional(),
        exitCode: count.optional(),
        reason: text.optional(),
        healthStatus: text.optional(),
        networkBindings: z
          .array(z.looseObject({ hostPort: count.optional(), containerPort: count.optional() }))
          .optional(),
        networkInterfaces: z.array(z.looseObject({ privateIpv4Address: text.optional() })).optional(),
      }),
    )
    .optional(),
});
export type EcsTask = z.infer<typeof EcsTask>;

/** ecs describe-task-definition: its member taskDefinition. */
export const TaskDefinition = z.looseObject({
  taskDefinitionArn: AwsName.optional(),
  family: AwsName.optional(),
  revision: count.optional(),
  networkMode: text.optional(),
  memory: text.optional(),
  containerDefinitions: z
    .array(
      z.looseObject({
        name: text.optional(),
        /** MiB. */
        memory: count.optional(),
        /** Seconds from SIGTERM to SIGKILL; defaults to 30. */
        stopTimeout: count.optional(),
        portMappings: z
          .array(z.looseObject({ containerPort: count.optional(), hostPort: count.optional() }))
          .optional(),
      }),
    )
    .optional(),
});
export type TaskDefinition = z.infer<typeof TaskDefinition>;

/** ecs describe-container-instances: the EC2 instance that tasks run on. */
export const ContainerInstance = z.looseObject({ containerInstanceArn: AwsName, ec2InstanceId: AwsName.optional() });
export type ContainerInstance = z.infer<typeof ContainerInstance>;

/** autoscaling describe-scaling-activities. `Description` names the instance; `Cause` gives the reason. */
export const ScalingActivity = z.looseObject({
  ActivityId: text.optional(),
  AutoScalingGroupName: text.optional(),
  Description: text.optional(),
  Cause: text.optional(),
  StartTime: time.optional(),
  EndTime: time.optional(),
  StatusCode: text.optional(),
});
export type ScalingActivity = z.infer<typeof ScalingActivity>;

/** autoscaling describe-lifecycle-hooks: what an Auto Scaling group waits for before it starts or ends an instance. */
export const LifecycleHook = z.looseObject({
  LifecycleHookName: text.optional(),
  AutoScalingGroupName: text.optional(),
  LifecycleTransition: text.optional(),
  /** Seconds. */
  HeartbeatTimeout: count.optional(),
});
export type LifecycleHook = z.infer<typeof LifecycleHook>;

/** Tag that Auto Scaling adds to its instances (Auto Scaling user guide, "Tag Auto Scaling groups and instances"). */
const GROUP_TAG = 'aws:autoscaling:groupName';

/** Returns the Auto Scaling group of an instance; null if it has none. */
export const scalingGroupOf = ({ Tags = [] }: Pick<Instance, 'Tags'>): string | null =>
  Tags.find(({ Key }) => Key === GROUP_TAG)?.Value ?? null;

const NamedGroup = z.looseObject({ name: AwsName.optional() });

/** deploy batch-get-deployments. */
export const CodeDeployment = z.looseObject({
  deploymentId: AwsName.optional(),
  applicationName: text.optional(),
  deploymentGroupName: text.optional(),
  status: text.optional(),
  creator: text.optional(),
  createTime: time.optional(),
  startTime: time.optional(),
  completeTime: time.optional(),
  rollbackInfo: z.looseObject({ rollbackTriggeringDeploymentId: AwsName.optional() }).optional(),
  loadBalancerInfo: z
    .looseObject({
      targetGroupInfoList: z.array(NamedGroup).optional(),
      targetGroupPairInfoList: z.array(z.looseObject({ targetGroups: z.array(NamedGroup).optional() })).optional(),
    })
    .optional(),
});
export type CodeDeployment = z.infer<typeof CodeDeployment>;

/** lambda get-alias: how an alias shares requests between versions. */
export const FunctionAlias = z.looseObject({
  AliasArn: AwsName.optional(),
  Name: AwsName.optional(),
  FunctionVersion: text.optional(),
  RoutingConfig: z.looseObject({ AdditionalVersionWeights: z.record(text, count).optional() }).optional(),
});
export type FunctionAlias = z.infer<typeof FunctionAlias>;
