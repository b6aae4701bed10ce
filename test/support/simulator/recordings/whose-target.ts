/**
 * Incidents whose targets went, with ECS, Auto Scaling or the controller's tags saying who owned them and why they
 * went.
 */
import { ecsFiles, type ServiceSpec, type TaskSpec, taskArn } from '../ecs-files.ts';
import { gzip, type LogFile, logPath } from '../log-files.ts';
import { listenerArn, targetGroupArn } from '../names.ts';
import { counts, type Recording, share } from '../recording.ts';
import type { Fault, Scenario, TargetSpec } from '../scenario.ts';
import { group, loadBalancer, nodesInTwoZones, people, quarterHour, shopRoutes, targets } from './shop.ts';

const FEED = { name: 'feed', id: '73e2d6bc24d8a067' };
const addresses = ['10.0.10.31', '10.0.11.32', '10.0.10.33', '10.0.11.34'];
const later = (address: string, registeredAt: number): TargetSpec => ({
  ...targets(address)[0],
  ...{ address, zone: address.startsWith('10.0.10.') ? 'a' : 'b', registeredAt },
});

/** A shop's feed behind one group of tasks. */
function feed(seed: number, from: string, members: TargetSpec[], more: Partial<Scenario> = {}): Scenario {
  return {
    seed,
    loadBalancer: loadBalancer('feed-prod', '9a1f4c7e2b5d8063'),
    ...quarterHour(from),
    targetGroups: [group(FEED.name, FEED.id, members, { deregistrationDelaySeconds: 60 })],
    routes: shopRoutes(FEED.name),
    clients: [people(14)],
    ...more,
  };
}

const running = (id: string, address: string, revision: number, startedAt = -90_000): TaskSpec => ({
  ...{ id, address, revision, startedAt },
});

const feedApi = (tasks: TaskSpec[], more: Partial<ServiceSpec> = {}): ServiceSpec => ({
  ...{ name: 'feed-api', cluster: 'main', group: FEED, tasks },
  deployments: [{ revision: 46, at: -90_000, state: 'COMPLETED' }],
  ...more,
});

const withEcs =
  (from: string, service: ServiceSpec | ServiceSpec[], more: Record<string, unknown> = {}) =>
  (files: Record<string, unknown>): Record<string, unknown> => ({
    ...files,
    ...ecsFiles(from, [service].flat()),
    ...more,
  });

/** The process dies at `at`, ECS takes the target out some seconds later, and its address is gone. */
const dies = (target: string, at: number): Fault[] => [
  { kind: 'crash', target, at },
  { kind: 'deregister', target, at: at + 14 },
  { kind: 'host-gone', target, at: at + 40 },
];

/** ECS takes the target out and stops it at once. */
const stops = (target: string, at: number): Fault[] => [
  { kind: 'deregister', target, at },
  { kind: 'crash', target, at: at + 0.5 },
  { kind: 'host-gone', target, at: at + 40 },
];

const OOM = {
  code: 'EssentialContainerExited',
  reason: 'Essential container in task exited',
  exitCode: 137,
  containerReason: 'OutOfMemoryError: Container killed due to memory usage',
};

const oomFrom = '2026-11-21T04:15:00Z';
export const outOfMemory: Recording = {
  name: '030-tasks-out-of-memory',
  scenario: feed(1030, oomFrom, [...targets(...addresses), later('10.0.10.41', 260), later('10.0.11.42', 520)], {
    faults: [...dies('10.0.10.31', 200), ...dies('10.0.11.32', 460), ...dies('10.0.10.41', 700)],
  }),
  aws: withEcs(
    oomFrom,
    feedApi([
      { ...running('8f3c', '10.0.10.31', 46), stop: { at: 200, ...OOM } },
      { ...running('41d0', '10.0.11.32', 46), stop: { at: 460, ...OOM } },
      { ...running('b27e', '10.0.10.41', 46, 240), stop: { at: 700, ...OOM } },
      running('0c55', '10.0.10.33', 46),
      running('d9a8', '10.0.11.34', 46),
      running('77fe', '10.0.11.42', 46, 500),
    ]),
  ),
  expected: (simulation) => ({
    verdict: { cause: 'connection-refused', standing: ['confirmed', 'likely'] },
    ruledOut: [],
    mustNotClaim: ['keep-alive-race', 'security-group-blocked', 'slow-target', 'target-gone'],
    ...counts(simulation),
    why: 'Three tasks of feed-api ran out of memory one after the other: their processes died with exit code 137, refused connections until ECS took them out, and were replaced by tasks of the same revision.',
  }),
};

