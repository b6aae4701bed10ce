/**
 * The parts of AWS responses that alb502 reads, as zod schemas for the AWS CLI's JSON. Unknown members are kept, so
 * that a saved incident is complete.
 */
import * as z from 'zod';
import { escapeControls } from '../format/escape-control-characters.ts';

const text = z.string();
const count = z.number();

/**
 * A name, an id or an ARN. They appear in printed commands, so no character may have a meaning in a shell, query or
 * terminal. Source: the patterns of the API references; ARNs of listener rules and functions use the most kinds of
 * characters.
 */
export const AwsName = z.string().regex(/^(?:[A-Za-z0-9][\w.:/+=,@$-]{0,2047})?$/, {
  error: ({ input }) =>
    `expected a name, an id or an ARN of letters, digits and _.:/+=,@$-, got ${JSON.stringify(escapeControls(String(input)).slice(0, 60))}`,
});
export const Cidr = z.string().regex(/^[0-9A-Fa-f.:]{1,45}\/[0-9]{1,3}$/, {
  error: ({ input }) => `expected a CIDR block, got ${JSON.stringify(escapeControls(String(input)).slice(0, 60))}`,
});

export const LoadBalancer = z.looseObject({
  LoadBalancerArn: AwsName,
  LoadBalancerName: AwsName,
  DNSName: text.optional(),
  Scheme: text.optional(),
  VpcId: AwsName.optional(),
  Type: text.optional(),
  IpAddressType: text.optional(),
  State: z.looseObject({ Code: text.optional(), Reason: text.optional() }).optional(),
  SecurityGroups: z.array(AwsName).optional(),
  AvailabilityZones: z.array(z.looseObject({ ZoneName: AwsName.optional(), SubnetId: AwsName.optional() })).optional(),
});
export type LoadBalancer = z.infer<typeof LoadBalancer>;

/** Attribute lists, as a record of key to value. */
export type Attributes = Record<string, string>;
export const AttributeList = z.object({ Attributes: z.array(z.object({ Key: text, Value: text })) });

export const Action = z.looseObject({
  Type: text,
  TargetGroupArn: AwsName.optional(),
  ForwardConfig: z
    .looseObject({
      TargetGroups: z.array(z.looseObject({ TargetGroupArn: AwsName.optional(), Weight: count.optional() })).optional(),
    })
    .optional(),
  FixedResponseConfig: z.looseObject({ StatusCode: text.optional(), MessageBody: text.optional() }).optional(),
});

export type Action = z.infer<typeof Action>;

export const Listener = z.looseObject({
  ListenerArn: AwsName,
  LoadBalancerArn: AwsName.optional(),
  Port: count.optional(),
  Protocol: AwsName.optional(),
  SslPolicy: text.optional(),
  DefaultActions: z.array(Action).optional(),
});
export type Listener = z.infer<typeof Listener>;

export const Rule = z.looseObject({
  RuleArn: AwsName.optional(),
  Priority: text.optional(),
  IsDefault: z.boolean().optional(),
  Actions: z.array(Action).optional(),
});
export type Rule = z.infer<typeof Rule>;

export const TargetGroup = z.looseObject({
  TargetGroupArn: AwsName,
  TargetGroupName: AwsName,
  Protocol: AwsName.optional(),
  Port: count.optional(),
  VpcId: AwsName.optional(),
  TargetType: AwsName.optional(),
  ProtocolVersion: AwsName.optional(),
  IpAddressType: text.optional(),
  HealthCheckProtocol: text.optional(),
  HealthCheckPort: text.optional(),
  HealthCheckPath: text.optional(),
  HealthCheckEnabled: z.boolean().optional(),
  HealthCheckIntervalSeconds: count.optional(),
  HealthCheckTimeoutSeconds: count.optional(),
  HealthyThresholdCount: count.optional(),
  UnhealthyThresholdCount: count.optional(),
  TargetControlPort: count.optional(),
  LoadBalancerArns: z.array(AwsName).optional(),
});
export type TargetGroup = z.infer<typeof TargetGroup>;

