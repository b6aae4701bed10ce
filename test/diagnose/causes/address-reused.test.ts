/** Requests that reach a task of another service, because it got the address or the port of one that stopped. */
import { expect, it } from 'vitest';
import { addressReused } from '../../../src/diagnose/causes/address-reused.ts';
import { type OwnerEvidence, targetOwners } from '../../../src/diagnose/targets/target-owners.ts';
import type { FailedRequest } from '../../../src/evidence/access-log.ts';
import { judgementOf } from '../../support/judgement.ts';
import { describeJudgement } from '../../support/network/connect-timeouts.ts';
import { API, failed, question, trafficOf } from '../../support/traffic/traffic-builder.ts';

const ADDRESS = '10.0.12.68:8080';
const PORT = '10.0.2.113:32771';
const ecs = (kind: string, name: string) => `arn:aws:ecs:eu-west-1:123456789012:${kind}/${name}`;
const WEB = API.replace('targetgroup/api/', 'targetgroup/web/');

const service = (serviceName: string, ...groups: string[]) => ({
  serviceArn: ecs('service', `main/${serviceName}`),
  serviceName,
  clusterArn: ecs('cluster', 'main'),
  loadBalancers: groups.map((targetGroupArn) => ({ targetGroupArn })),
});

/** A task of the service at an address of its own, or at a port of the instance i-0ab; the clock is of 20 November 2026, UTC. */
const task = (id: string, of: string, target: string, started: string, stopped?: string) => {
  const [address, port] = target.split(':');
  return {
    taskArn: ecs('task', `main/${id}`),
    clusterArn: ecs('cluster', 'main'),
    group: `service:${of}`,
    startedAt: `2026-11-20T${started}Z`,
    ...(stopped === undefined ? {} : { stoppedAt: `2026-11-20T${stopped}Z` }),
    ...(target === PORT
      ? {
          containerInstanceArn: ecs('container-instance', 'main/1f'),
          containers: [{ networkBindings: [{ hostPort: Number(port) }] }],
        }
      : { attachments: [{ details: [{ name: 'privateIPv4Address', value: address ?? '' }] }] }),
  };
};

const hosts: OwnerEvidence = {
  containerInstances: [{ containerInstanceArn: ecs('container-instance', 'main/1f'), ec2InstanceId: 'i-0ab' }],
  instances: [{ InstanceId: 'i-0ab', PrivateIpAddress: '10.0.2.113' }],
};

const judged = (errors: FailedRequest[], known: OwnerEvidence) =>
  judgementOf(addressReused, { traffic: { ...trafficOf(errors), owners: targetOwners(known) } }, question);

/** Sent from 02:45:00 on, 10 s apart. */
const errorsOn = (target: string, count = 4): FailedRequest[] =>
  Array.from({ length: count }, (_, index) => failed('target-response', 300 + 10 * index, { target, elapsed: 0.02 }));

const feed = service('feed', API);
const taken = (target: string) => [
  task('8f3c5a', 'feed', target, '01:00:00', '02:43:00'),
  task('41d07b', 'checkout', target, '02:44:00'),
];

it.each<[string, string, OwnerEvidence, string]>([
  [
    'the address went to a task of another service',
    ADDRESS,
    { services: [feed], tasks: taken(ADDRESS) },
    'confirmed 4',
  ],
  [
    'the port went to a task of another service',
    PORT,
    { ...hosts, services: [feed], tasks: taken(PORT) },
    'confirmed 4',
  ],
  [
    'the other service has a target group of the same load balancer',
    ADDRESS,
    { services: [feed, service('checkout', WEB)], tasks: taken(ADDRESS) },
    'confirmed 4',
  ],
  [
    'the other task started after the errors',
    ADDRESS,
    {
      services: [feed],
      tasks: [task('8f3c5a', 'feed', ADDRESS, '01:00:00'), task('41d07b', 'checkout', ADDRESS, '02:50:00')],
    },
    'ruled out',
  ],
  [
    'another task of the same service got the address',
    ADDRESS,
    {
      services: [feed],
      tasks: [task('8f3c5a', 'feed', ADDRESS, '01:00:00', '02:43:00'), task('41d07b', 'feed', ADDRESS, '02:44:00')],
    },
    'ruled out',
  ],
  [
    'both services are of the target group',
    ADDRESS,
    { services: [feed, service('checkout', API)], tasks: taken(ADDRESS) },
    'ruled out',
  ],
  ['no service of the target group is known', ADDRESS, { services: [], tasks: taken(ADDRESS) }, 'no claim'],
  ['services could not be read', ADDRESS, { tasks: taken(ADDRESS) }, 'no claim'],
  [
    'the other task had stopped as well',
    ADDRESS,
    {
      services: [feed],
      tasks: [
        task('8f3c5a', 'feed', ADDRESS, '01:00:00', '02:43:00'),
        task('41d07b', 'checkout', ADDRESS, '02:44:00', '02:44:30'),
      ],
    },
    'no claim',
  ],
])('%s', (_, target, known, expected) => {
  expect(describeJudgement(judged(errorsOn(target), known))).toBe(expected);
});

it('claims only errors after the change of owner', () => {
  const before = failed('closed-before-response', 60, { target: ADDRESS });
  const { claims } = judged([before, ...errorsOn(ADDRESS, 2)], { services: [feed], tasks: taken(ADDRESS) });
  expect(claims.flatMap(({ errors }) => errors.map(({ signature }) => signature))).toEqual([
    'target-response',
    'target-response',
  ]);
});

it('names the old and the new owner, and deregisters the instance by its port', () => {
  const told = judged(errorsOn(PORT), { ...hosts, services: [feed], tasks: taken(PORT) });
  expect(told.for).toEqual([
    'checkout task 41d0… (10.0.2.113:32771) got the port of a target of api at 02:44:00 UTC; feed task 8f3c… (10.0.2.113:32771) had it before and stopped at 02:43:00 UTC. 4 errors since then.',
  ]);
  expect(told.fix.commands.join('\n')).toContain('--targets Id=i-0ab,Port=32771');
});
