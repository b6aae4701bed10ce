/** The number of calls to find the owners of targets, for clusters of any size. */
import { describe, expect, it } from 'vitest';
import { ECS_CALLS } from '../../../src/collect/aws/ecs-budget.ts';
import { collectLive, incidentFolder } from '../../support/aws/live-run.ts';
import { type Files, filesOf, openAccount } from '../../support/aws/recorded-account.ts';

const ecs = (kind: string, name: string) => `arn:aws:ecs:eu-west-1:123456789012:${kind}/${name}`;
const clusterArn = ecs('cluster', 'main');

/** The account of an incident with one group, `services` services and `tasks` tasks of each; the last service has the group. */
function cluster(services: number, tasks: number): Files {
  const files = filesOf(incidentFolder('002'));
  const [group] = files['describe-target-groups'].TargetGroups;
  const names = Array.from({ length: services }, (_, index) => `service-${String(index).padStart(4, '0')}`);
  files['ecs-describe-services'] = {
    services: names.map((serviceName, index) => ({
      ...{ serviceArn: ecs('service', `main/${serviceName}`), serviceName, clusterArn },
      loadBalancers: [{ targetGroupArn: index === services - 1 ? group.TargetGroupArn : `${group.TargetGroupArn}x` }],
    })),
  };
  files['ecs-describe-tasks'] = {
    tasks: names.flatMap((name) =>
      Array.from({ length: tasks }, (_, index) => ({
        ...{ taskArn: ecs('task', `main/${name}-${index}`), clusterArn, group: `service:${name}` },
        lastStatus: index === 0 ? 'STOPPED' : 'RUNNING',
      })),
    ),
  };
  return files;
}

describe('calls to ECS', () => {
  it.each([
    ['no cluster', 0, 0, [1, 0]],
    ['a small cluster: all of its tasks are listed while its services are', 12, 3, [7, 36]],
    ['500 services with 2 tasks: only the tasks of one service', 500, 2, [61, 2]],
  ])('of %s', async (_, services, tasks, expected) => {
    const account = await openAccount(cluster(services, tasks));
    const { evidence } = await collectLive('002');
    const calls = account.asked.filter(({ action }) => action.startsWith('ecs:')).length;
    const found = evidence.tasks.status === 'collected' ? evidence.tasks.value.length : evidence.tasks.reason;
    expect([calls, found]).toEqual(expected);
    expect(evidence.services).toMatchObject({ value: { length: services === 0 ? 0 : 1 } });
  });

  it(`stop at ${ECS_CALLS}, and say that the service was not found`, async () => {
    const account = await openAccount(cluster(1500, 0));
    const { evidence } = await collectLive('002');
    expect(account.asked.filter(({ action }) => action.startsWith('ecs:'))).toHaveLength(ECS_CALLS);
    expect(evidence.services).toMatchObject({
      kind: 'incomplete',
      reason: 'ECS has 1500 services, and the 100 calls of a diagnosis found none of these target groups',
    });
  });
});