const badFrom = '2026-11-22T10:30:00Z';
const EXITED = { code: 'EssentialContainerExited', reason: 'Essential container in task exited', exitCode: 1 };
export const badRevision: Recording = {
  name: '031-bad-revision-exits',
  scenario: feed(
    1031,
    badFrom,
    [...targets(...addresses), later('10.0.10.51', 150), later('10.0.11.52', 330), later('10.0.10.53', 510)],
    { faults: [...dies('10.0.10.51', 240), ...dies('10.0.11.52', 420), ...dies('10.0.10.53', 600)] },
  ),
  aws: withEcs(
    badFrom,
    feedApi(
      [
        ...addresses.map((address, index) => running(`a1b${index}`, address, 46)),
        { ...running('47aa', '10.0.10.51', 47, 130), stop: { at: 240, ...EXITED } },
        { ...running('47bb', '10.0.11.52', 47, 310), stop: { at: 420, ...EXITED } },
        { ...running('47cc', '10.0.10.53', 47, 490), stop: { at: 600, ...EXITED } },
      ],
      {
        deployments: [
          { revision: 47, at: 100, state: 'IN_PROGRESS' },
          { revision: 46, at: -90_000, state: 'COMPLETED' },
        ],
      },
    ),
  ),
  expected: (simulation) => ({
    verdict: { cause: 'connection-refused', standing: ['confirmed', 'likely'] },
    ruledOut: [],
    mustNotClaim: ['keep-alive-race', 'security-group-blocked', 'slow-target'],
    ...counts(simulation),
    why: 'A deployment brought revision 47, whose process exits with code 1 some ninety seconds after it started. The four tasks of revision 46 answer all the time: rolling back ends the errors.',
  }),
};

const scaleInFrom = '2026-11-23T19:00:00Z';
const SCALED = {
  code: 'ServiceSchedulerInitiated',
  reason: 'Scaling activity initiated by (deployment ecs-svc/4146)',
  exitCode: 143,
};
export const scaleIn: Recording = {
  name: '032-scale-in-without-draining',
  scenario: feed(1032, scaleInFrom, targets(...addresses, '10.0.10.35', '10.0.11.36'), {
    faults: [
      {
        kind: 'deployment',
        ...{ group: FEED.name, at: 300, everySeconds: 60, stopAfterSeconds: 0.5, hostGoneAfterSeconds: 45 },
        replace: [{ old: '10.0.10.31' }, { old: '10.0.11.32' }],
      },
    ],
    clients: [people(30)],
  }),
  aws: withEcs(
    scaleInFrom,
    feedApi(
      [
        { ...running('e001', '10.0.10.31', 46), stop: { at: 300, ...SCALED } },
        { ...running('e002', '10.0.11.32', 46), stop: { at: 360, ...SCALED } },
        ...['10.0.10.33', '10.0.11.34', '10.0.10.35', '10.0.11.36'].map((address, index) =>
          running(`f00${index}`, address, 46),
        ),
      ],
      { stopTimeout: 2 },
    ),
  ),
  expected: (simulation) => ({
    verdict: { cause: 'shutdown-before-drain', standing: ['confirmed', 'likely'] },
    explains: { 'shutdown-before-drain': share(simulation, 'shutdown-before-drain', 0.4) },
    ruledOut: [],
    mustNotClaim: ['keep-alive-race', 'security-group-blocked', 'slow-target'],
    ...counts(simulation),
    why: 'The service was scaled in from six tasks to four. ECS stopped the tasks as it deregistered them, and they exited at once while the load balancer still sent requests to them.',
  }),
};

