/** Decides whether the access log of a window may still grow. */

import type { AccessLog } from '../evidence/access-log.ts';
import type { MetricSeries } from '../evidence/aws.ts';
import { metricSum } from '../evidence/metrics.ts';
import type { Question } from '../evidence/question.ts';
import { LOGS_COMPLETE_AFTER } from '../query/recheck.ts';

interface Completeness {
  /** Null if it could not be read. */
  log: AccessLog | null;
  metrics: readonly MetricSeries[] | null;
  /** Asked errors of the load balancer, in the log and in its metrics. */
  inLog: number | null;
  inMetrics: number | null;
}

const MINUTE = 60_000;

/** Milliseconds after which the metrics of a minute are final. */
const METRICS_COMPLETE_AFTER = 3 * MINUTE;

/** Depends on completeness until `LOGS_COMPLETE_AFTER` has passed; entries still missing then may never arrive. */
export function isProvisional(question: Question, completeness: Completeness): boolean {
  const { log, inLog, inMetrics } = completeness;
  if (question.now >= question.to + LOGS_COMPLETE_AFTER) return false;
  if (log === null || log.newest === null || (inLog !== null && inMetrics !== null && inLog < inMetrics)) return true;
  return log.newest < question.to && !holdsEveryRequest(question, log, completeness.metrics);
}

/**
 * Whether the log has as many requests as CloudWatch counts. RequestCount only counts requests for which a target was
 * chosen: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
 */
function holdsEveryRequest(
  { from, to, now, loadBalancer }: Question,
  log: AccessLog,
  metrics: Completeness['metrics'],
): boolean {
  if (metrics === null || now < to + METRICS_COMPLETE_AFTER || from % MINUTE !== 0 || to % MINUTE !== 0) return false;
  const counted = metricSum(metrics, 'RequestCount', { loadBalancer }, { from, to });
  const sent = log.targets.reduce((sum, { target, requests }) => sum + (target === '-' ? 0 : requests), 0);
  return counted !== null && counted > 0 && sent >= counted;
}
