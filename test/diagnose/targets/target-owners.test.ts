/** Which task or instance had a logged target at a given time. */
import { describe, expect, it } from 'vitest';
import { interfaceOwner } from '../../../src/diagnose/targets/interface-owner.ts';
import { targetName } from '../../../src/diagnose/targets/target-name.ts';
import { type OwnerEvidence, targetOwners } from '../../../src/diagnose/targets/target-owners.ts';

const at = (clock: string): number => Date.parse(`2026-11-20T${clock}Z`);
const ecs = (kind: string, name: string) => `arn:aws:ecs:eu-west-1:123456789012:${kind}/${name}`;

const task = (id: string, service: string, started: string, more: object) => ({
  taskArn: ecs('task', `main/${id}`),
  clusterArn: ecs('cluster', 'main'),
  taskDefinitionArn: ecs('task-definition', `${service}:7`),
  group: `service:${service}`,
  startedAt: `2026-11-20T${started}Z`,
  ...more,
});

const withAddress = (value: string) => ({
  attachments: [{ type: 'ElasticNetworkInterface', details: [{ name: 'privateIPv4Address', value }] }],
});

const onHost = (hostPort: number) => ({
  containerInstanceArn: ecs('container-instance', 'main/1f'),
  containers: [{ name: 'app', networkBindings: [{ containerPort: 80, hostPort }] }],
});

const hosts: OwnerEvidence = {
  containerInstances: [{ containerInstanceArn: ecs('container-instance', 'main/1f'), ec2InstanceId: 'i-0ab' }],
  instances: [
    {
      InstanceId: 'i-0ab',
      PrivateIpAddress: '10.0.2.113',
      Tags: [{ Key: 'aws:autoscaling:groupName', Value: 'hosts' }],
    },
  ],
};

const lambdaInterface = {
  ...{ NetworkInterfaceId: 'eni-1', InterfaceType: 'lambda' },
  Description: 'AWS Lambda VPC ENI-thumbnails-0c1d2e3f-4a5b-4c6d-8e7f-0a1b2c3d4e5f',
};

const named = (target: string, clock: string, evidence: OwnerEvidence): string =>
  targetName(target, targetOwners(evidence).at(target, at(clock)));

describe('a target is named', () => {
  const reused: OwnerEvidence = {
    tasks: [
      task('8f3c5a', 'feed', '02:00:00', withAddress('10.0.12.68')),
      task('41d07b', 'checkout', '03:00:00', withAddress('10.0.12.68')),
    ],
  };

  it.each<[string, string, string, OwnerEvidence, string]>([
    ['by the task that has its address', '10.0.12.68:8080', '02:30:00', reused, 'feed task 8f3c… (10.0.12.68)'],
    [
      'by the task that had the address later',
      '10.0.12.68:8080',
      '03:30:00',
      reused,
      'checkout task 41d0… (10.0.12.68)',
    ],
    ['by address before anyone had it', '10.0.12.68:8080', '01:30:00', reused, '10.0.12.68:8080'],
    [
      'by the task behind a port of its host',
      '10.0.2.113:32771',
      '02:30:00',
      { ...hosts, tasks: [task('c4d5e6', 'feed', '02:00:00', onHost(32771))] },
      'feed task c4d5… (10.0.2.113:32771)',
    ],
    [
      'by its instance if no task has the port',
      '10.0.2.113:32999',
      '02:30:00',
      { ...hosts, tasks: [task('c4d5e6', 'feed', '02:00:00', onHost(32771))] },
      'i-0ab (10.0.2.113:32999)',
    ],
    [
      'by the interface that has its address now',
      '10.0.9.9:80',
      '02:30:00',
      { networkInterfaces: [{ ...lambdaInterface, PrivateIpAddress: '10.0.9.9' }] },
      '10.0.9.9:80 (now Lambda function thumbnails)',
    ],
    ['by address if the owner is unknown', '10.0.9.9:80', '02:30:00', reused, '10.0.9.9:80'],
  ])('%s', (_, target, clock, evidence, expected) => {
    expect(named(target, clock, evidence)).toBe(expected);
  });
});

it('an instance belongs to its Auto Scaling group', () => {
  expect(targetOwners(hosts).at('10.0.2.113:80', at('02:30:00'))).toMatchObject({
    instance: 'i-0ab',
    scalingGroup: 'hosts',
    task: null,
  });
});

it.each([
  ['ELB app/shop-prod/50dc6c495c0c9188', undefined, 'ELB app/shop-prod'],
  ['ELB net/feed/0123456789abcdef', 'network_load_balancer', 'ELB net/feed'],
  ['arn:aws:ecs:eu-west-1:123456789012:attachment/0c1d', undefined, 'an ECS task'],
  ['aws-K8S-i-0123456789abcdef0', undefined, 'a pod on i-0123456789abcdef0'],
  ['', 'vpc_endpoint', 'a VPC endpoint'],
  ['Primary network interface of the batch job', 'interface', null],
])('an interface described as "%s" belongs to its owner', (Description, InterfaceType, owner) => {
  const own = { NetworkInterfaceId: 'eni-1', PrivateIpAddress: '10.0.9.9', Description, InterfaceType };
  expect(interfaceOwner('10.0.9.9', [own])).toBe(owner);
  expect(interfaceOwner('10.0.9.8', [own])).toBeNull();
});