const stopFrom = '2026-11-24T09:50:00Z';
const BY_HAND = { code: 'UserInitiated', reason: 'Task stopped by user', exitCode: 143 };
export const stopTask: Recording = {
  name: '033-task-stopped-by-a-person',
  scenario: feed(1033, stopFrom, targets(...addresses), {
    faults: [
      { kind: 'crash', target: '10.0.11.34', at: 420 },
      { kind: 'deregister', target: '10.0.11.34', at: 421 },
      { kind: 'host-gone', target: '10.0.11.34', at: 470 },
    ],
    clients: [people(40)],
    changes: [{ at: 419, event: 'StopTask', resource: taskArn('main', 'c4d5'), by: 'alice' }],
  }),
  aws: withEcs(
    stopFrom,
    feedApi([
      ...addresses.slice(0, 3).map((address, index) => running(`a90${index}`, address, 46)),
      { ...running('c4d5', '10.0.11.34', 46), stop: { at: 419, ...BY_HAND } },
    ]),
  ),
  expected: (simulation) => ({
    verdict: { cause: 'shutdown-before-drain', standing: ['confirmed', 'likely'] },
    ruledOut: [],
    mustNotClaim: ['keep-alive-race', 'security-group-blocked', 'slow-target'],
    ...counts(simulation),
    why: 'alice stopped one of four tasks with StopTask: its process ended at once, and requests went on to it until all nodes had learned of it.',
  }),
};

const spotFrom = '2026-11-25T04:15:00Z';
const spotIds = ['i-0ab1c2d3e4f506172', 'i-0bc2d3e4f50617283', 'i-0cd3e4f5061728394', 'i-0de4f506172839405'];
export const spotReclaimed: Recording = {
  name: '034-spot-instance-reclaimed',
  scenario: feed(
    1034,
    spotFrom,
    targets(...addresses).map((target, index) => ({ ...target, instanceId: spotIds[index] ?? '' })),
    {
      targetGroups: [
        group(
          FEED.name,
          FEED.id,
          targets(...addresses).map((target, index) => ({ ...target, instanceId: spotIds[index] ?? '' })),
          { targetType: 'instance', deregistrationDelaySeconds: 60 },
        ),
      ],
      faults: [
        { kind: 'host-gone', target: '10.0.11.32', at: 362 },
        { kind: 'deregister', target: '10.0.11.32', at: 420 },
      ],
      clients: [people(30)],
      changes: [{ at: 361, event: 'BidEvictedEvent', resource: spotIds[1] ?? '', by: 'ec2' }],
    },
  ),
  aws: (files) => ({
    ...files,
    'describe-instances': {
      Reservations: [
        {
          Instances: spotIds.map((InstanceId, index) => ({
            InstanceId,
            InstanceType: 'm7g.large',
            InstanceLifecycle: 'spot',
            ...(index === 1
              ? {
                  State: { Code: 48, Name: 'terminated' },
                  StateTransitionReason: 'Service initiated (2026-11-25 04:21:01 GMT)',
                  StateReason: { Code: 'Server.SpotInstanceTermination', Message: 'Server.SpotInstanceTermination' },
                }
              : { State: { Code: 16, Name: 'running' }, PrivateIpAddress: addresses[index] }),
            Placement: { AvailabilityZone: `eu-west-1${index % 2 === 0 ? 'a' : 'b'}` },
            Tags: [{ Key: 'aws:autoscaling:groupName', Value: 'feed-fleet' }],
          })),
        },
      ],
    },
    'describe-scaling-activities': {
      'feed-fleet': {
        Activities: [
          {
            ActivityId: '5f0e1d2c-0001',
            AutoScalingGroupName: 'feed-fleet',
            Description: `Terminating EC2 instance: ${spotIds[1]}`,
            Cause:
              'At 2026-11-25T04:21:30Z an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.',
            StartTime: '2026-11-25T04:21:30+00:00',
            StatusCode: 'Successful',
          },
        ],
      },
    },
  }),
  expected: (simulation) => ({
    verdict: { cause: 'target-gone', standing: ['confirmed', 'likely'] },
    ruledOut: [],
    mustNotClaim: ['keep-alive-race', 'security-group-blocked', 'slow-target'],
    ...counts(simulation),
    why: 'One of four Spot instances was reclaimed at 04:21:01 while it was still registered: new connections to it timed out after 10 s until the Auto Scaling group had it deregistered.',
  }),
};

