import { ownValue } from '../../format/own-value.ts';
import { list, number } from '../../format/wording.ts';
import { WAF_CODES } from '../causes/waf-failure.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { noErrorsVerdict } from '../no-errors.ts';
import { tally } from '../patterns/tally.ts';
import { authenticationCode } from '../reason-codes/authentication-codes.ts';
import { lambdaCode } from '../reason-codes/lambda-codes.ts';
import type { SampledError } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const errorReason = defineCheck({
  id: 'error-reason',
  step: 1,
  subject: 'error_reason',
  question: 'Is error_reason empty (no Lambda, authentication, JWT or WAF failure)?',
  why: 'AWS fills error_reason only for Lambda targets, authentication, JWT validation and AWS WAF; for instance and ip targets it is always "-".',
  fix: 'Look the code up: it names what failed and on which side.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#error-reason-codes',
  symptom: true,
  needs: ['traffic'],
  wants: [],

  evaluate({ traffic }): CheckVerdict {
    const noErrors = noErrorsVerdict(traffic);
    if (noErrors) return noErrors;
    const named = traffic.errors.filter(({ error_reason }) => error_reason !== '-');
    if (named.length === 0) {
      return {
        outcome: 'pass',
        summary: `error_reason is "-" for ${traffic.errorCount === 1 ? 'the error' : `all ${number(traffic.errorCount)} errors`}, as is normal unless Lambda, WAF or authentication fails.`,
      };
    }
    const codes = tally(named, ({ error_reason }) => error_reason);
    return {
      outcome: 'fail',
      summary: `${list(codes.map(({ name, count }) => `${number(count)} ${name} (${meaningOf(named, name)})`))}.`,
      brief: list(
        codes.map(({ name, count }) => `${number(count)} ${name}`),
        2,
      ),
      facts: codes.map(({ name, count }) => ({ label: name, value: Math.round(count), unit: 'requests' })),
    };
  },
});

function meaningOf(errors: SampledError[], code: string): string {
  const error = errors.find(({ error_reason }) => error_reason === code);
  if (error?.signature === 'lambda-failure') return lambdaCode(code).meaning;
  if (error?.signature === 'authentication-failure') return authenticationCode(error).meaning;
  return ownValue(WAF_CODES, code) ?? 'no meaning known here';
}
