/**
 * An AWS account in moto with what a scenario of the simulator needs: network, load balancer, targets, log files, metrics. moto gives
 * the ids, so the scenario is simulated with those: its logs and metrics name what is there.
 */
import * as cloudwatch from '@aws-sdk/client-cloudwatch';
import * as ec2 from '@aws-sdk/client-ec2';
import * as elbv2 from '@aws-sdk/client-elastic-load-balancing-v2';
import * as s3 from '@aws-sdk/client-s3';
import { logFiles } from '../support/simulator/log-files.ts';
import { region } from '../support/simulator/names.ts';
import { networkOf, subnetOf, subnets as subnetSpecs } from '../support/simulator/network.ts';
import { Random } from '../support/simulator/random.ts';
import type { Scenario, SecurityGroupRule } from '../support/simulator/scenario.ts';
import { type Simulation, simulate } from '../support/simulator/simulate.ts';

const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' };

/** What a process needs to use the account. No profile, no instance metadata: nothing but moto can answer. */
export const environmentOf = (endpoint: string): Record<string, string> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
});

export interface Clients {
  ec2: ec2.EC2Client;
  elbv2: elbv2.ElasticLoadBalancingV2Client;
  s3: s3.S3Client;
  cloudwatch: cloudwatch.CloudWatchClient;
}

export function clientsOf(endpoint: string): Clients {
  const settings = { endpoint, region, credentials };
  return {
    ec2: new ec2.EC2Client(settings),
    elbv2: new elbv2.ElasticLoadBalancingV2Client(settings),
    s3: new s3.S3Client({ ...settings, forcePathStyle: true }),
    cloudwatch: new cloudwatch.CloudWatchClient(settings),
  };
}

/** Forgets everything. */
export async function reset(endpoint: string): Promise<void> {
  await fetch(`${endpoint}/moto-api/reset`, { method: 'POST' });
}

/** What all load balancers of the account share. */
export interface SharedResources {
  clients: Clients;
  vpcId: string;
  /** Ids in moto by the ids of the simulator. */
  subnetIds: Map<string, string>;
  bucket: string;
}

