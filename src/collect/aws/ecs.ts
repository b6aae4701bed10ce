/**
 * ECS: the services behind target groups, their tasks, and the tasks' definitions and hosts. A diagnosis makes at most
 * `ECS_CALLS` calls, however large the clusters are.
 */
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
import * as z from 'zod';
import type { Question } from '../../evidence/question.ts';
import {
  ContainerInstance,
  EcsService,
  EcsTask,
  groupsOfService,
  ServiceDeployment,
  ServiceRevision,
  shiftsTraffic,
  TaskDefinition,
} from '../../evidence/workloads.ts';
import { CHANGES_BEFORE } from '../cli-commands.ts';
import { type Call, DependencyUnavailable, toCliJson } from './call.ts';
import { chunks } from './chunks.ts';
import { ECS_CALLS, type EcsBudget } from './ecs-budget.ts';

/**
 * Maximum items of a page or call (API reference: ListClusters, ListServices, ListTasks, DescribeTasks;
 * DescribeServices).
 */
const PAGE = 100;
const SERVICES_A_CALL = 10;
/** Maximum clusters to search, in the order of their ARNs. */
const CLUSTERS = 20;
/** Up to this many clusters, tasks are listed in parallel with services, which saves a round trip. */
const FEW_CLUSTERS = 3;
/** Maximum task definition revisions to describe: those of running and of stopped tasks. */
const DEFINITIONS = 20;

/** Maximum services whose deployments are read, and newest deployments of each: one call describes 20 of them. */
const SHIFTING_SERVICES = 5;
const DEPLOYMENTS_A_SERVICE = 4;

const client = ({ session }: Call): ECSClient => session.client(ECSClient);

/** ARNs, ascending; the first `CLUSTERS` of the first page. */
export async function listClusters(call: Call, budget: EcsBudget): Promise<string[]> {
  if (!budget.take()) return [];
  const { clusterArns = [] } = await client(call).send(new ListClustersCommand({ maxResults: PAGE }), call.options);
  return clusterArns.toSorted().slice(0, CLUSTERS);
}

/** Contents of a cluster, by ARN. */
interface ClusterContent {
  cluster: string;
  arns: string[];
}

export async function listServices(
  call: Call,
  clusters: readonly string[],
  budget: EcsBudget,
): Promise<ClusterContent[]> {
  return Promise.all(
    clusters.map(async (cluster) => {
      const arns: string[] = [];
      let nextToken: string | undefined;
      do {
        if (!budget.take()) break;
        const input = { cluster, maxResults: PAGE, ...(nextToken === undefined ? {} : { nextToken }) };
        const page = await client(call).send(new ListServicesCommand(input), call.options);
        arns.push(...(page.serviceArns ?? []));
        nextToken = page.nextToken;
      } while (nextToken);
      return { cluster, arns: arns.sort() };
    }),
  );
}

/**
 * The services that use one of the target groups, by ARN. Throws DependencyUnavailable if the budget ran out before
 * that was known.
 */
export async function describeServices(
  call: Call,
  listed: readonly ClusterContent[],
  groups: readonly string[],
  budget: EcsBudget,
): Promise<EcsService[]> {
  const calls = listed.flatMap(({ cluster, arns }) =>
    chunks(arns, SERVICES_A_CALL).map((services) => ({ cluster, services })),
  );
  const affordable = calls.filter(() => budget.take());
  const answers = await Promise.all(
    affordable.map((input) => client(call).send(new DescribeServicesCommand(input), call.options)),
  );
  const found = z
    .array(EcsService)
    .parse(toCliJson(answers.flatMap(({ services = [] }) => services)))
    .filter((service) => groupsOfService(service).some((arn) => groups.includes(arn)));
  if (found.length === 0 && affordable.length < calls.length) {
    const services = listed.reduce((sum, { arns }) => sum + arns.length, 0);
    throw new DependencyUnavailable(
      `ECS has ${services} services, and the ${ECS_CALLS} calls of a diagnosis found none of these target groups`,
      { kind: 'incomplete', iamStatement: null },
    );
  }
  return found.sort((a, b) => (a.serviceArn < b.serviceArn ? -1 : 1));
}

