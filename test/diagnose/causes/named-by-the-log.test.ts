/** Causes whose errors the log names outright: by a status, a code or an action of their own. */
import { describe, expect, it } from 'vitest';
import { authenticationFailure } from '../../../src/diagnose/causes/authentication-failure.ts';
import { clientClosed } from '../../../src/diagnose/causes/client-closed.ts';
import { fixedResponse } from '../../../src/diagnose/causes/fixed-response.ts';
import { loadBalancerImpaired } from '../../../src/diagnose/causes/load-balancer-impaired.ts';
import { targetGenerated } from '../../../src/diagnose/causes/target-generated.ts';
import { unsupportedRequest } from '../../../src/diagnose/causes/unsupported-request.ts';
import { WAF_CODES, wafFailure } from '../../../src/diagnose/causes/waf-failure.ts';
import { AUTHENTICATION_CODES, authenticationCode } from '../../../src/diagnose/reason-codes/authentication-codes.ts';
import { judgementOf } from '../../support/judgement.ts';
import { LB, question, START, several, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

const everyStatus = { ...question, statuses: ['5xx', '460'] };
const traffic = (...args: Parameters<typeof several>) => trafficOf(several(...args), {}, everyStatus);
const causes = {
  'target-generated': targetGenerated,
  'fixed-response': fixedResponse,
  'waf-failure': wafFailure,
  'authentication-failure': authenticationFailure,
  'client-closed': clientClosed,
  'unsupported-request': unsupportedRequest,
} as const;

describe('causes that the log names', () => {
  it.each([
    ['target-generated', 'target-response'],
    ['fixed-response', 'fixed-response'],
    ['waf-failure', 'waf-failure'],
    ['authentication-failure', 'authentication-failure'],
    ['client-closed', 'client-closed'],
    ['unsupported-request', 'other'],
  ] as const)('%s is confirmed by its own mark, and by no other', (id, kind) => {
    const { claims, summary } = judgementOf(causes[id], { traffic: traffic(4, kind) }, everyStatus);
    expect(claims).toMatchObject([{ strength: 'confirmed', errors: [{}, {}, {}, {}] }]);
    expect(summary).toContain('4 requests');
    expect(judgementOf(causes[id], { traffic: traffic(4, 'connect-failed') }, everyStatus).claims).toEqual([]);
    expect(judgementOf(causes[id], { traffic: traffic(4, kind) }, everyStatus).fix.summary).not.toBe('');
  });
});

describe('target-generated', () => {
  it('says which targets, routes and statuses, and where to look', () => {
    const errors = traffic(3, 'target-response', (i) => ({ target: i < 2 ? '10.0.1.5:8080' : '10.0.2.7:8080' }));
    expect(judgementOf(targetGenerated, { traffic: errors }, question).for).toEqual([
      'All 3 failed requests ended with the status that the target sent (500); the load balancer only relayed it.',
      'By target: 2 from 10.0.1.5:8080 and 1 from 10.0.2.7:8080.',
      'By route: GET /orders.',
    ]);
    expect(judgementOf(targetGenerated, { traffic: errors }, question).fix.commands[0]).toMatch(/^grep -F -e Root=1-/);
  });
});

describe('the headline of target-generated', () => {
  const address = (index: number) => `10.0.1.${5 + index}:8080`;
  const presence = (index: number, joinedAt: number) =>
    target(address(index), { firstSeen: START + joinedAt * 1000, lastSeen: START + 890_000, requests: 200 });
  const errors = (count: number, route?: string) =>
    several(8, 'target-response', (i) => ({ target: address(i % count), ...(route ? {} : { route: `GET /${i}` }) }));

  it.each([
    [
      'two targets and one route',
      errors(2, 'GET /orders'),
      [0, 0],
      '8 requests on GET /orders with 500 (4 from 10.0.1.5:8080 and 4 from 10.0.1.6:8080);',
    ],
    ['many targets and routes', errors(4), [0, 0, 0, 0], '8 requests with 500 (4 targets);'],
    [
      'all targets of a new revision',
      errors(4),
      [300, 310, 320, 330, 0],
      '(all 4 targets that joined from 02:45:00 UTC on);',
    ],
  ])('counts %s', (_, failures, joined, text) => {
    const log = { targets: joined.map((at, index) => presence(index, at)) };
    expect(judgementOf(targetGenerated, { traffic: trafficOf(failures, log) }, question).summary).toContain(text);
  });
});

describe('fixed-response', () => {
  it('names the rule if the rules were read', () => {
    const rule = {
      RuleArn: 'arn:rule/7',
      Priority: '7',
      Actions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '503' } }],
    };
    const known = {
      traffic: traffic(2, 'fixed-response', () => ({ matched_rule_priority: '7' })),
      rules: { 'arn:listener': [rule, { ...rule, RuleArn: 'arn:rule/8', Priority: '8' }] },
    };
    expect(judgementOf(fixedResponse, known, question).for[1]).toBe('The rule arn:rule/7 returns 503.');
    expect(judgementOf(fixedResponse, known, question).fix.commands).toEqual([
      "aws elbv2 modify-rule --rule-arn arn:rule/7 --actions 'Type=forward,TargetGroupArn=<target-group-arn>'",
    ]);
  });

  it('only shows a rule that also authenticates', () => {
    const response = { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '503' } };
    const rule = { RuleArn: 'arn:rule/7', Priority: '7', Actions: [{ Type: 'authenticate-oidc' }, response] };
    const known = {
      traffic: traffic(2, 'fixed-response', () => ({ matched_rule_priority: '7' })),
      rules: { 'arn:listener': [rule] },
    };
    const { fix } = judgementOf(fixedResponse, known, question);
    expect(fix.commands).toEqual(['aws elbv2 describe-rules --rule-arns arn:rule/7']);
    expect(fix.notes?.join(' ')).toContain('keep its authentication');
  });

  it('points to the Ingress, not to the rule, with the AWS Load Balancer Controller', () => {
    const rule = {
      RuleArn: 'arn:rule/7',
      Priority: '7',
      Actions: [
        {
          Type: 'fixed-response',
          FixedResponseConfig: { StatusCode: '503', MessageBody: 'Backend service does not exist' },
        },
      ],
    };
    const known = {
      traffic: traffic(2, 'fixed-response', () => ({ matched_rule_priority: '7' })),
      rules: { 'arn:listener': [rule] },
    };
    const { summary, fix } = judgementOf(fixedResponse, known, question);
    expect(summary).toBe(
      'The AWS Load Balancer Controller found no backend for an Ingress: rule 7 answers 2 requests with 503 "Backend service does not exist".',
    );
    expect(fix.summary).toContain('Ingress');
    expect(fix.commands.join()).not.toContain('modify-rule');
  });

  it('changes the default rule through its listener', () => {
    const rule = {
      RuleArn: 'arn:rule/default',
      Priority: 'default',
      IsDefault: true,
      Actions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '503' } }],
    };
    const known = {
      traffic: traffic(2, 'fixed-response', () => ({ matched_rule_priority: '0' })),
      rules: { 'arn:listener': [rule] },
    };
    expect(judgementOf(fixedResponse, known, question).fix.commands).toEqual([
      "aws elbv2 modify-listener --listener-arn arn:listener --default-actions 'Type=forward,TargetGroupArn=<target-group-arn>'",
    ]);
  });
});

