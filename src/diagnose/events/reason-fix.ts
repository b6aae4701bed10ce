/** Fixes for the reason why targets went. */

import type { EcsService, EcsTask, TaskDefinition } from '../../evidence/workloads.ts';
import { type Command, command } from '../../format/command.ts';
import { list, number, plural, utcTime } from '../../format/wording.ts';
import type { ErrorPart } from '../attribution.ts';
import type { CauseResult } from '../diagnosis.ts';
import type { Fix } from '../judgement.ts';
import { failingStatus } from '../patterns/failed-health-checks.ts';
import { beyondStopTimeout, MOST_STOP_TIMEOUT } from '../targets/drain-times.ts';
import { gateCommand, kubernetesSource, podCommands } from '../targets/kubernetes.ts';
import type { TargetOwner } from '../targets/target-owners.ts';
import { nameOf, type SampledError, type Traffic } from '../traffic.ts';
import type { EventEvidence } from './event.ts';
import type { IncidentEvent } from './incident-event.ts';
import { DEATHS, type EventReason, type FailedChecks, terminationHooks } from './reason.ts';
import { rollBackCommands, rollBackEffect } from './roll-back.ts';

/**
 * Seconds. ECS developer guide, "Task definition parameters": stopTimeout defaults to 30 s; the maximum on Fargate is
 * 120 s.
 */
const DEFAULT_STOP_SECONDS = 30;

/** Replaces the fix of a cause that explains an event by the fix for the event's reason, if known. */
export function withReasonFixes(
  results: readonly CauseResult[],
  parts: readonly ErrorPart[],
  traffic: Traffic,
  evidence: EventEvidence,
): CauseResult[] {
  return results.map((result) => {
    const own = parts.find(
      ({ causes, event, standing }) => standing !== 'undecided' && causes[0] === result.id && event !== null,
    );
    if (own?.event == null) return result;
    const { reason } = own.event;
    if (reason === null) return { ...result, fix: podFix(result.fix, own.event, own.errors, evidence) };
    const { commands, settings = [], ...fix } = reasonFix(reason, evidence, longestCutOff(own.errors));
    const isOwn = commands.length > 0 || settings.length > 0 || DEATHS.includes(reason.kind);
    return {
      ...result,
      // The reason is what a reader asks to be proved first.
      for: [...new Set([...exitSentences(own.event, reason, traffic), ...result.for])],
      fix: {
        ...result.fix,
        ...fix,
        // What the cause says of its own commands goes with them.
        ...(isOwn ? { notes: fix.notes ?? [] } : { sideEffects: result.fix.sideEffects }),
        commands: isOwn ? commands : result.fix.commands,
        // Settings of other platforms do not apply to an ECS task.
        settings: settings.length > 0 || reason.owners[0]?.task != null ? settings : (result.fix.settings ?? []),
      },
    };
  });
}

/** Exits described one by one; others are counted. */
const EXITS_TOLD = 3;

/** "feed-api task 8f3c… (10.0.10.31): its container app ran out of memory (exit 137) at 04:18:20 UTC." */
function exitSentences(
  { targets, from, to, errors }: IncidentEvent,
  { owners, clauses }: EventReason,
  traffic: Traffic,
): string[] {
  const arn = errors[0]?.target_group_arn;
  const exits = targets.flatMap((target) => {
    const own = errors.find((error) => error.target === target);
    const owner = traffic.owners.at(target, own?.at ?? to ?? from, arn);
    if (owner?.exit == null) return [];
    const clause = clauses[owners.findIndex(({ task }) => task === owner.task)];
    if (clause === undefined) return [];
    return [{ at: owner.exit.at ?? from, text: `${nameOf(traffic, target, own?.at)}: ${clause}.` }];
  });
  const ordered = exits.sort((a, b) => a.at - b.at || (a.text < b.text ? -1 : 1)).map(({ text }) => text);
  const more = ordered.length - EXITS_TOLD;
  return [...ordered.slice(0, EXITS_TOLD), ...(more > 0 ? [`The same on ${plural(more, 'more target')}.`] : [])];
}

