import { splitTarget } from '../network-path/addresses.ts';
import type { TargetOwner } from './target-owners.ts';

/** The number of digits of a task id that tell the tasks of a service apart. */
const TASK_DIGITS = 4;

/**
 * The displayed name of a target: "feed-api task 8f3c… (10.0.12.68)", "i-0abc (10.0.1.5:8080)"; if unknown, its address
 * and port.
 */
export function targetName(target: string, owner: TargetOwner | null): string {
  if (owner === null) return target;
  if (owner.task !== null) {
    const id = owner.task.length > TASK_DIGITS ? `${owner.task.slice(0, TASK_DIGITS)}…` : owner.task;
    const place = owner.isByPort ? target : (splitTarget(target)?.address ?? target);
    return `${owner.service === null ? '' : `${owner.service} `}task ${id} (${place})`;
  }
  if (owner.instance !== null) return `${owner.instance} (${target})`;
  return owner.interface === null ? target : `${target} (now ${owner.interface})`;
}
