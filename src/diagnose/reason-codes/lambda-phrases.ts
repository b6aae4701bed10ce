/** Sentences and commands that the Lambda causes share. */
import type { FunctionConfiguration, TargetHealthDescription } from '../../evidence/aws.ts';
import { list, plural, spread, wholeSeconds } from '../../format/wording.ts';
import { functionOf, lambdaSeconds, type Unhandled } from '../patterns/lambda-functions.ts';
import type { Failure } from '../traffic.ts';
import { targetGroupName, weigh } from '../traffic.ts';

interface Known {
  targetHealth?: Record<string, TargetHealthDescription[]>;
  functions?: Record<string, FunctionConfiguration>;
}

/** arn:aws:lambda:region:account:function:name[:qualifier] → name. */
const nameOf = (arn: string): string => arn.split(':')[6] ?? arn;

const groupsOf = (errors: readonly Failure[]): string[] => [...new Set(errors.map((e) => e.target_group_arn))].sort();

/** "The function report", or the target group where the function is not known. */
export const functionNames = (errors: readonly Failure[], known: Known): string =>
  list(
    groupsOf(errors).map((group, index) => {
      const { arn } = functionOf(group, known);
      const the = index === 0 ? 'The' : 'the';
      return arn === null ? `${the} Lambda target of ${targetGroupName(group)}` : `${the} function ${nameOf(arn)}`;
    }),
  );

/** ARNs for commands that change a function, which take no version or alias; a placeholder where the function is not known. */
export const functionArguments = (errors: readonly Failure[], known: Known): string[] => [
  ...new Set(
    groupsOf(errors).map((group) => functionOf(group, known).arn?.split(':').slice(0, 7).join(':') ?? '<function>'),
  ),
];

/** `pattern`: of CloudWatch Logs, for what the function logs in such a case. */
export const logCommands = (errors: readonly Failure[], known: Known, pattern: string): string[] =>
  functionArguments(errors, known).map(
    (arn) => `aws logs filter-log-events --log-group-name /aws/lambda/${nameOf(arn)} --filter-pattern '${pattern}'`,
  );

/** What the durations of LambdaUnhandled errors say about a timeout. */
export function durationsOf({ raised, unclear, timeout, suspect }: Unhandled): string[] {
  const durations = raised.flatMap((error) => lambdaSeconds(error) ?? []);
  const sentences: string[] = [];
  if (durations.length > 0) {
    const limit = timeout === null ? '' : ` of ${wholeSeconds(timeout)}`;
    sentences.push(
      `${plural(weigh(raised), 'unhandled error')} took ${spread(durations)}, which contradicts a timeout${limit}.`,
    );
  }
  const long = unclear.flatMap((error) => lambdaSeconds(error) ?? []);
  if (long.length > 0 && suspect !== null) {
    const limit =
      timeout === null
        ? `at ${wholeSeconds(suspect)}, which a timeout`
        : `past the timeout of ${wholeSeconds(timeout)}, which a slow start`;
    sentences.push(
      `${plural(weigh(unclear), 'unhandled error')} ended after ${spread(long)}: ${limit} would also give.`,
    );
  }
  return sentences;
}

export const unknownTimeouts = ({ target, timeout, target_group_arn }: Unhandled): string[] => {
  if (timeout !== null) return [];
  const which = target.arn === null ? `behind ${targetGroupName(target_group_arn)}` : nameOf(target.arn);
  const reason =
    target.configuration === null
      ? 'was not read (lambda:GetFunctionConfiguration)'
      : 'was changed after the errors began';
  return [`The timeout of the function ${which} ${reason}.`];
};
