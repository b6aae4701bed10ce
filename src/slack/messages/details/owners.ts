/** Names the owners of targets, by which errors are counted. Pure. */
import type { OwnedTargetResult } from '../../../diagnose/diagnosis.ts';

/** The service; for an instance, its Auto Scaling group or else the instance itself. */
export const serviceOf = ({ service, scalingGroup, instance, target }: OwnedTargetResult): string =>
  service ?? scalingGroup ?? instance ?? target;

export const revisionOf = ({ revision }: OwnedTargetResult): string => revision ?? 'not known';