const canaryFrom = '2026-11-26T13:00:00Z';
const stable = Array.from({ length: 15 }, (_, index) => `10.0.${10 + (index % 2)}.${60 + index}`);
const canary = Array.from({ length: 5 }, (_, index) => `10.0.${10 + (index % 2)}.${160 + index}`);
export const canaryRevision: Recording = {
  name: '035-canary-revision-closes',
  scenario: feed(1035, canaryFrom, [...targets(...stable), ...canary.map((address) => later(address, 120))], {
    faults: canary.map((target) => ({ kind: 'early-close', target, share: 0.3, afterSeconds: [0.3, 2] })),
    clients: [people(20)],
  }),
  aws: withEcs(
    canaryFrom,
    feedApi(
      [
        ...stable.map((address, index) => running(`46${String(index).padStart(2, '0')}`, address, 46)),
        ...canary.map((address, index) => running(`48${String(index).padStart(2, '0')}`, address, 48, 100)),
      ],
      {
        deployments: [
          { revision: 48, at: 60, state: 'IN_PROGRESS' },
          { revision: 46, at: -90_000, state: 'COMPLETED' },
        ],
      },
    ),
  ),
  expected: (simulation) => ({
    verdict: { cause: 'closed-mid-request', standing: ['confirmed', 'likely'] },
    ruledOut: [],
    mustNotClaim: ['keep-alive-race', 'security-group-blocked', 'slow-target', 'connection-refused'],
    ...counts(simulation),
    why: 'Five of twenty tasks are of the new revision 48, and all failures are theirs: they close three of ten connections in the middle of the work. What ends the requests is in the application; which revision does it is not in doubt.',
  }),
};

const podsFrom = '2026-11-27T16:20:00Z';
export const controllerRollout: Recording = {
  name: '036-pods-replaced-without-readiness-gate',
  scenario: feed(1036, podsFrom, targets(...addresses), {
    faults: [
      {
        kind: 'deployment',
        ...{ group: FEED.name, at: 240, everySeconds: 50, stopAfterSeconds: 0, hostGoneAfterSeconds: 30 },
        replace: addresses.map((old, index) => ({
          old,
          new: { ...later(`10.0.${10 + (index % 2)}.${91 + index}`, 0) },
        })),
      },
    ],
    clients: [people(30)],
    registeredBy: 'aws-load-balancer-controller',
  }),
  aws: (files) => ({
    ...files,
    'describe-tags': {
      TagDescriptions: [
        {
          ResourceArn: targetGroupArn(FEED.name, FEED.id),
          Tags: [
            { Key: 'elbv2.k8s.aws/cluster', Value: 'prod-1' },
            { Key: 'ingress.k8s.aws/stack', Value: 'shop/feed' },
            { Key: 'ingress.k8s.aws/resource', Value: 'shop/feed-feed-api:http' },
          ],
        },
      ],
    },
  }),
  expected: (simulation) => ({
    verdict: { cause: 'shutdown-before-drain', standing: ['confirmed', 'likely'] },
    ruledOut: [],
    mustNotClaim: ['keep-alive-race', 'security-group-blocked', 'slow-target'],
    ...counts(simulation),
    why: 'The AWS Load Balancer Controller deregistered pods as they were deleted: their processes ended at once, while the load balancer still sent requests to them. The tags name the cluster and the ingress.',
  }),
};

const unhealthyFrom = '2026-11-28T07:40:00Z';
const UNHEALTHY = {
  code: 'ServiceSchedulerInitiated',
  reason: `Task failed ELB health checks in (target-group ${targetGroupArn(FEED.name, FEED.id)})`,
  exitCode: 137,
};
/** Of two tasks, checked every 10 s by two nodes: 503 for the last 40 s before ECS stops each. */
function unhealthyChecks(): LogFile {
  const [first, second] = nodesInTwoZones.map(({ publicAddress = '' }) => publicAddress);
  const from = Date.parse(unhealthyFrom);
  const lines = Array.from({ length: 48 }, (_, index) => index * 10).flatMap((at) =>
    [first, second].flatMap((node, index) =>
      [
        { target: '10.0.10.31', stopped: 290 },
        { target: '10.0.11.32', stopped: 430 },
      ]
        .filter(({ stopped }) => at < stopped)
        .map(({ target, stopped }) => {
          const time = new Date(from + at * 1000 + 400 * index).toISOString().replace('Z', '000Z');
          const result = at >= stopped - 40 ? 'FAIL 503 TargetError' : 'PASS 200 -';
          return `http ${time} 0.004 ${target}:8080 ${FEED.name} ${result} app/feed-prod/9a1f4c7e2b5d8063 ${node}`;
        }),
    ),
  );
  const end = from + 600_000;
  const path = logPath(
    loadBalancer('feed-prod', '9a1f4c7e2b5d8063'),
    end,
    first ?? '',
    'h3a1t2hc',
    'health_check_log_',
  );
  return { path, end, bytes: gzip(`${lines.join('\n')}\n`) };
}

