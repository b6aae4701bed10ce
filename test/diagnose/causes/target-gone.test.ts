import { describe, expect, it } from 'vitest';
import { targetGone } from '../../../src/diagnose/causes/target-gone.ts';
import type { Instance } from '../../../src/evidence/aws.ts';
import { judgementOf } from '../../support/judgement.ts';
import {
  at,
  call,
  connectTimeoutEvidence,
  describeJudgement,
  type EvidenceOptions,
  health,
  NODE,
  refusedErrors,
  targetTraffic,
  timeouts,
} from '../../support/network/connect-timeouts.ts';
import { eni, withInboundRules } from '../../support/network/network.ts';
import { API, MINUTE, question, START, target } from '../../support/traffic/traffic-builder.ts';

/** `now` is in seconds after the start of the window; an hour after its end when not said. */
const judge = ({ now, ...told }: EvidenceOptions & { now?: number }) =>
  judgementOf(targetGone, connectTimeoutEvidence(told), now === undefined ? question : { ...question, now: at(now) });
const absent = { [API]: [health('healthy', undefined, '10.0.1.6')] };
const left = targetTraffic({ requests: 300, lastSeen: at(110) });
const stayed = target('10.0.1.6:8080', { node: NODE });
const joined = target('10.0.1.7:8080', { node: NODE, firstSeen: at(120), firstSuccess: at(120) });
const interfaces = [eni('10.0.1.5', { Attachment: { InstanceId: 'i-1', DeviceIndex: 0 } })];
const instance = (name: string, reason = ''): Instance => ({
  InstanceId: 'i-1',
  State: { Name: name },
  StateTransitionReason: reason,
});
const unhealthyHosts = (value: number) => [
  {
    MetricName: 'UnHealthyHostCount',
    Dimensions: { LoadBalancer: 'app/shop-prod/50dc6c495c0c9188', TargetGroup: API.split(':').at(-1) ?? '' },
    Stat: 'Maximum',
    Period: 60,
    Timestamps: [new Date(START + MINUTE).toISOString()],
    Values: [value],
  },
];

