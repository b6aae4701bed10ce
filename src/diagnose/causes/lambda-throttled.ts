import { plural } from '../../format/wording.ts';
import { NO_MATCHING_ERRORS } from '../judgement/unseen.ts';
import { codeFixes, codeSentences, lambdaErrors } from '../reason-codes/lambda-codes.ts';
import { functionArguments, functionNames } from '../reason-codes/lambda-phrases.ts';
import { countErrors } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const lambdaThrottled = defineCause({
  id: 'lambda-throttled',
  title: 'Lambda throttled',
  explanation:
    'Lambda refused to run the function because its concurrency, or a request rate of the account, was used up.',
  reference: 'https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html',
  wants: ['targetHealth', 'functions'],

  judge(evidence) {
    const { traffic } = evidence;
    const errors = lambdaErrors(traffic, 'lambda-throttled');
    if (errors.length === 0) return NO_MATCHING_ERRORS;
    return {
      claims: [{ errors, strength: 'confirmed' }],
      for: [...codeSentences(traffic, errors)],
      against: [],
      missing: [],
      ruledOut: false,
      summary: `${functionNames(errors, evidence)} was throttled in ${plural(countErrors(errors), 'request')}.`,
    };
  },

  fix(evidence) {
    const errors = lambdaErrors(evidence.traffic, 'lambda-throttled');
    return {
      summary: codeFixes(errors)[0] ?? 'Raise the concurrency of the function.',
      commands: functionArguments(errors, evidence).flatMap((arn) => [
        `aws lambda get-function-concurrency --function-name ${arn}`,
        `aws lambda put-function-concurrency --function-name ${arn} --reserved-concurrent-executions <number>`,
      ]),
      sideEffects: ['Reserved concurrency is taken from what the other functions of the account share.'],
    };
  },
});
