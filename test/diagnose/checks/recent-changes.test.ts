import { describe, expect, it } from 'vitest';
import { recentChanges } from '../../../src/diagnose/checks/recent-changes.ts';
import { API, failed, LB, question, START, trafficOf } from '../../support/traffic/traffic-builder.ts';

/** A call so many seconds after the start of the window. The first error comes after 600 s. */
const call = (EventName: string, second: number, text: object = { requestParameters: { loadBalancerArn: LB } }) => ({
  EventName,
  EventTime: new Date(START + second * 1000).toISOString(),
  Username: 'alice',
  CloudTrailEvent: JSON.stringify(text),
});
const traffic = trafficOf([failed('connect-failed', 600)]);
const elsewhere = { requestParameters: { loadBalancerArn: LB.replaceAll('shop-prod', 'other') } };

describe('recent-changes', () => {
  it.each([
    [
      'none',
      [],
      'pass',
      'No change from an hour before the first error until now; CloudTrail shows no earlier change either.',
    ],
    [
      'long before',
      [call('ModifyListener', -9 * 86_400)],
      'pass',
      'No change from an hour before the first error until now; the last change, ModifyListener, was 9 days before that error.',
    ],
    [
      'three minutes before',
      [call('SetSecurityGroups', 420)],
      'fail',
      'SetSecurityGroups by alice at 02:47:00 UTC, 3 min before the first error.',
    ],
    [
      'several before',
      [call('ModifyListener', -600), call('SetSecurityGroups', 420)],
      'fail',
      'SetSecurityGroups by alice at 02:47:00 UTC, 3 min before the first error. ModifyListener came before that, at 02:30:00 UTC.',
    ],
    [
      'a task that a person stopped',
      [call('UpdateService', 540), call('StopTask', 599, { requestParameters: { task: 'f3c1' } })],
      'fail',
      'StopTask by alice at 02:49:59 UTC, 1 s before the first error. UpdateService came before that, at 02:49:00 UTC.',
    ],
    [
      'the same call twice',
      [call('StopTask', 500), call('StopTask', 510)],
      'fail',
      'StopTask by alice at 02:48:30 UTC, 1 min 30 s before the first error. Another StopTask came before that, at 02:48:20 UTC.',
    ],
    [
      'three others before',
      [call('UpdateService', 0), call('StopTask', 10), call('StopTask', 20), call('UpdateService', 480)],
      'fail',
      'UpdateService by alice at 02:48:00 UTC, 2 min before the first error. 3 other changes came before that: 2 × StopTask and UpdateService.',
    ],
    [
      'after the errors began',
      [call('ModifyLoadBalancerAttributes', 1200)],
      'fail',
      '1 change since the first error: ModifyLoadBalancerAttributes by alice at 03:00:00 UTC. The configuration read now may differ from the configuration during the errors.',
    ],
    ['reading is no change', [call('DescribeTargetHealth', 420)], 'pass', 'CloudTrail shows no earlier change either'],
    [
      'a refused call is no change',
      [call('SetSecurityGroups', 420, { errorCode: 'AccessDenied' })],
      'pass',
      'CloudTrail shows no earlier change either',
    ],
    [
      'another load balancer',
      [call('SetSecurityGroups', 420, elsewhere)],
      'pass',
      'CloudTrail shows no earlier change either',
    ],
    [
      'the target group in use',
      [call('ModifyTargetGroup', 420, { requestParameters: { targetGroupArn: API } })],
      'fail',
      'ModifyTargetGroup by alice',
    ],
    ['an unrelated change', [call('CreateLogStream', 420, {})], 'pass', 'CloudTrail shows no earlier change either'],
    [
      'a security group names no load balancer',
      [call('RevokeSecurityGroupIngress', 420, { requestParameters: { groupId: 'sg-1' } })],
      'fail',
      'RevokeSecurityGroupIngress by alice',
    ],
    [
      'text that does not parse',
      [{ ...call('SetSecurityGroups', 420), CloudTrailEvent: '{' }],
      'fail',
      'SetSecurityGroups by alice',
    ],
  ])('%s', (_, changes, outcome, part) => {
    const verdict = recentChanges.evaluate({ changes, traffic }, question);
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.summary).toContain(part);
  });

  it('is unknown until CloudTrail had 15 minutes to record changes', () => {
    const at = (minutes: number) =>
      recentChanges.evaluate({ changes: [], traffic }, { ...question, now: START + minutes * 60_000 });
    expect(at(24)).toMatchObject({
      outcome: 'unknown',
      summary:
        'No change is recorded from an hour before the first error on, but CloudTrail records calls up to 15 min late: look again at 03:05:00 UTC.',
    });
    expect(at(25)).toMatchObject({ outcome: 'pass' });
  });

  it('reads epoch seconds as printed by older AWS CLIs', () => {
    const changes = [{ ...call('SetSecurityGroups', 0), EventTime: START / 1000 + 420 }];
    expect(recentChanges.evaluate({ changes, traffic }, question).summary).toContain('02:47:00 UTC, 3 min before');
  });
});
