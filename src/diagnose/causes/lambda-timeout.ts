import { command } from '../../format/command.ts';
import { durationSpread, list, plural, requestsOf, wholeSeconds } from '../../format/wording.ts';
import { FUNCTION_CHANGED } from '../breaking-call.ts';
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
  breakingCalls: [FUNCTION_CHANGED],
  wants: WANTS,

  judge(evidence): Judgement {
    const { traffic } = evidence;
    const groups = unhandledErrors(traffic, evidence);
    const timedOut = groups.flatMap((group) => group.timedOut);
    const unclear = groups.flatMap((group) => group.unclear);
    const raised = groups.flatMap((group) => group.raised);
    const limits = new Set(groups.flatMap((group) => (group.timedOut.length > 0 ? (group.timeout ?? []) : [])));
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
        ...(limits.size > 0 && {
          summary: `${functionNames(timedOut, evidence)} ran into ${limits.size === 1 ? 'its timeout' : 'their timeouts'} of ${list([...limits].map(wholeSeconds))} in ${plural(countErrors(timedOut), 'request')}.`,
        }),
      },
      countErrors(raised) === traffic.errorCount ? ruledOut(against, missing) : untested(missing),
    );
  },
});

/** Seconds: the timeout of a function whose owner set none, and the longest that Lambda allows. */
const DEFAULT_TIMEOUT = 3;
const LONGEST_TIMEOUT = 900;

function fixFor(groups: readonly UnhandledErrors[], evidence: CauseEvidence<(typeof WANTS)[number]>): Fix {
  const claimed = ({ timedOut, unclear }: UnhandledErrors) => [...timedOut, ...unclear];
  const errors = groups.flatMap(claimed);
  // Each function has a timeout of its own, which the command must not shorten.
  const limits = new Map<string, number>();
  for (const group of groups)
    for (const arn of functionArguments(claimed(group), evidence))
      limits.set(arn, Math.max(limits.get(arn) ?? 0, group.suspect ?? DEFAULT_TIMEOUT));
  return {
    summary: 'Find what the function waits for; until then raise its timeout.',
    commands: [
      ...[...limits].map(
        ([arn, limit]) =>
          command`aws lambda update-function-configuration --function-name ${arn} --timeout ${Math.min(LONGEST_TIMEOUT, limit * 2)}`,
      ),
      ...logCommands(errors, evidence, '"Task timed out"'),
    ],
    sideEffects: [
      'Slow invocations then hold concurrency longer and cost more; if they still fail, clients wait longer.',
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
