import type { TargetGroup, TargetHealthDescription } from '../../evidence/aws.ts';
import { ownValue } from '../../format/own-value.ts';
import { list, outOf, plural, sentenceCase } from '../../format/wording.ts';
import { attachedGroups } from '../network-path/target-paths.ts';
import { defineCheck } from './check.ts';

/** DescribeTargetHealth reasons in words. */
const REASONS: Record<string, string> = {
  'Elb.RegistrationInProgress': 'being registered',
  'Elb.InitialHealthChecking': 'initial health checks are still running',
  'Elb.InternalError': 'an internal error of the load balancer',
  'Target.ResponseCodeMismatch': 'health checks get an unexpected status',
  'Target.Timeout': 'health checks time out',
  'Target.FailedHealthChecks': 'health checks either cannot connect or get a malformed response',
  'Target.NotRegistered': 'not registered',
  'Target.NotInUse': 'its zone is not enabled, or no listener uses the group',
  'Target.DeregistrationInProgress': 'draining',
  'Target.InvalidState': 'the instance is stopped or terminated',
  'Target.IpUnusable': 'the address is reserved for a load balancer',
  'Target.HealthCheckDisabled': 'health checks are disabled',
};

export const targetHealth = defineCheck({
  id: 'target-health',
  step: 6,
  subject: 'target health',
  question: 'Is every registered target healthy now?',
  why: 'An unhealthy target gets no requests. When all are unhealthy, the load balancer sends requests to all of them. Without a registered target in an enabled zone, it answers 503.',
  fix: 'Find out why the health checks fail: a closed port, a slow application or network path, or another status code.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/check-target-health.html',
  namedBy: ['connection-refused', 'no-registered-targets', 'target-gone', 'target-unreachable'],
  headline: 3,
  needs: ['targetGroups', 'targetHealth'],
  wants: ['loadBalancer', 'traffic'],

  evaluate(evidence) {
    const groups = attachedGroups(evidence);
    if (groups.length === 0) return { outcome: 'not-applicable', summary: 'No target group with addresses is in use.' };
    const groupsWithHealth = groups.flatMap((group) => {
      const targets = evidence.targetHealth[group.TargetGroupArn];
      return targets ? [{ group, targets }] : [];
    });
    const facts = groupsWithHealth.map(({ group, targets }) => ({
      label: group.TargetGroupName,
      value: stateCountsText(targets),
    }));
    const problems = groupsWithHealth.flatMap(({ group, targets }) => groupProblem(group, targets) ?? []);
    const [problem] = problems;
    const advice = [...new Set(problems.flatMap((one) => one.advice))];
    if (problem !== undefined)
      return {
        outcome: 'fail',
        summary: problems.map(({ sentence }) => sentence).join(' '),
        brief: problem.brief,
        ...(advice.length > 0 ? { fix: advice.join(' ') } : {}),
        facts,
      };
    if (groupsWithHealth.length < groups.length) {
      const groupsNotRead = groups.filter(({ TargetGroupArn }) => !evidence.targetHealth[TargetGroupArn]);
      return {
        outcome: 'unknown',
        summary: `The health of ${list(groupsNotRead.map(({ TargetGroupName }) => TargetGroupName))} could not be read.`,
        facts,
      };
    }
    const says = groupsWithHealth.map(({ group, targets }) => `${group.TargetGroupName} ${stateCountsText(targets)}`);
    return { outcome: 'pass', summary: `Target health now: ${list(says)}.`, facts };
  },
});

interface GroupProblem {
  sentence: string;
  brief: string;
  /** What to check, a sentence for each reason. */
  advice: string[];
}

const REASON_ADVICE: Readonly<Record<string, string>> = {
  'Target.FailedHealthChecks': 'check that the process listens on its port and answers the health check',
  'Target.ResponseCodeMismatch': 'find out why the application answers the health check with another status code',
  'Target.Timeout': 'check the network path, and why the application does not answer the health check in time',
  'Target.NotInUse': 'enable the zone of the target, or use the target group in a listener rule',
  'Target.InvalidState': 'start the instance or register another one',
  'Target.IpUnusable': 'register another address',
};

/** "10.0.11.41:8080: check …"; targets are named only if their reasons differ. */
function adviceOn(targets: readonly TargetHealthDescription[]): string[] {
  const byReason = Map.groupBy(targets, ({ TargetHealth }) => TargetHealth?.Reason ?? '');
  return [...byReason].flatMap(([reason, own]) => {
    const advice = ownValue(REASON_ADVICE, reason);
    if (advice === undefined) return [];
    return [byReason.size === 1 ? `${sentenceCase(advice)}.` : `${list(own.map(labelOf))}: ${advice}.`];
  });
}

function groupProblem({ TargetGroupName: name }: TargetGroup, targets: TargetHealthDescription[]): GroupProblem | null {
  if (targets.length === 0)
    return {
      sentence: `${name} has no registered target, so requests to ${name} get 503.`,
      brief: 'a target group has no target',
      advice: [
        `Check the desired count of the service behind ${name}; register targets by hand only if nothing manages them.`,
      ],
    };
  const unused = targets.filter((target) => stateOf(target) === 'unused');
  if (unused.length === targets.length) {
    return {
      sentence: `${targets.length === 1 ? `The only target of ${name} is` : `All ${plural(targets.length, 'target')} of ${name} are`} unused (${reasonsOf(unused)}), so requests to ${name} get 503.`,
      brief:
        targets.length === 1
          ? 'the only target of a group is unused'
          : `all ${plural(targets.length, 'target')} of a group are unused`,
      advice: adviceOn(unused),
    };
  }
  const unhealthy = targets.filter((target) => stateOf(target).startsWith('unhealthy'));
  if (unhealthy.length === 0) return null;
  const verb = unhealthy.length === 1 ? 'is' : 'are';
  const who = list(unhealthy.map(labelOf));
  const candidates = targets.length - unused.length;
  const open =
    unhealthy.length === candidates ? ` None is healthy, so the load balancer sends requests to all of them.` : '';
  const count = `${outOf(unhealthy.length, targets.length)} targets`;
  return {
    sentence: `${count} of ${name} ${verb} unhealthy now: ${who} (${reasonsOf(unhealthy)}).${open}`,
    brief: `${count} ${verb} unhealthy now`,
    advice: adviceOn(unhealthy),
  };
}

const stateOf = ({ TargetHealth }: TargetHealthDescription): string => TargetHealth?.State ?? 'unknown';

const labelOf = ({ Target }: TargetHealthDescription): string =>
  Target.Port === undefined ? Target.Id : `${Target.Id}:${Target.Port}`;

const reasonsOf = (targets: TargetHealthDescription[]): string =>
  list([
    ...new Set(
      targets.map(({ TargetHealth }) =>
        TargetHealth?.Reason
          ? `${TargetHealth.Reason}: ${ownValue(REASONS, TargetHealth.Reason) ?? 'no meaning documented'}`
          : 'no reason given',
      ),
    ),
  ]);

/** "3 healthy, 1 draining" */
function stateCountsText(targets: TargetHealthDescription[]): string {
  if (targets.length === 0) return 'no target';
  const states = Map.groupBy(targets, stateOf);
  return [...states]
    .map(([state, own]) => `${own.length} ${state}`)
    .sort()
    .join(', ');
}
