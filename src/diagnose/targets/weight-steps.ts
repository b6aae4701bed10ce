/** The share of a rule's requests that a target group was given over time, from the recorded calls that set it. */
import * as z from 'zod';
import type { CloudTrailEvent } from '../../evidence/aws.ts';
import type { Window } from '../../evidence/question.ts';
import { mutations } from '../patterns/configuration-changes.ts';

/** `at`: epoch milliseconds; `percent`: 0 to 100. */
interface WeightStep {
  at: number;
  percent: number;
}

/** How a deployment moves traffic to the target group of its new targets. */
export interface TrafficShift {
  /** ARN. */
  targetGroup: string;
  /** Empty if the calls were not read. */
  steps: readonly WeightStep[];
  /** The weight that the service had when it was read; null if unknown. */
  percentNow: number | null;
}

const Actions = z.array(
  z.looseObject({
    forwardConfig: z
      .looseObject({
        targetGroups: z
          .array(z.looseObject({ targetGroupArn: z.string().optional(), weight: z.number().optional() }))
          .optional(),
      })
      .optional(),
  }),
);

/** Request parameters of ModifyRule and ModifyListener, as CloudTrail records them. */
const WeightCall = z.looseObject({
  ruleArn: z.string().optional(),
  listenerArn: z.string().optional(),
  actions: Actions.optional(),
  defaultActions: Actions.optional(),
});

interface RuleWeights {
  at: number;
  /** ARN of the rule, or of the listener for its default rule. */
  rule: string;
  /** Percent by the ARN of the target group. */
  percents: ReadonlyMap<string, number>;
}

function ruleWeights(changes: readonly CloudTrailEvent[], { from, to }: Window): RuleWeights[] {
  return mutations(changes).flatMap(({ name, at, parameters }) => {
    if (!/^Modify(?:Listener|Rule)$/.test(name) || at < from || at > to) return [];
    const call = WeightCall.safeParse(parameters);
    const rule = call.data?.ruleArn ?? call.data?.listenerArn;
    const groups = (call.data?.actions ?? call.data?.defaultActions ?? []).flatMap(
      ({ forwardConfig }) => forwardConfig?.targetGroups ?? [],
    );
    const total = groups.reduce((sum, { weight = 1 }) => sum + weight, 0);
    if (rule === undefined || total <= 0) return [];
    const percents = groups.flatMap(({ targetGroupArn, weight = 1 }) =>
      targetGroupArn === undefined ? [] : [[targetGroupArn, (100 * weight) / total] as const],
    );
    return [{ at, rule, percents: new Map(percents) }];
  });
}

/** The weights of a target group in one rule (by ARN), oldest first; calls that leave the weight as it is are left out. */
export function weightSteps(
  changes: readonly CloudTrailEvent[],
  targetGroup: string,
  rule: string,
  window: Window,
): WeightStep[] {
  return ruleWeights(changes, window)
    .flatMap(({ at, rule: changed, percents }) => {
      const percent = percents.get(targetGroup);
      return changed === rule && percent !== undefined ? [{ at, percent }] : [];
    })
    .filter(({ percent }, index, all) => percent !== all[index - 1]?.percent);
}

/** Whether a group got a part of the traffic: it had neither none nor all. */
export const isPart = (percent: number): boolean => percent > 0 && percent < 100;

/**
 * The shift among these target groups (ARNs) where the deployment itself does not say which is new: the group that first
 * gets the smaller part of a rule. Null if no call gave a part.
 */
export function partialShift(
  changes: readonly CloudTrailEvent[],
  targetGroups: readonly string[],
  window: Window,
): TrafficShift | null {
  for (const { rule, percents } of ruleWeights(changes, window)) {
    const own = [...percents].filter(([arn, percent]) => targetGroups.includes(arn) && isPart(percent));
    const [first] = own.sort(([a, left], [b, right]) => left - right || (a < b ? -1 : 1));
    if (first === undefined) continue;
    const [targetGroup] = first;
    return { targetGroup, steps: weightSteps(changes, targetGroup, rule, window), percentNow: null };
  }
  return null;
}
