/** Finds errors of one of several weighted target groups, whose weight can be set to 0 until it is fixed. */
import type { Action, Rule } from '../../evidence/aws.ts';
import { type Command, command } from '../../format/command.ts';
import { number, plural } from '../../format/wording.ts';
import type { Stopgap } from '../judgement.ts';
import { countErrors, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';

export interface WeightedGroup {
  /** The failing group, and the other groups of the rule. */
  sentence: string;
  /** Sets its weight to 0. */
  stopgap: Stopgap;
}

/** Minimum requests of the rule's other groups in total, and minimum ratio of the failing rate to theirs. */
const FEWEST_REQUESTS = 20;
const TIMES_LESS = 10;

/**
 * Returns null unless all errors belong to one group of a weighted rule and its other groups hardly fail. `rules`: by
 * listener.
 */
export function weightedGroup(
  errors: readonly SampledError[],
  traffic: Traffic,
  rules: Record<string, Rule[]> | undefined,
): WeightedGroup | null {
  const arns = new Set(errors.map(({ target_group_arn }) => target_group_arn));
  const [arn] = arns;
  if (arns.size !== 1 || arn === undefined || arn === '-') return null;
  for (const [listener, own] of Object.entries(rules ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const rule of own) {
      const weights = weightsOf(rule.Actions ?? []);
      const weight = weights.get(arn) ?? 0;
      const others = [...weights].filter(([other, share]) => other !== arn && share > 0).map(([other]) => other);
      if (weight === 0 || others.length === 0 || !failsAlone(arn, others, traffic)) continue;
      const total = [...weights.values()].reduce((sum, share) => sum + share, 0);
      const change = withoutWeight(rule, listener, arn);
      if (change === null) continue;
      const names = others.map(targetGroupName).join(', ');
      return {
        sentence: `All ${plural(countErrors(errors), 'error')} went to ${targetGroupName(arn)}, which has weight ${number(weight)} of ${number(total)} in ${rule.IsDefault ? 'the default rule' : `rule ${rule.Priority ?? '?'}`} now; ${failuresOf(others, traffic) === 0 ? 'no' : 'almost no'} request to ${names} failed.`,
        stopgap: {
          summary: `Give ${targetGroupName(arn)} weight 0 until it is fixed: all requests then go to ${names}.`,
          commands: [change],
          undo: `Give it weight ${number(weight)} again afterwards: the same command with that weight.`,
          sideEffects: [`${names} must carry all of the traffic.`],
        },
      };
    }
  }
  return null;
}

const failuresOf = (arns: readonly string[], { log }: Traffic): number =>
  log.targets
    .filter(({ target_group_arn: arn }) => arns.includes(arn))
    .reduce((sum, { failures }) => sum + failures, 0);

const weightsOf = (actions: readonly Action[]): Map<string, number> =>
  new Map(
    actions
      .flatMap(({ ForwardConfig }) => ForwardConfig?.TargetGroups ?? [])
      .flatMap(({ TargetGroupArn, Weight }) =>
        TargetGroupArn === undefined ? [] : [[TargetGroupArn, Weight ?? 1] as const],
      ),
  );

function failsAlone(arn: string, others: readonly string[], { errors, log }: Traffic): boolean {
  const shareOf = (groups: readonly string[]) => {
    const requests = log.targets
      .filter(({ target_group_arn }) => groups.includes(target_group_arn))
      .reduce((sum, target) => sum + target.requests, 0);
    const failed = countErrors(errors.filter(({ target_group_arn }) => groups.includes(target_group_arn)));
    return { requests, share: failed / Math.max(1, requests, failed) };
  };
  const rest = shareOf(others);
  return rest.requests >= FEWEST_REQUESTS && shareOf([arn]).share >= TIMES_LESS * rest.share;
}

/**
 * Null if the rule also authenticates, because changing it requires the client secret. A default rule is changed
 * through its listener.
 */
function withoutWeight({ Actions = [], IsDefault, RuleArn }: Rule, listener: string, arn: string): Command | null {
  if (Actions.some(({ Type }) => Type !== 'forward') || (!IsDefault && RuleArn === undefined)) return null;
  const actions = JSON.stringify(
    Actions.map(({ Type, ForwardConfig }) => ({
      Type,
      ForwardConfig: {
        ...ForwardConfig,
        TargetGroups: ForwardConfig?.TargetGroups?.map((group) =>
          group.TargetGroupArn === arn ? { ...group, Weight: 0 } : group,
        ),
      },
    })),
  );
  return IsDefault
    ? command`aws elbv2 modify-listener --listener-arn ${listener} --default-actions ${actions}`
    : command`aws elbv2 modify-rule --rule-arn ${RuleArn ?? ''} --actions ${actions}`;
}
