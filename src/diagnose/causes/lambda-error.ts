import { list, outOf, plural } from '../../format/wording.ts';
import { UNSEEN } from '../judgement/unseen.ts';
import { unhandledErrors } from '../patterns/lambda-functions.ts';
import { tally } from '../patterns/tally.ts';
import { codeFixes, codeSentences, lambdaErrors } from '../reason-codes/lambda-codes.ts';
import { durationsOf, functionNames, logCommands, unknownTimeouts } from '../reason-codes/lambda-phrases.ts';
import { weigh } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const lambdaError = defineCause({
  id: 'lambda-error',
  title: 'Lambda function failed',
  explanation:
    'The function raised an error, could not be started or invoked, or the Lambda service itself failed; the code in error_reason says which.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html',
  wants: ['targetHealth', 'functions'],

  judge(known) {
    const { traffic } = known;
    const errors = lambdaErrors(traffic, 'lambda-error');
    if (errors.length === 0) return UNSEEN;
    const unhandled = unhandledErrors(traffic, known);
    const timedOut = new Set(unhandled.flatMap((group) => group.timedOut));
    const unclear = unhandled.flatMap((group) => group.unclear);
    const open = new Set(unclear);
    const sure = errors.filter((error) => !timedOut.has(error) && !open.has(error));
    const own = [...sure, ...unclear];
    if (own.length === 0) {
      return {
        ...UNSEEN,
        against: [`${outOf(weigh(errors), traffic.total)} errors ended at the timeout of the function.`],
        ruledOut: weigh(errors) === traffic.total,
      };
    }
    const codes = tally(own, (error) => error.error_reason).map(({ name }) => name);
    return {
      claims: [
        { errors: sure, strength: 'confirmed' as const },
        { errors: unclear, strength: 'possible' as const },
      ].filter((claim) => claim.errors.length > 0),
      for: [...codeSentences(traffic, own), ...unhandled.flatMap((group) => durationsOf(group))],
      against: [],
      missing: unhandled.flatMap(unknownTimeouts),
      ruledOut: false,
      summary: `${functionNames(own, known)} failed ${plural(weigh(own), 'request')} with ${list(codes)}.`,
    };
  },

  fix(known) {
    const errors = lambdaErrors(known.traffic, 'lambda-error');
    const [first = 'Find the error in the log group of the function.', ...others] = codeFixes(errors);
    return {
      summary: first,
      commands: [...others.map((fix) => `# ${fix}`), ...logCommands(errors, known, '?ERROR ?"Runtime exited"')],
      sideEffects: [],
    };
  },
});
