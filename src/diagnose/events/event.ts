import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { OUTLINE_KINDS } from './event-outline.ts';

/** Inputs for finding events, besides the traffic. */
export const EVENT_EVIDENCE_NAMES = [
  'changes',
  'codeDeployments',
  'functions',
  'instances',
  'lifecycleHooks',
  'loadBalancer',
  'metrics',
  'networkAcls',
  'networkInterfaces',
  'scalingActivities',
  'serviceDeployments',
  'serviceRevisions',
  'services',
  'tags',
  'targetGroups',
  'targetHealth',
  'taskDefinitions',
  'tasks',
] as const;

/** Missing entries could not be read. */
export type EventEvidence = Partial<Pick<DiagnosisEvidence, (typeof EVENT_EVIDENCE_NAMES)[number]>>;

/**
 * target-lost: a target stopped answering for good. crash: a target closed and refused connections, then answered
 * again. rollout: targets left and others joined. change: an API call on a resource of the failing requests. burst:
 * many errors within seconds, and none of the above.
 */
export const EVENT_KINDS = [...OUTLINE_KINDS, 'change', 'burst'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/**
 * Confidence in the event itself; the confidence in its cause is in the verdict. Possible: only the
 * time links the errors to a call.
 */
export const EVENT_STANDINGS = ['confirmed', 'likely', 'possible'] as const;
export type EventStanding = (typeof EVENT_STANDINGS)[number];

/** An API call from CloudTrail that coincides with an event. */
export interface EventCall {
  /** Name in CloudTrail, such as "StopTask". */
  name: string;
  /** Epoch milliseconds; CloudTrail keeps whole seconds. */
  at: number;
  user: string | null;
  /** Seconds from the call to the first error; negative if the call came later. */
  secondsBefore: number;
  /** The command that reverts the change, if there is one. Printed, never run. */
  revert: string | null;
}
