/** Converts the recording's files on who owns a target into evidence, and back. Pure. */
import type { Collected } from '../../evidence/collected.ts';
import type { Evidence, NamingEvidenceName } from '../../evidence/evidence.ts';
import type { Question } from '../../evidence/question.ts';
import { commandFor, NAMING_DETAILS } from '../cli-commands.ts';
import { type Recording, type RecordingFileName, UNKEYED } from './incident-files.ts';

type NamingEvidenceSet = { [Name in NamingEvidenceName]: Collected<Evidence[Name]> };

export const WORKLOAD_FILES = {
  functionAliases: 'aws/get-alias.json',
  tags: 'aws/describe-tags.json',
  services: 'aws/ecs-describe-services.json',
  tasks: 'aws/ecs-describe-tasks.json',
  taskDefinitions: 'aws/ecs-describe-task-definition.json',
  containerInstances: 'aws/ecs-describe-container-instances.json',
  serviceDeployments: 'aws/ecs-describe-service-deployments.json',
  serviceRevisions: 'aws/ecs-describe-service-revisions.json',
  scalingActivities: 'aws/describe-scaling-activities.json',
  lifecycleHooks: 'aws/describe-lifecycle-hooks.json',
  codeDeployments: 'aws/batch-get-deployments.json',
} as const satisfies Record<NamingEvidenceName, RecordingFileName>;

/**
 * The recorded evidence on services, tasks and their history; a missing file makes its evidence unavailable, with the
 * reason.
 */
export function recordedWorkloads(recording: Recording, question: Question): NamingEvidenceSet {
  const answer = <Name extends NamingEvidenceName>(
    name: Name,
    value: Evidence[Name] | undefined,
  ): Collected<Evidence[Name]> => {
    if (value !== undefined)
      return { status: 'collected', source: commandFor(name, question, NAMING_DETAILS[name](value)), value };
    const source = commandFor(name, question, {});
    const { source: _, ...why } = recording['incident.json'].unavailable?.[name] ?? {
      source,
      kind: 'not-recorded' as const,
      reason: `${WORKLOAD_FILES[name]} is not in the incident folder`,
    };
    return { status: 'unavailable', source, ...why };
  };
  return {
    functionAliases: answer(
      'functionAliases',
      rekeyed(
        recording['aws/get-alias.json'],
        (one) => one,
        ({ AliasArn }) => AliasArn,
      ),
    ),
    tags: answer('tags', recording['aws/describe-tags.json']?.TagDescriptions),
    services: answer('services', recording['aws/ecs-describe-services.json']?.services),
    tasks: answer('tasks', recording['aws/ecs-describe-tasks.json']?.tasks),
    taskDefinitions: answer(
      'taskDefinitions',
      rekeyed(
        recording['aws/ecs-describe-task-definition.json'],
        ({ taskDefinition }) => taskDefinition,
        ({ taskDefinitionArn }) => taskDefinitionArn,
      ),
    ),
    containerInstances: answer(
      'containerInstances',
      recording['aws/ecs-describe-container-instances.json']?.containerInstances,
    ),
    scalingActivities: answer(
      'scalingActivities',
      rekeyed(
        recording['aws/describe-scaling-activities.json'],
        ({ Activities }) => Activities,
        ([first]) => first?.AutoScalingGroupName,
      ),
    ),
    serviceDeployments: answer(
      'serviceDeployments',
      recording['aws/ecs-describe-service-deployments.json']?.serviceDeployments,
    ),
    serviceRevisions: answer(
      'serviceRevisions',
      recording['aws/ecs-describe-service-revisions.json']?.serviceRevisions,
    ),
    lifecycleHooks: answer(
      'lifecycleHooks',
      rekeyed(
        recording['aws/describe-lifecycle-hooks.json'],
        ({ LifecycleHooks }) => LifecycleHooks,
        ([first]) => first?.AutoScalingGroupName,
      ),
    ),
    codeDeployments: answer('codeDeployments', recording['aws/batch-get-deployments.json']?.deploymentsInfo),
  };
}

/** The entries of a keyed file; a bare output goes to the key that it names itself. */
function rekeyed<A, B>(
  printed: Record<string, A> | undefined,
  map: (printed: A) => B,
  keyOf: (value: B) => string | undefined,
): Record<string, B> | undefined {
  if (printed === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(printed).flatMap(([key, one]) => {
      const value = map(one);
      const own = key === UNKEYED ? keyOf(value) : key;
      return own === undefined ? [] : [[own, value] as const];
    }),
  );
}

/** The files that hold this evidence. Unavailable evidence has no file. */
export function workloadFiles(evidence: NamingEvidenceSet): [RecordingFileName, unknown][] {
  const file = <T>(name: NamingEvidenceName, collected: Collected<T>, print: (value: T) => unknown) =>
    collected.status === 'collected'
      ? [[WORKLOAD_FILES[name], print(collected.value)] as [RecordingFileName, unknown]]
      : [];
  const mapValues = <A>(record: Record<string, A>, print: (value: A) => unknown) =>
    Object.fromEntries(Object.entries(record).map(([key, value]) => [key, print(value)]));
  return [
    ...file('functionAliases', evidence.functionAliases, (aliases) => aliases),
    ...file('tags', evidence.tags, (TagDescriptions) => ({ TagDescriptions })),
    ...file('services', evidence.services, (services) => ({ services })),
    ...file('tasks', evidence.tasks, (tasks) => ({ tasks })),
    ...file('taskDefinitions', evidence.taskDefinitions, (each) =>
      mapValues(each, (taskDefinition) => ({ taskDefinition })),
    ),
    ...file('containerInstances', evidence.containerInstances, (containerInstances) => ({ containerInstances })),
    ...file('scalingActivities', evidence.scalingActivities, (each) =>
      mapValues(each, (Activities) => ({ Activities })),
    ),
    ...file('serviceDeployments', evidence.serviceDeployments, (serviceDeployments) => ({ serviceDeployments })),
    ...file('serviceRevisions', evidence.serviceRevisions, (serviceRevisions) => ({ serviceRevisions })),
    ...file('lifecycleHooks', evidence.lifecycleHooks, (each) =>
      mapValues(each, (LifecycleHooks) => ({ LifecycleHooks })),
    ),
    ...file('codeDeployments', evidence.codeDeployments, (deploymentsInfo) => ({ deploymentsInfo })),
  ];
}