export const failedHealthChecks: Recording = {
  name: '037-tasks-stopped-after-failed-health-checks',
  logs: (files) => [...files, unhealthyChecks()],
  scenario: feed(1037, unhealthyFrom, [...targets(...addresses), later('10.0.10.71', 340), later('10.0.11.72', 480)], {
    faults: [...stops('10.0.10.31', 290), ...stops('10.0.11.32', 430)],
    clients: [people(30)],
  }),
  aws: withEcs(
    unhealthyFrom,
    feedApi(
      [
        { ...running('91aa', '10.0.10.31', 46), stop: { at: 290, ...UNHEALTHY } },
        { ...running('91bb', '10.0.11.32', 46), stop: { at: 430, ...UNHEALTHY } },
        running('91cc', '10.0.10.33', 46),
        running('91dd', '10.0.11.34', 46),
        running('91ee', '10.0.10.71', 46, 320),
        running('91ff', '10.0.11.72', 46, 460),
      ],
      {
        events: [
          {
            at: 427,
            message: `(service feed-api) (port 8080) is unhealthy in (target-group ${targetGroupArn(FEED.name, FEED.id)}) due to (reason Health checks failed with these codes: [503]).`,
          },
        ],
      },
    ),
  ),
  expected: (simulation) => ({
    verdict: { cause: 'shutdown-before-drain', standing: ['confirmed', 'likely'] },
    ruledOut: [],
    mustNotClaim: ['keep-alive-race', 'security-group-blocked', 'slow-target'],
    ...counts(simulation),
    why: 'ECS stopped two tasks after their health checks answered 503: they exited as they were taken out, while the load balancer still sent requests to them.',
  }),
};

const reuseFrom = '2026-11-28T21:10:00Z';
const hostIds = ['i-0a11b22c33d44e55f', 'i-0b22c33d44e55f66a'];
const hostAddresses = ['10.0.10.31', '10.0.11.32'];
const CHECKOUT = { name: 'checkout', id: '2b4d6f8091a3c5e7' };
/** Two instances with dynamic host ports: 32771 of the second goes from feed-api to checkout-api at 300. */
export const portReused: Recording = {
  name: '038-port-goes-to-another-service',
  scenario: feed(1038, reuseFrom, [], {
    targetGroups: [
      group(
        FEED.name,
        FEED.id,
        hostAddresses.map((address, index) => ({
          ...later(address, -90_000),
          instanceId: hostIds[index] ?? '',
        })),
        { targetType: 'instance', port: 32771, deregistrationDelaySeconds: 60 },
      ),
    ],
    faults: [{ kind: 'application-error', target: '10.0.11.32', share: 0.7, status: 503, from: 300 }],
    clients: [people(16)],
  }),
  aws: withEcs(reuseFrom, [
    feedApi([
      { ...running('6a10', '10.0.10.31', 46), host: { instance: hostIds[0] ?? '', port: 32771 } },
      {
        ...running('6a20', '10.0.11.32', 46),
        host: { instance: hostIds[1] ?? '', port: 32771 },
        stop: { at: 270, code: 'UserInitiated', reason: 'Task stopped by user', exitCode: 143 },
      },
    ]),
    {
      ...{ name: 'checkout-api', cluster: 'main', group: CHECKOUT },
      tasks: [{ ...running('c0de', '10.0.11.32', 12, 295), host: { instance: hostIds[1] ?? '', port: 32771 } }],
      deployments: [{ revision: 12, at: -90_000, state: 'COMPLETED' }],
    },
  ]),
  expected: (simulation) => ({
    verdict: { cause: 'address-reused', standing: ['confirmed', 'likely'] },
    explains: { 'address-reused': [0.99, 1] },
    ruledOut: [],
    mustNotClaim: ['keep-alive-race', 'security-group-blocked', 'slow-target', 'target-generated'],
    ...counts(simulation),
    why: 'A task of feed-api was stopped, and its port on the instance stayed registered: a task of checkout-api got that port and answers 503 to what it does not know. The load balancer only relays it.',
  }),
};

