/**
 * Live evidence on who owns a target: at most six round trips in sequence, the first in parallel with those for the load
 * balancer. A refused part does not affect the others.
 */
import type { Collected } from '../../evidence/collected.ts';
import type { Evidence, NamingEvidenceName } from '../../evidence/evidence.ts';
import type { NamingAction } from '../../evidence/naming-actions.ts';
import type { Question } from '../../evidence/question.ts';
import { NAMING_DETAILS } from '../cli-commands.ts';
import { type Call, callAws, DependencyUnavailable, requireValue } from './call.ts';
import { ecsBudget } from './ecs-budget.ts';
import type { LazyEvidence } from './lazy-evidence.ts';
import { type Lazy, once } from './once.ts';
import type { Session } from './session.ts';

/** Dependencies of the chain. */
interface WorkloadNeeds {
  session: Session;
  question: Question;
  arn: string;
  targetGroups: Lazy<Evidence['targetGroups']>;
  targetHealth: Lazy<Evidence['targetHealth']>;
  instances: Lazy<Evidence['instances']>;
  functionArns: Lazy<string[]>;
  lazyEvidence: LazyEvidence;
}

type WorkloadAnswers = { [Name in NamingEvidenceName]: Lazy<Collected<Evidence[Name]>> };

export function workloadAnswers(needs: WorkloadNeeds): WorkloadAnswers {
  const calls = workloadCalls(needs);
  return { ...historyAnswers(needs, calls), ...ecsAnswers(needs, calls) };
}

type WorkloadCalls = ReturnType<typeof workloadCalls>;

function workloadCalls({ session, lazyEvidence }: WorkloadNeeds) {
  /** An intermediate call; if it is refused, everything that depends on it fails with the same reason. */
  const step = <Needed, T>(
    action: NamingAction,
    first: () => Promise<Needed> | Needed,
    fetch: (call: Call, needed: Needed) => Promise<T>,
  ): Lazy<T> =>
    once(async () => {
      const answer = await callAws(session, action, first, fetch);
      if ('reason' in answer) throw new DependencyUnavailable(answer.reason, answer);
      return answer.value;
    });

  const evidence = <Name extends NamingEvidenceName, Needed>(
    name: Name,
    action: NamingAction,
    first: () => Promise<Needed> | Needed,
    fetch: (call: Call, needed: Needed) => Promise<Evidence[Name]>,
  ): Lazy<Collected<Evidence[Name]>> =>
    lazyEvidence(name, action, first, fetch, (value) => NAMING_DETAILS[name](value));
  return { step, evidence };
}

/** Tags, aliases of functions, Auto Scaling and CodeDeploy. */
function historyAnswers(
  needs: WorkloadNeeds,
  { step, evidence }: WorkloadCalls,
): Pick<WorkloadAnswers, 'tags' | 'functionAliases' | 'scalingActivities' | 'lifecycleHooks' | 'codeDeployments'> {
  const tags = evidence(
    'tags',
    'elasticloadbalancing:DescribeTags',
    async () => [needs.arn, ...(await needs.targetGroups()).map(({ TargetGroupArn }) => TargetGroupArn)],
    async (call, arns) => (await history()).fetchTags(call, arns),
  );
  const functionAliases = evidence('functionAliases', 'lambda:GetAlias', needs.functionArns, async (call, arns) =>
    (await history()).fetchAliases(call, arns),
  );
  const scalingGroups = async () => {
    const { scalingGroupsIn } = await history();
    return scalingGroupsIn(await needs.instances(), await needs.targetHealth());
  };
  const scalingActivities = evidence(
    'scalingActivities',
    'autoscaling:DescribeScalingActivities',
    scalingGroups,
    async (call, groups) => (await history()).fetchScalingActivities(call, groups),
  );
  const lifecycleHooks = evidence(
    'lifecycleHooks',
    'autoscaling:DescribeLifecycleHooks',
    scalingGroups,
    async (call, groups) => (await history()).fetchLifecycleHooks(call, groups),
  );
  const deploymentIds = step(
    'codedeploy:ListDeployments',
    () => undefined,
    async (call) => (await history()).listDeployments(call, needs.question),
  );
  const codeDeployments = evidence(
    'codeDeployments',
    'codedeploy:BatchGetDeployments',
    deploymentIds,
    async (call, ids) => (await history()).fetchDeployments(call, ids),
  );
  return { tags, functionAliases, scalingActivities, lifecycleHooks, codeDeployments };
}

