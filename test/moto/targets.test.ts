/** Names of targets from ECS, EC2 and Auto Scaling in moto: a task, a stopped task and instances of a group. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as autoscaling from '@aws-sdk/client-auto-scaling';
import * as ec2 from '@aws-sdk/client-ec2';
import * as ecs from '@aws-sdk/client-ecs';
import * as elbv2 from '@aws-sdk/client-elastic-load-balancing-v2';
import * as s3 from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { line, textOf } from '../support/access-log/log-file.ts';
import { region } from '../support/simulator/names.ts';
import { clientsOf, createSharedResources, environmentOf, reset, type SharedResources } from './account.ts';
import { alb502 } from './cli.ts';
import { settledWindow } from './scenarios.ts';

const endpoint = inject('endpoint');
const clients = clientsOf(endpoint);
const settings = { endpoint, region, credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' } };
const ecsClient = new ecs.ECSClient(settings);
const scaling = new autoscaling.AutoScalingClient(settings);
const BUCKET = 'example-alb-logs';
const { window } = settledWindow(Date.now());

let work: string;
let shared: SharedResources;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'alb502-moto-'));
  await reset(endpoint);
  shared = await createSharedResources(clients, BUCKET);
  // Without host names in the VPC, moto breaks down on a task in network mode awsvpc.
  await clients.ec2.send(
    new ec2.ModifyVpcAttributeCommand({ VpcId: shared.vpcId, EnableDnsHostnames: { Value: true } }),
  );
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('moto left out what was asked for.');
  return value;
}

const subnets = () => [...shared.subnetIds.values()];

/** A load balancer with one target group and an access log. */
async function loadBalancer(name: string, type: elbv2.TargetTypeEnum): Promise<{ arn: string; group: string }> {
  const made = await clients.elbv2.send(new elbv2.CreateLoadBalancerCommand({ Name: name, Subnets: subnets() }));
  const arn = given(made.LoadBalancers?.[0]?.LoadBalancerArn);
  const Attributes = [
    { Key: 'access_logs.s3.enabled', Value: 'true' },
    { Key: 'access_logs.s3.bucket', Value: BUCKET },
  ];
  await clients.elbv2.send(new elbv2.ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: arn, Attributes }));
  const groups = await clients.elbv2.send(
    new elbv2.CreateTargetGroupCommand({
      Name: name,
      Protocol: 'HTTP',
      Port: 8080,
      VpcId: shared.vpcId,
      TargetType: type,
    }),
  );
  const group = given(groups.TargetGroups?.[0]?.TargetGroupArn);
  await clients.elbv2.send(
    new elbv2.CreateListenerCommand({
      ...{ LoadBalancerArn: arn, Protocol: 'HTTP', Port: 80 },
      DefaultActions: [{ Type: 'forward', TargetGroupArn: group }],
    }),
  );
  return { arn, group };
}

/** A log of the window: each target answers twenty requests; the failing one refuses as many. */
async function deliver({ arn, group }: { arn: string; group: string }, targets: string[], failing: string) {
  const elb = given(arn.split(':loadbalancer/')[1]);
  const from = Date.parse(window.from);
  const entry = (target: string, index: number, isRefused: boolean) =>
    line({
      ...{ at: from + 60_000 + index * 2000, elb, target: `${target}:8080`, group },
      ...(isRefused ? { times: [-1, -1, -1], status: '502', targetStatus: '-' } : {}),
      trace: `Root=1-58337281-${target.replaceAll('.', '').padEnd(12, '0')}${String(index).padStart(12, '0')}`,
    });
  const lines = targets.flatMap((target) =>
    Array.from({ length: 40 }, (_, index) => entry(target, index, target === failing && index >= 20)),
  );
  const end = new Date(from + 300_000).toISOString();
  const stamp = `${end.slice(0, 16).replaceAll(/[-:]/g, '')}Z`;
  const day = end.slice(0, 10).replaceAll('-', '/');
  const file = `123456789012_elasticloadbalancing_${region}_${elb.replaceAll('/', '.')}_${stamp}_10.0.0.9_1a2b3c4d.log.gz`;
  await clients.s3.send(
    new s3.PutObjectCommand({
      Bucket: BUCKET,
      Key: `AWSLogs/123456789012/elasticloadbalancing/${region}/${day}/${file}`,
      Body: gzipSync(textOf(lines)),
    }),
  );
}

async function diagnosed(name: string): Promise<Diagnosis> {
  const asked = ['diagnose', name, 'from', window.from, 'to', window.to, '--json'];
  const { code, stdout, stderr } = await alb502(asked, environmentOf(endpoint), work);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Diagnosis;
}

