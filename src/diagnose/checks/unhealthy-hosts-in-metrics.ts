import type { MetricSeries, TargetGroup } from '../../evidence/aws.ts';
import type { Question } from '../../evidence/evidence.ts';
import { metricMaximum, metricMinimum, metricSum } from '../../evidence/metrics.ts';
import { list, plural } from '../../format/wording.ts';
import { attachedGroups } from '../network-path/target-paths.ts';
import { defineCheck } from './check.ts';

const MINUTE = 60_000;

export const unhealthyHostsInMetrics = defineCheck({
  id: 'unhealthy-hosts-in-metrics',
  step: 6,
  question: 'Do the metrics show all targets healthy during the whole window?',
  why: 'Target health is a snapshot of now; UnHealthyHostCount and HealthyHostCount show the time of the errors.',
  fix: 'Find out why health checks failed at that time: health-check logs, task and instance events, the path to the health-check port.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html',
  symptom: true,
  headline: 2,
  needs: ['targetGroups', 'metrics'],
  wants: ['loadBalancer', 'traffic'],

  evaluate(evidence, question) {
    const groups = attachedGroups(evidence);
    if (groups.length === 0) return { outcome: 'not-applicable', summary: 'No target group with addresses is in use.' };
    const read = groups.map((group) => hostsOf(group, evidence.metrics, question));
    const facts = read.flatMap(({ name, unhealthy, healthy }) => [
      ...(unhealthy === null ? [] : [{ label: `${name} unhealthy hosts at most`, value: unhealthy }]),
      ...(healthy === null ? [] : [{ label: `${name} healthy hosts at least`, value: healthy }]),
    ]);
    const findings = read.flatMap((hosts) => finding(hosts) ?? []);
    if (findings.length > 0) return { outcome: 'fail', summary: findings.join(' '), facts };
    const notRead = read.filter(({ unhealthy }) => unhealthy === null).map(({ name }) => name);
    if (notRead.length > 0) {
      return {
        outcome: 'unknown',
        summary: `UnHealthyHostCount of ${list(notRead)} has no data in the window.`,
        facts,
      };
    }
    const least = read.map(({ name, healthy }) => (healthy === null ? name : `${name} (at least ${healthy} healthy)`));
    return { outcome: 'pass', summary: `No unhealthy hosts in ${list(least)}.`, facts };
  },
});

interface Hosts {
  name: string;
  unhealthy: number | null;
  healthy: number | null;
  /** Requests sent although too few hosts were healthy; null when not asked. */
  failedOpen: number | null;
}

function hostsOf(group: TargetGroup, metrics: MetricSeries[], question: Question): Hosts {
  const scope = { loadBalancer: question.loadBalancer, targetGroup: group.TargetGroupArn };
  const window = { from: Math.floor(question.from / MINUTE) * MINUTE, to: Math.ceil(question.to / MINUTE) * MINUTE };
  const first = (read: (stat: string) => number | null, stats: string[]): number | null =>
    stats.reduce<number | null>((found, stat) => found ?? read(stat), null);
  return {
    name: group.TargetGroupName,
    unhealthy: first(
      (stat) => metricMaximum(metrics, 'UnHealthyHostCount', scope, window, stat),
      ['Maximum', 'Average', 'Minimum'],
    ),
    healthy: first(
      (stat) => metricMinimum(metrics, 'HealthyHostCount', scope, window, stat),
      ['Minimum', 'Average', 'Maximum'],
    ),
    failedOpen: metricSum(metrics, 'UnhealthyRoutingRequestCount', scope, window),
  };
}

function finding({ name, unhealthy, healthy, failedOpen }: Hosts): string | null {
  const open = failedOpen
    ? ` ${plural(failedOpen, 'request was', 'requests were')} sent to unhealthy hosts because too few were healthy.`
    : '';
  if (healthy === 0) return `${name} had no healthy host for part of the window.${open}`;
  if (unhealthy !== null && unhealthy > 0)
    return `${name} had up to ${plural(unhealthy, 'unhealthy host')} in the window.${open}`;
  return open === '' ? null : `${name}:${open}`;
}
