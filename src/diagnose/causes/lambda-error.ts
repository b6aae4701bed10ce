import { list, plural, requestsOf } from '../../format/wording.ts';
import { FUNCTION_CHANGED } from '../breaking-call.ts';
import type { CauseEvidence } from '../diagnosis-evidence.ts';
import { claimErrors, type Fix, type Judgement, ruledOut, untested } from '../judgement.ts';
import { unhandledErrors } from '../patterns/lambda-functions.ts';
import { tally } from '../patterns/tally.ts';
import { codeFixes, codeSentences, lambdaErrors } from '../reason-codes/lambda-codes.ts';
import {
  durationSentences,
  functionNames,
  logCommands,
  unknownTimeoutSentences,
} from '../reason-codes/lambda-phrases.ts';
import { countErrors, type SampledError } from '../traffic.ts';
import { defineCause } from './cause.ts';

const WANTS = ['targetHealth', 'functions'] as const;

export const lambdaError = defineCause({
  id: 'lambda-error',
  title: 'Lambda function error',
  explanation:
    'The function raised an error, could not be started or invoked, or the Lambda service itself failed; the code in error_reason says which.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html',
  signatures: ['lambda-failure'],
  breakingCalls: [FUNCTION_CHANGED],
  wants: WANTS,

  judge(evidence): Judgement {
    const { traffic } = evidence;
    const errors = lambdaErrors(traffic, 'error');
    if (errors.length === 0) return untested();
    const unhandled = unhandledErrors(traffic, evidence);
    const timedOut = new Set(unhandled.flatMap((group) => group.timedOut));
    const unclear = unhandled.flatMap((group) => group.unclear);
    const open = new Set(unclear);
    const sure = errors.filter((error) => !timedOut.has(error) && !open.has(error));
    const own = [...sure, ...unclear];
    if (own.length === 0) {
      return countErrors(errors) === traffic.errorCount
        ? ruledOut([`${requestsOf(countErrors(errors), traffic.errorCount)} ended at the timeout of the function.`])
        : untested();
    }
    const codes = tally(own, (error) => error.error_reason).map(({ name }) => name);
    return claimErrors(
      {
        claims: [
          { errors: sure, strength: 'confirmed' },
          { errors: unclear, strength: 'possible' },
        ],
        for: [...codeSentences(traffic, own), ...unhandled.flatMap((group) => durationSentences(group))],
        against: [],
        missing: unhandled.flatMap(unknownTimeoutSentences),
        fix: fixFor(own, evidence),
        summary: `${functionNames(own, evidence)} failed ${plural(countErrors(own), 'request')} with ${list(codes)}.`,
      },
      untested(),
    );
  },
});

function fixFor(errors: readonly SampledError[], evidence: CauseEvidence<(typeof WANTS)[number]>): Fix {
  const [first = 'Find the error in the log group of the function.', ...others] = codeFixes(errors);
  return {
    summary: first,
    commands: logCommands(errors, evidence, '?ERROR ?"Runtime exited"'),
    notes: others,
    sideEffects: [],
  };
}
