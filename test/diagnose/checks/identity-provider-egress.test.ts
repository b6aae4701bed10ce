import { describe, expect, it } from 'vitest';
import { authenticationFailure } from '../../../src/diagnose/causes/authentication-failure.ts';
import { identityProviderEgress } from '../../../src/diagnose/checks/identity-provider-egress.ts';
import type { Listener } from '../../../src/evidence/aws.ts';
import { judgementOf } from '../../support/judgement.ts';
import { cidr, groups, network, prefixList, tcp, withOutboundRules } from '../../support/network/network.ts';
import { describeVerdict } from '../../support/network/two-healthy-targets.ts';
import { question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const LISTENER = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop-prod/50dc6c495c0c9188/1';
const signsIn: Listener = {
  ListenerArn: LISTENER,
  Port: 443,
  Protocol: 'HTTPS',
  DefaultActions: [{ Type: 'authenticate-oidc' }, { Type: 'forward' }],
};

type Input = Parameters<typeof identityProviderEgress.evaluate>[0];
const judge = (part: Partial<Input>) =>
  describeVerdict(identityProviderEgress.evaluate({ ...network, listeners: [signsIn], rules: {}, ...part }, question));
const closed = withOutboundRules({ ...tcp(8080), ...groups('sg-app') });

describe('identity-provider-egress', () => {
  it.each<{ name: string; part: Partial<Input>; says: string }>([
    {
      name: 'everything is open',
      part: {},
      says: 'pass: sg-alb allows TCP 443 out to identity providers.',
    },
    {
      name: 'only the targets are open',
      part: closed,
      says: 'fail: sg-alb of the load balancer allows no TCP 443 out, so no identity provider can be reached; it allows only TCP 8080 to sg-app.',
    },
    {
      name: 'no rule authenticates',
      part: { ...closed, listeners: [{ ...signsIn, DefaultActions: [{ Type: 'forward' }] }] },
      says: 'not-applicable: No listener rule authenticates users or validates tokens.',
    },
    {
      name: 'a rule besides the default one validates tokens',
      part: {
        ...closed,
        listeners: [{ ...signsIn, DefaultActions: [] }],
        rules: { [LISTENER]: [{ Actions: [{ Type: 'jwt-validation' }] }] },
      },
      says: 'fail: sg-alb of the load balancer allows no TCP 443 out, so no identity provider can be reached; it allows only TCP 8080 to sg-app.',
    },
    {
      name: 'one range is open, which may include the identity provider',
      part: withOutboundRules({ ...tcp(443), ...cidr('203.0.113.0/24') }),
      says: 'pass: TCP 443 out is open to some addresses: it allows only TCP 443 to 203.0.113.0/24.',
    },
    {
      name: 'a prefix list that was not read',
      part: withOutboundRules({ ...tcp(443), ...prefixList('pl-1') }),
      says: 'unknown: Could not check the entries of prefix list pl-1.',
    },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));

  it('explains a sign-in that times out, with the command that opens the path', () => {
    const traffic = trafficOf(several(9, 'authentication-failure'));
    const evidence = { ...network, ...closed, traffic, listeners: [signsIn], rules: {} };
    const { summary, fix } = judgementOf(authenticationFailure, evidence, question);
    expect(summary).toBe(
      '9 sign-ins failed: the load balancer cannot reach the identity provider, because sg-alb allows no TCP 443 out (AuthTokenEpRequestTimeout).',
    );
    expect(fix.commands[0]).toBe(
      "aws ec2 authorize-security-group-egress --group-id sg-alb --ip-permissions 'IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=0.0.0.0/0}]'",
    );
    expect(fix.commands.join('\n')).toContain(`--listener-arn ${LISTENER}`);
  });

  it('explains nothing if the identity provider answered', () => {
    const answered = several(9, 'authentication-failure', () => ({ error_reason: 'AuthInvalidIdToken' }));
    const evidence = { ...network, ...closed, traffic: trafficOf(answered), listeners: [signsIn], rules: {} };
    expect(judgementOf(authenticationFailure, evidence, question).summary).toContain('Authentication failed for 9');
  });
});
