import { describe, expect, it } from 'vitest';
import { securityGroupBlocked } from '../../../src/diagnose/causes/security-group-blocked.ts';
import { judgementOf } from '../../support/judgement.ts';
import {
  at,
  call,
  connectTimeoutEvidence,
  describeJudgement,
  type EvidenceOptions,
  group,
  health,
  NODE,
  raceError,
  refusedErrors,
  targetTraffic,
  timeouts,
} from '../../support/network/connect-timeouts.ts';
import { acl, appGroup, cidr, eni, groups, network, tcp, withInboundRules } from '../../support/network/network.ts';
import { API, question, several } from '../../support/traffic/traffic-builder.ts';

const judge = (told: EvidenceOptions) => judgementOf(securityGroupBlocked, connectTimeoutEvidence(told), question);
const removed = { securityGroups: withInboundRules({ ...tcp(8080), ...groups('sg-old') }).securityGroups };

describe('security-group-blocked', () => {
  it.each<EvidenceOptions & { name: string; verdict: string }>([
    { name: 'the group of the load balancer is not admitted', known: removed, verdict: 'confirmed 6' },
    {
      name: 'it never answered at all',
      known: removed,
      targets: [targetTraffic({ firstSuccess: null, lastSuccess: null })],
      verdict: 'confirmed 6',
    },
    {
      name: 'successes continue over open connections, and nothing changed since',
      known: removed,
      targets: [targetTraffic({ lastSuccess: at(500) })],
      verdict: 'confirmed 6',
    },
    {
      name: 'successes fade out among the timeouts, changes not read',
      known: { ...removed, changes: undefined },
      targets: [targetTraffic({ lastSuccess: at(80) })],
      verdict: 'likely 6',
    },
    {
      name: 'successes go on to the end, changes not read',
      known: { ...removed, changes: undefined },
      targets: [targetTraffic({ lastSuccess: at(500) })],
      verdict: 'possible 6',
    },
    {
      name: 'the rule was removed minutes before, whatever succeeded since',
      known: { ...removed, changes: [call('RevokeSecurityGroupIngress', 'sg-app', -120)] },
      targets: [targetTraffic({ lastSuccess: at(500) })],
      verdict: 'confirmed 6',
    },
    {
      name: 'the rule was taken away after the errors',
      known: { ...removed, changes: [call('RevokeSecurityGroupIngress', 'sg-app', 1200)] },
      verdict: 'possible 6',
    },
    {
      name: 'health checks pass on the same port now',
      known: { ...removed, targetHealth: { [API]: [health('healthy')] } },
      verdict: 'possible 6',
    },
    {
      name: 'health checks pass on another port',
      known: {
        ...removed,
        targetGroups: [group({ HealthCheckPort: '9090' })],
        targetHealth: { [API]: [health('healthy')] },
      },
      verdict: 'confirmed 6',
    },
    { name: 'the configuration allows the path', verdict: 'ruled out' },
    {
      name: 'a rule was taken away before the timeouts and put back as they end',
      known: {
        changes: [
          call('RevokeSecurityGroupIngress', 'sg-app', 45),
          call('AuthorizeSecurityGroupIngress', 'sg-app', 105),
        ],
      },
      verdict: 'likely 6',
    },
    {
      name: 'the same, but connections timed out after it was put back',
      known: {
        changes: [
          call('RevokeSecurityGroupIngress', 'sg-app', 45),
          call('AuthorizeSecurityGroupIngress', 'sg-app', 80),
        ],
      },
      verdict: 'possible 6',
    },
    {
      name: 'the same, for another port',
      known: {
        changes: [
          call('RevokeSecurityGroupIngress', 'sg-app', 45, { fromPort: 22, toPort: 22 }),
          call('AuthorizeSecurityGroupIngress', 'sg-app', 105, { fromPort: 22, toPort: 22 }),
        ],
      },
      verdict: 'possible 6',
    },
    {
      name: 'the configuration allows it, since a rule was added after the errors',
      known: { changes: [call('AuthorizeSecurityGroupIngress', 'sg-app', 1200)] },
      verdict: 'possible 6',
    },
    {
      name: 'a change to another group after the errors',
      known: { changes: [call('AuthorizeSecurityGroupIngress', 'sg-web', 1200)] },
      verdict: 'ruled out',
    },
    { name: 'security groups could not be read', known: { securityGroups: undefined }, verdict: 'possible 6' },
    { name: 'no interface carries the address', known: { networkInterfaces: [] }, verdict: 'possible 6' },
    {
      name: 'another subnet is left out, this node is not in it',
      known: { securityGroups: withInboundRules({ ...tcp(8080), ...cidr('10.0.8.0/24') }).securityGroups },
      verdict: 'ruled out',
    },
    {
      name: 'the subnet of this node is left out',
      known: { securityGroups: withInboundRules({ ...tcp(8080), ...cidr('10.0.9.0/24') }).securityGroups },
      verdict: 'confirmed 6',
    },
    {
      name: 'a subnet has no rule, and the node is unknown',
      known: { securityGroups: withInboundRules({ ...tcp(8080), ...cidr('10.0.9.0/24') }).securityGroups },
      errors: timeouts({ node: null }),
      targets: [targetTraffic({ node: null })],
      verdict: 'likely 6',
    },
    {
      name: 'a network ACL drops it and the groups are open',
      known: { networkAcls: [acl('acl-lb', ['subnet-a', 'subnet-b']), acl('acl-app', ['subnet-app'], [])] },
      verdict: 'ruled out',
    },
    {
      name: 'a network ACL drops it and the groups could not be read',
      known: {
        securityGroups: undefined,
        networkAcls: [acl('acl-lb', ['subnet-a', 'subnet-b']), acl('acl-app', ['subnet-app'], [])],
      },
      verdict: 'no claim',
    },
    {
      name: 'every error came within milliseconds, though a group blocks',
      known: removed,
      errors: refusedErrors(5),
      verdict: 'ruled out',
    },
    {
      name: 'every request was sent, though a group does block',
      known: removed,
      errors: [raceError()],
      verdict: 'ruled out',
    },
    { name: 'an odd 504 cannot be excluded', known: removed, errors: several(1, 'inconsistent'), verdict: 'no claim' },
    {
      name: 'two targets, one of them cut off',
      known: {
        securityGroups: [...network.securityGroups, { ...appGroup, GroupId: 'sg-closed', IpPermissions: [] }],
        networkInterfaces: [eni('10.0.1.5'), eni('10.0.1.6', { Groups: [{ GroupId: 'sg-closed' }] })],
      },
      errors: [...timeouts(), ...timeouts({ target: '10.0.1.6:8080' })],
      verdict: 'confirmed 6',
    },
  ])('$name: $verdict', ({ verdict, ...told }) => expect(describeJudgement(judge(told))).toBe(verdict));

  it('shows what replaced the rule, and what removed it', () => {
    const changes = [call('SetSecurityGroups', 'sg-alb', -60)];
    expect(judge({ known: { ...removed, changes } }).for).toEqual([
      `All 6 failed requests timed out after 10 s connecting from node ${NODE} to 10.0.1.5:8080.`,
      'sg-app of 10.0.1.5 does not allow TCP 8080 from the load balancer (sg-alb); on that port it allows sg-old, which the load balancer does not use.',
      'SetSecurityGroups changed sg-alb at 02:39:00 UTC, 110.0 s before the first error.',
    ]);
  });

  it('asks why the rule went away if a later call restored it', () => {
    const changes = [
      call('RevokeSecurityGroupIngress', 'sg-app', -60),
      call('AuthorizeSecurityGroupIngress', 'sg-app', 600),
    ];
    const told = connectTimeoutEvidence({ known: { changes }, targets: [targetTraffic({ lastSuccess: at(880) })] });
    expect(judgementOf(securityGroupBlocked, told, question).fix).toMatchObject({
      summary:
        'Find out why RevokeSecurityGroupIngress changed sg-app at 02:39:00 UTC, before it happens again: AuthorizeSecurityGroupIngress undid it at 02:50:00 UTC, and connections succeed since.',
      commands: ['aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=sg-app'],
    });
  });

  it('is ruled out with a number', () => {
    expect(judge({ errors: refusedErrors(214) }).against[0]).toBe(
      'All 214 failed requests failed within 3 ms; a dropped SYN would time out after 10 s.',
    );
  });

  it('prints the command with the actual groups', () => {
    expect(
      judgementOf(securityGroupBlocked, connectTimeoutEvidence({ known: removed }), question).fix.commands,
    ).toEqual([
      'aws ec2 authorize-security-group-ingress --group-id sg-app --protocol tcp --port 8080 --source-group sg-alb',
    ]);
  });

  it('says what could not be read', () => {
    expect(judge({ known: { securityGroups: undefined, changes: undefined } }).missing).toEqual([
      'Could not check the rules of the security groups.',
      'Changes (CloudTrail) could not be read, so the configuration may have been different then.',
    ]);
  });

  it.each([
    ['got an answer in this time', { reason: 'TargetError', statusCode: '503' }, true],
    ['timed out as well', { reason: 'TimedOut', statusCode: '-' }, false],
  ])('weighs against a block that health checks %s', (_, reason, speaksAgainst) => {
    const evidence = connectTimeoutEvidence({ known: removed });
    const healthChecks = [
      {
        ...{ targetGroup: 'api', target: '10.0.1.5:8080', from: at(60), to: null, last: at(100), failures: 4 },
        ...{ nodes: [NODE], reasons: [{ ...reason, count: 4 }] },
      },
    ];
    const { log } = evidence.traffic;
    const judged = judgementOf(
      securityGroupBlocked,
      { ...evidence, traffic: { ...evidence.traffic, log: { ...log, healthChecks } } },
      question,
    );
    const sentence =
      'Health checks of 10.0.1.5:8080 got something back (HTTP 503) from 02:41:00 UTC to 02:41:40 UTC: packets arrived.';
    expect(judged.against.includes(sentence)).toBe(speaksAgainst);
  });

  it('names the group with the changed rules, not the one they refer to', () => {
    const mended = { groupId: 'sg-app', groups: { items: [{ groupId: 'sg-alb' }] } };
    const changes = [
      { ...call('RevokeSecurityGroupIngress', 'sg-app', 45, mended) },
      { ...call('AuthorizeSecurityGroupIngress', 'sg-app', 105, mended) },
    ];
    expect(judge({ known: { changes } }).summary).toBe(
      `RevokeSecurityGroupIngress changed sg-app at 02:40:45 UTC, and AuthorizeSecurityGroupIngress changed sg-app at 02:41:45 UTC: connections timed out between the two, and none that was begun before or later. All 6 failed requests timed out after 10 s connecting from node ${NODE} to 10.0.1.5:8080.`,
    );
  });
});