/** For pods, puts the commands that ask the cluster first. */
function podFix(fix: Fix, event: IncidentEvent, errors: readonly SampledError[], { tags }: EventEvidence): Fix {
  const pods = kubernetesSource(errors[0]?.target_group_arn ?? '-', tags);
  if (pods === null || event.kind === 'change') return fix;
  const isReplaced = event.kind === 'rollout';
  return {
    ...fix,
    commands: [
      // The times of the target group belong to those of the pods; commands on a host show nothing of a pod.
      ...(isReplaced ? [...fix.commands, gateCommand(pods)] : []),
      ...podCommands(pods, event.targets, { isReplaced }),
    ],
    notes: [...(fix.notes ?? []), ...(isReplaced ? [GATE_NOTE] : [])],
  };
}

/** AWS Load Balancer Controller, "Pod readiness gate". */
const GATE_NOTE =
  'Also turn on pod readiness gates (kubectl label): a rollout then waits for healthy targets. Only new pods get a gate.';

/** Duration of the longest request that was cut off, in seconds; null if none was. */
function longestCutOff(errors: readonly SampledError[]): number | null {
  const times = errors
    .filter(({ signature }) => signature !== 'connect-failed')
    .flatMap(({ elapsed }) => elapsed ?? []);
  return times.length === 0 ? null : times.reduce((most, time) => Math.max(most, time));
}

/**
 * Returns null if the reason adds nothing to the cause. `longestSeconds`: duration of the longest request that was cut
 * off.
 */
function reasonFix(reason: EventReason, evidence: EventEvidence, longestSeconds: number | null): Fix {
  const { kind, service, deployed, owners } = reason;
  const rollBack = rollBackCommands(reason, evidence);
  const [owner] = owners;
  const who = service?.serviceName ?? owner?.scalingGroup ?? 'the service';
  const definition = definitionOf(owner?.revision ?? null, evidence);
  // Comes first, before ECS forgets why the tasks stopped.
  const look = describeTasks(owners, evidence.tasks ?? []);
  const isNew = deployed !== null && owner?.revision === deployed.revision;
  const [previous] = deployed?.before ?? [];
  const rollBackEffects = isNew && rollBack.length > 0 ? [rollBackEffect(who, service, evidence)] : [];
  const undo = isNew && rollBack.length > 0 && previous !== undefined ? `Roll ${who} back to ${previous}, then ` : '';
  switch (kind) {
    case 'out-of-memory': {
      const container = owner?.exit?.container ?? null;
      const raised = isNew && rollBack.length > 0 ? null : raiseMemory(container, definition, service);
      const change = raised?.commands ?? (isNew ? rollBack : []);
      return {
        summary: sentence(
          undo,
          `raise the memory of ${memoryText(container, definition, raised?.mebibytes ?? null)}: register a new revision and update ${who}. If memory keeps growing, look for a leak.`,
        ),
        commands: [...look, ...change],
        notes: look.length > 0 ? [LOOK_NOTE] : [],
        sideEffects:
          rollBackEffects.length > 0
            ? rollBackEffects
            : change.length > 0
              ? [`update-service replaces every task of ${who}.`]
              : [],
      };
    }
    case 'failed-health-checks':
    case 'unhealthy':
      return {
        summary: sentence(undo, healthCheckFix(who, reason.checks)),
        commands: [...look, ...(isNew ? rollBack : [])],
        notes: look.length > 0 ? [LOOK_NOTE] : [],
        sideEffects: rollBackEffects,
      };
    case 'exited':
      return {
        summary: sentence(
          undo,
          `find out why the container exits${owner?.exit?.exitCode == null ? '' : ` with code ${owner.exit.exitCode}`}: read the end of its log.`,
        ),
        commands: [...look, ...(isNew ? rollBack : [])],
        notes: look.length > 0 ? [LOOK_NOTE] : [],
        sideEffects: rollBackEffects,
      };
    case 'spot':
    case 'host-gone':
      return spotFix(reason, who);
    case 'stopped':
      return {
        summary: `To restart ${who}, use a new deployment, not StopTask, and keep the old task serving after SIGTERM until the load balancer stops sending requests.`,
        commands: newDeployment(reason),
        ...stopFix(definition, longestSeconds),
        sideEffects: [`update-service replaces every task of ${who}.`],
      };
    case 'deployment':
    case 'scale-in':
      return {
        summary: `Keep ${who} serving after SIGTERM until the load balancer stops sending requests; then finish the requests in flight and exit.`,
        commands: [...rollBack, ...scaleInHook(reason, evidence)],
        ...stopFix(definition, longestSeconds),
        sideEffects: [`Stopping and deploying ${who} then take longer.`],
      };
  }
}

