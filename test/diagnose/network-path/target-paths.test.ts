import { describe, expect, it } from 'vitest';
import { splitTarget } from '../../../src/diagnose/network-path/addresses.ts';
import { pathChanges } from '../../../src/diagnose/network-path/rule-changes.ts';
import { type PathEvidence, targetPaths } from '../../../src/diagnose/network-path/target-paths.ts';
import { eni, network } from '../../support/network/network.ts';
import { api, baseEvidence, health, lambda, otherGroup, traffic } from '../../support/network/two-healthy-targets.ts';
import { API, target } from '../../support/traffic/traffic-builder.ts';

const told = (part: Partial<PathEvidence>) =>
  targetPaths({ ...baseEvidence, ...part }).map(
    ({ name, target: address, registered, traffic: onTraffic, healthPort, health: onHealth }) =>
      `${name} ${address}${registered ? '' : ' (left)'} ${onTraffic.answer}, health ${healthPort} ${onHealth?.answer}`,
  );

describe('targetPaths', () => {
  it('joins registered and logged targets', () => {
    const log = traffic([], { targets: [target('10.0.1.6:8080'), target('10.0.1.9:8080')] });
    expect(told({ traffic: log })).toEqual([
      'api 10.0.1.5:8080 allowed, health 8080 allowed',
      'api 10.0.1.6:8080 allowed, health 8080 allowed',
      'api 10.0.1.9:8080 (left) cannot-see, health 8080 cannot-see',
    ]);
  });

  it('finds an instance by its logged address', () => {
    const part = {
      targetGroups: [api({ TargetType: 'instance' })],
      targetHealth: { [API]: [health('i-1')] },
      networkInterfaces: [eni('10.0.1.5', { Attachment: { InstanceId: 'i-1', DeviceIndex: 0 } })],
      traffic: traffic([], { targets: [target('10.0.1.5:8080')] }),
    };
    expect(told(part)).toEqual(['api 10.0.1.5:8080 allowed, health 8080 allowed']);
  });

  it('keeps the traffic port and the health-check port apart', () => {
    const part = {
      targetHealth: { [API]: [health('10.0.1.5', 'healthy', { HealthCheckPort: '9090' })] },
      traffic: traffic([], { targets: [] }),
    };
    expect(told(part)).toEqual(['api 10.0.1.5:8080 allowed, health 9090 blocked']);
  });

  it('excludes functions and target groups of other load balancers', () => {
    const groups = [lambda, otherGroup];
    const targetHealth = Object.fromEntries(groups.map((group) => [group.TargetGroupArn, [health('10.0.1.5')]]));
    expect(told({ targetGroups: groups, targetHealth, traffic: traffic([], { targets: [target('-')] }) })).toEqual([]);
  });
});

describe('splitTarget', () => {
  it.each([
    ['10.0.1.5:8080', { address: '10.0.1.5', port: 8080 }],
    ['[fd00::5]:8080', { address: 'fd00::5', port: 8080 }],
    ['fd00:0:0:1:0:0:0:5:8080', { address: 'fd00:0:0:1:0:0:0:5', port: 8080 }],
    ['-', null],
  ])('%s', (text, parts) => expect(splitTarget(text)).toEqual(parts));
});

describe('pathChanges', () => {
  const call = (EventName: string, record: object, EventTime: string | number = '2026-11-20T02:00:00Z') => ({
    EventName,
    EventTime,
    CloudTrailEvent: JSON.stringify(record),
  });
  const change = (...events: ReturnType<typeof call>[]) =>
    pathChanges(events, [...(network.loadBalancer.SecurityGroups ?? []), 'sg-app']).map(
      ({ name, resource, at }) => `${name} ${resource} ${new Date(at).toISOString()}`,
    );

  it.each([
    {
      name: 'a rule that was revoked',
      event: call('RevokeSecurityGroupIngress', { requestParameters: { groupId: 'sg-app' } }),
      changes: ['RevokeSecurityGroupIngress sg-app 2026-11-20T02:00:00.000Z'],
    },
    {
      name: 'epoch seconds, as older CLIs print',
      event: call('SetSecurityGroups', { securityGroups: ['sg-alb'] }, 1_795_140_000),
      changes: ['SetSecurityGroups sg-alb 2026-11-20T02:00:00.000Z'],
    },
    {
      name: 'a call that was refused',
      event: call('RevokeSecurityGroupIngress', { errorCode: 'Client.UnauthorizedOperation', groupId: 'sg-app' }),
      changes: [],
    },
    { name: 'a read of the group', event: call('DescribeSecurityGroups', { groupId: 'sg-app' }), changes: [] },
    {
      name: 'a group whose id has the same beginning',
      event: call('RevokeSecurityGroupIngress', { groupId: 'sg-app2' }),
      changes: [],
    },
  ])('$name', ({ event, changes }) => expect(change(event)).toEqual(changes));
});