/**
 * Lists tasks of each cluster before its services are known: one page of running and one of stopped tasks; null if
 * there are more.
 */
export async function listTasksEarly(
  call: Call,
  clusters: readonly string[],
  budget: EcsBudget,
): Promise<ClusterContent[] | null> {
  if (clusters.length > FEW_CLUSTERS) return null;
  const pages = await Promise.all(clusters.map((cluster) => listTaskPages(call, { cluster }, budget)));
  return pages.every(({ isWhole }) => isWhole)
    ? pages.map(({ arns }, index) => ({ cluster: clusters[index] ?? '', arns }))
    : null;
}

/** Lists tasks of each service: one page of running and one of stopped tasks. */
export async function listTasksOf(
  call: Call,
  services: readonly EcsService[],
  budget: EcsBudget,
): Promise<ClusterContent[]> {
  return Promise.all(
    services.map(async ({ clusterArn: cluster = '', serviceName }) => ({
      cluster,
      arns: (await listTaskPages(call, { cluster, serviceName }, budget)).arns,
    })),
  );
}

async function listTaskPages(
  call: Call,
  where: { cluster: string; serviceName?: string },
  budget: EcsBudget,
): Promise<{ arns: string[]; isWhole: boolean }> {
  const states = (['RUNNING', 'STOPPED'] as const).filter(() => budget.take());
  const pages = await Promise.all(
    states.map((desiredStatus) =>
      client(call).send(new ListTasksCommand({ ...where, desiredStatus, maxResults: PAGE }), call.options),
    ),
  );
  return {
    arns: pages.flatMap(({ taskArns = [] }) => taskArns).sort(),
    isWhole: states.length === 2 && pages.every(({ nextToken }) => !nextToken),
  };
}

/** By ARN. */
export async function describeTasks(
  call: Call,
  listed: readonly ClusterContent[],
  budget: EcsBudget,
): Promise<EcsTask[]> {
  const calls = listed.flatMap(({ cluster, arns }) => chunks(arns, PAGE).map((tasks) => ({ cluster, tasks })));
  const answers = await Promise.all(
    calls.filter(() => budget.take()).map((input) => client(call).send(new DescribeTasksCommand(input), call.options)),
  );
  const tasks = z.array(EcsTask).parse(toCliJson(answers.flatMap((answer) => answer.tasks ?? [])));
  return tasks.sort((a, b) => (a.taskArn < b.taskArn ? -1 : 1));
}

/** By ARN: the definitions used by services and their tasks. */
export async function describeDefinitions(
  call: Call,
  arns: readonly string[],
  budget: EcsBudget,
): Promise<Record<string, TaskDefinition>> {
  const each = arns
    .slice(0, DEFINITIONS)
    .filter(() => budget.take())
    .map(async (taskDefinition) => {
      const answer = await client(call).send(new DescribeTaskDefinitionCommand({ taskDefinition }), call.options);
      return [taskDefinition, TaskDefinition.parse(toCliJson(answer.taskDefinition ?? {}))] as const;
    });
  return Object.fromEntries(await Promise.all(each));
}

/** By ARN: the container instances of tasks that run on instances. */
export async function describeContainerInstances(
  call: Call,
  tasks: readonly EcsTask[],
  budget: EcsBudget,
): Promise<ContainerInstance[]> {
  const clusters = Map.groupBy(
    tasks.filter(({ containerInstanceArn }) => containerInstanceArn !== undefined),
    ({ clusterArn = '' }) => clusterArn,
  );
  const calls = [...clusters].flatMap(([cluster, own]) =>
    chunks([...new Set(own.flatMap(({ containerInstanceArn = [] }) => containerInstanceArn))].sort(), PAGE).map(
      (containerInstances) => ({ cluster, containerInstances }),
    ),
  );
  const answers = await Promise.all(
    calls
      .filter(() => budget.take())
      .map((input) => client(call).send(new DescribeContainerInstancesCommand(input), call.options)),
  );
  const found = z
    .array(ContainerInstance)
    .parse(toCliJson(answers.flatMap(({ containerInstances = [] }) => containerInstances)));
  return found.sort((a, b) => (a.containerInstanceArn < b.containerInstanceArn ? -1 : 1));
}