const switchFrom = '2026-11-29T15:20:00Z';
const BLUE = { name: 'feed-blue', id: '91c3e5a7b9d0f214' };
const GREEN = { name: 'feed-green', id: 'a4b6c8d0e2f41357' };
const PAIR = { targetGroupPairInfoList: [{ targetGroups: [{ name: BLUE.name }, { name: GREEN.name }] }] };
const greenAddresses = ['10.0.10.131', '10.0.11.132', '10.0.10.133', '10.0.11.134'];
const switchTime = (at: number): string => new Date(Date.parse(switchFrom) + at * 1000).toISOString();
const feedLoadBalancer = loadBalancer('feed-prod', '9a1f4c7e2b5d8063');
export const switchedBack: Recording = {
  name: '040-blue-green-switched-back',
  scenario: feed(1040, switchFrom, [], {
    targetGroups: [
      group(BLUE.name, BLUE.id, targets(...addresses)),
      group(
        GREEN.name,
        GREEN.id,
        greenAddresses.map((address) => later(address, -600)),
      ),
    ],
    routes: shopRoutes(BLUE.name),
    faults: [
      { kind: 'traffic-shift', group: BLUE.name, onto: GREEN.name, share: 1, from: 300, to: 540 },
      ...greenAddresses.map((target): Fault => ({ kind: 'early-close', target, share: 0.3, afterSeconds: [0.3, 2] })),
    ],
    clients: [people(20)],
    changes: [300, 540].map((at) => ({
      ...{ at, event: 'ModifyListener', resource: listenerArn(feedLoadBalancer), by: 'codedeploy' },
    })),
  }),
  aws: withEcs(
    switchFrom,
    feedApi(
      [
        ...addresses.map((address, index) => running(`46b${index}`, address, 46)),
        ...greenAddresses.map((address, index) => running(`47a${index}`, address, 47, -700)),
      ],
      {
        group: BLUE,
        deployments: [],
        taskSets: [
          { revision: 46, at: -90_000, group: BLUE },
          { revision: 47, at: -720, group: GREEN },
        ],
      },
    ),
    {
      'batch-get-deployments': {
        deploymentsInfo: [
          {
            ...{ applicationName: 'feed-api', deploymentGroupName: 'feed-api', deploymentId: 'd-7K2QWBLUE' },
            ...{ status: 'Stopped', creator: 'user', computePlatform: 'ECS' },
            ...{ createTime: switchTime(-740), startTime: switchTime(-738), completeTime: switchTime(535) },
            loadBalancerInfo: PAIR,
          },
          {
            ...{ applicationName: 'feed-api', deploymentGroupName: 'feed-api', deploymentId: 'd-9M4RXBACK' },
            ...{ status: 'Succeeded', creator: 'codeDeployRollback', computePlatform: 'ECS' },
            ...{ createTime: switchTime(536), startTime: switchTime(537), completeTime: switchTime(541) },
            rollbackInfo: { rollbackTriggeringDeploymentId: 'd-7K2QWBLUE' },
            loadBalancerInfo: PAIR,
          },
        ],
      },
    },
  ),
  expected: (simulation) => ({
    verdict: { cause: 'closed-mid-request', standing: ['confirmed', 'likely'] },
    ruledOut: [],
    mustNotClaim: ['keep-alive-race', 'security-group-blocked', 'slow-target', 'connection-refused', 'address-reused'],
    ...counts(simulation),
    why: 'CodeDeploy switched the listener to the green tasks of revision 47, which close three of ten connections in the middle of the work; four minutes later it switched back, and the errors ended. All of them are of revision 47.',
  }),
};

