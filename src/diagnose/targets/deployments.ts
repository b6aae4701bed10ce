/**
 * Deployments that concern the target groups in the log, from ECS, CodeDeploy and Auto Scaling. Sources: API
 * references, ECS Deployment and TaskSet, CodeDeploy DeploymentInfo, Auto Scaling Activity.
 */

import type { Window } from '../../evidence/question.ts';
import { type CodeDeployment, type EcsService, epochIn, groupsOfService } from '../../evidence/workloads.ts';
import { command } from '../../format/command.ts';
import { mutations } from '../patterns/configuration-changes.ts';
import type { Deployment, DeploymentEvidence } from './deployment-types.ts';
import { shiftedDeployments } from './shifted-deployments.ts';
import { partialShift } from './weight-steps.ts';

/** Milliseconds before the window within which a deployment may still be the cause. */
const BEFORE_MS = 60 * 60_000;

/** The deployments of the window and the hour before it; by start, then name. */
export function deploymentsOf(evidence: DeploymentEvidence, { from, to }: Window): Deployment[] {
  const ofEcs = shiftedDeployments(evidence);
  const shifted = new Set(ofEcs.flatMap(({ revision }) => revision ?? []));
  const { services = [], codeDeployments = [] } = evidence;
  const ofCodeDeploy = codeDeployments.flatMap((one) => codeDeployment(one, evidence));
  const codeDeployGroups = new Set(ofCodeDeploy.flatMap(({ targetGroups }) => targetGroups));
  const rolling = services
    .flatMap((service) => ecsDeployments(service, codeDeployGroups))
    .filter(({ revision }) => revision === null || !shifted.has(revision));
  const isRecent = (one: Deployment) => one.from >= from - BEFORE_MS;
  const isShifting = (one: Deployment) => one.shift !== null && (one.to === null || one.to >= from);
  return [...rolling, ...ofEcs, ...ofCodeDeploy, ...refreshes(evidence)]
    .filter((one) => one.from < to && (isRecent(one) || isShifting(one)))
    .sort((a, b) => a.from - b.from || (a.name < b.name ? -1 : 1));
}

const revisionIn = (arn: string): string => arn.split('/').at(-1) ?? arn;

/** `codeDeployGroups`: target groups of CodeDeploy deployments, whose task sets would repeat the same deployment. */
function ecsDeployments(service: EcsService, codeDeployGroups: ReadonlySet<string>): Deployment[] {
  const targetGroups = groupsOfService(service);
  const { deployments = [], taskSets = [], events = [] } = service;
  const own = deployments.map(({ id = '', taskDefinition, createdAt, updatedAt, rolloutState }) => {
    // ECS writes this event when the last task is replaced; it also updates the deployment itself for other reasons.
    const completed = events.find(({ message = '' }) => message.includes(`(deployment ${id}) deployment completed`));
    const isOver = rolloutState === 'COMPLETED' || rolloutState === 'FAILED';
    return { taskDefinition, createdAt, endedAt: completed?.createdAt ?? (isOver ? updatedAt : undefined) };
  });
  const isOfCodeDeploy = targetGroups.some((arn) => codeDeployGroups.has(arn));
  const sets = (isOfCodeDeploy ? [] : taskSets).map(({ taskDefinition, createdAt }) => ({
    taskDefinition,
    createdAt,
    endedAt: undefined,
  }));
  return [...own, ...sets].flatMap(({ taskDefinition, createdAt, endedAt }) => {
    const from = epochIn(createdAt);
    if (from === null || taskDefinition === undefined) return [];
    const revision = revisionIn(taskDefinition);
    const to = epochIn(endedAt);
    return [{ name: `the deployment of ${revision}`, revision, targetGroups, from, to, stop: null, shift: null }];
  });
}

/** A CodeDeploy deployment to target groups of this load balancer, which CodeDeploy names without ARNs. */
function codeDeployment(
  deployment: CodeDeployment,
  { targetGroups = [], changes = [] }: DeploymentEvidence,
): Deployment[] {
  const { deploymentId, loadBalancerInfo, startTime, createTime, completeTime, status } = deployment;
  const from = epochIn(startTime ?? createTime);
  const names = [
    ...(loadBalancerInfo?.targetGroupInfoList ?? []),
    ...(loadBalancerInfo?.targetGroupPairInfoList ?? []).flatMap((pair) => pair.targetGroups ?? []),
  ].map(({ name }) => name);
  const own = targetGroups.filter(({ TargetGroupName }) => names.includes(TargetGroupName));
  if (deploymentId === undefined || from === null || own.length === 0) return [];
  const undone = deployment.rollbackInfo?.rollbackTriggeringDeploymentId;
  const name =
    undone === undefined ? `CodeDeploy ${deploymentId}` : `the CodeDeploy rollback ${deploymentId} of ${undone}`;
  const to = epochIn(completeTime);
  // A deployment starts the new targets before it moves traffic.
  const moved = mutations(changes).find(
    ({ name: call, at }) => /^Modify(?:Listener|Rule)$/.test(call) && at >= from && at <= (to ?? at),
  );
  const goesOn = status === 'InProgress' || status === 'Ready' || status === 'Baking';
  const arns = own.map(({ TargetGroupArn }) => TargetGroupArn);
  return [
    {
      ...{ name, revision: null, from: moved?.at ?? from, to, targetGroups: arns },
      shift: partialShift(changes, arns, { from, to: to ?? Number.POSITIVE_INFINITY }),
      stop: goesOn ? command`aws deploy stop-deployment --deployment-id ${deploymentId} --auto-rollback-enabled` : null,
    },
  ];
}

/** Instance refreshes, each from the first to the last activity that names it. */
function refreshes({ scalingActivities = {}, targetGroups = [] }: DeploymentEvidence): Deployment[] {
  const ofInstances = targetGroups.filter(({ TargetType }) => TargetType === 'instance');
  return Object.entries(scalingActivities).flatMap(([group, activities]) => {
    const own = activities.filter(({ Cause = '' }) => /instance refresh/i.test(Cause));
    const starts = own.flatMap(({ StartTime }) => epochIn(StartTime) ?? []);
    const ends = own.map(({ EndTime }) => epochIn(EndTime));
    if (starts.length === 0) return [];
    return [
      {
        name: `the instance refresh of ${group}`,
        revision: null,
        targetGroups: ofInstances.map(({ TargetGroupArn }) => TargetGroupArn),
        from: Math.min(...starts),
        to: ends.includes(null) ? null : Math.max(...ends.flatMap((end) => end ?? [])),
        stop: ends.includes(null)
          ? command`aws autoscaling rollback-instance-refresh --auto-scaling-group-name ${group}`
          : null,
        shift: null,
      },
    ];
  });
}
