import { list } from '../../format/wording.ts';
import { authenticatingListeners, edgeAnswer } from '../network-path/load-balancer-edge.ts';
import { defineCheck } from './check.ts';

export const identityProviderEgress = defineCheck({
  id: 'identity-provider-egress',
  step: 5,
  subject: 'whether the load balancer can reach the identity providers',
  question: 'Can the load balancer reach the identity providers of its rules?',
  why: 'The load balancer calls the identity provider over HTTPS; if it cannot get out, every sign-in fails with 500 after 5 s.',
  fix: "Allow TCP 443 out of the load balancer's security groups.",
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html',
  namedBy: ['authentication-failure'],
  needs: ['loadBalancer', 'securityGroups', 'listeners'],
  wants: ['rules', 'prefixLists'],

  evaluate(evidence) {
    const listeners = authenticatingListeners(evidence.listeners, evidence.rules);
    if (listeners.length === 0) {
      return evidence.rules
        ? { outcome: 'not-applicable', summary: 'No listener rule authenticates users or validates tokens.' }
        : {
            outcome: 'unknown',
            summary: 'Could not check the listener rules: whether one authenticates users.',
            missing: true,
          };
    }
    const { answer, groups, instead, missing } = edgeAnswer('out', 443, evidence);
    const names = list(groups);
    if (answer === 'unknown')
      return { outcome: 'unknown', summary: `Could not check ${list(missing)}.`, missing: true };
    if (answer === 'none') {
      return {
        outcome: 'fail',
        summary: `${names} of the load balancer ${groups.length === 1 ? 'allows' : 'allow'} no TCP 443 out, so no identity provider can be reached; ${instead}.`,
        fix: `Allow TCP 443 out of ${names}, to the addresses of the identity provider or to 0.0.0.0/0.`,
      };
    }
    return {
      outcome: 'pass',
      summary:
        answer === 'all'
          ? `${names} allows TCP 443 out to identity providers.`
          : `TCP 443 out is open to some addresses: ${instead}.`,
    };
  },
});