describe('target-gone', () => {
  it.each<EvidenceOptions & { name: string; verdict: string; now?: number }>([
    {
      name: 'it left, is not registered, and another took over',
      known: { targetHealth: absent },
      targets: [left, stayed, joined],
      verdict: 'likely 6',
    },
    {
      name: 'it left, is not registered, and no host was unhealthy',
      known: { targetHealth: absent, metrics: unhealthyHosts(0) },
      targets: [left, stayed],
      verdict: 'likely 6',
    },
    {
      name: 'its absence now proves nothing',
      known: { targetHealth: absent },
      targets: [targetTraffic()],
      verdict: 'possible 6',
    },
    {
      name: 'it left, and nothing else is known',
      known: { targetHealth: undefined },
      targets: [left, stayed],
      verdict: 'possible 6',
    },
    {
      name: 'a host was unhealthy first',
      known: { targetHealth: absent, metrics: unhealthyHosts(1) },
      targets: [left, stayed, joined],
      verdict: 'possible 6',
    },
    {
      name: 'timeouts over minutes belong to a registered target',
      known: { targetHealth: absent },
      errors: [
        ...timeouts(),
        ...timeouts().map((error) => ({ ...error, at: error.at + 3 * MINUTE, trace_id: `${error.trace_id}b` })),
      ],
      targets: [{ ...left, lastSeen: at(290) }, stayed, joined],
      verdict: 'possible 12',
    },
    {
      name: 'it answered again later',
      known: { targetHealth: absent },
      targets: [{ ...left, lastSuccess: at(200) }, joined],
      verdict: 'ruled out',
    },
    { name: 'still registered, unhealthy', verdict: 'ruled out' },
    {
      name: 'still draining',
      now: 300,
      known: {
        targetHealth: { [API]: [health('draining')] },
      },
      targets: [left, stayed],
      verdict: 'likely 6',
    },
    {
      name: 'draining now, deregistered long after the errors',
      known: { targetHealth: { [API]: [health('draining')] } },
      targets: [left, stayed],
      verdict: 'possible 6',
    },
    {
      name: 'the instance is stopped',
      known: { targetHealth: { [API]: [health('unused', 'Target.InvalidState')] } },
      targets: [left],
      verdict: 'likely 6',
    },
    {
      name: 'its zone is not enabled',
      known: { targetHealth: { [API]: [health('unused', 'Target.NotInUse')] } },
      targets: [targetTraffic()],
      verdict: 'ruled out',
    },
    {
      name: 'the instance was terminated before the first timeout',
      known: {
        networkInterfaces: interfaces,
        instances: [instance('terminated', 'User initiated (2026-11-20 02:40:30 GMT)')],
      },
      targets: [left],
      verdict: 'confirmed 6',
    },
    {
      name: 'the instance was terminated after the timeouts',
      known: {
        networkInterfaces: interfaces,
        instances: [instance('terminated', 'User initiated (2026-11-20 03:10:00 GMT)')],
      },
      targets: [left],
      verdict: 'ruled out',
    },
    {
      name: 'CloudTrail has its deregistration',
      known: { targetHealth: absent, changes: [call('DeregisterTargets', '10.0.1.5', 30)] },
      targets: [left, stayed],
      verdict: 'confirmed 6',
    },
    {
      name: 'frozen first, then taken out: connections timed out 40 s before CloudTrail has its deregistration',
      known: { targetHealth: absent, changes: [call('DeregisterTargets', '10.0.1.5', 90)] },
      targets: [left, stayed, joined],
      verdict: 'possible 6',
    },
    {
      name: 'frozen first, then terminated',
      known: {
        networkInterfaces: interfaces,
        instances: [instance('terminated', 'User initiated (2026-11-20 02:41:30 GMT)')],
      },
      targets: [left],
      verdict: 'possible 6',
    },
    {
      name: 'TerminateInstances named the only instance that went as it fell silent, and EC2 has forgotten it',
      known: {
        targetHealth: absent,
        instances: [{ InstanceId: 'i-0c0c0c0c', PrivateIpAddress: '10.0.1.6' }],
        changes: [call('TerminateInstances', '', 40, { instancesSet: { items: [{ instanceId: 'i-0a0a0a0a' }] } })],
      },
      targets: [targetTraffic({ requests: 300, lastSeen: at(110), lastSuccess: at(45) }), stayed],
      verdict: 'likely 6',
    },
    {
      name: 'deregistered an hour before, came back and answered: it had not left',
      known: { changes: [call('DeregisterTargets', '10.0.1.5', -3600)] },
      verdict: 'ruled out',
    },
    {
      name: 'CloudTrail has it after the errors',
      known: { targetHealth: absent, changes: [call('DeregisterTargets', '10.0.1.5', 600)] },
      targets: [left, stayed],
      verdict: 'possible 6',
    },
    {
      name: 'a security group drops it',
      known: { targetHealth: absent, securityGroups: withInboundRules().securityGroups },
      targets: [left, stayed, joined],
      verdict: 'no claim',
    },
    { name: 'refused within milliseconds', errors: refusedErrors(5), verdict: 'ruled out' },
  ])('$name: $verdict', ({ verdict, ...told }) => expect(describeJudgement(judge(told))).toBe(verdict));

  it('says that the timeouts began before its deregistration', () => {
    const { against } = judge({
      known: { targetHealth: absent, changes: [call('DeregisterTargets', '10.0.1.5', 90)] },
    });
    expect(against[0]).toBe(
      'CloudTrail has DeregisterTargets for 10.0.1.5:8080 at 02:41:30 UTC, 40 s after connections to it began to time out: it was not gone when they began.',
    );
  });

  it('says when it was last seen and what replaced it', () => {
    expect(judge({ known: { targetHealth: absent }, targets: [left, stayed, joined] }).for[1]).toBe(
      '10.0.1.5:8080 last appears in the log at 02:41:50 UTC and is not registered now; another target of the group took over.',
    );
  });
});
