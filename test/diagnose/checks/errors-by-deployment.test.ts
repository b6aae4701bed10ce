/** Errors before, during and after a deployment, and of each revision of a service. */

import { describe, expect, it } from 'vitest';
import { errorsByDeployment } from '../../../src/diagnose/checks/errors-by-deployment.ts';
import type { DeploymentEvidence } from '../../../src/diagnose/targets/deployment-types.ts';
import { targetOwners } from '../../../src/diagnose/targets/target-owners.ts';
import { readTraffic } from '../../../src/diagnose/traffic.ts';
import type { EcsService, EcsTask } from '../../../src/evidence/workloads.ts';
import { API, failed, logOf, question, START, several, target } from '../../support/traffic/traffic-builder.ts';

const time = (second: number): string => new Date(START + second * 1000).toISOString();
const ecs = (kind: string, name: string) => `arn:aws:ecs:eu-west-1:123456789012:${kind}/${name}`;

const service = (deployments: [revision: number, at: number, end?: number][]): EcsService => ({
  ...{ serviceArn: ecs('service', 'main/feed-api'), serviceName: 'feed-api', clusterArn: ecs('cluster', 'main') },
  loadBalancers: [{ targetGroupArn: API }],
  deployments: deployments.map(([revision, at, end], index) => ({
    id: `ecs-svc/${revision}`,
    status: index === 0 ? 'PRIMARY' : 'ACTIVE',
    taskDefinition: ecs('task-definition', `feed-api:${revision}`),
    createdAt: time(at),
    ...(end === undefined ? { rolloutState: 'IN_PROGRESS' } : { rolloutState: 'COMPLETED', updatedAt: time(end) }),
  })),
});

interface Targets {
  revision: number;
  count: number;
  /** Of each target. */
  requests?: number;
  startedAt?: number;
  /** Seconds at which requests fail, dealt to the targets in turn. */
  errors?: number[];
}

/** The check on these targets, numbered through: 10.0.1.1 and on. */
function verdictOn(groups: Targets[], evidence: DeploymentEvidence = {}) {
  const all = groups.flatMap(({ count, ...group }, index) =>
    Array.from({ length: count }, (_, place) => ({
      ...group,
      place,
      count,
      address: `10.0.${index + 1}.${place + 1}`,
    })),
  );
  const tasks: EcsTask[] = all.map(({ address, revision, startedAt = -86_400 }) => ({
    taskArn: ecs('task', `main/${address}`),
    clusterArn: ecs('cluster', 'main'),
    taskDefinitionArn: ecs('task-definition', `feed-api:${revision}`),
    group: 'service:feed-api',
    startedAt: time(startedAt),
    attachments: [{ details: [{ name: 'privateIPv4Address', value: address }] }],
  }));
  const failures = all.flatMap(({ errors = [], place, count, address }) =>
    errors
      .filter((_, index) => index % count === place)
      .map((at) => failed('closed-before-response', at, { target: `${address}:8080` })),
  );
  const log = logOf(failures, {
    targets: all.map(({ address, requests = 500 }) => target(`${address}:8080`, { requests })),
  });
  const owners = targetOwners({ tasks, ...(evidence.services ? { services: evidence.services } : {}) });
  return errorsByDeployment.evaluate(
    { traffic: readTraffic(log, question, () => null, owners), ...evidence },
    question,
  );
}

const every = (seconds: number, from: number, to: number): number[] =>
  Array.from({ length: Math.floor((to - from) / seconds) }, (_, index) => from + index * seconds);

const old = { revision: 46, count: 18 };
const fresh = { revision: 47, count: 2, startedAt: 300 };

