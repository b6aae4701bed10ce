/** Why targets went, from what ECS says of the tasks that had their addresses. */

import { describe, expect, it } from 'vitest';
import type { EventEvidence } from '../../../src/diagnose/events/event.ts';
import { findEvents } from '../../../src/diagnose/events/find-events.ts';
import type { IncidentEvent } from '../../../src/diagnose/events/incident-event.ts';
import { withReasonFixes } from '../../../src/diagnose/events/reason-fix.ts';
import { targetOwners } from '../../../src/diagnose/targets/target-owners.ts';
import { readTraffic, type Traffic } from '../../../src/diagnose/traffic.ts';
import { command } from '../../../src/format/command.ts';
import { answering, failing, servedLog } from '../../support/traffic/served-traffic.ts';
import { API, question, START } from '../../support/traffic/traffic-builder.ts';

const [A, B, C] = ['10.0.1.5:8080', '10.0.1.6:8080', '10.0.1.7:8080'];
const ecs = (kind: string, name: string) => `arn:aws:ecs:eu-west-1:123456789012:${kind}/${name}`;
const time = (second: number): string => new Date(START + second * 1000).toISOString();

/** A answers for five minutes and then refuses; the others answer all the time. */
const requests = [
  ...[B, C].flatMap((target) => answering(target, 0, 900)),
  ...answering(A, 0, 300),
  ...Array.from({ length: 20 }, (_, index) => failing('connect-failed', 300 + index, A)),
];

interface Stop {
  at: number;
  stopCode: string;
  stoppedReason?: string;
  containers?: { name: string; exitCode?: number; reason?: string }[];
}

/** The task of A, of revision 47, which stopped so. */
function evidenceOf({ at, ...stop }: Stop, more: EventEvidence = {}): EventEvidence {
  return {
    services: [
      {
        ...{ serviceArn: ecs('service', 'main/feed-api'), serviceName: 'feed-api', clusterArn: ecs('cluster', 'main') },
        loadBalancers: [{ targetGroupArn: API }],
        deployments: [
          { status: 'PRIMARY', taskDefinition: ecs('task-definition', 'feed-api:47'), createdAt: time(-86_400) },
        ],
      },
    ],
    tasks: [
      {
        ...{ taskArn: ecs('task', 'main/8f3c5a6b'), clusterArn: ecs('cluster', 'main'), group: 'service:feed-api' },
        taskDefinitionArn: ecs('task-definition', 'feed-api:47'),
        startedAt: time(-3600),
        stoppingAt: time(at),
        lastStatus: 'STOPPED',
        attachments: [{ details: [{ name: 'privateIPv4Address', value: '10.0.1.5' }] }],
        ...stop,
      },
    ],
    ...more,
  };
}

function eventOf(evidence: EventEvidence) {
  const owners = targetOwners(evidence);
  const [event] = findEvents(
    readTraffic(servedLog(requests), question, () => null, owners),
    evidence,
    question,
  );
  return event;
}

