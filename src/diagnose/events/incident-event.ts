import type { CauseId } from '../causes/index.ts';
import type { SampledError } from '../traffic.ts';
import type { EventCall, EventKind, EventStanding } from './event.ts';
import type { EventReason } from './reason.ts';

/** Errors with one origin, regardless of their signatures. An error belongs to at most one event. */
export interface IncidentEvent {
  kind: EventKind;
  standing: EventStanding;
  /** Epoch milliseconds; `to` is null if the log ends before the event does. */
  from: number;
  to: number | null;
  /** "address:port" as logged, sorted; empty if the event concerns a whole target group. */
  targets: string[];
  /** Asked errors only, in the order of `Traffic.errors`. */
  errors: SampledError[];
  /**
   * Possible causes of its errors, in the order of CAUSE_IDS; the errors' cause is decided among these. Empty for a burst and
   * for a change that nothing but the time connects with the errors: these are judged as without it.
   */
  causes: CauseId[];
  /** One sentence for the headline. */
  summary: string;
  calls: EventCall[];
  /** Why its targets went, if ECS or Auto Scaling reports it. */
  reason: EventReason | null;
}

/** Whether only the time connects a call with its errors: these are judged as without it. */
export const isOnset = ({ kind, causes }: Pick<IncidentEvent, 'kind' | 'causes'>): boolean =>
  kind === 'change' && causes.length === 0;
