import { outOf, plural, spread, wholeSeconds } from '../../format/wording.ts';
import { UNSEEN } from '../judgement/unseen.ts';
import { lambdaSeconds, type Unhandled, unhandledErrors } from '../patterns/lambda-functions.ts';
import { functionArguments, functionNames, logCommands, unknownTimeouts } from '../reason-codes/lambda-phrases.ts';
import { weigh } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const lambdaTimeout = defineCause({
  id: 'lambda-timeout',
  title: 'Lambda function timed out',
  explanation:
    'The function ran into its configured timeout; the log says LambdaUnhandled, and the duration is what tells it from an error.',
  reference: 'https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html',
  wants: ['targetHealth', 'functions'],

  judge(known) {
    const { traffic } = known;
    const groups = unhandledErrors(traffic, known);
    if (groups.length === 0) return UNSEEN;
    const timedOut = groups.flatMap((group) => group.timedOut);
    const unclear = groups.flatMap((group) => group.unclear);
    const raised = groups.flatMap((group) => group.raised);
    const limit = groups.find((group) => group.timedOut.length > 0)?.timeout ?? null;
    return {
      claims: [
        { errors: timedOut, strength: 'confirmed' as const },
        { errors: unclear, strength: 'possible' as const },
      ].filter((claim) => claim.errors.length > 0),
      for: groups.flatMap((group) => timeoutSentences(group, traffic.total)),
      against: raised.length > 0 ? [shortOf(groups, raised.length)] : [],
      missing: groups.flatMap(unknownTimeouts),
      ruledOut: timedOut.length + unclear.length === 0 && weigh(raised) === traffic.total,
      ...(limit !== null && {
        summary: `${functionNames(timedOut, known)} ran into its timeout of ${wholeSeconds(limit)} in ${plural(weigh(timedOut), 'request')}.`,
      }),
    };
  },

  fix(known) {
    const groups = unhandledErrors(known.traffic, known);
    const errors = groups.flatMap((group) => [...group.timedOut, ...group.unclear]);
    const limit = groups.find(({ suspect }) => suspect !== null)?.suspect ?? 3;
    const longer = Math.min(900, limit * 2);
    return {
      summary: 'Find what the function waits for; until then raise its timeout.',
      commands: [
        ...functionArguments(errors, known).map(
          (arn) => `aws lambda update-function-configuration --function-name ${arn} --timeout ${longer}`,
        ),
        ...logCommands(errors, known, '"Task timed out"'),
      ],
      sideEffects: [
        'A longer timeout holds concurrency longer and is billed by duration; clients wait longer for the same error.',
      ],
    };
  },
});

function timeoutSentences({ timedOut, unclear, timeout, suspect }: Unhandled, total: number): string[] {
  const sentences: string[] = [];
  const took = (errors: typeof timedOut) => spread(errors.flatMap((error) => lambdaSeconds(error) ?? []));
  if (timedOut.length > 0 && timeout !== null) {
    sentences.push(
      `${outOf(weigh(timedOut), total)} errors ended after ${took(timedOut)}; the timeout of the function is ${wholeSeconds(timeout)}.`,
    );
  }
  if (unclear.length > 0 && timeout === null && suspect !== null) {
    sentences.push(
      `${outOf(weigh(unclear), total)} errors ended within 50 ms of ${wholeSeconds(suspect)}, as a timeout of ${wholeSeconds(suspect)} would.`,
    );
  }
  if (unclear.length > 0 && timeout !== null) {
    sentences.push(
      `${outOf(weigh(unclear), total)} errors took ${took(unclear)}, longer than the timeout of ${wholeSeconds(timeout)}; the start of a function is not part of it.`,
    );
  }
  return sentences;
}

function shortOf(groups: Unhandled[], rows: number): string {
  const raised = groups.flatMap((group) => group.raised);
  const limits = [
    ...new Set(
      groups.flatMap((group) =>
        group.raised.length > 0 && group.timeout !== null ? [wholeSeconds(group.timeout)] : [],
      ),
    ),
  ];
  const limit =
    limits.length > 0
      ? `; the timeout is ${limits.join(' or ')}`
      : '; a timeout ends them all at one whole number of seconds';
  return `${plural(rows, 'unhandled error')} ended after ${spread(raised.flatMap((error) => lambdaSeconds(error) ?? []))}${limit}.`;
}
