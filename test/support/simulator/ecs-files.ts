/** The output of the AWS CLI for ECS: services, their running and stopped tasks, and task definitions. */
import { account, region, targetGroupArn } from './names.ts';

export interface TaskSpec {
  /** The first digits of its id; the rest is the same for all. */
  id: string;
  address: string;
  revision: number;
  /** Seconds after the start of the window. */
  startedAt: number;
  /** In network mode bridge: the EC2 instance it runs on, and its port there. The address is the instance's. */
  host?: { instance: string; port: number };
  stop?: {
    /** Seconds after the start of the window. */
    at: number;
    code: string;
    reason: string;
    exitCode?: number;
    containerReason?: string;
  };
}

export interface ServiceSpec {
  name: string;
  cluster: string;
  group: { name: string; id: string };
  tasks: TaskSpec[];
  /** The primary one first; `at` in seconds after the start of the window. */
  deployments: { revision: number; at: number; state: string }[];
  /** Newest first; likewise. */
  events?: { at: number; message: string }[];
  memory?: number;
  stopTimeout?: number;
  /** CodeDeploy deploys it, from one group to the other; the primary task set first. */
  taskSets?: { revision: number; at: number; group: { name: string; id: string } }[];
  /** ECS itself shifts its traffic to the other group. */
  shift?: { strategy: string; to: { name: string; id: string } };
}

const ecs = (kind: string, name: string): string => `arn:aws:ecs:${region}:${account}:${kind}/${name}`;
export const taskArn = (cluster: string, id: string): string =>
  ecs('task', `${cluster}/${id.padEnd(32, '0a1b2c3d4e5f60718293a4b5c6d7e8f9')}`);
const definitionArn = (family: string, revision: number): string => ecs('task-definition', `${family}:${revision}`);

/** The files of these services; `windowFrom` is ISO 8601. */
export function ecsFiles(windowFrom: string, services: readonly ServiceSpec[]): Record<string, unknown> {
  const time = (at: number): string =>
    new Date(Date.parse(windowFrom) + at * 1000).toISOString().replace('Z', '000+00:00');
  return {
    'ecs-describe-services': { services: services.map((service) => describeService(service, time)) },
    'ecs-describe-tasks': {
      tasks: services.flatMap((service) => service.tasks.map((task) => describeTask(service, task, time))),
    },
    'ecs-describe-task-definition': Object.fromEntries(
      services.flatMap((service) =>
        [...new Set(service.tasks.map(({ revision }) => revision))].map((revision) => [
          definitionArn(service.name, revision),
          { taskDefinition: describeDefinition(service, revision) },
        ]),
      ),
    ),
    'ecs-describe-container-instances': { containerInstances: describeHosts(services) },
  };
}

const hostArn = (cluster: string, instance: string): string =>
  ecs('container-instance', `${cluster}/${instance.slice(2).padEnd(32, '0')}`);

function describeHosts(services: readonly ServiceSpec[]) {
  const hosts = services.flatMap(({ cluster, tasks }) =>
    tasks.flatMap(({ host }) =>
      host === undefined ? [] : [[hostArn(cluster, host.instance), host.instance] as const],
    ),
  );
  return [...new Map(hosts)].map(([containerInstanceArn, ec2InstanceId]) => ({
    ...{ containerInstanceArn, ec2InstanceId, status: 'ACTIVE' },
  }));
}

