/** Whose target it is: names, revisions and reasons from ECS, and what must not be blamed for errors it did not cause. */
import { ecsFiles, type ServiceSpec, type TaskSpec } from '../support/simulator/ecs-files.ts';
import { people, quarterHour, shopRoutes, targets } from '../support/simulator/recordings/shop.ts';
import type { Fault, TargetSpec } from '../support/simulator/scenario.ts';
import { expectCause, expectUndecided, type Family, type Incident, incident, web } from './incident.ts';

const FROM = '2026-11-18T10:00:00Z';
const WEB = { name: 'web', id: '5566778899aabbcc' };

/** Tasks of a service at these addresses, `count` from `first` on, alternating between two zones. */
const addressesFrom = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `10.0.${10 + (index % 2)}.${first + index}`);

const joining = (address: string, registeredAt: number): TargetSpec => ({
  ...(targets(address)[0] as TargetSpec),
  registeredAt,
});

const tasksAt = (addresses: readonly string[], revision: number, startedAt = -90_000): TaskSpec[] =>
  addresses.map((address) => ({ id: `${revision}${address.replaceAll(/\D/g, '')}`, address, revision, startedAt }));

interface Rollout {
  service: string;
  tasks: TaskSpec[];
  /** Revisions with the second of the window at which they were deployed, the newest first. */
  deployments: [revision: number, at: number][];
}

const withService =
  ({ service, tasks, deployments }: Rollout, more: Partial<ServiceSpec> = {}): NonNullable<Incident['aws']> =>
  (files) => ({
    ...files,
    ...ecsFiles(FROM, [
      {
        ...{ name: service, cluster: 'prod', group: WEB, tasks },
        deployments: deployments.map(([revision, at]) => ({
          revision,
          at,
          state: at < 0 ? 'COMPLETED' : 'IN_PROGRESS',
        })),
        ...more,
      },
    ]),
  });

const closes = (target: string): Fault => ({ kind: 'early-close', target, share: 0.3, afterSeconds: [0.3, 2] });
const busy = { ...quarterHour(FROM, 120), routes: shopRoutes('web'), clients: [people(16)] };

/** A new revision on some of the targets from second 200 on. */
function canary(
  name: string,
  { old, fresh, service, revisions }: { old: number; fresh: number; service: string; revisions: [number, number] },
  faults: (oldTargets: string[], freshTargets: string[]) => Fault[],
  expected: Incident['expected'],
): Incident {
  const oldTargets = addressesFrom(40, old);
  const freshTargets = addressesFrom(140, fresh);
  return incident(
    name,
    {
      ...busy,
      targetGroups: [web({}, [...targets(...oldTargets), ...freshTargets.map((address) => joining(address, 200))])],
      faults: faults(oldTargets, freshTargets),
    },
    expected,
    {
      aws: withService({
        service,
        tasks: [...tasksAt(oldTargets, revisions[1]), ...tasksAt(freshTargets, revisions[0], 180)],
        deployments: [
          [revisions[0], 150],
          [revisions[1], -90_000],
        ],
      }),
    },
  );
}

const closedBy =
  (names: string[], why: string, mustNotName: string[] = []) =>
  (simulation: Parameters<Incident['expected']>[0]) => ({
    ...expectCause('closed-mid-request', why, { mustNotClaim: ['keep-alive-race', 'address-reused'] })(simulation),
    explains: { 'closed-mid-request': [0.6, 1] as [number, number] },
    names,
    mustNotName,
  });

