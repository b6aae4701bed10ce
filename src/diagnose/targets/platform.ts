/** The platform that runs the failing targets. */
import type { TagDescription } from '../../evidence/workloads.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { kubernetesSource } from './kubernetes.ts';

export type Platform = 'kubernetes' | 'ecs';

/** Returns null if tags and tasks do not show it, or if the targets run on several platforms. */
export function platformOf(
  errors: readonly SampledError[],
  { owners }: Traffic,
  tags: readonly TagDescription[] | undefined,
): Platform | null {
  const platforms = new Set(
    errors.map(({ target_group_arn, target, at }): Platform | null => {
      if (kubernetesSource(target_group_arn, tags) !== null) return 'kubernetes';
      return owners.at(target, at, target_group_arn)?.task == null ? null : 'ecs';
    }),
  );
  const [platform = null] = platforms;
  return platforms.size === 1 ? platform : null;
}
