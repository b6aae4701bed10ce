/** CloudWatch: every metric relevant to 5xx, of the load balancer and of each target group. */
import {
  CloudWatchClient,
  type MetricDataQuery,
  type MetricDataResult,
  paginateGetMetricData,
} from '@aws-sdk/client-cloudwatch';
import type { MetricSeries, TargetGroup } from '../../evidence/aws.ts';
import { targetGroupDimension } from '../../evidence/metrics.ts';
import type { Question } from '../../evidence/question.ts';
import { type Call, collectItems } from './call.ts';
import { chunks } from './chunks.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Maximum metrics, and maximum data points, of one GetMetricData call (CloudWatch quotas). */
const METRICS_PER_CALL = 500;
const POINTS_PER_CALL = 100_800;

interface MetricRequest {
  MetricName: string;
  Dimensions: Record<string, string>;
  Stat: string;
}

/** Counted for the whole load balancer; its own status codes are not split by target group. */
const OF_LOAD_BALANCER: readonly (readonly [metric: string, stat: string])[] = [
  ['HTTPCode_ELB_5XX_Count', 'Sum'],
  ['HTTPCode_ELB_500_Count', 'Sum'],
  ['HTTPCode_ELB_502_Count', 'Sum'],
  ['HTTPCode_ELB_503_Count', 'Sum'],
  ['HTTPCode_ELB_504_Count', 'Sum'],
  ['HTTPCode_ELB_4XX_Count', 'Sum'],
  ['HTTPCode_Target_5XX_Count', 'Sum'],
  ['RequestCount', 'Sum'],
  ['TargetConnectionErrorCount', 'Sum'],
  ['TargetTLSNegotiationErrorCount', 'Sum'],
  ['TargetResponseTime', 'Average'],
  ['TargetResponseTime', 'p99'],
  ['RejectedConnectionCount', 'Sum'],
  ['ActiveConnectionCount', 'Sum'],
  ['NewConnectionCount', 'Sum'],
  ['HTTP_Fixed_Response_Count', 'Sum'],
  ['HTTP_Redirect_Url_Limit_Exceeded_Count', 'Sum'],
  ['DesyncMitigationMode_NonCompliant_Request_Count', 'Sum'],
  ['ELBAuthError', 'Sum'],
  ['ELBAuthFailure', 'Sum'],
  ['ELBAuthUserClaimsSizeExceeded', 'Sum'],
  ['JWTValidationFailureCount', 'Sum'],
];

const OF_EVERY_GROUP: typeof OF_LOAD_BALANCER = [
  ['RequestCount', 'Sum'],
  ['HTTPCode_Target_2XX_Count', 'Sum'],
  ['HTTPCode_Target_3XX_Count', 'Sum'],
  ['HTTPCode_Target_4XX_Count', 'Sum'],
  ['HTTPCode_Target_5XX_Count', 'Sum'],
  ['TargetResponseTime', 'Average'],
  ['TargetResponseTime', 'p99'],
  ['HealthyHostCount', 'Minimum'],
  ['UnHealthyHostCount', 'Maximum'],
  ['UnhealthyRoutingRequestCount', 'Sum'],
];

/** Not requested for Lambda, which has no connection metrics: a missing value would not mean zero. */
const OF_HOSTS: typeof OF_LOAD_BALANCER = [
  ['TargetConnectionErrorCount', 'Sum'],
  ['TargetTLSNegotiationErrorCount', 'Sum'],
  ['AnomalousHostCount', 'Maximum'],
  ['MitigatedHostCount', 'Maximum'],
  ['ActiveZonalShiftHostCount', 'Maximum'],
];

const OF_LAMBDA: typeof OF_LOAD_BALANCER = [
  ['LambdaUserError', 'Sum'],
  ['LambdaInternalError', 'Sum'],
];

/** For groups with a target control port. */
const OF_OPTIMIZER: typeof OF_LOAD_BALANCER = [
  ['TargetControlRequestCount', 'Sum'],
  ['TargetControlRequestRejectCount', 'Sum'],
  ['TargetControlChannelErrorCount', 'Sum'],
];

const requestsFor = (pairs: typeof OF_LOAD_BALANCER, Dimensions: Record<string, string>): MetricRequest[] =>
  pairs.map(([MetricName, Stat]) => ({ MetricName, Dimensions, Stat }));

/** The metrics to request for a whole load balancer, `app/<name>/<id>`. */
export const metricsOfLoadBalancer = (LoadBalancer: string): MetricRequest[] =>
  requestsFor(OF_LOAD_BALANCER, { LoadBalancer });