/** A VPC with the subnets and route tables of the simulator, and an empty bucket for logs. */
export async function createSharedResources(clients: Clients, bucket: string): Promise<SharedResources> {
  await clients.s3.send(
    new s3.CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
  );
  const { Vpc } = await clients.ec2.send(new ec2.CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
  const vpcId = given(Vpc?.VpcId);
  const gateway = await clients.ec2.send(new ec2.CreateInternetGatewayCommand({}));
  const gatewayId = given(gateway.InternetGateway?.InternetGatewayId);
  await clients.ec2.send(new ec2.AttachInternetGatewayCommand({ VpcId: vpcId, InternetGatewayId: gatewayId }));
  const table = await clients.ec2.send(new ec2.CreateRouteTableCommand({ VpcId: vpcId }));
  const tableId = given(table.RouteTable?.RouteTableId);
  await clients.ec2.send(
    new ec2.CreateRouteCommand({ RouteTableId: tableId, DestinationCidrBlock: '0.0.0.0/0', GatewayId: gatewayId }),
  );
  const subnetIds = new Map<string, string>();
  for (const { id, zone, cidr, public: isPublic } of subnetSpecs) {
    const { Subnet } = await clients.ec2.send(
      new ec2.CreateSubnetCommand({ VpcId: vpcId, CidrBlock: cidr, AvailabilityZone: `${region}${zone}` }),
    );
    const subnetId = given(Subnet?.SubnetId);
    subnetIds.set(id, subnetId);
    if (isPublic)
      await clients.ec2.send(new ec2.AssociateRouteTableCommand({ RouteTableId: tableId, SubnetId: subnetId }));
  }
  return { clients, vpcId, subnetIds, bucket };
}

export interface BuiltLoadBalancer {
  arn: string;
  /** The scenario with the ids of moto. */
  scenario: Scenario;
  simulation: Simulation;
}

/**
 * Creates the load balancer of a scenario and everything around it. Its groups must be of type ip, its listener HTTP. Without `delivers`
 * its log files do not arrive.
 */
export async function build(
  surroundings: SharedResources,
  planned: Scenario,
  { delivers = true }: { delivers?: boolean } = {},
): Promise<BuiltLoadBalancer> {
  const { clients, vpcId, bucket } = surroundings;
  const { loadBalancer } = planned;
  const network = networkOf(planned);
  const groupIds = await createSecurityGroups(surroundings, planned);
  const groupsNamed = (ids: string[]) => ids.map((id) => given(groupIds.get(id)));
  const subnetIdOf = (address: string) => given(surroundings.subnetIds.get(given(subnetOf(address)).id));

  const created = await clients.elbv2.send(
    new elbv2.CreateLoadBalancerCommand({
      Name: loadBalancer.name,
      Scheme: loadBalancer.scheme,
      Subnets: [...new Set(loadBalancer.nodes.map(({ address }) => subnetIdOf(address)))],
      SecurityGroups: groupsNamed(network.loadBalancerGroups),
    }),
  );
  const arn = given(created.LoadBalancers?.[0]?.LoadBalancerArn);
  const id = given(arn.split('/').at(-1));
  await clients.elbv2.send(
    new elbv2.ModifyLoadBalancerAttributesCommand({
      LoadBalancerArn: arn,
      Attributes: [
        { Key: 'access_logs.s3.enabled', Value: 'true' },
        { Key: 'access_logs.s3.bucket', Value: bucket },
        { Key: 'idle_timeout.timeout_seconds', Value: String(loadBalancer.idleTimeoutSeconds) },
        // moto says false where AWS says true for an Application Load Balancer.
        { Key: 'load_balancing.cross_zone.enabled', Value: 'true' },
      ],
    }),
  );
  // moto creates no interfaces for the nodes of a load balancer.
  for (const { address } of loadBalancer.nodes) {
    await clients.ec2.send(
      new ec2.CreateNetworkInterfaceCommand({
        SubnetId: subnetIdOf(address),
        PrivateIpAddress: address,
        Groups: groupsNamed(network.loadBalancerGroups),
        Description: `ELB app/${loadBalancer.name}/${id}`,
      }),
    );
  }

  const targetGroups: Scenario['targetGroups'] = [];
  const arns: Record<string, string> = {};
  for (const group of planned.targetGroups) {
    const check = group.healthCheck ?? {};
    const made = await clients.elbv2.send(
      new elbv2.CreateTargetGroupCommand({
        Name: group.name,
        Protocol: group.protocol,
        Port: group.port,
        VpcId: vpcId,
        TargetType: 'ip',
        HealthCheckPath: check.path ?? '/health',
        ...(check.port === undefined ? {} : { HealthCheckPort: String(check.port) }),
      }),
    );
    const groupArn = given(made.TargetGroups?.[0]?.TargetGroupArn);
    arns[group.name] = groupArn;
    targetGroups.push({ ...group, id: given(groupArn.split('/').at(-1)) });
    await clients.elbv2.send(
      new elbv2.RegisterTargetsCommand({
        TargetGroupArn: groupArn,
        Targets: group.targets.map(({ address, port = group.port }) => ({ Id: address, Port: port })),
      }),
    );
    for (const { address } of group.targets) {
      await clients.ec2.send(
        new ec2.CreateNetworkInterfaceCommand({
          SubnetId: subnetIdOf(address),
          PrivateIpAddress: address,
          Groups: groupsNamed(network.targetGroups(address)),
        }),
      );
    }
  }
  await createListener(clients, planned, arn, arns);

  const scenario: Scenario = { ...planned, loadBalancer: { ...loadBalancer, id }, targetGroups };
  const simulation = simulate(scenario);
  if (delivers) await uploadLogs(surroundings, scenario, simulation);
  await putMetrics(clients, simulation);
  return { arn, scenario, simulation };
}

async function createSecurityGroups(
  { clients, vpcId }: SharedResources,
  scenario: Scenario,
): Promise<Map<string, string>> {
  const { securityGroups } = networkOf(scenario);
  const ids = new Map<string, string>();
  for (const { id, name } of securityGroups) {
    const { GroupId } = await clients.ec2.send(
      new ec2.CreateSecurityGroupCommand({ GroupName: name, Description: name, VpcId: vpcId }),
    );
    ids.set(id, given(GroupId));
  }
  const permission = ({ protocol, ports, cidr, group }: SecurityGroupRule): ec2.IpPermission => ({
    IpProtocol: protocol,
    ...(ports === undefined ? {} : { FromPort: ports[0], ToPort: ports[1] }),
    ...(cidr === undefined ? {} : { IpRanges: [{ CidrIp: cidr }] }),
    ...(group === undefined ? {} : { UserIdGroupPairs: [{ GroupId: given(ids.get(group)) }] }),
  });
  for (const { id, ingress } of securityGroups) {
    if (ingress.length === 0) continue;
    // Egress to everywhere is there from the start, as in AWS; no scenario here has another.
    await clients.ec2.send(
      new ec2.AuthorizeSecurityGroupIngressCommand({
        GroupId: given(ids.get(id)),
        IpPermissions: ingress.map(permission),
      }),
    );
  }
  return ids;
}

/** The listener with a default action for the routes without a priority and a rule for each priority. */
async function createListener(
  { elbv2: client }: Clients,
  { loadBalancer, routes }: Scenario,
  arn: string,
  groupArns: Record<string, string>,
): Promise<void> {
  const forwardTo = (group: string): elbv2.Action => ({ Type: 'forward', TargetGroupArn: given(groupArns[group]) });
  const usual = routes.find(({ priority }) => priority === undefined) ?? given(routes[0]);
  const { Listeners } = await client.send(
    new elbv2.CreateListenerCommand({
      LoadBalancerArn: arn,
      Protocol: loadBalancer.listener.protocol,
      Port: loadBalancer.listener.port,
      DefaultActions: [forwardTo(usual.group)],
    }),
  );
  const byPriority = Map.groupBy(
    routes.filter(({ priority }) => priority !== undefined),
    ({ priority }) => priority ?? 0,
  );
  for (const [priority, own] of byPriority) {
    await client.send(
      new elbv2.CreateRuleCommand({
        ListenerArn: given(Listeners?.[0]?.ListenerArn),
        Priority: priority,
        Conditions: [
          {
            Field: 'path-pattern',
            // Under Conditions.Values moto takes one value.
            PathPatternConfig: {
              Values: [...new Set(own.map(({ path }) => path.replaceAll(/\{\w+\}/g, '*')))].slice(0, 5),
            },
          },
        ],
        Actions: [forwardTo(given(own[0]).group)],
      }),
    );
  }
}

/** The log files as the load balancer would have delivered them, and the test file that AWS writes when logging is switched on. */
async function uploadLogs(
  { clients, bucket }: SharedResources,
  scenario: Scenario,
  simulation: Simulation,
): Promise<void> {
  const random = new Random(scenario.seed).stream('file names');
  const put = (Key: string, Body: Buffer) => clients.s3.send(new s3.PutObjectCommand({ Bucket: bucket, Key, Body }));
  await put('AWSLogs/123456789012/ELBAccessLogTestFile', Buffer.from('test'));
  await Promise.all(
    logFiles(scenario.loadBalancer, simulation.lines, random).map(({ path, bytes }) => put(path, bytes)),
  );
}

/**
 * The series as data points. PutMetricData keeps no statistics: one value a minute comes back as any statistic of it. Response times are left
 * out: they are asked as a percentile too, and moto has none and breaks down where there are values. AWS refuses to put into AWS/*, moto
 * does not.
 */
async function putMetrics({ cloudwatch: client }: Clients, { metrics }: Simulation): Promise<void> {
  const points = metrics
    .filter(({ MetricName }) => MetricName !== 'TargetResponseTime')
    .flatMap(({ MetricName, Dimensions, Timestamps, Values }) =>
      Timestamps.map((time, i) => ({
        MetricName,
        Dimensions: Object.entries(Dimensions).map(([Name, Value]) => ({ Name, Value })),
        Timestamp: new Date(time),
        Value: Values[i] ?? 0,
      })),
    );
  for (let at = 0; at < points.length; at += 500) {
    await client.send(
      new cloudwatch.PutMetricDataCommand({ Namespace: 'AWS/ApplicationELB', MetricData: points.slice(at, at + 500) }),
    );
  }
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('moto left out what was asked for.');
  return value;
}