const linearFrom = '2026-11-30T11:00:00Z';
const linearTime = (at: number): string => new Date(Date.parse(linearFrom) + at * 1000).toISOString();
const STEPS = [
  { at: 180, percent: 25 },
  { at: 540, percent: 50 },
];
const feedService = 'arn:aws:ecs:eu-west-1:123456789012:service/main/feed-api';
const revisionArn = (id: string): string => `${feedService.replace(':service/', ':service-revision/')}/${id}`;
const weights = (percent: number) => [
  { targetGroupArn: targetGroupArn(BLUE.name, BLUE.id), weight: 100 - percent },
  { targetGroupArn: targetGroupArn(GREEN.name, GREEN.id), weight: percent },
];
export const linearDeployment: Recording = {
  name: '041-linear-deployment-closes',
  scenario: feed(1041, linearFrom, [], {
    targetGroups: [
      group(BLUE.name, BLUE.id, targets(...addresses)),
      group(
        GREEN.name,
        GREEN.id,
        greenAddresses.map((address) => later(address, 60)),
      ),
    ],
    routes: shopRoutes(BLUE.name),
    faults: [
      ...STEPS.map(
        ({ at, percent }, index): Fault => ({
          ...{ kind: 'traffic-shift', group: BLUE.name, onto: GREEN.name, share: percent / 100 },
          ...{ from: at, to: STEPS[index + 1]?.at ?? 900 },
        }),
      ),
      ...greenAddresses.map((target): Fault => ({ kind: 'early-close', target, share: 0.3, afterSeconds: [0.3, 2] })),
    ],
    clients: [people(20)],
    changes: STEPS.map(({ at, percent }) => ({
      ...{ at, event: 'ModifyListener', resource: listenerArn(feedLoadBalancer), by: 'ecs-service-scheduler' },
      parameters: {
        listenerArn: listenerArn(feedLoadBalancer),
        defaultActions: [{ type: 'forward', forwardConfig: { targetGroups: weights(percent) } }],
      },
    })),
  }),
  aws: withEcs(
    linearFrom,
    feedApi(
      [
        ...addresses.map((address, index) => running(`46b${index}`, address, 46)),
        ...greenAddresses.map((address, index) => running(`47a${index}`, address, 47, 40)),
      ],
      {
        group: BLUE,
        shift: { strategy: 'LINEAR', to: GREEN },
        deployments: [
          { revision: 47, at: 20, state: 'IN_PROGRESS' },
          { revision: 46, at: -90_000, state: 'COMPLETED' },
        ],
      },
    ),
    {
      'describe-rules': {
        [listenerArn(feedLoadBalancer)]: {
          Rules: [
            {
              RuleArn: `${listenerArn(feedLoadBalancer).replace(':listener/', ':listener-rule/')}/1e5bc0f5a1f0d2aa`,
              ...{ Priority: 'default', Conditions: [], IsDefault: true },
              Actions: [
                {
                  Type: 'forward',
                  Order: 1,
                  ForwardConfig: {
                    TargetGroups: [BLUE, GREEN].map(({ name, id }) => ({
                      ...{ TargetGroupArn: targetGroupArn(name, id), Weight: 50 },
                    })),
                    TargetGroupStickinessConfig: { Enabled: false },
                  },
                },
              ],
            },
          ],
        },
      },
      'ecs-describe-service-deployments': {
        serviceDeployments: [
          {
            serviceDeploymentArn: `${feedService.replace(':service/', ':service-deployment/')}/Hq3vJ2m8Xk5Wc1Zt`,
            serviceArn: feedService,
            clusterArn: 'arn:aws:ecs:eu-west-1:123456789012:cluster/main',
            ...{ createdAt: linearTime(20), startedAt: linearTime(21), updatedAt: linearTime(541) },
            ...{ status: 'IN_PROGRESS', lifecycleStage: 'PRODUCTION_TRAFFIC_SHIFT' },
            sourceServiceRevisions: [{ arn: revisionArn('4600000000000000046'), requestedProductionTrafficWeight: 50 }],
            targetServiceRevision: { arn: revisionArn('4700000000000000047'), requestedProductionTrafficWeight: 50 },
            deploymentConfiguration: {
              strategy: 'LINEAR',
              linearConfiguration: { stepPercent: 25, stepBakeTimeInMinutes: 6 },
            },
          },
        ],
      },
      'ecs-describe-service-revisions': {
        serviceRevisions: [
          {
            ...{ serviceRevisionArn: revisionArn('4700000000000000047'), serviceArn: feedService },
            taskDefinition: 'arn:aws:ecs:eu-west-1:123456789012:task-definition/feed-api:47',
            resolvedConfiguration: {
              loadBalancers: [
                {
                  targetGroupArn: targetGroupArn(GREEN.name, GREEN.id),
                  productionListenerRule: listenerArn(feedLoadBalancer),
                },
              ],
            },
          },
        ],
      },
    },
  ),
  expected: (simulation) => ({
    verdict: { cause: 'closed-mid-request', standing: ['confirmed', 'likely'] },
    ruledOut: [],
    mustNotClaim: ['keep-alive-race', 'security-group-blocked', 'slow-target', 'connection-refused', 'address-reused'],
    ...counts(simulation),
    why: 'ECS shifts the traffic of feed-api in steps of 25 % to the tasks of revision 47, which close three of ten connections in the middle of the work. The errors begin with the first step and double with the second; rolling the deployment back ends them.',
  }),
};
