import { describe, expect, it } from 'vitest';
import { diagnose } from '../../../src/diagnose/diagnose.ts';
import type { EventEvidence } from '../../../src/diagnose/events/event.ts';
import { findEvents } from '../../../src/diagnose/events/find-events.ts';
import { readTraffic } from '../../../src/diagnose/traffic.ts';
import type { AccessLog } from '../../../src/evidence/access-log.ts';
import type { CloudTrailEvent } from '../../../src/evidence/aws.ts';
import type { EvidenceSet } from '../../../src/evidence/evidence.ts';
import { NAMING_EVIDENCE } from '../../../src/evidence/evidence.ts';
import { answering, failing, type ServedRequest, servedLog } from '../../support/traffic/served-traffic.ts';
import { API, LB, question, START } from '../../support/traffic/traffic-builder.ts';

const TARGETS = ['10.0.1.5:8080', '10.0.1.6:8080', '10.0.1.7:8080', '10.0.1.8:8080'];
const WINDOW = 900;

/** Requests that the targets go on answering. */
const sound = TARGETS.flatMap((target) => answering(target, 0, WINDOW));

/** Requests closed after some work, on all targets in turn, on one route. */
const closed = (count: number, from: number, every: number): ServedRequest[] =>
  Array.from({ length: count }, (_, index) =>
    failing('closed-before-response', from + index * every, TARGETS[index % 4] ?? '', {
      route: 'GET /cart',
      took: 0.1 + (index % 7) * 0.05,
    }),
  );

const call = (name: string, second: number, request: object, user = 'deploy'): CloudTrailEvent => ({
  EventName: name,
  EventTime: new Date(START + second * 1000).toISOString(),
  Username: user,
  CloudTrailEvent: JSON.stringify({ requestParameters: request }),
});

const deployed = (second: number, more: object = {}) =>
  call('UpdateService', second, {
    cluster: 'main',
    service: 'checkout-api',
    taskDefinition: 'checkout-api:42',
    ...more,
  });

/** The service behind the target group, as ECS tells it. */
const services = [
  {
    serviceArn: 'arn:aws:ecs:eu-west-1:123456789012:service/main/checkout-api',
    serviceName: 'checkout-api',
    loadBalancers: [{ targetGroupArn: API }],
  },
];

const eventsOf = (requests: readonly ServedRequest[], evidence: EventEvidence, part: Partial<AccessLog> = {}) =>
  findEvents(readTraffic(servedLog(requests, part), question), { services, ...evidence }, question).map(
    ({ kind, standing, causes, errors, summary, calls }) => ({
      kind,
      standing,
      causes,
      errors: errors.length,
      summary,
      calls,
    }),
  );

const broken = [...sound, ...closed(188, 300, 3)];

