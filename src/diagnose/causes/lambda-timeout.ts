import { command } from '../../format/command.ts';
import { durationSpread, plural, requestsOf, wholeSeconds } from '../../format/wording.ts';
import type { CauseEvidence } from '../diagnosis-evidence.ts';
import { claimErrors, type Fix, type Judgement, ruledOut, untested } from '../judgement.ts';
import { lambdaSeconds, type UnhandledErrors, unhandledErrors } from '../patterns/lambda-functions.ts';
import {
  functionArguments,
  functionNames,
  logCommands,
  unknownTimeoutSentences,
} from '../reason-codes/lambda-phrases.ts';
import { countErrors } from '../traffic.ts';
import { defineCause } from './cause.ts';

const WANTS = ['targetHealth', 'functions'] as const;

export const lambdaTimeout = defineCause({
  id: 'lambda-timeout',
  title: 'Lambda function timeout',
  explanation:
    'The function ran into its configured timeout. The log says LambdaUnhandled, as for other errors; the duration shows the timeout.',
  reference: 'https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html',
  signatures: ['lambda-failure'],
  wants: WANTS,

  judge(evidence): Judgement {
    const { traffic } = evidence;
    const groups = unhandledErrors(traffic, evidence);
    const timedOut = groups.flatMap((group) => group.timedOut);
    const unclear = groups.flatMap((group) => group.unclear);
    const raised = groups.flatMap((group) => group.raised);
    const limit = groups.find((group) => group.timedOut.length > 0)?.timeout ?? null;
    const against = raised.length > 0 ? [contradictionText(groups, raised.length)] : [];
    const missing = groups.flatMap(unknownTimeoutSentences);
    return claimErrors(
      {
        claims: [
          { errors: timedOut, strength: 'confirmed' },
          { errors: unclear, strength: 'possible' },
        ],
        for: groups.flatMap((group) => timeoutSentences(group, traffic.errorCount)),
        against,
        missing,
        fix: fixFor(groups, evidence),
        ...(limit !== null && {
          summary: `${functionNames(timedOut, evidence)} ran into its timeout of ${wholeSeconds(limit)} in ${plural(countErrors(timedOut), 'request')}.`,
        }),
      },
      countErrors(raised) === traffic.errorCount ? ruledOut(against, missing) : untested(missing),
    );
  },
});

function fixFor(groups: readonly UnhandledErrors[], evidence: CauseEvidence<(typeof WANTS)[number]>): Fix {
  const errors = groups.flatMap((group) => [...group.timedOut, ...group.unclear]);
  const limit = groups.find(({ suspect }) => suspect !== null)?.suspect ?? 3;
  const longer = Math.min(900, limit * 2);
  return {
    summary: 'Find what the function waits for; until then raise its timeout.',
    commands: [
      ...functionArguments(errors, evidence).map(
        (arn) => command`aws lambda update-function-configuration --function-name ${arn} --timeout ${longer}`,
      ),
      ...logCommands(errors, evidence, '"Task timed out"'),
    ],
    sideEffects: [
      'A longer timeout holds concurrency longer and is billed by duration; clients wait longer for the same error.',
    ],
  };
}

function timeoutSentences({ timedOut, unclear, timeout, suspect }: UnhandledErrors, total: number): string[] {
  const sentences: string[] = [];
  const took = (errors: typeof timedOut) => durationSpread(errors.flatMap((error) => lambdaSeconds(error) ?? []));
  if (timedOut.length > 0 && timeout !== null) {
    sentences.push(
      `${requestsOf(countErrors(timedOut), total)} ended after ${took(timedOut)}; the timeout of the function is ${wholeSeconds(timeout)}.`,
    );
  }
  if (unclear.length > 0 && timeout === null && suspect !== null) {
    sentences.push(
      `${requestsOf(countErrors(unclear), total)} ended within 50 ms of ${wholeSeconds(suspect)}, as a timeout of ${wholeSeconds(suspect)} would.`,
    );
  }
  if (unclear.length > 0 && timeout !== null) {
    sentences.push(
      `${requestsOf(countErrors(unclear), total)} took ${took(unclear)}, longer than the timeout of ${wholeSeconds(timeout)}; the timeout does not include the start of a function.`,
    );
  }
  return sentences;
}

function contradictionText(groups: UnhandledErrors[], rows: number): string {
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
      : '; a timeout would end them all at the same whole second';
  return `${plural(rows, 'unhandled error')} ended after ${durationSpread(raised.flatMap((error) => lambdaSeconds(error) ?? []))}${limit}.`;
}
