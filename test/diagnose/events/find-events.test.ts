import { describe, expect, it } from 'vitest';
import type { EventEvidence } from '../../../src/diagnose/events/event.ts';
import { findEvents } from '../../../src/diagnose/events/find-events.ts';
import { readTraffic } from '../../../src/diagnose/traffic.ts';
import type { CloudTrailEvent } from '../../../src/evidence/aws.ts';
import { answering, failing, type ServedRequest, servedLog } from '../../support/traffic/served-traffic.ts';
import { API, question, START } from '../../support/traffic/traffic-builder.ts';

const [A, B, C, D] = ['10.0.1.5:8080', '10.0.1.6:8080', '10.0.1.7:8080', '10.0.1.8:8080'];
const WINDOW = 900;

const eventsOf = (requests: readonly ServedRequest[], evidence: EventEvidence = {}) =>
  findEvents(readTraffic(servedLog(requests), question), evidence, question);

const told = (requests: readonly ServedRequest[], evidence: EventEvidence = {}) =>
  eventsOf(requests, evidence).map(({ kind, standing, targets, errors, causes, summary }) => ({
    ...{ kind, standing, targets, causes, summary },
    errors: errors.length,
  }));

/** Three targets that answer all the time. */
const peers = [B, C, D].flatMap((target) => answering(target, 0, WINDOW));

const each = (count: number, from: number, every: number, request: (sent: number) => ServedRequest) =>
  Array.from({ length: count }, (_, index) => request(from + index * every));

const group = (Protocol: string) => ({ TargetGroupArn: API, TargetGroupName: 'api', Protocol });

const call = (name: string, second: number, request: object, user = 'ci'): CloudTrailEvent => ({
  EventName: name,
  EventTime: new Date(START + second * 1000).toISOString(),
  Username: user,
  CloudTrailEvent: JSON.stringify({ requestParameters: request }),
});

