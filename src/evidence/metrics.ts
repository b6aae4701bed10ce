/** Reads metric series: sums and extremes of a metric over a window. Pure. Times are epoch milliseconds. */
import { GATEWAY } from '../query/statuses.ts';
import { epochOf, type MetricSeries } from './aws.ts';
import type { Question, Window } from './evidence.ts';

/** Whose metric: the load balancer, narrowed to a target group (its ARN) or to a zone. */
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

/** The value of the dimension TargetGroup: `targetgroup/<name>/<id>` of an ARN. */
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
 * The data points of a metric, ascending, at the finest period that was asked; null when it was not asked. A series may come in
 * several parts; the same period is not counted twice.
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

/** Sum of a counter over the whole periods inside the window: 0 when it was asked and never counted, null when it was not asked. */
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

/** The periods of a counter that meet the window, ascending: none when it was asked and never counted, null when it was not asked. */
export const metricCounts = (
  series: readonly MetricSeries[],
  metric: string,
  scope: MetricScope,
  window: Window,
): Point[] | null => pointsOf(series, metric, 'Sum', scope)?.filter((point) => overlaps(point, window)) ?? null;

/** Smallest value over the whole periods inside the window; null when it was not asked or there is no data point. */
export function metricMinimum(
  series: readonly MetricSeries[],
  metric: string,
  scope: MetricScope,
  window: Window,
  stat = 'Minimum',
): number | null {
  const values = valuesIn(series, metric, stat, scope, window);
  return values.length === 0 ? null : values.reduce((least, value) => Math.min(least, value));
}

/** Largest value over the whole periods inside the window; null when it was not asked or there is no data point. */
export function metricMaximum(
  series: readonly MetricSeries[],
  metric: string,
  scope: MetricScope,
  window: Window,
  stat = 'Maximum',
): number | null {
  const values = valuesIn(series, metric, stat, scope, window);
  return values.length === 0 ? null : values.reduce((most, value) => Math.max(most, value));
}

const valuesIn = (
  series: readonly MetricSeries[],
  metric: string,
  stat: string,
  scope: MetricScope,
  window: Window,
): number[] =>
  (pointsOf(series, metric, stat, scope) ?? []).filter((point) => isWithin(point, window)).map(({ value }) => value);

/** The whole UTC minutes inside a window; null when it holds none. */
export function wholeMinutes({ from, to }: Window): Window | null {
  const minutes = { from: Math.ceil(from / MINUTE) * MINUTE, to: Math.floor(to / MINUTE) * MINUTE };
  return minutes.from < minutes.to ? minutes : null;
}

/** The metrics that split out one status. Every other 5xx is only in HTTPCode_ELB_5XX_Count. */
const SPLIT = ['500', '502', '503', '504'];

/**
 * The metrics that together count the asked errors; null when some have none. The first that was recorded wins. What targets made beside
 * the load balancer's own errors ("gateway", "5xx", "502") is in none of them, and left out of `errorsInLog` as well.
 */
function counterNames(words: readonly string[]): string[][] | null {
  const split = SPLIT.map((status) => `HTTPCode_ELB_${status}_Count`);
  const distinct = [...new Set(words)];
  if (distinct.join() === 'target-5xx') return [['HTTPCode_Target_5XX_Count']];
  if (distinct.some((word) => word.startsWith('target-'))) return null;
  const statuses = distinct.map((word) => word.replace(/^elb-/, ''));
  if (statuses.some((status) => status === '5xx' || status === GATEWAY)) {
    // 5XX counts 501, 505, 507, 561 and 562 as well: the four alone are used only where 5XX was not asked for.
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

/** The data points of the first counters of the asked statuses that were all recorded, one list for each counter; null when none were. */
function errorPoints(question: Question, series: readonly MetricSeries[]): Point[][] | null {
  const scope = scopeOf(question);
  for (const counters of counterNames(question.statuses) ?? []) {
    // What the load balancer makes is not counted by target group.
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
 * How many asked errors the load balancer made, by its metrics, over the whole UTC minutes inside the window. Null when some asked
 * status has no metric (460, 561), a metric was not recorded, or longer periods with errors reach across an end of those minutes.
 */
export function errorsInMetrics(question: Question, series: readonly MetricSeries[]): number | null {
  const minutes = wholeMinutes(question);
  const points = errorPoints(question, series);
  return minutes === null || points === null ? null : exactSum(points.flat(), minutes);
}

/** What the counters of the load balancer say of a window, before any log is read. */
export interface CountedErrors {
  errors: number;
  /** Where each status is counted by itself; else empty. */
  byStatus: Record<string, number>;
  /** Those that reached a target (RequestCount); null where that was not recorded. */
  requests: number | null;
  /** ISO 8601: the start of the first period with an error. */
  since: string | null;
}

/** The asked errors as CloudWatch counts them; null as for `errorsInMetrics`. */
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

/** How far the counters of the asked statuses reach, and the start of their last period with an error; epoch milliseconds. */
export interface MetricsReach {
  until: number;
  lastError: number | null;
}

/** What the counters of the load balancer say of the present; null when the asked statuses have no counter that was recorded. */
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
