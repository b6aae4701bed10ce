/**
 * A load balancer in AWS → the collectors of its evidence. Each asks as soon as what it depends on is known, so that at most four calls
 * follow one another: the load balancer; what hangs on it; what hangs on that; what those name.
 */
import type { Attributes } from '../../evidence/aws.ts';
import type { AccessLog, Collected, Evidence, Question } from '../../evidence/evidence.ts';
import { commandFor, type Known } from '../cli-commands.ts';
import type { Collector, Collectors } from '../collect.ts';
import type { DescribedName } from '../incident/read-evidence.ts';
import { ask, type Call, known, NotKnown } from './call.ts';
import { changesOf } from './cloudtrail.ts';
import { metricsOf } from './cloudwatch.ts';
import {
  instancesIn,
  networkAclsIn,
  networkInterfacesIn,
  prefixListsIn,
  prefixListsOf,
  routeTablesIn,
  securityGroupsIn,
  subnetsIn,
} from './ec2-network.ts';
import { functionsIn, functionsOf } from './lambda.ts';
import { attributesOf, type Found, listenersOf, rulesOf } from './load-balancer.ts';
import { groupAttributesOf, healthOf, targetGroupsOf } from './target-groups.ts';

/** What a live collector needs: the load balancer that was found, and the question about it. */
export interface Live {
  found: Found;
  question: Question;
  /** Reads the access log; `attributes` say where it is. */
  accessLog: (attributes: () => Promise<Collected<Attributes>>) => Collector<AccessLog>;
}

type Lazy<T> = () => Promise<T>;

/** Starts the work when it is first wanted, and once. */
function once<T>(start: Lazy<T>): Lazy<T> {
  let started: Promise<T> | null = null;
  return () => {
    started ??= start();
    return started;
  };
}

/** Collectors of all evidence about one load balancer. They only read. */
export function liveCollectors({ found, question, accessLog }: Live): Collectors {
  const { session, arn, described } = found;
  const own = 'value' in described ? described.value : null;
  const ofVpc: Known = { vpcId: own?.VpcId };

  /** `needs` comes before the deadline starts; `knownOf` makes the command more exact once there is an answer. */
  function answer<Name extends DescribedName, Needed>(
    name: Name,
    action: string,
    needs: () => Promise<Needed> | Needed,
    fetch: (call: Call, needed: Needed) => Promise<Evidence[Name]>,
    knownOf: (value: Evidence[Name], needed: Needed) => Known = () => ofVpc,
  ): Lazy<Collected<Evidence[Name]>> {
    return once(async () => {
      const answered = await ask(session, action, needs, async (call, needed) => {
        const value = await fetch(call, needed);
        return { value, surroundings: knownOf(value, needed) };
      });
      if ('reason' in answered) {
        return { status: 'unavailable', source: commandFor(name, question, ofVpc), reason: answered.reason };
      }
      const { value, surroundings } = answered.value;
      return { status: 'collected', source: commandFor(name, question, surroundings), value };
    });
  }

  const nothing = () => undefined;

  const loadBalancer = once(async (): Promise<Collected<Evidence['loadBalancer']>> => {
    const source = commandFor('loadBalancer', question, ofVpc);
    return 'value' in described
      ? { status: 'collected', source, value: described.value }
      : { status: 'unavailable', source, reason: described.reason };
  });
  const attributes = answer('attributes', 'elasticloadbalancing:DescribeLoadBalancerAttributes', nothing, (call) =>
    attributesOf(call, arn),
  );
  const listeners = answer('listeners', 'elasticloadbalancing:DescribeListeners', nothing, (call) =>
    listenersOf(call, arn),
  );
  const targetGroups = answer('targetGroups', 'elasticloadbalancing:DescribeTargetGroups', nothing, (call) =>
    targetGroupsOf(call, arn),
  );
  const groups = async () => known(await targetGroups(), 'the target groups are');

  const rules = answer(
    'rules',
    'elasticloadbalancing:DescribeRules',
    async () => known(await listeners(), 'the listeners are'),
    rulesOf,
    (_, needed) => ({ listenerArns: needed.map(({ ListenerArn }) => ListenerArn) }),
  );
  const ofGroups = (_: unknown, needed: Evidence['targetGroups']): Known => ({
    targetGroupArns: needed.map(({ TargetGroupArn }) => TargetGroupArn),
  });
  const targetGroupAttributes = answer(
    'targetGroupAttributes',
    'elasticloadbalancing:DescribeTargetGroupAttributes',
    groups,
    groupAttributesOf,
    ofGroups,
  );
  const targetHealth = answer('targetHealth', 'elasticloadbalancing:DescribeTargetHealth', groups, healthOf, ofGroups);
  const health = async () => known(await targetHealth(), 'the targets are');

  const vpc = async (): Promise<string> => {
    const there = own?.VpcId ?? (await groups()).find(({ VpcId }) => VpcId !== undefined)?.VpcId;
    if (there === undefined) throw new NotKnown('the VPC of the load balancer is not known');
    return there;
  };
  const securityGroups = answer('securityGroups', 'ec2:DescribeSecurityGroups', vpc, securityGroupsIn);
  const networkAcls = answer('networkAcls', 'ec2:DescribeNetworkAcls', vpc, networkAclsIn);
  const subnets = answer('subnets', 'ec2:DescribeSubnets', vpc, subnetsIn);
  const routeTables = answer('routeTables', 'ec2:DescribeRouteTables', vpc, routeTablesIn);
  const networkInterfaces = answer('networkInterfaces', 'ec2:DescribeNetworkInterfaces', vpc, networkInterfacesIn);
  const instances = answer(
    'instances',
    'ec2:DescribeInstances',
    async () => ({ vpcId: await vpc(), groups: await groups() }),
    async (call, needed) => {
      // Targets by address are found by their interfaces: without instance targets no instance has to be looked at.
      if (needed.groups.every(({ TargetType }) => TargetType !== 'instance')) return [];
      return instancesIn(
        call,
        needed.vpcId,
        health().catch(() => ({})),
      );
    },
  );
  const prefixLists = answer(
    'prefixLists',
    'ec2:GetManagedPrefixListEntries',
    async () => prefixListsIn(known(await securityGroups(), 'the rules of the security groups are')),
    prefixListsOf,
    (_, prefixListIds) => ({ prefixListIds }),
  );
  const functions = answer(
    'functions',
    'lambda:GetFunctionConfiguration',
    async () => {
      const there = await groups();
      return there.some(({ TargetType }) => TargetType === 'lambda') ? functionsIn(there, await health()) : [];
    },
    functionsOf,
    (_, functionArns) => ({ functionArns }),
  );
  const changes = answer('changes', 'cloudtrail:LookupEvents', nothing, (call) => changesOf(call, question));
  const metrics = answer(
    'metrics',
    'cloudwatch:GetMetricData',
    // The load balancer has metrics of its own.
    () => groups().catch(() => []),
    (call, there) => metricsOf(call, question, arn, there),
  );

  const collector = <Name extends DescribedName>(
    name: Name,
    collect: Lazy<Collected<Evidence[Name]>>,
  ): Collector<Evidence[Name]> => ({ source: commandFor(name, question, ofVpc), collect });
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
    changes: collector('changes', changes),
    metrics: collector('metrics', metrics),
    accessLog: accessLog(attributes),
  };
}
