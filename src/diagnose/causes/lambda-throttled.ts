import { command } from '../../format/command.ts';
import { plural } from '../../format/wording.ts';
import { FUNCTION_CHANGED } from '../breaking-call.ts';
import type { CauseEvidence } from '../diagnosis-evidence.ts';
import { claimErrors, type Fix, type Judgement, untested } from '../judgement.ts';
import { codeFixes, codeSentences, lambdaErrors } from '../reason-codes/lambda-codes.ts';
import { functionArguments, functionNames } from '../reason-codes/lambda-phrases.ts';
import { countErrors, type SampledError } from '../traffic.ts';
import { defineCause } from './cause.ts';

const WANTS = ['targetHealth', 'functions'] as const;

export const lambdaThrottled = defineCause({
  id: 'lambda-throttled',
  title: 'Lambda throttling',
  explanation:
    'Lambda refused to run the function because its concurrency, or a request rate of the account, was used up.',
  reference: 'https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html',
  signatures: ['lambda-failure'],
  breakingCalls: [FUNCTION_CHANGED],
  wants: WANTS,

  judge(evidence): Judgement {
    const { traffic } = evidence;
    const errors = lambdaErrors(traffic, 'throttled');
    return claimErrors(
      {
        claims: [{ errors, strength: 'confirmed' }],
        for: [...codeSentences(traffic, errors)],
        against: [],
        missing: [],
        fix: fixFor(errors, evidence),
        summary: `${functionNames(errors, evidence)} ${functionArguments(errors, evidence).length === 1 ? 'was' : 'were'} throttled in ${plural(countErrors(errors), 'request')}.`,
      },
      untested(),
    );
  },
});

function fixFor(errors: readonly SampledError[], evidence: CauseEvidence<(typeof WANTS)[number]>): Fix {
  return {
    summary: codeFixes(errors)[0] ?? 'Raise the concurrency of the function.',
    commands: functionArguments(errors, evidence).flatMap((arn) => [
      command`aws lambda get-function-concurrency --function-name ${arn}`,
      command`aws lambda put-function-concurrency --function-name ${arn} --reserved-concurrent-executions ${'<number>'}`,
    ]),
    sideEffects: ['Reserved concurrency is taken from what the other functions of the account share.'],
  };
}
