/**
 * Collectors of the evidence about a load balancer in AWS. Each starts as soon as its dependencies are known, so that
 * at most five calls run in sequence: the load balancer; its parts; their parts; the resources that those name; the
 * definitions and hosts of the tasks among these. A sixth describes the deployments of services whose traffic ECS
 * shifts.
 */

import type { AccessLog } from '../../evidence/access-log.ts';
import type { Attributes } from '../../evidence/aws.ts';
import type { Collected } from '../../evidence/collected.ts';
import type { Evidence } from '../../evidence/evidence.ts';
import { metricCounts } from '../../evidence/metrics.ts';
import type { Question } from '../../evidence/question.ts';
import { type CommandDetails, commandFor } from '../cli-commands.ts';
import type { Collector, Collectors } from '../collect.ts';
import { resourceOf } from '../find-load-balancer.ts';
import type { DescribedEvidenceName } from '../incident/read-evidence.ts';
import { callAws, DependencyUnavailable, requireValue } from './call.ts';
import { fetchChanges } from './cloudtrail.ts';
import { fetchMetrics, metricsOfGroups, metricsOfLoadBalancer } from './cloudwatch.ts';
import {
  fetchInstances,
  fetchNetworkAcls,
  fetchNetworkInterfaces,
  fetchPrefixLists,
  fetchRouteTables,
  fetchSecurityGroups,
  fetchSubnets,
  referencedPrefixLists,
} from './ec2-network.ts';
import { fetchFunctions, functionsIn } from './lambda.ts';
import { lazyEvidenceOf } from './lazy-evidence.ts';
import { type FoundLoadBalancer, fetchAttributes, fetchListeners, fetchRules } from './load-balancer.ts';
import { type Lazy, once } from './once.ts';
import { fetchTargetGroupAttributes, fetchTargetGroups, fetchTargetHealth } from './target-groups.ts';
import { workloadAnswers } from './workload-collectors.ts';

/** Inputs of the live collectors: the load balancer found, and the question about it. */
interface LiveCollectorOptions {
  found: LookedUpLoadBalancer;
  question: Question;
  /**
   * Reads the access log at the location in `attributes`. `counted502s`: 502s of the load balancer that CloudWatch
   * counted in the window; null if unknown.
   */
  accessLog: (attributes: Lazy<Collected<Attributes>>, counted502s: Lazy<number | null>) => Collector<AccessLog>;
  /** US dollars that reading CloudFront's log may cost, known once the access log was read; null for no limit. */
  remainingUsd: () => Promise<number | null>;
}

/** A load balancer whose ARN is known; collectors that need only the ARN do not wait for its description. */
interface LookedUpLoadBalancer extends Pick<FoundLoadBalancer, 'session' | 'arn'> {
  described: FoundLoadBalancer['described'] | Promise<FoundLoadBalancer['described']>;
}