describe('errors that begin right after a call', () => {
  it('come with the call and the seconds between, and are possible at most', () => {
    expect(eventsOf(broken, { changes: [deployed(290)] })).toEqual([
      {
        kind: 'change',
        standing: 'possible',
        causes: [],
        errors: 188,
        summary: 'The first of 188 errors came 10 s after UpdateService for checkout-api by deploy at 02:44:50 UTC.',
        calls: [{ name: 'UpdateService', at: START + 290_000, user: 'deploy', secondsBefore: 10, revert: null }],
      },
    ]);
  });

  it.each<[string, CloudTrailEvent[], string]>([
    [
      'the task definition before',
      [deployed(-80_000, { taskDefinition: 'checkout-api:41' }), deployed(290)],
      'aws ecs update-service --cluster main --service checkout-api --task-definition checkout-api:41',
    ],
    [
      'the deregistration delay before',
      ['120', '0'].map((value, index) =>
        call('ModifyTargetGroupAttributes', [-80_000, 290][index] ?? 0, {
          targetGroupArn: API,
          attributes: [{ key: 'deregistration_delay.timeout_seconds', value }],
        }),
      ),
      `aws elbv2 modify-target-group-attributes --target-group-arn ${API} --attributes Key=deregistration_delay.timeout_seconds,Value=120`,
    ],
    [
      'the idle timeout before',
      [4000, 20].map((value, index) =>
        call('ModifyLoadBalancerAttributes', [-80_000, 290][index] ?? 0, {
          loadBalancerArn: LB,
          attributes: [{ key: 'idle_timeout.timeout_seconds', value: String(value) }],
        }),
      ),
      `aws elbv2 modify-load-balancer-attributes --load-balancer-arn ${LB} --attributes Key=idle_timeout.timeout_seconds,Value=4000`,
    ],
  ])('are offered the command that returns to %s', (_, changes, revert) => {
    const [found] = eventsOf([...sound, ...closed(188, 300, 3)], { changes });
    expect(found?.calls[0]?.revert).toBe(revert);
  });

  it('are offered the command that returns to the security groups before', () => {
    const unanswered = Array.from({ length: 40 }, (_, index) =>
      failing('idle-timeout', 300 + index * 3, TARGETS[index % 4] ?? '', { route: 'GET /cart' }),
    );
    const changes = ['sg-0a', 'sg-0b'].map((group, index) =>
      call('SetSecurityGroups', [-80_000, 290][index] ?? 0, { loadBalancerArn: LB, securityGroups: [group] }),
    );
    expect(eventsOf([...sound, ...unanswered], { changes })[0]?.calls[0]?.revert).toBe(
      `aws elbv2 set-security-groups --load-balancer-arn ${LB} --security-groups sg-0a`,
    );
  });

  it.each<[string, CloudTrailEvent, ServedRequest[]]>([
    ['the attributes of their target group', call('ModifyTargetGroupAttributes', 290, { targetGroupArn: API }), broken],
    ['the listener', call('ModifyListener', 290, { listenerArn: LB.replace('loadbalancer', 'listener') }), broken],
    [
      'the security groups of the load balancer, where the network may be at fault',
      call('SetSecurityGroups', 290, { loadBalancerArn: LB }),
      [
        ...sound,
        ...Array.from({ length: 40 }, (_, index) =>
          failing('idle-timeout', 300 + index * 3, TARGETS[index % 4] ?? '', { route: 'GET /cart' }),
        ),
      ],
    ],
  ])('are told after a change of %s', (_, change, requests) => {
    expect(eventsOf(requests, { changes: [change] })).toMatchObject([{ kind: 'change', standing: 'possible' }]);
  });

  it.each<[string, ServedRequest[], CloudTrailEvent[]]>([
    ['the errors ran steadily, with the call in their middle', [...sound, ...closed(290, 10, 3)], [deployed(450)]],
    ['the same errors ran before at a fourth of the rate', [...broken, ...closed(23, 10, 12)], [deployed(290)]],
    ['the call came 40 minutes before', broken, [deployed(300 - 40 * 60)]],
    [
      'the call came 20 minutes before, and another change in between',
      broken,
      [deployed(300 - 20 * 60), call('ModifyTargetGroup', -300, { targetGroupArn: API, healthCheckPath: '/up' })],
    ],
    [
      'the call came 20 minutes before, and such calls come every two hours',
      broken,
      Array.from({ length: 12 }, (_, index) => deployed(300 - 20 * 60 - 7200 * index)),
    ],
    [
      'the call came 20 minutes before, and such errors ran already',
      [...broken, ...closed(23, 10, 12)],
      [deployed(300 - 20 * 60)],
    ],
    ['the call came after they began', broken, [deployed(310)]],
    [
      'one straggler follows the call, and the rest minutes later',
      [...sound, ...closed(1, 300, 3), ...closed(60, 600, 3)],
      [deployed(290)],
    ],
    ['they are only three', [...sound, ...closed(3, 300, 1)], [deployed(290)]],
    [
      'they are so few that they may have begun at any time',
      [...sound, ...closed(6, 300, 28), ...closed(4, 500, 90)],
      [deployed(100)],
    ],
    [
      'the call is one that a controller makes every minute',
      broken,
      Array.from({ length: 1440 }, (_, index) => deployed(290 - 60 * index)),
    ],
    [
      'the call concerns another service',
      broken,
      [deployed(290, { service: 'batch-worker', taskDefinition: 'batch-worker:7' })],
    ],
    [
      'the call only asks for more tasks',
      broken,
      [call('UpdateService', 290, { service: 'checkout-api', desiredCount: 6 })],
    ],
    ['the call cannot cause them', broken, [call('SetSecurityGroups', 290, { loadBalancerArn: LB })]],
    ['the call was refused', broken, [{ ...deployed(290), CloudTrailEvent: '{"errorCode":"AccessDenied"}' }]],
    ['nothing was read before the call', closed(188, 300, 3), [deployed(290)]],
  ])('are not laid at the call if %s', (_, requests, changes) => {
    expect(eventsOf(requests, { changes }).filter(({ kind }) => kind === 'change')).toEqual([]);
  });

  it.each<[string, CloudTrailEvent[], string]>([
    [
      'a deployment 20 minutes before that left no trace in the log',
      [deployed(300 - 20 * 60)],
      'The first of 188 errors came 20 min after UpdateService for checkout-api by deploy at 02:25:00 UTC, the only relevant change in the hour before.',
    ],
    [
      'a changed rule 95 seconds before, beside what targets and other services do by themselves',
      [
        call('ModifyRule', 205, { ruleArn: LB.replace('loadbalancer', 'listener-rule') }),
        call('RegisterTargets', 100, { targetGroupArn: API }, 'autoscaling'),
        deployed(150, { service: 'batch-worker', taskDefinition: 'batch-worker:7' }),
        call('UpdateService', 120, { service: 'checkout-api', desiredCount: 6 }),
      ],
      'The first of 188 errors came 1 min 35 s after ModifyRule for shop-prod by deploy at 02:43:25 UTC, the only relevant change in the hour before.',
    ],
  ])('are told with the time between after %s', (_, changes, summary) => {
    expect(eventsOf(broken, { changes })).toMatchObject([
      { kind: 'change', standing: 'possible', causes: [], summary },
    ]);
  });

  it.each([
    ['are not laid at the call if CloudWatch counted as many in the hour before', 20, []],
    ['are laid at the call if CloudWatch counted hardly any in the hour before', 0, ['change']],
  ])('%s', (_, perMinute, kinds) => {
    const minutes = Array.from({ length: 60 }, (_each, index) => START + 240_000 - index * 60_000).reverse();
    const metrics = [
      {
        MetricName: 'HTTPCode_ELB_502_Count',
        Dimensions: { LoadBalancer: LB.split(':loadbalancer/')[1] ?? '' },
        Stat: 'Sum',
        Period: 60,
        Timestamps: minutes.map((at) => new Date(at).toISOString()),
        Values: minutes.map(() => perMinute),
      },
    ];
    expect(eventsOf(broken, { changes: [deployed(290)], metrics }).map(({ kind }) => kind)).toEqual(kinds);
  });
});