describe('a target that falls silent', () => {
  const dead = [
    ...peers,
    ...answering(A, 0, 300),
    ...each(3, 299.5, 0.1, (sent) => failing('idle-timeout', sent, A)),
    ...each(30, 300, 2, (sent) => failing('connect-timeout', sent, A)),
  ];

  it('is one event of connect timeouts and the requests in flight', () => {
    expect(told(dead, { targetGroups: [group('HTTP')] })).toEqual([
      {
        kind: 'target-lost',
        standing: 'confirmed',
        targets: [A],
        causes: ['security-group-blocked', 'network-acl-blocked', 'target-gone', 'target-unreachable'],
        errors: 33,
        summary: '10.0.1.5:8080 (api) stopped answering at 02:44:59 UTC and never came back. 33 errors in 58 s.',
      },
    ]);
  });

  it('may have unfinished TLS handshakes, unless its group uses HTTP', () => {
    const causes = (Protocol: string) => told(dead, { targetGroups: [group(Protocol)] })[0]?.causes ?? [];
    expect(causes('HTTPS')).toContain('tls-handshake-failure');
    expect(causes('HTTP')).not.toContain('tls-handshake-failure');
  });

  it('is not lost if it answers others while SYNs get no reply: its backlog is full', () => {
    const requests = [
      ...peers,
      ...answering(A, 0, 300),
      ...each(8, 300, 0.5, (sent) => failing('connect-timeout', sent, A)),
      ...answering(A, 305, WINDOW),
    ];
    expect(told(requests).filter(({ kind }) => kind !== 'burst')).toEqual([]);
  });

  it('is linked to the call that removed its instance, by a later deregistration', () => {
    const evidence = {
      instances: [{ InstanceId: 'i-0gone', State: { Name: 'terminated' } }],
      changes: [
        call('BidEvictedEvent', 297, { instanceIdSet: ['i-0gone'] }),
        call('DeregisterTargets', 420, { targetGroupArn: API, targets: [{ id: 'i-0gone', port: 8080 }] }),
      ],
    };
    expect(told(dead, evidence)[0]?.summary).toBe(
      '10.0.1.5:8080 (api) stopped answering at 02:44:59 UTC, 2 s after BidEvictedEvent (spot interruption) at 02:44:57 UTC, and never came back. 33 errors in 58 s.',
    );
  });

  const terminated = (second: number, ...ids: string[]) =>
    call('TerminateInstances', second, { instancesSet: { items: ids.map((instanceId) => ({ instanceId })) } }, 'ops');
  const others = [{ InstanceId: 'i-0c0c0c0c', PrivateIpAddress: '10.0.1.6' }];

  it('is linked to the call that terminated its instance, which EC2 does not list any more', () => {
    expect(told(dead, { instances: others, changes: [terminated(297, 'i-0a0a0a0a')] })[0]?.summary).toBe(
      '10.0.1.5:8080 (api) stopped answering at 02:44:59 UTC, 2 s after TerminateInstances by ops at 02:44:57 UTC, and never came back. 33 errors in 58 s.',
    );
  });

  it('is linked to a call after its last answer, if requests to it are few', () => {
    const requests = [
      ...peers,
      ...answering(A, 0, 280, 10),
      ...each(9, 300, 2, (sent) => failing('connect-timeout', sent, A)),
    ];
    const stop = (second: number) => [
      call('StopTask', second, { task: 'arn:aws:ecs:eu-west-1:1:task/main/0a' }, 'ops'),
    ];
    expect(eventsOf(requests, { changes: stop(299) })[0]?.calls).toMatchObject([{ name: 'StopTask' }]);
    expect(eventsOf(requests, { changes: stop(305) })[0]?.calls).toEqual([]);
  });

  it.each<[string, CloudTrailEvent[]]>([
    ['several instances went at that time', [terminated(297, 'i-0a0a0a0a', 'i-0b0b0b0b')]],
    ['the instance that went is still listed with another address', [terminated(297, 'i-0c0c0c0c')]],
    ['it went ten minutes before', [terminated(-300, 'i-0a0a0a0a')]],
  ])('is linked to no termination if %s', (_, changes) => {
    expect(told(dead, { instances: others, changes })[0]?.summary).not.toContain('TerminateInstances');
  });

  it('is reported with others that fell silent together and are still registered', () => {
    const requests = [
      ...[C, D].flatMap((target) => answering(target, 0, WINDOW)),
      ...[A, B].flatMap((target) => [
        ...answering(target, 0, 300),
        ...each(15, 300, 2, (sent) => failing('connect-failed', sent, target, { took: sent % 4 === 0 ? 3.07 : 0.002 })),
      ]),
    ];
    const unhealthy = (Id: string) => ({ Target: { Id, Port: 8080 }, TargetHealth: { State: 'unhealthy' } });
    const targetHealth = { [API]: ['10.0.1.5', '10.0.1.6'].map(unhealthy) };
    expect(told(requests, { targetHealth })).toMatchObject([
      {
        kind: 'target-lost',
        targets: [A, B],
        errors: 30,
        causes: ['connection-refused', 'shutdown-before-drain'],
        summary:
          '10.0.1.5:8080 and 10.0.1.6:8080 (api) stopped answering at 02:44:59 UTC, with connections rejected, and never came back; they are still registered. 30 errors in 29 s.',
      },
    ]);
  });

  it.each([
    [
      'was chosen twice and never answered',
      [...peers, failing('connect-timeout', 300, A), failing('connect-timeout', 400, A)],
    ],
    [
      'takes connections and answers too late',
      [...peers, ...answering(A, 0, 300), ...each(10, 300, 2, (sent) => failing('idle-timeout', sent, A))],
    ],
    [
      'fails together with its peers on the same route',
      [A, B, C, D].flatMap((target) => [
        ...answering(target, 0, 300),
        ...each(6, 300, 2, (sent) => failing('connect-failed', sent, target)),
        ...(target === A ? [] : answering(target, 301, 312, 2)),
        ...answering(target, 312, WINDOW),
      ]),
    ],
  ])('is not lost if it %s', (_, requests) => {
    expect(told(requests).filter(({ kind }) => kind !== 'burst')).toEqual([]);
  });
});

