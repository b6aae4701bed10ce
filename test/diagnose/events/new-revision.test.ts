/** What a new revision brings: targets that never answer or do not stay up, and targets that were to end. */
import { describe, expect, it } from 'vitest';
import type { EventEvidence } from '../../../src/diagnose/events/event.ts';
import { findEvents } from '../../../src/diagnose/events/find-events.ts';
import { readTraffic } from '../../../src/diagnose/traffic.ts';
import type { CloudTrailEvent, MetricSeries } from '../../../src/evidence/aws.ts';
import { answering, failing, type ServedRequest, servedLog } from '../../support/traffic/served-traffic.ts';
import { API, question, START } from '../../support/traffic/traffic-builder.ts';

const [A, B, C, D] = ['10.0.1.5:8080', '10.0.1.6:8080', '10.0.1.7:8080', '10.0.1.8:8080'];
const WINDOW = 900;

const told = (requests: readonly ServedRequest[], evidence: EventEvidence = {}) =>
  findEvents(readTraffic(servedLog(requests), question), evidence, question).map(
    ({ kind, targets, causes, errors, summary }) => ({ kind, targets, causes, errors: errors.length, summary }),
  );

const refusals = (target: string, from: number, to: number, every = 2) =>
  Array.from({ length: Math.ceil((to - from) / every) }, (_, index) =>
    failing('connect-failed', from + index * every, target),
  );

const call = (name: string, second: number, request: object): CloudTrailEvent => ({
  EventName: name,
  EventTime: new Date(START + second * 1000).toISOString(),
  Username: 'ci',
  CloudTrailEvent: JSON.stringify({ requestParameters: request }),
});
const update = call('UpdateService', 280, { service: 'api' });

describe('a rollout', () => {
  it('brings targets that never answer: all they refuse belongs to it', () => {
    const requests = [A, B].flatMap((old) => answering(old, 0, 340));
    const fresh = [C, D].flatMap((target) => refusals(target, 300, WINDOW));
    expect(told([...requests, ...fresh], { changes: [update] })).toMatchObject([
      {
        kind: 'rollout',
        targets: [C, D],
        errors: 600,
        summary:
          'UpdateService by ci at 02:44:40 UTC, 20 s before the first error, brought 10.0.1.7:8080 and 10.0.1.8:8080 (api) that never answered. 600 errors in 9 min 58 s.',
      },
    ]);
  });

  it('brings targets that fail until they are ready', () => {
    const requests = [...answering(A, 0, 340), ...answering(B, 0, WINDOW)];
    const fresh = [...refusals(C, 300, 320), ...answering(C, 320, WINDOW)];
    expect(told([...requests, ...fresh])).toMatchObject([
      {
        summary: 'A rollout of api brought 10.0.1.7:8080 (api) that failed until it was ready. 10 errors in 18 s.',
        targets: [C],
      },
    ]);
  });

  it('names the call that began it, not the deregistration of one of its targets', () => {
    const leaving = (old: string, fresh: string, at: number) => [
      ...answering(old, 0, at),
      ...refusals(old, at, at + 4, 0.5),
      ...answering(fresh, at - 5, WINDOW),
    ];
    const changes = [
      update,
      ...[
        { old: '10.0.1.5', at: 299 },
        { old: '10.0.1.7', at: 389 },
      ].map(({ old, at }) =>
        call('DeregisterTargets', at, { targetGroupArn: API, targets: [{ id: old, port: 8080 }] }),
      ),
    ];
    const requests = [...leaving(A, B, 300), ...leaving(C, D, 390), ...answering('10.0.1.9:8080', 0, WINDOW)];
    const [summary = ''] = told(requests, { changes }).map((event) => event.summary);
    expect(summary).toMatch(/^UpdateService by ci at 02:44:40 UTC, 20 s before the first error, took 10\.0\.1\.5/);
    const [uncalled = ''] = told(requests, { changes: changes.slice(1) }).map((event) => event.summary);
    expect(uncalled).toContain('A rollout of api replaced 10.0.1.5:8080 and 10.0.1.7:8080');
  });
});