describe('waf-failure', () => {
  it('explains every documented code and offers fail-open with its side effect', () => {
    expect(Object.keys(WAF_CODES)).toHaveLength(5);
    const fix = judgementOf(wafFailure, { traffic: traffic(1, 'waf-failure') }, question).fix;
    expect(fix.commands[0]).toContain(`${LB} --attributes Key=waf.fail_open.enabled,Value=true`);
    expect(fix.sideEffects).toEqual([
      'While AWS WAF cannot be reached, requests reach the targets without its protection.',
    ]);
  });
});

describe('authentication-failure', () => {
  it.each([
    [
      'the token endpoint is silent',
      'AuthTokenEpRequestTimeout',
      '500',
      'did not answer within 5 s (side: identity provider',
    ],
    [
      'claims are too large',
      'AuthUserinfoResponseSizeExceeded',
      '500',
      'over 11 KB (side: configuration; counted in ELBAuthUserClaimsSizeExceeded)',
    ],
    ['the JWKS endpoint is silent', 'JWKSRequestTimeout', '500', 'JWKS endpoint did not answer within 5 s'],
    ['561 has no code', '-', '561', 'failed with 561: the identity provider returned an error code'],
    ['562 has no code', '-', '562', 'failed with 562: the JWKS endpoint answered with a status other than 2xx'],
  ])('%s', (_, error_reason, elb_status_code, part) => {
    const errors = traffic(2, 'authentication-failure', () => ({ error_reason, elb_status_code }));
    expect(judgementOf(authenticationFailure, { traffic: errors }, question).for[0]).toContain(part);
  });

  it('knows no meaning of a code named like a member of every object', () => {
    const ended = (error_reason: string) => authenticationCode({ error_reason, elb_status_code: '500' });
    expect(ended('constructor')).toEqual(ended('AuthUnheardOf'));
  });

  it('knows all 26 documented codes', () => expect(Object.keys(AUTHENTICATION_CODES)).toHaveLength(26));
});