/** Returns collectors of all evidence about one load balancer. All are read-only. */
export function liveCollectors({ found, question, accessLog, remainingUsd }: LiveCollectorOptions): Collectors {
  const { session, arn, described } = found;
  const description = once(async () => await described);
  const ownVpcId = async () => {
    const answer = await description();
    return 'value' in answer ? answer.value.VpcId : undefined;
  };
  const ofVpc = async (): Promise<CommandDetails> => ({ vpcId: await ownVpcId() });

  const lazyEvidence = lazyEvidenceOf(session, question, ofVpc);
  const noNeeds = () => undefined;
  const resource = resourceOf(arn) ?? arn;

  const loadBalancer = once(async (): Promise<Collected<Evidence['loadBalancer']>> => {
    const source = commandFor('loadBalancer', question, {});
    const answer = await description();
    return 'value' in answer
      ? { status: 'collected', source, value: answer.value }
      : { status: 'unavailable', source, ...answer };
  });
  const attributes = lazyEvidence(
    'attributes',
    'elasticloadbalancing:DescribeLoadBalancerAttributes',
    noNeeds,
    (call) => fetchAttributes(call, arn),
  );
  const listeners = lazyEvidence('listeners', 'elasticloadbalancing:DescribeListeners', noNeeds, (call) =>
    fetchListeners(call, arn),
  );
  const targetGroups = lazyEvidence('targetGroups', 'elasticloadbalancing:DescribeTargetGroups', noNeeds, (call) =>
    fetchTargetGroups(call, arn),
  );
  const knownTargetGroups = async () => requireValue(await targetGroups(), 'the target groups are');

  const rules = lazyEvidence(
    'rules',
    'elasticloadbalancing:DescribeRules',
    async () => requireValue(await listeners(), 'the listeners are'),
    fetchRules,
    (_, needed) => ({ listenerArns: needed.map(({ ListenerArn }) => ListenerArn) }),
  );
  const ofGroups = (_: unknown, needed: Evidence['targetGroups']): CommandDetails => ({
    targetGroupArns: needed.map(({ TargetGroupArn }) => TargetGroupArn),
  });
  const targetGroupAttributes = lazyEvidence(
    'targetGroupAttributes',
    'elasticloadbalancing:DescribeTargetGroupAttributes',
    knownTargetGroups,
    fetchTargetGroupAttributes,
    ofGroups,
  );
  const targetHealth = lazyEvidence(
    'targetHealth',
    'elasticloadbalancing:DescribeTargetHealth',
    knownTargetGroups,
    fetchTargetHealth,
    ofGroups,
  );
  const knownTargetHealth = async () => requireValue(await targetHealth(), 'the targets are');

  const knownVpcId = async (): Promise<string> => {
    const there = (await ownVpcId()) ?? (await knownTargetGroups()).find(({ VpcId }) => VpcId !== undefined)?.VpcId;
    if (there === undefined) throw new DependencyUnavailable('the VPC of the load balancer is unknown');
    return there;
  };
  const securityGroups = lazyEvidence('securityGroups', 'ec2:DescribeSecurityGroups', knownVpcId, fetchSecurityGroups);
  const networkAcls = lazyEvidence('networkAcls', 'ec2:DescribeNetworkAcls', knownVpcId, fetchNetworkAcls);
  const subnets = lazyEvidence('subnets', 'ec2:DescribeSubnets', knownVpcId, fetchSubnets);
  const routeTables = lazyEvidence('routeTables', 'ec2:DescribeRouteTables', knownVpcId, fetchRouteTables);
  const networkInterfaces = lazyEvidence(
    'networkInterfaces',
    'ec2:DescribeNetworkInterfaces',
    knownVpcId,
    fetchNetworkInterfaces,
  );
  const instances = lazyEvidence(
    'instances',
    'ec2:DescribeInstances',
    async () => ({ vpcId: await knownVpcId(), groups: await knownTargetGroups() }),
    async (call, needed) => {
      // Targets registered by address are found through their interfaces, so only instance targets need their
      // instances.
      if (needed.groups.every(({ TargetType }) => TargetType !== 'instance')) return [];
      return fetchInstances(
        call,
        needed.vpcId,
        knownTargetHealth().catch(() => ({})),
      );
    },
  );
  const prefixLists = lazyEvidence(
    'prefixLists',
    'ec2:GetManagedPrefixListEntries',
    async () => referencedPrefixLists(requireValue(await securityGroups(), 'the rules of the security groups are')),
    fetchPrefixLists,
    (_, prefixListIds) => ({ prefixListIds }),
  );
  const functionArns = async () => {
    const there = await knownTargetGroups();
    return there.some(({ TargetType }) => TargetType === 'lambda') ? functionsIn(there, await knownTargetHealth()) : [];
  };
  const functions = lazyEvidence(
    'functions',
    'lambda:GetFunctionConfiguration',
    functionArns,
    fetchFunctions,
    (_, arns) => ({ functionArns: arns }),
  );
  const workloads = workloadAnswers({
    ...{ session, question, arn, functionArns, lazyEvidence },
    targetGroups: knownTargetGroups,
    targetHealth: knownTargetHealth,
    instances: async () => requireValue(await instances(), 'the instances are'),
  });
  const changes = lazyEvidence('changes', 'cloudtrail:LookupEvents', noNeeds, (call) => fetchChanges(call, question));
  const ownMetrics = once(() =>
    callAws(session, 'cloudwatch:GetMetricData', noNeeds, (call) =>
      fetchMetrics(call, question, metricsOfLoadBalancer(resource)),
    ),
  );
  const counted502s = async (): Promise<number | null> => {
    const answer = await ownMetrics();
    if ('reason' in answer) return null;
    const { loadBalancer } = question;
    const points = metricCounts(answer.value, 'HTTPCode_ELB_502_Count', { loadBalancer }, question);
    return points?.reduce((sum, { value }) => sum + value, 0) ?? null;
  };
  const metrics = lazyEvidence(
    'metrics',
    'cloudwatch:GetMetricData',
    async () => {
      // Metrics of the load balancer itself depend on nothing, so they are collected even if the target groups never
      // answer.
      const own = ownMetrics();
      own.catch(() => {});
      return { own, there: await knownTargetGroups().catch(() => []) };
    },
    async (call, { own, there }) => {
      const ofGroups = fetchMetrics(call, question, metricsOfGroups(resource, there));
      ofGroups.catch(() => {});
      const first = await own;
      if ('reason' in first) throw new DependencyUnavailable(first.reason, first);
      return [...first.value, ...(await ofGroups)];
    },
  );

  const edge = lazyEvidence(
    'edge',
    'cloudfront:ListDistributions',
    async () => requireValue(await loadBalancer(), 'the load balancer is'),
    async (call, loadBalancerItself) => {
      // Loaded on demand: nothing else needs most of its dependencies.
      const { fetchEdge } = await import('../edge/fetch-edge.ts');
      return await fetchEdge(call, { question, loadBalancer: loadBalancerItself, remainingUsd });
    },
  );

  const collector = <Name extends DescribedEvidenceName>(
    name: Name,
    collect: Lazy<Collected<Evidence[Name]>>,
  ): Collector<Evidence[Name]> => ({ source: commandFor(name, question, {}), collect });
  return {
    loadBalancer: collector('loadBalancer', loadBalancer),
    attributes: collector('attributes', attributes),
    listeners: collector('listeners', listeners),
    rules: collector('rules', rules),
    targetGroups: collector('targetGroups', targetGroups),
    targetGroupAttributes: collector('targetGroupAttributes', targetGroupAttributes),
    targetHealth: collector('targetHealth', targetHealth),
    securityGroups: collector('securityGroups', securityGroups),
    networkAcls: collector('networkAcls', networkAcls),
    subnets: collector('subnets', subnets),
    routeTables: collector('routeTables', routeTables),
    networkInterfaces: collector('networkInterfaces', networkInterfaces),
    instances: collector('instances', instances),
    prefixLists: collector('prefixLists', prefixLists),
    functions: collector('functions', functions),
    functionAliases: collector('functionAliases', workloads.functionAliases),
    tags: collector('tags', workloads.tags),
    services: collector('services', workloads.services),
    tasks: collector('tasks', workloads.tasks),
    taskDefinitions: collector('taskDefinitions', workloads.taskDefinitions),
    containerInstances: collector('containerInstances', workloads.containerInstances),
    serviceDeployments: collector('serviceDeployments', workloads.serviceDeployments),
    serviceRevisions: collector('serviceRevisions', workloads.serviceRevisions),
    scalingActivities: collector('scalingActivities', workloads.scalingActivities),
    lifecycleHooks: collector('lifecycleHooks', workloads.lifecycleHooks),
    codeDeployments: collector('codeDeployments', workloads.codeDeployments),
    changes: collector('changes', changes),
    edge: collector('edge', edge),
    metrics: collector('metrics', metrics),
    accessLog: accessLog(attributes, counted502s),
  };
}
