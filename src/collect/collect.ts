/** Collects all evidence at once. A failed collector becomes `unavailable` with its reason; the others continue. */
import type { Collected } from '../evidence/collected.ts';
import { type Evidence, type EvidenceName, type EvidenceSet, NAMING_EVIDENCE } from '../evidence/evidence.ts';
import { errorMessage, Problem } from '../problem.ts';
import { withHops } from './hop-addresses.ts';

export interface Collector<T> {
  /** The call or SQL that an operator can repeat; used if `collect` fails. */
  source: string;
  collect(): Promise<Collected<T>> | Collected<T>;
}

export type Collectors = { [Name in EvidenceName]: Collector<Evidence[Name]> };

/** Called when collecting a piece of evidence starts, and when it is collected or unavailable. */
export type ProgressListener = (name: EvidenceName, state: 'started' | Collected<unknown>['status']) => void;

/**
 * Runs every collector. Throws only a Problem: the question or the recording is wrong, or the user interrupted. Calls
 * `onInterimEvidence` at most once, with the evidence so far, before the access log and CloudTrail have answered.
 */
export async function collect(
  collectors: Collectors,
  progress: ProgressListener = () => {},
  onInterimEvidence: (evidence: EvidenceSet) => void | Promise<void> = () => {},
): Promise<EvidenceSet> {
  const answered = new Set<EvidenceName>();
  const start = async <Name extends EvidenceName>(
    name: Name,
    collector: Collector<Evidence[Name]>,
  ): Promise<Collected<Evidence[Name]>> => {
    progress(name, 'started');
    const answer = await runCollector(collector);
    answered.add(name);
    progress(name, answer.status);
    return answer;
  };
  const running = {
    accessLog: start('accessLog', collectors.accessLog),
    metrics: start('metrics', collectors.metrics),
    loadBalancer: start('loadBalancer', collectors.loadBalancer),
    attributes: start('attributes', collectors.attributes),
    listeners: start('listeners', collectors.listeners),
    rules: start('rules', collectors.rules),
    targetGroups: start('targetGroups', collectors.targetGroups),
    targetGroupAttributes: start('targetGroupAttributes', collectors.targetGroupAttributes),
    targetHealth: start('targetHealth', collectors.targetHealth),
    securityGroups: start('securityGroups', collectors.securityGroups),
    networkAcls: start('networkAcls', collectors.networkAcls),
    subnets: start('subnets', collectors.subnets),
    routeTables: start('routeTables', collectors.routeTables),
    networkInterfaces: start('networkInterfaces', collectors.networkInterfaces),
    instances: start('instances', collectors.instances),
    prefixLists: start('prefixLists', collectors.prefixLists),
    functions: start('functions', collectors.functions),
    functionAliases: start('functionAliases', collectors.functionAliases),
    tags: start('tags', collectors.tags),
    services: start('services', collectors.services),
    tasks: start('tasks', collectors.tasks),
    taskDefinitions: start('taskDefinitions', collectors.taskDefinitions),
    containerInstances: start('containerInstances', collectors.containerInstances),
    serviceDeployments: start('serviceDeployments', collectors.serviceDeployments),
    serviceRevisions: start('serviceRevisions', collectors.serviceRevisions),
    scalingActivities: start('scalingActivities', collectors.scalingActivities),
    lifecycleHooks: start('lifecycleHooks', collectors.lifecycleHooks),
    codeDeployments: start('codeDeployments', collectors.codeDeployments),
    changes: start('changes', collectors.changes),
    edge: start('edge', collectors.edge),
  };
  const names = Object.keys(running) as EvidenceName[];
  const awaited = names.filter((name) => !(name in LATE)).map((name) => running[name]);
  const provisional = Promise.all(awaited).then(async () => {
    if (answered.has('accessLog')) return;
    const pending = names.filter((name) => !answered.has(name));
    const reasons = pending.map((name) => [name, stillPending(collectors[name], LATE[name] ?? name)] as const);
    await onInterimEvidence(await awaitAll({ ...running, ...Object.fromEntries(reasons) }));
  });
  // Awaited together, so that a Problem in one leaves no other rejection unhandled.
  await Promise.all([...Object.values(running), provisional]);
  return withHops(await awaitAll(running));
}

/** Evidence that the first headline does not wait for, by the name of its gap. */
const LATE: Partial<Record<EvidenceName, string>> = {
  accessLog: 'the access log',
  changes: 'CloudTrail',
  edge: 'hops in front',
  rules: 'the rules',
  functions: 'the functions',
  ...Object.fromEntries(NAMING_EVIDENCE.map((name) => [name, 'who owns the targets'])),
};

type PendingEvidence = { [Name in EvidenceName]: Promise<EvidenceSet[Name]> | EvidenceSet[Name] };

const stillPending = ({ source }: { source: string }, what: string): Collected<never> => ({
  status: 'unavailable',
  source,
  reason: `${what} is still being read`,
});

const awaitAll = async (running: PendingEvidence): Promise<EvidenceSet> => ({
  accessLog: await running.accessLog,
  metrics: await running.metrics,
  loadBalancer: await running.loadBalancer,
  attributes: await running.attributes,
  listeners: await running.listeners,
  rules: await running.rules,
  targetGroups: await running.targetGroups,
  targetGroupAttributes: await running.targetGroupAttributes,
  targetHealth: await running.targetHealth,
  securityGroups: await running.securityGroups,
  networkAcls: await running.networkAcls,
  subnets: await running.subnets,
  routeTables: await running.routeTables,
  networkInterfaces: await running.networkInterfaces,
  instances: await running.instances,
  prefixLists: await running.prefixLists,
  functions: await running.functions,
  functionAliases: await running.functionAliases,
  tags: await running.tags,
  services: await running.services,
  tasks: await running.tasks,
  taskDefinitions: await running.taskDefinitions,
  containerInstances: await running.containerInstances,
  serviceDeployments: await running.serviceDeployments,
  serviceRevisions: await running.serviceRevisions,
  scalingActivities: await running.scalingActivities,
  lifecycleHooks: await running.lifecycleHooks,
  codeDeployments: await running.codeDeployments,
  changes: await running.changes,
  edge: await running.edge,
});

async function runCollector<T>({ source, collect }: Collector<T>): Promise<Collected<T>> {
  try {
    return await collect();
  } catch (error) {
    if (error instanceof Problem) throw error;
    return { status: 'unavailable', source, reason: errorMessage(error) };
  }
}
