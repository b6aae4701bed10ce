/** An episode: everything that alarms say about one load balancer from the first ALARM until all is well again. One thread. */
import * as z from 'zod';

const Iso = z.iso.datetime();

export const ALARM_STATES = ['ALARM', 'OK', 'INSUFFICIENT_DATA'] as const;
export type AlarmState = (typeof ALARM_STATES)[number];

const EpisodeAlarm = z.object({
  arn: z.string(),
  name: z.string(),
  state: z.enum(ALARM_STATES),
  /** When it last changed; older news of the same alarm is ignored. */
  changedAt: Iso,
  /** CloudWatch's sentence about why. */
  reason: z.string(),
  /** How often it went into ALARM in this episode. */
  times: z.number().int(),
  /** The errors its metric counts; absent in records of before it was kept. */
  asks: z
    .object({ statuses: z.array(z.string()).min(1), targetGroup: z.string().optional(), zone: z.string().optional() })
    .optional(),
  /** What it watches where that counts no errors, with its threshold in the unit of the metric; absent for an alarm on errors. */
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
  /** The run whose thread this is. */
  run: z.string(),
});
export type Episode = z.infer<typeof Episode>;
