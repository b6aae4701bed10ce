/** Reads metric series: sums and extremes of a metric over a window. Pure. Times are epoch milliseconds. */

import { epochOf, type MetricSeries } from './aws.ts';
import type { Question, Window } from './question.ts';
import { GATEWAY } from './statuses.ts';

/** Scope of a metric: the load balancer, optionally limited to a target group (ARN) or zone. */
export interface MetricScope {
  loadBalancer: Question['loadBalancer'];
  targetGroup?: string;
  availabilityZone?: string;
}

/** One data point; covers [at, at + period). */
export interface Point {
  at: number;
  /** Milliseconds. */
  period: number;
  value: number;
}

const MINUTE = 60_000;

/** Returns the dimension TargetGroup, `targetgroup/<name>/<id>`, of an ARN. */
export const targetGroupDimension = (arn: string): string => arn.replace(/^.*:(?=targetgroup\/)/, '');

const isLoadBalancer = (value: string | undefined, { name, arn, resource }: Question['loadBalancer']): boolean => {
  if (value === undefined) return false;
  if (arn !== null) return arn.endsWith(`:loadbalancer/${value}`);
  return resource === undefined ? value.split('/')[1] === name : value === resource;
};

/** Whether the series has exactly the dimensions of the scope. Some metrics of a target group have no LoadBalancer. */
function isInScope({ Dimensions }: MetricSeries, scope: MetricScope): boolean {
  const { LoadBalancer, TargetGroup, AvailabilityZone } = Dimensions;
  const group = scope.targetGroup === undefined ? undefined : targetGroupDimension(scope.targetGroup);
  if (TargetGroup !== group || AvailabilityZone !== scope.availabilityZone) return false;
  return isLoadBalancer(LoadBalancer, scope.loadBalancer) || (LoadBalancer === undefined && group !== undefined);
}

/**
 * Returns the data points of a metric, ascending, at the finest queried period; null when it was not queried. A series
 * may have several parts; each period counts once.
 */
function pointsOf(series: readonly MetricSeries[], metric: string, stat: string, scope: MetricScope): Point[] | null {
  const named = series.filter((one) => one.MetricName === metric && one.Stat === stat && isInScope(one, scope));
  const ofLoadBalancer = named.filter(({ Dimensions }) => Dimensions.LoadBalancer !== undefined);
  const matching = ofLoadBalancer.length > 0 ? ofLoadBalancer : named;
  if (matching.length === 0) return null;
  const finest = Math.min(...matching.map(({ Period }) => Period));
  const points = new Map<number, Point>();
  for (const { Period, Timestamps, Values } of matching) {
    if (Period !== finest) continue;
    Timestamps.forEach((timestamp, position) => {
      const at = epochOf(timestamp);
      points.set(at, { at, period: Period * 1000, value: Values[position] ?? 0 });
    });
  }
  return [...points.values()].sort((a, b) => a.at - b.at);
}

const isWithin = ({ at, period }: Point, { from, to }: Window): boolean => at >= from && at + period <= to;
const overlaps = ({ at, period }: Point, { from, to }: Window): boolean => at < to && at + period > from;

/**
 * Returns the sum of a counter over the whole periods inside the window: 0 when queried but never counted, null when
 * not queried.
 */
export function metricSum(
  series: readonly MetricSeries[],
  metric: string,
  scope: MetricScope,
  window: Window,
): number | null {
  const points = pointsOf(series, metric, 'Sum', scope);
  return points === null
    ? null
    : points.filter((point) => isWithin(point, window)).reduce((sum, { value }) => sum + value, 0);
}

/**
 * Returns the periods of a counter that overlap the window, ascending: none when queried but never counted, null when
 * not queried.
 */
export const metricCounts = (
  series: readonly MetricSeries[],
  metric: string,
  scope: MetricScope,
  window: Window,
): Point[] | null => pointsOf(series, metric, 'Sum', scope)?.filter((point) => overlaps(point, window)) ?? null;

/** Returns the largest value over the whole periods inside the window; null when not queried or without data points. */
export function metricMaximum(
  series: readonly MetricSeries[],
  metric: string,
  scope: MetricScope,
  window: Window,
  stat = 'Maximum',
): number | null {
  const points = metricPeriods(series, metric, scope, window, stat);
  return points.length === 0 ? null : Math.max(...points.map(({ value }) => value));
}

/** Returns the whole periods inside the window, ascending; none when not queried or without data points. */
export const metricPeriods = (
  series: readonly MetricSeries[],
  metric: string,
  scope: MetricScope,
  window: Window,
  stat: string,
): Point[] => (pointsOf(series, metric, stat, scope) ?? []).filter((point) => isWithin(point, window));

/** Returns the whole UTC minutes inside a window; null when there are none. */
export function wholeMinutes({ from, to }: Window): Window | null {
  const minutes = { from: Math.ceil(from / MINUTE) * MINUTE, to: Math.floor(to / MINUTE) * MINUTE };
  return minutes.from < minutes.to ? minutes : null;
}

/** Statuses with their own metric. Every other 5xx is only in HTTPCode_ELB_5XX_Count. */
const SPLIT = ['500', '502', '503', '504'];