/** The metrics to request for its target groups. */
export const metricsOfGroups = (LoadBalancer: string, groups: readonly TargetGroup[]): MetricRequest[] =>
  groups.flatMap(({ TargetGroupArn, TargetType, TargetControlPort }) =>
    requestsFor(
      [
        ...OF_EVERY_GROUP,
        ...(TargetType === 'lambda' ? OF_LAMBDA : OF_HOSTS),
        ...(TargetControlPort === undefined ? [] : OF_OPTIMIZER),
      ],
      { LoadBalancer, TargetGroup: targetGroupDimension(TargetGroupArn) },
    ),
  );

/**
 * Seconds. CloudWatch keeps 1-minute data points for 15 days, 5-minute ones for 63 days, 1-hour ones for 455 days
 * (CloudWatch user guide).
 */
export function periodFor({ from, now }: Pick<Question, 'from' | 'now'>): number {
  if (now - from < 15 * DAY) return 60;
  return now - from < 63 * DAY ? 300 : 3600;
}

/** How long after the window metrics still show whether the errors continue. */
const FOLLOW_UP_MS = 60 * MINUTE;

/** How long before the window metrics still show whether the errors ran already. */
const BEFORE_MS = 60 * MINUTE;

/** The whole periods of the window and the hour before, extended up to now if that is soon after. Epoch milliseconds. */
export function spanFor({ from, to, now }: Pick<Question, 'from' | 'to' | 'now'>): { from: number; to: number } {
  const period = periodFor({ from, now }) * 1000;
  const end = now > to && now - to <= FOLLOW_UP_MS ? now : to;
  return { from: Math.floor((from - BEFORE_MS) / period) * period, to: Math.ceil(end / period) * period };
}

/** Splits metrics into batches that fit one call and one page of its answer. */
export function batches<T>(metrics: readonly T[], pointsEach: number): T[][] {
  const size = Math.max(1, Math.min(METRICS_PER_CALL, Math.floor(POINTS_PER_CALL / pointsEach)));
  return chunks(metrics, size);
}

/** Returns a series for each requested metric; empty if CloudWatch has no values, which for a counter means zero. */
export async function fetchMetrics(
  call: Call,
  question: Question,
  requests: readonly MetricRequest[],
): Promise<MetricSeries[]> {
  const Period = periodFor(question);
  const span = spanFor(question);
  const points = (span.to - span.from) / (Period * 1000);
  const client = call.session.client(CloudWatchClient);
  const answers = batches(requests, points).map(async (batch) => {
    const pages = paginateGetMetricData(
      { client },
      {
        MetricDataQueries: batch.map((metric, at) => toMetricDataQuery(metric, `m${at}`, Period)),
        StartTime: new Date(span.from),
        EndTime: new Date(span.to),
        ScanBy: 'TimestampAscending',
      },
      call.options,
    );
    const results = await collectItems(pages, (page) => page.MetricDataResults);
    return batch.flatMap((metric, at) =>
      toMetricSeries(
        metric,
        Period,
        results.filter(({ Id }) => Id === `m${at}`),
      ),
    );
  });
  return (await Promise.all(answers)).flat();
}

const toMetricDataQuery = (
  { MetricName, Dimensions, Stat }: MetricRequest,
  Id: string,
  Period: number,
): MetricDataQuery => ({
  Id,
  MetricStat: {
    Metric: {
      Namespace: 'AWS/ApplicationELB',
      MetricName,
      Dimensions: Object.entries(Dimensions).map(([Name, Value]) => ({ Name, Value })),
    },
    Period,
    Stat,
  },
});

/** Joins the parts of a result. Omits a metric that CloudWatch could not read: its value is unknown, not zero. */
function toMetricSeries(metric: MetricRequest, Period: number, parts: readonly MetricDataResult[]): MetricSeries[] {
  const isRead =
    parts.length > 0 && parts.every(({ StatusCode }) => StatusCode !== 'InternalError' && StatusCode !== 'Forbidden');
  if (!isRead) return [];
  const points = parts.flatMap(({ Timestamps = [], Values = [] }) =>
    Timestamps.map((at, position) => ({ at: at.getTime(), value: Values[position] ?? 0 })),
  );
  points.sort((a, b) => a.at - b.at);
  return [
    {
      ...metric,
      Period,
      Timestamps: points.map(({ at }) => new Date(at).toISOString()),
      Values: points.map(({ value }) => value),
    },
  ];
}
