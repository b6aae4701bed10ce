/**
 * An episode: all alarms of one load balancer from the first ALARM until every alarm is OK again. It has one thread.
 */
import * as z from 'zod';

const Iso = z.iso.datetime();

export const ALARM_STATES = ['ALARM', 'OK', 'INSUFFICIENT_DATA'] as const;

const EpisodeAlarm = z.object({
  arn: z.string(),
  name: z.string(),
  state: z.enum(ALARM_STATES),
  /** Time of the last state change; older messages of this alarm are ignored. */
  changedAt: Iso,
  /** CloudWatch's reason for the state. */
  reason: z.string(),
  /** Number of times the alarm went into ALARM in this episode. */
  times: z.number().int(),
  /** The errors its metric counts; absent in older records. */
  asks: z
    .object({ statuses: z.array(z.string()).min(1), targetGroup: z.string().optional(), zone: z.string().optional() })
    .optional(),
  /** Metric that counts no errors, with the threshold in its unit; absent for an alarm on errors. */
  watches: z.object({ metric: z.string(), threshold: z.number().nullable() }).optional(),
});

export const Episode = z.object({
  schema: z.literal(1),
  id: z.string(),
  /** ARN of the load balancer. */
  loadBalancer: z.string(),
  openedAt: Iso,
  /** When the last alarm went back to OK; null while one is in ALARM. An episode is reopened by an ALARM soon after. */
  closedAt: Iso.nullable(),
  alarms: z.array(EpisodeAlarm).min(1),
  /** Messages beyond the first: repeats, renotifications, flapping. */
  repeats: z.number().int(),
  /** The run that owns the thread. */
  run: z.string(),
});
export type Episode = z.infer<typeof Episode>;
