/** A state change of an alarm, however CloudWatch delivered it. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { ALARM_STATES } from '../runs/episode.ts';

const Iso = z.iso.datetime();

/**
 * `metric`: one metric against a threshold. `math`: an expression over metrics. `anomaly`: against a band. `query`: a Metrics Insights
 * query, that may have many contributors. `composite`: other alarms. `other`: none of these, such as an alarm on logs.
 */
const ALARM_KINDS = ['metric', 'math', 'anomaly', 'query', 'composite', 'other'] as const;

/** A metric or an expression that an alarm is about. */
export const AlarmMetric = z.object({
  /** Null for an expression. */
  namespace: z.string().nullable(),
  name: z.string().nullable(),
  dimensions: z.record(z.string(), z.string()),
  expression: z.string().nullable(),
  /** Seconds. */
  period: z.number().nullable(),
  /** The account the metric is of, where it is not that of the alarm. */
  account: z.string().nullable(),
});
export type AlarmMetric = z.infer<typeof AlarmMetric>;

export const Alarm = z.object({
  arn: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  /** Twelve digits. */
  account: z.string().nullable(),
  /** Such as eu-west-1: of the ARN, for messages name the region in words. */
  region: z.string().nullable(),
  kind: z.enum(ALARM_KINDS),
  state: z.enum(ALARM_STATES),
  previousState: z.enum(ALARM_STATES).nullable(),
  /** Time of the state change; with the ARN, it identifies this event. */
  changedAt: Iso,
  /** CloudWatch's sentence about why. */
  reason: z.string(),
  metrics: z.array(AlarmMetric),
  /** Of the first metric that has one, in seconds. */
  period: z.number().nullable(),
  evaluationPeriods: z.number().nullable(),
  threshold: z.number().nullable(),
  /** The start of the first period that was evaluated, where CloudWatch says. */
  breachedFrom: Iso.nullable(),
  /** One time series of an alarm that watches many. */
  contributor: z.object({ id: z.string(), attributes: z.record(z.string(), z.string()) }).nullable(),
  /** Of a composite alarm: the ARNs or names of the alarms that set it off, else of those its rule names. */
  children: z.array(z.string()),
  /** `app/<name>/<id>`, each once. */
  loadBalancers: z.array(z.string()),
  /** `targetgroup/<name>/<id>`, each once: of metrics that name no load balancer. */
  targetGroups: z.array(z.string()),
});
export type Alarm = z.infer<typeof Alarm>;

/** What has its own state: the alarm, or one time series of it. */
export const alarmKey = ({ arn, contributor }: Pick<Alarm, 'arn' | 'contributor'>): string =>
  contributor === null ? arn : `${arn}#${contributor.id}`;

/** A name for the store that stands for any text: keys have few letters, and ARNs many. */
export const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 24);

/** The same for every delivery of the same event. */
export const alarmEventId = (alarm: Alarm): string => shortHash(`${alarmKey(alarm)} ${alarm.changedAt}`);

/** Why an alarm is not about Application Load Balancers; null when it is, or when nothing says what it is about. */
export function unrelatedReason({ metrics, loadBalancers, targetGroups, children }: Alarm): string | null {
  if (loadBalancers.length > 0 || targetGroups.length > 0 || children.length > 0) return null;
  const namespaces = new Set(
    metrics.flatMap(({ namespace, expression }) => [
      ...(namespace === null ? [] : [namespace]),
      ...(expression?.match(/\bAWS\/\w+/g) ?? []),
    ]),
  );
  if (namespaces.size === 0 || namespaces.has('AWS/ApplicationELB')) return null;
  return `it is about ${[...namespaces].join(', ')}`;
}