/** Names what to compare only if it can have made the checks fail: after an answer, no timeout can. */
function healthCheckFix(who: string, checks: FailedChecks | null): string {
  const failures = checks?.failures ?? [];
  const statuses = [...new Set(failures.map(failingStatus))];
  const since = checks?.since == null ? '' : ` from ${utcTime(checks.since).slice(0, 5)} UTC`;
  if (failures.length > 0 && !statuses.includes(null))
    return `find out why ${who} answered its health checks with ${list(statuses.flatMap((status) => status ?? []))}: read its log${since}. Then check that the health check's path is right.`;
  if (failures.length > 0 && failures.every(({ reason }) => reason === 'TimedOut'))
    return `find out why health checks of ${who} timed out: compare the check's timeout and grace period with the time ${who} takes to answer and to start.`;
  return `find out why ${who} failed its health checks: read its log${since}. Then check the health check's path, timeout and grace period.`;
}

/** "Roll x back to y, then raise …", "Raise …". */
const sentence = (first: string, rest: string): string =>
  first === '' ? rest.charAt(0).toUpperCase() + rest.slice(1) : `${first}${rest}`;

function newDeployment({ service }: EventReason): Command[] {
  if (service === null) return [];
  const where = service.clusterArn === undefined ? [] : ['--cluster', service.clusterArn];
  return [command`aws ecs update-service ${where} --service ${service.serviceName} --force-new-deployment`];
}

/** Seconds that an instance gets to finish its requests. */
const HOOK_SECONDS = 120;

/** A hook that waits long enough needs no other; a shorter one is made longer. */
function scaleInHook({ owners: [owner] }: EventReason, { lifecycleHooks }: EventEvidence): Command[] {
  if (owner?.task != null || owner?.scalingGroup == null) return [];
  const [hook] = terminationHooks(owner.scalingGroup, lifecycleHooks) ?? [];
  if ((hook?.HeartbeatTimeout ?? 0) >= HOOK_SECONDS) return [];
  return [
    command`aws autoscaling put-lifecycle-hook --auto-scaling-group-name ${owner.scalingGroup} --lifecycle-hook-name ${hook?.LifecycleHookName ?? 'drain'} --lifecycle-transition autoscaling:EC2_INSTANCE_TERMINATING --heartbeat-timeout ${HOOK_SECONDS}`,
  ];
}

/** Tasks whose stop reason is asked for. */
const TASKS_ASKED = 10;

function describeTasks(owners: readonly TargetOwner[], tasks: readonly EcsTask[]): Command[] {
  const own = owners.flatMap(
    ({ task }) => tasks.find(({ taskArn }) => task !== null && taskArn.endsWith(`/${task}`)) ?? [],
  );
  const cluster = own[0]?.clusterArn;
  const arns = [...new Set(own.filter(({ clusterArn }) => clusterArn === cluster).map(({ taskArn }) => taskArn))];
  if (cluster === undefined) return [];
  return [
    command`aws ecs describe-tasks --cluster ${cluster} --tasks ${arns.slice(0, TASKS_ASKED)} --query ${'tasks[].[stoppedReason,containers[].[name,reason,exitCode]]'}`,
  ];
}

/** ECS API reference, DescribeTasks: stopped tasks appear for at least one hour. */
const LOOK_NOTE = "ECS keeps a task's stop reason for about an hour, so run aws ecs describe-tasks soon.";

function spotFix({ owners: [owner] }: EventReason, who: string): Fix {
  if (owner?.task != null && owner.instance === null)
    return {
      summary: `Drain ${who} within the two minutes of notice: keep serving after SIGTERM, and keep some tasks on FARGATE, not only on FARGATE_SPOT.`,
      commands: [],
      settings: ['stopTimeout: 120   # ECS task definition, seconds between SIGTERM and SIGKILL'],
      sideEffects: ['Tasks on FARGATE cost more than those on FARGATE_SPOT.'],
    };
  if (owner?.task != null)
    return {
      summary: `Drain the tasks of ${who} within the two minutes of notice of a Spot interruption.`,
      commands: [],
      settings: ['ECS_ENABLE_SPOT_INSTANCE_DRAINING=true   # /etc/ecs/ecs.config of the container instances'],
      sideEffects: [],
    };
  const group = owner?.scalingGroup;
  return {
    summary: `Drain instances of ${who} when their two-minute Spot interruption notice arrives, and replace them before they are reclaimed.`,
    commands:
      group == null
        ? []
        : [command`aws autoscaling update-auto-scaling-group --auto-scaling-group-name ${group} --capacity-rebalance`],
    sideEffects:
      group == null
        ? []
        : [
            'With --capacity-rebalance, Auto Scaling also replaces instances that are merely at risk of an interruption.',
          ],
  };
}

