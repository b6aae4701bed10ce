/** The command that returns a service to its previous revision. */
import { expect, it } from 'vitest';
import { rollBackCommands } from '../../../src/diagnose/events/roll-back.ts';
import { API } from '../../support/traffic/traffic-builder.ts';

const service = (type?: string) => ({
  ...{ serviceArn: 'arn:aws:ecs:eu-west-1:123456789012:service/main/feed-api', serviceName: 'feed-api' },
  clusterArn: 'arn:aws:ecs:eu-west-1:123456789012:cluster/main',
  loadBalancers: [{ targetGroupArn: API }],
  ...(type === undefined ? {} : { deploymentController: { type } }),
});
const deployed = { revision: 'feed-api:47', before: ['feed-api:46', 'feed-api:45'] };
const codeDeploy = (status: string, name = 'api') => ({
  targetGroups: [{ TargetGroupArn: API, TargetGroupName: 'api' }],
  codeDeployments: [
    {
      ...{ deploymentId: 'd-A1B2C3D4E', status, startTime: '2026-11-20T02:40:00Z' },
      loadBalancerInfo: { targetGroupPairInfoList: [{ targetGroups: [{ name }] }] },
    },
  ],
});
const update =
  'aws ecs update-service --cluster arn:aws:ecs:eu-west-1:123456789012:cluster/main --service feed-api --task-definition feed-api:46';

it.each([
  ['a service that ECS deploys', service(), deployed, {}, [update]],
  ['with nothing to return to', service(), { ...deployed, before: [] }, {}, []],
  ['an unknown service', null, deployed, {}, []],
  [
    'a CodeDeploy deployment that goes on',
    service('CODE_DEPLOY'),
    deployed,
    codeDeploy('InProgress'),
    ['aws deploy stop-deployment --deployment-id d-A1B2C3D4E --auto-rollback-enabled'],
  ],
  ['a CodeDeploy deployment that is over', service('CODE_DEPLOY'), deployed, codeDeploy('Succeeded'), []],
  ['of another target group', service('CODE_DEPLOY'), deployed, codeDeploy('InProgress', 'checkout'), []],
  [
    'a canary that ECS shifts: the deployment is stopped',
    service(),
    deployed,
    {
      serviceDeployments: [
        {
          serviceDeploymentArn: 'arn:aws:ecs:eu-west-1:123456789012:service-deployment/main/feed-api/Hq3v',
          ...{ serviceArn: service().serviceArn, startedAt: '2026-11-20T02:40:00Z', status: 'IN_PROGRESS' },
        },
      ],
    },
    [
      'aws ecs stop-service-deployment --service-deployment-arn arn:aws:ecs:eu-west-1:123456789012:service-deployment/main/feed-api/Hq3v --stop-type ROLLBACK',
    ],
  ],
])('%s', (_, own, revisions, evidence, commands) => {
  expect(rollBackCommands({ service: own, deployed: revisions }, evidence)).toEqual(commands);
});