export const TargetHealthDescription = z.looseObject({
  Target: z.looseObject({ Id: AwsName, Port: count.optional(), AvailabilityZone: AwsName.optional() }),
  HealthCheckPort: text.optional(),
  TargetHealth: z
    .looseObject({ State: text.optional(), Reason: text.optional(), Description: text.optional() })
    .optional(),
  AnomalyDetection: z.looseObject({ Result: text.optional(), MitigationInEffect: text.optional() }).optional(),
  AdministrativeOverride: z.looseObject({ State: text.optional() }).optional(),
});
export type TargetHealthDescription = z.infer<typeof TargetHealthDescription>;

const IpPermission = z.looseObject({
  IpProtocol: text,
  FromPort: count.optional(),
  ToPort: count.optional(),
  UserIdGroupPairs: z
    .array(z.looseObject({ GroupId: AwsName.optional(), UserId: AwsName.optional(), PeeringStatus: text.optional() }))
    .optional(),
  IpRanges: z.array(z.looseObject({ CidrIp: Cidr })).optional(),
  Ipv6Ranges: z.array(z.looseObject({ CidrIpv6: Cidr })).optional(),
  PrefixListIds: z.array(z.looseObject({ PrefixListId: AwsName })).optional(),
});
export type IpPermission = z.infer<typeof IpPermission>;

export const SecurityGroup = z.looseObject({
  GroupId: AwsName,
  GroupName: text.optional(),
  VpcId: AwsName.optional(),
  IpPermissions: z.array(IpPermission).optional(),
  IpPermissionsEgress: z.array(IpPermission).optional(),
});
export type SecurityGroup = z.infer<typeof SecurityGroup>;

export const NetworkAcl = z.looseObject({
  NetworkAclId: AwsName,
  VpcId: AwsName.optional(),
  IsDefault: z.boolean().optional(),
  Associations: z.array(z.looseObject({ SubnetId: AwsName.optional() })).optional(),
  Entries: z
    .array(
      z.looseObject({
        RuleNumber: count,
        Protocol: text,
        RuleAction: text,
        Egress: z.boolean(),
        CidrBlock: Cidr.optional(),
        Ipv6CidrBlock: Cidr.optional(),
        PortRange: z.looseObject({ From: count.optional(), To: count.optional() }).optional(),
      }),
    )
    .optional(),
});
export type NetworkAcl = z.infer<typeof NetworkAcl>;

export const Subnet = z.looseObject({
  SubnetId: AwsName,
  VpcId: AwsName.optional(),
  AvailabilityZone: AwsName.optional(),
  CidrBlock: Cidr.optional(),
  AvailableIpAddressCount: count.optional(),
  Ipv6CidrBlockAssociationSet: z.array(z.looseObject({ Ipv6CidrBlock: Cidr.optional() })).optional(),
});
export type Subnet = z.infer<typeof Subnet>;

export const RouteTable = z.looseObject({
  RouteTableId: AwsName,
  VpcId: AwsName.optional(),
  Associations: z.array(z.looseObject({ SubnetId: AwsName.optional(), Main: z.boolean().optional() })).optional(),
  Routes: z
    .array(z.looseObject({ DestinationCidrBlock: Cidr.optional(), GatewayId: text.optional(), State: text.optional() }))
    .optional(),
});
export type RouteTable = z.infer<typeof RouteTable>;

export const NetworkInterface = z.looseObject({
  NetworkInterfaceId: AwsName,
  VpcId: AwsName.optional(),
  SubnetId: AwsName.optional(),
  AvailabilityZone: AwsName.optional(),
  Description: text.optional(),
  /** network_load_balancer, api_gateway_managed and others. */
  InterfaceType: text.optional(),
  RequesterId: text.optional(),
  PrivateIpAddress: text.optional(),
  PrivateIpAddresses: z.array(z.looseObject({ PrivateIpAddress: text.optional() })).optional(),
  Ipv4Prefixes: z.array(z.looseObject({ Ipv4Prefix: Cidr.optional() })).optional(),
  Ipv6Addresses: z.array(z.looseObject({ Ipv6Address: text.optional() })).optional(),
  Groups: z.array(z.looseObject({ GroupId: AwsName.optional() })).optional(),
  Association: z.looseObject({ PublicIp: text.optional() }).optional(),
  Attachment: z.looseObject({ InstanceId: AwsName.optional(), DeviceIndex: count.optional() }).optional(),
});
export type NetworkInterface = z.infer<typeof NetworkInterface>;