describe('the task with the address', () => {
  it.each<[string, Stop, string, string]>([
    [
      'ran out of memory',
      {
        ...{ at: 299, stopCode: 'EssentialContainerExited', stoppedReason: 'Essential container in task exited' },
        containers: [{ name: 'app', exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' }],
      },
      'out-of-memory',
      'container "app" ran out of memory (exit 137) at 02:44:59 UTC (feed-api:47)',
    ],
    [
      'exited by itself',
      { at: 299, stopCode: 'EssentialContainerExited', containers: [{ name: 'app', exitCode: 1 }] },
      'exited',
      'container "app" exited with code 1 at 02:44:59 UTC (feed-api:47)',
    ],
    [
      'was reclaimed',
      { at: 299, stopCode: 'SpotInterruption', stoppedReason: 'Your Spot Task was interrupted.' },
      'spot',
      'its Spot capacity was reclaimed at 02:44:59 UTC (feed-api:47)',
    ],
    [
      'failed its health checks',
      {
        at: 299,
        stopCode: 'ServiceSchedulerInitiated',
        stoppedReason: 'Task failed ELB health checks in (target-group x)',
      },
      'failed-health-checks',
      'its health checks failed and ECS stopped it at 02:44:59 UTC (feed-api:47)',
    ],
    [
      'was scaled in',
      {
        at: 299,
        stopCode: 'ServiceSchedulerInitiated',
        stoppedReason: 'Scaling activity initiated by (deployment ecs-svc/1)',
      },
      'scale-in',
      'ECS stopped the task in a scale-in at 02:44:59 UTC (feed-api:47)',
    ],
  ])('%s', (_, stop, kind, clause) => {
    const event = eventOf(evidenceOf(stop));
    expect(event).toMatchObject({ standing: 'confirmed', reason: { kind, at: START + 299_000, clause } });
    expect(event?.summary).toContain(`feed-api task 8f3c… (10.0.1.5) in api`);
    expect(event?.summary).toContain(clause);
  });

  it('gives no reason if it stopped an hour later', () => {
    expect(eventOf(evidenceOf({ at: 3900, stopCode: 'EssentialContainerExited' }))?.reason).toBeNull();
  });
});

/** The fix of a shutdown that explains this event. */
function fixOf(event: IncidentEvent | undefined, traffic: Traffic, evidence: EventEvidence) {
  const id = 'shutdown-before-drain' as const;
  const standing = 'likely' as const;
  const fix = { summary: '', commands: [command`aws elbv2 …`], sideEffects: [] };
  const cause = {
    ...{ id, title: '', standing, summary: null, explains: 1 },
    ...{ for: [], against: [], missing: [], fix, reference: '' },
  };
  const part = { causes: [id], standing, errors: [], count: 20, event: event ?? null };
  return withReasonFixes([cause], [part], traffic, evidence)[0]?.fix;
}

describe('the health-check log', () => {
  const checks = (reason: string, statusCode: string, from = 280) => ({
    healthChecks: [
      {
        ...{ targetGroup: 'api', target: A, from: START + from * 1000, to: null, last: START + 340_000, failures: 9 },
        lastPassed: START + 250_000,
        ...{ nodes: ['10.0.0.10', '10.0.1.10', '10.0.2.10'], reasons: [{ reason, statusCode, count: 9 }] },
      },
    ],
  });
  const summaryOf = (log: ReturnType<typeof checks>, evidence: EventEvidence) => {
    const traffic = readTraffic(servedLog(requests, log), question, () => null, targetOwners(evidence));
    return findEvents(traffic, evidence, question)[0]?.summary;
  };
  const unhealthy = evidenceOf({
    ...{ at: 299, stopCode: 'ServiceSchedulerInitiated' },
    stoppedReason: 'Task failed ELB health checks in (target-group x)',
  });

  it.each([
    ['timed out', checks('TimedOut', '-'), 'timed out'],
    ['got a status', checks('TargetError', '503'), 'HTTP 503'],
  ])('says since when checks of a target %s', (_, log, why) => {
    expect(summaryOf(log, {})).toContain(
      `Its health checks failed from 02:44:40 UTC, seen by 3 nodes: ${why}; the last one passed at 02:44:10 UTC.`,
    );
  });

  it('explains why ECS stopped the task', () => {
    expect(summaryOf(checks('TargetError', '503'), unhealthy)).toContain(
      'its health checks failed and ECS stopped it at 02:44:59 UTC (health checks: HTTP 503; feed-api:47)',
    );
  });

  it.each([
    [
      'got a status',
      checks('TargetError', '503'),
      'Find out why feed-api answered its health checks with 503: read its log from 02:44 UTC.',
      "Then check that the health check's path is right.",
    ],
    [
      'timed out',
      checks('TimedOut', '-'),
      'Find out why health checks of feed-api timed out: compare the check',
      'timeout and grace period with the time feed-api takes to answer and to start.',
    ],
    [
      'were not logged',
      {},
      'Find out why feed-api failed its health checks: read its log.',
      "Then check the health check's path, timeout and grace period.",
    ],
  ])('says what to compare for checks that %s', (_, log, start, end) => {
    const traffic = readTraffic(servedLog(requests, log), question, () => null, targetOwners(unhealthy));
    const summary = fixOf(findEvents(traffic, unhealthy, question)[0], traffic, unhealthy)?.summary ?? '';
    expect([summary.slice(0, start.length), summary.slice(-end.length)]).toEqual([start, end]);
  });

  it.each([
    ['Health checks failed with these codes: [503]', 'HTTP 503', 'answered its health checks with 503'],
    ['Health checks failed with these codes: [502,503]', 'HTTP 502 and HTTP 503', 'with 502 and 503'],
    ['Request timed out', 'timed out', 'health checks of feed-api timed out'],
    ['Unhealthy', 'Unhealthy', 'failed its health checks'],
  ])('is replaced by the service event "%s"', (reason, clause, fix) => {
    const [service] = unhealthy.services ?? [];
    const message = `(service feed-api) (port 8080) is unhealthy in (target-group x) due to (reason ${reason}).`;
    const events = [{ createdAt: new Date(START + 290_000).toISOString(), message }];
    const evidence = { ...unhealthy, services: service ? [{ ...service, events }] : [] };
    const traffic = readTraffic(servedLog(requests), question, () => null, targetOwners(evidence));
    const [event] = findEvents(traffic, evidence, question);
    expect(event?.summary).toContain(`(health checks: ${clause}; feed-api:47)`);
    expect(fixOf(event, traffic, evidence)?.summary).toContain(fix);
  });

  it('is left out where checks failed at another time', () => {
    expect(summaryOf(checks('TimedOut', '-', 700), {})).not.toContain('health checks');
  });
});

it('gives one reason for tasks of a service that run out of memory one after another', () => {
  const memory = [{ name: 'app', exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' }];
  const first = evidenceOf({ at: 299, stopCode: 'EssentialContainerExited', containers: memory });
  const second = evidenceOf({ at: 599, stopCode: 'EssentialContainerExited', containers: memory });
  const later = (second.tasks ?? []).map((task) => ({
    ...task,
    taskArn: ecs('task', 'main/41d0c2ab'),
    attachments: [{ details: [{ name: 'privateIPv4Address', value: '10.0.1.6' }] }],
  }));
  const evidence = { ...first, tasks: [...(first.tasks ?? []), ...later] };
  const twice = [
    ...answering(C, 0, 900),
    ...answering(A, 0, 300),
    ...Array.from({ length: 20 }, (_, index) => failing('connect-failed', 300 + index, A)),
    ...answering(B, 0, 600),
    ...Array.from({ length: 20 }, (_, index) => failing('connect-failed', 600 + index, B)),
  ];
  const traffic = readTraffic(servedLog(twice), question, () => null, targetOwners(evidence));
  const events = findEvents(traffic, evidence, question);
  expect(events).toMatchObject([{ kind: 'crash', targets: [A, B], reason: { kind: 'out-of-memory' } }]);
  expect(events[0]?.summary).toBe(
    '2 tasks of api (feed-api:47) ran out of memory at 02:44:59 and 02:49:59 UTC. 40 errors in 5 min 19 s.',
  );
});

it('tells of tasks that were scaled in when each went', () => {
  const stop = { stopCode: 'ServiceSchedulerInitiated', stoppedReason: 'Scaling activity initiated by (deployment x)' };
  const first = evidenceOf({ at: 299, ...stop });
  const others = [B, C].flatMap((target, index) =>
    (evidenceOf({ at: 303 + 4 * index, ...stop }).tasks ?? []).map((task) => ({
      ...task,
      taskArn: ecs('task', `main/41d0c2a${index}`),
      attachments: [{ details: [{ name: 'privateIPv4Address', value: target.replace(':8080', '') }] }],
    })),
  );
  const evidence = { ...first, tasks: [...others, ...(first.tasks ?? [])] };
  const gone = [A, B, C].flatMap((target, index) => [
    ...answering(target, 0, 300 + 4 * index),
    ...Array.from({ length: 6 }, (_, second) => failing('connect-failed', 301 + 4 * index + second, target)),
  ]);
  const kept = answering('10.0.1.8:8080', 0, 900);
  const traffic = readTraffic(servedLog([...gone, ...kept]), question, () => null, targetOwners(evidence));
  expect(findEvents(traffic, evidence, question)[0]?.summary).toBe(
    '3 targets of api (feed-api:47) were taken out in a scale-in at 02:44:59, 02:45:03 and 02:45:07 UTC, while requests were still being sent to them. 18 errors in 13 s.',
  );
});

it('names once the person who stopped it', () => {
  const changes = [
    {
      ...{ EventName: 'StopTask', EventTime: time(299), Username: 'alice' },
      CloudTrailEvent: JSON.stringify({ requestParameters: { task: '8f3c5a6b' } }),
    },
  ];
  const event = eventOf(evidenceOf({ at: 299, stopCode: 'UserInitiated' }, { changes }));
  expect(event?.reason?.kind).toBe('stopped');
  expect(event?.summary.match(/alice/g)).toHaveLength(1);
});

it('names the ingress if the controller created the target group', () => {
  const tags = [
    {
      ResourceArn: API,
      Tags: [
        { Key: 'elbv2.k8s.aws/cluster', Value: 'prod-1' },
        { Key: 'ingress.k8s.aws/stack', Value: 'shop/web' },
      ],
    },
  ];
  expect(eventOf({ tags })?.summary).toContain('The targets are pods behind ingress shop/web in cluster prod-1.');
});

const ownHook = (HeartbeatTimeout: number) => ({
  ...{ LifecycleHookName: 'leave', LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING', HeartbeatTimeout },
});
const hookCommand = (name: string) =>
  `aws autoscaling put-lifecycle-hook --auto-scaling-group-name web --lifecycle-hook-name ${name} --lifecycle-transition autoscaling:EC2_INSTANCE_TERMINATING --heartbeat-timeout 120`;

describe('a scale-in of an instance', () => {
  const scaledIn = (hooks: EventEvidence['lifecycleHooks']): EventEvidence => ({
    instances: [
      {
        ...{ InstanceId: 'i-0ab', PrivateIpAddress: '10.0.1.5' },
        Tags: [{ Key: 'aws:autoscaling:groupName', Value: 'web' }],
      },
    ],
    scalingActivities: {
      web: [
        {
          ...{ Description: 'Terminating EC2 instance: i-0ab', StartTime: time(298) },
          Cause:
            'At 02:44 an instance was taken out of service in response to a difference between desired and actual capacity.',
        },
      ],
    },
    ...(hooks === undefined ? {} : { lifecycleHooks: hooks }),
  });
  const hook = (LifecycleTransition: string) => ({ LifecycleHookName: 'drain', LifecycleTransition });

  it.each<[string, EventEvidence['lifecycleHooks'], boolean]>([
    ['without a hook', { web: [] }, true],
    ['with a hook for launches only', { web: [hook('autoscaling:EC2_INSTANCE_LAUNCHING')] }, true],
    ['with a hook that delays terminations', { web: [hook('autoscaling:EC2_INSTANCE_TERMINATING')] }, false],
    ['where hooks were not read', undefined, false],
  ])('%s', (_, hooks, isSaid) => {
    const event = eventOf(scaledIn(hooks));
    const clause = 'Auto Scaling group web terminated it in a scale-in at 02:44:58 UTC';
    const missing = '; no lifecycle hook delays terminations of web';
    expect(event?.reason?.clause).toBe(isSaid ? `${clause}${missing}` : clause);
  });

  it.each<[string, EventEvidence['lifecycleHooks'], string[]]>([
    ['is given one if it has none', { web: [] }, [hookCommand('drain')]],
    ['is given one if its hooks are unknown', undefined, [hookCommand('drain')]],
    ['gets a longer one if its own is short', { web: [ownHook(30)] }, [hookCommand('leave')]],
    ['keeps one that waits long enough', { web: [ownHook(300)] }, ['aws elbv2 …']],
  ])('the group %s', (_, hooks, commands) => {
    const evidence = scaledIn(hooks);
    const traffic = readTraffic(servedLog([]), question, () => null, targetOwners(evidence));
    expect(fixOf(eventOf(evidence), traffic, evidence)?.commands).toEqual(commands);
  });
});