it.each<[string, Targets[], DeploymentEvidence, string, string]>([
  [
    'the canary alone fails since it was deployed',
    [old, { ...fresh, errors: every(5, 310, 900) }],
    {
      services: [
        service([
          [47, 300],
          [46, -86_400, -86_000],
        ]),
      ],
    },
    'fail',
    'feed-api:47 had 10 % of the requests and all 118 errors: 12 % of its requests failed (feed-api:46: 0 %). By chance, 12 errors would be expected on it. The deployment of feed-api:47 has been running since 02:45:00 UTC: no errors in the 5 min before it, 118 in the 10 min since; the errors began with it (33 % of the requests came before it).',
  ],
  [
    'a stray error of the old revision changes nothing',
    [
      { ...old, errors: [100, 500] },
      { ...fresh, errors: every(5, 310, 900) },
    ],
    {},
    'fail',
    'feed-api:47 had 10 % of the requests and 118 of 120 errors: 12 % of its requests failed (feed-api:46: 0.02 %). By chance, 12 errors would be expected on it.',
  ],
  [
    'the errors end with the deployment',
    [{ ...old, errors: every(4, 300, 420) }],
    { services: [service([[46, 300, 420]])] },
    'fail',
    'The deployment of feed-api:46 ran from 02:45:00 to 02:47:00 UTC: no errors in the 5 min before it, 30 in the 2 min it ran, none in the 8 min after it; the errors began and ended with it (33 % of the requests came before it).',
  ],
  [
    'the errors end as the deployment begins',
    [{ ...old, errors: every(4, 0, 300) }],
    { services: [service([[46, 302]])] },
    'pass',
    'The deployment of feed-api:46 has been running since 02:45:02 UTC: 75 errors in the 5 min before it, none in the 10 min since; the errors ended with it.',
  ],
  [
    'nearly all errors end as the deployment begins',
    [{ ...old, errors: [...every(4, 0, 300), 310] }],
    { services: [service([[46, 302]])] },
    'pass',
    'The deployment of feed-api:46 has been running since 02:45:02 UTC: 75 errors in the 5 min before it, 1 in the 10 min since; the errors fell off with it.',
  ],
  [
    'a deployment before the window',
    [{ ...old, errors: every(4, 0, 300) }],
    { services: [service([[46, -600]])] },
    'pass',
    'The deployment of feed-api:46 has been running since 02:30:00 UTC: 75 errors in the 15 min of the window; it began before the window.',
  ],
  [
    'a deployment of the day before',
    [{ ...old, errors: [400] }],
    { services: [service([[46, -86_400]])] },
    'not-applicable',
    'Found no deployment of the failing target (ECS, CodeDeploy, instance refresh).',
  ],
  [
    'errors that began long before the deployment',
    [{ ...old, errors: every(15, 0, 900) }],
    { services: [service([[46, 450]])] },
    'pass',
    'The deployment of feed-api:46 has been running since 02:47:30 UTC: 30 errors in the 8 min before it, 30 in the 8 min since; the error rate did not change with it.',
  ],
  [
    'errors that began with the deployment on old and new targets alike',
    [
      { ...old, count: 10, errors: every(4, 300, 900) },
      { ...fresh, count: 10, errors: every(4, 302, 900) },
    ],
    {
      services: [
        service([
          [47, 280],
          [46, -86_400, -86_000],
        ]),
      ],
    },
    'pass',
    'the errors began with it (31 % of the requests came before it), but old and new targets fail alike. 3.0 % of the requests to feed-api:46 failed (150 of 5,000), 3.0 % of the requests to feed-api:47 (149 of 5,000).',
  ],
  [
    'one target of the new revision, which may fail for its host',
    [
      { ...old, count: 19 },
      { ...fresh, count: 1, errors: every(5, 310, 900) },
    ],
    {},
    'pass',
    '0 % of the requests to feed-api:46 failed (0 of 9,500), 24 % of the requests to feed-api:47 (118 of 500).',
  ],
  [
    'two of four targets are new and fail, which chance may give',
    [
      { ...old, count: 2 },
      { ...fresh, errors: every(5, 310, 900) },
    ],
    {},
    'pass',
    '0 % of the requests to feed-api:46 failed (0 of 1,000), 12 % of the requests to feed-api:47 (118 of 1,000).',
  ],
  [
    'the old revision fails as its targets are taken out',
    [
      { ...old, count: 8, errors: every(5, 310, 900) },
      { ...fresh, count: 8 },
    ],
    {},
    'pass',
    '2.9 % of the requests to feed-api:46 failed (118 of 4,000), 0 % of the requests to feed-api:47 (0 of 4,000).',
  ],
  [
    'a handful of errors',
    [{ ...old, errors: [400, 410] }],
    { services: [service([[46, 300]])] },
    'pass',
    'no errors in the 5 min before it, 2 in the 10 min since; too little to tell a change from chance.',
  ],
  [
    'a deployment 100 s into the window, after one error',
    [{ ...old, errors: [60, 410] }],
    { services: [service([[46, 100]])] },
    'pass',
    '1 error in the 1 min 40 s before it, 1 in the 13 min since;',
  ],
  [
    'no deployment',
    [{ ...old, errors: [400] }],
    { services: [] },
    'not-applicable',
    'Found no deployment of the failing target (ECS, CodeDeploy, instance refresh).',
  ],
  [
    'no deployment was looked up',
    [{ ...old, errors: [400] }],
    {},
    'unknown',
    'Could not check deployments: there is no data from CloudTrail, ECS, CodeDeploy or Auto Scaling.',
  ],
  [
    'no error',
    [old],
    { services: [service([[46, 300]])] },
    'not-applicable',
    'The log has no error to compare with deployments.',
  ],
])('%s', (_, targets, evidence, outcome, sentence) => {
  const verdict = verdictOn(targets, evidence);
  expect(verdict.summary).toContain(sentence);
  expect(verdict.outcome).toBe(outcome);
});

