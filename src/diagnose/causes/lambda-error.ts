import { list, outOf, plural } from '../../format/wording.ts';
import { NO_MATCHING_ERRORS } from '../judgement/unseen.ts';
import { unhandledErrors } from '../patterns/lambda-functions.ts';
import { tally } from '../patterns/tally.ts';
import { codeFixes, codeSentences, lambdaErrors } from '../reason-codes/lambda-codes.ts';
import {
  durationSentences,
  functionNames,
  logCommands,
  unknownTimeoutSentences,
} from '../reason-codes/lambda-phrases.ts';
import { countErrors } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const lambdaError = defineCause({
  id: 'lambda-error',
  title: 'Lambda function failed',
  explanation:
    'The function raised an error, could not be started or invoked, or the Lambda service itself failed; the code in error_reason says which.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html',
  wants: ['targetHealth', 'functions'],

  judge(evidence) {
    const { traffic } = evidence;
    const errors = lambdaErrors(traffic, 'lambda-error');
    if (errors.length === 0) return NO_MATCHING_ERRORS;
    const unhandled = unhandledErrors(traffic, evidence);
    const timedOut = new Set(unhandled.flatMap((group) => group.timedOut));
    const unclear = unhandled.flatMap((group) => group.unclear);
    const open = new Set(unclear);
    const sure = errors.filter((error) => !timedOut.has(error) && !open.has(error));
    const own = [...sure, ...unclear];
    if (own.length === 0) {
      return {
        ...NO_MATCHING_ERRORS,
        against: [`${outOf(countErrors(errors), traffic.errorCount)} errors ended at the timeout of the function.`],
        ruledOut: countErrors(errors) === traffic.errorCount,
      };
    }
    const codes = tally(own, (error) => error.error_reason).map(({ name }) => name);
    return {
      claims: [
        { errors: sure, strength: 'confirmed' as const },
        { errors: unclear, strength: 'possible' as const },
      ].filter((claim) => claim.errors.length > 0),
      for: [...codeSentences(traffic, own), ...unhandled.flatMap((group) => durationSentences(group))],
      against: [],
      missing: unhandled.flatMap(unknownTimeoutSentences),
      ruledOut: false,
      summary: `${functionNames(own, evidence)} failed ${plural(countErrors(own), 'request')} with ${list(codes)}.`,
    };
  },

  fix(evidence) {
    const errors = lambdaErrors(evidence.traffic, 'lambda-error');
    const [first = 'Find the error in the log group of the function.', ...others] = codeFixes(errors);
    return {
      summary: first,
      commands: [...others.map((fix) => `# ${fix}`), ...logCommands(errors, evidence, '?ERROR ?"Runtime exited"')],
      sideEffects: [],
    };
  },
});
