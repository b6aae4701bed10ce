import type { Attributes } from '../../evidence/aws.ts';
import { command } from '../../format/command.ts';
import { plural } from '../../format/wording.ts';
import { FUNCTION_CHANGED } from '../breaking-call.ts';
import type { CauseEvidence } from '../diagnosis-evidence.ts';
import { claimErrors, type Fix, type Judgement, untested } from '../judgement.ts';
import { codeFixes, codeSentences, lambdaErrors } from '../reason-codes/lambda-codes.ts';
import { functionNames, logCommands } from '../reason-codes/lambda-phrases.ts';
import { countErrors, type SampledError, targetGroupName } from '../traffic.ts';
import { defineCause } from './cause.ts';

const WANTS = ['targetHealth', 'functions', 'targetGroupAttributes'] as const;

export const lambdaInvalidResponse = defineCause({
  id: 'lambda-invalid-response',
  title: 'Invalid Lambda response',
  explanation:
    'The function answered, but not with the JSON that the load balancer needs: a missing or textual statusCode, header values that are not strings, a body that is an object.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html',
  signatures: ['lambda-failure'],
  breakingCalls: [FUNCTION_CHANGED],
  wants: WANTS,

  judge(evidence): Judgement {
    const { traffic } = evidence;
    const errors = lambdaErrors(traffic, 'invalid-response');
    return claimErrors(
      {
        claims: [{ errors, strength: 'confirmed' }],
        for: [...codeSentences(traffic, errors), ...headerFormat(errors, evidence.targetGroupAttributes)],
        against: [],
        missing: [],
        fix: fixFor(errors, evidence),
        summary: `${functionNames(errors, evidence)} returned a response of the wrong shape in ${plural(countErrors(errors), 'request')}.`,
      },
      untested(),
    );
  },
});

function fixFor(errors: readonly SampledError[], evidence: CauseEvidence<(typeof WANTS)[number]>): Fix {
  const formats = multiValueHeaders(errors, evidence.targetGroupAttributes);
  const isMulti = formats.some(({ value }) => value === 'true');
  const headers = isMulti
    ? '"multiValueHeaders": {"content-type": ["application/json"]}'
    : '"headers": {"content-type": "application/json"}';
  return {
    summary: codeFixes(errors)[0] ?? 'Return the JSON shape that the load balancer needs.',
    commands: [
      // The function ended without an error; only its own log can show the response.
      ...logCommands(errors, evidence, 'statusCode'),
      ...formats.map(
        ({ arn, value }) =>
          command`aws elbv2 modify-target-group-attributes --target-group-arn ${arn} --attributes Key=${MULTI_VALUE},Value=${value === 'true' ? 'false' : 'true'}`,
      ),
    ],
    settings: [`{"statusCode": 200, "isBase64Encoded": false, ${headers}, "body": "{}"}`],
    ...(formats.length > 0
      ? {
          notes: [
            `Run modify-target-group-attributes only if the function returns ${isMulti ? 'headers' : 'multiValueHeaders'}: the group then expects these instead.`,
          ],
        }
      : {}),
    sideEffects: [],
  };
}

const MULTI_VALUE = 'lambda.multi_value_headers.enabled';

/** The target groups of these errors whose attribute was read, in order. */
const multiValueHeaders = (errors: readonly SampledError[], attributes: Record<string, Attributes> = {}) =>
  [...new Set(errors.map((error) => error.target_group_arn))].sort().flatMap((arn) => {
    const value = attributes[arn]?.[MULTI_VALUE];
    return value === undefined ? [] : [{ arn, value }];
  });

/** The response member for headers. The load balancer ignores or refuses headers in the other one. */
function headerFormat(errors: SampledError[], attributes: Record<string, Attributes> = {}): string[] {
  return multiValueHeaders(errors, attributes).map(({ arn, value }) => {
    const member =
      value === 'true'
        ? 'multiValueHeaders (lists of strings), not headers'
        : 'headers (strings), not multiValueHeaders';
    return `The target group ${targetGroupName(arn)} expects ${member}: ${MULTI_VALUE} is ${value}.`;
  });
}
