/** Sentences and commands that the Lambda causes share. */

import type { FunctionConfiguration, TargetHealthDescription } from '../../evidence/aws.ts';
import { type Command, command } from '../../format/command.ts';
import { durationSpread, list, plural, wholeSeconds } from '../../format/wording.ts';
import { functionOf, lambdaSeconds, type UnhandledErrors } from '../patterns/lambda-functions.ts';
import type { SampledError } from '../traffic.ts';
import { countErrors, targetGroupName } from '../traffic.ts';

interface LambdaEvidence {
  targetHealth?: Record<string, TargetHealthDescription[]>;
  functions?: Record<string, FunctionConfiguration>;
}

/** arn:aws:lambda:region:account:function:name[:qualifier] → name. */
const functionName = (arn: string): string => arn.split(':')[6] ?? arn;

const targetGroupsOf = (errors: readonly SampledError[]): string[] =>
  [...new Set(errors.map((e) => e.target_group_arn))].sort();

/** "The function report"; the target group if the function is unknown. */
export const functionNames = (errors: readonly SampledError[], evidence: LambdaEvidence): string =>
  list(
    targetGroupsOf(errors).map((group, index) => {
      const { arn } = functionOf(group, evidence);
      const the = index === 0 ? 'The' : 'the';
      return arn === null
        ? `${the} Lambda target of ${targetGroupName(group)}`
        : `${the} function ${functionName(arn)}`;
    }),
  );

/** ARNs for commands that change a function, without version or alias; `<function-name>` if unknown. */
export const functionArguments = (errors: readonly SampledError[], evidence: LambdaEvidence): string[] => [
  ...new Set(
    targetGroupsOf(errors).map(
      (group) => functionOf(group, evidence).arn?.split(':').slice(0, 7).join(':') ?? '<function>',
    ),
  ),
];

/** `pattern`: a CloudWatch Logs filter for the function's log lines in this case. */
export const logCommands = (errors: readonly SampledError[], evidence: LambdaEvidence, pattern: string): Command[] =>
  functionArguments(errors, evidence).map(
    (arn) =>
      command`aws logs filter-log-events --log-group-name /aws/lambda/${functionName(arn)} --filter-pattern ${pattern}`,
  );

/** Sentences on what the durations of LambdaUnhandled errors show about a timeout. */
export function durationSentences({ raised, unclear, timeout, suspect }: UnhandledErrors): string[] {
  const durations = raised.flatMap((error) => lambdaSeconds(error) ?? []);
  const sentences: string[] = [];
  if (durations.length > 0) {
    const limit = timeout === null ? '' : ` of ${wholeSeconds(timeout)}`;
    sentences.push(
      `${plural(countErrors(raised), 'unhandled error')} took ${durationSpread(durations)}, which contradicts a timeout${limit}.`,
    );
  }
  const long = unclear.flatMap((error) => lambdaSeconds(error) ?? []);
  if (long.length > 0 && suspect !== null) {
    const limit =
      timeout === null
        ? `at ${wholeSeconds(suspect)}, which a timeout`
        : `past the timeout of ${wholeSeconds(timeout)}, which a slow start`;
    sentences.push(
      `${plural(countErrors(unclear), 'unhandled error')} ended after ${durationSpread(long)}: ${limit} would also give.`,
    );
  }
  return sentences;
}

export const unknownTimeoutSentences = ({ target, timeout, target_group_arn }: UnhandledErrors): string[] => {
  if (timeout !== null) return [];
  const which = target.arn === null ? `behind ${targetGroupName(target_group_arn)}` : functionName(target.arn);
  const now = target.configuration?.Timeout;
  if (now === undefined)
    return [`The timeout of the function ${which} was not read (lambda:GetFunctionConfiguration).`];
  // Any change updates LastModified; deploying code does so without changing the timeout.
  return [
    `The function ${which} was deployed or configured after the errors began: its timeout is ${wholeSeconds(now)} now, and may have been another.`,
  ];
};
