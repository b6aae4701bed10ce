import { plural } from '../../format/wording.ts';
import { FUNCTION_CHANGED } from '../breaking-call.ts';
import { claimErrors, type Fix, type Judgement, untested } from '../judgement.ts';
import { codeFixes, codeSentences, lambdaErrors } from '../reason-codes/lambda-codes.ts';
import { functionNames } from '../reason-codes/lambda-phrases.ts';
import { countErrors, type SampledError } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const lambdaResponseTooLarge = defineCause({
  id: 'lambda-response-too-large',
  title: 'Lambda response over 1 MB',
  explanation:
    'The response of the function is larger than the 1 MB that the load balancer accepts from a Lambda target.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html',
  signatures: ['lambda-failure'],
  breakingCalls: [FUNCTION_CHANGED],
  wants: ['targetHealth', 'functions'],

  judge(evidence): Judgement {
    const { traffic } = evidence;
    const errors = lambdaErrors(traffic, 'response-too-large');
    return claimErrors(
      {
        claims: [{ errors, strength: 'confirmed' }],
        for: [...codeSentences(traffic, errors)],
        against: [],
        missing: [],
        fix: fixFor(errors),
        summary: `${functionNames(errors, evidence)} returned more than 1 MB in ${plural(countErrors(errors), 'request')}.`,
      },
      untested(),
    );
  },
});

function fixFor(errors: readonly SampledError[]): Fix {
  return { summary: codeFixes(errors)[0] ?? 'Return less than 1 MB.', commands: [], sideEffects: [] };
}
