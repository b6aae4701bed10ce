import { describe, expect, it } from 'vitest';
import { deregistrationDelayElapsed } from '../../../src/diagnose/causes/deregistration-delay-elapsed.ts';
import { judgementOf } from '../../support/judgement.ts';
import { API, failed, question, START, several, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

const OLD = '10.0.1.5:8080';
const ago = (seconds: number) => START + seconds * 1000;
/** The old target was last seen at this second, while another one went on to the end of what was read. */
const until = (second: number) => ({
  targets: [target(OLD, { lastSeen: ago(second), lastSuccess: ago(second - 30) }), target('10.0.2.7:8080')],
});
const one = [failed('no-response-aborted', 300, { elapsed: 26.358 })];
const together = [
  failed('no-response-aborted', 300, { elapsed: 26.358 }),
  failed('no-response-aborted', 300.02, { elapsed: 41.7 }),
];
const delay = (value: number) => ({ [API]: { 'deregistration_delay.timeout_seconds': String(value) } });
const health = (...targets: [string, string][]) => ({
  [API]: targets.map(([Id, State]) => ({ Target: { Id, Port: 8080 }, TargetHealth: { State } })),
});
const call = (second: number, id = '10.0.1.5', errorCode?: string) => [
  {
    EventName: 'DeregisterTargets',
    EventTime: new Date(ago(second)).toISOString(),
    CloudTrailEvent: JSON.stringify({
      ...(errorCode && { errorCode }),
      requestParameters: { targetGroupArn: API, targets: [{ id, port: 8080 }] },
    }),
  },
];
const judge = (failures: typeof one, log: Partial<ReturnType<typeof until>> = {}, known = {}) =>
  judgementOf(deregistrationDelayElapsed, { traffic: trafficOf(failures, log), ...known }, question);
const claims = (...args: Parameters<typeof judge>) =>
  judge(...args).claims.map((c) => `${c.strength} ${c.errors.length}`);

describe('deregistration-delay-elapsed', () => {
  it.each([
    ['two ended together after different times', together, until(600), {}, ['confirmed 2']],
    ['one, and the target kept serving', one, until(900), {}, ['possible 1']],
    ['one, and the target got no request afterwards', one, until(300), {}, ['likely 1']],
    ['the same, but too soon for the delay', one, until(300), { targetGroupAttributes: delay(300) }, ['possible 1']],
    ['the same, and as long as the delay', one, until(300), { targetGroupAttributes: delay(25) }, ['likely 1']],
    ['the target is draining', one, until(300), { targetHealth: health(['10.0.1.5', 'draining']) }, ['confirmed 1']],
    [
      'absent now, and last seen then',
      one,
      until(300),
      { targetHealth: health(['10.0.2.7', 'healthy']) },
      ['confirmed 1'],
    ],
    ['absent now, but served on', one, until(900), { targetHealth: health(['10.0.2.7', 'healthy']) }, ['possible 1']],
    [
      'the log ends with it, and nothing shows that the target left: an early close may look the same',
      one,
      { targets: [target(OLD, { lastSeen: ago(300) })] },
      {},
      ['possible 1'],
    ],
    [
      'deregistered one delay before',
      one,
      until(900),
      { targetGroupAttributes: delay(20), changes: call(280) },
      ['confirmed 1'],
    ],
    [
      'deregistered at another time',
      one,
      until(900),
      { targetGroupAttributes: delay(20), changes: call(100) },
      ['possible 1'],
    ],
    [
      'another target was deregistered',
      one,
      until(900),
      { targetGroupAttributes: delay(20), changes: call(280, '10.0.9.9') },
      ['possible 1'],
    ],
    [
      'the call was refused',
      one,
      until(900),
      { targetGroupAttributes: delay(20), changes: call(280, '10.0.1.5', 'AccessDenied') },
      ['possible 1'],
    ],
    [
      'deregistered by instance id',
      one,
      until(900),
      {
        targetGroupAttributes: delay(20),
        changes: call(280, 'i-01'),
        instances: [{ InstanceId: 'i-01', PrivateIpAddress: '10.0.1.5' }],
      },
      ['confirmed 1'],
    ],
    [
      'ended at once, which takes no timer',
      [...one, failed('no-response-aborted', 300.01, { elapsed: 26.36 })],
      until(900),
      {},
      ['possible 2'],
    ],
  ])('%s', (_, failures, log, known, expected) => {
    expect(claims(failures, log, known)).toEqual(expected);
  });

  it('is contradicted by connections that were never made', () => {
    expect(judge(several(7, 'connect-failed'))).toMatchObject({ claims: [], ruledOut: true });
  });

  it('says what ended together, and what was not read', () => {
    expect(judge(together, until(600)).for.slice(1)).toEqual([
      `2 requests to ${OLD} ended together at 02:45:00.000 UTC, after 26.4 s to 41.7 s: one timer of the target, not of each request.`,
      'The deregistration delay in force was 26.4 s at most, or the few seconds longer for which nodes go on choosing a target.',
    ]);
    expect(judge(one, until(900)).missing).toHaveLength(2);
  });

  it('raises the delay of this target group above the longest request, with the side effect', () => {
    const { commands, sideEffects } = judgementOf(
      deregistrationDelayElapsed,
      { traffic: trafficOf(together) },
      question,
    ).fix;
    expect(commands).toEqual([
      `aws elbv2 modify-target-group-attributes --target-group-arn ${API} --attributes Key=deregistration_delay.timeout_seconds,Value=90`,
    ]);
    expect(sideEffects[0]).toContain('up to 90 s');
  });
});
