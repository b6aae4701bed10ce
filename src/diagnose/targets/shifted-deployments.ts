/** Deployments whose traffic ECS itself shifts: blue/green, linear and canary. Source: ECS API reference, ServiceDeployment. */

import {
  type EcsService,
  epochIn,
  groupsOfService,
  type ServiceDeployment,
  type ServiceRevision,
} from '../../evidence/workloads.ts';
import { command } from '../../format/command.ts';
import type { Deployment, DeploymentEvidence } from './deployment-types.ts';
import { type TrafficShift, weightSteps } from './weight-steps.ts';

const STRATEGIES: Record<string, string> = { BLUE_GREEN: 'blue/green ', CANARY: 'canary ', LINEAR: 'linear ' };
const GOES_ON = ['PENDING', 'IN_PROGRESS'];
const ROLLED_BACK = ['ROLLBACK_REQUESTED', 'ROLLBACK_IN_PROGRESS', 'ROLLBACK_SUCCESSFUL'];

/** Deployments of the services, in the order of the answer. */
export function shiftedDeployments(evidence: DeploymentEvidence): Deployment[] {
  const { services = [], serviceDeployments = [], serviceRevisions = [] } = evidence;
  return serviceDeployments.flatMap((deployment) => {
    const service = services.find(({ serviceArn }) => serviceArn === deployment.serviceArn);
    const revision = serviceRevisions.find(
      ({ serviceRevisionArn }) => serviceRevisionArn === deployment.targetServiceRevision?.arn,
    );
    return service === undefined ? [] : deploymentOf(deployment, service, revision, evidence);
  });
}

function deploymentOf(
  deployment: ServiceDeployment,
  service: EcsService,
  brought: ServiceRevision | undefined,
  evidence: DeploymentEvidence,
): Deployment[] {
  const { serviceDeploymentArn, startedAt, createdAt, finishedAt, stoppedAt, updatedAt, status = '' } = deployment;
  const started = epochIn(startedAt ?? createdAt);
  if (started === null) return [];
  const goesOn = GOES_ON.includes(status);
  const isOver = !goesOn && status !== 'ROLLBACK_REQUESTED' && status !== 'ROLLBACK_IN_PROGRESS';
  const to = epochIn(finishedAt ?? stoppedAt ?? (isOver ? updatedAt : undefined));
  const revision = brought?.taskDefinition?.split('/').at(-1) ?? null;
  const strategy = STRATEGIES[deployment.deploymentConfiguration?.strategy ?? ''] ?? '';
  const shift = shiftOf(deployment, brought, { from: started, to: to ?? Number.POSITIVE_INFINITY }, evidence);
  return [
    {
      name: `the ${strategy}deployment of ${revision ?? service.serviceName}${ROLLED_BACK.includes(status) ? ' (rolled back)' : ''}`,
      revision,
      targetGroups: groupsOfService(service),
      // Before it moves traffic, a deployment starts the new tasks.
      from: shift?.steps.find(({ percent }) => percent > 0)?.at ?? started,
      to,
      stop: goesOn
        ? command`aws ecs stop-service-deployment --service-deployment-arn ${serviceDeploymentArn} --stop-type ROLLBACK`
        : null,
      shift,
    },
  ];
}

/** Null if the target group of the new tasks is unknown. */
function shiftOf(
  { targetServiceRevision }: ServiceDeployment,
  brought: ServiceRevision | undefined,
  window: { from: number; to: number },
  { changes = [] }: DeploymentEvidence,
): TrafficShift | null {
  const [own] = brought?.resolvedConfiguration?.loadBalancers ?? [];
  if (own?.targetGroupArn === undefined) return null;
  const { targetGroupArn: targetGroup, productionListenerRule: rule } = own;
  return {
    targetGroup,
    steps: rule === undefined ? [] : weightSteps(changes, targetGroup, rule, window),
    percentNow: targetServiceRevision?.requestedProductionTrafficWeight ?? null,
  };
}
