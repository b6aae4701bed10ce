/** The JSON files of an incident folder and the shape of each. Pure. */
import * as z from 'zod';
import {
  AttributeList,
  AwsName,
  CloudTrailEvent,
  FunctionConfiguration,
  Instance,
  Instant,
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
} from '../../evidence/aws.ts';
import { Edge } from '../../evidence/edge.ts';
import {
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
} from '../../evidence/workloads.ts';
import { LONGEST_WINDOW } from '../../query/window.ts';
import { GAP_KINDS, LogLimitationSchema } from '../access-log/log-limitation.ts';
import { AccessLogFile, CostSchema, DeliveredLogSchema, LogReadMethodSchema, Statuses } from './access-log-answers.ts';

/** The key of output saved without the ARN it was requested for. */
export const UNKEYED = '';

/**
 * The output of a command for each requested ARN (or prefix list id). The bare output of a single call, recognised by a
 * member that every such output has, becomes the only entry, under UNKEYED.
 */
const keyed = <T extends z.ZodType>(printed: T, ...membersOfBare: [string, ...string[]]) =>
  z.preprocess((data) => (isBare(data, membersOfBare) ? { [UNKEYED]: data } : data), z.record(AwsName, printed));

const isBare = (data: unknown, members: string[]): boolean =>
  data !== null && typeof data === 'object' && members.some((member) => Object.hasOwn(data, member));

const Attributes = z.looseObject(AttributeList.shape);

/** Folders of alb502 0.1 contain only the reason. */
const SavedFailure = z.object({
  source: z.string(),
  reason: z.string(),
  kind: z.enum(GAP_KINDS).optional(),
  iamStatement: z.string().optional(),
  delivered: z.array(DeliveredLogSchema).optional(),
});

/** Seconds, as in `--look-back`. */
const LONGEST_LOOK_BACK = LONGEST_WINDOW / 1000;

/** incident.json. Times without a zone are UTC. */
export const IncidentFile = z.looseObject({
  loadBalancer: AwsName.min(1, { error: 'expected the name of a load balancer, got ""' }),
  from: Instant,
  to: Instant,
  now: Instant.optional(),
  /** The question was limited to errors of this target group, or of the nodes in this zone. */
  targetGroup: z.string().optional(),
  zone: z.string().optional(),
  /** An alarm asked the question. */
  isFromAlarm: z.boolean().optional(),
  /** The statuses it was recorded for. */
  statuses: Statuses.min(1, { error: 'expected at least one status' }).optional(),
  /** Why evidence could not be collected at recording time, by name of the evidence. */
  unavailable: z.record(z.string(), SavedFailure).optional(),
  /** Why files in logs/ could not be read at recording time, by file; their content was left out. */
  unreadable: z.record(z.string(), z.string()).optional(),
  /** Compressed bytes of the files read from logs/, before redaction. */
  logBytes: z.number().optional(),
  /**
   * How the files in logs/ were fetched from AWS, the actual and estimated cost, and what Athena could not answer
   * before that.
   */
  fetched: z
    .object({
      source: z.string(),
      cost: CostSchema,
      reading: LogReadMethodSchema.optional(),
      unanswered: z.array(LogLimitationSchema).optional(),
    })
    .optional(),
  /** Seconds before `from` read for the keep-alive measurement; how the longer look was offered. */
  lookBack: z
    .number()
    .positive()
    .max(LONGEST_LOOK_BACK, { error: `expected at most ${LONGEST_LOOK_BACK} seconds` })
    .optional(),
  longerLook: z.object({ command: z.string(), estimate: z.string().optional() }).optional(),
});
export type IncidentFile = z.infer<typeof IncidentFile>;

export const Recording = z.object({
  'incident.json': IncidentFile,
  'access-log.json': AccessLogFile.optional(),
  'metrics.json': z.array(MetricSeries).optional(),
  'edge.json': Edge.optional(),
  'aws/describe-load-balancers.json': z.looseObject({ LoadBalancers: z.array(LoadBalancer) }).optional(),
  'aws/describe-load-balancer-attributes.json': keyed(Attributes, 'Attributes').optional(),
  'aws/describe-listeners.json': keyed(z.looseObject({ Listeners: z.array(Listener) }), 'Listeners').optional(),
  'aws/describe-rules.json': keyed(z.looseObject({ Rules: z.array(Rule) }), 'Rules').optional(),
  'aws/describe-target-groups.json': z.looseObject({ TargetGroups: z.array(TargetGroup) }).optional(),
  'aws/describe-target-group-attributes.json': keyed(Attributes, 'Attributes').optional(),
  'aws/describe-target-health.json': keyed(
    z.looseObject({ TargetHealthDescriptions: z.array(TargetHealthDescription) }),
    'TargetHealthDescriptions',
  ).optional(),
  'aws/describe-security-groups.json': z.looseObject({ SecurityGroups: z.array(SecurityGroup) }).optional(),
  'aws/describe-network-acls.json': z.looseObject({ NetworkAcls: z.array(NetworkAcl) }).optional(),
  'aws/describe-subnets.json': z.looseObject({ Subnets: z.array(Subnet) }).optional(),
  'aws/describe-route-tables.json': z.looseObject({ RouteTables: z.array(RouteTable) }).optional(),
  'aws/describe-network-interfaces.json': z.looseObject({ NetworkInterfaces: z.array(NetworkInterface) }).optional(),
  'aws/describe-instances.json': z
    .looseObject({ Reservations: z.array(z.looseObject({ Instances: z.array(Instance).optional() })) })
    .optional(),
  'aws/get-managed-prefix-list-entries.json': keyed(
    z.looseObject({ Entries: z.array(PrefixListEntry) }),
    'Entries',
  ).optional(),
  'aws/get-function-configuration.json': keyed(FunctionConfiguration, 'FunctionArn', 'FunctionName').optional(),
  'aws/get-alias.json': keyed(FunctionAlias, 'AliasArn', 'Name').optional(),
  'aws/describe-tags.json': z.looseObject({ TagDescriptions: z.array(TagDescription) }).optional(),
  'aws/ecs-describe-services.json': z.looseObject({ services: z.array(EcsService) }).optional(),
  'aws/ecs-describe-tasks.json': z.looseObject({ tasks: z.array(EcsTask) }).optional(),
  'aws/ecs-describe-task-definition.json': keyed(
    z.looseObject({ taskDefinition: TaskDefinition }),
    'taskDefinition',
  ).optional(),
  'aws/ecs-describe-container-instances.json': z
    .looseObject({ containerInstances: z.array(ContainerInstance) })
    .optional(),
  'aws/describe-scaling-activities.json': keyed(
    z.looseObject({ Activities: z.array(ScalingActivity) }),
    'Activities',
  ).optional(),
  'aws/ecs-describe-service-deployments.json': z
    .looseObject({ serviceDeployments: z.array(ServiceDeployment) })
    .optional(),
  'aws/ecs-describe-service-revisions.json': z.looseObject({ serviceRevisions: z.array(ServiceRevision) }).optional(),
  'aws/describe-lifecycle-hooks.json': keyed(
    z.looseObject({ LifecycleHooks: z.array(LifecycleHook) }),
    'LifecycleHooks',
  ).optional(),
  'aws/batch-get-deployments.json': z.looseObject({ deploymentsInfo: z.array(CodeDeployment) }).optional(),
  'aws/lookup-events.json': z.looseObject({ Events: z.array(CloudTrailEvent) }).optional(),
});
export type Recording = z.infer<typeof Recording>;
export type RecordingFileName = keyof Recording;
