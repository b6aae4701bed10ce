/** Failed TLS handshakes look like refused connections in the log; the counts of CloudWatch tell them apart. */
import { describe, expect, it } from 'vitest';
import type { EventEvidence } from '../../../src/diagnose/events/event.ts';
import { findEvents } from '../../../src/diagnose/events/find-events.ts';
import { readTraffic } from '../../../src/diagnose/traffic.ts';
import type { CloudTrailEvent, MetricSeries } from '../../../src/evidence/aws.ts';
import { answering, failing, type ServedRequest, servedLog } from '../../support/traffic/served-traffic.ts';
import { API, question, START } from '../../support/traffic/traffic-builder.ts';

const [A, B, C, D] = ['10.0.1.5:8080', '10.0.1.6:8080', '10.0.1.7:8080', '10.0.1.8:8080'];
const WINDOW = 900;

const https = [{ TargetGroupArn: API, TargetGroupName: 'api', Protocol: 'HTTPS' }];

const told = (requests: readonly ServedRequest[], evidence: EventEvidence) =>
  findEvents(readTraffic(servedLog(requests), question), evidence, question).map(({ kind, causes, errors }) => ({
    ...{ kind, causes },
    errors: errors.length,
  }));

const failed = (target: string, from: number, to: number) =>
  answering(target, from, to, 2).map(({ sent }) => failing('connect-failed', sent, target));

/** CloudWatch counts the failed connections of these requests as one or the other, minute by minute. */
function countedAs(stage: 'tls' | 'tcp', requests: readonly ServedRequest[]): MetricSeries[] {
  const minutes = Map.groupBy(
    requests.filter(({ failure }) => failure !== undefined),
    ({ sent }) => Math.floor(sent / 60),
  );
  const series = (MetricName: string, isCounted: boolean): MetricSeries => ({
    MetricName,
    Dimensions: { LoadBalancer: 'app/shop-prod/50dc6c495c0c9188', TargetGroup: 'targetgroup/api/0123456789abcdef' },
    Stat: 'Sum',
    Period: 60,
    Timestamps: isCounted ? [...minutes.keys()].map((minute) => new Date(START + minute * 60_000).toISOString()) : [],
    Values: isCounted ? [...minutes.values()].map((own) => own.length) : [],
  });
  return [
    series('TargetTLSNegotiationErrorCount', stage === 'tls'),
    series('TargetConnectionErrorCount', stage === 'tcp'),
  ];
}

describe('targets that fail every handshake from some moment on', () => {
  const requests = [A, B, C, D].flatMap((target) => [...answering(target, 0, 300), ...failed(target, 300, WINDOW)]);

  it('did not stop answering: nothing was lost', () =>
    expect(told(requests, { targetGroups: https, metrics: countedAs('tls', requests) })).toEqual([]));

  it('are lost if CloudWatch counted refused connections', () =>
    expect(told(requests, { targetGroups: https, metrics: countedAs('tcp', requests) })).toMatchObject([
      { kind: 'target-lost', causes: ['connection-refused', 'shutdown-before-drain'] },
    ]));

  it('stay open between both if CloudWatch was not asked', () => {
    expect(told(requests, { targetGroups: https })).toMatchObject([
      { kind: 'target-lost', causes: ['connection-refused', 'tls-handshake-failure', 'shutdown-before-drain'] },
    ]);
    const http = [{ TargetGroupArn: API, TargetGroupName: 'api', Protocol: 'HTTP' }];
    expect(told(requests, { targetGroups: http })[0]?.causes).not.toContain('tls-handshake-failure');
  });

  const modified: CloudTrailEvent = {
    EventName: 'ModifyListener',
    EventTime: new Date(START + 297_000).toISOString(),
    Username: 'ana',
    CloudTrailEvent: JSON.stringify({
      requestParameters: {
        listenerArn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop-prod/50dc6c495c0c9188/1',
        sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04',
      },
    }),
  };

  it('follow the call that changed the TLS policy of the listener', () =>
    expect(
      told(requests, { targetGroups: https, metrics: countedAs('tls', requests), changes: [modified] }),
    ).toMatchObject([{ kind: 'change', causes: ['tls-handshake-failure'] }]));

  it('do not follow that call if CloudWatch counted refused connections', () =>
    expect(
      told(requests, { targetGroups: https, metrics: countedAs('tcp', requests), changes: [modified] }),
    ).toMatchObject([{ kind: 'target-lost' }]));
});

it('are a rollout if only the new targets fail their handshakes', () => {
  const requests = [
    ...answering(A, 0, 500),
    ...answering(B, 0, 500),
    ...failed(C, 300, WINDOW),
    ...failed(D, 300, WINDOW),
  ];
  expect(told(requests, { targetGroups: https, metrics: countedAs('tls', requests) })).toMatchObject([
    { kind: 'rollout', causes: ['tls-handshake-failure', 'protocol-mismatch'] },
  ]);
});