describe('a process that stops and comes back', () => {
  const crash = (target: string, at: number, route = 'GET /boom') => [
    failing('closed-before-response', at, target, { route, took: 0.3 }),
    ...each(8, at + 0.35, 0.2, (sent) => failing('connect-failed', sent, target)),
  ];
  const serving = (target: string, down: readonly number[]) => {
    const ends = [...down, WINDOW];
    return ends.flatMap((end, index) => answering(target, index === 0 ? 0 : (down[index - 1] ?? 0) + 3, end));
  };

  it('is one crash of closes, then refusals', () => {
    const requests = [...peers, ...serving(A, [300]), ...crash(A, 300)];
    expect(told(requests)).toEqual([
      {
        kind: 'crash',
        standing: 'likely',
        targets: [A],
        causes: ['connection-refused'],
        errors: 9,
        summary: '10.0.1.5:8080 (api) went down at 02:44:59 UTC and answered again after 4.0 s. 9 errors in 1.5 s.',
      },
    ]);
  });

  it('is reported with times, durations and intervals of its outages, and the route that ends it', () => {
    const down = [100, 350, 600, 850];
    const requests = [
      ...peers,
      ...serving(A, down),
      ...down.flatMap((at) => crash(A, at)),
      ...answering(B, 0.5, WINDOW, 9, 'GET /boom'),
    ];
    expect(told(requests)).toMatchObject([
      {
        kind: 'crash',
        standing: 'confirmed',
        errors: 36,
        summary:
          '4 outages of 2.7 s from 02:41:39 UTC to 02:54:11 UTC, 4 min 10 s apart on 10.0.1.5:8080 (api): the process goes down and comes back; 4 of 4 cut off a GET /boom. 36 errors in 12 min 31 s.',
      },
    ]);
  });

  it('is reported by the requests in flight if another worker keeps answering', () => {
    const killed = (at: number) =>
      [2.2, 0.6, 0.3].map((took) => failing('closed-before-response', at - took, A, { route: 'GET /report', took }));
    const requests = [...peers, ...answering(A, 0, WINDOW), ...killed(200), ...killed(500)];
    expect(told(requests)).toMatchObject([
      {
        kind: 'crash',
        causes: ['closed-mid-request'],
        errors: 6,
        summary:
          'A process on 10.0.1.5:8080 (api) died 2 times from 02:43:20 UTC to 02:48:20 UTC, each time with 3 requests in flight. 6 errors in 5 min.',
      },
    ]);
  });

  it.each([
    [
      'sent together and closed together',
      [0, 0.001, 0.002].map((late) => failing('closed-before-response', 200 + late, A, { took: 0.03 })),
    ],
    [
      'sent by one page and closed at once',
      [0.12, 0.06, 0.001].map((took) => failing('closed-before-response', 200 - took, A, { took })),
    ],
    ['closed at any time', each(12, 30, 71.3, (sent) => failing('closed-before-response', sent, A, { took: 0.4 }))],
  ])('does not include requests that are %s', (_, requests) => {
    expect(told([...peers, ...answering(A, 0, WINDOW), ...requests])).toEqual([]);
  });
});

describe('a rollout', () => {
  const replaced = (old: string, fresh: string, at: number) => [
    ...answering(old, 0, at),
    failing('closed-before-response', at - 0.1, old, { took: 0.2 }),
    ...each(5, at, 0.5, (sent) => failing('connect-failed', sent, old)),
    ...answering(fresh, at - 5, WINDOW),
  ];
  const requests = [...answering(D, 0, WINDOW), ...replaced(A, B, 300), ...replaced(C, '10.0.1.9:8080', 360)];

  it('is one event for all targets that left, with any signatures', () => {
    expect(told(requests)).toMatchObject([
      {
        kind: 'rollout',
        standing: 'likely',
        targets: [A, C],
        errors: 12,
        summary:
          'A rollout of api replaced 10.0.1.5:8080 and 10.0.1.7:8080; requests to them failed as they left, from 02:45:00 UTC. 12 errors in 62 s.',
      },
    ]);
  });

  it('names the call that started it, with the delay', () => {
    const changes = [call('UpdateService', 270, { service: 'api', cluster: 'main' }, 'deployer')];
    expect(eventsOf(requests, { changes })[0]).toMatchObject({
      standing: 'confirmed',
      calls: [{ name: 'UpdateService', user: 'deployer', secondsBefore: 30 }],
      summary:
        'UpdateService by deployer at 02:44:30 UTC, 30 s before the first error, took 10.0.1.5:8080 and 10.0.1.7:8080 (api) away while requests were still being sent to them. 12 errors in 62 s.',
    });
  });

  const minutely = Array.from({ length: 1440 }, (_, index) =>
    call('UpdateService', 270 - index * 60, { service: 'api' }),
  );

  it.each([
    ['for another service', [call('UpdateService', 270, { service: 'batch-worker' })]],
    ['an hour before', [call('UpdateService', -3600, { service: 'api' })]],
    ['that a controller makes every minute', minutely],
    ['that was refused', [{ ...call('UpdateService', 270, {}), CloudTrailEvent: '{"errorCode":"AccessDenied"}' }]],
  ])('names no call %s', (_, changes) => {
    expect(eventsOf(requests, { changes })[0]?.calls).toEqual([]);
  });

  it('is no event if nothing fails', () => {
    expect(told(requests.filter(({ failure }) => failure === undefined))).toEqual([]);
  });
});

