import { plural } from '../../format/wording.ts';
import { NO_MATCHING_ERRORS } from '../judgement/unseen.ts';
import { codeFixes, codeSentences, lambdaErrors } from '../reason-codes/lambda-codes.ts';
import { functionNames } from '../reason-codes/lambda-phrases.ts';
import { countErrors } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const lambdaResponseTooLarge = defineCause({
  id: 'lambda-response-too-large',
  title: 'Lambda response over 1 MB',
  explanation:
    'The response of the function is larger than the 1 MB that the load balancer accepts from a Lambda target.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html',
  wants: ['targetHealth', 'functions'],

  judge(evidence) {
    const { traffic } = evidence;
    const errors = lambdaErrors(traffic, 'lambda-response-too-large');
    if (errors.length === 0) return NO_MATCHING_ERRORS;
    return {
      claims: [{ errors, strength: 'confirmed' }],
      for: [...codeSentences(traffic, errors)],
      against: [],
      missing: [],
      ruledOut: false,
      summary: `${functionNames(errors, evidence)} returned more than 1 MB in ${plural(countErrors(errors), 'request')}.`,
    };
  },

  fix(evidence) {
    const errors = lambdaErrors(evidence.traffic, 'lambda-response-too-large');
    return { summary: codeFixes(errors)[0] ?? 'Return less than 1 MB.', commands: [], sideEffects: [] };
  },
});