it('names the service, the task and the revision of each target, and why a task stopped', async () => {
  await ecsClient.send(new ecs.CreateClusterCommand({ clusterName: 'main' }));
  const registered = await ecsClient.send(
    new ecs.RegisterTaskDefinitionCommand({
      ...{ family: 'feed-api', networkMode: 'awsvpc', requiresCompatibilities: ['FARGATE'], cpu: '256', memory: '512' },
      containerDefinitions: [{ name: 'app', image: 'feed-api', memory: 512, portMappings: [{ containerPort: 8080 }] }],
    }),
  );
  const taskDefinition = given(registered.taskDefinition?.taskDefinitionArn);
  const built = await loadBalancer('feed', 'ip');
  await ecsClient.send(
    new ecs.CreateServiceCommand({
      ...{ cluster: 'main', serviceName: 'feed-api', taskDefinition, desiredCount: 2, launchType: 'FARGATE' },
      loadBalancers: [{ targetGroupArn: built.group, containerName: 'app', containerPort: 8080 }],
    }),
  );
  const security = await clients.ec2.send(
    new ec2.CreateSecurityGroupCommand({ GroupName: 'tasks', Description: 'tasks', VpcId: shared.vpcId }),
  );
  // moto starts no tasks for a service, so they are started in its name.
  const { tasks = [] } = await ecsClient.send(
    new ecs.RunTaskCommand({
      ...{ cluster: 'main', taskDefinition, count: 2, launchType: 'FARGATE', group: 'service:feed-api' },
      networkConfiguration: {
        awsvpcConfiguration: { subnets: subnets().slice(0, 1), securityGroups: [given(security.GroupId)] },
      },
    }),
  );
  const addressOf = ({ attachments = [] }: ecs.Task) =>
    given(attachments.flatMap(({ details = [] }) => details).find(({ name }) => name === 'privateIPv4Address')?.value);
  const addresses = tasks.map(addressOf);
  const [first, second] = tasks;
  await ecsClient.send(
    new ecs.StopTaskCommand({
      ...{ cluster: 'main', task: given(second?.taskArn) },
      reason: `Task failed ELB health checks in (target-group ${built.group})`,
    }),
  );
  await clients.elbv2.send(
    new elbv2.RegisterTargetsCommand({
      TargetGroupArn: built.group,
      Targets: addresses.map((Id) => ({ Id, Port: 8080 })),
    }),
  );
  await deliver(built, addresses, given(addresses[1]));

  const { owners = [], verdict } = await diagnosed('feed');
  const idOf = (task: ecs.Task | undefined) => given(task?.taskArn).split('/').at(-1);
  const common = { service: 'feed-api', revision: 'feed-api:1' };
  expect(owners).toHaveLength(2);
  expect(owners).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ ...common, task: idOf(first), errors: 0, stopped: null }),
      expect.objectContaining({
        ...{ ...common, task: idOf(second), errors: 20 },
        stopped: 'its health checks failed and ECS stopped it (exit 0)',
      }),
    ]),
  );
  expect(verdict.summary).toContain(`feed-api task ${idOf(second)?.slice(0, 4)}… (${addresses[1]})`);
});

it('names the instance and the Auto Scaling group of each target', async () => {
  const built = await loadBalancer('fleet', 'instance');
  const image = given((await clients.ec2.send(new ec2.DescribeImagesCommand({}))).Images?.[0]?.ImageId);
  await scaling.send(
    new autoscaling.CreateLaunchConfigurationCommand({
      ...{ LaunchConfigurationName: 'fleet', ImageId: image, InstanceType: 'm7g.large' },
    }),
  );
  await scaling.send(
    new autoscaling.CreateAutoScalingGroupCommand({
      ...{ AutoScalingGroupName: 'web-fleet', LaunchConfigurationName: 'fleet', MinSize: 2, MaxSize: 2 },
      ...{ VPCZoneIdentifier: subnets()[0], TargetGroupARNs: [built.group] },
    }),
  );
  const described = await clients.ec2.send(
    new ec2.DescribeInstancesCommand({ Filters: [{ Name: 'tag:aws:autoscaling:groupName', Values: ['web-fleet'] }] }),
  );
  const instances = (described.Reservations ?? []).flatMap(({ Instances = [] }) => Instances);
  const addresses = instances.map(({ PrivateIpAddress }) => given(PrivateIpAddress));
  await deliver(built, addresses, given(addresses[0]));

  const { owners = [], verdict } = await diagnosed('fleet');
  expect(owners.map(({ instance, scalingGroup }) => `${instance} ${scalingGroup}`).sort()).toEqual(
    instances.map(({ InstanceId }) => `${InstanceId} web-fleet`).sort(),
  );
  expect(verdict.summary).toContain(`${instances[0]?.InstanceId} (${addresses[0]}:8080)`);
});
