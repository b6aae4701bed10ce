/**
 * Connection failures of an HTTPS group are TCP or TLS failures; the group's two counters decide if they follow the
 * errors.
 */
import { describe, expect, it } from 'vitest';
import { connectionRefused } from '../../../src/diagnose/causes/connection-refused.ts';
import { protocolMismatch } from '../../../src/diagnose/causes/protocol-mismatch.ts';
import { tlsHandshakeFailure } from '../../../src/diagnose/causes/tls-handshake-failure.ts';
import type { FailedRequest } from '../../../src/evidence/access-log.ts';
import type { MetricSeries, TargetGroup } from '../../../src/evidence/aws.ts';
import { judgementOf } from '../../support/judgement.ts';
import { API, failed, MINUTE, question, START, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

const HTTPS: TargetGroup[] = [
  {
    TargetGroupArn: API,
    TargetGroupName: 'api',
    Protocol: 'HTTPS',
    Port: 8443,
    HealthCheckPort: '8080',
    HealthCheckProtocol: 'HTTP',
  },
];
const TARGET = '10.0.1.5:8080';

/** A count a minute, from the first minute of the window on. */
const counts = (MetricName: string, Values: number[]): MetricSeries => ({
  MetricName,
  Dimensions: { LoadBalancer: 'app/shop-prod/50dc6c495c0c9188', TargetGroup: 'targetgroup/api/0123456789abcdef' },
  Stat: 'Sum',
  Period: 60,
  Timestamps: Values.map((_, index) => new Date(START + index * MINUTE).toISOString()),
  Values,
});
const tls = (...values: number[]) => counts('TargetTLSNegotiationErrorCount', values);
const tcp = (...values: number[]) => counts('TargetConnectionErrorCount', values);

/** Four failures a minute for six minutes, each within milliseconds. */
const atOnce: FailedRequest[] = Array.from({ length: 24 }, (_, index) =>
  failed('connect-failed', index * 15 + 1, { target: TARGET }),
);
/** 502 after 10 s, before a request was sent. */
const after10s: FailedRequest[] = Array.from({ length: 24 }, (_, index) =>
  failed('inconsistent', index * 15 + 1, { target: TARGET, elb_status_code: '502', elapsed: 10.02 }),
);

/** `newest`: milliseconds from the start of the window to the newest entry, if the log ends early. */
const judged = (failures: FailedRequest[], metrics: MetricSeries[], answered = true, newest?: number) => {
  const targets = [target(TARGET, answered ? {} : { firstSuccess: null, lastSuccess: null })];
  const log = newest === undefined ? { targets } : { targets, newest: START + newest };
  const evidence = { traffic: trafficOf(failures, log), targetGroups: HTTPS, metrics };
  return Object.fromEntries(
    [connectionRefused, tlsHandshakeFailure, protocolMismatch].map((cause) => {
      const { claims, ruledOut } = judgementOf(cause, evidence, question);
      const claimed = claims.map(({ strength, errors }) => `${strength} ${errors.length}`).join(', ');
      return [cause.id, claimed || (ruledOut ? 'ruled out' : 'untested')];
    }),
  );
};

describe('failures within milliseconds', () => {
  it.each([
    {
      name: 'neither counter was read',
      metrics: [],
      refused: 'possible 24',
      handshake: 'possible 24',
      mismatch: 'ruled out',
    },
    {
      name: 'the counter of connections follows them, the other one was not read',
      metrics: [tcp(4, 4, 4, 4, 4, 4)],
      refused: 'confirmed 24',
      handshake: 'ruled out',
      mismatch: 'ruled out',
    },
    {
      name: 'the counter of handshakes follows them, the other one was not read',
      metrics: [tls(4, 4, 4, 4, 4, 4)],
      refused: 'ruled out',
      handshake: 'confirmed 24',
      mismatch: 'ruled out',
    },
    {
      name: 'the counter of connections has as many in other minutes, so that it counts something else',
      metrics: [tcp(0, 0, 0, 0, 0, 0, 0, 0, 24)],
      refused: 'possible 24',
      handshake: 'possible 24',
      mismatch: 'ruled out',
    },
    {
      name: 'two counters share them by the minute',
      metrics: [tcp(4, 4, 4, 4), tls(0, 0, 0, 0, 4, 4)],
      refused: 'confirmed 16',
      handshake: 'confirmed 8',
      mismatch: 'ruled out',
    },
    {
      name: 'the counter of connections follows them as far as the log was delivered, and counts on',
      metrics: [tcp(4, 4, 4, 4, 4, 4, 40, 40)],
      newest: 6.5 * MINUTE,
      refused: 'confirmed 24',
      handshake: 'ruled out',
      mismatch: 'ruled out',
    },
    {
      name: 'the counter of connections counts more than a whole log has',
      metrics: [tcp(4, 4, 4, 4, 4, 4, 40, 40)],
      refused: 'possible 24',
      handshake: 'possible 24',
      mismatch: 'ruled out',
    },
    {
      name: 'two counters share every minute',
      metrics: [tcp(2, 2, 2, 2, 2, 2), tls(2, 2, 2, 2, 2, 2)],
      refused: 'possible 24',
      handshake: 'possible 24',
      mismatch: 'ruled out',
    },
  ])('$name', ({ metrics, newest, refused, handshake, mismatch }) =>
    expect(judged(atOnce, metrics, true, newest)).toEqual({
      'connection-refused': refused,
      'tls-handshake-failure': handshake,
      'protocol-mismatch': mismatch,
    }),
  );

  it('of handshakes on a port that never answered may be plain HTTP; the test is suggested once', () => {
    expect(judged(atOnce, [tls(4, 4, 4, 4, 4, 4)], false)).toEqual({
      'connection-refused': 'ruled out',
      'tls-handshake-failure': 'possible 24',
      'protocol-mismatch': 'possible 24',
    });
    const traffic = trafficOf(atOnce, { targets: [target(TARGET, { firstSuccess: null, lastSuccess: null })] });
    const evidence = { traffic, targetGroups: HTTPS, metrics: [tls(4, 4, 4, 4, 4, 4)] };
    expect(judgementOf(tlsHandshakeFailure, evidence, question).missing).toEqual([
      `Whether ${TARGET} expects plain HTTP: run "curl -v http://${TARGET}/" and "openssl s_client -connect ${TARGET}" from inside the VPC.`,
    ]);
  });
});

describe('a 502 after 10 s before a request was sent', () => {
  it('is a TLS handshake that did not finish, confirmed by the counter', () => {
    expect(judged(after10s, [])['tls-handshake-failure']).toBe('likely 24');
    expect(judged(after10s, [tls(4, 4, 4, 4, 4, 4)])['tls-handshake-failure']).toBe('confirmed 24');
  });

  it('comes with advice, by name, for a server too busy for handshakes', () => {
    const evidence = { traffic: trafficOf(after10s, { targets: [target(TARGET)] }), targetGroups: HTTPS };
    const { summary, fix } = judgementOf(tlsHandshakeFailure, evidence, question);
    expect(summary).toBe(`24 TLS handshakes with ${TARGET} did not finish within 10 s (24 of 24 errors).`);
    expect(fix.summary).toContain('threads or the CPU');
    expect(fix.commands[0]).toContain(`openssl s_client -connect ${TARGET}`);
  });
});