it('takes a CodeDeploy deployment of the target group, and none of another one', () => {
  const deployment = (deploymentId: string, name: string) => ({
    ...{ deploymentId, status: 'Succeeded', startTime: time(300), completeTime: time(420) },
    loadBalancerInfo: { targetGroupPairInfoList: [{ targetGroups: [{ name }] }] },
  });
  const verdict = verdictOn([{ ...old, errors: every(4, 300, 420) }], {
    targetGroups: [{ TargetGroupArn: API, TargetGroupName: 'api' }],
    codeDeployments: [deployment('d-OWN', 'api'), deployment('d-OTHER', 'checkout')],
  });
  expect(verdict.summary).toContain('CodeDeploy d-OWN ran from 02:45:00 to 02:47:00 UTC');
  expect(verdict.summary).not.toContain('d-OTHER');
});

it('begins a CodeDeploy deployment when it first moves traffic', () => {
  const verdict = verdictOn([{ ...old, errors: every(4, 300, 420) }], {
    targetGroups: [{ TargetGroupArn: API, TargetGroupName: 'api' }],
    codeDeployments: [
      {
        ...{ deploymentId: 'd-1', status: 'InProgress', startTime: time(-600) },
        loadBalancerInfo: { targetGroupInfoList: [{ name: 'api' }] },
      },
    ],
    changes: [{ EventName: 'ModifyListener', EventTime: time(300), Username: 'codedeploy', CloudTrailEvent: '{}' }],
  });
  expect(verdict.summary).toContain(
    'CodeDeploy d-1 has been running since 02:45:00 UTC: no errors in the 5 min before it',
  );
});

it('names the deployment that a rollback undoes', () => {
  const verdict = verdictOn([{ ...old, errors: every(4, 300, 420) }], {
    targetGroups: [{ TargetGroupArn: API, TargetGroupName: 'api' }],
    codeDeployments: [
      {
        ...{ deploymentId: 'd-2', status: 'Succeeded', startTime: time(420), completeTime: time(430) },
        rollbackInfo: { rollbackTriggeringDeploymentId: 'd-1' },
        loadBalancerInfo: { targetGroupInfoList: [{ name: 'api' }] },
      },
    ],
  });
  expect(verdict.summary).toContain('The CodeDeploy rollback d-2 of d-1 ran from 02:47:00 to 02:47:10 UTC');
});