/** A deployment and the revision that it brings, by ARN. */
interface ListedDeployment {
  deployment: string;
  revision: string | null;
}

/** The newest deployments, from a day before the window, of services whose traffic ECS shifts by weight. */
export async function listServiceDeployments(
  call: Call,
  services: readonly EcsService[],
  question: Question,
  budget: EcsBudget,
): Promise<ListedDeployment[]> {
  const shifting = services
    .filter(shiftsTraffic)
    .slice(0, SHIFTING_SERVICES)
    .filter(() => budget.take());
  const createdAt = { after: new Date(question.from - CHANGES_BEFORE), before: new Date(question.now) };
  const answers = await Promise.all(
    shifting.map(({ serviceArn: service, clusterArn: cluster }) =>
      client(call).send(
        new ListServiceDeploymentsCommand({ service, cluster, createdAt, maxResults: PAGE }),
        call.options,
      ),
    ),
  );
  return answers.flatMap(({ serviceDeployments = [] }) =>
    serviceDeployments
      .toSorted((a, b) => (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0))
      .slice(0, DEPLOYMENTS_A_SERVICE)
      .flatMap(({ serviceDeploymentArn: deployment, targetServiceRevisionArn: revision = null }) =>
        deployment === undefined ? [] : [{ deployment, revision }],
      ),
  );
}

/** By ARN; the ARNs of a call are at most 20 (API reference, DescribeServiceDeployments). */
export async function describeServiceDeployments(
  call: Call,
  listed: readonly ListedDeployment[],
  budget: EcsBudget,
): Promise<ServiceDeployment[]> {
  const serviceDeploymentArns = listed.map(({ deployment }) => deployment).sort();
  if (serviceDeploymentArns.length === 0 || !budget.take()) return [];
  const { serviceDeployments = [] } = await client(call).send(
    new DescribeServiceDeploymentsCommand({ serviceDeploymentArns }),
    call.options,
  );
  const found = z.array(ServiceDeployment).parse(toCliJson(serviceDeployments));
  return found.sort((a, b) => (a.serviceDeploymentArn < b.serviceDeploymentArn ? -1 : 1));
}

/** By ARN: the revisions that these deployments bring. */
export async function describeServiceRevisions(
  call: Call,
  listed: readonly ListedDeployment[],
  budget: EcsBudget,
): Promise<ServiceRevision[]> {
  const serviceRevisionArns = [...new Set(listed.flatMap(({ revision }) => revision ?? []))].sort();
  if (serviceRevisionArns.length === 0 || !budget.take()) return [];
  const { serviceRevisions = [] } = await client(call).send(
    new DescribeServiceRevisionsCommand({ serviceRevisionArns }),
    call.options,
  );
  const found = z.array(ServiceRevision).parse(toCliJson(serviceRevisions));
  return found.sort((a, b) => (a.serviceRevisionArn < b.serviceRevisionArn ? -1 : 1));
}

/** The task definitions that services and tasks use: those of services first, then of tasks, ascending. */
export const definitionsIn = (services: readonly EcsService[], tasks: readonly EcsTask[]): string[] => {
  const own = services.flatMap(({ deployments = [] }) => deployments.flatMap((one) => one.taskDefinition ?? []));
  const others = tasks.flatMap(({ taskDefinitionArn }) => taskDefinitionArn ?? []);
  return [...new Set([...own.sort(), ...others.sort()])];
};
