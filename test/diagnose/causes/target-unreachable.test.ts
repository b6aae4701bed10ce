import { describe, expect, it } from 'vitest';
import { targetUnreachable } from '../../../src/diagnose/causes/target-unreachable.ts';
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
  refusedErrors,
  targetTraffic,
  timeouts,
} from '../../support/network/connect-timeouts.ts';
import { acl, eni, groups, routes, tcp, withInboundRules } from '../../support/network/network.ts';
import { API, failed, question, target } from '../../support/traffic/traffic-builder.ts';

/** `now` is in seconds after the start of the window; an hour after its end when not said. */
const judge = ({ now, ...told }: EvidenceOptions & { now?: number }) =>
  judgementOf(
    targetUnreachable,
    connectTimeoutEvidence(told),
    now === undefined ? question : { ...question, now: at(now) },
  );
const counter = (name: string, value: number) => ({
  MetricName: name,
  Dimensions: { LoadBalancer: 'app/shop-prod/50dc6c495c0c9188', TargetGroup: API.split(':').at(-1) ?? '' },
  Stat: 'Sum',
  Period: 60,
  Timestamps: value > 0 ? ['2026-11-20T02:41:00Z'] : [],
  Values: value > 0 ? [value] : [],
});

describe('target-unreachable', () => {
  it.each<EvidenceOptions & { name: string; verdict: string; now?: number }>([
    { name: 'the configuration allows the path', verdict: 'likely 6' },
    {
      name: 'nothing of the network could be read',
      known: { securityGroups: undefined, networkAcls: undefined },
      verdict: 'possible 6',
    },
    {
      name: 'the path was changed after the errors',
      known: { changes: [call('AuthorizeSecurityGroupIngress', 'sg-app', 1200)] },
      verdict: 'possible 6',
    },
    {
      name: 'no changes were read: a rule may have been gone and put back',
      known: { changes: undefined },
      verdict: 'possible 6',
    },
    {
      name: 'no changes were read, but connections still time out',
      now: 300,
      known: { changes: undefined },
      verdict: 'likely 6',
    },
    {
      name: 'no changes were read, but another target behind the same rules kept answering',
      known: { changes: undefined, networkInterfaces: [eni('10.0.1.5'), eni('10.0.1.6')] },
      targets: [targetTraffic(), target('10.0.1.6:8080', { node: NODE })],
      verdict: 'likely 6',
    },
    {
      name: 'no changes were read, and the target that kept answering is behind other rules',
      known: {
        changes: undefined,
        networkInterfaces: [eni('10.0.1.5'), eni('10.0.1.6', { Groups: [{ GroupId: 'sg-x' }] })],
      },
      targets: [targetTraffic(), target('10.0.1.6:8080', { node: NODE })],
      verdict: 'possible 6',
    },
    {
      name: 'it was deregistered after connections began to time out',
      known: { changes: [call('DeregisterTargets', '10.0.1.5', 90)] },
      verdict: 'possible 6',
    },
    {
      name: 'a security group drops it',
      known: { securityGroups: withInboundRules({ ...tcp(8080), ...groups('sg-old') }).securityGroups },
      verdict: 'ruled out',
    },
    {
      name: 'a network ACL drops it',
      known: { networkAcls: [acl('acl-lb', ['subnet-a', 'subnet-b']), acl('acl-app', ['subnet-app'], [])] },
      verdict: 'ruled out',
    },
    {
      name: 'a route leads nowhere',
      known: { routeTables: [routes('rtb-1', ['10.0.0.0/16'], ['10.0.1.0/24', 'blackhole'])] },
      verdict: 'likely 6',
    },
    {
      name: 'a TLS handshake would take as long',
      known: { targetGroups: [group({ Protocol: 'HTTPS' })] },
      verdict: 'possible 6',
    },
    {
      name: 'TLS is out of the question by the metrics',
      known: {
        targetGroups: [group({ Protocol: 'HTTPS' })],
        metrics: [counter('TargetTLSNegotiationErrorCount', 0), counter('TargetConnectionErrorCount', 6)],
      },
      verdict: 'likely 6',
    },
    {
      name: 'the target had been deregistered',
      now: 300,
      known: {
        targetHealth: { [API]: [health('draining')] },
      },
      verdict: 'ruled out',
    },
    {
      name: 'the target may have left',
      known: { targetHealth: { [API]: [] } },
      targets: [targetTraffic()],
      verdict: 'possible 6',
    },
    { name: 'refused within milliseconds', errors: refusedErrors(5), verdict: 'ruled out' },
    {
      name: 'some timed out, others were refused',
      errors: [...timeouts(), failed('connect-failed', 300, { node: NODE })],
      verdict: 'likely 6',
    },
  ])('$name: $verdict', ({ verdict, ...told }) => expect(describeJudgement(judge(told))).toBe(verdict));

  describe('with unreadable rules', () => {
    const unread = {
      securityGroups: undefined,
      networkAcls: undefined,
      networkInterfaces: undefined,
      changes: undefined,
    };
    const peer = target('10.0.1.6:8080', { node: NODE });

    it('is likely for one target that stopped answering while its peer still answers', () => {
      const { claims, for: reasons, summary } = judge({ known: unread, targets: [targetTraffic(), peer] });
      expect(claims).toMatchObject([{ strength: 'likely' }]);
      expect(reasons).toContain('1 other target of api kept answering.');
      expect(summary).toContain('after it had answered until then');
    });

    it('is likely for one whose network interface is gone while its peer behind other rules still answers', () => {
      const interfaces = judge({ targets: [targetTraffic(), peer], known: { networkInterfaces: [], changes: [] } });
      expect(interfaces.claims).toMatchObject([{ strength: 'likely' }]);
    });

    it.each([
      ['no other target answers', { targets: [targetTraffic()] }],
      ['it never answered', { targets: [targetTraffic({ firstSuccess: null, lastSuccess: null }), peer] }],
      ['it had answered a few requests', { targets: [targetTraffic({ requests: 12 }), peer] }],
      [
        'another target stopped as well',
        { targets: [targetTraffic(), peer], errors: [...timeouts(), ...timeouts({ target: '10.0.1.7:8080' })] },
      ],
    ])('stays open if %s', (_, told) => {
      expect(judge({ known: unread, ...told }).claims.map(({ strength }) => strength)).toEqual(['possible']);
    });
  });

  it('finds a full backlog by failed requests that waited 1 or 3 s for a connection', () => {
    const slow = (request_processing_time: number) =>
      failed('idle-timeout', 300, { node: NODE, target: '10.0.1.5:8080', request_processing_time, elapsed: 70 });
    const judged = (...seconds: number[]) => judge({ errors: [...timeouts(), ...seconds.map(slow)] });
    expect(judged(1.03, 3.06).for[1]).toBe(
      '2 failed requests of the same targets waited 1, 3 or 7 s for the connection: repeated SYNs, as a full listen backlog or packet loss leaves.',
    );
    expect(judged(1.03, 3.06).for[2]).toMatch(
      /^6 of [\d,]+ requests to 10\.0\.1\.5:8080 got no connection within 10 s\.$/,
    );
    expect(judged(1.03).fix.commands[0]).toBe('nstat -az TcpExtListenOverflows TcpExtListenDrops');
    expect(judged(0.4, 2.2).for.join()).not.toContain('SYN');
    const claimed = (...seconds: number[]) =>
      judged(...seconds).claims.flatMap(({ strength, errors }) =>
        errors.some(({ signature }) => signature === 'idle-timeout') ? [`${strength} ${errors.length}`] : [],
      );
    expect(claimed(1.03, 3.06, 1.02)).toContain('likely 3');
    expect(claimed(1.03, 3.06, 1.02, 0, 0, 0)).toEqual([]);
  });

  it('points to the cluster for a node port', () => {
    const errors = timeouts({ target: '10.0.1.5:30080' });
    const evidence = connectTimeoutEvidence({
      errors,
      targets: [targetTraffic({ target: '10.0.1.5:30080' })],
      known: {
        securityGroups: undefined,
        targetGroups: [group({ TargetType: 'instance', Port: 30080 })],
        targetHealth: undefined,
      },
    });
    const { fix } = judgementOf(targetUnreachable, evidence, question);
    expect(fix.summary).toContain('externalTrafficPolicy');
    expect(fix.commands).toContain('kubectl get service -A -o wide | grep :30080/');
  });

  it('says that the path is open and points to the host', () => {
    const { for: sentences, summary } = judge({});
    expect(sentences).toEqual([
      `All 6 failed requests timed out after 10 s connecting from node ${NODE} to 10.0.1.5:8080.`,
      'The configuration allows TCP 8080 to 10.0.1.5: sg-alb allows all traffic to 0.0.0.0/0; sg-app allows TCP 8080 from sg-alb; the network ACLs allow it both ways.',
      '10.0.1.5:8080 is unhealthy now (Target.Timeout).',
    ]);
    expect(summary).toContain('look inside the host');
    const { commands } = judgementOf(targetUnreachable, connectTimeoutEvidence(), question).fix;
    expect(commands.map((command) => command.split(' ')[0])).toEqual(['ss', 'sudo', 'getenforce;', 'curl', 'kubectl']);
    expect(commands[3]).toContain('http://10.0.1.5:8080/');
  });

  it('omits container commands for instances', () => {
    const known = { targetGroups: [group({ TargetType: 'instance' })] };
    expect(judgementOf(targetUnreachable, connectTimeoutEvidence({ known }), question).fix.commands).toHaveLength(4);
  });
});
