/** Commands that return a service to its previous revision. Printed, never run. */
import type { Question } from '../../evidence/question.ts';
import { type EcsService, groupsOfService } from '../../evidence/workloads.ts';
import { type Command, command } from '../../format/command.ts';
import type { CauseResult } from '../diagnosis.ts';
import { ownedTargets, ownerConcentrations } from '../patterns/owner-concentration.ts';
import { failingRevisions } from '../patterns/revision-errors.ts';
import { deploymentsOf } from '../targets/deployments.ts';
import type { Traffic } from '../traffic.ts';
import type { EventEvidence } from './event.ts';
import { type EventReason, rollOutOf, serviceOf } from './reason.ts';

/** Empty if there is no earlier revision, or if only CodeDeploy may change the service. */
export function rollBackCommands(
  { service, deployed }: Pick<EventReason, 'service' | 'deployed'>,
  evidence: EventEvidence,
): Command[] {
  const [previous] = deployed?.before ?? [];
  if (service === null || previous === undefined) return [];
  const where = service.clusterArn === undefined ? [] : ['--cluster', service.clusterArn];
  const stops = stopCommands(service, evidence);
  // UpdateService refuses another task definition where CodeDeploy deploys (ECS API reference, UpdateService).
  if (service.deploymentController?.type === 'CODE_DEPLOY' || stops.length > 0) return stops;
  return [command`aws ecs update-service ${where} --service ${service.serviceName} --task-definition ${previous}`];
}

/** Commands that stop a deployment which shifts the service's traffic, and shift it back. */
function stopCommands(service: EcsService, evidence: EventEvidence): Command[] {
  const { codeDeployments = [], serviceDeployments = [], targetGroups = [] } = evidence;
  const groups = groupsOfService(service);
  const known = { codeDeployments, serviceDeployments, targetGroups, services: [service] };
  return deploymentsOf(known, ALWAYS).flatMap(({ stop, targetGroups: own }) =>
    stop !== null && own.some((arn) => groups.includes(arn)) ? [stop] : [],
  );
}

/** What the roll-back of a service also does. `name`: of the service. */
export const rollBackEffect = (name: string, service: EcsService | null, evidence: EventEvidence): string =>
  service !== null && stopCommands(service, evidence).length > 0
    ? `Stopping the deployment moves all traffic of ${name} back to the tasks of the previous revision.`
    : `update-service replaces every task of ${name}.`;

const ALWAYS = { from: 0, to: Number.POSITIVE_INFINITY };

interface RollBack {
  service: EcsService;
  revision: string;
  previous: string;
}

/** If only the newest revision fails, puts the return to the previous revision first. */
export function withRollBack(
  results: readonly CauseResult[],
  traffic: Traffic,
  evidence: EventEvidence,
  question: Question,
): CauseResult[] {
  const found = rollBackOf(traffic, evidence, question);
  if (found === null) return [...results];
  const { service, revision, previous } = found;
  const back = rollBackCommands({ service, deployed: { revision, before: [previous] } }, evidence);
  if (isUndone(service, revision, stopCommands(service, evidence).length > 0))
    return results.map((result) =>
      result.standing !== 'confirmed' && result.standing !== 'likely'
        ? result
        : {
            ...result,
            fix: {
              ...result.fix,
              summary: `Repair ${revision} before you deploy it again; ${service.serviceName} is back on ${primaryRevision(service)}.`,
              notes: [...(result.fix.notes ?? []), result.fix.summary],
            },
          },
    );
  return results.map((result) =>
    (result.standing !== 'confirmed' && result.standing !== 'likely') ||
    back.some((one) => result.fix.commands.includes(one))
      ? result
      : {
          ...result,
          fix: {
            ...result.fix,
            summary: `Roll ${service.serviceName} back to ${previous}: only ${revision} fails.`,
            notes: [...(result.fix.notes ?? []), result.fix.summary],
            commands: [...back, ...result.fix.commands.filter((one) => !back.includes(one))],
            sideEffects:
              back.length === 0
                ? result.fix.sideEffects
                : [...new Set([...result.fix.sideEffects, rollBackEffect(service.serviceName, service, evidence)])],
          },
        },
  );
}

const primaryRevision = ({ deployments = [], taskSets = [] }: EcsService): string | null =>
  [...deployments, ...taskSets]
    .find(({ status }) => status === 'PRIMARY')
    ?.taskDefinition?.split('/')
    .at(-1) ?? null;

/** The new revision becomes the primary one only when it has all the traffic. */
function isUndone(service: EcsService, revision: string, isShifting: boolean): boolean {
  const primary = primaryRevision(service);
  return primary !== null && primary !== revision && !isShifting;
}

function rollBackOf(traffic: Traffic, evidence: EventEvidence, question: Question): RollBack | null {
  const [failing] = failingRevisions(traffic);
  const owned = ownedTargets(traffic);
  if (failing !== undefined) {
    const owner = owned.find((one) => one.owner.revision === failing.revision)?.owner;
    const service = owner === undefined ? null : serviceOf([owner], evidence);
    const [previous] = failing.others;
    return service === null || previous === undefined
      ? null
      : { service, revision: failing.revision, previous: previous.revision };
  }
  const revision = ownerConcentrations(traffic).find(({ dimension }) => dimension === 'revision')?.name;
  const owner = owned.find((one) => one.owner.revision === revision)?.owner;
  const first = traffic.errors[0]?.at ?? question.from;
  if (revision === undefined || owner === undefined) return null;
  const { service, deployed } = rollOutOf(owner, first, evidence);
  const [previous] = deployed?.before ?? [];
  return service === null || deployed?.revision !== revision || previous === undefined
    ? null
    : { service, revision, previous };
}
