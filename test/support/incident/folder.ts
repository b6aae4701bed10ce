/** Incident folders for tests: real files in a temporary place. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

export const ACCOUNT = 'arn:aws:elasticloadbalancing:us-west-2:123456789012';
export const LB = 'app/my-load-balancer/50dc6c495c0c9188';
export const LB_ARN = `${ACCOUNT}:loadbalancer/${LB}`;
export const LISTENER_ARN = `${ACCOUNT}:listener/${LB}/f2f7dc8efc522ab2`;
export const ECS = 'arn:aws:ecs:us-west-2:123456789012';
export const GROUP_ARN = `${ACCOUNT}:targetgroup/my-targets/73e2d6bc24d8a067`;

/** A file is written as it is when it is text or bytes, else as JSON. */
export type Contents = Record<string, unknown>;

/** An empty folder that goes away with the test, its path without links. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'alb502-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function writeFiles(dir: string, contents: Contents): void {
  for (const [name, content] of Object.entries(contents)) {
    const path = join(dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(
      path,
      typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content, null, 4),
    );
  }
}

export const INCIDENT = {
  loadBalancer: 'my-load-balancer',
  from: '2026-11-20T02:40:00Z',
  to: '2026-11-20T02:55:00Z',
};

/** A folder with these files, and a plain incident.json unless there is one among them. */
export function incidentFolder(contents: Contents = {}): string {
  const dir = temporaryFolder();
  writeFiles(dir, { 'incident.json': INCIDENT, ...contents });
  return dir;
}

/** What `aws elbv2 describe-load-balancers` prints (from the documentation of the AWS CLI). */
export const LOAD_BALANCERS = {
  LoadBalancers: [
    {
      Type: 'application',
      Scheme: 'internet-facing',
      IpAddressType: 'ipv4',
      VpcId: 'vpc-3ac0fb5f',
      AvailabilityZones: [
        { ZoneName: 'us-west-2a', SubnetId: 'subnet-8360a9e7' },
        { ZoneName: 'us-west-2b', SubnetId: 'subnet-b7d581c0' },
      ],
      CreatedTime: '2016-03-25T21:26:12.920Z',
      CanonicalHostedZoneId: 'Z2P70J7EXAMPLE',
      DNSName: 'my-load-balancer-424835706.us-west-2.elb.amazonaws.com',
      SecurityGroups: ['sg-5943793c'],
      LoadBalancerName: 'my-load-balancer',
      State: { Code: 'active' },
      LoadBalancerArn: LB_ARN,
    },
  ],
};

