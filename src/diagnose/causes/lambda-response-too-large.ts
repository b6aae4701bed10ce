import { plural } from '../../format/wording.ts';
import { UNSEEN } from '../judgement/unseen.ts';
import { codeFixes, codeSentences, lambdaErrors } from '../reason-codes/lambda-codes.ts';
import { functionNames } from '../reason-codes/lambda-phrases.ts';
import { weigh } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const lambdaResponseTooLarge = defineCause({
  id: 'lambda-response-too-large',
  title: 'Lambda response over 1 MB',
  explanation:
    'The response of the function is larger than the 1 MB that the load balancer accepts from a Lambda target.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html',
  wants: ['targetHealth', 'functions'],

  judge(known) {
    const { traffic } = known;
    const errors = lambdaErrors(traffic, 'lambda-response-too-large');
    if (errors.length === 0) return UNSEEN;
    return {
      claims: [{ errors, strength: 'confirmed' }],
      for: [...codeSentences(traffic, errors)],
      against: [],
      missing: [],
      ruledOut: false,
      summary: `${functionNames(errors, known)} returned more than 1 MB in ${plural(weigh(errors), 'request')}.`,
    };
  },

  fix(known) {
    const errors = lambdaErrors(known.traffic, 'lambda-response-too-large');
    return { summary: codeFixes(errors)[0] ?? 'Return less than 1 MB.', commands: [], sideEffects: [] };
  },
});
