/** Two targets fail, and only one of them is claimed: the fix names that one and never the other. */
import { describe, expect, it } from 'vitest';
import type { Cause } from '../../../src/diagnose/causes/cause.ts';
import { closedMidRequest } from '../../../src/diagnose/causes/closed-mid-request.ts';
import { connectionRefused } from '../../../src/diagnose/causes/connection-refused.ts';
import { noRegisteredTargets } from '../../../src/diagnose/causes/no-registered-targets.ts';
import { protocolMismatch } from '../../../src/diagnose/causes/protocol-mismatch.ts';
import { targetGone } from '../../../src/diagnose/causes/target-gone.ts';
import { targetUnreachable } from '../../../src/diagnose/causes/target-unreachable.ts';
import { tlsHandshakeFailure } from '../../../src/diagnose/causes/tls-handshake-failure.ts';
import { workerTimeout } from '../../../src/diagnose/causes/worker-timeout.ts';
import type { SignatureId } from '../../../src/diagnose/signature.ts';
import type { AccessLog, FailedRequest } from '../../../src/evidence/access-log.ts';
import type { MetricSeries, TargetHealthDescription } from '../../../src/evidence/aws.ts';
import { judgementOf } from '../../support/judgement.ts';
import {
  call,
  connectTimeoutEvidence,
  group,
  health,
  NODE,
  targetTraffic,
} from '../../support/network/connect-timeouts.ts';
import { albGroup, appGroup, eni, group as securityGroup } from '../../support/network/network.ts';
import { API, failed, MINUTE, question, START, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

/** The first to fail, and claimed by nothing that is judged here. */
const OTHER = '10.0.1.5:8080';
const CLAIMED = '10.0.1.6:8080';
const WEB = API.replace('targetgroup/api/', 'targetgroup/web/');

const six = (kind: SignatureId, from: number, fields: Partial<FailedRequest>): FailedRequest[] =>
  Array.from({ length: 6 }, (_, index) => failed(kind, from + index * 10, { node: NODE, ...fields }));

/** `OTHER` fails first. */
const both = (kind: SignatureId, fields: Partial<FailedRequest> = {}, claimedFields: Partial<FailedRequest> = {}) => [
  ...six(kind, 60, { ...fields, target: OTHER }),
  ...six(kind, 65, { ...fields, target: CLAIMED, ...claimedFields }),
];

const bothTargets = { targets: [target(OTHER), target(CLAIMED)] };
const counts = (MetricName: string, name: string, value: number): MetricSeries => ({
  MetricName,
  Dimensions: {
    LoadBalancer: 'app/shop-prod/50dc6c495c0c9188',
    TargetGroup: `targetgroup/${name}/0123456789abcdef`,
  },
  Stat: 'Sum',
  Period: 60,
  Timestamps: value > 0 ? [new Date(START + MINUTE).toISOString()] : [],
  Values: value > 0 ? [value] : [],
});
const registered = (id: string, state: string, reason?: string): TargetHealthDescription => health(state, reason, id);

interface Situation {
  name: string;
  cause: Cause;
  evidence: Parameters<typeof judgementOf>[1];
  names: string;
  neverNames: string;
}

const timeouts = both('connect-timeout', { elapsed: 10.001 });
const timedOut = (known: object) =>
  connectTimeoutEvidence({
    errors: timeouts,
    targets: [targetTraffic(), targetTraffic({ target: CLAIMED })],
    known: { networkInterfaces: [eni('10.0.1.5'), eni('10.0.1.6')], ...known },
  });

const closedAt = (seconds: number, from: number, fields: Partial<FailedRequest>): FailedRequest[] =>
  Array.from({ length: 6 }, (_, index) =>
    failed('closed-before-response', from + index * 40, {
      target_processing_time: seconds,
      elapsed: seconds,
      ...fields,
    }),
  );
/** Five requests of one target that end together. */
const burst = (address: string, at: number, routes: string[]): FailedRequest[] =>
  Array.from({ length: 5 }, (_, index) =>
    failed('closed-before-response', at, {
      target: address,
      target_processing_time: 1.3 + index * 0.7,
      elapsed: 1.3 + index * 0.7,
      route: routes[index % routes.length] ?? '',
    }),
  );
const slowRoute = (route: string, succeededMaxMs: number): AccessLog['routes'][number] => ({
  route,
  requests: 300,
  failures: 6,
  succeeded: 294,
  succeededMs: 294 * 2000,
  succeededMaxMs,
});
const timers = [
  ...closedAt(20, 60, { target: OTHER, route: 'GET /export' }),
  ...closedAt(30, 61.7, { target: CLAIMED, route: 'GET /report' }),
];

const situations: Situation[] = [
  {
    name: 'one target is behind a closed security group, the other one does not answer on an open path',
    cause: targetUnreachable,
    evidence: timedOut({
      networkInterfaces: [eni('10.0.1.5', { Groups: [{ GroupId: 'sg-closed' }] }), eni('10.0.1.6')],
      securityGroups: [albGroup, appGroup, securityGroup('sg-closed', [])],
      targetHealth: { [API]: [registered('10.0.1.5', 'unhealthy'), registered('10.0.1.6', 'unhealthy')] },
    }),
    names: 'http://10.0.1.6:8080/',
    neverNames: '10.0.1.5',
  },
  {
    name: 'one target was terminated before the timeouts, the other one is registered',
    cause: targetGone,
    evidence: connectTimeoutEvidence({
      errors: both('connect-timeout', { elapsed: 10.001 }, { target_group_arn: WEB }),
      targets: [targetTraffic(), targetTraffic({ target: CLAIMED, target_group_arn: WEB })],
      known: {
        networkInterfaces: [eni('10.0.1.5'), eni('10.0.1.6')],
        targetGroups: [group(), group({ TargetGroupArn: WEB, TargetGroupName: 'web' })],
        targetHealth: { [API]: [registered('10.0.1.5', 'unhealthy')], [WEB]: [] },
        changes: [call('DeregisterTargets', '10.0.1.6', 30, { targetGroupArn: WEB, targets: [{ id: '10.0.1.6' }] })],
      },
    }),
    names: WEB,
    neverNames: API,
  },
  {
    name: 'one target is draining, nothing listens on the other one',
    cause: connectionRefused,
    evidence: {
      traffic: trafficOf(both('connect-failed'), {
        targets: [target(OTHER, { lastSeen: START + 2 * MINUTE, lastSuccess: START + MINUTE }), target(CLAIMED)],
      }),
      targetGroups: [group()],
      targetHealth: { [API]: [registered('10.0.1.5', 'draining'), registered('10.0.1.6', 'unhealthy')] },
    },
    names: CLAIMED,
    neverNames: OTHER,
  },
  {
    name: 'one target is in an HTTP group, the other in a group whose handshakes fail',
    cause: tlsHandshakeFailure,
    evidence: {
      traffic: trafficOf(both('connect-failed', {}, { target_group_arn: WEB }), {
        targets: [target(OTHER), target(CLAIMED, { target_group_arn: WEB })],
      }),
      targetGroups: [group(), group({ TargetGroupArn: WEB, TargetGroupName: 'web', Protocol: 'HTTPS' })],
      metrics: [counts('TargetTLSNegotiationErrorCount', 'web', 6), counts('TargetConnectionErrorCount', 'web', 0)],
    },
    names: CLAIMED,
    neverNames: OTHER,
  },
  {
    name: 'one target is in a group that speaks HTTP, the other one gets HTTPS on a plaintext port',
    cause: protocolMismatch,
    evidence: {
      traffic: trafficOf(both('connect-failed', {}, { target_group_arn: WEB }), {
        targets: [
          target(OTHER),
          target(CLAIMED, { target_group_arn: WEB, firstSuccess: null, lastSuccess: null, failures: 1000 }),
        ],
      }),
      targetGroups: [
        group(),
        group({ TargetGroupArn: WEB, TargetGroupName: 'web', Protocol: 'HTTPS', HealthCheckProtocol: 'HTTP' }),
      ],
      targetHealth: { [API]: [registered('10.0.1.5', 'healthy')], [WEB]: [registered('10.0.1.6', 'healthy')] },
    },
    names: '--name web-http',
    neverNames: '--name api',
  },
  {
    name: 'one group may have refused requests through its target optimizer, the other one has no target',
    cause: noRegisteredTargets,
    evidence: {
      traffic: trafficOf([...six('no-target', 60, {}), ...six('no-target', 65, { target_group_arn: WEB }).slice(0, 5)]),
      targetGroups: [group({ TargetControlPort: 3000 }), group({ TargetGroupArn: WEB, TargetGroupName: 'web' })],
      targetHealth: { [API]: [], [WEB]: [] },
    },
    names: WEB,
    neverNames: API,
  },
  {
    name: 'one route outlives its 20 s, the other one never lasts longer than 30 s',
    cause: workerTimeout,
    evidence: {
      traffic: trafficOf(timers, {
        ...bothTargets,
        routes: [slowRoute('GET /export', 55_000), slowRoute('GET /report', 29_000)],
      }),
    },
    names: 'GET /report',
    neverNames: 'GET /export',
  },
  {
    name: 'one target drops a route now and then, the other one drops everything at one moment',
    cause: closedMidRequest,
    evidence: {
      traffic: trafficOf(
        [
          ...[100, 160, 230, 310].flatMap((at) => burst(OTHER, at, ['GET /orders']).slice(0, 1)),
          ...burst(CLAIMED, 400, ['GET /a', 'GET /b', 'GET /c']),
        ],
        bothTargets,
      ),
    },
    names: CLAIMED,
    neverNames: OTHER,
  },
];

describe('the fix names the claimed target', () => {
  it.each(situations)('of $cause.id when $name', ({ cause, evidence, names, neverNames }) => {
    const { claims, fix } = judgementOf(cause, evidence, question);
    expect(claims.map(({ strength }) => strength)).not.toEqual([]);
    const text = [fix.summary, ...fix.commands].join('\n');
    expect(text).toContain(names);
    expect(text).not.toContain(neverNames);
  });
});