it('takes an instance refresh from its first to its last activity', () => {
  const activity = (start: number, end: number) => ({
    ...{ Cause: 'an instance was terminated in response to an instance refresh.' },
    ...{ StartTime: time(start), EndTime: time(end) },
  });
  const verdict = verdictOn([{ ...old, errors: every(4, 300, 420) }], {
    targetGroups: [{ TargetGroupArn: API, TargetGroupName: 'api', TargetType: 'instance' }],
    scalingActivities: { 'feed-fleet': [activity(360, 420), activity(300, 350)] },
  });
  expect(verdict.summary).toContain('The instance refresh of feed-fleet ran from 02:45:00 to 02:47:00 UTC');
});

const GREEN = API.replace('targetgroup/api/', 'targetgroup/green/');
const LISTENER = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop-prod/50dc6c495c0c9188/f2f7';

/** Sets the weights of api and green at this second. */
const weighted = (at: number, percent: number, listenerArn = LISTENER) => ({
  ...{ EventName: 'ModifyListener', EventTime: time(at), Username: 'ecs-service-scheduler' },
  CloudTrailEvent: JSON.stringify({
    requestParameters: {
      listenerArn,
      defaultActions: [
        {
          type: 'forward',
          forwardConfig: {
            targetGroups: [
              { targetGroupArn: API, weight: 100 - percent },
              { targetGroupArn: GREEN, weight: percent },
            ],
          },
        },
      ],
    },
  }),
});

describe('a deployment whose traffic ECS shifts by weight', () => {
  const shifting = (more: object = {}): DeploymentEvidence => ({
    services: [
      {
        ...{ serviceArn: ecs('service', 'main/feed-api'), serviceName: 'feed-api', clusterArn: ecs('cluster', 'main') },
        deploymentConfiguration: { strategy: 'CANARY' },
        loadBalancers: [{ targetGroupArn: API, advancedConfiguration: { alternateTargetGroupArn: GREEN } }],
        deployments: [
          { status: 'PRIMARY', taskDefinition: ecs('task-definition', 'feed-api:47'), createdAt: time(20) },
        ],
      },
    ],
    serviceDeployments: [
      {
        serviceDeploymentArn: ecs('service-deployment', 'main/feed-api/Hq3v'),
        ...{ serviceArn: ecs('service', 'main/feed-api'), startedAt: time(20), status: 'IN_PROGRESS' },
        targetServiceRevision: {
          arn: ecs('service-revision', 'main/feed-api/47'),
          requestedProductionTrafficWeight: 50,
        },
        deploymentConfiguration: { strategy: 'CANARY' },
        ...more,
      },
    ],
    serviceRevisions: [
      {
        serviceRevisionArn: ecs('service-revision', 'main/feed-api/47'),
        taskDefinition: ecs('task-definition', 'feed-api:47'),
        resolvedConfiguration: {
          loadBalancers: [{ targetGroupArn: GREEN, productionListenerRule: LISTENER }],
        },
      },
    ],
  });
  const errors = every(10, 300, 600).concat(every(5, 600, 900));
  const summaryOf = (evidence: DeploymentEvidence, seconds = errors) => {
    const failures = seconds.map((at) =>
      failed('closed-before-response', at, { target: '10.0.2.1:8080', target_group_arn: GREEN }),
    );
    const targets = [
      target('10.0.1.1:8080', { requests: 9000 }),
      target('10.0.2.1:8080', { requests: 1000, target_group_arn: GREEN }),
    ];
    const traffic = readTraffic(logOf(failures, { targets }), question, () => null, targetOwners({}));
    return errorsByDeployment.evaluate({ traffic, ...evidence }, question).summary;
  };

  it('counts the errors of each weight', () => {
    expect(summaryOf({ ...shifting(), changes: [weighted(300, 10), weighted(600, 50)] })).toBe(
      'The canary deployment of feed-api:47 has been running since 02:45:00 UTC: no errors in the 5 min before it, 90 in the 10 min since; the errors began with it (33 % of the requests came before it). With 10 % of the traffic, feed-api:47 had 30 errors in 5 min; with 50 %, 60 errors in 5 min.',
    );
  });

  it('takes no weights of the listener for tests', () => {
    const changes = [weighted(250, 100, `${LISTENER}-test`), weighted(300, 10)];
    expect(summaryOf({ ...shifting(), changes })).toContain(
      'With 10 % of the traffic, feed-api:47 had 90 errors in 10 min.',
    );
  });

  it('names the weight it has now if the calls were not read', () => {
    expect(summaryOf(shifting())).toMatch(/ feed-api:47 has 50 % of the traffic\.$/);
  });

  it.each([
    ['is over', { status: 'SUCCESSFUL', finishedAt: time(600) }, 'The canary deployment of feed-api:47 ran from'],
    [
      'was rolled back',
      { status: 'ROLLBACK_SUCCESSFUL', finishedAt: time(600) },
      'The canary deployment of feed-api:47 (rolled back) ran from',
    ],
    [
      'is blue/green',
      { deploymentConfiguration: { strategy: 'BLUE_GREEN' } },
      'The blue/green deployment of feed-api:47 has been running since',
    ],
  ])('%s', (_, more, sentence) => {
    expect(summaryOf(shifting(more))).toContain(sentence);
  });

  it('is named if it began hours before the window and still shifts traffic', () => {
    expect(summaryOf(shifting({ startedAt: time(-4 * 3600) }))).toContain(
      'The canary deployment of feed-api:47 has been running since 22:40:00 UTC',
    );
  });
});

