/** A state change of an alarm, however CloudWatch delivered it. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { ALARM_STATES } from '../runs/episode.ts';

const Iso = z.iso.datetime();

/**
 * `metric`: one metric against a threshold. `math`: an expression over metrics. `anomaly`: a metric against a band.
 * `query`: a Metrics Insights query, which may have many contributors. `composite`: other alarms. `other`: anything
 * else, such as an alarm on logs.
 */
const ALARM_KINDS = ['metric', 'math', 'anomaly', 'query', 'composite', 'other'] as const;

/** A metric or expression that an alarm watches. */
export const AlarmMetric = z.object({
  /** Null for an expression. */
  namespace: z.string().nullable(),
  name: z.string().nullable(),
  dimensions: z.record(z.string(), z.string()),
  expression: z.string().nullable(),
  /** Seconds. */
  period: z.number().nullable(),
  /** Account of the metric, if it is not the alarm's own. */
  account: z.string().nullable(),
});
export type AlarmMetric = z.infer<typeof AlarmMetric>;

export const Alarm = z.object({
  arn: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  /** Twelve digits. */
  account: z.string().nullable(),
  /** Such as eu-west-1. Taken from the ARN, because messages name the region in words. */
  region: z.string().nullable(),
  kind: z.enum(ALARM_KINDS),
  state: z.enum(ALARM_STATES),
  previousState: z.enum(ALARM_STATES).nullable(),
  /** Time of the state change; with the ARN, it identifies this event. */
  changedAt: Iso,
  /** CloudWatch's reason for the state. */
  reason: z.string(),
  metrics: z.array(AlarmMetric),
  /** Seconds; period of the first metric that has one. */
  period: z.number().nullable(),
  evaluationPeriods: z.number().nullable(),
  threshold: z.number().nullable(),
  /** Start of the first evaluated period, if CloudWatch gives it. */
  breachedFrom: Iso.nullable(),
  /** One time series of an alarm that watches many. */
  contributor: z.object({ id: z.string(), attributes: z.record(z.string(), z.string()) }).nullable(),
  /** ARNs or names of the alarms that triggered a composite alarm, or of those its rule names. */
  children: z.array(z.string()),
  /** `app/<name>/<id>`, each once. */
  loadBalancers: z.array(z.string()),
  /** `targetgroup/<name>/<id>`, each once; only from metrics that name no load balancer. */
  targetGroups: z.array(z.string()),
});
export type Alarm = z.infer<typeof Alarm>;

/** Identifies a state: of the alarm, or of one of its contributors. */
export const alarmKey = ({ arn, contributor }: Pick<Alarm, 'arn' | 'contributor'>): string =>
  contributor === null ? arn : `${arn}#${contributor.id}`;

/** Hash of any text for use in store keys, which allow fewer characters than ARNs. */
export const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 24);

/** Id of the event, the same for every delivery. */
export const alarmEventId = (alarm: Alarm): string => shortHash(`${alarmKey(alarm)} ${alarm.changedAt}`);

/** Accounts whose data an alarm shows: twelve digits each, or null for an unknown one. */
export const accountsOf = (alarm: Alarm): (string | null)[] => [
  ...new Set([alarm.account, ...alarm.metrics.map((metric) => accountOfMetric(metric, alarm))]),
];

/** Returns the account of a load balancer in the alarm; null if unknown. */
export function ownerOf(resource: string, alarm: Alarm): string | null {
  const { metrics, contributor, account } = alarm;
  const metric =
    metrics.find(({ dimensions }) => dimensions.LoadBalancer === resource) ??
    metrics.find(({ expression }) => expression?.includes(resource)) ??
    (contributor === null ? undefined : metrics.find(isQuery));
  return metric === undefined ? account : accountOfMetric(metric, alarm);
}

/** Returns the account of the first metric with a target group, else the alarm's own; null if unknown. */
export function accountOfTargetGroups(alarm: Alarm): string | null {
  const metric = alarm.metrics.find(({ dimensions }) => dimensions.TargetGroup !== undefined);
  return metric === undefined ? alarm.account : accountOfMetric(metric, alarm);
}

/** A monitoring account watches metrics of others; a query that names no account covers all of them. */
function accountOfMetric(metric: AlarmMetric, alarm: Alarm): string | null {
  if (metric.account !== null) return metric.account;
  if (!isQuery(metric)) return alarm.account;
  const named = [...(metric.expression?.matchAll(ACCOUNT_IN_QUERY) ?? [])].map(([, id = '']) => id);
  const [only, ...others] = new Set([alarm.contributor?.attributes['AWS.AccountId'] ?? [], ...named].flat());
  return others.length > 0 ? null : (only ?? null);
}

const ACCOUNT_IN_QUERY = /\bAWS\.AccountId"?\s*=\s*["'](\d{12})["']/g;

/** Whether a metric is a Metrics Insights query. */
export const isQuery = ({ expression }: Pick<AlarmMetric, 'expression'>): boolean =>
  expression !== null && /^\s*SELECT\b/i.test(expression);

/** Returns why an alarm is not about Application Load Balancers; null when it is, or when its message does not say. */
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