describe('the verdict on errors that begin right after a call', () => {
  const unknown = { status: 'unavailable', source: '', reason: 'it was not recorded' } as const;
  const diagnosisOf = (requests: readonly ServedRequest[], changes: CloudTrailEvent[]) => {
    const names = [
      'loadBalancer',
      'attributes',
      'listeners',
      'rules',
      'targetGroups',
      'targetGroupAttributes',
    ] as const;
    const others = [
      'targetHealth',
      'securityGroups',
      'networkAcls',
      'subnets',
      'routeTables',
      'networkInterfaces',
    ] as const;
    const rest = ['instances', 'prefixLists', 'functions', ...NAMING_EVIDENCE, 'edge', 'metrics'] as const;
    const evidence = Object.fromEntries([...names, ...others, ...rest].map((name) => [name, unknown]));
    return diagnose(question, {
      ...(evidence as EvidenceSet),
      accessLog: { status: 'collected', source: 'logs/', value: servedLog(requests) },
      changes: { status: 'collected', source: 'lookup-events', value: changes },
      services: { status: 'collected', source: 'describe-services', value: services },
    });
  };

  it('starts with the call, and leaves open what was open', () => {
    const { verdict, parts, events } = diagnosisOf(broken, [deployed(290)]);
    const without = diagnosisOf(broken, []);
    expect(verdict.summary).toBe(`${events[0]?.summary} ${without.verdict.summary}`);
    expect({ ...verdict, summary: '' }).toEqual({ ...without.verdict, summary: '' });
    expect(parts).toEqual(without.parts.map((part, index) => (index === 0 ? { ...part, onset: 0 } : part)));
  });

  it('does not start with it if other errors lead', () => {
    const refused = Array.from({ length: 250 }, (_, index) =>
      failing('connect-failed', 10 + index * 3.5, TARGETS[index % 4] ?? '', { route: 'GET /search' }),
    );
    const { verdict, events } = diagnosisOf([...broken, ...refused], [deployed(290)]);
    expect(events).toMatchObject([{ kind: 'change', errors: 188 }]);
    expect(verdict.summary).not.toMatch(/began/);
  });
});