export const Instance = z.looseObject({
  InstanceId: AwsName,
  PrivateIpAddress: text.optional(),
  SubnetId: AwsName.optional(),
  VpcId: AwsName.optional(),
  State: z.looseObject({ Name: text.optional() }).optional(),
  StateTransitionReason: text.optional(),
  /** Why the instance stopped; "Server.SpotInstanceTermination" if EC2 reclaimed it. */
  StateReason: z.looseObject({ Code: text.optional(), Message: text.optional() }).optional(),
  InstanceType: text.optional(),
  InstanceLifecycle: text.optional(),
  Placement: z.looseObject({ AvailabilityZone: AwsName.optional() }).optional(),
  Tags: z.array(z.looseObject({ Key: text.optional(), Value: text.optional() })).optional(),
  SecurityGroups: z.array(z.looseObject({ GroupId: AwsName.optional() })).optional(),
});
export type Instance = z.infer<typeof Instance>;

export const PrefixListEntry = z.looseObject({ Cidr: Cidr });
export type PrefixListEntry = z.infer<typeof PrefixListEntry>;

export const FunctionConfiguration = z.looseObject({
  FunctionName: AwsName.optional(),
  FunctionArn: AwsName.optional(),
  Timeout: count.optional(),
  MemorySize: count.optional(),
  Runtime: text.optional(),
  State: text.optional(),
});
export type FunctionConfiguration = z.infer<typeof FunctionConfiguration>;

export const CloudTrailEvent = z.looseObject({
  EventName: text.optional(),
  EventTime: z.union([text, count]).optional(),
  Username: text.optional(),
  Resources: z.array(z.looseObject({ ResourceName: text.optional(), ResourceType: text.optional() })).optional(),
  CloudTrailEvent: text.optional(),
});
export type CloudTrailEvent = z.infer<typeof CloudTrailEvent>;

const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * Parses an ISO 8601 date or time to epoch milliseconds. UTC without a zone, regardless of the machine's. NaN when
 * invalid.
 */
export function epochOf(iso: string): number {
  const parts = INSTANT.exec(iso);
  // Date.parse reads 31 February as 3 March.
  const day = iso.slice(0, 10);
  const midnight = Date.parse(`${day}T00:00:00Z`);
  if (parts === null || Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(day)) return Number.NaN;
  return Date.parse(parts[1] === undefined || parts[4] !== undefined ? iso : `${iso}Z`);
}

export const Instant = z
  .string()
  .refine((iso) => !Number.isNaN(epochOf(iso)), { error: ({ input }) => `expected an ISO 8601 time, got "${input}"` });

/** Converts dimensions from the AWS CLI's `[{"Name": …, "Value": …}]` to a record; returns anything else unchanged. */
const byName = (dimensions: unknown): unknown => {
  const listed = z.array(z.object({ Name: z.string(), Value: z.string() })).safeParse(dimensions);
  return listed.success ? Object.fromEntries(listed.data.map(({ Name, Value }) => [Name, Value])) : dimensions;
};

/** One series of metrics.json. A queried counter with empty `Values` is zero; an absent series was not queried. */
export const MetricSeries = z
  .looseObject({
    MetricName: text,
    Dimensions: z.preprocess(byName, z.record(text, text)),
    Stat: text,
    /** Seconds. */
    Period: count.positive({ error: ({ input }) => `expected a number of seconds above 0, got ${input}` }),
    /** ISO 8601, the start of each period. */
    Timestamps: z.array(Instant),
    Values: z.array(count),
  })
  .refine((series) => series.Timestamps.length === series.Values.length, {
    path: ['Values'],
    error: 'expected as many values as timestamps',
  });
export type MetricSeries = z.infer<typeof MetricSeries>;