function describeService(
  { name, cluster, group, tasks, deployments, taskSets, shift, events = [] }: ServiceSpec,
  time: (at: number) => string,
) {
  const running = tasks.filter(({ stop }) => stop === undefined).length;
  return {
    serviceArn: ecs('service', `${cluster}/${name}`),
    serviceName: name,
    clusterArn: ecs('cluster', cluster),
    loadBalancers: [
      {
        ...{ targetGroupArn: targetGroupArn(group.name, group.id), containerName: 'app', containerPort: 8080 },
        ...(shift === undefined
          ? {}
          : { advancedConfiguration: { alternateTargetGroupArn: targetGroupArn(shift.to.name, shift.to.id) } }),
      },
    ],
    ...(shift === undefined ? {} : { deploymentConfiguration: { strategy: shift.strategy } }),
    status: 'ACTIVE',
    desiredCount: running,
    runningCount: running,
    launchType: 'FARGATE',
    taskDefinition: definitionArn(name, deployments[0]?.revision ?? 1),
    deployments: deployments.map(({ revision, at, state }, index) => ({
      id: `ecs-svc/41${revision}0${index}`,
      status: index === 0 ? 'PRIMARY' : 'ACTIVE',
      taskDefinition: definitionArn(name, revision),
      createdAt: time(at),
      rolloutState: state,
    })),
    ...(taskSets === undefined
      ? {}
      : {
          deploymentController: { type: 'CODE_DEPLOY' },
          taskSets: taskSets.map(({ revision, at, group: own }, index) => ({
            id: `ecs-svc/52${revision}0${index}`,
            status: index === 0 ? 'PRIMARY' : 'ACTIVE',
            taskDefinition: definitionArn(name, revision),
            createdAt: time(at),
            loadBalancers: [
              { targetGroupArn: targetGroupArn(own.name, own.id), containerName: 'app', containerPort: 8080 },
            ],
          })),
        }),
    events: events.map(({ at, message }, index) => ({ id: `event-${index}`, createdAt: time(at), message })),
  };
}

function describeTask(
  service: ServiceSpec,
  { id, address, revision, startedAt, host, stop }: TaskSpec,
  time: (at: number) => string,
) {
  return {
    taskArn: taskArn(service.cluster, id),
    clusterArn: ecs('cluster', service.cluster),
    taskDefinitionArn: definitionArn(service.name, revision),
    group: `service:${service.name}`,
    launchType: host === undefined ? 'FARGATE' : 'EC2',
    ...(host === undefined ? {} : { containerInstanceArn: hostArn(service.cluster, host.instance) }),
    availabilityZone: `${region}${address.startsWith('10.0.10.') ? 'a' : 'b'}`,
    lastStatus: stop === undefined ? 'RUNNING' : 'STOPPED',
    desiredStatus: stop === undefined ? 'RUNNING' : 'STOPPED',
    startedAt: time(startedAt),
    ...(stop === undefined
      ? {}
      : {
          stoppingAt: time(stop.at),
          executionStoppedAt: time(stop.at),
          stoppedAt: time(stop.at + 20),
          stopCode: stop.code,
          stoppedReason: stop.reason,
        }),
    attachments:
      host === undefined
        ? [
            {
              id: `attachment-${id}`,
              type: 'ElasticNetworkInterface',
              status: stop === undefined ? 'ATTACHED' : 'DELETED',
              details: [{ name: 'privateIPv4Address', value: address }],
            },
          ]
        : [],
    containers: [
      {
        name: 'app',
        lastStatus: stop === undefined ? 'RUNNING' : 'STOPPED',
        ...(host === undefined
          ? {}
          : { networkBindings: [{ bindIP: '0.0.0.0', containerPort: 8080, hostPort: host.port, protocol: 'tcp' }] }),
        ...(stop?.exitCode === undefined ? {} : { exitCode: stop.exitCode }),
        ...(stop?.containerReason === undefined ? {} : { reason: stop.containerReason }),
      },
    ],
  };
}

const describeDefinition = ({ name, memory = 512, stopTimeout }: ServiceSpec, revision: number) => ({
  taskDefinitionArn: definitionArn(name, revision),
  family: name,
  revision,
  networkMode: 'awsvpc',
  containerDefinitions: [
    {
      name: 'app',
      memory,
      ...(stopTimeout === undefined ? {} : { stopTimeout }),
      portMappings: [{ containerPort: 8080, hostPort: 8080, protocol: 'tcp' }],
    },
  ],
});
