/**
 * Why a target group has no target that gets requests, by what describe-target-health says now, and what fills it
 * again. A group whose targets are all unhealthy still gets requests, so that is no reason.
 */
import type { Rule, TargetHealthDescription } from '../../evidence/aws.ts';
import { type EcsService, groupsOfService } from '../../evidence/workloads.ts';
import { type Command, command } from '../../format/command.ts';
import { number, plural } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import type { Fix } from '../judgement.ts';
import { type Traffic, targetGroupName } from '../traffic.ts';
import { kubernetesSource } from './kubernetes.ts';

export type EmptyGroupEvidence = Partial<
  Pick<DiagnosisEvidence, 'targetGroups' | 'targetHealth' | 'rules' | 'services' | 'tags'>
>;

type Emptiness =
  | 'not registered'
  /** Every registered target is leaving. */
  | 'draining'
  /** No target has passed its first health checks yet. */
  | 'starting'
  /** Every instance is stopped or terminated. */
  | 'stopped'
  /** Every target is in a zone that the load balancer does not use. */
  | 'zone off'
  /** Targets get requests again. */
  | 'back';

/** Null if health was not read or its states differ. */
export function emptinessOf(health: readonly TargetHealthDescription[] | null): Emptiness | null {
  if (health === null) return null;
  const states = new Set(health.map(({ TargetHealth }) => TargetHealth?.State));
  const reasons = new Set(health.map(({ TargetHealth }) => TargetHealth?.Reason));
  if (health.length === 0) return 'not registered';
  if (states.has('healthy') || states.has('unhealthy')) return 'back';
  if (states.has('initial')) return 'starting';
  if (states.size === 1 && states.has('draining')) return 'draining';
  if (reasons.size > 1) return null;
  return reasons.has('Target.NotInUse') ? 'zone off' : reasons.has('Target.InvalidState') ? 'stopped' : null;
}

/** Follows the number of failed requests. */
export function emptinessText(name: string, health: readonly TargetHealthDescription[]): string | null {
  const all =
    health.length === 1
      ? `The only target of target group ${name}`
      : `All ${number(health.length)} targets of target group ${name}`;
  const are = health.length === 1 ? 'is' : 'are';
  switch (emptinessOf(health)) {
    case 'not registered':
      return `No target is registered in target group ${name}`;
    case 'draining':
      return `${all} ${are} draining, and no other is registered`;
    case 'starting':
      return `No target of target group ${name} has passed its first health checks yet`;
    case 'stopped':
      return `${all} ${are} stopped or terminated`;
    case 'zone off':
      return `${all} ${are} in a zone that the load balancer does not use`;
    default:
      return null;
  }
}

/** For a group that is empty, or that was; null for the other reasons. */
export function emptyGroupFix(
  arn: string,
  health: readonly TargetHealthDescription[] | null,
  evidence: EmptyGroupEvidence,
  traffic: Traffic,
): Fix | null {
  const name = targetGroupName(arn);
  const describe = command`aws elbv2 describe-target-health --target-group-arn ${arn}`;
  const emptiness = emptinessOf(health);
  if (emptiness === 'starting') {
    const checked = evidence.targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === arn);
    const path = checked?.HealthCheckPath ?? 'the health check path';
    return {
      summary: `See whether ${plural(health?.length ?? 0, 'target')} of ${name} ${health?.length === 1 ? 'answers' : 'answer'} ${path}: a new target gets requests only after it passes a health check.`,
      commands: [describe],
      notes: [KEEP_OLD],
      sideEffects: [],
    };
  }
  if (emptiness === 'back') {
    return {
      summary: `Keep targets of ${name} registered until others are healthy: for a time it had none, and it has ${plural(health?.length ?? 0, 'target')} again.`,
      commands: [describe],
      notes: [KEEP_OLD],
      sideEffects: ['A replacement needs room for old and new targets at the same time.'],
    };
  }
  if (emptiness !== 'not registered' && emptiness !== 'draining') return null;
  return toWaitingGroup(arn, evidence, traffic) ?? fromPods(arn, evidence) ?? fromService(arn, evidence);
}

const KEEP_OLD =
  'So that none is missing next time: ECS minimumHealthyPercent 100, an instance maintenance policy of 100 % or more in the Auto Scaling group, a readiness gate for pods.';

