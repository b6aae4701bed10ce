import type { Question } from '../../evidence/question.ts';
import { command } from '../../format/command.ts';
import { ownValue } from '../../format/own-value.ts';
import { plural, requestsOf } from '../../format/wording.ts';
import type { Fix, Judgement } from '../judgement.ts';
import { describeTally } from '../patterns/tally.ts';
import { countErrors } from '../traffic.ts';
import { defineCause } from './cause.ts';

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#error-reason-codes */
export const WAF_CODES: Readonly<Record<string, string>> = {
  WAFConnectionError: 'the load balancer cannot connect to AWS WAF',
  WAFConnectionTimeout: 'connecting to AWS WAF timed out',
  WAFResponseReadTimeout: 'AWS WAF did not answer in time',
  WAFServiceError: 'AWS WAF answered with a 5xx',
  WAFUnhandledException: 'the load balancer met an exception it did not handle',
};

export const wafFailure = defineCause({
  id: 'waf-failure',
  title: 'AWS WAF failure',
  explanation:
    'The load balancer could not reach AWS WAF, or AWS WAF failed, and without fail-open such a request gets 500.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html#load-balancer-waf',
  signatures: ['waf-failure'],
  breakingCalls: [{ name: /WebACL$/, outcome: 'WAF requests failed' }],
  wants: ['attributes'],

  judge({ traffic, attributes }, question, errors): Judgement {
    const failOpen = attributes?.['waf.fail_open.enabled'];
    const codes = [...new Set(errors.map((error) => error.error_reason))].sort();
    return {
      kind: 'claims',
      claims: [{ errors, strength: 'confirmed' }],
      for: [
        ...codes.map((code) => {
          const count = countErrors(errors.filter((error) => error.error_reason === code));
          return `${requestsOf(count, traffic.errorCount)} failed with ${code}: ${ownValue(WAF_CODES, code) ?? 'a code without a meaning known here'}.`;
        }),
        ...(failOpen === 'false'
          ? ['waf.fail_open.enabled is false: a request that cannot be evaluated gets 500.']
          : []),
      ],
      against:
        failOpen === 'true' ? ['waf.fail_open.enabled is true now; it was not in force for these requests.'] : [],
      missing: attributes
        ? []
        : ['waf.fail_open.enabled (elasticloadbalancing:DescribeLoadBalancerAttributes) could not be read.'],
      fix: fixFor(question),
      summary: `AWS WAF could not evaluate ${plural(countErrors(errors), 'request')} to ${question.loadBalancer.name} (${describeTally(errors, (error) => error.error_reason)}), and waf.fail_open.enabled does not let them pass.`,
    };
  },
});

function fixFor(question: Question): Fix {
  return {
    summary:
      'Look at the AWS Health Dashboard for AWS WAF in the region; decide whether requests may pass unevaluated meanwhile.',
    commands: [
      command`aws elbv2 modify-load-balancer-attributes --load-balancer-arn ${question.loadBalancer.arn ?? '<load-balancer-arn>'} --attributes Key=waf.fail_open.enabled,Value=true`,
    ],
    sideEffects: ['While AWS WAF cannot be reached, requests reach the targets without its protection.'],
  };
}
