/** Rows of the shape `-1 -1 -1` 502 at once: refused, TLS, the wrong protocol, or a target on its way out. */
import { describe, expect, it } from 'vitest';
import type { Cause } from '../../../src/diagnose/causes/cause.ts';
import { connectionRefused } from '../../../src/diagnose/causes/connection-refused.ts';
import { protocolMismatch } from '../../../src/diagnose/causes/protocol-mismatch.ts';
import { shutdownBeforeDrain } from '../../../src/diagnose/causes/shutdown-before-drain.ts';
import { tlsHandshakeFailure } from '../../../src/diagnose/causes/tls-handshake-failure.ts';
import type { DiagnosisEvidence } from '../../../src/diagnose/diagnosis-evidence.ts';
import { targetOwners } from '../../../src/diagnose/targets/target-owners.ts';
import type { TargetTraffic } from '../../../src/evidence/access-log.ts';
import type { CloudTrailEvent, MetricSeries, TargetGroup, TargetHealthDescription } from '../../../src/evidence/aws.ts';
import { judgementOf } from '../../support/judgement.ts';
import {
  API,
  failed,
  MINUTE,
  question,
  START,
  several,
  target,
  trafficOf,
} from '../../support/traffic/traffic-builder.ts';

const FAMILY: readonly Cause[] = [connectionRefused, tlsHandshakeFailure, protocolMismatch, shutdownBeforeDrain];

const group = (part: Partial<TargetGroup>): TargetGroup[] => [
  {
    TargetGroupArn: API,
    TargetGroupName: 'api',
    Protocol: 'HTTP',
    Port: 8080,
    HealthCheckPort: 'traffic-port',
    ...part,
  },
];

const errors = (MetricName: string, value: number): MetricSeries => ({
  MetricName,
  Dimensions: { LoadBalancer: 'app/shop-prod/50dc6c495c0c9188', TargetGroup: 'targetgroup/api/0123456789abcdef' },
  Stat: 'Sum',
  Period: 60,
  Timestamps: value > 0 ? [new Date(START + MINUTE).toISOString()] : [],
  Values: value > 0 ? [value] : [],
});

/** One unhealthy host from this minute of the window to its end. */
const unhealthyFrom = (minute: number): MetricSeries => ({
  MetricName: 'UnHealthyHostCount',
  Dimensions: { LoadBalancer: 'app/shop-prod/50dc6c495c0c9188', TargetGroup: 'targetgroup/api/0123456789abcdef' },
  Stat: 'Maximum',
  Period: 60,
  Timestamps: Array.from({ length: 15 }, (_, i) => new Date(START + i * MINUTE).toISOString()),
  Values: Array.from({ length: 15 }, (_, i) => (i >= minute ? 1 : 0)),
});

const health = (address: string, State: string, Reason?: string): TargetHealthDescription => ({
  Target: { Id: address, Port: 8080 },
  TargetHealth: { State, ...(Reason ? { Reason } : {}) },
});

const leaves = (address: string) => target(address, { lastSeen: START + 70_000, lastSuccess: START + 60_000 });
const never = (address: string) => target(address, { firstSuccess: null, lastSuccess: null });

const deregistered = (id: string, seconds: number): CloudTrailEvent => ({
  EventName: 'DeregisterTargets',
  EventTime: new Date(START + seconds * 1000).toISOString(),
  CloudTrailEvent: JSON.stringify({ requestParameters: { targetGroupArn: API, targets: [{ id, port: 8080 }] } }),
});

interface Situation {
  name: string;
  evidence?: Partial<Omit<DiagnosisEvidence, 'traffic'>>;
  targets?: TargetTraffic[];
  expected: Record<string, string>;
}

