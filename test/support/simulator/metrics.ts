/**
 * CloudWatch as it would have counted the same requests: sums over 60 s, by the minute of the response. A counter that was asked and is
 * zero has no values, since CloudWatch has no data points for it. ELB status counters have no target group dimension.
 */
import type { HealthView } from './health.ts';
import { loadBalancerPath } from './names.ts';
import type { Row } from './row.ts';
import type { Scenario } from './scenario.ts';
import type { Target } from './target.ts';

export interface MetricSeries {
  MetricName: string;
  Dimensions: Record<string, string>;
  Stat: string;
  Period: number;
  Timestamps: string[];
  Values: number[];
}

const minute = 60_000;

export function metricsOf(
  scenario: Scenario,
  rows: Row[],
  targets: Target[],
  health: HealthView,
  span: { start: number; end: number },
): MetricSeries[] {
  const lb = { LoadBalancer: loadBalancerPath(scenario.loadBalancer) };
  const series: MetricSeries[] = [];
  const add = (name: string, dimensions: Record<string, string>, stat: string, points: Map<number, number>) => {
    const times = [...points.keys()].sort((a, b) => a - b);
    series.push({
      MetricName: name,
      Dimensions: dimensions,
      Stat: stat,
      Period: 60,
      Timestamps: times.map((time) => new Date(time).toISOString().replace('.000Z', 'Z')),
      Values: times.map((time) => points.get(time) ?? 0),
    });
  };
  const sum = (name: string, dimensions: Record<string, string>, counted: (row: Row) => boolean) => {
    const points = new Map<number, number>();
    for (const row of rows) {
      if (!counted(row)) continue;
      const key = Math.floor(row.time / minute) * minute;
      points.set(key, (points.get(key) ?? 0) + 1);
    }
    add(name, dimensions, 'Sum', points);
  };
  const byLoadBalancer = (row: Row) => row.targetStatus === null;
  const hasChosen = (row: Row) =>
    row.target !== null ||
    (row.actions.endsWith('forward') && row.targetGroupName !== null && row.truth?.signature !== 'no-target');

  sum('RequestCount', lb, hasChosen);
  for (const status of [500, 502, 503, 504])
    sum(`HTTPCode_ELB_${status}_Count`, lb, (row) => byLoadBalancer(row) && row.elbStatus === status);
  sum('HTTPCode_ELB_5XX_Count', lb, (row) => byLoadBalancer(row) && row.elbStatus >= 500);
  sum('HTTPCode_ELB_4XX_Count', lb, (row) => byLoadBalancer(row) && row.elbStatus >= 400 && row.elbStatus < 500);
  sum('HTTP_Fixed_Response_Count', lb, (row) => row.actions.endsWith('fixed-response'));
  sum('RejectedConnectionCount', lb, () => false);
  if (scenario.routes.some((route) => route.authenticate)) {
    sum('ELBAuthError', lb, (row) => row.truth?.cause === 'authentication-failure');
    sum('ELBAuthFailure', lb, () => false);
  }

  for (const group of scenario.targetGroups) {
    const dimensions = { ...lb, TargetGroup: `targetgroup/${group.name}/${group.id}` };
    const own = (row: Row) => row.targetGroupName === group.name;
    sum('RequestCount', dimensions, (row) => own(row) && hasChosen(row));
    for (const family of [2, 3, 4, 5])
      sum(
        `HTTPCode_Target_${family}XX_Count`,
        dimensions,
        (row) => own(row) && Math.floor((row.targetStatus ?? 0) / 100) === family,
      );
    if (group.targetType === 'lambda') {
      sum('LambdaUserError', dimensions, (row) => own(row) && row.errorReason !== null && !isInternal(row.errorReason));
      sum(
        'LambdaInternalError',
        dimensions,
        (row) => own(row) && row.errorReason !== null && isInternal(row.errorReason),
      );
      continue;
    }
    if (group.optimizer !== undefined)
      sum('TargetControlRequestRejectCount', dimensions, (row) => own(row) && row.truth?.cause === 'target-optimizer');
    sum('TargetConnectionErrorCount', dimensions, (row) => own(row) && row.connection === 'not-connected');
    sum('TargetTLSNegotiationErrorCount', dimensions, (row) => own(row) && row.connection === 'no-tls');
    for (const [stat, of] of [
      ['Average', mean],
      ['p99', percentile99],
    ] as const) {
      const times = new Map<number, number[]>();
      for (const row of rows) {
        if (!own(row) || row.targetStatus === null) continue;
        const key = Math.floor(row.time / minute) * minute;
        times.set(key, [...(times.get(key) ?? []), row.targetProcessing]);
      }
      add(
        'TargetResponseTime',
        dimensions,
        stat,
        new Map([...times].map(([key, values]) => [key, rounded(of(values))])),
      );
    }
    const mine = targets.filter((target) => target.group === group);
    const counted = (state: 'healthy' | 'unhealthy', stat: 'Minimum' | 'Maximum') =>
      hostCounts(scenario, mine, health, state, stat, span);
    add('HealthyHostCount', dimensions, 'Minimum', counted('healthy', 'Minimum'));
    add('UnHealthyHostCount', dimensions, 'Maximum', counted('unhealthy', 'Maximum'));
  }
  return series;
}

/** Each node reports how many hosts it finds in a state; an empty group has no data points. */
function hostCounts(
  scenario: Scenario,
  targets: Target[],
  health: HealthView,
  state: 'healthy' | 'unhealthy',
  stat: 'Minimum' | 'Maximum',
  span: { start: number; end: number },
): Map<number, number> {
  const points = new Map<number, number>();
  for (let time = Math.floor(span.start / minute) * minute; time < span.end; time += minute) {
    const counts: number[] = [];
    for (let sample = time; sample < time + minute; sample += 10_000) {
      const registered = targets.filter((target) => target.registeredAt <= sample && sample < target.deregisteredAt);
      if (registered.length === 0) continue;
      for (const node of scenario.loadBalancer.nodes)
        counts.push(registered.filter((target) => health.at(node, target, sample).state === state).length);
    }
    if (counts.length > 0) points.set(time, stat === 'Minimum' ? Math.min(...counts) : Math.max(...counts));
  }
  return points;
}

/** The codes that count as errors of the load balancer or the Lambda service. */
function isInternal(code: string): boolean {
  return [
    'LambdaConnectionError',
    'LambdaConnectionTimeout',
    'LambdaServiceException',
    'LambdaUnhandledException',
  ].includes(code);
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const percentile99 = (values: number[]) => [...values].sort((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1] ?? 0;
const rounded = (value: number) => Math.round(value * 1e4) / 1e4;