/** Clusters, their services and tasks, the tasks' definitions and hosts. */
function ecsAnswers(
  { targetGroups, question }: WorkloadNeeds,
  { step, evidence }: WorkloadCalls,
): Pick<
  WorkloadAnswers,
  'services' | 'tasks' | 'taskDefinitions' | 'containerInstances' | 'serviceDeployments' | 'serviceRevisions'
> {
  const budget = ecsBudget();
  const clusters = step(
    'ecs:ListClusters',
    () => undefined,
    async (call) => (await ecs()).listClusters(call, budget),
  );
  const lookedInto = async () => {
    // Both at once saves a round trip.
    const [matters, found] = await Promise.all([hasTargetsByAddress(), clusters()]);
    return matters ? found : [];
  };
  const serviceArns = step('ecs:ListServices', lookedInto, async (call, arns) =>
    (await ecs()).listServices(call, arns, budget),
  );
  const early = step('ecs:ListTasks', lookedInto, async (call, arns) =>
    (await ecs()).listTasksEarly(call, arns, budget),
  );
  const services = evidence(
    'services',
    'ecs:DescribeServices',
    async () => ({ listed: await serviceArns(), groups: await targetGroups() }),
    async (call, { listed, groups }) => {
      const arns = groups.map(({ TargetGroupArn }) => TargetGroupArn);
      return (await ecs()).describeServices(call, listed, arns, budget);
    },
  );
  const knownServices = async () => requireValue(await services(), 'the services are');
  const deployments = step('ecs:ListServiceDeployments', knownServices, async (call, own) =>
    (await ecs()).listServiceDeployments(call, own, question, budget),
  );
  const serviceDeployments = evidence(
    'serviceDeployments',
    'ecs:DescribeServiceDeployments',
    deployments,
    async (call, listed) => (await ecs()).describeServiceDeployments(call, listed, budget),
  );
  const serviceRevisions = evidence(
    'serviceRevisions',
    'ecs:DescribeServiceRevisions',
    deployments,
    async (call, listed) => (await ecs()).describeServiceRevisions(call, listed, budget),
  );
  const ofServices = step('ecs:ListTasks', knownServices, async (call, own) =>
    (await ecs()).listTasksOf(call, own, budget),
  );
  const taskArns = async () => (await early()) ?? (await ofServices());
  const described = step('ecs:DescribeTasks', taskArns, async (call, listed) =>
    (await ecs()).describeTasks(call, listed, budget),
  );
  const tasks = evidence(
    'tasks',
    'ecs:DescribeTasks',
    async () => ({ all: await described(), own: await knownServices() }),
    async (_, { all, own }) => {
      const near = new Set(own.map(({ clusterArn }) => clusterArn));
      return all.filter(({ clusterArn }) => near.has(clusterArn));
    },
  );
  const knownTasks = async () => requireValue(await tasks(), 'the tasks are');
  const taskDefinitions = evidence(
    'taskDefinitions',
    'ecs:DescribeTaskDefinition',
    async () => ({ own: await knownServices(), theirTasks: await tasksOfServices() }),
    async (call, { own, theirTasks }) => {
      const { definitionsIn, describeDefinitions } = await ecs();
      return describeDefinitions(call, definitionsIn(own, theirTasks), budget);
    },
  );
  const containerInstances = evidence(
    'containerInstances',
    'ecs:DescribeContainerInstances',
    knownTasks,
    async (call, all) => (await ecs()).describeContainerInstances(call, all, budget),
  );
  return { services, tasks, taskDefinitions, containerInstances, serviceDeployments, serviceRevisions };

  /** Without permission to list tasks, the services' definitions are still worth reading. */
  async function tasksOfServices(): Promise<Evidence['tasks']> {
    const names = new Set((await knownServices()).map(({ serviceName }) => `service:${serviceName}`));
    const all = await knownTasks().catch(() => []);
    return all.filter(({ group }) => group !== undefined && names.has(group));
  }

  /** Functions and load balancers as targets are not tasks. */
  async function hasTargetsByAddress(): Promise<boolean> {
    return (await targetGroups()).some(({ TargetType }) => TargetType !== 'lambda' && TargetType !== 'alb');
  }
}

/** Loaded while the first calls are in flight. */
const ecs = () => import('./ecs.ts');
const history = () => import('./rollout-history.ts');