/**
 * Returns sets of metrics, each of which counts the requested errors; null when an error has no metric. The first
 * recorded set is used. None contains the responses of targets that "gateway", "5xx" and "502" include; `errorsInLog`
 * leaves these out too.
 */
function counterNames(words: readonly string[]): string[][] | null {
  const split = SPLIT.map((status) => `HTTPCode_ELB_${status}_Count`);
  const distinct = [...new Set(words)];
  if (distinct.join() === 'target-5xx') return [['HTTPCode_Target_5XX_Count']];
  if (distinct.some((word) => word.startsWith('target-'))) return null;
  const statuses = distinct.map((word) => word.replace(/^elb-/, ''));
  if (statuses.some((status) => status === '5xx' || status === GATEWAY)) {
    // 5XX also counts 501, 505, 507, 561 and 562: use the four metrics only if 5XX was not queried.
    return statuses.every((status) => /^5|^gateway$/.test(status)) ? [['HTTPCode_ELB_5XX_Count'], split] : null;
  }
  return statuses.every((status) => SPLIT.includes(status))
    ? [statuses.map((status) => `HTTPCode_ELB_${status}_Count`)]
    : null;
}

const scopeOf = ({ loadBalancer, targetGroup, zone }: Question): MetricScope => ({
  loadBalancer,
  ...(targetGroup === undefined ? {} : { targetGroup }),
  ...(zone === undefined ? {} : { availabilityZone: zone }),
});

/**
 * Returns the data points of the first fully recorded set of counters, one list per counter; null when there is none.
 */
function errorPoints(question: Question, series: readonly MetricSeries[]): Point[][] | null {
  const scope = scopeOf(question);
  for (const counters of counterNames(question.statuses) ?? []) {
    // The load balancer's own errors are not counted by target group.
    if (scope.targetGroup !== undefined && counters.some((counter) => counter.startsWith('HTTPCode_ELB'))) continue;
    const points = counters.flatMap((counter) => {
      const own = pointsOf(series, counter, 'Sum', scope);
      return own === null ? [] : [own];
    });
    if (points.length === counters.length) return points;
  }
  return null;
}

/**
 * Returns the number of requested errors the load balancer generated, by its metrics, over the whole UTC minutes inside
 * the window. Null when a status has no metric (460, 561), a metric was not recorded, or a longer period with errors
 * crosses an end of those minutes.
 */
export function errorsInMetrics(question: Question, series: readonly MetricSeries[]): number | null {
  const minutes = wholeMinutes(question);
  const points = errorPoints(question, series);
  return minutes === null || points === null ? null : exactSum(points.flat(), minutes);
}

/** Counters of the load balancer over a window, available before any log is read. */
export interface CountedErrors {
  errors: number;
  /** Errors per status, if each status has its own metric; else empty. */
  byStatus: Record<string, number>;
  /** Requests that reached a target (RequestCount); null if not recorded. */
  requests: number | null;
  /** ISO 8601; start of the first period with an error. */
  since: string | null;
}

/** Returns the requested errors as CloudWatch counts them; null as for `errorsInMetrics`. */
export function countedErrors(question: Question, series: readonly MetricSeries[]): CountedErrors | null {
  const minutes = wholeMinutes(question);
  const errors = errorsInMetrics(question, series);
  if (minutes === null || errors === null) return null;
  const scope = scopeOf(question);
  const asked = question.statuses.map((word) => word.replace(/^elb-/, ''));
  const byStatus = Object.fromEntries(
    SPLIT.filter((status) => asked.some((word) => word === status || word === '5xx' || word === GATEWAY)).flatMap(
      (status): [string, number][] => {
        const count = metricSum(series, `HTTPCode_ELB_${status}_Count`, scope, minutes) ?? 0;
        return count === 0 ? [] : [[status, count]];
      },
    ),
  );
  const isSplit = Object.values(byStatus).reduce((sum, count) => sum + count, 0) === errors;
  const starts = (errorPoints(question, series) ?? [])
    .flat()
    .flatMap(({ at, value }) => (value > 0 && at >= minutes.from && at < minutes.to ? [at] : []));
  return {
    errors,
    byStatus: isSplit ? byStatus : {},
    requests: metricSum(series, 'RequestCount', scope, minutes),
    since: starts.length === 0 ? null : new Date(Math.min(...starts)).toISOString(),
  };
}

/** End of the recorded counters, and start of their last period with an error; epoch milliseconds. */
export interface MetricsReach {
  until: number;
  lastError: number | null;
}

/** Returns the reach of the counters up to the present; null when no counter of the requested statuses was recorded. */
export function metricsReach(question: Question, series: readonly MetricSeries[]): MetricsReach | null {
  const points = errorPoints(question, series)?.flat() ?? null;
  if (points === null) return null;
  return points.reduce<MetricsReach>(
    ({ until, lastError }, { at, period, value }) => ({
      until: Math.max(until, at + period),
      lastError: value > 0 ? Math.max(at, lastError ?? at) : lastError,
    }),
    { until: question.to, lastError: null },
  );
}

function exactSum(points: Point[], window: Window): number | null {
  const counted = points.filter((point) => point.value !== 0 && overlaps(point, window));
  return counted.every((point) => isWithin(point, window)) ? counted.reduce((sum, { value }) => sum + value, 0) : null;
}
