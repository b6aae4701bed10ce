/** Returns the errors an alarm asks about: those its metric counts, in its target group and zone. Pure. */
import { DEFAULT_STATUSES } from '../evidence/statuses.ts';
import { ownValue } from '../format/own-value.ts';
import type { Episode } from '../runs/episode.ts';
import type { Alarm, AlarmMetric } from './alarm-event.ts';

type AskedErrors = NonNullable<Episode['alarms'][number]['asks']>;
type WatchedMetric = NonNullable<Episode['alarms'][number]['watches']>;

/** Words of a question by metric of gateway errors (load-balancer-cloudwatch-metrics.html). */
const WORDS: Readonly<Record<string, string>> = {
  HTTPCode_ELB_5XX_Count: 'elb-5xx',
  HTTPCode_ELB_500_Count: 'elb-500',
  HTTPCode_ELB_502_Count: 'elb-502',
  HTTPCode_ELB_503_Count: 'elb-503',
  HTTPCode_ELB_504_Count: 'elb-504',
  HTTPCode_Target_5XX_Count: 'target-5xx',
  TargetConnectionErrorCount: 'gateway',
  TargetTLSNegotiationErrorCount: 'gateway',
};

const wordOf = ({ namespace, name }: AlarmMetric): string | null =>
  namespace === 'AWS/ApplicationELB' && name !== null ? (ownValue(WORDS, name) ?? null) : null;

/** Errors one alarm asks about. An alarm on another metric, such as latency, asks about all gateway errors. */
export function askedErrors({ metrics }: Pick<Alarm, 'metrics'>): AskedErrors {
  const counted = metrics.filter((metric) => wordOf(metric) !== null);
  if (counted.length === 0) return { statuses: [...DEFAULT_STATUSES] };
  const { targetGroup, zone } = limitsOf(
    counted.map(({ dimensions }) => ({ targetGroup: dimensions.TargetGroup, zone: dimensions.AvailabilityZone })),
  );
  return {
    statuses: [...new Set(counted.flatMap((metric) => wordOf(metric) ?? []))].sort(),
    ...(targetGroup === undefined ? {} : { targetGroup }),
    ...(zone === undefined ? {} : { zone }),
  };
}

/**
 * Returns the load balancer metric an alarm watches instead of errors, such as TargetResponseTime; null for an alarm on
 * errors or on metrics of other services.
 */
export function watchedInstead({ metrics, threshold }: Pick<Alarm, 'metrics' | 'threshold'>): WatchedMetric | null {
  if (metrics.some((metric) => wordOf(metric) !== null)) return null;
  const [metric] = metrics.flatMap(({ namespace, name }) => (namespace === 'AWS/ApplicationELB' ? (name ?? []) : []));
  return metric === undefined ? null : { metric, threshold };
}

/** Combines the errors of several alarms; restricts them only where all alarms share the restriction. */
export function askedTogether(asked: readonly (AskedErrors | undefined)[]): AskedErrors {
  const known = asked.map((one) => one ?? { statuses: [...DEFAULT_STATUSES] });
  if (known.length === 0) return { statuses: [...DEFAULT_STATUSES] };
  const { targetGroup, zone } = limitsOf(known);
  return {
    statuses: [...new Set(known.flatMap(({ statuses }) => statuses))].sort(),
    ...(targetGroup === undefined ? {} : { targetGroup }),
    ...(zone === undefined ? {} : { zone }),
  };
}

interface Limits {
  targetGroup?: string | undefined;
  zone?: string | undefined;
}

/** The restrictions that all have in common. */
function limitsOf(all: readonly Limits[]): Limits {
  const common = (values: readonly (string | undefined)[]) =>
    values.every((value) => value === values[0]) ? values[0] : undefined;
  return {
    targetGroup: common(all.map(({ targetGroup }) => targetGroup)),
    zone: common(all.map(({ zone }) => zone)),
  };
}
