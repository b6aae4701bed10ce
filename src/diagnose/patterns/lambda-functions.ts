/** Finds the function behind a target group, its run time, and whether its configured timeout ended it. */
import type { FunctionConfiguration, TargetHealthDescription } from '../../evidence/aws.ts';
import { epochOf } from '../../evidence/aws.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { groupBy, withSignature } from '../traffic.ts';

interface LambdaTarget {
  /** ARN as registered, which may include a version or alias; null if the registration could not be read. */
  arn: string | null;
  configuration: FunctionConfiguration | null;
}

interface FunctionRegistrations {
  targetHealth?: Record<string, TargetHealthDescription[]>;
  functions?: Record<string, FunctionConfiguration>;
}

/**
 * The function of a Lambda target group, which has one. If the registration was not read, the only function that was
 * read.
 */
export function functionOf(
  targetGroupArn: string,
  { targetHealth, functions = {} }: FunctionRegistrations,
): LambdaTarget {
  const registered = targetHealth?.[targetGroupArn]
    ?.map(({ Target }) => Target.Id)
    .find((id) => id.includes(':lambda:'));
  const arns = Object.keys(functions);
  const arn = registered ?? (arns.length === 1 ? arns[0] : undefined) ?? null;
  if (arn === null) return { arn, configuration: null };
  return { arn, configuration: functions[arn] ?? functions[unqualified(arn)] ?? null };
}

/** arn:aws:lambda:region:account:function:name[:qualifier] → without the qualifier. */
const unqualified = (arn: string): string => arn.split(':').slice(0, 7).join(':');

/**
 * Seconds from the whole request sent to Lambda's answer; null if unknown. The body's upload is part of
 * request_processing_time.
 */
export function lambdaSeconds(error: SampledError): number | null {
  const targetSeconds = error.target_processing_time;
  const rest = error.elapsed === null ? -1 : error.elapsed - Math.max(0, error.request_processing_time);
  const longest = Math.max(targetSeconds, rest);
  return longest < 0 ? null : longest;
}

/** Seconds that Lambda takes beyond the function's timeout to answer the load balancer. */
const OVERHEAD = 0.5;
const EARLY = 0.05;
/** Configurable range of a function's timeout, seconds. */
const [SHORTEST, LONGEST] = [1, 900];

export interface UnhandledErrors {
  target_group_arn: string;
  target: LambdaTarget;
  /** Seconds; null if it could not be read or the function was modified after the first error. */
  timeout: number | null;
  timedOut: SampledError[];
  raised: SampledError[];
  /** Errors that may have timed out: they ended at `suspect` whole seconds, and the timeout is unknown. */
  unclear: SampledError[];
  suspect: number | null;
}

/** Splits LambdaUnhandled by duration into errors raised by the function and timeouts. By target group. */
export function unhandledErrors(traffic: Traffic, evidence: FunctionRegistrations): UnhandledErrors[] {
  const errors = withSignature(traffic, 'lambda-failure').filter((error) => error.error_reason === 'LambdaUnhandled');
  return [...groupBy(errors, (error) => error.target_group_arn)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([target_group_arn, own]) => {
      const target = functionOf(target_group_arn, evidence);
      const timeout = timeoutAtErrorTime(target, own);
      const parts = timeout === null ? withoutTimeout(own) : withTimeout(own, timeout);
      return { target_group_arn, target, timeout, ...parts };
    });
}

/**
 * The configured timeout; null if the function was modified after its first error, because it may have had another
 * timeout then.
 */
function timeoutAtErrorTime({ configuration }: LambdaTarget, errors: SampledError[]): number | null {
  const modified = configuration?.LastModified;
  const since = typeof modified === 'string' ? epochOf(modified) : Number.NaN;
  const first = Math.min(...errors.map((error) => error.at));
  return since > first ? null : (configuration?.Timeout ?? null);
}

function withTimeout(errors: SampledError[], timeout: number) {
  const parts = { timedOut: [] as SampledError[], raised: [] as SampledError[], unclear: [] as SampledError[] };
  for (const error of errors) {
    const took = lambdaSeconds(error);
    // It ran longer than the timeout. Initialization does not count towards the timeout, so both explanations are
    // possible.
    if (took === null || took > timeout + OVERHEAD) parts.unclear.push(error);
    else if (took >= timeout - EARLY) parts.timedOut.push(error);
    else parts.raised.push(error);
  }
  return { ...parts, suspect: timeout };
}

/**
 * Splits errors if the timeout is unknown: a timeout is whole seconds and no request outlives it, so only errors at the
 * longest duration can be timeouts.
 */
function withoutTimeout(errors: SampledError[]) {
  const durations = errors.flatMap((error) => lambdaSeconds(error) ?? []);
  const suspect = Math.round(Math.max(0, ...durations));
  const possible = suspect >= SHORTEST && suspect <= LONGEST;
  const unclear = errors.filter((error) => {
    const took = lambdaSeconds(error);
    return took === null || (possible && Math.abs(took - suspect) <= 0.05);
  });
  const open = new Set(unclear);
  const raised = errors.filter((error) => !open.has(error));
  return { timedOut: [], raised, unclear, suspect: unclear.length > 0 && possible ? suspect : null };
}
