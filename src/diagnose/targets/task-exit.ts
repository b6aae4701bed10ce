/**
 * Why an ECS task or an instance stopped. Sources: ECS developer guide, "Stopped tasks error messages"; ECS API
 * reference, Task (stopCode, stoppedReason); EC2 API reference, StateReason.
 */
import type { Instance } from '../../evidence/aws.ts';
import { type EcsTask, epochIn, isStopped, stopTime } from '../../evidence/workloads.ts';
import { utcTime } from '../../format/wording.ts';

/**
 * spot: reclaimed. replaced: by a deployment, or a scale-in. stopped: by a StopTask call. exited: the process ended by
 * itself.
 */
export type ExitKind =
  | 'out-of-memory'
  | 'failed-health-checks'
  | 'spot'
  | 'replaced'
  | 'stopped'
  | 'host-gone'
  | 'exited'
  | 'unknown';

export interface TaskExit {
  kind: ExitKind;
  /** Epoch milliseconds. */
  at: number | null;
  exitCode: number | null;
  /** Name of the container that ended first; null if ECS names no container. */
  container: string | null;
  /** The reason in ECS's words. */
  stoppedReason: string | null;
  /** "app ran out of memory (exit 137) at 04:21:02 UTC": continues a sentence after the name of the task. */
  clause: string;
}

/** Returns why a task is stopping or stopped; null for a running task. */
export function taskExit(task: EcsTask): TaskExit | null {
  const { stopCode, containers = [] } = task;
  const stoppedReason = task.stoppedReason || null;
  if (stopCode === undefined && stoppedReason === null && task.lastStatus !== 'STOPPED') return null;
  const out = containers.find(({ reason }) => /OutOfMemory/i.test(reason ?? ''));
  const failed = containers.find(({ exitCode }) => exitCode !== undefined && exitCode !== 0);
  const ended = out ?? failed ?? containers[0];
  const kind = out === undefined ? kindOf(stopCode ?? '', stoppedReason ?? '') : 'out-of-memory';
  const at = epochIn(task.stoppingAt ?? task.executionStoppedAt ?? task.stoppedAt);
  const exitCode = ended?.exitCode ?? null;
  const container = ended?.name ?? null;
  const when = at === null ? '' : ` at ${utcTime(at)}`;
  return { kind, at, exitCode, container, stoppedReason, clause: `${clauses(container, exitCode)[kind]}${when}` };
}

/** Matched against ECS's reason; the first match counts. */
function kindOf(stopCode: string, reason: string): ExitKind {
  if (stopCode === 'SpotInterruption' || /spot/i.test(reason)) return 'spot';
  if (/OutOfMemory/i.test(reason)) return 'out-of-memory';
  if (/failed .*health check|health checks? failed/i.test(reason)) return 'failed-health-checks';
  if (/^Host EC2 .*(?:terminated|stopped)/i.test(reason) || stopCode === 'TerminationNotice') return 'host-gone';
  if (stopCode === 'EssentialContainerExited') return 'exited';
  if (stopCode === 'UserInitiated') return 'stopped';
  if (stopCode === 'ServiceSchedulerInitiated') return 'replaced';
  return 'unknown';
}

function clauses(container: string | null, exitCode: number | null): Record<ExitKind, string> {
  const code = exitCode === null ? '' : ` (exit ${exitCode})`;
  const process = container === null ? 'a container' : `container "${container}"`;
  return {
    'out-of-memory': `${process} ran out of memory${code}`,
    'failed-health-checks': `its health checks failed and ECS stopped it${code}`,
    spot: 'its Spot capacity was reclaimed',
    replaced: 'ECS stopped the task for a deployment or a scale-in',
    stopped: `the task was stopped by a StopTask call${code}`,
    'host-gone': 'its EC2 instance was stopped or terminated',
    exited: `${process} exited${exitCode === null ? '' : ` with code ${exitCode}`}`,
    unknown: `the task stopped${code}`,
  };
}

/** Returns why an instance was stopped by EC2 or a person; null if it runs or EC2 gives no reason. */
export function instanceExit(instance: Instance): TaskExit | null {
  if (!isStopped(instance) || instance.StateReason?.Code !== 'Server.SpotInstanceTermination') return null;
  const at = stopTime(instance);
  const when = at === null ? '' : ` at ${utcTime(at)}`;
  return {
    ...{ kind: 'spot', at, exitCode: null, container: null, stoppedReason: null },
    clause: `the Spot instance was reclaimed${when}`,
  };
}