describe('a crash', () => {
  it('of targets that joined after a rollout began says so', () => {
    const old = [A, B].flatMap((target) => answering(target, 0, WINDOW));
    const looping = [300, 420, 540].flatMap((at) => [
      ...answering(C, at, at + 100),
      ...refusals(C, at + 100, at + 120, 1),
    ]);
    const requests = [...old, ...looping, ...answering(C, 660, WINDOW)];
    expect(told(requests, { changes: [update] })[0]?.summary).toContain(
      '; it joined after UpdateService by ci at 02:44:40 UTC.',
    );
    expect(told(requests)[0]?.summary).not.toContain('joined');
  });

  it('of several targets at once is one event', () => {
    const down = [A, B, C].flatMap((target, index) => [
      ...answering(target, index / 10, 300),
      ...refusals(target, 300, 360),
      ...answering(target, 360, WINDOW),
    ]);
    expect(told([...down, ...answering(D, 0, WINDOW)])[0]?.summary).toBe(
      '10.0.1.5:8080, 10.0.1.6:8080 and 10.0.1.7:8080 (api) went down together at 02:44:59 UTC and answered again after 61 s. 90 errors in 58 s.',
    );
  });

  it('of what was being drained is a shutdown before the drain', () => {
    const peers = [B, C, D].flatMap((target) => answering(target, 0, WINDOW));
    const closed = [278, 281, 284, 288, 291, 295].map((sent) =>
      failing('closed-before-response', sent, A, { took: 320 - sent, route: 'POST /exports' }),
    );
    const requests = [...peers, ...answering(A, 0, 300), ...closed];
    const changes = [
      call('DeregisterTargets', 299, { targetGroupArn: API, targets: [{ id: '10.0.1.5', port: 8080 }] }),
    ];
    expect(told(requests, { changes })).toMatchObject([
      {
        kind: 'target-lost',
        causes: ['shutdown-before-drain'],
        summary:
          '10.0.1.5:8080 (api) closed connections with 6 requests in flight at 02:45:20 UTC, 21 s after DeregisterTargets by ci at 02:44:59 UTC. 6 errors.',
      },
    ]);
    expect(told(requests)).toMatchObject([{ kind: 'crash', causes: ['closed-mid-request'] }]);
  });
});

describe('a route that ends the process each time', () => {
  const route = 'POST /import';
  const kill = (target: string, at: number, refused: number) => [
    failing('closed-before-response', at - 0.3, target, { took: 0.3, route }),
    ...Array.from({ length: refused }, (_, index) => failing('connect-failed', at + 0.2 * (index + 1), target)),
  ];
  const restarts = [100, 200, 300, 400].flatMap((at) => kill(A, at, 6));
  const short = [250, 350, 450].flatMap((at) => kill(B, at, 0));
  const one = kill(B, 550, 1);
  const isDown = ({ sent }: ServedRequest) => sent % 100 < 2 && sent >= 100 && sent < 402;
  const sound = [
    ...answering(A, 0, WINDOW).filter((request) => !isDown(request)),
    ...[B, C, D].flatMap((target) => answering(target, 0, WINDOW)),
  ];
  const inCrash = (requests: readonly ServedRequest[]) =>
    told(requests).map(({ kind, targets, errors }) => ({ kind, targets, errors }));

  it('is one event with the restarts that few requests fell into', () =>
    expect(inCrash([...sound, ...restarts, ...short, ...one])).toEqual([
      { kind: 'crash', targets: [A, B], errors: 4 * 7 + 3 + 2 },
    ]));

  it('takes no closes of a route that mostly succeeds', () => {
    const answered = answering(C, 0, WINDOW, 10, route);
    expect(inCrash([...sound, ...answered, ...restarts, ...short, ...one])).toEqual([
      { kind: 'crash', targets: [A], errors: 4 * 7 },
    ]);
  });
});

describe('a target of an HTTPS group to which connections fail for a while', () => {
  const requests = [
    ...[B, C, D].flatMap((target) => answering(target, 0, WINDOW)),
    ...answering(A, 0, 300),
    ...refusals(A, 300, 420),
    ...answering(A, 420, WINDOW),
  ];
  const https = [{ TargetGroupArn: API, TargetGroupName: 'api', Protocol: 'HTTPS' }];
  const counted = (MetricName: string, isCounted: boolean): MetricSeries => ({
    MetricName,
    Dimensions: { LoadBalancer: 'app/shop-prod/50dc6c495c0c9188', TargetGroup: 'targetgroup/api/0123456789abcdef' },
    Stat: 'Sum',
    Period: 60,
    Timestamps: [300, 360].map((second) => new Date(START + second * 1000).toISOString()),
    Values: isCounted ? [30, 30] : [],
  });
  const metrics = (tls: boolean) => [
    counted('TargetTLSNegotiationErrorCount', tls),
    counted('TargetConnectionErrorCount', !tls),
  ];

  it.each([
    ['no count tells refusals from failed handshakes', {}, ['connection-refused', 'tls-handshake-failure']],
    ['connections were counted', { metrics: metrics(false) }, ['connection-refused']],
  ])('may have these causes where %s', (_, more, causes) =>
    expect(told(requests, { targetGroups: https, ...more })).toMatchObject([{ causes }]),
  );

  it('is no crash where failed handshakes were counted', () =>
    expect(told(requests, { targetGroups: https, metrics: metrics(true) })).toEqual([]));

  it('does not say that the process went down where it may be TLS', () =>
    expect(told(requests, { targetGroups: https })[0]?.summary).toBe(
      '10.0.1.5:8080 (api) took no connection from 02:44:59 UTC to 02:47:00 UTC. 60 errors in 1 min 58 s.',
    ));

  it('is no outage where connections fail there now and then', () => {
    const often = Array.from({ length: 30 }, (_, index) => failing('connect-failed', 10.5 + 28 * index, A));
    const close = [0.1, 0.2].map((later) => failing('connect-failed', 10.5 + later, A));
    const sound = [B, C, D].flatMap((target) => answering(target, 0, WINDOW, 0.25));
    const all = [...answering(A, 0, WINDOW), ...sound, ...often, ...close];
    expect(told(all, { targetGroups: https })).toEqual([]);
  });
});