describe('targets that join without another leaving', () => {
  const fresh = (target: string, from: number, kind: 'connect-failed' | 'connect-timeout') => [
    ...each(9, from, 2, (sent) => failing(kind, sent, target)),
    ...answering(target, from + 18, WINDOW),
  ];
  const others = [A, B].flatMap((target) => answering(target, 0, WINDOW));

  it('were not ready if they refused their first requests', () => {
    expect(told([...others, ...fresh(C, 300, 'connect-failed'), ...fresh(D, 360, 'connect-failed')])).toMatchObject([
      {
        kind: 'rollout',
        summary: '10.0.1.7:8080 and 10.0.1.8:8080 (api) joined and failed until they were ready. 18 errors in 76 s.',
      },
    ]);
  });

  it('are no rollout if their first connections timed out', () => {
    const kinds = told([...others, ...fresh(C, 300, 'connect-timeout')]).map(({ kind }) => kind);
    expect(kinds).not.toContain('rollout');
  });
});

describe('a change', () => {
  const source = { ipProtocol: 'tcp', fromPort: 8080, toPort: 8080, groups: { items: [{ groupId: 'sg-0a' }] } };
  const revoke = call(
    'RevokeSecurityGroupIngress',
    297,
    { groupId: 'sg-0b', ipPermissions: { items: [source] } },
    'ana',
  );
  const networkInterfaces = [
    { NetworkInterfaceId: 'eni-1', PrivateIpAddress: '10.0.1.5', Groups: [{ GroupId: 'sg-0b' }] },
    { NetworkInterfaceId: 'eni-2', PrivateIpAddress: '10.0.1.6', Groups: [{ GroupId: 'sg-0b' }] },
  ];
  const blocked = [
    ...[C, D].flatMap((target) => answering(target, 0, WINDOW)),
    ...[A, B].flatMap((target) => [
      ...answering(target, 0, 300),
      ...each(20, 300, 3, (sent) => failing('connect-timeout', sent, target)),
    ]),
  ];

  it('leads if connections time out behind the rules it changed, with the command that reverts it', () => {
    expect(eventsOf(blocked, { networkInterfaces, changes: [revoke] })).toMatchObject([
      {
        kind: 'change',
        standing: 'likely',
        targets: [A, B],
        causes: ['security-group-blocked'],
        to: null,
        summary:
          'RevokeSecurityGroupIngress by ana at 02:44:57 UTC changed sg-0b; 13 s later, connections timed out (10.0.1.5:8080 and 10.0.1.6:8080). 40 errors in 57 s.',
        calls: [
          {
            secondsBefore: 13,
            revert:
              'aws ec2 authorize-security-group-ingress --group-id sg-0b --protocol tcp --port 8080 --source-group sg-0a',
          },
        ],
      },
    ]);
  });

  it('names the group that was changed, not the one that its rule names', () => {
    const named = [{ GroupId: 'sg-0a' }, { GroupId: 'sg-0b' }];
    const both = networkInterfaces.map((each) => ({ ...each, Groups: named }));
    expect(eventsOf(blocked, { networkInterfaces: both, changes: [revoke] })[0]?.summary).toContain('changed sg-0b;');
  });

  it('is confirmed if the errors end when it is reverted', () => {
    const authorize = call('AuthorizeSecurityGroupIngress', 358, { groupId: 'sg-0b' }, 'ana');
    const restored = [...blocked, ...[A, B].flatMap((target) => answering(target, 359, WINDOW))];
    expect(eventsOf(restored, { networkInterfaces, changes: [authorize, revoke] })).toMatchObject([
      { kind: 'change', standing: 'confirmed', errors: { length: 40 }, calls: [{ revert: null }] },
    ]);
  });

  it.each<[string, EventEvidence]>([
    ['to a group that no target has', { networkInterfaces: [], changes: [revoke] }],
    [
      'ten minutes before',
      { networkInterfaces, changes: [{ ...revoke, EventTime: new Date(START - 303_000).toISOString() }] },
    ],
    [
      'that a controller makes every minute',
      {
        networkInterfaces,
        changes: Array.from({ length: 1440 }, (_, index) =>
          call('RevokeSecurityGroupIngress', 297 - 60 * index, { groupId: 'sg-0b' }),
        ),
      },
    ],
    [
      'that cannot make connections time out',
      { changes: [call('DeregisterTargets', 297, { targetGroupArn: API, targets: [] })] },
    ],
  ])('is not blamed %s', (_, evidence) => {
    expect(eventsOf(blocked, evidence).map(({ kind, calls }) => ({ kind, calls }))).toEqual([
      { kind: 'target-lost', calls: [] },
    ]);
  });

  it('is not blamed for errors that had the same rate before it', () => {
    const before = each(40, 20, 7, (sent) => failing('connect-timeout', sent, C));
    expect(eventsOf([...blocked, ...before], { networkInterfaces, changes: [revoke] })).toMatchObject([
      { kind: 'target-lost' },
    ]);
  });
});