export const whoseTargets: Family = {
  title: 'targets',
  incidents: [
    canary(
      'two of twelve tasks run a revision that closes',
      { old: 10, fresh: 2, service: 'orders-api', revisions: [113, 112] },
      (_, fresh) => fresh.map(closes),
      closedBy(['orders-api:113'], 'Both tasks of revision 113 fail, and none of the ten of revision 112.'),
    ),
    canary(
      'half of the tasks run a revision that closes',
      { old: 6, fresh: 6, service: 'catalog', revisions: [9, 8] },
      (_, fresh) => fresh.map(closes),
      closedBy(['catalog:9'], 'All six tasks of revision 9 fail, and none of the six of revision 8.'),
    ),
    canary(
      'a deployment beside errors of one old task',
      { old: 8, fresh: 4, service: 'orders-api', revisions: [113, 112] },
      ([first = '']) => [closes(first)],
      closedBy([], 'One task of the old revision fails, before the deployment as after it.', [
        'orders-api:113',
        'Roll orders-api back',
      ]),
    ),
    canary(
      'a deployment beside errors of old and new tasks alike',
      { old: 6, fresh: 6, service: 'catalog', revisions: [9, 8] },
      (old, fresh) => [...old, ...fresh].map(closes),
      (simulation) => ({
        ...expectUndecided(
          ['closed-mid-request', 'malformed-response'],
          'Tasks of both revisions fail from the first minute on.',
        )(simulation),
        mustNotName: ['Roll catalog back', 'catalog:9'],
      }),
    ),
    canary(
      'one new task fails, which may be its host',
      { old: 11, fresh: 1, service: 'orders-api', revisions: [113, 112] },
      (_, fresh) => fresh.map(closes),
      closedBy([], 'One task is new, and one fails: the revision, or the host it runs on.', ['Roll orders-api back']),
    ),
    canary(
      'two of four tasks are new and fail',
      { old: 2, fresh: 2, service: 'search', revisions: [31, 30] },
      (_, fresh) => fresh.map(closes),
      closedBy([], 'Two tasks would be these by chance once in six times: too often to blame the revision.', [
        'Roll search back',
      ]),
    ),
    incident(
      'a task out of memory under another name',
      {
        ...busy,
        targetGroups: [web({}, targets(...addressesFrom(40, 4)))],
        faults: [
          { kind: 'crash', target: '10.0.10.40', at: 300 },
          { kind: 'deregister', target: '10.0.10.40', at: 316 },
          { kind: 'host-gone', target: '10.0.10.40', at: 345 },
        ],
      },
      (simulation) => ({
        ...expectCause(
          'connection-refused',
          'ECS says that the task ran out of memory as it began to refuse.',
        )(simulation),
        names: ['payments', 'ran out of memory'],
      }),
      {
        aws: withService({
          service: 'payments',
          tasks: tasksAt(addressesFrom(40, 4), 77).map((task, index) =>
            index > 0
              ? task
              : {
                  ...task,
                  stop: {
                    ...{ at: 300, code: 'EssentialContainerExited', reason: 'Essential container in task exited' },
                    exitCode: 137,
                    containerReason: 'OutOfMemoryError: Container killed due to memory usage',
                  },
                },
          ),
          deployments: [[77, -90_000]],
        }),
      },
    ),
    incident(
      'a task that stopped long before the errors',
      {
        ...busy,
        targetGroups: [web({}, targets(...addressesFrom(40, 4)))],
        faults: [{ kind: 'crash', target: '10.0.10.40', at: 500, seconds: 40 }],
      },
      (simulation) => ({
        ...expectCause(
          'connection-refused',
          'The process was down for 40 s; another task ran out of memory.',
        )(simulation),
        mustNotName: ['ran out of memory'],
      }),
      {
        aws: withService({
          service: 'payments',
          tasks: [
            ...tasksAt(addressesFrom(40, 4), 77),
            {
              ...{ id: 'dead', address: '10.0.10.90', revision: 77, startedAt: -90_000 },
              stop: {
                ...{ at: -2000, code: 'EssentialContainerExited', reason: 'Essential container in task exited' },
                exitCode: 137,
                containerReason: 'OutOfMemoryError: Container killed due to memory usage',
              },
            },
          ],
          deployments: [[77, -90_000]],
        }),
      },
    ),
    incident(
      'the address of a task goes to another service',
      {
        ...busy,
        targetGroups: [web({}, targets(...addressesFrom(40, 3)))],
        faults: [
          {
            kind: 'application-error',
            target: '10.0.11.41',
            share: 0.8,
            status: 503,
            from: 300,
            because: 'address-reused',
          },
        ],
      },
      (simulation) => ({
        ...expectCause(
          'address-reused',
          'A billing task has had the address since second 290; the target group belongs to catalog.',
        )(simulation),
        names: ['billing'],
        explains: { 'address-reused': [0.9, 1] as [number, number] },
      }),
      {
        aws: (files) => ({
          ...files,
          ...ecsFiles(FROM, [
            {
              ...{ name: 'catalog', cluster: 'prod', group: WEB },
              tasks: tasksAt(addressesFrom(40, 3), 8).map((task) =>
                task.address === '10.0.11.41'
                  ? { ...task, stop: { at: 250, code: 'UserInitiated', reason: 'Task stopped by user', exitCode: 143 } }
                  : task,
              ),
              deployments: [{ revision: 8, at: -90_000, state: 'COMPLETED' }],
            },
            {
              ...{ name: 'billing', cluster: 'prod', group: { name: 'billing', id: '0a1b2c3d4e5f6071' } },
              tasks: tasksAt(['10.0.11.41'], 3, 290),
              deployments: [{ revision: 3, at: -90_000, state: 'COMPLETED' }],
            },
          ]),
        }),
      },
    ),
    incident(
      'another service had the address before, and the errors are of its successor',
      {
        ...busy,
        targetGroups: [web({}, targets(...addressesFrom(40, 3)))],
        faults: [{ kind: 'application-error', target: '10.0.11.41', share: 0.8, status: 503, from: 300 }],
      },
      (simulation) => ({
        ...expectCause('target-generated', 'The billing task had stopped before this one got its address.', {
          mustNotClaim: ['address-reused'],
        })(simulation),
        mustNotName: ['billing'],
      }),
      {
        aws: (files) => ({
          ...files,
          ...ecsFiles(FROM, [
            {
              ...{ name: 'catalog', cluster: 'prod', group: WEB, tasks: tasksAt(addressesFrom(40, 3), 8) },
              deployments: [{ revision: 8, at: -90_000, state: 'COMPLETED' }],
            },
            {
              ...{ name: 'billing', cluster: 'prod', group: { name: 'billing', id: '0a1b2c3d4e5f6071' } },
              tasks: tasksAt(['10.0.11.41'], 3, -200_000).map((task) => ({
                ...task,
                stop: { at: -100_000, code: 'UserInitiated', reason: 'Task stopped by user', exitCode: 143 },
              })),
              deployments: [{ revision: 3, at: -90_000, state: 'COMPLETED' }],
            },
          ]),
        }),
      },
    ),
  ],
};