function definitionOf(revision: string | null, { taskDefinitions = {} }: EventEvidence): TaskDefinition | null {
  const arn = Object.keys(taskDefinitions).find((one) => revision !== null && one.endsWith(`/${revision}`));
  return arn === undefined ? null : (taskDefinitions[arn] ?? null);
}

/** "container app above 512 MiB (feed-api:47), for example to 1,024 MiB" */
function memoryText(container: string | null, definition: TaskDefinition | null, wanted: number | null): string {
  const memory = memoryOf(container, definition);
  const revision = definition?.family === undefined ? '' : ` (${definition.family}:${definition.revision})`;
  const size = memory === null ? revision : ` above ${memory} MiB${revision}`;
  return `${container === null ? 'the container' : `container "${container}"`}${size}${wanted === null ? '' : `, for example to ${number(wanted)} MiB`}`;
}

/** MiB: the limit of the container, else that of the task. */
function memoryOf(container: string | null, definition: TaskDefinition | null): number | null {
  const own = definition?.containerDefinitions?.find(({ name }) => name === container)?.memory;
  const memory = own ?? (definition?.memory === undefined ? Number.NaN : Number(definition.memory));
  return Number.isNaN(memory) ? null : memory;
}

/** Names that ECS allows, which need no escapes in a jq program. */
const ECS_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$/;
/** Fields that register-task-definition refuses (ECS API reference, RegisterTaskDefinition). */
const NOT_REGISTERED =
  'del(.taskDefinitionArn,.revision,.status,.requiresAttributes,.compatibilities,.registeredAt,.registeredBy)';

/** Registers the revision again with twice the memory of the container, if the task has room for it, and deploys it. */
function raiseMemory(
  container: string | null,
  definition: TaskDefinition | null,
  service: EcsService | null,
): { mebibytes: number; commands: Command[] } | null {
  const { family, revision, memory: ofTask } = definition ?? {};
  const own = definition?.containerDefinitions?.find(({ name }) => name === container)?.memory;
  const isNamed = container !== null && family !== undefined && ECS_NAME.test(container) && ECS_NAME.test(family);
  if (!isNamed || own === undefined || service === null) return null;
  const wanted = 2 * own;
  // Fargate takes only certain pairs of CPU and memory, so a task without room is left to a person.
  if (ofTask !== undefined && Number(ofTask) < wanted) return null;
  const program = `${NOT_REGISTERED} | (.containerDefinitions[] | select(.name=="${container}") | .memory) = ${wanted}`;
  const where = service.clusterArn === undefined ? [] : ['--cluster', service.clusterArn];
  const commands = [
    command`aws ecs register-task-definition --cli-input-json "$(aws ecs describe-task-definition --task-definition ${`${family}:${revision}`} --query taskDefinition | jq ${program})"`,
    command`aws ecs update-service ${where} --service ${service.serviceName} --task-definition ${family}`,
  ];
  return { mebibytes: wanted, commands };
}

/** Seconds that suffice for the longest cut-off request and for the load balancer to notice. */
const NOTICE_SECONDS = 20;

function stopFix(definition: TaskDefinition | null, longestSeconds: number | null): Pick<Fix, 'settings' | 'notes'> {
  const [container] = definition?.containerDefinitions ?? [];
  const wanted = Math.ceil(((longestSeconds ?? 0) + NOTICE_SECONDS) / 10) * 10;
  const beyond = beyondStopTimeout(wanted);
  const notes = beyond.length === 0 ? {} : { notes: beyond };
  if (definition === null || container === undefined) return { settings: [], ...notes };
  const now = container.stopTimeout ?? DEFAULT_STOP_SECONDS;
  const needed = Math.min(MOST_STOP_TIMEOUT, wanted);
  const name = definition.family === undefined ? 'the task definition' : `${definition.family}:${definition.revision}`;
  const settings = needed > now ? [`stopTimeout: ${needed}   # ${name} has ${now} s between SIGTERM and SIGKILL`] : [];
  return { settings, ...notes };
}