/** Another group of the load balancer has healthy targets and gets no request: a deployment filled it, and the rule stayed. */
function toWaitingGroup(arn: string, evidence: EmptyGroupEvidence, { log }: Traffic): Fix | null {
  const waiting = Object.entries(evidence.targetHealth ?? {}).filter(
    ([other, targets]) =>
      other !== arn &&
      targets.some(({ TargetHealth }) => TargetHealth?.State === 'healthy') &&
      !log.statuses.some(({ target_group_arn }) => target_group_arn === other),
  );
  const [only, ...more] = waiting;
  const forwards = Object.entries(evidence.rules ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([listener, rules]) => rules.map((rule) => ({ listener, rule })))
    .find(({ rule }) =>
      (rule.Actions ?? []).some(
        ({ TargetGroupArn, ForwardConfig }) =>
          TargetGroupArn === arn || ForwardConfig?.TargetGroups?.some((group) => group.TargetGroupArn === arn),
      ),
    );
  if (only === undefined || more.length > 0 || forwards === undefined) return null;
  const [other, targets] = only;
  const healthy = targets.filter(({ TargetHealth }) => TargetHealth?.State === 'healthy').length;
  const [name, onto] = [targetGroupName(arn), targetGroupName(other)];
  const { listener, rule } = forwards;
  return {
    summary: `Send the requests for ${name} to ${onto}, which has ${plural(healthy, 'healthy target')} and gets none: finish the deployment, or change the rule.`,
    commands: [changeOf(rule, listener, `Type=forward,TargetGroupArn=${other}`)],
    notes: [
      `Only if ${onto} runs the same service. A deployment tool that owns the rule may change it back.`,
      ...(hasOneTarget(rule)
        ? []
        : ['A change replaces all actions of a rule: keep its authentication and its other target groups.']),
    ],
    sideEffects: [`All requests of that rule go to ${onto}.`],
  };
}

/** Whether the rule only forwards, to one group. */
const hasOneTarget = ({ Actions = [] }: Rule): boolean =>
  Actions.length === 1 && Actions.every(({ ForwardConfig }) => (ForwardConfig?.TargetGroups ?? []).length <= 1);

/** Only shows a rule that does more: a command without its other actions would let everybody in. */
function changeOf(rule: Rule, listener: string, action: string): Command {
  if (!hasOneTarget(rule)) return command`aws elbv2 describe-rules --listener-arn ${listener}`;
  return rule.IsDefault || rule.RuleArn === undefined
    ? command`aws elbv2 modify-listener --listener-arn ${listener} --default-actions ${action}`
    : command`aws elbv2 modify-rule --rule-arn ${rule.RuleArn} --actions ${action}`;
}

/** The AWS Load Balancer Controller registers the ready pods of a Service. */
function fromPods(arn: string, { tags }: EmptyGroupEvidence): Fix | null {
  const source = kubernetesSource(arn, tags);
  if (source === null) return null;
  const where = source.namespace === null ? ['-A'] : ['-n', source.namespace];
  return {
    summary: `Give the Service behind ${source.kind} ${source.name} a ready pod: the controller registers only ready pods, and it has none in ${targetGroupName(arn)}.`,
    commands: [
      command`kubectl get pods,endpointslices ${where}`,
      command`kubectl get events ${where} --sort-by .lastTimestamp`,
      command`kubectl -n kube-system logs deploy/aws-load-balancer-controller --since 1h`,
    ],
    notes: [
      'Look at the replicas of the Deployment, at the selector of the Service, and at pods that do not become ready. If there are ready pods, the log of the controller says why it does not register them.',
    ],
    sideEffects: [],
  };
}

/** The ECS service that should register its tasks. */
function fromService(arn: string, { services = [] }: EmptyGroupEvidence): Fix | null {
  const own = services.filter((service) => groupsOfService(service).includes(arn));
  const [service, ...others] = own;
  if (service === undefined || others.length > 0) return null;
  const { serviceName, clusterArn, desiredCount, runningCount } = service;
  const where = clusterArn === undefined ? [] : ['--cluster', clusterArn];
  if (desiredCount === 0)
    return {
      summary: `Raise the desired count of the ECS service ${serviceName}: it is 0.`,
      commands: [
        command`aws ecs update-service ${where} --service ${serviceName} --desired-count ${wantedCount(service)}`,
      ],
      notes: ['A scheduled scaling or somebody who stops services at night may set it to 0 again.'],
      sideEffects: ['A new task gets requests once it passes a health check.'],
    };
  const runs = runningCount === undefined || desiredCount === undefined ? null : [runningCount, desiredCount];
  return {
    summary:
      runs !== null && runningCount === 0
        ? `See why no task of the ECS service ${serviceName} runs (${number(desiredCount ?? 0)} wanted): its events and its stopped tasks tell.`
        : `See why the tasks of the ECS service ${serviceName} are not registered in ${targetGroupName(arn)}: its events tell.`,
    commands: [
      command`aws ecs describe-services ${where} --services ${serviceName} --query ${'services[0].[desiredCount,runningCount,loadBalancers,events[:10]]'}`,
      command`aws ecs list-tasks ${where} --service-name ${serviceName} --desired-status STOPPED`,
    ],
    sideEffects: [],
  };
}

/** The most tasks that one of its deployments wanted; 1 if none is known. */
const wantedCount = ({ deployments = [] }: EcsService): string =>
  String(Math.max(1, ...deployments.map(({ desiredCount = 0 }) => desiredCount)));