const situations: Situation[] = [
  {
    name: 'an HTTP group whose target keeps getting requests',
    evidence: { targetGroups: group({}) },
    targets: [target('10.0.1.5:8080'), target('10.0.1.6:8080')],
    expected: {
      'connection-refused': 'confirmed',
      'tls-handshake-failure': 'ruled out',
      'protocol-mismatch': 'ruled out',
      'shutdown-before-drain': 'ruled out',
    },
  },
  {
    name: 'health checks took it out: registered, unhealthy',
    evidence: {
      targetGroups: group({}),
      targetHealth: {
        [API]: [health('10.0.1.5', 'unhealthy', 'Target.FailedHealthChecks'), health('10.0.1.6', 'healthy')],
      },
    },
    targets: [leaves('10.0.1.5:8080'), target('10.0.1.6:8080')],
    expected: { 'connection-refused': 'confirmed', 'shutdown-before-drain': 'ruled out' },
  },
  {
    name: 'it was draining when it refused',
    evidence: {
      targetGroups: group({}),
      targetHealth: { [API]: [health('10.0.1.5', 'draining'), health('10.0.1.6', 'healthy')] },
    },
    targets: [leaves('10.0.1.5:8080'), target('10.0.1.6:8080')],
    expected: { 'shutdown-before-drain': 'confirmed', 'connection-refused': 'ruled out' },
  },
  {
    name: 'it refused for 40 s before its deregistration: it crashed and was replaced, or was stopped without notice',
    evidence: { targetGroups: group({}), changes: [deregistered('10.0.1.5', 100)] },
    targets: [
      leaves('10.0.1.5:8080'),
      target('10.0.1.6:8080'),
      target('10.0.1.7:8080', { firstSeen: START + 3 * MINUTE }),
    ],
    expected: { 'shutdown-before-drain': 'possible', 'connection-refused': 'possible' },
  },
  {
    name: 'another target of the group took over',
    evidence: { targetGroups: group({}) },
    targets: [
      leaves('10.0.1.5:8080'),
      target('10.0.1.6:8080'),
      target('10.0.1.7:8080', { firstSeen: START + 3 * MINUTE }),
    ],
    expected: { 'shutdown-before-drain': 'likely', 'connection-refused': 'ruled out' },
  },
  {
    name: 'the only new target replaced another one, and health checks found this one down',
    evidence: { targetGroups: group({}), metrics: [unhealthyFrom(1)] },
    targets: [
      leaves('10.0.1.5:8080'),
      target('10.0.1.6:8080', { lastSeen: START + 5 * MINUTE, lastSuccess: START + 5 * MINUTE }),
      target('10.0.1.7:8080', { firstSeen: START + 5 * MINUTE }),
    ],
    expected: { 'connection-refused': 'confirmed', 'shutdown-before-drain': 'ruled out' },
  },
  {
    name: 'another target took over, and health checks may have found this one down first',
    evidence: { targetGroups: group({}), metrics: [unhealthyFrom(1)] },
    targets: [
      leaves('10.0.1.5:8080'),
      target('10.0.1.6:8080'),
      target('10.0.1.7:8080', { firstSeen: START + 3 * MINUTE }),
    ],
    expected: { 'connection-refused': 'possible', 'shutdown-before-drain': 'possible' },
  },
  {
    name: 'CloudTrail has it deregistered just before',
    evidence: { targetGroups: group({}), changes: [deregistered('10.0.1.5', 40)] },
    targets: [leaves('10.0.1.5:8080'), target('10.0.1.6:8080')],
    expected: { 'shutdown-before-drain': 'confirmed', 'connection-refused': 'ruled out' },
  },
  {
    name: 'CloudTrail has another one deregistered',
    evidence: { targetGroups: group({}), changes: [deregistered('10.0.1.9', 40)] },
    targets: [leaves('10.0.1.5:8080'), target('10.0.1.6:8080')],
    expected: { 'shutdown-before-drain': 'possible', 'connection-refused': 'possible' },
  },
  {
    name: 'it left for an unknown reason',
    evidence: { targetGroups: group({}) },
    targets: [leaves('10.0.1.5:8080'), target('10.0.1.6:8080')],
    expected: { 'shutdown-before-drain': 'possible', 'connection-refused': 'possible' },
  },
  {
    name: 'its absence now proves nothing',
    evidence: { targetGroups: group({}), targetHealth: { [API]: [health('10.0.1.6', 'healthy')] } },
    targets: [leaves('10.0.1.5:8080'), target('10.0.1.6:8080')],
    expected: { 'shutdown-before-drain': 'possible', 'connection-refused': 'possible' },
  },
  {
    name: 'the group was not read',
    targets: [never('10.0.1.5:8080')],
    expected: {
      'connection-refused': 'possible',
      'tls-handshake-failure': 'possible',
      'protocol-mismatch': 'possible',
    },
  },
  {
    name: 'HTTPS group, TLS errors counted and no connection errors, it answered other requests',
    evidence: {
      targetGroups: group({ Protocol: 'HTTPS' }),
      metrics: [errors('TargetTLSNegotiationErrorCount', 20), errors('TargetConnectionErrorCount', 0)],
    },
    targets: [target('10.0.1.5:8080')],
    expected: {
      'tls-handshake-failure': 'confirmed',
      'connection-refused': 'ruled out',
      'protocol-mismatch': 'ruled out',
    },
  },
  {
    name: 'HTTPS group, TLS errors, no success: old TLS or plain HTTP',
    evidence: {
      targetGroups: group({ Protocol: 'HTTPS' }),
      metrics: [errors('TargetTLSNegotiationErrorCount', 20), errors('TargetConnectionErrorCount', 0)],
    },
    targets: [never('10.0.1.5:8080')],
    expected: {
      'tls-handshake-failure': 'possible',
      'protocol-mismatch': 'possible',
      'connection-refused': 'ruled out',
    },
  },
  {
    name: 'HTTPS group with a passing plain HTTP health check on the same port',
    evidence: {
      targetGroups: group({ Protocol: 'HTTPS', HealthCheckProtocol: 'HTTP' }),
      targetHealth: { [API]: [health('10.0.1.5', 'healthy')] },
      metrics: [errors('TargetTLSNegotiationErrorCount', 20), errors('TargetConnectionErrorCount', 0)],
    },
    targets: [never('10.0.1.5:8080')],
    expected: { 'protocol-mismatch': 'likely', 'tls-handshake-failure': 'ruled out' },
  },
  {
    name: 'HTTPS group, connection errors counted and no TLS errors',
    evidence: {
      targetGroups: group({ Protocol: 'HTTPS' }),
      metrics: [errors('TargetTLSNegotiationErrorCount', 0), errors('TargetConnectionErrorCount', 20)],
    },
    targets: [target('10.0.1.5:8080')],
    expected: { 'connection-refused': 'confirmed', 'tls-handshake-failure': 'ruled out' },
  },
];

