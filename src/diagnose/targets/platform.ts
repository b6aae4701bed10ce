/** The platform that runs the failing targets. */
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { mutations } from '../patterns/configuration-changes.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { kubernetesSource } from './kubernetes.ts';

export type Platform = 'kubernetes' | 'ecs';

/** The session name with which ECS registers and deregisters the tasks of a service (ECS developer guide, "Service-linked role"). */
const ECS_SCHEDULER = 'ecs-service-scheduler';

type PlatformEvidence = { [name in 'tags' | 'changes']?: DiagnosisEvidence[name] | undefined };

/** Returns null if tags, tasks and calls do not show it, or if the targets run on several platforms. */
export function platformOf(
  errors: readonly SampledError[],
  { owners }: Traffic,
  { tags, changes = [] }: PlatformEvidence,
): Platform | null {
  const ofEcs = mutations(changes).filter(
    ({ name, user }) => user === ECS_SCHEDULER && /^(?:R|Der)egisterTargets$/.test(name),
  );
  const platforms = new Set(
    errors.map(({ target_group_arn, target, at }): Platform | null => {
      if (kubernetesSource(target_group_arn, tags) !== null) return 'kubernetes';
      const isTask = owners.at(target, at, target_group_arn)?.task != null;
      return isTask || ofEcs.some(({ text }) => text.includes(target_group_arn)) ? 'ecs' : null;
    }),
  );
  const [platform = null] = platforms;
  return platforms.size === 1 ? platform : null;
}