describe('client-closed', () => {
  const gaveUp = (elapsed: (i: number) => number) => traffic(4, 'client-closed', (i) => ({ elapsed: elapsed(i) }));
  it("finds the client's timeout in the durations", () => {
    const known = { traffic: gaveUp((i) => 5.001 + i / 500), attributes: { 'idle_timeout.timeout_seconds': '60' } };
    expect(judgementOf(clientClosed, known, everyStatus).for[1]).toBe(
      'The failed requests lasted about 5 s, which points to a timeout in some clients; the load balancer waits 60 s.',
    );
  });
  it('finds no timeout if the durations are spread', () => {
    expect(judgementOf(clientClosed, { traffic: gaveUp((i) => 1.3 + i * 2.4) }, everyStatus).for.join()).not.toContain(
      'cluster',
    );
  });
});

describe('unsupported-request', () => {
  it.each([
    ['501', 'Transfer-Encoding'],
    ['505', 'HTTP version'],
    ['507', 'over 8 KB'],
  ])('%s: %s', (elb_status_code, part) => {
    const errors = traffic(1, 'other', () => ({ elb_status_code }));
    expect(judgementOf(unsupportedRequest, { traffic: errors }, question).for[0]).toContain(part);
  });
  it('ignores other statuses', () => {
    const errors = traffic(1, 'other', () => ({ elb_status_code: '500' }));
    expect(judgementOf(unsupportedRequest, { traffic: errors }, question).claims).toEqual([]);
  });
});

describe('load-balancer-impaired', () => {
  const zone = { AvailabilityZones: [{ SubnetId: 'subnet-a' }] };
  const lb = (Code: string) => ({
    loadBalancer: { LoadBalancerArn: LB, LoadBalancerName: 'shop-prod', State: { Code }, ...zone },
  });
  const free = (AvailableIpAddressCount: number) => ({ subnets: [{ SubnetId: 'subnet-a', AvailableIpAddressCount }] });
  it.each([
    ['impaired, and odd errors', 'inconsistent', lb('active_impaired'), 'possible'],
    ['a subnet out of addresses, and connect timeouts', 'connect-timeout', { ...lb('active'), ...free(2) }, 'possible'],
    ['active, with addresses left', 'inconsistent', { ...lb('active'), ...free(200) }, undefined],
    ['impaired, but the errors have a shape of their own', 'connect-failed', lb('active_impaired'), undefined],
    ['no state known', 'inconsistent', {}, undefined],
  ] as const)('%s', (_, kind, known, strength) => {
    const { claims } = judgementOf(loadBalancerImpaired, { traffic: traffic(3, kind), ...known }, question);
    expect(claims[0]?.strength).toBe(strength);
  });
  it('names the subnet and its free addresses', () => {
    const known = { traffic: traffic(3, 'connect-timeout'), ...lb('active'), ...free(2) };
    expect(judgementOf(loadBalancerImpaired, known, question).for[0]).toBe(
      'Subnet subnet-a has 2 free addresses; the load balancer needs 8.',
    );
  });
});