describe('failed while connecting', () => {
  describe('when the process of one target has died', () => {
    const died = [61, 62, 63].map((second) => failed('connect-failed', second));
    const down = { [API]: [health('10.0.1.5', 'unhealthy'), health('10.0.1.6', 'healthy')] };

    it('leaves open a shutdown for an error in the last moments of another target', () => {
      const closed = failed('closed-before-response', 885, { target: '10.0.1.9:8080', target_processing_time: 0.4 });
      const targets = [
        leaves('10.0.1.5:8080'),
        target('10.0.1.6:8080'),
        target('10.0.1.9:8080', { requests: 400, lastSeen: START + 885_000, lastSuccess: START + 880_000 }),
      ];
      const known = { traffic: trafficOf([...died, closed], { targets }), targetHealth: down };
      const { ruledOut, missing } = judgementOf(shutdownBeforeDrain, known, question);
      expect(ruledOut).toBe(false);
      expect(missing).toEqual(['Whether 10.0.1.9:8080 left is unknown: the log ends too soon.']);
    });

    it('does not count its unhealthy host against a target that left later', () => {
      const closed = [600, 601, 602].map((second) =>
        failed('closed-before-response', second, { target: '10.0.1.9:8080' }),
      );
      const targets = [
        leaves('10.0.1.5:8080'),
        target('10.0.1.6:8080'),
        target('10.0.1.9:8080', { lastSeen: START + 603_000, lastSuccess: START + 599_000 }),
      ];
      const known = {
        traffic: trafficOf([...died, ...closed], { targets }),
        targetHealth: down,
        metrics: [unhealthyFrom(1)],
      };
      const { claims, ruledOut } = judgementOf(shutdownBeforeDrain, known, question);
      expect(ruledOut).toBe(false);
      expect(claims.filter(({ errors }) => errors.length > 0)).toMatchObject([
        { strength: 'possible', errors: { length: 3 } },
      ]);
    });
  });

  it.each(situations)('$name', ({ evidence, targets, expected }) => {
    const traffic = trafficOf(
      several(20, 'connect-failed', () => ({ elapsed: 0.001 }), 0.5),
      targets ? { targets } : {},
    );
    const judged = Object.fromEntries(
      FAMILY.map((cause) => {
        const { claims, ruledOut } = judgementOf(cause, { traffic, ...evidence }, question);
        const strongest = ['confirmed', 'likely', 'possible'].find((strength) =>
          claims.some((claim) => claim.strength === strength && claim.errors.length > 0),
        );
        return [cause.id, strongest ?? (ruledOut ? 'ruled out' : 'untested')];
      }),
    );
    expect(judged).toMatchObject(expected);
  });

  it.each([
    ['answers other requests', target('10.0.1.5:8080'), /^Find out why 10\.0\.1\.5:8080 fails new TLS handshakes/],
    ['never answered', never('10.0.1.5:8080'), /^Make 10\.0\.1\.5:8080 accept a TLS version and cipher/],
  ])('failed TLS handshakes of a target that %s have their own fix', (_, one, fix) => {
    const metrics = [errors('TargetTLSNegotiationErrorCount', 20), errors('TargetConnectionErrorCount', 0)];
    const traffic = trafficOf(several(20, 'connect-failed'), { targets: [one] });
    const known = { traffic, metrics, targetGroups: group({ Protocol: 'HTTPS' }) };
    expect(judgementOf(tlsHandshakeFailure, known, question).fix.summary).toMatch(fix);
  });

  describe('a connection that ended after 10 s', () => {
    const tlsOnly = [errors('TargetTLSNegotiationErrorCount', 5), errors('TargetConnectionErrorCount', 0)];
    it.each([
      { name: 'TLS errors and no failed connection were counted', metrics: tlsOnly, strength: 'confirmed' },
      {
        name: 'the same, and the target never answered: it may wait for plain HTTP',
        metrics: tlsOnly,
        strength: 'possible',
        targets: [never('10.0.1.5:8080')],
      },
      { name: 'no error was counted', metrics: [], strength: 'possible' },
    ])('to an HTTPS group, $name: $strength', ({ metrics, strength, targets }) => {
      const traffic = trafficOf(several(5, 'connect-timeout'), { targets: targets ?? [target('10.0.1.5:8080')] });
      const known = { traffic, metrics, targetGroups: group({ Protocol: 'HTTPS' }) };
      const { claims } = judgementOf(tlsHandshakeFailure, known, question);
      expect(claims.filter((claim) => claim.errors.length > 0)).toMatchObject([{ strength, errors: { length: 5 } }]);
    });

    it('to an HTTPS group is no handshake if failed connections but no TLS errors were counted', () => {
      const metrics = [errors('TargetTLSNegotiationErrorCount', 0), errors('TargetConnectionErrorCount', 5)];
      const known = {
        traffic: trafficOf(several(5, 'connect-timeout')),
        metrics,
        targetGroups: group({ Protocol: 'HTTPS' }),
      };
      expect(judgementOf(tlsHandshakeFailure, known, question)).toMatchObject({ claims: [], ruledOut: true });
    });
  });

  it('explains no errors on an open connection, and says so with the count', () => {
    const traffic = trafficOf(several(7, 'idle-timeout'));
    for (const cause of FAMILY) {
      const { claims, ruledOut, against } = judgementOf(cause, { traffic }, question);
      expect([cause.id, claims, ruledOut, against[0]]).toEqual([
        cause.id,
        [],
        true,
        'All 7 failed requests went over an open connection and ended at the idle timeout.',
      ]);
    }
  });
});

