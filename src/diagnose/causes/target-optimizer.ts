import type { TargetGroup } from '../../evidence/aws.ts';
import type { Question } from '../../evidence/question.ts';
import { command } from '../../format/command.ts';
import { list, plural } from '../../format/wording.ts';
import type { CauseEvidence } from '../diagnosis-evidence.ts';
import {
  claimErrors,
  claimsByStrength,
  type Fix,
  type Judgement,
  ruledOut,
  type Strength,
  untested,
} from '../judgement.ts';
import { rejectCount } from '../patterns/no-target.ts';
import { countErrors, groupBy, type SampledError, targetGroupName, withSignature } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const targetOptimizer = defineCause({
  id: 'target-optimizer',
  title: 'Request refused by the target optimizer',
  explanation:
    'The target group has a target control port, and no target was ready for one more request, or its agent failed.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-503-issues',
  signatures: ['no-target', 'inconsistent', 'other'],
  wants: ['targetGroups', 'metrics'],

  judge(evidence, question): Judgement {
    const judged = judgeGroups(evidence, question);
    const open = judged.filter(({ strength }) => strength !== null);
    const rejectingGroups = open.filter(({ rejected }) => rejected !== null && rejected > 0);
    const idle = judged.filter(({ strength }) => strength === null);
    const idleTexts = idle.map(({ name, port }) =>
      port === undefined
        ? `${name} has no target control port.`
        : `TargetControlRequestRejectCount of ${name} is 0 in the window.`,
    );
    const allIdle = countErrors(idle.flatMap(({ errors }) => errors)) === evidence.traffic.errorCount;
    return claimErrors(
      {
        claims: claimsByStrength(open, ({ strength }) => strength),
        for: [
          ...open.flatMap(({ name, port }) =>
            port === undefined ? [] : [`${name} has the target control port ${port}.`],
          ),
          ...rejectingGroups.map(
            ({ name, rejected, errors }) =>
              `TargetControlRequestRejectCount of ${name} is ${rejected ?? 0} in the window, beside ${plural(countErrors(errors), 'error')}.`,
          ),
        ],
        against: idleTexts,
        missing: open.some(({ rejected }) => rejected === null)
          ? ['TargetControlRequestRejectCount (cloudwatch:GetMetricData) could not be read.']
          : [],
        fix: fixFor(open),
        ...(rejectingGroups.length > 0 && {
          summary: `The target optimizer of ${list(rejectingGroups.map(({ name }) => name))} had no target ready and refused ${plural(countErrors(rejectingGroups.flatMap(({ errors }) => errors)), 'request')}.`,
        }),
      },
      allIdle ? ruledOut(idleTexts) : untested(),
    );
  },
});

function fixFor(groups: readonly OptimizerGroup[]): Fix {
  return {
    summary:
      'Add targets, or raise the concurrency that the agents on the targets announce; look at TargetControlWorkQueueLength.',
    commands: groups.map(({ arn }) => command`aws elbv2 describe-target-health --target-group-arn ${arn}`),
    sideEffects: ['More concurrency for each target makes its requests slower.'],
  };
}

interface OptimizerGroup {
  arn: string;
  name: string;
  errors: SampledError[];
  port: number | undefined;
  rejected: number | null;
  strength: Strength | null;
}

/** Judges 503s without a target, 503s of an unknown shape (AWS documents none), and 500s without a code. */
function judgeGroups(evidence: CauseEvidence<'targetGroups' | 'metrics'>, question: Question): OptimizerGroup[] {
  const { traffic, targetGroups, metrics } = evidence;
  const noTarget = withSignature(traffic, 'no-target');
  const odd = withSignature(traffic, 'inconsistent', 'other').filter(
    ({ elb_status_code, target_status_code }) =>
      (elb_status_code === '503' || elb_status_code === '500') && target_status_code === '-',
  );
  return [...groupBy([...noTarget, ...odd], (error) => error.target_group_arn)]
    .map(([arn, errors]) => {
      const group = targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === arn);
      const rejected = rejectCount(arn, metrics, question);
      return {
        arn,
        name: targetGroupName(arn),
        errors,
        port: group?.TargetControlPort,
        rejected,
        strength: strengthOf(group, rejected, errors),
      };
    })
    .filter(({ strength, errors }) => strength !== null || errors.some(({ signature }) => signature === 'no-target'))
    .sort((a, b) => (a.arn < b.arn ? -1 : 1));
}

/** Null if the group has no agent, or the agent refused nothing. */
function strengthOf(group: TargetGroup | undefined, rejected: number | null, errors: SampledError[]): Strength | null {
  if (rejected !== null && rejected > 0) return rejected >= 0.9 * countErrors(errors) ? 'confirmed' : 'possible';
  if (rejected === 0) return null;
  const noTarget = errors.every(({ signature }) => signature === 'no-target');
  if (group === undefined) return noTarget ? 'possible' : null;
  return group.TargetControlPort === undefined ? null : 'possible';
}
