/** Fixes fit the incident: they use its numbers, names and runtime. */
import { describe, expect, it } from 'vitest';
import type { Cause } from '../../../src/diagnose/causes/cause.ts';
import { connectionRefused } from '../../../src/diagnose/causes/connection-refused.ts';
import { lambdaInvalidResponse } from '../../../src/diagnose/causes/lambda-invalid-response.ts';
import { noRegisteredTargets } from '../../../src/diagnose/causes/no-registered-targets.ts';
import { shutdownBeforeDrain } from '../../../src/diagnose/causes/shutdown-before-drain.ts';
import { slowTarget } from '../../../src/diagnose/causes/slow-target.ts';
import { targetGone } from '../../../src/diagnose/causes/target-gone.ts';
import { workerTimeout } from '../../../src/diagnose/causes/worker-timeout.ts';
import { judgementOf } from '../../support/judgement.ts';
import { call, connectTimeoutEvidence, health } from '../../support/network/connect-timeouts.ts';
import { eni } from '../../support/network/network.ts';
import { API, LB, question, START, several, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

interface Situation {
  name: string;
  cause: Cause;
  evidence: Parameters<typeof judgementOf>[1];
  says: string[];
  neverSays?: string[];
}

/** A target that left at minute 5 with refused connections, on a route whose longest success took 20.6 s. */
const leavingAfter = (succeededMaxMs: number) =>
  trafficOf(
    several(6, 'connect-failed', () => ({ target: '10.0.1.5:8080', route: 'GET /export' }), 1),
    {
      targets: [
        target('10.0.1.5:8080', { lastSeen: START + 66_000, lastSuccess: START + 59_000 }),
        target('10.0.1.6:8080', { firstSeen: START + 50_000 }),
      ],
      routes: [
        {
          ...{ route: 'GET /export', requests: 600, failures: 6, succeeded: 594 },
          succeededMs: 594_000,
          succeededMaxMs,
        },
      ],
    },
  );
const leaving = leavingAfter(20_600);

/** Fourteen requests that end after `seconds` of work. */
const cutAfter = (seconds: number, route = 'GET /reports') =>
  trafficOf(
    several(14, 'closed-before-response', (index) => ({
      target_processing_time: seconds + index / 1000,
      received_bytes: 80_000,
      route,
    })),
  );

const noTarget = trafficOf(several(6, 'no-target', () => ({ target: '-' })));
const loadBalancer = {
  LoadBalancerArn: LB,
  LoadBalancerName: 'shop-prod',
  AvailabilityZones: [
    { ZoneName: 'eu-west-1a', SubnetId: 'subnet-a' },
    { ZoneName: 'eu-west-1b', SubnetId: 'subnet-b' },
  ],
};
const lambda = trafficOf(several(6, 'lambda-failure', () => ({ target: '-', error_reason: 'LambdaInvalidResponse' })));

const situations: Situation[] = [
  {
    name: 'a target that shuts down early: delay, sleep and grace from the longest request',
    cause: shutdownBeforeDrain,
    evidence: {
      traffic: leaving,
      targetGroupAttributes: { [API]: { 'deregistration_delay.timeout_seconds': '300' } },
    },
    says: [
      'Keep this order: deregistration delay (30 s) < preStop sleep (35 s) < grace period (50 s).',
      'from 300 s to 30 s: requests that run longer on a draining target are cut off',
      'took 20.6 s',
      '["sleep", "35"]',
      'Key=deregistration_delay.timeout_seconds,Value=30',
    ],
    neverSays: ['"20"'],
  },
  {
    name: 'a deregistration delay that is right already is not set again',
    cause: shutdownBeforeDrain,
    evidence: {
      traffic: leaving,
      targetGroupAttributes: { [API]: { 'deregistration_delay.timeout_seconds': '30' } },
    },
    says: ['["sleep", "35"]'],
    neverSays: ['modify-target-group-attributes'],
  },
  {
    name: 'requests longer than Fargate waits after SIGTERM: its most, and what to do then',
    cause: shutdownBeforeDrain,
    evidence: { traffic: leavingAfter(182_000) },
    says: [
      'took 182',
      'stopTimeout: 120   # ECS task definition, the most on Fargate (210 on EC2)',
      'Fargate allows 120 s between SIGTERM and SIGKILL, and these requests need 210 s',
      'deregistration_delay.timeout_seconds,Value=190',
    ],
  },
  {
    name: 'a reclaimed spot instance: handling of the notice',
    cause: targetGone,
    evidence: connectTimeoutEvidence({
      targets: [target('10.0.1.5:8080', { lastSeen: START + 40_000, lastSuccess: START + 40_000 })],
      known: { changes: [call('BidEvictedEvent', 'sg-1', 45)], targetHealth: { [API]: [] } },
    }),
    says: ['spot interruption notice', 'ECS_ENABLE_SPOT_INSTANCE_DRAINING', '--capacity-rebalance'],
    neverSays: ['preStop'],
  },
  {
    name: '30 s of work: the default of gunicorn',
    cause: workerTimeout,
    evidence: { traffic: cutAfter(30) },
    says: ['gunicorn --timeout 55   # default 30 s', "below the load balancer's idle timeout (60 s by default)"],
    neverSays: ['harakiri', 'server.requestTimeout'],
  },
  {
    name: '30 s of work below an idle timeout of 120 s: there is room for twice the time',
    cause: workerTimeout,
    evidence: { traffic: cutAfter(30), attributes: { 'idle_timeout.timeout_seconds': '120' } },
    says: ['gunicorn --timeout 60', '(120 s now)'],
  },
  {
    name: '30 s of work below an idle timeout of 32 s: no room, so the idle timeout comes first',
    cause: workerTimeout,
    evidence: { traffic: cutAfter(30), attributes: { 'idle_timeout.timeout_seconds': '32' } },
    says: ["raise the load balancer's idle timeout (32 s now) above it first"],
  },
  {
    name: '300 s of work: the default of Node.js',
    cause: workerTimeout,
    evidence: { traffic: cutAfter(300, 'POST /reports') },
    says: ['server.requestTimeout = 600_000'],
    neverSays: ['gunicorn'],
  },
  {
    name: '300 s of work without a body: no timer that waits for one',
    cause: workerTimeout,
    evidence: { traffic: cutAfter(300) },
    says: ['gunicorn --timeout 600', 'server.timeout = 600_000'],
    neverSays: ['server.requestTimeout'],
  },
  {
    name: '60 s with a body: nginx may have waited for it',
    cause: workerTimeout,
    evidence: { traffic: cutAfter(60, 'POST /reports') },
    says: ['client_body_timeout'],
  },
  {
    name: '60 s without a body: nginx had nothing to wait for',
    cause: workerTimeout,
    evidence: { traffic: cutAfter(60) },
    says: ['Unicorn'],
    neverSays: ['client_body_timeout'],
  },
  {
    name: '7 s of work: no default, so settings made by hand',
    cause: workerTimeout,
    evidence: { traffic: cutAfter(7) },
    says: ['gunicorn --timeout 14', 'harakiri = 14', 'WriteTimeout: 14 * time.Second'],
  },
  {
    name: 'no answer within the idle timeout: streams send data before it ends',
    cause: slowTarget,
    evidence: {
      traffic: trafficOf(several(6, 'idle-timeout', () => ({ elapsed: 60.004 }))),
      attributes: { 'idle_timeout.timeout_seconds': '60' },
    },
    says: ['server-sent events', 'at intervals well under 60 s'],
  },
  {
    name: 'targets of a zone that is not enabled: the zone is enabled, in addition to the others',
    cause: noRegisteredTargets,
    evidence: {
      traffic: noTarget,
      loadBalancer,
      targetHealth: { [API]: [health('unused', 'Target.NotInUse', 'i-0c')] },
      instances: [{ InstanceId: 'i-0c', Placement: { AvailabilityZone: 'eu-west-1c' } }],
    },
    says: ['Enable eu-west-1c', `set-subnets --load-balancer-arn ${LB} --subnets subnet-a subnet-b`],
    neverSays: ['register-targets'],
  },
  {
    name: 'instances that are stopped: they are started or replaced',
    cause: noRegisteredTargets,
    evidence: { traffic: noTarget, targetHealth: { [API]: [health('unused', 'Target.InvalidState', 'i-0stopped')] } },
    says: ['Start or replace i-0stopped', 'describe-instances --instance-ids i-0stopped'],
    neverSays: ['register-targets'],
  },
  {
    name: 'a group that ECS emptied: its service gets tasks again',
    cause: noRegisteredTargets,
    evidence: {
      traffic: noTarget,
      targetHealth: { [API]: [] },
      changes: [
        {
          ...{ EventName: 'DeregisterTargets', EventTime: new Date(START).toISOString() },
          Username: 'ecs-service-scheduler',
          CloudTrailEvent: JSON.stringify({ requestParameters: { targetGroupArn: API } }),
        },
      ],
    },
    says: [
      'Check the desired count of the ECS service behind api; if it is 0, raise it.',
      "If the count is not 0, read the service's events: they say why no task is registered in api.",
      'aws ecs describe-services',
    ],
    neverSays: ['register-targets'],
  },
  {
    name: 'an ECS task that refuses connections: another one replaces it',
    cause: connectionRefused,
    evidence: {
      traffic: trafficOf(several(6, 'connect-failed', () => ({ target: '10.0.1.5:8080' }))),
      networkInterfaces: [
        eni('10.0.1.5', { Description: 'arn:aws:ecs:eu-west-1:123456789012:attachment/0f1e2d3c-4b5a-6978' }),
      ],
      targetHealth: { [API]: [{ Target: { Id: '10.0.1.5', Port: 8080 }, TargetHealth: { State: 'unhealthy' } }] },
    },
    says: [
      'Read the log of the ECS task at 10.0.1.5:8080, then stop',
      '`"10.0.1.5"`',
      "--task '<task at 10.0.1.5:8080>'",
    ],
    neverSays: ['Start the process', 'nft'],
  },
  {
    name: 'a group without targets: targets are registered',
    cause: noRegisteredTargets,
    evidence: { traffic: noTarget, targetHealth: { [API]: [] } },
    says: ['register-targets'],
    neverSays: ['set-subnets'],
  },
  {
    name: 'multi-value headers are on: an example of that kind, and the command that turns them off',
    cause: lambdaInvalidResponse,
    evidence: { traffic: lambda, targetGroupAttributes: { [API]: { 'lambda.multi_value_headers.enabled': 'true' } } },
    says: [
      '"multiValueHeaders": {"content-type": ["application/json"]}',
      'Key=lambda.multi_value_headers.enabled,Value=false',
    ],
    neverSays: ['"headers":'],
  },
  {
    name: 'multi-value headers are off: an example of that kind, and the command that turns them on',
    cause: lambdaInvalidResponse,
    evidence: { traffic: lambda, targetGroupAttributes: { [API]: { 'lambda.multi_value_headers.enabled': 'false' } } },
    says: ['"headers": {"content-type": "application/json"}', 'Value=true'],
    neverSays: ['"multiValueHeaders":'],
  },
];

describe('the fix', () => {
  it.each(situations)('$name', ({ cause, evidence, says, neverSays = [] }) => {
    const { fix } = judgementOf(cause, evidence, question);
    const text = [fix.summary, ...fix.commands, ...(fix.settings ?? []), ...(fix.notes ?? []), ...fix.sideEffects].join(
      '\n',
    );
    for (const part of says) expect(text).toContain(part);
    for (const part of neverSays) expect(text).not.toContain(part);
  });
});
