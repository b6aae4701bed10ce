/** Lambda: the configuration of the functions that are targets. */
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { FunctionConfiguration, type TargetGroup, type TargetHealthDescription } from '../../evidence/aws.ts';
import { type Call, toCliJson } from './call.ts';

/** The ARNs of the functions registered in Lambda target groups; ascending. */
export const functionsIn = (
  groups: readonly TargetGroup[],
  health: Readonly<Record<string, TargetHealthDescription[]>>,
): string[] =>
  [
    ...new Set(
      groups
        .filter(({ TargetType }) => TargetType === 'lambda')
        .flatMap(({ TargetGroupArn }) => health[TargetGroupArn] ?? [])
        .map(({ Target }) => Target.Id),
    ),
  ].sort();

/** By function ARN, which may name an alias or a version. */
export async function fetchFunctions(
  call: Call,
  arns: readonly string[],
): Promise<Record<string, FunctionConfiguration>> {
  const client = call.session.client(LambdaClient);
  const each = arns.map(async (FunctionName) => {
    const { $metadata: _, ...answer } = await client.send(
      new GetFunctionConfigurationCommand({ FunctionName }),
      call.options,
    );
    return [FunctionName, FunctionConfiguration.parse(toCliJson(answer))] as const;
  });
  return Object.fromEntries(await Promise.all(each));
}
