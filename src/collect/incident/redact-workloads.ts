/**
 * Redacts the evidence on who owns a target: removes environment variables, overrides, commands, labels and the team's
 * own tags. Pure.
 */
import type { Collected } from '../../evidence/collected.ts';
import type { EvidenceSet } from '../../evidence/evidence.ts';
import {
  CodeDeployment,
  type EcsService,
  type EcsTask,
  LifecycleHook,
  type ScalingActivity,
  ServiceDeployment,
  ServiceRevision,
  type TagDescription,
  TaskDefinition,
} from '../../evidence/workloads.ts';

/** Tags set by AWS and by the AWS Load Balancer Controller. */
const KNOWN_TAG = /^(?:aws:|elbv2\.k8s\.aws\/|ingress\.k8s\.aws\/|service\.k8s\.aws\/|gateway\.k8s\.aws\/)/;

function redactTags(described: TagDescription): TagDescription {
  const { ResourceArn, Tags = [] } = described;
  return {
    ResourceArn,
    Tags: Tags.map((tag) =>
      KNOWN_TAG.test(tag.Key) ? { Key: tag.Key, Value: tag.Value } : { ...tag, Value: 'withheld' },
    ),
  };
}

/** Keeps the members of an object that are known to hold no secret. */
const pickFields = (value: object, names: readonly string[]): object =>
  Object.fromEntries(Object.entries(value).filter(([name]) => names.includes(name)));

const DEFINITION = [
  'taskDefinitionArn',
  'family',
  'revision',
  'networkMode',
  'cpu',
  'memory',
  'requiresCompatibilities',
];
const CONTAINER = ['name', 'image', 'cpu', 'memory', 'memoryReservation', 'essential', 'portMappings', 'stopTimeout'];

function redactDefinition(definition: TaskDefinition): TaskDefinition {
  const { containerDefinitions } = definition;
  return TaskDefinition.parse({
    ...pickFields(definition, DEFINITION),
    ...(containerDefinitions === undefined
      ? {}
      : { containerDefinitions: containerDefinitions.map((each) => pickFields(each, CONTAINER)) }),
  });
}

/** Overrides may hold commands and environment variables; tags belong to the team. */
function redactTask({ overrides: _, tags: __, ...task }: EcsTask): EcsTask {
  return task;
}

function redactService({ tags: _, ...service }: EcsService): EcsService {
  return service;
}

const DEPLOYMENT = [
  'deploymentId',
  'applicationName',
  'deploymentGroupName',
  'deploymentConfigName',
  'computePlatform',
  'status',
  'creator',
  'createTime',
  'startTime',
  'completeTime',
  'rollbackInfo',
  'loadBalancerInfo',
];

const redactDeployment = (deployment: CodeDeployment): CodeDeployment =>
  CodeDeployment.parse(pickFields(deployment, DEPLOYMENT));

/** `Details` holds the launch parameters. */
function redactActivity({ Details: _, ...activity }: ScalingActivity): ScalingActivity {
  return activity;
}

const SERVICE_DEPLOYMENT = [
  'serviceDeploymentArn',
  'serviceArn',
  'clusterArn',
  'createdAt',
  'startedAt',
  'finishedAt',
  'stoppedAt',
  'updatedAt',
  'status',
  'lifecycleStage',
  'sourceServiceRevisions',
  'targetServiceRevision',
];
const STRATEGY = ['strategy', 'canaryConfiguration', 'linearConfiguration', 'bakeTimeInMinutes'];

/** Reasons and hooks are texts and functions of the team. */
function redactServiceDeployment(deployment: ServiceDeployment): ServiceDeployment {
  const { deploymentConfiguration } = deployment;
  return ServiceDeployment.parse({
    ...pickFields(deployment, SERVICE_DEPLOYMENT),
    ...(deploymentConfiguration === undefined
      ? {}
      : { deploymentConfiguration: pickFields(deploymentConfiguration, STRATEGY) }),
  });
}

const SERVICE_REVISION = [
  'serviceRevisionArn',
  'serviceArn',
  'clusterArn',
  'taskDefinition',
  'createdAt',
  'resolvedConfiguration',
];

const redactServiceRevision = (revision: ServiceRevision): ServiceRevision =>
  ServiceRevision.parse(pickFields(revision, SERVICE_REVISION));

const HOOK = [
  'LifecycleHookName',
  'AutoScalingGroupName',
  'LifecycleTransition',
  'HeartbeatTimeout',
  'GlobalTimeout',
  'DefaultResult',
];

/** `NotificationMetadata` is the team's own text. */
const redactHook = (hook: LifecycleHook): LifecycleHook => LifecycleHook.parse(pickFields(hook, HOOK));

type Redacted = Pick<
  EvidenceSet,
  | 'tags'
  | 'services'
  | 'tasks'
  | 'taskDefinitions'
  | 'serviceDeployments'
  | 'serviceRevisions'
  | 'scalingActivities'
  | 'lifecycleHooks'
  | 'codeDeployments'
>;

const redactValue = <T>(collected: Collected<T>, redact: (value: T) => T): Collected<T> =>
  collected.status === 'collected' ? { ...collected, value: redact(collected.value) } : collected;

export const redactWorkloads = (evidence: Redacted): Redacted => ({
  tags: redactValue(evidence.tags, (all) => all.map(redactTags)),
  services: redactValue(evidence.services, (all) => all.map(redactService)),
  tasks: redactValue(evidence.tasks, (all) => all.map(redactTask)),
  taskDefinitions: redactValue(evidence.taskDefinitions, (all) => mapValues(all, redactDefinition)),
  serviceDeployments: redactValue(evidence.serviceDeployments, (all) => all.map(redactServiceDeployment)),
  serviceRevisions: redactValue(evidence.serviceRevisions, (all) => all.map(redactServiceRevision)),
  scalingActivities: redactValue(evidence.scalingActivities, (all) =>
    mapValues(all, (each) => each.map(redactActivity)),
  ),
  lifecycleHooks: redactValue(evidence.lifecycleHooks, (all) => mapValues(all, (each) => each.map(redactHook))),
  codeDeployments: redactValue(evidence.codeDeployments, (all) => all.map(redactDeployment)),
});

const mapValues = <A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
