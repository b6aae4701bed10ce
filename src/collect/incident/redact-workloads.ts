/**
 * Redacts the evidence on who owns a target: removes environment variables, overrides, commands, labels and the team's
 * own tags. Pure.
 */
import type { EvidenceSet } from '../../evidence/evidence.ts';
import {
  CodeDeployment,
  type EcsService,
  type EcsTask,
  type ScalingActivity,
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
const kept = (value: object, names: readonly string[]): object =>
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
    ...kept(definition, DEFINITION),
    ...(containerDefinitions === undefined
      ? {}
      : { containerDefinitions: containerDefinitions.map((each) => kept(each, CONTAINER)) }),
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
  CodeDeployment.parse(kept(deployment, DEPLOYMENT));

/** `Details` holds the launch parameters. */
function redactActivity({ Details: _, ...activity }: ScalingActivity): ScalingActivity {
  return activity;
}

type Redacted = Pick<
  EvidenceSet,
  'tags' | 'services' | 'tasks' | 'taskDefinitions' | 'scalingActivities' | 'codeDeployments'
>;

export function redactWorkloads(evidence: Redacted): Redacted {
  const { tags, services, tasks, taskDefinitions, scalingActivities, codeDeployments } = evidence;
  return {
    tags: tags.status === 'collected' ? { ...tags, value: tags.value.map(redactTags) } : tags,
    services: services.status === 'collected' ? { ...services, value: services.value.map(redactService) } : services,
    tasks: tasks.status === 'collected' ? { ...tasks, value: tasks.value.map(redactTask) } : tasks,
    taskDefinitions:
      taskDefinitions.status === 'collected'
        ? { ...taskDefinitions, value: mapValues(taskDefinitions.value, redactDefinition) }
        : taskDefinitions,
    scalingActivities:
      scalingActivities.status === 'collected'
        ? { ...scalingActivities, value: mapValues(scalingActivities.value, (each) => each.map(redactActivity)) }
        : scalingActivities,
    codeDeployments:
      codeDeployments.status === 'collected'
        ? { ...codeDeployments, value: codeDeployments.value.map(redactDeployment) }
        : codeDeployments,
  };
}

const mapValues = <A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
