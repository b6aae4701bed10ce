import type { TargetGroup } from '../../evidence/aws.ts';
import type { Question } from '../../evidence/evidence.ts';
import { list, plural } from '../../format/wording.ts';
import { NO_MATCHING_ERRORS } from '../judgement/unseen.ts';
import { rejectCount } from '../patterns/no-target.ts';
import { countErrors, groupBy, type SampledError, targetGroupName, withSignature } from '../traffic.ts';
import { type CauseClaim, type CauseEvidence, defineCause, type Strength } from './cause.ts';

export const targetOptimizer = defineCause({
  id: 'target-optimizer',
  title: 'Target optimizer refused the request',
  explanation:
    'The target group has a target control port, and no target was ready for one more request, or its agent failed.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-503-issues',
  wants: ['targetGroups', 'metrics'],

  judge(evidence, question) {
    const judged = judgeGroups(evidence, question);
    if (judged.length === 0) return NO_MATCHING_ERRORS;
    const open = judged.filter(({ strength }) => strength !== null);
    const rejectingGroups = open.filter(({ rejected }) => rejected !== null && rejected > 0);
    const idle = judged.filter(({ strength }) => strength === null);
    return {
      claims: open.flatMap(({ errors, strength }): CauseClaim[] => (strength === null ? [] : [{ errors, strength }])),
      for: [
        ...open.flatMap(({ name, port }) =>
          port === undefined ? [] : [`${name} has the target control port ${port}.`],
        ),
        ...rejectingGroups.map(
          ({ name, rejected, errors }) =>
            `TargetControlRequestRejectCount of ${name} is ${rejected ?? 0} in the window, beside ${plural(countErrors(errors), 'error')}.`,
        ),
      ],
      against: idle.map(({ name, port }) =>
        port === undefined
          ? `${name} has no target control port.`
          : `TargetControlRequestRejectCount of ${name} is 0 in the window.`,
      ),
      missing: open.some(({ rejected }) => rejected === null)
        ? ['TargetControlRequestRejectCount (cloudwatch:GetMetricData) was not read.']
        : [],
      ruledOut: open.length === 0 && countErrors(idle.flatMap(({ errors }) => errors)) === evidence.traffic.errorCount,
      ...(rejectingGroups.length > 0 && {
        summary: `The target optimizer of ${list(rejectingGroups.map(({ name }) => name))} had no target ready and refused ${plural(countErrors(rejectingGroups.flatMap(({ errors }) => errors)), 'request')}.`,
      }),
    };
  },

  fix(evidence, question) {
    const names = judgeGroups(evidence, question).map(({ arn }) => arn);
    return {
      summary:
        'Add targets, or raise the concurrency that the agents on the targets announce; look at TargetControlWorkQueueLength.',
      commands: names.map((arn) => `aws elbv2 describe-target-health --target-group-arn ${arn}`),
      sideEffects: ['More concurrency for each target makes its requests slower.'],
    };
  },
});

interface OptimizerGroup {
  arn: string;
  name: string;
  errors: SampledError[];
  port: number | undefined;
  rejected: number | null;
  strength: Strength | null;
}

/** 503s without a target, 503s of an unknown shape (none is documented), and 500s that have no code. */
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

/** Null: it has no agent, or the agent refused nothing. */
function strengthOf(group: TargetGroup | undefined, rejected: number | null, errors: SampledError[]): Strength | null {
  if (rejected !== null && rejected > 0) return rejected >= 0.9 * countErrors(errors) ? 'confirmed' : 'possible';
  if (rejected === 0) return null;
  const noTarget = errors.every(({ signature }) => signature === 'no-target');
  if (group === undefined) return noTarget ? 'possible' : null;
  return group.TargetControlPort === undefined ? null : 'possible';
}
