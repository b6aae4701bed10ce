import { describe, expect, it } from 'vitest';
import { weightedGroup } from '../../../src/diagnose/targets/weighted-group.ts';
import type { Rule } from '../../../src/evidence/aws.ts';
import { API, several, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

const BLUE = API.replace('targetgroup/api/', 'targetgroup/blue/');
const GREEN = API.replace('targetgroup/api/', 'targetgroup/green/');
const LISTENER =
  'arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop-prod/50dc6c495c0c9188/f2f7dc8efc522ab2';
const RULE = LISTENER.replace(':listener/', ':listener-rule/');

/** Green fails 10 of 100 requests; of blue's 900, so many. */
const traffic = (ofBlue: number) =>
  trafficOf(
    [
      ...several(10, 'connect-failed', () => ({ target: '10.0.1.6:8080', target_group_arn: GREEN })),
      ...several(ofBlue, 'connect-failed', () => ({ target: '10.0.1.5:8080', target_group_arn: BLUE })),
    ],
    {
      targets: [
        target('10.0.1.5:8080', { target_group_arn: BLUE, requests: 900, failures: ofBlue }),
        target('10.0.1.6:8080', { target_group_arn: GREEN, requests: 100, failures: 10 }),
      ],
    },
  );

const forward = (green: number) => ({
  Type: 'forward',
  ForwardConfig: {
    TargetGroups: [
      { TargetGroupArn: BLUE, Weight: 90 },
      { TargetGroupArn: GREEN, Weight: green },
    ],
  },
});
const rules = (rule: Partial<Rule>): Record<string, Rule[]> => ({
  [LISTENER]: [{ RuleArn: RULE, Priority: '5', Actions: [forward(10)], ...rule }],
});
const judge = (rule: Partial<Rule>, ofBlue = 0) => {
  const seen = traffic(ofBlue);
  return weightedGroup(
    seen.errors.filter(({ target_group_arn }) => target_group_arn === GREEN),
    seen,
    rules(rule),
  );
};

describe('a target group with a weight', () => {
  it('is named with its weight if only it fails, with a command that sets weight 0', () => {
    const found = judge({});
    expect(found?.sentence).toBe(
      'All 10 errors went to green, which has weight 10 of 100 in rule 5 now; no request to blue failed.',
    );
    expect(found?.stopgap.commands[0]).toContain(
      `aws elbv2 modify-rule --rule-arn ${RULE} --actions '[{"Type":"forward"`,
    );
    expect(found?.stopgap.commands[0]).toContain(
      `{"TargetGroupArn":"${BLUE}","Weight":90},{"TargetGroupArn":"${GREEN}","Weight":0}`,
    );
  });

  it('is changed through the listener if the rule is its default', () => {
    expect(judge({ IsDefault: true })?.stopgap.commands[0]).toContain(
      `modify-listener --listener-arn ${LISTENER} --default-actions`,
    );
  });

  it.each<[string, Partial<Rule>, number]>([
    ['the other group fails as well', {}, 30],
    ['it has weight 0 already', { Actions: [forward(0)] }, 0],
    ['the rule sends to one group', { Actions: [{ Type: 'forward', TargetGroupArn: GREEN }] }, 0],
    [
      'the rule authenticates too, and would want its secret again',
      { Actions: [{ Type: 'authenticate-oidc' }, forward(10)] },
      0,
    ],
  ])('is not suggested if %s', (_, rule, ofBlue) => {
    expect(judge(rule, ofBlue)).toBeNull();
  });
});
