import type { CauseId } from '../cause-ids.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import type { SampledError } from '../traffic.ts';
import type { EventReason } from './reason.ts';

/** What events are found with, beside the traffic. */
const EVENT_EVIDENCE_NAMES = [
  'changes',
  'functions',
  'instances',
  'loadBalancer',
  'networkAcls',
  'networkInterfaces',
  'scalingActivities',
  'services',
  'tags',
  'targetGroups',
  'targetHealth',
  'taskDefinitions',
  'tasks',
] as const;

/** What is missing could not be looked at. */
export type EventEvidence = Partial<Pick<DiagnosisEvidence, (typeof EVENT_EVIDENCE_NAMES)[number]>>;

/**
 * target-lost: a target stopped answering for good. crash: it closed and refused connections, then answered again. rollout: targets left
 * and others joined. change: an API call on what the failing requests depend on. burst: many errors in seconds, none of the above.
 */
export const EVENT_KINDS = ['target-lost', 'crash', 'rollout', 'change', 'burst'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** How sure the event is; how sure its cause is, the verdict says. */
export type EventStanding = 'confirmed' | 'likely';

/** An API call recorded by CloudTrail that falls on an event. */
export interface EventCall {
  /** As CloudTrail names it: "StopTask". */
  name: string;
  /** Epoch milliseconds; CloudTrail keeps whole seconds. */
  at: number;
  user: string | null;
  /** From the call to the first error of the event; negative when the call came later. */
  secondsBefore: number;
  /** The command that reverts the change, where one does. Printed, never run. */
  revert: string | null;
}

/** Errors with one origin, whatever their signatures. An error belongs to one event at most. */
export interface IncidentEvent {
  kind: EventKind;
  standing: EventStanding;
  /** Epoch milliseconds; `to` is null where what was read ends before the event does. */
  from: number;
  to: number | null;
  /** "address:port" as logged, sorted; empty for an event of a whole target group. */
  targets: string[];
  /** Asked errors only, in the order of `Traffic.errors`. */
  errors: SampledError[];
  /** What its errors can be of, in the order of CAUSE_IDS: the part of the event is decided among these. */
  causes: CauseId[];
  /** One sentence for the headline. */
  summary: string;
  calls: EventCall[];
  /** Why its targets went, where ECS or Auto Scaling says so. */
  reason: EventReason | null;
}