/** Every file of aws/ and metrics.json, as the AWS CLI prints them. */
export const AWS_FILES: Contents = {
  'aws/describe-load-balancers.json': LOAD_BALANCERS,
  'aws/describe-load-balancer-attributes.json': {
    [LB_ARN]: {
      Attributes: [
        { Value: 'false', Key: 'access_logs.s3.enabled' },
        { Value: '60', Key: 'idle_timeout.timeout_seconds' },
      ],
    },
  },
  'aws/describe-listeners.json': {
    [LB_ARN]: {
      Listeners: [
        {
          Port: 80,
          Protocol: 'HTTP',
          DefaultActions: [{ TargetGroupArn: GROUP_ARN, Type: 'forward' }],
          LoadBalancerArn: LB_ARN,
          ListenerArn: LISTENER_ARN,
        },
      ],
    },
  },
  'aws/describe-rules.json': {
    [LISTENER_ARN]: {
      Rules: [
        {
          Actions: [{ TargetGroupArn: GROUP_ARN, Type: 'forward' }],
          Conditions: [{ Field: 'path-pattern', Values: ['/img/*'] }],
          IsDefault: false,
          Priority: '10',
          RuleArn: `${ACCOUNT}:listener-rule/${LB}/f2f7dc8efc522ab2/9683b2d02a6cabee`,
        },
      ],
    },
  },
  'aws/describe-target-groups.json': {
    TargetGroups: [
      {
        TargetGroupArn: GROUP_ARN,
        TargetGroupName: 'my-targets',
        Protocol: 'HTTP',
        Port: 80,
        VpcId: 'vpc-3ac0fb5f',
        HealthCheckProtocol: 'HTTP',
        HealthCheckPort: 'traffic-port',
        HealthCheckEnabled: true,
        Matcher: { HttpCode: '200' },
        LoadBalancerArns: [LB_ARN],
        TargetType: 'instance',
      },
    ],
  },
  'aws/describe-target-group-attributes.json': {
    [GROUP_ARN]: { Attributes: [{ Value: '300', Key: 'deregistration_delay.timeout_seconds' }] },
  },
  'aws/describe-target-health.json': {
    [GROUP_ARN]: {
      TargetHealthDescriptions: [
        { HealthCheckPort: '80', Target: { Id: 'i-0f76fade', Port: 80 }, TargetHealth: { State: 'healthy' } },
      ],
    },
  },
  'aws/describe-security-groups.json': {
    SecurityGroups: [
      {
        GroupId: 'sg-5943793c',
        GroupName: 'my-sg',
        IpPermissions: [],
        IpPermissionsEgress: [
          { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }], UserIdGroupPairs: [], PrefixListIds: [] },
        ],
      },
    ],
  },
  'aws/describe-network-acls.json': {
    NetworkAcls: [
      {
        NetworkAclId: 'acl-0ea1f54ca7EXAMPLE',
        IsDefault: true,
        Associations: [{ NetworkAclId: 'acl-0ea1f54ca7EXAMPLE', SubnetId: 'subnet-8360a9e7' }],
        Entries: [{ CidrBlock: '0.0.0.0/0', Egress: true, Protocol: '-1', RuleAction: 'allow', RuleNumber: 100 }],
      },
    ],
  },
  'aws/describe-subnets.json': { Subnets: [{ SubnetId: 'subnet-8360a9e7', CidrBlock: '172.31.0.0/20' }] },
  'aws/describe-route-tables.json': { RouteTables: [{ RouteTableId: 'rtb-1', Routes: [] }] },
  'aws/describe-network-interfaces.json': {
    NetworkInterfaces: [{ NetworkInterfaceId: 'eni-1', PrivateIpAddress: '172.31.6.52' }],
  },
  'aws/describe-instances.json': {
    Reservations: [{ ReservationId: 'r-1', Instances: [{ InstanceId: 'i-0f76fade' }] }, { ReservationId: 'r-2' }],
  },
  'aws/get-managed-prefix-list-entries.json': { 'pl-1': { Entries: [{ Cidr: '10.0.0.0/8', Description: 'vpn' }] } },
  'aws/get-function-configuration.json': {},
  'aws/get-alias.json': {},
  'aws/describe-tags.json': { TagDescriptions: [{ ResourceArn: GROUP_ARN, Tags: [] }] },
  'aws/ecs-describe-services.json': {
    services: [{ serviceArn: `${ECS}:service/main/feed`, serviceName: 'feed', clusterArn: `${ECS}:cluster/main` }],
  },
  'aws/ecs-describe-tasks.json': {
    tasks: [{ taskArn: `${ECS}:task/main/8f3c`, clusterArn: `${ECS}:cluster/main`, stoppedAt: '2026-11-20T02:41:00Z' }],
  },
  'aws/ecs-describe-task-definition.json': { taskDefinition: { taskDefinitionArn: `${ECS}:task-definition/feed:47` } },
  'aws/ecs-describe-container-instances.json': { containerInstances: [] },
  'aws/describe-scaling-activities.json': {
    Activities: [{ AutoScalingGroupName: 'web', StartTime: '2026-11-20T02:41:00Z' }],
  },
  'aws/ecs-describe-service-deployments.json': {
    serviceDeployments: [{ serviceDeploymentArn: `${ECS}:service-deployment/main/feed/Hq3v`, status: 'IN_PROGRESS' }],
  },
  'aws/ecs-describe-service-revisions.json': {
    serviceRevisions: [{ serviceRevisionArn: `${ECS}:service-revision/main/feed/47` }],
  },
  'aws/describe-lifecycle-hooks.json': {
    LifecycleHooks: [{ AutoScalingGroupName: 'web', LifecycleHookName: 'drain' }],
  },
  'aws/batch-get-deployments.json': { deploymentsInfo: [{ deploymentId: 'd-ABCDEF123' }] },
  'aws/lookup-events.json': {
    Events: [{ EventName: 'ModifyTargetGroupAttributes', EventTime: '2026-11-20T02:31:00+00:00', Username: 'ops' }],
  },
  'edge.json': { ranges: ['130.176.0.0/18'], distributions: [], log: null, limitations: [] },
  'metrics.json': [
    {
      MetricName: 'HTTPCode_ELB_5XX_Count',
      Dimensions: { LoadBalancer: LB },
      Stat: 'Sum',
      Period: 60,
      Timestamps: ['2026-11-20T02:40:00+00:00'],
      Values: [3],
    },
  ],
};
