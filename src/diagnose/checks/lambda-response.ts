import type { Attributes, TargetGroup } from '../../evidence/aws.ts';
import { list, outOf } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { describeTally } from '../patterns/tally.ts';
import { countErrors, type SampledError, targetGroupName, withSignature } from '../traffic.ts';
import { defineCheck } from './check.ts';

/** Codes of a function that ran and returned an answer that the load balancer cannot forward. */
const RESPONSE_CODES = ['LambdaInvalidResponse', 'LambdaResponseTooLarge'];

export const lambdaResponse = defineCheck({
  id: 'lambda-response',
  step: 4,
  subject: 'the responses of Lambda functions',
  question: 'Do Lambda functions return the shape and size that the load balancer needs?',
  why: 'A missing statusCode, a header value that is not a string, headers in the wrong member, or more than 1 MB become a 502.',
  fix: 'Return statusCode as an integer, string header values in the member that lambda.multi_value_headers.enabled asks for, a string body, and less than 1 MB in all.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html#respond-to-load-balancer',
  namedBy: ['lambda-invalid-response', 'lambda-response-too-large'],
  headline: 2,
  needs: ['traffic'],
  wants: ['targetGroups', 'targetGroupAttributes'],

  evaluate({ traffic, targetGroups, targetGroupAttributes = {} }): CheckVerdict {
    const lambda = withSignature(traffic, 'lambda-failure');
    const groups = lambdaGroups(targetGroups ?? [], lambda);
    if (groups.length === 0) {
      return targetGroups
        ? { outcome: 'not-applicable', summary: 'No target is a Lambda function.' }
        : { outcome: 'not-applicable', summary: 'No error comes from a Lambda target.' };
    }
    const errors = lambda.filter(({ error_reason }) => RESPONSE_CODES.includes(error_reason));
    const format = groups.flatMap((arn) => headerMember(arn, targetGroupAttributes)).join(' ');
    if (errors.length > 0) {
      return {
        outcome: 'fail',
        summary:
          `${outOf(countErrors(errors), traffic.errorCount)} errors are responses that the load balancer could not use (${describeTally(errors, ({ error_reason }) => error_reason)}). ${format}`.trim(),
        brief: `${outOf(countErrors(errors), traffic.errorCount)} errors are unusable responses`,
      };
    }
    return {
      outcome: 'pass',
      summary:
        `No error comes from the format or size of a response of ${list(groups.map(targetGroupName))}. ${format}`.trim(),
    };
  },
});

const lambdaGroups = (groups: TargetGroup[], errors: readonly SampledError[]): string[] =>
  [
    ...new Set([
      ...groups.filter(({ TargetType }) => TargetType === 'lambda').map(({ TargetGroupArn }) => TargetGroupArn),
      ...errors.map(({ target_group_arn }) => target_group_arn),
    ]),
  ].sort();

function headerMember(arn: string, attributes: Record<string, Attributes>): string[] {
  const enabled = attributes[arn]?.['lambda.multi_value_headers.enabled'];
  if (enabled === undefined) return [];
  return [
    `The target group ${targetGroupName(arn)} expects ${enabled === 'true' ? 'multiValueHeaders, not headers' : 'headers, not multiValueHeaders'} (lambda.multi_value_headers.enabled is ${enabled}).`,
  ];
}