it('counts the errors of each weight of a CodeDeploy canary', () => {
  const failures = every(5, 300, 900).map((at) =>
    failed('closed-before-response', at, { target: '10.0.2.1:8080', target_group_arn: GREEN }),
  );
  const traffic = readTraffic(logOf(failures, {}), question, () => null, targetOwners({}));
  const verdict = errorsByDeployment.evaluate(
    {
      traffic,
      targetGroups: [API, GREEN].map((TargetGroupArn) => ({
        ...{ TargetGroupArn, TargetGroupName: TargetGroupArn === API ? 'api' : 'green' },
      })),
      codeDeployments: [
        {
          ...{ deploymentId: 'd-1', status: 'InProgress', startTime: time(-600) },
          loadBalancerInfo: { targetGroupPairInfoList: [{ targetGroups: [{ name: 'api' }, { name: 'green' }] }] },
        },
      ],
      changes: [weighted(300, 10)],
    },
    question,
  );
  expect(verdict.summary).toContain('With 10 % of the traffic, green had 120 errors in 10 min.');
});

it('names no failing targets where no request reached one', () => {
  const traffic = readTraffic(logOf(several(3, 'no-target'), {}), question, () => null, targetOwners({}));
  expect(errorsByDeployment.evaluate({ traffic, changes: [] }, question).summary).toBe(
    'Found no deployment (ECS, CodeDeploy, instance refresh).',
  );
});

it('says who has the addresses now if no deployment is known', () => {
  const interfaces = ['10.0.1.1', '10.0.1.2'].map((PrivateIpAddress, index) => ({
    ...{ NetworkInterfaceId: `eni-${index}`, PrivateIpAddress },
    Description: 'arn:aws:ecs:eu-west-1:123456789012:attachment/0c1d',
  }));
  const failures = [1, 2, 3].map((host) =>
    failed('closed-before-response', 400 + host, { target: `10.0.1.${host}:80` }),
  );
  const traffic = readTraffic(logOf(failures, {}), question, () => null, targetOwners({}));
  expect(errorsByDeployment.evaluate({ traffic, changes: [], networkInterfaces: interfaces }, question).summary).toBe(
    'Found no deployment of the failing targets (ECS, CodeDeploy, instance refresh). Their addresses are those of ECS tasks (2 of 3).',
  );
});