describe('refused at a node port', () => {
  const errors = several(6, 'connect-failed', () => ({ target: '10.0.1.5:31380' }), 60);
  const evidence = {
    traffic: trafficOf(errors, { targets: [target('10.0.1.5:31380', { firstSuccess: null, lastSuccess: null })] }),
    targetGroups: group({ TargetType: 'instance', Port: 31380 }),
    targetHealth: { [API]: [{ Target: { Id: 'i-0aaa', Port: 31380 }, TargetHealth: { State: 'unhealthy' } }] },
  };

  it('means a Service without a ready pod, on any instance', () => {
    const { claims, for: reasons, fix } = judgementOf(connectionRefused, evidence, question);
    expect(claims).toMatchObject([{ strength: 'confirmed', errors: { length: 6 } }]);
    expect(reasons).toContain('10.0.1.5:31380 is unhealthy now.');
    expect(fix.summary).toContain('node port 31380');
    expect(fix.commands[0]).toBe('kubectl get service -A -o wide | grep :31380/');
  });
});

describe('a target that left before it was drained', () => {
  const pods = [
    {
      ResourceArn: API,
      Tags: [
        { Key: 'elbv2.k8s.aws/cluster', Value: 'prod-1' },
        { Key: 'ingress.k8s.aws/stack', Value: 'shop/api' },
      ],
    },
  ];
  const task = [
    {
      taskArn: 'arn:aws:ecs:eu-west-1:123456789012:task/prod/8f3c0000000000000000000000000000',
      group: 'service:api',
      startedAt: new Date(START - 60 * MINUTE).toISOString(),
      attachments: [{ type: 'ElasticNetworkInterface', details: [{ name: 'privateIPv4Address', value: '10.0.1.5' }] }],
    },
  ];

  it.each([
    {
      runsOn: 'Kubernetes',
      tags: pods,
      tasks: [],
      settings: [/^spec: { terminationGracePeriodSeconds: \d+, .*preStop/],
    },
    { runsOn: 'ECS', tags: [], tasks: task, settings: [/^stopTimeout: /] },
    {
      runsOn: 'ECS, as CloudTrail says',
      tags: [],
      tasks: [],
      caller: 'ecs-service-scheduler',
      settings: [/^stopTimeout: /],
    },
    {
      runsOn: 'something unknown',
      tags: [],
      tasks: [],
      settings: [/^spec: { terminationGracePeriodSeconds: \d+, .*preStop/, /^stopTimeout: /],
    },
  ])('needs the settings of its platform, here $runsOn', ({ tags, tasks, settings, caller }) => {
    const traffic = {
      ...trafficOf(
        several(4, 'connect-failed', () => ({ target: '10.0.1.5:8080' }), 65),
        {
          targets: [leaves('10.0.1.5:8080'), target('10.0.1.6:8080')],
        },
      ),
      owners: targetOwners({ tasks }),
    };
    const call = { ...deregistered('10.0.1.5', 60), ...(caller === undefined ? {} : { Username: caller }) };
    const known = { traffic, tags, changes: [call] };
    const { fix } = judgementOf(shutdownBeforeDrain, known, question);
    expect(fix.settings).toEqual(settings.map((setting) => expect.stringMatching(setting)));
  });

  it('says what a shorter deregistration delay cuts, and the order of the times', () => {
    const traffic = trafficOf(
      several(4, 'connect-failed', () => ({ target: '10.0.1.5:8080', route: 'GET /export' }), 1),
      {
        targets: [leaves('10.0.1.5:8080'), target('10.0.1.6:8080')],
        routes: [
          {
            ...{ route: 'GET /export', requests: 600, failures: 4, succeeded: 596 },
            ...{ succeededMs: 594_000, succeededMaxMs: 36_500 },
          },
        ],
      },
    );
    const { fix } = judgementOf(
      shutdownBeforeDrain,
      {
        traffic,
        changes: [deregistered('10.0.1.5', 60)],
        targetGroupAttributes: { [API]: { 'deregistration_delay.timeout_seconds': '300' } },
      },
      question,
    );
    expect(fix.sideEffects[0]).toBe(
      'The aws command lowers the deregistration delay of api from 300 s to 45 s: requests that run longer on a draining target are cut off (none did: the longest took 36.5 s).',
    );
    expect(fix.notes?.[0]).toBe(
      'Keep this order: deregistration delay (45 s) < preStop sleep (50 s) < grace period (65 s). 45 s is enough: the longest request took 36.5 s.',
    );
  });

  it('rules a refused connection out as a consequence, not by when the target left', () => {
    const traffic = trafficOf(
      several(4, 'connect-failed', () => ({ target: '10.0.1.5:8080' }), 65),
      { targets: [leaves('10.0.1.5:8080'), target('10.0.1.6:8080')] },
    );
    const { against } = judgementOf(
      connectionRefused,
      { traffic, targetGroups: group({ Protocol: 'HTTP' }), changes: [deregistered('10.0.1.5', 60)] },
      question,
    );
    expect(against).toEqual([
      'All 4 refused connections to 10.0.1.5:8080 are explained by target shutdown before draining.',
    ]);
  });
});
