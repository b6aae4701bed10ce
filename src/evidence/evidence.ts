/**
 * All evidence on one question, as plain JSON without interpretation. Collectors fill it; checks and causes read it.
 * AWS objects keep the shape and names of the AWS CLI's output; log fields keep the names of the access log.
 */
import type { AccessLog } from './access-log.ts';
import type {
  Attributes,
  CloudTrailEvent,
  FunctionConfiguration,
  Instance,
  Listener,
  LoadBalancer,
  MetricSeries,
  NetworkAcl,
  NetworkInterface,
  PrefixListEntry,
  RouteTable,
  Rule,
  SecurityGroup,
  Subnet,
  TargetGroup,
  TargetHealthDescription,
} from './aws.ts';
import type { Collected } from './collected.ts';
import type { Edge } from './edge.ts';
import type {
  CodeDeployment,
  ContainerInstance,
  EcsService,
  EcsTask,
  FunctionAlias,
  LifecycleHook,
  ScalingActivity,
  ServiceDeployment,
  ServiceRevision,
  TagDescription,
  TaskDefinition,
} from './workloads.ts';

/** One key per source. Records by ARN have an entry for each queried ARN; a missing ARN was not queried. */
export interface Evidence {
  loadBalancer: LoadBalancer;
  attributes: Attributes;
  listeners: Listener[];
  rules: Record<string, Rule[]>;
  targetGroups: TargetGroup[];
  targetGroupAttributes: Record<string, Attributes>;
  targetHealth: Record<string, TargetHealthDescription[]>;
  securityGroups: SecurityGroup[];
  networkAcls: NetworkAcl[];
  subnets: Subnet[];
  routeTables: RouteTable[];
  networkInterfaces: NetworkInterface[];
  instances: Instance[];
  prefixLists: Record<string, PrefixListEntry[]>;
  functions: Record<string, FunctionConfiguration>;
  /** By the ARN registered as a target. */
  functionAliases: Record<string, FunctionAlias>;
  /** Tags of the load balancer and its target groups. */
  tags: TagDescription[];
  /** ECS services that name one of the target groups. */
  services: EcsService[];
  /** Running and stopped tasks of these services, and of other services in the same clusters if these are small. */
  tasks: EcsTask[];
  /** By ARN. */
  taskDefinitions: Record<string, TaskDefinition>;
  containerInstances: ContainerInstance[];
  /** Recent deployments of those services whose traffic ECS shifts by weight. */
  serviceDeployments: ServiceDeployment[];
  /** The revisions that these deployments bring. */
  serviceRevisions: ServiceRevision[];
  /** By Auto Scaling group name. */
  scalingActivities: Record<string, ScalingActivity[]>;
  /** By Auto Scaling group name; empty for a group without a hook. */
  lifecycleHooks: Record<string, LifecycleHook[]>;
  codeDeployments: CodeDeployment[];
  changes: CloudTrailEvent[];
  /** What is in front of the load balancer. */
  edge: Edge;
  metrics: MetricSeries[];
  accessLog: AccessLog;
}

/** Evidence that names targets and their events. Without it a diagnosis shows addresses instead of names. */
export const NAMING_EVIDENCE = [
  'functionAliases',
  'tags',
  'services',
  'tasks',
  'taskDefinitions',
  'containerInstances',
  'serviceDeployments',
  'serviceRevisions',
  'scalingActivities',
  'lifecycleHooks',
  'codeDeployments',
] as const satisfies readonly (keyof Evidence)[];
export type NamingEvidenceName = (typeof NAMING_EVIDENCE)[number];

export type EvidenceName = keyof Evidence;
export type EvidenceSet = { [Name in EvidenceName]: Collected<Evidence[Name]> };
