/** Fixes that follow from why targets went. */
import type { EcsTask, TaskDefinition } from '../../evidence/workloads.ts';
import { type Command, command } from '../../format/command.ts';
import type { ErrorPart } from '../attribution.ts';
import type { CauseResult } from '../diagnosis.ts';
import type { Fix } from '../judgement.ts';
import { gateCommand, kubernetesSource, podCommands } from '../targets/kubernetes.ts';
import type { SampledError } from '../traffic.ts';
import type { EventEvidence, IncidentEvent } from './event.ts';
import { DEATHS, type EventReason, terminationHooks } from './reason.ts';
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
    return {
      ...result,
      fix: {
        ...result.fix,
        ...fix,
        // The container is gone, so commands on its host show nothing.
        ...(DEATHS.includes(reason.kind) ? { notes: [] } : {}),
        commands: commands.length > 0 ? commands : result.fix.commands,
        // Settings of other platforms do not apply to an ECS task.
        settings: settings.length > 0 || reason.owners[0]?.task != null ? settings : (result.fix.settings ?? []),
      },
    };
  });
}

/** For pods, puts the commands that ask the cluster first. */
function podFix(fix: Fix, event: IncidentEvent, errors: readonly SampledError[], { tags }: EventEvidence): Fix {
  const pods = kubernetesSource(errors[0]?.target_group_arn ?? '-', tags);
  if (pods === null || event.kind === 'change') return fix;
  const gate = event.kind === 'rollout' ? [gateCommand(pods)] : [];
  const commands = [...podCommands(pods, event.targets), ...gate];
  return {
    ...fix,
    commands,
    ...(gate.length === 0
      ? {}
      : {
          notes: ['The label for readiness gates takes effect on pods made after it.'],
        }),
  };
}

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
  const look = describeTask(owner?.task ?? null, evidence.tasks ?? []);
  const isNew = deployed !== null && owner?.revision === deployed.revision;
  const [previous] = deployed?.before ?? [];
  const rollBackEffects = isNew && rollBack.length > 0 ? [rollBackEffect(who, service, evidence)] : [];
  const undo = isNew && rollBack.length > 0 && previous !== undefined ? `Roll ${who} back to ${previous}, then ` : '';
  switch (kind) {
    case 'out-of-memory':
      return {
        summary: sentence(
          undo,
          `raise the memory of ${memoryText(owner?.exit?.container ?? null, definition)}, or find what uses it.`,
        ),
        commands: [...(isNew ? rollBack : []), ...look],
        sideEffects: rollBackEffects,
      };
    case 'failed-health-checks':
    case 'unhealthy':
      return {
        summary: sentence(
          undo,
          `find out why ${who} failed its health checks: compare the check's path, timeout and grace period with how long it takes to start and to answer.`,
        ),
        commands: [...(isNew ? rollBack : []), ...look],
        sideEffects: rollBackEffects,
      };
    case 'exited':
      return {
        summary: sentence(
          undo,
          `find out why the container exits${owner?.exit?.exitCode == null ? '' : ` (exit ${owner.exit.exitCode})`}: its log ends at the time above.`,
        ),
        commands: [...(isNew ? rollBack : []), ...look],
        sideEffects: rollBackEffects,
      };
    case 'spot':
    case 'host-gone':
      return spotFix(reason, who);
    case 'stopped':
      return {
        summary: `Restart ${who} with a new deployment in place of StopTask: then ECS starts the new task before it stops the old one. The target must still answer after SIGTERM until the load balancer has stopped sending.`,
        commands: newDeployment(reason),
        settings: stopSettings(definition, longestSeconds),
        sideEffects: [`Replaces every task of ${who}.`],
      };
    case 'deployment':
    case 'scale-in':
      return {
        summary: `Let a target of ${who} go on serving after SIGTERM until the load balancer has stopped sending, then finish what is in flight and exit.`,
        commands: [...rollBack, ...scaleInHook(reason, evidence)],
        settings: stopSettings(definition, longestSeconds),
        sideEffects: ['Each replacement takes as much longer.'],
      };
  }
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

function describeTask(id: string | null, tasks: readonly EcsTask[]): Command[] {
  const task = tasks.find(({ taskArn }) => id !== null && taskArn.endsWith(`/${id}`));
  if (task?.clusterArn === undefined) return [];
  return [
    command`aws ecs describe-tasks --cluster ${task.clusterArn} --tasks ${task.taskArn} --query ${'tasks[].[stoppedReason,containers[].[name,reason,exitCode]]'}`,
  ];
}

function spotFix({ owners: [owner] }: EventReason, who: string): Fix {
  if (owner?.task != null && owner.instance === null)
    return {
      summary: `Drain ${who} within the two minutes of notice: go on serving after SIGTERM, and keep a base of tasks on FARGATE beside FARGATE_SPOT.`,
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
    summary: `Take an instance of ${who} out of its target group as soon as the two-minute notice of a Spot interruption arrives, and replace it before it goes.`,
    commands:
      group == null
        ? []
        : [command`aws autoscaling update-auto-scaling-group --auto-scaling-group-name ${group} --capacity-rebalance`],
    sideEffects:
      group == null
        ? []
        : ['Auto Scaling then replaces instances as soon as AWS recommends it, which happens more often.'],
  };
}

function definitionOf(revision: string | null, { taskDefinitions = {} }: EventEvidence): TaskDefinition | null {
  const arn = Object.keys(taskDefinitions).find((one) => revision !== null && one.endsWith(`/${revision}`));
  return arn === undefined ? null : (taskDefinitions[arn] ?? null);
}

/** "container app (512 MiB in feed-api:47)" */
function memoryText(container: string | null, definition: TaskDefinition | null): string {
  const own = definition?.containerDefinitions?.find(({ name }) => name === container)?.memory;
  const memory = own ?? (definition?.memory === undefined ? undefined : Number(definition.memory));
  const revision = definition?.family === undefined ? '' : ` in ${definition.family}:${definition.revision}`;
  const size = memory === undefined || Number.isNaN(memory) ? '' : ` (${memory} MiB${revision})`;
  return `${container === null ? 'the container' : `container ${container}`}${size}`;
}

/** Seconds that suffice for the longest cut-off request and for the load balancer to notice. */
const NOTICE_SECONDS = 20;
const MOST_STOP_SECONDS = 120;

function stopSettings(definition: TaskDefinition | null, longestSeconds: number | null): string[] {
  const [container] = definition?.containerDefinitions ?? [];
  if (definition === null || container === undefined) return [];
  const now = container.stopTimeout ?? DEFAULT_STOP_SECONDS;
  const needed = Math.min(MOST_STOP_SECONDS, Math.ceil(((longestSeconds ?? 0) + NOTICE_SECONDS) / 10) * 10);
  const name = definition.family === undefined ? 'the task definition' : `${definition.family}:${definition.revision}`;
  return needed > now ? [`stopTimeout: ${needed}   # ${name} has ${now} s between SIGTERM and SIGKILL`] : [];
}
